"""Image effects: a small picture in, a small picture out, alpha kept.

They are applied to renditions, never to the photo itself: a blur of 12 megapixels
takes a second, of a thumbnail a millisecond, and looks the same.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from PIL import Image

from handler.recipe import fields, watermark
from handler.recipe import text as lettering

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def grayscale(picture: Image.Image) -> Image.Image:
    """Return the picture without its colours."""
    return picture.convert("LA" if _alpha(picture) else "L")


def colorize(
    picture: Image.Image,
    *,
    dark: fields.Colour = BLACK,
    light: fields.Colour = WHITE,
) -> Image.Image:
    """Return the picture between two colours, one for the dark, one for the light."""
    grey = picture.convert("L")
    pairs = zip(dark, light, strict=True)
    tables = [[round(a + (b - a) * v / 255) for v in range(256)] for a, b in pairs]
    coloured = Image.merge("RGB", [grey.point(table) for table in tables])
    if _alpha(picture):
        coloured.putalpha(picture.getchannel("A"))
    return coloured


def blur(picture: Image.Image, *, radius: float = 4) -> Image.Image:
    """Return the picture blurred; ``radius`` is in hundredths of its longer side."""
    from PIL import ImageFilter

    soft = ImageFilter.GaussianBlur(radius * max(picture.size) / 100)
    if not _alpha(picture):
        return picture.filter(soft)
    # Multiplied in, so that the colour of what is transparent does not bleed.
    return picture.convert("RGBA").convert("RGBa").filter(soft).convert("RGBA")


def text(
    picture: Image.Image,
    *,
    text: str,
    font: bytes | None = None,
    size: float = 0.1,
    colour: fields.Colour = WHITE,
    place: str = "bottom",
    margin: float = 0.04,
) -> Image.Image:
    """Return the picture with a line of text; ``size`` is a share of its height.

    Raises ``lettering.DoesNotFit`` where the line is wider than the picture.
    """
    high = picture.height * size
    if high < lettering.LEAST:
        raise lettering.DoesNotFit(
            f"the text does not fit: its letters would be {high:.0f} pixels high, and "
            f"{lettering.LEAST} is the least"
        )
    shape = lettering.draw(text, high, colour, font)
    return watermark.lay(picture, shape, place, round(picture.width * margin))


class Effect(NamedTuple):
    """What does it, and the fields that a recipe gives it."""

    apply: Callable[..., Image.Image]
    fields: fields.Fields


#: Every effect, by the name that a recipe calls it.
EFFECTS: dict[str, Effect] = {
    "grayscale": Effect(grayscale, fields.Fields()),
    "colorize": Effect(
        colorize,
        fields.Fields(dark=(fields.colour, BLACK), light=(fields.colour, WHITE)),
    ),
    "blur": Effect(blur, fields.Fields(radius=(fields.number(0.1, 25), 4))),
    "text": Effect(
        text,
        fields.Fields(
            text=(fields.line, ...),
            font=(fields.file_name, None),
            size=(fields.number(0.02, 1), 0.1),
            colour=(fields.colour, WHITE),
            place=(fields.one_of(*watermark.PLACES), "bottom"),
            margin=(fields.number(0, 0.2), 0.04),
        ),
    ),
}


def apply(picture: Image.Image, name: str, **parameters: Any) -> Image.Image:
    """Apply an effect by its name."""
    return EFFECTS[name].apply(picture, **parameters)


def _alpha(picture: Image.Image) -> bool:
    return picture.mode in ("LA", "RGBA")
