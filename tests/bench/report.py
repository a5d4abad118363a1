"""The results as Markdown: nothing is said that this run did not show."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import psutil
from goals import goals
from instructions import WAYS, Counts
from markdown import points, section, table
from peaks import AsDeployed, Peak
from peers import LABELS, ROOT, Peers
from starts import HANDLER, LAYOUTS, Cold, LayerSize
from times import Measured, Table, ratio
from uploads import Uploads

from deploy import cost, runtimes

MEMORY_MB = 512
NOISY = 1.2
FULL_CORE_MB = 1769  # the memory at which a function gets one whole core


@dataclass
class Found:
    """What the sections found; None where one was not run."""

    jpeg: Table | None = None
    progressive: Table | None = None
    png: Table | None = None
    steps: Table | None = None
    counts: Counts | None = None
    import_count: float = 0.0  # millions
    peaks: dict[str, dict[str, Peak]] | None = None
    deployed: dict[str, AsDeployed] | None = None
    cold: Cold | None = None
    layers: list[LayerSize] | None = None
    uploads: Uploads | None = None
    commit: str = ""
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def timed(self) -> Table:
        """Every picture that was timed, and what each way did on it."""
        return (self.jpeg or {}) | (self.progressive or {}) | (self.png or {})


def write(found: Found, peers: Peers, rounds: int, load: float) -> str:
    """Write the whole report."""
    parts = [
        "# Benchmark\n\n"
        "Written by `make bench` (`tests/bench/run.py`). Ratios hold from machine to "
        "machine; absolute times do not.",
        _machine(found, peers, rounds, load),
    ]
    sections = (
        (_goals, goals(found)),
        (partial(_times, "Baseline JPEG"), found.jpeg),
        (partial(_times, "Progressive JPEG", note=_PROGRESSIVE), found.progressive),
        (partial(_times, "PNG"), found.png),
        (_quality, found.timed),
        (_steps, found.steps),
        (partial(_counts, found.import_count), found.counts),
        (_peaks, found.peaks),
        (_deployed, found.deployed),
        (_cold, found.cold),
        (_layers, found.layers),
        (_uploads, found.uploads),
        (_money, found.jpeg),
    )
    parts += [write_one(part) for write_one, part in sections if part]
    return "\n\n".join(parts) + "\n"


def _machine(found: Found, peers: Peers, rounds: int, load: float) -> str:
    pinned = hasattr(os, "sched_setaffinity")
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, commit {found.commit}, "
        f"{found.seconds / 60:.0f} minutes",
        f"{psutil.cpu_count()} cores, {_processor()}, {platform.machine()}, "
        f"{psutil.virtual_memory().total / 1e9:.0f} GB, {platform.system()}, "
        f"Python {platform.python_version()}",
        *(
            f"{LABELS[name]}: {peers.version(name)}"
            for name in ("ours", "sharp", "pyvips")
            if name in peers.commands
        ),
    ]
    if "limit" in peers.commands:
        lines.append(f"{LABELS['limit']}: gcc -O3, with {peers.library}")
    lines += [f"not here: {LABELS[n]} ({why})" for n, why in peers.missing.items()]
    lines += [f"section {name} failed: {why}" for name, why in found.failures.items()]
    lines.append(
        f"{rounds} rounds, interleaved, in warm processes"
        + (", all pinned to one core" if pinned else ", not pinned")
    )
    lines.append(_noise(found, load))
    return section("Machine", points(lines))


def _noise(found: Found, load: float) -> str:
    measured = [
        one
        for ways in found.timed.values()
        for name, one in ways.items()
        if name in ("ours", "limit", "plain", "full")
    ]
    text = f"load average at the start {load:.1f}"
    if measured:
        waited = median(run.wall / run.cpu for one in measured for run in one.runs)
        slow = max(
            sorted(run.wall for run in one.runs)[-2 if len(one.runs) > 2 else -1]
            / one.wall
            for one in measured
        )
        text += (
            f"; single-threaded runs took {waited:.2f} × their processor time by the "
            f"clock, and up to {slow:.1f} × their median (1.0 each: a quiet machine)"
        )
        if max(waited, slow) > NOISY:
            text += ". **Other work disturbed this run: it shows ratios, roughly.**"
    return text


def _goals(rows: list[list[str]]) -> str:
    return section("Goals", table(["figure", "goal", "here", ""], rows))


_PROGRESSIVE = (
    "The C program decodes every scan; what decodes only those that the size needs "
    "can be faster than it."
)


def _times(title: str, found: Table, note: str = "") -> str:
    names, heads = _names(found.values()), [_title(picture) for picture in found]
    times = [
        [LABELS[name], *(_ms(ways.get(name)) for ways in found.values())]
        for name in names
    ]
    ratios = [
        [LABELS[name], *(_ratios(ways, name) for ways in found.values())]
        for name in names
        if name != "ours"
    ]
    return section(
        title,
        note,
        "Milliseconds by the clock: medians, and the quartiles beside them:",
        table(["way", *heads], times),
        "Ours divided by another's time, medians over the rounds, by the clock and (in "
        "brackets) in processor time; below 1, ours is faster:",
        table(["ours ÷", *heads], ratios),
    )


def _names(found: Iterable[dict[str, object]]) -> list[str]:
    there = {name for ways in found for name in ways}
    return [name for name in LABELS if name in there]


def _title(picture: str) -> str:
    return picture.rsplit(".", 1)[0]


def _ms(measured: Measured | None) -> str:
    if not measured:
        return "–"
    low, high = measured.quartiles
    return f"{measured.wall:.1f} ({low:.1f}–{high:.1f})"


def _ratios(ways: dict[str, Measured], name: str) -> str:
    if name not in ways:
        return "–"
    ours, other = ways["ours"], ways[name]
    return f"{ratio(ours, other):.2f} ({ratio(ours, other, 'cpu'):.2f})"


def _quality(found: Table) -> str:
    rows = []
    for picture, ways in found.items():
        for name in _names([ways]):
            one = ways[name]
            size = f"{one.size / 1000:.1f}"
            than = f"{one.size / ways['sharp'].size:.2f}" if "sharp" in ways else "–"
            # A PNG is the same at every quality.
            encoder_less = f"{one.psnr_100:.2f}" if picture.endswith(".jpg") else ""
            numbers = [f"{one.psnr:.2f}", f"{one.ssim:.4f}", encoder_less, size, than]
            rows.append([_title(picture), LABELS[name], *numbers])
    heads = ["picture", "way", "PSNR, dB", "SSIM", "brightness at 100", "kB", "÷ sharp"]
    return section(
        "Quality and bytes",
        "Against the whole picture decoded and shrunk with LANCZOS in one step. PSNR "
        "over RGB and SSIM over brightness as delivered (JPEG quality 85); PSNR over "
        "brightness at quality 100, where the shrinking shows more than the encoder "
        "does. Transparent pictures are compared on grey. Bytes as delivered, and "
        "divided by sharp's.",
        table(heads, rows),
    )


def _steps(found: Table) -> str:
    rows = [
        [
            _title(picture),
            *(_ms(ways.get(name)) for name in ("inflate", "decode", "ours")),
            f"{ratio(ways['decode'], ways['ours']):.2f}",
        ]
        for picture, ways in found.items()
    ]
    heads = ["picture", "unpacking alone", "Pillow's decoder alone", "our handler"]
    return section(
        "Where the time goes",
        "Milliseconds of our handler, and of its first steps by themselves: unpacking "
        "a PNG as the handler does (ISA-L), and decoding with Pillow, a JPEG at the "
        "scale that the size needs and with every scan.",
        table([*heads, "decoder ÷ handler"], rows),
    )


def _counts(importing: float, found: Counts) -> str:
    ways = [way for way in WAYS if any(way in one for one in found.values())]
    rows = [
        [
            _title(picture),
            *(f"{counts[way]:,.0f}" for way in ways),
            f"{counts['ours'] / counts['sharp']:.2f}" if "sharp" in counts else "–",
        ]
        for picture, counts in found.items()
    ]
    return section(
        "Instructions",
        "Millions for one thumbnail, counted by callgrind, whatever else the machine "
        "does. They are no times: what waits for memory or guesses a branch wrong "
        "takes longer than its instructions tell.",
        table(["picture", *(LABELS[way] for way in ways), "ours ÷ sharp"], rows),
        importing and f"Importing {HANDLER}: {importing:,.0f} million.",
    )


def _peaks(found: dict[str, dict[str, Peak]]) -> str:
    rows = [
        [LABELS[name], *(_peak(ways.get(name)) for ways in found.values())]
        for name in _names(found.values())
    ]
    return section(
        "Peak memory",
        "What one thumbnail adds to a process that has the file in memory and has made "
        "a tiny one before, in MB; in brackets the whole process. Fresh processes, the "
        "allocator as it is by default, VmHWM.",
        table(["way", *map(_title, found)], rows),
    )


def _peak(peak: Peak | None) -> str:
    return f"{peak.added:.1f} ({peak.whole:.0f})" if peak else "–"


def _deployed(found: dict[str, AsDeployed]) -> str:
    rows = [
        [picture, f"{one.mib}", f"{ten.mib}", one.rejected or ten.rejected or "–"]
        for picture, (one, ten) in found.items()
    ]
    return section(
        "Peak memory as deployed",
        "Of the whole function, in MiB of its 512: a fresh process with boto3, its "
        "client and the handler, the allocator as it is by default, that takes one "
        "upload, then ten of one event, from an S3 on this machine. Every file is "
        "filled up to 25 MB, the most that is let in; where no size is named, it has "
        "50 megapixels, or the most that there is room for. VmHWM.",
        table(["upload", "one", "ten", "refused"], rows),
    )


def _cold(found: Cold) -> str:
    rows = [
        [
            f"`{part}`" if part.startswith(("import", "boto3")) else part,
            *(_middle(ms[layout]) for layout in LAYOUTS),
        ]
        for part, ms in found.items()
    ]
    return section(
        "Cold start",
        "Milliseconds of processor time in fresh processes, medians and quartiles, "
        "files in the page cache, laid out as in Lambda, where nothing may be written. "
        "Layer and function have .pyc files where Lambda runs the Python that packed "
        "them; boto3 has them always.",
        table(["part", *LAYOUTS], rows),
    )


def _middle(values: list[float]) -> str:
    low, middle, high = quantiles(values, n=4)
    return f"{middle:.0f} ({low:.0f}–{high:.0f})"


def _layers(found: list[LayerSize]) -> str:
    rows = [
        [
            one.name,
            f"{one.zipped:.2f}",
            f"{one.unzipped:.2f}",
            "with" if one.bytecode else "without",
            f"{one.wheel:.2f}",
        ]
        for one in found
        if not one.failure
    ]
    failures = [f"{one.name}: {one.failure}" for one in found if one.failure]
    heads = ["layer", "zipped, MB", "unzipped, MB", ".pyc", "Pillow's wheel, MB"]
    return section("Layer", table(heads, rows) if rows else "", points(failures))


def _uploads(found: Uploads) -> str:
    rows = [
        [f"warm, 12 MP JPEG, {len(found.warm)} uploads: median", _in_ms(found.median)],
        ["95th percentile", _in_ms(found.p95)],
        ["of it until S3 answered the upload: median", _in_ms(median(found.put))],
        ["of it the handler, S3's calls included: median", _in_ms(median(found.work))],
    ]
    if found.cold:
        label = f"cold, {len(found.cold)} uploads: median"
        rows.append([label, _in_ms(median(found.cold))])
    label = f"burst of {found.burst} JPEGs of 1024 px, until the last thumbnail"
    rows.append([label, f"{found.burst_seconds:.1f} s, {found.lost} lost"])
    return section(
        "Upload → thumbnail on the local cloud",
        "From the start of the upload to the thumbnail in its bucket.",
        table(["", ""], rows),
    )


def _in_ms(value: float) -> str:
    return f"{value:.0f} ms"


def _money(found: Table) -> str:
    picture, ways = next(iter(found.items()))
    architecture = runtimes.machine_architecture()
    fixed = 1e6 * (2 * cost.S3_PUT_USD + cost.S3_GET_USD)
    rows = []
    for name in _names([ways]):
        seconds = ways[name].cpu / 1000 * FULL_CORE_MB / MEMORY_MB
        total = 1e6 * cost.per_upload(
            seconds=seconds, memory_mb=MEMORY_MB, architecture=architecture
        )
        rows.append([LABELS[name], f"${total - fixed:.2f}", f"${total:.2f}"])
    return section(
        "Money",
        f"A million thumbnails of {_title(picture)} at {MEMORY_MB} MB on "
        f"{architecture}, by `deploy/cost.py` (prices of {cost.PRICES_READ}): "
        f"processor time × {FULL_CORE_MB}/{MEMORY_MB}, since a function has that share "
        "of a core. On this machine's core, without the waiting for S3 and the cold "
        "starts.",
        table(["way", "Lambda", "with S3's requests"], rows),
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return named[0] if named else platform.processor() or "unknown processor"


def commit() -> str:
    """Name the commit that is measured, and whether the code differs from it."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--", "handler", "deploy")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return commit + (" with changes" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return done.stdout.strip()
