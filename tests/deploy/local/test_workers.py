"""A function that cannot start says why in Lambda's words."""

import sys
from types import ModuleType

import pytest

from deploy.local import workers

SCRIPT = "def run():\n" + "".join(workers.REPLACED)


def told(error, handler="main"):
    names = {"sys": sys}
    exec(workers.TOLD, names)
    return names["_told"](error, "app", handler)


@pytest.fixture
def app(monkeypatch):
    """A module that was imported, and has no such function."""
    monkeypatch.setitem(sys.modules, "app", ModuleType("app"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ModuleNotFoundError("No module named 'PIL'"),
            "Runtime.ImportModuleError: Unable to import module 'app': "
            "No module named 'PIL'",
        ),
        (
            SyntaxError("invalid syntax"),
            "Runtime.UserCodeSyntaxError: Syntax error in module 'app': invalid syntax",
        ),
        (ValueError("TARGET_BUCKET is empty"), "ValueError: TARGET_BUCKET is empty"),
    ],
)
def test_as_awss_runtime_says_it(error, words):
    assert told(error) == words


def test_a_handler_that_is_not_there(app):
    said = told(AttributeError("module 'app' has no attribute 'main'"))
    assert said == ("Runtime.HandlerNotFound: Handler 'main' missing on module 'app'")


def test_a_layers_root_is_not_on_the_path():
    script = workers.as_on_aws(SCRIPT)
    assert "sys.path.insert(0, _ld)" not in script and "_told(e, " in script


def test_another_ministack_is_noticed_at_the_start():
    with pytest.raises(RuntimeError, match="no longer the line"):
        workers.as_on_aws("def run():\n    pass\n")


def test_an_error_has_lambdas_name():
    def spawn(text):
        raise RuntimeError(text)

    spawning = workers.named_as_on_aws(spawn)
    with pytest.raises(RuntimeError, match=r"^Unable to import") as caught:
        spawning("Worker init failed: Runtime.ImportModuleError: Unable to import")
    assert type(caught.value).__name__ == "Runtime.ImportModuleError"
    with pytest.raises(RuntimeError, match="exited immediately"):
        spawning("Worker process exited immediately")
