"""Instructions, counted by callgrind: the same on a machine that has other work to do.

Each count is a difference, of a process that makes the thumbnail three times and of one
that makes it once; so start and warm-up are no part of it. Callgrind's processor has no
AVX-512. valgrind.org/docs/manual/cl-manual.html
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from peers import FOLDER, Peers, Worker, last_core
from starts import BOTO3, CLIENT

PICTURES = ("12 MP 4:2:0.jpg", "12 MP 4:4:4.jpg", "12 MP progressive.jpg")
PICTURES += ("12 MP RGB.png", "12 MP RGBA.png", "screenshot.png")
WAYS = ("ours", "sharp")
ONCE, THRICE = 1, 3

Counts = dict[str, dict[str, float]]  # picture → way → millions for one thumbnail

# Valgrind does not follow code that is made as it runs.
_JITLESS = ["--jitless", "--no-expose-wasm"]
_TOTALS = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)


def count(peers: Peers, paths: dict[str, Path]) -> Counts:
    """Count for every picture, for each of the ways that are here."""
    if not shutil.which("valgrind"):
        raise RuntimeError("there is no valgrind on this machine (Debian: valgrind)")
    names = [name for name in WAYS if name in peers.commands]
    counts: Counts = {}
    for picture, path in paths.items():
        print(f"  {picture} …", file=sys.stderr)
        counts[picture] = {name: _of_one(peers, name, path) for name in names}
    return counts


def of_import(path: list[str]) -> float:
    """Count, in millions, what importing the handler takes over boto3 and a client."""
    before = f"import sys; sys.path[:0] = {path!r}; {BOTO3}; {CLIENT}"
    counts = []
    for code in (before, before + "; import handler.app"):
        out = FOLDER / "callgrind.out"
        command = [*_valgrind(out), sys.executable, "-B", "-c", code]
        subprocess.run(command, check=True, capture_output=True, cwd=FOLDER)
        counts.append(_read(out))
    return (counts[1] - counts[0]) / 1e6


def _of_one(peers: Peers, name: str, path: Path) -> float:
    once, thrice = (_total(peers, name, path, runs) for runs in (ONCE, THRICE))
    return (thrice - once) / (THRICE - ONCE) / 1e6


def _total(peers: Peers, name: str, path: Path, runs: int) -> int:
    """Return the instructions of a whole process."""
    program, *arguments = peers.commands[name]
    if name == "sharp":
        arguments = [*_JITLESS, *arguments]
    out = FOLDER / "callgrind.out"
    command = [*_valgrind(out), program, *arguments]
    worker = Worker(command, last_core(), peers.extra.get(name, {}))
    try:
        worker.load(path)
        for _ in range(runs):
            worker.run()
    finally:
        worker.close(seconds=120)
    return _read(out)


def _valgrind(out: Path) -> list[str]:
    return ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]


def _read(out: Path) -> int:
    found = _TOTALS.search(out.read_text("utf-8", errors="replace"))
    out.unlink()
    if found is None:
        raise RuntimeError("callgrind wrote no total")
    return int(found[1])
