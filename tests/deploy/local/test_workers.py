"""A function that cannot start says why in Lambda's words."""

import queue
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace

import pytest

from deploy.local import workers

SCRIPT = "def run():\n" + "".join(workers.REPLACED)


def told(error, handler="main"):
    names = {"sys": sys}
    exec(workers.ADDED, names)
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


def log_of(written, *, later=(), mark=True):
    """The log of a run whose worker has written lines, and writes others later."""
    lines = queue.Queue()

    def write():
        for line in [*later, *([workers.MARK] if mark else [])]:
            lines.put(line)

    for line in written:
        lines.put(line)
    writer = threading.Timer(0.1, write)
    writer.start()
    config = {"Runtime": "python3.13"}
    worker = SimpleNamespace(config=config, _stderr_queue=lines, _stderr_thread=writer)
    return workers.to_the_mark(lambda worker: "in 50 ms")(worker)


def test_a_log_has_every_line_however_late():
    assert log_of(["one", ""], later=["two"]) == "one\n\ntwo"
    assert log_of([f"unended{workers.MARK}"]) == "unended"


def test_the_log_of_a_run_that_died_is_what_it_wrote():
    assert log_of(["one"], later=["two"], mark=False) == "one\ntwo"


def test_other_runtimes_write_no_mark():
    worker = SimpleNamespace(config={"Runtime": "nodejs22.x"})
    assert workers.to_the_mark(lambda worker: "in 50 ms")(worker) == "in 50 ms"


@pytest.fixture
def runtime():
    """What MiniStack has of leases, with one worker; `killed` lists who was ended."""
    worker, killed = SimpleNamespace(in_use=False), []

    def acquire():
        worker.in_use = True
        return worker, "reused"

    found = SimpleNamespace(_lock=threading.Lock(), killed=killed, worker=worker)
    found.acquire_worker, found.kill_workers = acquire, killed.extend
    workers.spare_the_busy(found)
    return found


def elsewhere(work, *args):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *args).result()


def test_a_busy_worker_ends_with_its_run(runtime):
    worker, _ = elsewhere(runtime.acquire_worker)
    runtime.kill_workers([worker])
    assert runtime.killed == []
    elsewhere(runtime.release_worker, worker)
    assert runtime.killed == [worker] and not worker.in_use


def test_an_idle_worker_ends_at_once_and_a_run_ends_its_own(runtime):
    runtime.kill_workers([runtime.worker])
    assert runtime.killed == [runtime.worker]
    worker, _ = runtime.acquire_worker()
    runtime.kill_workers([worker])  # it could not start
    assert runtime.killed == [worker, worker]


def test_a_worker_that_nobody_ends_stays(runtime):
    worker, _ = runtime.acquire_worker()
    runtime.release_worker(worker)
    runtime.release_worker(None)
    assert runtime.killed == [] and not worker.in_use
