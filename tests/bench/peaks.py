"""Peak memory: fresh processes as deployed, the kernel's own high-water mark.

VmHWM counts what was really held; RLIMIT_AS and VmPeak count addresses, which threads
and allocators reserve by the gigabyte.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from peers import LABELS, Peers

PICTURES = (
    "12 MP 4:2:0.jpg",
    "24 MP.jpg",
    "12 MP progressive.jpg",
    "12 MP RGB.png",
    "12 MP RGBA.png",
    "1024 px.png",
    "screenshot.png",
)
LARGEST = (
    "50 MP.jpg",
    "50 MP progressive.jpg",
    "50 MP 4:4:4 progressive.jpg",
    "50 MP L.png",
    "50 MP 16-bit.png",
    "50 MP P.png",
    "50 MP RGB.png",
    "50 MP RGBA.png",
)


@dataclass(frozen=True)
class Peak:
    """Megabytes: the whole process at its peak, and what the picture added to it.

    Where the picture was refused, why.
    """

    whole: float
    added: float
    refused: str = ""


def peak(peers: Peers, name: str, path: Path, warm_up: Path | None) -> Peak:
    """Measure one thumbnail in a fresh process that has the file in memory already."""
    worker = peers.start(name)
    try:
        if warm_up:  # imports, tables and thread pools are not the picture's
            worker.load(warm_up)
            worker.run()
        worker.load(path)
        before = int(worker.ask("reset"))
        worker.run()
        after = int(worker.ask("peak"))
    finally:
        worker.close()
    return Peak(after / 1000, max(0, after - before) / 1000)


def compare(
    peers: Peers, paths: dict[str, Path], tiny: dict[str, Path]
) -> dict[str, dict[str, Peak]]:
    """Measure every way on every picture: picture → way → peak."""
    found: dict[str, dict[str, Peak]] = {}
    for picture, path in paths.items():
        print(f"  {picture} …", file=sys.stderr)
        names = [name for name in LABELS if name in peers.commands]
        found[picture] = {
            name: peak(peers, name, path, tiny[path.suffix])
            for name in names
            if not (name == "limit" and path.suffix == ".png")
        }
    return found


def largest(peers: Peers, paths: dict[str, Path]) -> dict[str, Peak]:
    """Measure the largest pictures that are let in, with the runtime's imports."""
    found = {}
    for picture, path in paths.items():
        print(f"  {picture} …", file=sys.stderr)
        try:
            found[picture] = peak(peers, "lambda", path, None)
        except RuntimeError as error:  # it takes too much, and the handler says so
            found[picture] = Peak(0, 0, str(error))
    return found
