"""The goals, each beside what this run showed."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from starts import DEPLOYED, HANDLER
from times import Measured, Table, mean_ratio, ratio

if TYPE_CHECKING:
    from report import Found

Row = list[str]

LARGE = ("12 MP 4:2:0.jpg", "12 MP 4:4:4.jpg", "12 MP, quality 95.jpg", "24 MP.jpg")
DEPLOYED_MIB = 450  # of 512
EIGHT_BIT_PNG_MB = 6
#: What is compared with sharp's: its name, unit, and the last digit that counts.
QUALITIES = {
    "psnr": ("PSNR", " dB", 2),
    "ssim": ("SSIM", "", 4),
    "psnr_100": ("PSNR of brightness at quality 100", " dB", 2),
}


def goals(found: Found) -> list[Row]:
    """Return figure, goal, what it is here, and whether that reaches it."""
    jpeg = {name: found.jpeg[name] for name in LARGE} if found.jpeg else {}
    return [
        *_baseline("baseline JPEG ≥ 8 MP", jpeg),
        *_progressive("progressive JPEG ≥ 8 MP", found.progressive or {}),
        *_png(found.png or {}),
        *_bytes(found.timed),
        *_memory(found),
        *_rest(found),
    ]


def _row(figure: str, goal: str, here: str, reached: bool) -> Row:
    return [figure, goal, here, "reached" if reached else "**missed**"]


def _most(figure: str, most: float, here: float, unit: str = "", note: str = "") -> Row:
    """Return the row of a goal that is a bound."""
    text = f"{here:.4g}{unit}{note}"
    return _row(figure, f"≤ {most:g}{unit}", text, here <= most)


def _beside(table: Table, name: str) -> list[tuple[Measured, Measured]]:
    """Ours and another's, for the pictures that both did."""
    return [(ways["ours"], ways[name]) for ways in table.values() if name in ways]


def _slowest(figure: str, most: float, table: Table, name: str) -> list[Row]:
    ratios = [ratio(ours, other) for ours, other in _beside(table, name)]
    if not ratios:
        return []
    span = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return [_row(figure, f"≤ {most:g}", span, max(ratios) <= most)]


def _quality(label: str, table: Table, *names: str) -> list[Row]:
    """How far ours is above sharp's in quality, where that is least."""
    rows = []
    for name in names if (pairs := _beside(table, "sharp")) else ():
        gap = min(getattr(ours, name) - getattr(sharp, name) for ours, sharp in pairs)
        title, unit, digits = QUALITIES[name]
        slack = 10**-digits
        goal = f"≥ 0, give or take {slack:g}{unit}"
        here = f"{gap:+.{digits + 1}f}{unit} at worst"
        rows.append(_row(f"{label}: {title} over sharp's", goal, here, gap >= -slack))
    return rows


def _baseline(label: str, table: Table) -> list[Row]:
    rows = _slowest(f"{label}: time ÷ sharp", 1.0, table, "sharp")
    if mean := mean_ratio(table, "sharp"):
        rows.append(_most(f"{label}: the mean of it", 0.95, mean))
    rows += _quality(label, table, "psnr", "psnr_100", "ssim")
    return rows + _slowest(f"{label}: time ÷ C", 1.1, table, "limit")


def _progressive(label: str, table: Table) -> list[Row]:
    rows = _slowest(f"{label}: time ÷ sharp", 0.33, table, "sharp")
    return rows + _quality(label, table, "ssim")


def _png(table: Table) -> list[Row]:
    label = f"PNG: time ÷ sharp, geometric mean of {len(table)}"
    rows = [
        _most(f"{label}, {how}", 1.4, mean)
        for how, of in (("by the clock", "wall"), ("in processor time", "cpu"))
        if (mean := mean_ratio(table, "sharp", of))
    ]
    return rows + _quality("PNG", table, "psnr", "ssim")


def _bytes(table: Table) -> list[Row]:
    """Where ours is better than sharp's in SSIM, it may be larger."""
    rows = []
    if pairs := _beside(table, "sharp"):
        slack = 10 ** -QUALITIES["ssim"][2]
        shares = [ours.size / sharp.size for ours, sharp in pairs]
        better = [ours.ssim > sharp.ssim + slack for ours, sharp in pairs]
        found = list(zip(shares, better, strict=True))
        same = max((share for share, up in found if share <= 1 or not up), default=0)
        larger = [f"{share:.2f}" for share, up in found if share > 1.01 and up]
        here = f"{same:.2f} at most" + "".join(
            f"; {share} at a higher SSIM" for share in larger
        )
        label = "bytes of a thumbnail ÷ sharp's at the same SSIM"
        rows.append(_row(label, "≤ 1, give or take 0.01", here, same <= 1.01))
    if table:
        shares = [ways["ours"].size / ways["ours"].source for ways in table.values()]
        rows.append(_most("bytes of a thumbnail ÷ its source's", 1.0, max(shares)))
    return rows


def _memory(found: Found) -> list[Row]:
    rows = []
    if found.peaks:
        added = {name: ways["ours"].added for name, ways in found.peaks.items()}
        over = "peak memory over the process"
        baseline = max(mb for name, mb in added.items() if name in LARGE)
        rows.append(_most(f"{over}, baseline JPEG", 2, baseline, " MB"))
        png = max(mb for name, mb in added.items() if name.endswith(".png"))
        rows.append(_most(f"{over}, PNG of 8 bits", EIGHT_BIT_PNG_MB, png, " MB"))
    if found.deployed:
        for number, count in enumerate(("one", "ten")):
            name, both = max(found.deployed.items(), key=lambda item: item[1][number])
            label = f"{count} of every kind and shape, the whole function of 512 MB"
            mib = both[number].mib
            rows.append(_most(label, DEPLOYED_MIB, mib, " MB", f" ({name})"))
    return rows


def _rest(found: Found) -> list[Row]:
    rows = []
    built = [layer for layer in found.layers or () if not layer.failure]
    if built:
        largest = max(layer.zipped for layer in built)
        note = f" the largest of {len(built)}"
        rows.append(_most("layer, zipped", 3.2, largest, " MB", note))
    if found.cold:
        label = "cold start of the handler over boto3 and a client, CPU"
        rows.append(_most(label, 35, median(found.cold[HANDLER][DEPLOYED]), " ms"))
    if found.uploads:
        label = "upload → thumbnail, local cloud, warm, 12 MP, median"
        rows.append(_most(label, 80, found.uploads.median, " ms"))
    return rows
