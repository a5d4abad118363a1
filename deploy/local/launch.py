"""Become the local cloud's process: nobody's child, alone in its folder.

A script, run in the cloud's own environment. What starts it holds the other ends of
two pipes: on the one it reads our process id, on the other it says that it takes us
on. When it dies or gives up before that, we end, too: nobody would ever find us.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
import threading
from pathlib import Path

import lock  # beside this file, which is run as a script, as the next
import pairs

#: Longer than whoever starts a server waits for its first answer.
ADOPTION_S = 40


def leave_parent() -> None:
    """Let init be the parent, which reaps us; say our process id.

    A child of a notebook's kernel would be its zombie for as long as the kernel lives.
    """
    if hasattr(os, "fork"):
        if child := os.fork():
            os.write(1, str(child).encode())
            os._exit(0)
        os.setsid()
    else:
        os.write(1, str(os.getpid()).encode())
    os.dup2(2, 1)  # the pipe ends here, and whoever reads it goes on


def await_adoption() -> None:
    """End this process unless whoever started it takes it on in time."""
    late = threading.Timer(ADOPTION_S, os._exit, [1])
    late.daemon = True
    late.start()
    if not os.read(0, 1):
        os._exit(1)
    late.cancel()


class Log(io.TextIOWrapper):
    """What is said to the log: what a full disk does not take is lost, and no more."""

    def write(self, text: str) -> int:
        """Write, if there is room."""
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what waits, if there is room."""
        with contextlib.suppress(OSError):
            super().flush()


def main() -> None:
    """Leave, lock, serve."""
    os.umask(0o077)  # what it writes is its owner's
    leave_parent()
    unbuffered = os.fdopen(2, "wb", 0, closefd=False)
    log = Log(unbuffered, "utf-8", "backslashreplace", write_through=True)
    sys.stdout = sys.stderr = log
    folder = Path(os.environ["WORKBOOK_FOLDER"])
    held = lock.hold(folder / "server.lock")
    if held is None:
        sys.exit(f"another local cloud runs in {folder}")
    threading.Thread(target=await_adoption, daemon=True).start()
    under_way = folder / "writes"
    under_way.mkdir(mode=0o700, exist_ok=True)
    pairs.heal(under_way)
    import wrapper  # MiniStack reads the folder as it is imported: whole by now

    asyncio.run(wrapper.main())
    os._exit(0)  # whoever waits for the lock may take the folder: nothing goes on in it


if __name__ == "__main__":
    main()
