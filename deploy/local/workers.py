"""A function's Python finds its modules where Lambda's does, and ends when its run did.

Runs in MiniStack's environment, beside `wrapper.py`: see there. MiniStack's worker is a
script; a line of it that differs from Lambda is replaced. A change of the function ends
its workers there, also one that is just starting; on AWS a run keeps its environment.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

#: Runs in the worker. As AWS's own runtime says it, in awslambdaric's bootstrap.py:
#: https://github.com/aws/aws-lambda-python-runtime-interface-client
TOLD = """
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

"""
REPLACED = {
    # A layer's root is /opt, which is not on Lambda's path: /opt/python is.
    "        sys.path.insert(0, _ld)\n": "",
    '"status": "error", "error": str(e)}) + "\\n")\n        _real_stdout.flush()\n'
    "        return\n": '"status": "error", "error": _told(e, module_name, '
    'handler_name)}) + "\\n")\n        _real_stdout.flush()\n        return\n',
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
    return TOLD + script


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
    spare_the_busy(lambda_runtime)
    lambda_svc.acquire_worker = lambda_runtime.acquire_worker
    lambda_svc.release_worker = lambda_runtime.release_worker
