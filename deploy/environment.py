"""A virtual environment with given packages, made once and kept until they change.

Standard library only: `make` runs this file before anything is installed
(`python3 -I deploy/environment.py`), and the local cloud's own environment is made by
the same function. What the user's pip or Python was told for other work (`PIP_USER`,
`PIP_TARGET`, `PYTHONWARNINGS`) does not count; the index, proxy and certificates do.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: Of pip's settings, those that say how a package index is reached.
_REACH = (
    *("INDEX_URL", "EXTRA_INDEX_URL", "NO_INDEX", "FIND_LINKS", "TRUSTED_HOST"),
    *("PROXY", "CERT", "CLIENT_CERT", "CACHE_DIR", "NO_CACHE_DIR"),
    *("RETRIES", "TIMEOUT", "DEFAULT_TIMEOUT"),
)
#: Of pip's files, the parts that count for what we let it do.
_SECTIONS = ("install", "download", "global")


class SetUpError(Exception):
    """An environment could not be made; `what` failed, and `todo` is next."""

    def __init__(self, what: str, todo: str) -> None:
        self.what, self.todo = what, todo
        super().__init__(f"{what}. {todo}")


def is_ready(folder: Path, lists: Sequence[Path]) -> bool:
    """Say whether the environment stands, for this Python and these lists."""
    return _stamp(folder) == [_python_id(folder), _digest(lists)] and _runs(folder)


def make(
    folder: Path, packages: Sequence[str], lists: Sequence[Path], needs: Sequence[str]
) -> None:
    """Install packages (pip's words, as the lists name them); begin anew if need be.

    It is ready when the modules that it `needs` can be imported.

    Raises:
        SetUpError: no venv module, no network, no room, or no right to write there.
    """
    anew = f"Delete {folder}, then try again."
    try:
        if _stamp(folder)[:1] != [_python_id(folder)] or not _runs(folder):
            _run([sys.executable, "-m", "venv", "--clear", str(folder)], folder, _VENV)
        (folder / "ready").unlink(missing_ok=True)
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        reach = for_pip(python(folder))
        _run([str(python(folder)), *pip, *packages], folder, _NETWORK, reach)
        _run([str(python(folder)), "-Ic", f"import {', '.join(needs)}"], folder, anew)
        stamp = f"{_python_id(folder)}\n{_digest(lists)}"
        (folder / "ready").write_text(stamp, "utf-8")
    except OSError as error:
        text = str(error)
        raise SetUpError(f"set-up failed: {text}", _cure(text, folder, anew)) from error


_VENV = "On Debian and Ubuntu: sudo apt install python3-venv. Then try again."
_NETWORK = (
    "The first set-up needs the network (later starts do not): check it, then try "
    "again."
)
_FULL = "The disk is full: free some room, then try again."
_CLOSED = (
    *("Permission denied", "Operation not permitted", "Read-only file system"),
    "surrogates not allowed",  # its name is no UTF-8, which `venv` needs
)
#: What pip itself takes, about. `venv` keeps to itself why it could not install it.
_ROOM_BYTES = 20_000_000


def python(folder: Path) -> Path:
    """Return the environment's Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def isolated() -> dict[str, str]:
    """Return the environment variables without what is meant for other work."""
    kept = {f"PIP_{name}" for name in _REACH}
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or not name.startswith(("PIP_", "PYTHON"))
    }


def for_pip(program: Path | str) -> dict[str, str]:
    """Return `isolated()`, and what pip's files say of the index, no more of them.

    A file may ask for another platform's wheels, or for another folder.
    """
    pip = [program, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    theirs = {k: v for k, v in os.environ.items() if k == "PIP_CONFIG_FILE"}
    done = subprocess.run(pip, env=isolated() | theirs, capture_output=True, text=True)
    known: dict[str, str] = {}
    for line in done.stdout.splitlines():
        place, _, value = line.partition("=")
        section, _, key = place.rpartition(".")
        name = key.upper().replace("-", "_")
        if section in _SECTIONS and name in _REACH:
            known.setdefault(f"PIP_{name}", " ".join(ast.literal_eval(value).split()))
    return known | isolated() | {"PIP_CONFIG_FILE": os.devnull}


def _runs(folder: Path) -> bool:
    """Say whether its Python starts: the one that it links to may be gone."""
    try:
        return (
            subprocess.run([python(folder), "-ISc", ""], env=isolated()).returncode == 0
        )
    except OSError:
        return False


def _stamp(folder: Path) -> list[str]:
    try:
        return (folder / "ready").read_text("utf-8").split("\n")
    except OSError:
        return []


def _python_id(folder: Path) -> str:
    """Tell Pythons apart, and a folder that was moved: scripts name their place."""
    return _hash(
        f"{sys.version} {sys.base_prefix} {folder.absolute()}".encode(
            "utf-8", "replace"
        )
    )


def _digest(lists: Sequence[Path]) -> str:
    return _hash(b"".join(path.read_bytes() for path in lists))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _run(
    command: list[str], folder: Path, todo: str, known: dict[str, str] | None = None
) -> None:
    env = known or isolated()
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        text = (done.stderr or done.stdout).strip() or "no message"
        last = text.splitlines()[-1].removeprefix("ERROR: ").removesuffix(".")
        raise SetUpError(f"set-up failed: {last}", _cure(text, folder, todo))


def _cure(text: str, folder: Path, todo: str) -> str:
    """Say what to do: of a disk that refuses, whatever was being done."""
    there = next(at for at in (folder, *folder.parents) if os.access(at, os.F_OK))
    if "No space left" in text or shutil.disk_usage(there).free < _ROOM_BYTES:
        return _FULL
    if not any(sign in text for sign in _CLOSED):
        return todo
    if folder.parent in (ROOT, ROOT / "build"):
        return f"This user may not write to {folder}: work in a clone of your own."
    return "WORKBOOK_HOME names another folder to write to."


@contextlib.contextmanager
def _turn(held: Path) -> Iterator[None]:
    """One at a time: who comes second would clear what the first installs."""
    with held.open() as file:
        if sys.platform != "win32":
            import fcntl

            with contextlib.suppress(OSError):  # a disk that knows no locks
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Make the checkout's `.venv`: the workbook, and what its tests need."""
    folder, lists = ROOT / ".venv", [ROOT / "pyproject.toml"]
    if is_ready(folder, lists):
        return 0
    print("Installing packages (once, about a minute) …", flush=True)
    try:
        with _turn(lists[0]):
            if not is_ready(folder, lists):
                make(folder, ["--editable", ".[dev]"], lists, ["boto3", "deploy"])
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command begins it anew.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
