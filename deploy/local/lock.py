"""An exclusive lock on a file, which ends with the process that holds it.

Nothing here may import the rest of `deploy`: the local cloud's own process takes the
lock, and has its own environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

#: Windows locks bytes, and lets nobody read them: beyond the text, then.
_BYTE = 1 << 30


def hold(path: Path) -> IO[str] | None:
    """Take the lock and write our process id; None when another process has it.

    The lock lasts until the file is closed: whoever takes it keeps the file.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    if not _try(file):
        file.close()
        return None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def holder(path: Path) -> int | None:
    """The process that holds the lock, 0 when it is not known, None when it is free."""
    try:
        with path.open("r+") as file:
            if _try(file):
                return None
            text = file.read()
    except FileNotFoundError:
        return None
    return int(text) if text.isdigit() else 0


def _try(file: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file.fileno(), _BYTE, os.SEEK_SET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            os.lseek(file.fileno(), 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
