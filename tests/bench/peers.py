"""What is compared: processes that stay warm, and where their programs come from.

pyvips and sharp are installed below `.local-cloud/bench/`, outside the product's own
environment; the C program is compiled there. What cannot be had is named with why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import PIL.Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDER = ROOT / ".local-cloud" / "bench"

INSTALL_S = 600

#: Name → what the tables call it, in the tables' order.
LABELS = {
    "full": "full decode, convert, LANCZOS",
    "convert": '`convert("RGB")`, then `thumbnail`',
    "transpose": "`exif_transpose`, then `thumbnail`",
    "plain": "`open().thumbnail()`",
    "ours": "**our handler**",
    "sharp": "sharp",
    "pyvips": "pyvips",
    "limit": "C, the limit",
}
PILLOW = ("full", "convert", "transpose", "plain", "ours")


@dataclass(frozen=True)
class Run:
    """One thumbnail: milliseconds by the clock and of processor time, and its bytes."""

    wall: float
    cpu: float
    size: int


class Worker:
    """A process that has one picture in memory and makes its thumbnail on demand."""

    def __init__(
        self, command: list[str], core: int | None, extra: Mapping[str, str]
    ) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment() | extra,
        )
        if core is not None and hasattr(os, "sched_setaffinity"):
            # Before its threads are made: they are pinned as their maker is.
            os.sched_setaffinity(self.process.pid, {core})

    def ask(self, command: str) -> str:
        """Send a command and return its answer."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"it ended at {command.split()[0]!r}")
        if answer.startswith("error "):
            raise RuntimeError(answer.removeprefix("error ").rstrip("\n"))
        return answer.rstrip("\n")

    def load(self, path: Path) -> None:
        """Read a picture into the process's memory."""
        self.ask(f"load {path}")

    def run(self, quality: int = 85) -> Run:
        """Make the thumbnail once."""
        wall, cpu, size = self.ask(f"run {quality}").split()
        return Run(float(wall), float(cpu), int(size))

    def result(self) -> bytes:
        """Return the last thumbnail."""
        path = FOLDER / f"result-{self.process.pid}"
        self.ask(f"save {path}")
        data = path.read_bytes()
        path.unlink()
        return data

    def close(self, seconds: float = 30) -> None:
        """End the process."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(seconds)


class Peers:
    """All that can be compared here, and why the others cannot."""

    def __init__(self) -> None:
        self.commands = {
            name: [sys.executable, str(HERE / "worker.py"), name]
            for name in (*PILLOW, "decode", "inflate")
        }
        self.extra: dict[str, dict[str, str]] = {}
        self.missing: dict[str, str] = {}
        self.library = ""
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, prepare in _PREPARE.items():
            print(f"  {name} …", file=sys.stderr)
            try:
                prepare(self)
            except (OSError, subprocess.SubprocessError, RuntimeError) as error:
                self.missing[name] = _reason(error)
                print(f"  without {name}: {self.missing[name]}", file=sys.stderr)

    def start(self, name: str, **extra: str) -> Worker:
        """Start the process of one of them, pinned to the last core."""
        environment = self.extra.get(name, {}) | extra
        return Worker(self.commands[name], last_core(), environment)

    def version(self, name: str) -> str:
        """Say which versions one of them is made of."""
        with closing(self.start(name)) as worker:
            return worker.ask("version")


def last_core() -> int | None:
    """Return the core that runs are pinned to; None where that cannot be done."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    return max(os.sched_getaffinity(0))


def _environment() -> dict[str, str]:
    """Give every process what it needs, and nothing that would change its speed."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
    return {name: os.environ[name] for name in names if name in os.environ}


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no {Path(str(error.filename)).name} on this machine"
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} failed with exit code {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"{Path(error.cmd[0]).name} took over {error.timeout:.0f} s"
    return str(error)


def _check(command: list[str]) -> None:
    how = {"capture_output": True, "text": True, "timeout": INSTALL_S}
    subprocess.run(command, check=True, **how)


def _pyvips(peers: Peers) -> None:
    folder = FOLDER / "venv"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    try:
        _check([str(python), "-c", "import pyvips"])
    except subprocess.CalledProcessError:
        pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
        _check([*pip, "--quiet", "pyvips[binary]"])
        _check([str(python), "-c", "import pyvips"])
    peers.commands["pyvips"] = [str(python), str(HERE / "worker.py"), "pyvips"]


def _sharp(peers: Peers) -> None:
    folder = FOLDER / "sharp"
    modules = folder / "node_modules"
    node, npm = (shutil.which(name) for name in ("node", "npm"))
    if not node:
        raise RuntimeError("there is no node on this machine")
    if not (modules / "sharp").exists():
        if not npm:
            raise RuntimeError("there is no npm on this machine")
        folder.mkdir(exist_ok=True)
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        _check([npm, "install", "--prefix", str(folder), *quiet, "sharp"])
    peers.extra["sharp"] = {"NODE_PATH": str(modules)}
    peers.commands["sharp"] = [node, str(HERE / "worker.cjs")]
    peers.version("sharp")


def _limit(peers: Peers) -> None:
    """Compile against Pillow's own libjpeg-turbo, or else against the system's."""
    program = FOLDER / "limit"
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not compiler:
        raise RuntimeError("there is no C compiler on this machine")
    command = [compiler, "-O3", "-std=gnu11", "-o", str(program), str(HERE / "limit.c")]
    failure: Exception | None = None
    for library, flags in _libraries():
        try:
            _check([*command, *flags, "-lm"])
            peers.commands["limit"] = [str(program)]
            _try(peers)
        except (subprocess.CalledProcessError, RuntimeError) as error:
            failure = error
        else:
            peers.library = library
            return
    peers.commands.pop("limit", None)
    if isinstance(failure, subprocess.CalledProcessError):
        missing = "jpeglib.h" in failure.stderr
        todo = "jpeglib.h is missing (Debian: libjpeg62-turbo-dev)"
        raise RuntimeError(todo if missing else "limit.c does not compile here")
    raise RuntimeError("limit.c does not run here")


def _try(peers: Peers) -> None:
    sample = FOLDER / "limit-sample.jpg"
    PIL.Image.new("RGB", (400, 300), "red").save(sample)
    with closing(peers.start("limit")) as worker:
        worker.load(sample)
        worker.run()


def _libraries() -> list[tuple[str, list[str]]]:
    """Name each library, the best first, with what the linker has to be told."""
    bundled = Path(PIL.__file__).parents[1] / "pillow.libs"
    found = [
        ("Pillow's own libjpeg-turbo", [str(path), f"-Wl,-rpath,{bundled}"])
        for path in sorted(bundled.glob("libjpeg-*.so*"))
    ]
    return [*found, ("the system's libjpeg, not Pillow's", ["-ljpeg"])]


_PREPARE: dict[str, Callable[[Peers], None]] = {
    "sharp": _sharp,
    "pyvips": _pyvips,
    "limit": _limit,
}
