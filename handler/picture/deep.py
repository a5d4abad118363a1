"""PNGs of 16 bits a channel that name one colour as transparent (tRNS).

Pillow keeps 8 bits of each channel, and compares those with all 16 of the colour; so
none would be transparent, and of the upper 8 alone too many would be.
"""

from collections.abc import Callable, Iterator

from PIL import Image, ImageChops, PngImagePlugin

RAWMODE = "RGB;16B"
_LOWER = "RGB;16L"  # the same pairs of bytes, taken the other way round

_BAND_PIXELS = 1_000_000

Colour = tuple[int, ...]


def names_a_colour(image: Image.Image) -> bool:
    """Tell whether a PNG that was opened, but not loaded, is one of these."""
    tiles = getattr(image, "tile", None)
    return bool(tiles) and tiles[0].args == RAWMODE and "transparency" in image.info


def load(image: Image.Image, again: Callable[[], PngImagePlugin.PngImageFile]) -> None:
    """Load the picture, and put in the alpha that its transparent colour means.

    ``again`` opens the same PNG once more, for the lower bytes; those are decoded
    first, so that the two large pictures never stand side by side.
    """
    colour: Colour = image.info.pop("transparency")
    lower = again()
    lower.tile = [lower.tile[0]._replace(args=_LOWER)]
    lower.load()
    matches = Image.new("L", image.size)
    for box in _bands(image.size):
        matches.paste(_equal(lower.crop(box), [value & 255 for value in colour]), box)
    del lower
    image.load()
    for box in _bands(image.size):
        same = _equal(image.crop(box), [value >> 8 for value in colour])
        same = ImageChops.darker(same, matches.crop(box))
        matches.paste(ImageChops.invert(same), box)
    image.putalpha(matches)


def _bands(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    rows = max(1, _BAND_PIXELS // size[0])
    for top in range(0, size[1], rows):
        yield 0, top, size[0], min(top + rows, size[1])


def _equal(band: Image.Image, colour: list[int]) -> Image.Image:
    """Return 255 where all three channels are the colour's, and 0 elsewhere."""
    table = [255 * (value == wanted) for wanted in colour for value in range(256)]
    red, green, blue = band.point(table).split()
    return ImageChops.darker(ImageChops.darker(red, green), blue)
