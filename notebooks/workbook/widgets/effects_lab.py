"""A recipe tried out: what the function would make of a photo, here and at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets

from handler.config import Config
from handler.picture.render import Thumbnail, render, thumbnail
from handler.picture.rendition import Plan
from handler.recipe import parse as recipes
from handler.recipe.watermark import PLACES
from workbook import html
from workbook.errors import messages
from workbook.html import Html
from workbook.show import pictures, restarted

_SMALL = 640  # what the sliders work on: a photo of 12 megapixels would make them slow
_WIDE = {"style": {"description_width": "80px"}, "layout": {"width": "380px"}}


class Tried(Html):
    """The source beside every output; the outputs themselves are in `.made`."""

    def __init__(self, data: str, text: str, made: dict[str, Thumbnail]) -> None:
        super().__init__(data, text)
        self.made = made


def try_recipe(
    photo: bytes | Path | str,
    recipe: Mapping[str, Any],
    assets: Sequence[Path | str] = (),
) -> Tried:
    """Show a photo beside all that a recipe makes of it, with the handler's own code.

    Raises:
        ConfigError: the recipe is wrong; says which part of it.
        ImageRejected: no picture, or a text that does not fit upon it.
        WorkbookError: a file cannot be read.
    """
    content = pictures.read(photo)
    made = _made(content, _plan(recipe, assets))
    cards = [
        _card("source", content),
        *(_card(name, one.data) for name, one in made.items()),
    ]
    lines = [f"{name}: {html.pixels(one.size)}" for name, one in made.items()]
    return Tried(html.block("".join(cards)), "\n".join(lines), made)


def effects_lab(photo: bytes | Path | str) -> ipywidgets.Widget:
    """Show each effect under sliders, and its recipe; its twin is `try_recipe`."""
    shown = ipywidgets.HTML()
    try:
        content = pictures.read(photo)
        small = thumbnail(content, _SMALL, quality=95).data
    except messages.TOLD as error:
        shown.value = messages.note(error)
        return ipywidgets.VBox([shown])
    source = _card("source", content)
    controls = {
        effect: {name: make(description=name) for name, make in fields.items()}
        for effect, fields in _CONTROLS.items()
    }
    which = ipywidgets.Dropdown(
        options=list(controls), value="colorize", description="effect", **_WIDE
    )
    sliders = ipywidgets.VBox()

    def show(_: Any = None) -> None:
        fields = {name: one.value for name, one in controls[which.value].items()}
        try:
            part = _part(which.value, fields)
            made = _made(small, _plan({"thumbnail": part}))
            below = html.escape(json.dumps(part, ensure_ascii=False))
            # As narrow as the pictures, so that it stays beside the sliders.
            shown.value = html.block(
                source + _card("thumbnail", made["thumbnail"].data) + '<div style="max-'
                'width:400px"><code style="white-space:normal;overflow-wrap:anywhere">'
                f"{below}</code></div>"
            )
        except Exception as error:  # a callback's traceback would reach nobody
            shown.value = messages.note(error)

    def choose(_: Any = None) -> None:
        sliders.children = list(controls[which.value].values())
        show()

    which.observe(choose, names="value")
    for group in controls.values():
        for control in group.values():
            control.observe(show, names="value")
    choose()
    return ipywidgets.HBox(
        [ipywidgets.VBox([which, sliders]), shown, ipywidgets.HTML(restarted.PANEL)],
        layout=ipywidgets.Layout(flex_flow="row wrap"),
    )


_SLIDER = partial(ipywidgets.FloatSlider, **_WIDE)
_COLOUR = partial(ipywidgets.ColorPicker, **_WIDE)
_PLACE = partial(ipywidgets.Dropdown, options=PLACES, **_WIDE)
_TEXT = partial(ipywidgets.Text, value="Workbook", **_WIDE)
#: What each effect is set with, by the names that a recipe has for them.
_CONTROLS: dict[str, dict[str, Callable[..., ipywidgets.Widget]]] = {
    "grayscale": {},
    "colorize": {
        "dark": partial(_COLOUR, value="#102040"),
        "light": partial(_COLOUR, value="#ffe8c0"),
    },
    "blur": {"radius": partial(_SLIDER, value=1, min=0.1, max=10, step=0.1)},
    "text": {
        "text": _TEXT,
        "size": partial(_SLIDER, value=0.12, min=0.04, max=0.5, step=0.01),
        "colour": partial(_COLOUR, value="#ffffff"),
        "place": partial(_PLACE, value="bottom"),
    },
    "watermark": {
        "text": _TEXT,
        "width": partial(_SLIDER, value=0.5, min=0.02, max=1, step=0.02),
        "opacity": partial(_SLIDER, value=0.6, min=0.05, max=1, step=0.05),
        "place": partial(_PLACE, value="bottom-right"),
    },
}


def _part(effect: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Write one effect as the recipe's part for the thumbnail."""
    # A slider says 1.0000000000000002.
    fields = {
        name: round(value, 2) if isinstance(value, float) else value
        for name, value in fields.items()
    }
    if effect == "watermark":
        return {"watermark": fields}
    return {"effects": [{"effect": effect} | fields]}


def _plan(recipe: Mapping[str, Any], assets: Sequence[Path | str] = ()) -> Plan:
    files = {Path(path).name: messages.file_bytes(Path(path)) for path in assets}
    return recipes.parse(json.dumps(recipe), Config("target"), files)[None]


def _made(content: bytes, plan: Plan) -> dict[str, Thumbnail]:
    found = {}
    made = render(content, plan.renditions)
    for wanted, one in zip(plan.renditions, made, strict=True):
        if isinstance(one, Exception):
            raise one
        found[wanted.name] = one
    return found


def _card(name: str, content: bytes) -> str:
    small, size = pictures.shrink(content)
    return html.card(
        pictures.img(small or content, name),
        f"<b>{html.escape(name)}</b>",
        f"{html.pixels(size)} · {html.weight(len(content))}",
    )
