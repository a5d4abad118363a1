"""From the recipe's words to what is done with a small picture, and with which files.

Fonts and the pictures of watermarks are files of the function's zip (``assets/``).
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from handler.errors import ConfigError, ImageRejected
from handler.picture.decode import open_image
from handler.picture.rendition import Rendition
from handler.recipe import effects, watermark
from handler.recipe.fields import Fields, anything, folder, one_of, whole, wrong

ASSETS = Path(__file__).parents[1] / "assets"
MAX_EFFECTS = 8

FINISH = Fields(effects=(anything, []), watermark=(anything, None))

#: What a recipe says of a rendition; sizes in pixels.
RENDITION = Fields(
    width=(whole(16, 4096), ...),
    height=(whole(16, 4096), ...),
    fit=(one_of("inside", "cover"), "inside"),
    format=(one_of("JPEG", "PNG"), None),
    quality=(whole(1, 95), 85),
    folder=(folder, None),
    **FINISH,
)

_LARGE = 512 * 512  # pixels from which memory counts more than the last of sharpness

Files = Mapping[str, bytes]
Finish = Callable[[Image.Image], Image.Image]


class Zipped(dict[str, bytes]):
    """The files that came with the function's code, read when they are needed."""

    def __missing__(self, name: str) -> bytes:
        """Read a file once; ``KeyError`` where there is none."""
        try:
            self[name] = (ASSETS / name).read_bytes()
        except OSError:
            raise KeyError(name) from None
        return self[name]


def rendition(
    name: str, given: Mapping[str, Any], where: str, files: Files
) -> Rendition:
    """Return a rendition as a recipe describes it, its fields read before."""
    return Rendition(
        name=name,
        width=given["width"],
        height=given["height"],
        cover=given["fit"] == "cover",
        kind=given["format"],
        quality=given["quality"],
        gap=1.5 if given["width"] * given["height"] > _LARGE else 3.0,
        finish=finisher(given, where, files),
    )


def finisher(given: Mapping[str, Any], where: str, files: Files) -> Finish | None:
    """Return what applies a rendition's effects, then its watermark; None for none."""
    if not isinstance(given["effects"], list) or len(given["effects"]) > MAX_EFFECTS:
        raise wrong(f"{where}.effects", f"should be a list of at most {MAX_EFFECTS}")
    steps = [
        _effect(effect, f"{where}.effects[{number}]", files)
        for number, effect in enumerate(given["effects"])
    ]
    mark = None
    if given["watermark"] is not None:
        mark = _watermark(given["watermark"], f"{where}.watermark", files)
    if not steps and mark is None:
        return None

    def finish(picture: Image.Image) -> Image.Image:
        for name, parameters in steps:
            picture = effects.apply(picture, name, **parameters)
        return watermark.put(picture, **mark) if mark else picture

    return finish


def _effect(given: Any, where: str, files: Files) -> tuple[str, dict[str, Any]]:
    name = given.get("effect") if isinstance(given, Mapping) else None
    if name not in effects.EFFECTS:
        known = ", ".join(effects.EFFECTS)
        raise wrong(where, f"has the effect {name!r}, and there are {known}")
    rest = {field: value for field, value in given.items() if field != "effect"}
    parameters = effects.EFFECTS[name].fields.read(rest, where)
    return name, _with_font(parameters, where, files)


def _watermark(given: Any, where: str, files: Files) -> dict[str, Any]:
    mark = watermark.FIELDS.read(given, where)
    picture = mark.pop("picture")
    if (mark["text"] is None) == (picture is None):
        raise wrong(where, "needs either a text or a picture")
    if picture is not None:
        data = _file(picture, f"{where}.picture", files)
        mark["mark"] = _decoded(data, f"{where}.picture")
    return _with_font(mark, where, files)


def _with_font(given: dict[str, Any], where: str, files: Files) -> dict[str, Any]:
    if given.get("font") is None:
        return given
    return given | {"font": _file(given["font"], f"{where}.font", files)}


def _file(name: str, where: str, files: Files) -> bytes:
    try:
        return files[name]
    except KeyError:
        raise wrong(where, f"is {name!r}, and no such file is in the zip") from None


@cache
def _decoded(data: bytes, where: str) -> Image.Image:
    try:
        picture = open_image(data, seconds=5)
        if picture.width * picture.height > 4_000_000:
            raise wrong(where, "has more than 4 megapixels: make it smaller")
        return picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, ImageRejected) as error:
        raise ConfigError(f"the recipe's {where} is no JPEG or PNG: {error}") from error
