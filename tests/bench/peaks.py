"""Peak memory: fresh processes as deployed, the kernel's own high-water mark."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from peers import LABELS, Peers
from support import peak_memory

PICTURES = (
    "12 MP 4:2:0.jpg",
    "24 MP.jpg",
    "12 MP progressive.jpg",
    "12 MP RGB.png",
    "12 MP RGBA.png",
    "1024 px.png",
    "screenshot.png",
)
MOST_BYTES = 25 * 2**20  # of a source, as the function is deployed

AsDeployed = tuple[peak_memory.Peak, peak_memory.Peak]  # of one upload, and of ten


@dataclass(frozen=True)
class Peak:
    """Megabytes: the whole process at its peak, and what the picture added to it."""

    whole: float
    added: float


def peak(peers: Peers, name: str, path: Path, warm_up: Path) -> Peak:
    """Measure one thumbnail in a fresh process that has the file in memory already."""
    with closing(peers.start(name)) as worker:
        worker.load(warm_up)  # imports, tables and thread pools are not the picture's
        worker.run()
        worker.load(path)
        before = int(worker.ask("reset"))
        worker.run()
        after = int(worker.ask("peak"))
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


def deployed(quick: bool) -> dict[str, AsDeployed]:
    """Measure the function with one and with ten of every kind and extreme shape."""
    kinds = peak_memory.KINDS | peak_memory.SHAPES
    names = list(kinds)[:: 6 if quick else 1]
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        found = pool.map(lambda name: _deployed(name, kinds[name]()), names)
        return dict(zip(names, found, strict=True))


def _deployed(name: str, picture: bytes) -> AsDeployed:
    print(f"  {name} …", file=sys.stderr)
    full = picture.ljust(MOST_BYTES, b"\0")  # what follows its end is not looked at
    one, ten = peak_memory.peaks(full, 1, 10)
    return one, ten
