"""Times and quality: every way on every picture, one after the other, round by round.

Ratios are medians over the rounds: both runs of a round lie close together in time, so
that what else the machine does falls on both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import geometric_mean, median, quantiles

import quality
from peers import LABELS, Peers, Run, Worker
from PIL import Image

JPEG = ("12 MP 4:2:0.jpg", "12 MP 4:4:4.jpg", "12 MP, quality 95.jpg", "24 MP.jpg")
JPEG += ("1024 px.jpg",)
PROGRESSIVE = ("12 MP progressive.jpg", "24 MP progressive.jpg")
#: The eight that the goal for PNG is of.
PNG = ("12 MP RGB.png", "12 MP RGBA.png", "12 MP RGBA, opaque.png", "12 MP grey.png")
PNG += ("12 MP palette.png", "24 MP RGB.png", "1024 px.png", "screenshot.png")

WARM_UP = 2


@dataclass
class Measured:
    """What one way did on one picture: its runs, and how good its thumbnail is.

    Attributes:
        psnr, ssim: of the thumbnail as delivered, quality 85.
        psnr_100: of its brightness at quality 100, where the shrinking tells more
            than the encoder.
        source: bytes of the picture.
    """

    runs: list[Run] = field(default_factory=list)
    psnr: float = 0.0
    ssim: float = 0.0
    psnr_100: float = 0.0
    source: int = 0

    @property
    def size(self) -> int:
        """The bytes of the thumbnail as delivered."""
        return self.runs[-1].size

    @property
    def wall(self) -> float:
        """The median of the milliseconds by the clock."""
        return median(run.wall for run in self.runs)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between these lies the middle half of the milliseconds by the clock."""
        low, _, high = quantiles([run.wall for run in self.runs], n=4)
        return low, high

    @property
    def cpu(self) -> float:
        """The median of the milliseconds of processor time."""
        return median(run.cpu for run in self.runs)


def ratio(one: Measured, other: Measured, of: str = "wall") -> float:
    """Return the median over the rounds of one's time divided by the other's."""
    pairs = zip(one.runs, other.runs, strict=True)
    return median(getattr(a, of) / getattr(b, of) for a, b in pairs)


def mean_ratio(table: Table, name: str, of: str = "wall") -> float | None:
    """Return the geometric mean of ours divided by another's time over the pictures."""
    ratios = [
        ratio(ways["ours"], ways[name], of) for ways in table.values() if name in ways
    ]
    return geometric_mean(ratios) if ratios else None


Table = dict[str, dict[str, Measured]]  # picture → way → what it did
How = Callable[[Peers, Path, int], dict[str, Measured]]


def measure(peers: Peers, path: Path, rounds: int) -> dict[str, Measured]:
    """Measure every way that can take this picture, and its quality."""
    names = [name for name in LABELS if name in peers.commands]
    if path.suffix == ".png":
        names = [name for name in names if name != "limit"]
    with _loaded(peers, names, path) as workers:
        found = _rounds(workers, rounds)
        wanted = quality.reference(path)
        for name, worker in workers.items():
            _judge(found[name], worker, wanted)
            found[name].source = path.stat().st_size
    return found


def steps(peers: Peers, path: Path, rounds: int) -> dict[str, Measured]:
    """Measure our handler beside what its first steps take by themselves."""
    names = ["decode", "ours"]
    if path.suffix == ".png":
        names.insert(0, "inflate")
    with _loaded(peers, names, path) as workers:
        return _rounds(workers, rounds)


@contextmanager
def _loaded(peers: Peers, names: list[str], path: Path) -> Iterator[dict[str, Worker]]:
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(closing(peers.start(name))) for name in names
        }
        for worker in workers.values():
            worker.load(path)
        yield workers


def _rounds(workers: dict[str, Worker], rounds: int) -> dict[str, Measured]:
    found = {name: Measured() for name in workers}
    order = list(workers)
    for number in range(WARM_UP + rounds):
        for name in order:
            run = workers[name].run()
            if number >= WARM_UP:
                found[name].runs.append(run)
        order.append(order.pop(0))  # nobody always follows the same neighbour
    return found


def _judge(measured: Measured, worker: Worker, wanted: Image.Image) -> None:
    measured.psnr, measured.ssim = quality.compare(worker.result(), wanted)
    worker.run(100)
    measured.psnr_100 = quality.psnr_of_brightness(worker.result(), wanted)


def measure_all(
    peers: Peers, paths: dict[str, Path], rounds: int, how: How = measure
) -> Table:
    """Measure the pictures one after the other."""
    table: Table = {}
    for name, path in paths.items():
        print(f"  {name} …", file=sys.stderr)
        table[name] = how(peers, path, rounds)
    return table
