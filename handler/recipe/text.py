"""Text as a picture: a font, the characters that it has, and the room that it takes.

Needs FreeType, which only the layer for text has (Pillow's ``_imagingft``). Pillow's
own font has the characters of ASCII and a few signs (©, ™, °, quotes); others, é too,
are refused rather than drawn as boxes, until a font file is given.
pillow.readthedocs.io/en/stable/reference/ImageFont.html
"""

import functools
import io
from typing import Any

from PIL import Image

from handler.errors import ConfigError, ImageRejected

LEAST = 6  # pixels: smaller letters are dust
_MEASURE = 100  # a size to measure at; a font scales in proportion

Colour = tuple[int, int, int]


class DoesNotFit(ImageRejected):
    """The picture is too small for what is to be laid upon it."""


@functools.lru_cache(maxsize=32)
def font(size: float, file: bytes | None = None) -> Any:
    """Return Pillow's own font at a size in pixels, or the one in a file's bytes."""
    from PIL import ImageFont

    try:
        if file is None:
            return ImageFont.load_default(size)
        return ImageFont.truetype(io.BytesIO(file), size)
    except ImportError as error:
        raise ConfigError(
            "text needs FreeType, which this layer was built without: deploy with "
            "the layer for text"
        ) from error
    except OSError as error:
        raise ConfigError(f"the font file cannot be read: {error}") from error


def check(text: str, file: bytes | None = None) -> None:
    """Raise ``ConfigError`` for characters that the font has no shape for."""
    shapes = font(_MEASURE, file)
    # What a font shows in place of what it does not have; U+FFFF is never a character.
    missing = bytes(shapes.getmask("\uffff"))
    lost = sorted({sign for sign in text if bytes(shapes.getmask(sign)) == missing})
    if lost:
        signs = ", ".join(f"{sign} (U+{ord(sign):04X})" for sign in lost[:5])
        remedy = "choose another font" if file else "give a font file that has it"
        raise ConfigError(f"the font has no {signs}: {remedy}")


def size_of(text: str, size: float, file: bytes | None = None) -> tuple[int, int]:
    """Return width and height in pixels of the text at a size."""
    left, top, right, bottom = font(size, file).getbbox(text)
    return max(1, round(right - left)), max(1, round(bottom - top))


def size_for_width(text: str, width: float, file: bytes | None = None) -> float:
    """Return the size at which the text is as wide as asked.

    Raises ``DoesNotFit`` where its letters would be too small to read.
    """
    size = int(width / size_of(text, _MEASURE, file)[0] * _MEASURE)
    if size < LEAST:
        raise DoesNotFit(
            f"the text does not fit: within {round(width)} pixels its letters would "
            f"be {size} pixels high, and {LEAST} is the least"
        )
    return size


def draw(
    text: str, size: float, colour: Colour, file: bytes | None = None
) -> Image.Image:
    """Return the text in RGBA, cut to its shape."""
    from PIL import ImageDraw

    check(text, file)
    shapes = font(size, file)
    left, top, _, _ = shapes.getbbox(text)
    mask = Image.new("L", size_of(text, size, file))
    ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=shapes)
    picture = Image.new("RGB", mask.size, colour)
    picture.putalpha(mask)
    return picture
