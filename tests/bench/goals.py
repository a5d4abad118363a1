"""The goals, each beside what this run showed."""

from __future__ import annotations

from statistics import geometric_mean, median
from typing import TYPE_CHECKING

from starts import DEPLOYED, HANDLER
from times import Table, mean_ratio, ratio

if TYPE_CHECKING:
    from report import Found

Row = list[str]

LARGE = ("12 MP 4:2:0.jpg", "12 MP 4:4:4.jpg", "12 MP, quality 95.jpg", "24 MP.jpg")
ROOM_MB = 512 * 1.048576
EIGHT_BIT_PNG_MB = 6


def goals(found: Found) -> list[Row]:
    """Return figure, goal, what it is here, and whether that reaches it."""
    rows = _baseline(found) + _progressive(found) + _png(found) + _memory(found)
    return rows + _rest(found)


def _row(figure: str, goal: str, here: str, reached: bool | None) -> Row:
    word = {True: "reached", False: "**missed**", None: ""}[reached]
    return [figure, goal, here, word]


def _ratios(table: Table, name: str, pictures: tuple[str, ...]) -> list[float]:
    """Ours divided by another's time, for the pictures that both did."""
    return [
        ratio(table[picture]["ours"], table[picture][name])
        for picture in pictures
        if name in table.get(picture, {})
    ]


def _span(values: list[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def _worst(table: Table, pictures: tuple[str, ...], what: str) -> float | None:
    """How far ours is above sharp's in quality, where that is least."""
    gaps = [
        getattr(table[picture]["ours"], what) - getattr(table[picture]["sharp"], what)
        for picture in pictures
        if "sharp" in table.get(picture, {})
    ]
    return min(gaps, default=None)


def _quality(
    label: str, table: Table, pictures: tuple[str, ...], what: str
) -> list[Row]:
    gap = _worst(table, pictures, what)
    if gap is None:
        return []
    digits, unit = (4, "") if what == "ssim" else (2, " dB")
    slack = 10**-digits  # the last digit shown
    goal = f"≥ 0, give or take {slack:g}{unit}"
    here = f"{gap:+.{digits + 1}f}{unit} at worst"
    return [_row(f"{label}: {_NAMES[what]} over sharp's", goal, here, gap >= -slack)]


_NAMES = {
    "psnr": "PSNR",
    "ssim": "SSIM",
    "psnr_100": "PSNR of brightness at quality 100",
}


def _baseline(found: Found) -> list[Row]:
    rows = []
    if not found.jpeg:
        return rows
    label = "baseline JPEG ≥ 8 MP"
    if values := _ratios(found.jpeg, "sharp", LARGE):
        mean, reached = geometric_mean(values), max(values) <= 1.0
        rows.append(_row(f"{label}: time ÷ sharp", "≤ 1.0", _span(values), reached))
        text = f"{mean:.2f}"
        rows.append(_row(f"{label}: the mean of it", "≤ 0.95", text, mean <= 0.95))
    for what in ("psnr", "psnr_100", "ssim"):
        rows += _quality(label, found.jpeg, LARGE, what)
    if values := _ratios(found.jpeg, "limit", LARGE):
        reached = max(values) <= 1.1
        rows.append(_row(f"{label}: time ÷ C", "≤ 1.1", _span(values), reached))
    return rows


def _progressive(found: Found) -> list[Row]:
    if not found.progressive:
        return []
    pictures = tuple(found.progressive)
    rows = []
    label = "progressive JPEG ≥ 8 MP"
    if values := _ratios(found.progressive, "sharp", pictures):
        reached = max(values) <= 0.33
        rows.append(_row(f"{label}: time ÷ sharp", "≤ 0.33", _span(values), reached))
    return rows + _quality(label, found.progressive, pictures, "ssim")


def _png(found: Found) -> list[Row]:
    if not found.png:
        return []
    label = f"PNG: time ÷ sharp, geometric mean of {len(found.png)}"
    return [
        _row(f"{label}, {how}", "≤ 1.4", f"{mean:.2f}", mean <= 1.4)
        for how, of in (("by the clock", "wall"), ("in processor time", "cpu"))
        if (mean := mean_ratio(found.png, "sharp", of))
    ]


def _memory(found: Found) -> list[Row]:
    rows = []
    if found.peaks:
        added = [
            ways["ours"].added for name, ways in found.peaks.items() if name in LARGE
        ]
        label = "peak memory over the process, baseline JPEG"
        rows.append(_row(label, "≤ 2 MB", f"{max(added):.1f} MB", max(added) <= 2))
        added = [
            ways["ours"].added
            for name, ways in found.peaks.items()
            if name.endswith(".png")
        ]
        label = "peak memory over the process, PNG of 8 bits"
        reached = max(added) <= EIGHT_BIT_PNG_MB
        goal = f"≤ {EIGHT_BIT_PNG_MB} MB"
        rows.append(_row(label, goal, f"{max(added):.1f} MB", reached))
    if found.largest:
        name, peak = max(found.largest.items(), key=lambda item: item[1].whole)
        here = f"{peak.whole:.0f} MB ({named(name)})"
        label = "largest picture that is let in, whole process"
        rows.append(_row(label, "fits 512 MiB", here, peak.whole < ROOM_MB))
    return rows


def named(picture: str) -> str:
    """Write a file's name as a picture's: "12 MP JPEG"."""
    return picture.replace(".jpg", " JPEG").replace(".png", " PNG")


def _rest(found: Found) -> list[Row]:
    rows = []
    built = [one for one in found.layers or () if not one.failure]
    if built:
        largest = max(one.zipped for one in built)
        here = f"{largest:.2f} MB the largest of {len(built)}"
        rows.append(_row("layer, zipped", "≤ 3.2 MB", here, largest <= 3.2))
    if found.cold:
        ms = median(found.cold[HANDLER][DEPLOYED])
        label = "cold start of the handler over boto3 and a client, CPU"
        rows.append(_row(label, "≤ 35 ms", f"{ms:.0f} ms", ms <= 35))
    if found.uploads:
        ms = found.uploads.median
        label = "upload → thumbnail, local cloud, warm, 12 MP, median"
        rows.append(_row(label, "≤ 80 ms", f"{ms:.0f} ms", ms <= 80))
    return rows
