"""Programs that a test runs beside itself, and what they say."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.bench import fetch, until

Done = subprocess.CompletedProcess[str]


def run(*command: object, **more: Any) -> Done:
    """Run a program to its end."""
    return subprocess.run(command, capture_output=True, text=True, **more)


def python(*arguments: object, **more: Any) -> Done:
    """Run Python to its end, the one that the tests run with."""
    return run(sys.executable, *arguments, **more)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, log: Path, seconds: float = 60) -> None:
    """Wait until a program answers; if it does not, say what it logged."""

    def answers() -> bool:
        try:
            return fetch(url)[0] == 200
        except OSError:
            return False

    try:
        until(answers, seconds)
    except AssertionError:
        raise TimeoutError(log.read_text()) from None
