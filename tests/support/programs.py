"""Programs that a test runs beside itself, and what they say."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

Done = subprocess.CompletedProcess[str]


def run(*command: object, **more: Any) -> Done:
    """Run a program to its end."""
    return subprocess.run(command, capture_output=True, text=True, **more)


def python(*arguments: object, **more: Any) -> Done:
    """Run Python to its end, the one that the tests run with."""
    return run(sys.executable, *arguments, **more)
