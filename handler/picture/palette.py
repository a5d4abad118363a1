"""A picture with a palette: exactly the same, or as good as the same."""

import math
import sys
from typing import Any

from PIL import Image, ImageChops, ImageStat

MOST = 256  # colours
_DRAWN = 1_024  # colours of a drawing with smooth edges
_FITTED = 65_536  # colours that are looked at one by one
_SAMPLE = 131_072  # pixels
PSNR_40_DB = 255**2 / 10**4  # the mean square of a difference that nobody sees

Colour = tuple[int, ...]  # a part for each channel


def exact(image: Image.Image) -> Image.Image | None:
    """Return the same pixels by number, or None where there are too many colours.

    Grey is one byte a pixel as it is.
    """
    counted = _counted(image, MOST)
    if image.mode not in ("RGB", "RGBA") or not counted:
        return None
    return _numbered(image, {colour: colour for _, colour in counted})


def near(image: Image.Image) -> Image.Image | None:
    """Return the picture with 256 colours, or None where somebody could see that."""
    if image.mode not in ("RGB", "RGBA"):  # grey has 256 shades at most
        return None
    made = fewer(image, MOST)
    return made if error(image, made) <= PSNR_40_DB else None


def error(image: Image.Image, other: Image.Image) -> float:
    """Return the mean square of the difference of two pictures of the same size."""
    difference = ImageChops.difference(image, other.convert(image.mode))
    errors = ImageStat.Stat(difference).sum2
    return sum(errors) / len(errors) / (image.width * image.height)


def contrast(image: Image.Image) -> float:
    """Return the mean square of the difference to one even colour."""
    variances = ImageStat.Stat(image).var
    return sum(variances) / len(variances)


def fewer(image: Image.Image, colours: int) -> Image.Image:
    """Return the picture with so many colours at most, whatever that looks like.

    The commonest stay as they are where they are most of it, as of a drawing: what it
    loses are its smooth edges.
    """
    shades = {shade for _, shade in _counted(image, 2)}
    if image.mode == "L" and shades and shades <= {0, 255}:
        return image.convert("1", dither=Image.Dither.NONE)
    image = image.convert({"L": "RGB", "LA": "RGBA"}.get(image.mode, image.mode))
    counted = sorted(_counted(image, _DRAWN), reverse=True)
    kept = [colour for _, colour in counted[:colours]]
    if sum(pixels for pixels, _ in counted[:colours]) * 2 >= image.width * image.height:
        nearest = {colour: _nearest(colour, kept) for _, colour in counted[colours:]}
        return _numbered(image, {colour: colour for colour in kept} | nearest)
    octree, median = Image.Quantize.FASTOCTREE, Image.Quantize.MEDIANCUT
    method = octree if image.mode == "RGBA" else median
    return image.quantize(colours, method, dither=Image.Dither.NONE)


def fitted(image: Image.Image, colours: int) -> Image.Image:
    """Do the same with smooth edges: the colours are fitted to all pixels (k-means).

    One that is most of what it stands for stays as it is. Alpha is not looked at.
    """
    image, median = image.convert("RGB"), Image.Quantize.MEDIANCUT
    made = _sample(image).quantize(colours, median, kmeans=2, dither=Image.Dither.NONE)
    if made.size != image.size:
        made = image.quantize(palette=made, dither=Image.Dither.NONE)
    every, palette = made.histogram(), made.getpalette() or []
    image.putalpha(Image.frombytes("L", made.size, made.tobytes()))
    for count, (*colour, number) in _counted(image, _FITTED):
        if 2 * count > every[number]:
            palette[3 * number : 3 * number + 3] = colour
    made.putpalette(palette)
    return made


def _sample(image: Image.Image) -> Image.Image:
    """Return so many of a large picture's pixels that fitting to them takes no seconds.

    Not a smaller picture, since in that there are no thin lines.
    """
    step = image.width * image.height // _SAMPLE
    if step < 2:
        return image
    while math.gcd(step, image.width) > 1:  # it would see some columns only
        step += 1
    pixels = values(image)[::step]
    return Image.frombytes("RGBA", (len(pixels), 1), pixels.tobytes()).convert("RGB")


def values(image: Image.Image) -> "memoryview[int]":
    """Return each pixel's RGBA as one number: as tuples they take 20 times as much."""
    return memoryview(image.convert("RGBA").tobytes()).cast("I")


def value(colour: Colour) -> int:
    """Return a colour's number."""
    return int.from_bytes(bytes((*colour, 255)[:4]), sys.byteorder)


def coarser(image: Image.Image, bits: int) -> Image.Image:
    """Return the picture with so many bits a channel, of which black and white are."""
    steps = (1 << bits) - 1
    table = [round(round(value * steps / 255) * 255 / steps) for value in range(256)]
    return image.point(table * len(image.getbands()))


def _counted(image: Image.Image, most: int) -> list[tuple[int, Any]]:
    """Return each colour with its pixels; of more than ``most`` colours none."""
    return image.getcolors(most) or []


def _nearest(colour: Colour, others: list[Colour]) -> Colour:
    return min(others, key=lambda other: math.dist(colour, other))


def _numbered(image: Image.Image, colours: dict[Colour, Colour]) -> Image.Image:
    """Return the picture by number, with another colour in the place of each."""
    # Sorted, so that few have to have an alpha.
    kept = sorted(dict.fromkeys(colours.values()), key=lambda colour: colour[3:])
    numbers = {colour: number for number, colour in enumerate(kept)}
    places = {value(colour): numbers[other] for colour, other in colours.items()}
    made = Image.frombytes("P", image.size, bytes(places[at] for at in values(image)))
    made.putpalette(bytes(part for colour in kept for part in colour[:3]))
    if image.mode == "RGBA":
        made.info["transparency"] = bytes(colour[3] for colour in kept)
    return made
