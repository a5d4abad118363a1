"""The exercises of 09_effects."""

from __future__ import annotations

from collections.abc import Collection
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


#: Wish → why the role needs no more for it.
_FREE = {
    "blur": "A blur is computed; no service is asked.",
    "watermark": "The watermark's picture is in the function's zip.",
    "renditions": "Renditions go to the target bucket, where the role may write.",
}
_MORE = frozenset({"backup", "rekognition"})


def _permissions(answer: Collection[str], cloud: Cloud, settings: Settings) -> str:
    named = set(answer)
    if not named:
        return "Two of the five wishes need a statement more: put both into the set."
    for wish in sorted(named - _MORE):
        return _FREE.get(wish, f"{wish!r} is none of the five.")
    for wish in sorted(_MORE - named):
        return f"{wish!r} is still to be named: `added` shows its statement."
    return ""


JUDGES: dict[str, Judge] = {"9a": _cover, "9b": _permissions}
