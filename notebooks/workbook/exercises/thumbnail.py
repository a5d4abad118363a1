"""The exercises of 01_thumbnail."""

from __future__ import annotations

from deploy.cloud import Cloud
from deploy.settings import Settings
from handler import make_thumbnail
from workbook.exercises.verdict import Judge
from workbook.uploads import SAMPLES

BYTES = 5_000


def _quality(quality: int, cloud: Cloud, settings: Settings) -> str:
    data = (SAMPLES / "lighthouse.jpg").read_bytes()

    def weight(quality: int) -> int:
        return len(make_thumbnail(data, settings.box, quality=quality))

    if weight(quality) > BYTES:
        return f"Quality {quality} takes {weight(quality):,} bytes: lower it."
    if quality < 95 and weight(quality + 1) <= BYTES:
        return f"Quality {quality} fits, and a higher quality fits, too."
    return ""


def _wide(size: tuple[int, int], cloud: Cloud, settings: Settings) -> str:
    width, height = size
    right = (settings.box, round(settings.box / 3))
    if width == height:
        return f"{width} × {height} is squashed: the photo is three times as wide."
    if (height, width) == right:
        return "Width and height are swapped: the photo is wide."
    if width == settings.box and height != right[1]:
        return f"The width is right. The height is a third of it, not {height}."
    if (width, height) != right:
        return f"The longer side fills the box: the width is {settings.box}."
    return ""


JUDGES: dict[str, Judge] = {"1a": _wide, "1b": _quality}
