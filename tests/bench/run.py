"""`make bench`: what the handler costs on this machine, beside the other ways.

Writes RESULTS.md beside this file. A part of it (`--only`, `--quick`) is only printed,
unless `--output` names a file. It reports; it never fails on a time.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

# The repository, and what the tests share.
sys.path.extend(str(Path(__file__).parents[floor]) for floor in (2, 1))

import instructions
import peaks
import report
import starts
import times
import uploads
from peers import FOLDER, Peers
from pictures import Album

RESULTS = Path(__file__).with_name("RESULTS.md")


class Bench:
    """One run: its peers, its pictures, and what its sections found."""

    def __init__(self, quick: bool, rounds: int | None) -> None:
        self.quick = quick
        self.rounds = rounds or (5 if quick else 21)
        self.load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        _say("what is compared")
        self.peers = Peers()
        self.album = Album(FOLDER)
        self.found = report.Found(commit=report.commit())

    def timed(self, names: tuple[str, ...]) -> times.Table:
        """Measure every way on pictures."""
        return times.measure_all(self.peers, self.paths(names), self.rounds)

    def steps(self) -> times.Table:
        """Measure what decoding takes of our handler's time."""
        paths = self.paths((times.JPEG[0], times.PROGRESSIVE[0], *times.PNG))
        return times.measure_all(self.peers, paths, self.rounds, times.steps)

    def counts(self) -> instructions.Counts:
        """Count instructions, which tell more than the clock where it is noisy."""
        pictures = instructions.PICTURES[:: 3 if self.quick else 1]
        counts = instructions.count(self.peers, self.paths(pictures))
        with starts.unpacked() as paths:
            self.found.import_count = instructions.of_import(paths[starts.DEPLOYED])
        return counts

    def peaks(self) -> dict[str, dict[str, peaks.Peak]]:
        """Measure peak memory beside the others, and as deployed."""
        tiny = {suffix: self.album[f"tiny{suffix}"] for suffix in (".jpg", ".png")}
        self.found.deployed = peaks.deployed(self.quick)
        return peaks.compare(self.peers, self.paths(peaks.PICTURES), tiny)

    def uploads(self) -> uploads.Uploads:
        """Measure uploads to a local cloud."""
        photo, small = self.album["12 MP 4:2:0.jpg"], self.album["1024 px.jpg"]
        return uploads.measure(photo, small, quick=self.quick)

    def paths(self, names: tuple[str, ...]) -> dict[str, Path]:
        """Return where the pictures of these names are."""
        return {name: self.album[name] for name in names}


#: Section → the part of what is found that it fills, and how.
SECTIONS: dict[str, tuple[str, Callable[[Bench], object]]] = {
    "jpeg": ("jpeg", lambda bench: bench.timed(times.JPEG)),
    "progressive": ("progressive", lambda bench: bench.timed(times.PROGRESSIVE)),
    "png": ("png", lambda bench: bench.timed(times.PNG)),
    "steps": ("steps", Bench.steps),
    "instructions": ("counts", Bench.counts),
    "memory": ("peaks", Bench.peaks),
    "cold": ("cold", lambda bench: starts.cold_parts(3 if bench.quick else 21)),
    "layer": ("layers", lambda bench: starts.layer_sizes()),
    "cloud": ("uploads", Bench.uploads),
}


def main() -> None:
    """Run the sections one after the other and write what they found."""
    options = _options()
    start = time.perf_counter()
    bench = Bench(options.quick, options.rounds)
    for name in options.only or SECTIONS:
        _say(name)
        part, measure = SECTIONS[name]
        try:
            setattr(bench.found, part, measure(bench))
        except Exception as error:  # the other sections still have something to say
            bench.found.failures[name] = f"{type(error).__name__}: {error}"
            _say(f"  failed: {bench.found.failures[name]}")
    if (now := report.commit()) != bench.found.commit:
        bench.found.commit += f" at the start, {now} at the end"
    bench.found.seconds = time.perf_counter() - start
    text = report.write(bench.found, bench.peers, bench.rounds, bench.load)
    complete = not (options.only or options.quick)
    if output := options.output or (RESULTS if complete else None):
        output.write_text(text, "utf-8")
        print(f"Written: {output}")
    else:
        print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("tests/bench/run.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rounds of each")
    parser.add_argument("--rounds", type=int, help="how often each way runs (21)")
    parser.add_argument(
        "--only", action="append", choices=SECTIONS, help="a section; can be repeated"
    )
    parser.add_argument("--output", type=Path, help="write the tables to this file")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
