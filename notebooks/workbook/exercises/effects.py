"""The exercises of 09_effects."""

from __future__ import annotations

from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.exercises.verdict import Judge


def _cover(cover: dict[str, Any], cloud: Cloud, settings: Settings) -> str:
    effects = {each.get("effect"): each for each in cover.get("effects", ())}
    if cover.get("fit") != "cover" or cover.get("width") != cover.get("height"):
        return 'It is not square: `"fit": "cover"` fills the box.'
    if "grayscale" not in effects:
        return "It has its colours still: the effect is `grayscale`."
    if effects.get("text", {}).get("place") != "top":
        return 'Your name is not at the top: a `text` has `"place": "top"`.'
    return ""


JUDGES: dict[str, Judge] = {"9a": _cover}
