from importlib.util import cache_from_source
from pathlib import Path

import pytest
from support.programs import python

from deploy.steps.layer import bytecode

MODULE = '''"""A module."""

from __future__ import annotations


def only() -> nowhere.Name:
    """Nothing but this."""


class One:
    """A class."""

    def checked(self, value):
        """Check a value."""
        assert value, "no value"
        return "no docstring"
'''


@pytest.fixture
def compiled(tmp_path):
    """A folder whose module was compiled, and then changed, so the .pyc must count."""
    path = tmp_path / "some.py"
    path.write_text(MODULE, "utf-8")
    bytecode.main(str(tmp_path), bytecode.OPT)
    path.write_text("raise ImportError", "utf-8")
    return tmp_path


def run(folder, script):
    script = f"import sys; sys.path.insert(0, {str(folder)!r}); import some; {script}"
    return python("-I", "-S", "-B", "-c", script)


def test_docstrings_are_gone_and_strings_are_not(compiled):
    docs = "some.__doc__, some.only.__doc__, some.One.__doc__, some.One.checked.__doc__"
    done = run(compiled, f"print({docs}, some.only(), some.One().checked(1))")
    assert done.stdout.strip() == "None None None None None no docstring"


def test_asserts_stay_and_tracebacks_name_the_line(compiled):
    said = run(compiled, "some.One().checked(0)").stderr
    assert "AssertionError: no value" in said and "line 15, in checked" in said


def test_the_folder_named_is_lambdas(compiled):
    path = Path(cache_from_source(str(compiled / "some.py")))
    assert b"/opt/python/some.py" in path.read_bytes()
