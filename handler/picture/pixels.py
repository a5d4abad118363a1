"""Decoded pictures in, decoded pictures out: shrink, turn upright, bring to sRGB."""

import functools
import io
import math
from typing import TYPE_CHECKING

from PIL import Image

from handler.picture import Area, Size

if TYPE_CHECKING:
    from PIL import ImageCms

GAP = 3.0  # average by whole numbers down to so many times the size, then LANCZOS
BAND_PIXELS = 1_000_000

# What to do with the pixels for each value of EXIF's orientation.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def shrink(image: Image.Image, area: Area, size: Size, gap: float = GAP) -> Image.Image:
    """Return the area of the picture at ``size``, as L, LA, RGB, RGBA or CMYK."""
    if image.mode in ("L", "RGB", "CMYK") and not image.has_transparency_data:
        return image.resize(size, Image.Resampling.LANCZOS, area, gap)
    left, top, right, bottom = area
    across, down = (right - left) / size[0], (bottom - top) / size[1]
    step = max(1, int(across / gap)), max(1, int(down / gap))
    part = int(left), int(top), math.ceil(right), math.ceil(bottom)
    averaged = _averaged(image, step, part)
    x0, x1 = ((edge - part[0]) / step[0] for edge in (left, right))
    y0, y1 = ((edge - part[1]) / step[1] for edge in (top, bottom))
    small = averaged.resize(size, Image.Resampling.LANCZOS, (x0, y0, x1, y1))
    return small.convert({"La": "LA", "RGBa": "RGBA"}.get(small.mode, small.mode))


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn and mirror as EXIF's orientation, 1 to 8, says."""
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in sRGB as L, LA, RGB or RGBA; a broken profile is ignored."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image.convert(image.mode.removesuffix("A"))
    if profile:
        colours = _through(profile, colours)
    if colours.mode == "CMYK":
        colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours


def _through(profile: bytes, image: Image.Image) -> Image.Image:
    from PIL import ImageCms  # 7 ms of a cold start, for the pictures that need it

    try:
        result = ImageCms.applyTransform(image, _transform(profile, image.mode))
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image  # broken, or made for another kind of picture
    if result is None:  # only where it was told to work in place
        return image
    return result.convert("L") if image.mode == "L" else result


@functools.lru_cache(8)  # a tenth of the time of a photo with a profile
def _transform(profile: bytes, mode: str) -> "ImageCms.ImageCmsTransform":
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(source, _srgb(), mode, "RGB")


@functools.cache
def _srgb() -> "ImageCms.ImageCmsProfile":
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _averaged(
    image: Image.Image, step: Size, part: tuple[int, int, int, int]
) -> Image.Image:
    """Average ``step`` pixels of a part, across and down, into one.

    They are converted first, a tile at a time, so that no second copy of a large
    picture is ever held. Tiles end by columns, too: a row can have millions of pixels.
    """
    left, start, right, end = part
    across = max(1, min(right - left, BAND_PIXELS // step[1]) // step[0]) * step[0]
    rows = max(1, BAND_PIXELS // across // step[1]) * step[1]
    whole = None
    for top in range(start, end, rows):
        for edge in range(left, right, across):
            box = edge, top, min(edge + across, right), min(top + rows, end)
            tile = _averageable(image.crop(box)).reduce(step)
            if whole is None:
                size = -(-(right - left) // step[0]), -(-(end - start) // step[1])
                whole = Image.new(tile.mode, size)
            whole.paste(tile, ((edge - left) // step[0], (top - start) // step[1]))
    if whole is None:
        raise ValueError("no pixels")
    return whole


def _averageable(band: Image.Image) -> Image.Image:
    """Bring to 8 bits, no palette, and alpha multiplied in.

    Averages of palette numbers mean nothing, and a transparent pixel's colour must not
    bleed into its neighbours.
    """
    if band.mode.startswith("I"):
        band = _eight_bits(band)
    grey = band.mode in ("1", "L", "LA")
    if not band.has_transparency_data:
        return band.convert("L" if grey else "RGB")
    if grey:
        return band.convert("LA").convert("La")
    return band.convert("RGBA").convert("RGBa")


def _eight_bits(band: Image.Image) -> Image.Image:
    """Scale 16-bit grey; Pillow's own ``convert`` cuts every value off at 255."""
    wide = band.convert("I")
    grey = wide.point([value >> 8 for value in range(65536)], "L")
    grey.info = {}  # its transparency still counts to 65535
    clear = band.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(wide.point([255 * (v != clear) for v in range(65536)], "L"))
    return grey
