"""Where everything is written while somebody learns: one folder.

The local cloud, wheels for layers, contact sheets, scores and a learner's copies lie
below `home()`. A checkout may be read-only and shared: then it is a folder of the
user's own, and `moved()` says so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from deploy.errors import LocalCloudError

#: The checkout: the folder that holds `deploy`, `handler`, `notebooks` and `images`.
#: After `pip install` it is pip's, which has no notebooks and is not written to.
CHECKOUT = Path(__file__).resolve().parents[1]
_BESIDE = CHECKOUT / ".local-cloud"


def home() -> Path:
    """Return the folder for all that is written: cloud, wheels, copies, scores.

    `WORKBOOK_HOME` names it; else it is `.local-cloud` in the checkout, or, where the
    checkout is read-only or there is none, a folder of the user's own.
    """
    if found := named("WORKBOOK_HOME"):
        return found
    try:
        return _BESIDE if _stays() else _of_the_user() / "thumbnail-workbook"
    except RuntimeError:  # a user without a home: writing there is refused, and said
        return _BESIDE


def named(variable: str) -> Path | None:
    """Return the folder that an environment variable names; None for none.

    What is no path (a user's home that is not known, links in a circle) stays as it
    is: whoever writes there is told. `Path` would raise here, as we are imported.
    """
    if not (text := os.environ.get(variable)):
        return None
    path = Path(text)
    with contextlib.suppress(RuntimeError):
        path = path.expanduser()
    return Path(os.path.realpath(path))


def in_utf8(path: Path | str) -> str:
    """Return a path, or a file's name, as UTF-8 has it: in a C locale, too."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def score_file() -> Path:
    """Return where a learner's score is kept: beside the cloud, if that is named.

    Each name has a file: learners may share a cloud, or a machine.
    """
    name = os.environ.get("WORKBOOK_NAME")
    file = f"score-{name}.json" if name else "score.json"
    return beside_cloud() / file


def beside_cloud() -> Path:
    """Return the folder for what goes with a cloud: its own if it is named."""
    return named("WORKBOOK_LOCAL_CLOUD") or home()


def score_at_reset(clear: bool, how: str) -> str:
    """Clear the score if asked; say what became of it, and `how` to clear it."""
    if not score_file().exists():
        return ""
    if not clear:
        return f"Your score stays; `{how}` begins it anew."
    score_file().unlink(missing_ok=True)
    return "Your score begins anew."


def moved() -> str:
    """Say where everything goes if not into the checkout; else nothing."""
    if os.environ.get("WORKBOOK_HOME") or _stays():
        return ""
    return f"What is made lies in {home()}: {CHECKOUT} is not written to."


def make_private(folder: Path) -> None:
    """Make a folder that its owner alone can read and list."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.name != "nt" and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


@contextlib.contextmanager
def turn(
    held: Path, patience_s: float, wait: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold a lock's file, one process at a time; wait for it, but not for ever.

    Where another process holds it, `wait` is called first.
    """
    lock = FileLock(held, mode=0o600)
    try:
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
        if not lock.is_locked:
            wait()
            lock.acquire(timeout=patience_s)
    except Timeout as error:
        raise LocalCloudError(
            f"another program has held it for {patience_s:.0f} seconds",
            where=str(held),
            todo="Is one suspended (Ctrl+Z)? Let it go on, or end it; then try again.",
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def in_plain_words(where: Path) -> Iterator[None]:
    """Tell in a sentence what the disk refused, as `LocalCloudError`."""
    try:
        yield
    except OSError as error:
        path = error.filename if isinstance(error.filename, str) else str(where)
        what, todo = _WORDS.get(error.errno or 0, (error.strerror or str(error), ""))
        todo = todo or _elsewhere(path)
        raise LocalCloudError(what, where=path, todo=todo) from error


def _elsewhere(path: str) -> str:
    """Say how to write to another place: our own is named once, others each time."""
    if any(Path(path).is_relative_to(ours) for ours in (home(), CHECKOUT)):
        return "WORKBOOK_HOME names another folder for everything that is written."
    return "Name another place, then try again."


_FULL = ("the disk is full", "Free some room, then try again.")
_CLOSED = ("this user may not write there", "")
_NO_FOLDER = ("a file stands where a folder should", "Move it away, then try again.")
_WORDS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: ("a file may not get that large", "Raise the limit, then try again."),
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EROFS: ("the disk is read-only", ""),
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
    errno.EISDIR: (
        "a folder stands where a file should",
        "Move it away, then try again.",
    ),
}


def _of_the_user() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _stays() -> bool:
    """Say whether there is a checkout, and this user may write there."""
    nearest = _BESIDE if _BESIDE.exists() else CHECKOUT
    checkout = (CHECKOUT / "pyproject.toml").exists()
    effective = os.access in os.supports_effective_ids
    may = os.access(nearest, os.W_OK | os.X_OK, effective_ids=effective)
    return checkout and may
