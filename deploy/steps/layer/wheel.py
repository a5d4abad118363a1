"""Fetch Pillow's wheel for the machine that runs the function, not for the laptop.

And the one of ISA-L beside it, which unpacks PNGs in less than half of zlib's time.

A wheel is chosen by tags: Python and ABI from the function's runtime, platform from
what the runtime's system can load (its glibc) and from the processor. Where functions
run on this machine (the local cloud), it is the wheel that pip picks for itself.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
import sys
import sysconfig
import tempfile
from functools import lru_cache
from pathlib import Path

from deploy import environment, runtimes
from deploy.errors import LayerError
from deploy.home import home
from deploy.settings import Settings

#: Where wheels and built layers are kept; with a wheel there, no network is needed.
FOLDER = home() / "wheels"

#: The wheels that may become a layer, as `sha256sum` writes them, taken from PyPI.
HASHES = Path(__file__).with_name("wheels.sha256")

_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
_OLD_GLIBCS_PILLOW = "12.2.0"
#: https://pypi.org/project/isal/
ISAL = "1.9.1"
_OLDEST_GLIBC = 17  # manylinux2014; Pillow publishes nothing older.
_NO_PIP = "No module named pip"
_PIP_TIMEOUT_S = 300


def fetch_wheel(settings: Settings, folder: Path = FOLDER) -> Path:
    """Return the wheel for this function, from the folder or else from pip's index.

    Raises:
        LayerError: no such runtime, no wheel for it, no network and none cached, or
            the wheel is not the one that Pillow's makers published.
    """
    return _fetch("pillow", requirement(settings), settings, folder)


def fetch_isal(settings: Settings, folder: Path = FOLDER) -> Path | None:
    """Return ISA-L's wheel for this function; None if this machine cannot have it.

    There is one for every function on AWS. A function that runs here does without, as
    on Windows on ARM, or where nothing can be fetched: zlib does the same.

    Raises:
        LayerError: as by `fetch_wheel`, but for a function that runs here only if the
            wheel is not the one that its makers published.
    """
    try:
        return _fetch("isal", f"isal=={ISAL}", settings, folder)
    except NotFetchedError:
        if settings.runs_here:
            return None
        raise


def cached(settings: Settings, folder: Path = FOLDER) -> Path | None:
    """Find Pillow's wheel in the folder, or None; no network."""
    return _cached("pillow", _version(settings), settings, folder)


def cached_isal(settings: Settings, folder: Path = FOLDER) -> Path | None:
    """Find ISA-L's wheel in the folder, or None; no network."""
    return _cached("isal", ISAL, settings, folder)


class NotFetchedError(LayerError):
    """Pip found no such wheel, or no index."""


def _fetch(package: str, wanted: str, settings: Settings, folder: Path) -> Path:
    version = wanted.partition("==")[2]
    if wheel := _cached(package, version, settings, folder):
        return _checked(wheel)
    place = folder / target(settings)
    place.mkdir(parents=True, exist_ok=True)
    # A folder of its own, and a rename: another kernel never sees half a wheel.
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        _download(wanted, settings, Path(scratch))
        (wheel,) = Path(scratch).glob("*.whl")
        return _checked(wheel).replace(place / wheel.name)


def _cached(
    package: str, version: str, settings: Settings, folder: Path
) -> Path | None:
    place = folder / target(settings)
    found = sorted(place.glob(f"{package}-{version}-*.whl"))
    return found[-1] if found else None


def _checked(wheel: Path) -> Path:
    """Compare the wheel with its hash on PyPI: an index may hand out any other."""
    lines = HASHES.read_text("utf-8").splitlines()
    known = {name: digest for digest, name in map(str.split, lines)}
    if known.get(wheel.name) == digest(wheel):
        return wheel
    if wheel.name in known:
        what, todo = "is not the one on PyPI: its hash differs", "Delete it, and look "
        todo += "where pip takes packages from (`pip config list`)."
    else:
        what = "has no hash that we know"
        todo = f"Install the Pillow that pyproject.toml names, or add it to {HASHES}."
    raise LayerError(f"the wheel {wheel.name} {what}", where=str(wheel), todo=todo)


def digest(wheel: Path) -> str:
    """Hash a wheel with SHA-256, once for as long as the file stays as it is."""
    stat = wheel.stat()
    return _digest(wheel, stat.st_mtime_ns, stat.st_size)


@lru_cache
def _digest(wheel: Path, *_: int) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def target(settings: Settings) -> str:
    """Name what the wheel is for: "python3.14-arm64", "python3.13-win-amd64-here"."""
    runtime = _runtime(settings)
    if not settings.runs_here:
        return f"{runtime.name}-{settings.architecture}"
    return f"{runtime.name}-{sysconfig.get_platform()}-here"


def platforms(runtime: runtimes.Runtime, architecture: str) -> list[str]:
    """List the platform tags that the runtime's system loads, the newest first.

    Source: https://peps.python.org/pep-0600/
    """
    machine = _MACHINES[architecture]
    minors = range(runtime.glibc[1], _OLDEST_GLIBC - 1, -1)
    tags = [f"manylinux_2_{minor}_{machine}" for minor in minors]
    return [*tags, f"manylinux2014_{machine}"]


def requirement(settings: Settings) -> str:
    """Say which Pillow: the one installed here, or the newest that an old glibc loads.

    Pillow 13's wheels ask for glibc 2.27; Amazon Linux 2 has 2.26.
    """
    return f"Pillow=={_version(settings)}"


def _version(settings: Settings) -> str:
    if not settings.runs_here and _runtime(settings).glibc < (2, 28):
        return _OLD_GLIBCS_PILLOW
    return importlib.metadata.version("Pillow")


def _runtime(settings: Settings) -> runtimes.Runtime:
    """Look the runtime up, and refuse what is retired or cannot run here."""
    name = settings.runtime
    if name not in runtimes.RUNTIMES:
        known = ", ".join(runtimes.RUNTIMES)
        ended = runtimes.RETIRED.get(name)
        raise LayerError(
            f"{name} ended on {ended}" if ended else f"{name} is no runtime we know",
            where="Settings.runtime",
            todo=f"Use one of {known}.",
        )
    here = (runtimes.machine_runtime(), runtimes.machine_architecture())
    if settings.runs_here and (name, settings.architecture) != here:
        raise LayerError(
            f"the function would run here, on {' and '.join(here)}, "
            f"not on {name} and {settings.architecture}",
            where="Settings.runtime",
            todo="Leave runtime and architecture out; on AWS they are free.",
        )
    return runtimes.RUNTIMES[name]


def _download(wanted: str, settings: Settings, place: Path) -> None:
    """Run pip for one wheel, silently; its last line goes into the error.

    An environment without pip, as uv makes them, takes that of the local cloud.
    """
    arguments = [*_pip(wanted, settings), "--dest", str(place)]
    complaint = _complaint(sys.executable, arguments)
    other = environment.python(home() / "venv")
    if _NO_PIP in complaint and other.exists():
        complaint = _complaint(str(other), arguments)
    if complaint:
        raise NotFetchedError(
            f"the wheel of {wanted} could not be fetched ({_reason(complaint)})",
            where=f"pip download for {target(settings)}",
            todo="Go online once and run this again, or put the wheel into "
            f"{place.parent}.",
        )


def _complaint(python: str, arguments: list[str]) -> str:
    """Run a Python; say what it complained of, or nothing."""
    try:
        pip = subprocess.run(
            [python, *arguments],
            env=environment.for_pip(python),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PIP_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"pip did not finish within {_PIP_TIMEOUT_S} s"
    return "" if pip.returncode == 0 else pip.stderr or "pip said nothing"


def _pip(wanted: str, settings: Settings) -> list[str]:
    """Build pip's arguments; without a target pip picks for the running Python."""
    arguments = ["-m", "pip", "download", "--only-binary=:all:", "--no-deps"]
    arguments += ["--quiet", "--no-input", "--disable-pip-version-check"]
    arguments += ["--retries", "1", "--timeout", "15", wanted]
    if settings.runs_here:
        return arguments
    runtime = _runtime(settings)
    arguments += ["--python-version", runtime.python]
    arguments += ["--implementation", "cp", "--abi", runtime.abi]
    for tag in platforms(runtime, settings.architecture):
        arguments += ["--platform", tag]
    return arguments


def _reason(stderr: str) -> str:
    """Pick the sentence that says why: offline, no pip, or no such wheel."""
    if _NO_PIP in stderr:
        return (
            "this Python has no pip; `python -m ensurepip`, or with uv `uv pip install "
            "pip`, adds it"
        )
    if "NewConnectionError" in stderr or "Retrying (" in stderr:
        return "no connection to the package index"
    return stderr.strip().splitlines()[-1].removeprefix("ERROR: ")
