"""A function's Python finds its modules where Lambda's does, and ends when its run did.

Runs in MiniStack's environment, beside `wrapper.py`: see there. MiniStack's worker is a
script; a line of it that differs from Lambda is replaced. A change of the function ends
its workers there, also one that is just starting; on AWS a run keeps its environment.
It gives a run's log lines 50 ms to come, and a busy machine needs longer: here the
worker writes a mark behind them.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

#: Stands behind the last line of a run, and in no line of a handler's.
MARK = "\x00end of the run\x00"
#: A mark has this long to come, which only a handler that closed its output misses.
PATIENCE_S = 5.0

#: Runs in the worker. As AWS's own runtime says it, in awslambdaric's bootstrap.py:
#: https://github.com/aws/aws-lambda-python-runtime-interface-client
ADDED = """
def _told(error, module, handler):
    kind, text = type(error).__name__, str(error)
    if isinstance(error, ImportError):
        kind = "Runtime.ImportModuleError"
        text = f"Unable to import module '{module}': {text}"
    elif isinstance(error, SyntaxError):
        kind = "Runtime.UserCodeSyntaxError"
        text = f"Syntax error in module '{module}': {text}"
    elif module in sys.modules and not hasattr(sys.modules[module], handler):
        kind = "Runtime.HandlerNotFound"
        text = f"Handler '{handler}' missing on module '{module}'"
    return f"{kind}: {text}"

def _mark():
    try:
        sys.stderr.flush()
        os.write(2, MARK)
    except Exception:
        pass  # the handler closed them

""".replace("MARK", repr(f"{MARK}\n".encode()))
REPLACED = {
    # A layer's root is /opt, which is not on Lambda's path: /opt/python is.
    "        sys.path.insert(0, _ld)\n": "",
    '"status": "error", "error": str(e)}) + "\\n")\n        _real_stdout.flush()\n'
    "        return\n": '"status": "error", "error": _told(e, module_name, '
    'handler_name)}) + "\\n")\n        _real_stdout.flush()\n        return\n',
    "            result = handler_fn(event, context)\n": (
        "            try:\n"
        "                result = handler_fn(event, context)\n"
        "            finally:\n"
        "                _mark()\n"
    ),
}
_FAILED = "Worker init failed: "  # how MiniStack begins


def as_on_aws(script: str) -> str:
    """Change the worker's script where it differs from Lambda.

    Raises:
        RuntimeError: MiniStack's script is another than the one that this knows.
    """
    for old, new in REPLACED.items():
        if script.count(old) != 1:
            raise RuntimeError(f"MiniStack's worker has no longer the line {old!r}")
        script = script.replace(old, new)
    return ADDED + script


def named_as_on_aws(spawn: Callable[..., Any]) -> Callable[..., Any]:
    """Let a worker that could not start raise an error of Lambda's name and text."""

    @wraps(spawn)
    def spawning(*args: Any, **options: Any) -> Any:
        try:
            return spawn(*args, **options)
        except RuntimeError as error:
            kind, _, text = str(error).removeprefix(_FAILED).partition(": ")
            if not str(error).startswith(_FAILED):
                raise
            raise type(kind, (RuntimeError,), {})(text) from error

    return spawning


def to_the_mark(drain: Callable[..., str]) -> Callable[..., str]:
    """Let a worker's log lines be all that its run wrote, however late they come."""

    @wraps(drain)
    def draining(worker: Any, **options: Any) -> str:
        if not worker.config.get("Runtime", "").startswith("python"):
            return drain(worker, **options)
        lines, deadline = [], time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            may_come = worker._stderr_thread.is_alive()
            try:
                line, mark, _ = worker._stderr_queue.get(timeout=0.05).partition(MARK)
            except queue.Empty:
                if may_come:
                    continue
                break  # the process is gone, and so is the mark
            if line or not mark:
                lines.append(line)
            if mark:
                break
        return "\n".join(lines)

    return draining


def spare_the_busy(runtime: Any) -> None:
    """Let each worker end its run before it is ended, but for who ends its own."""
    acquire, kill = runtime.acquire_worker, runtime.kill_workers

    def acquiring(*args: Any, **options: Any) -> Any:
        worker, how = acquire(*args, **options)
        if worker:
            worker.thread = threading.get_ident()
        return worker, how

    def killing(workers: list[Any]) -> None:
        me, idle = threading.get_ident(), []
        with runtime._lock:
            for worker in workers:
                if worker.in_use and getattr(worker, "thread", None) != me:
                    worker.ends = True
                else:
                    idle.append(worker)
        kill(idle)

    def releasing(worker: Any) -> None:
        if worker is None:
            return
        with runtime._lock:
            worker.in_use, worker.thread = False, None
            ends = getattr(worker, "ends", False)
        if ends:
            kill([worker])

    runtime.acquire_worker, runtime.kill_workers = acquiring, killing
    runtime.release_worker = releasing


def install() -> None:
    """Put ours in MiniStack's place."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    script = as_on_aws(lambda_runtime._PYTHON_WORKER_SCRIPT)
    lambda_runtime._PYTHON_WORKER_SCRIPT = script
    lambda_runtime.Worker._spawn = named_as_on_aws(lambda_runtime.Worker._spawn)
    for drain in ("_drain_stderr", "_drain_stderr_bounded"):
        whole = to_the_mark(getattr(lambda_runtime.Worker, drain))
        setattr(lambda_runtime.Worker, drain, whole)
    spare_the_busy(lambda_runtime)
    lambda_svc.acquire_worker = lambda_runtime.acquire_worker
    lambda_svc.release_worker = lambda_runtime.release_worker
