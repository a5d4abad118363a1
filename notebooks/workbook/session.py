"""`begin()`: the first code cell of every notebook."""

from __future__ import annotations

from IPython.core.getipython import get_ipython

from deploy import DeployError, connect
from deploy.cloud import Cloud


def begin(step: int = 0) -> Cloud:
    """Connect to the cloud and set the notebook up; every notebook starts so.

    From here on an error of ours is one sentence under the cell, not a traceback.
    """
    if shell := get_ipython():
        shell.set_custom_exc((DeployError,), _one_sentence)
    cloud = connect()
    print(f"Step {step}, on {cloud}.")
    return cloud


def _one_sentence(shell, kind, error, traceback, tb_offset=None):  # noqa: ANN001, ANN202
    """Show what failed, where and what to do; keep the traceback for who asks."""
    shell._showtraceback(kind, error, [f"{kind.__name__}: {error}"])
    return [f"{kind.__name__}: {error}"]
