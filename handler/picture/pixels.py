"""Decoded pictures in, decoded pictures out: shrink, turn upright, bring to sRGB."""

import functools
import io
import math
from typing import TYPE_CHECKING

from PIL import Image, ImageChops

from handler.picture import Area, Size, icc

if TYPE_CHECKING:
    from PIL import ImageCms

GAP = 3.0  # average by whole numbers down to so many times the size, then LANCZOS
BAND_PIXELS = 131_072  # half a megabyte, which the processor's cache holds

Box = tuple[int, int, int, int]

_AVERAGEABLE = ("L", "La", "RGB", "RGBa", "CMYK")
_MULTIPLIED = {"LA": "La", "RGBA": "RGBa"}
_STRAIGHT = {multiplied: mode for mode, multiplied in _MULTIPLIED.items()}

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
    """Return the area of the picture at ``size``, as L, LA, RGB, RGBA or CMYK.

    All of it at its own size is not resized, and then no colour is rounded for it.
    """
    if size == image.size and area == (0, 0, *size):
        return _as_it_is(image)
    if _is_averageable(image):
        small = image.resize(size, Image.Resampling.LANCZOS, area, gap)
        return small.convert(_STRAIGHT.get(small.mode, small.mode))
    left, top, right, bottom = area
    across, down = (right - left) / size[0], (bottom - top) / size[1]
    step = max(1, int(across / gap)), max(1, int(down / gap))
    part = int(left), int(top), math.ceil(right), math.ceil(bottom)
    averaged = Averager(step)(image, part)
    x0, x1 = ((edge - part[0]) / step[0] for edge in (left, right))
    y0, y1 = ((edge - part[1]) / step[1] for edge in (top, bottom))
    small = averaged.resize(size, Image.Resampling.LANCZOS, (x0, y0, x1, y1))
    return small.convert(_STRAIGHT.get(small.mode, small.mode))


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn and mirror as EXIF's orientation, 1 to 8, says."""
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in sRGB as L, LA, RGB or RGBA.

    A profile (of ``icc.readable``) that is broken or of another kind is ignored.
    """
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

    # Greys often carry a profile of colours (Adobe RGB), whose curve is theirs too.
    mode = "RGB" if image.mode == "L" and not icc.is_grey(profile) else image.mode
    try:
        transform = _transform(profile, mode)
        result = ImageCms.applyTransform(image.convert(mode), transform)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image  # broken, or made for another kind of picture
    if result is None:  # only where it was told to work in place
        return image
    return result.convert("L") if image.mode == "L" else result


@functools.lru_cache(8)  # a tenth of the time of a photo with a profile
def _transform(profile: bytes, mode: str) -> "ImageCms.ImageCmsTransform":
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    flags = ImageCms.Flags.NONE
    if mode == "RGB" and not source.profile.is_matrix_shaper:
        # Of a profile's table lcms would make a coarser one, with edges cut off.
        flags = ImageCms.Flags.NOOPTIMIZE
    if mode == "L":  # of which full is not always white
        flags = ImageCms.Flags.NOWHITEONWHITEFIXUP
    return ImageCms.buildTransform(source, _srgb(), mode, "RGB", flags=flags)


@functools.cache
def _srgb() -> "ImageCms.ImageCmsProfile":
    from PIL import ImageCms

    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # As of version 2: into one of 4, lcms makes every printer's grey black a full one.
    return ImageCms.ImageCmsProfile(io.BytesIO(made[:8] + b"\2" + made[9:]))


class Averager:
    """Averages ``step`` pixels of a picture, across and down, into one.

    Made once for all parts of a picture, of which most may be opaque.
    """

    def __init__(self, step: Size) -> None:
        self.step = step
        self.opaque = True

    def __call__(self, image: Image.Image, part: Box) -> Image.Image:
        """Return a part of the picture, averaged, as L, La, RGB or RGBa."""
        if _is_averageable(image):
            return self._plain(image, part)
        if self._is_opaque(image):
            # All of it is averaged as it is: Pillow would multiply the alpha in first.
            made = Image.new(image.mode, (1, 1))
            made = made._new(image.im.reduce(self.step, part))
            return made.convert(_MULTIPLIED[image.mode])
        return self._tiles(image, part)

    def _plain(self, image: Image.Image, part: Box) -> Image.Image:
        if self.step != (1, 1):
            return image.reduce(self.step, part)
        return image if part == (0, 0, *image.size) else image.crop(part)

    def _is_opaque(self, image: Image.Image) -> bool:
        if image.mode not in _MULTIPLIED:
            return False
        if self.opaque and self.step != (1, 1):
            self.opaque = image.getchannel("A").getextrema() == (255, 255)
            return self.opaque
        return False

    def _tiles(self, image: Image.Image, part: Box) -> Image.Image:
        """Convert first, a tile at a time, so that no second copy is ever held.

        Tiles end by columns, too: a row can have millions of pixels.
        """
        step = self.step
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


def _is_averageable(image: Image.Image) -> bool:
    return image.mode in _AVERAGEABLE and "transparency" not in image.info


def _averageable(band: Image.Image) -> Image.Image:
    """Bring to 8 bits, no palette, and alpha multiplied in.

    Averages of palette numbers mean nothing, and a transparent pixel's colour must not
    bleed into its neighbours.
    """
    band = _colours(band)
    return band.convert(_MULTIPLIED.get(band.mode, band.mode))


def _colours(image: Image.Image) -> Image.Image:
    """Bring to 8 bits and no palette: L, LA, RGB or RGBA."""
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    grey = image.mode in ("1", "L", "LA")
    if not image.has_transparency_data:
        return image.convert("L" if grey else "RGB")
    return image.convert("LA" if grey else "RGBA")


def _as_it_is(image: Image.Image) -> Image.Image:
    """Return all of the picture, and black where it is wholly transparent."""
    if _is_averageable(image):
        return image.convert(_STRAIGHT.get(image.mode, image.mode))
    image = _colours(image)
    if image.mode not in _MULTIPLIED:
        return image
    seen = image.getchannel("A").point(lambda alpha: 255 * (alpha > 0))
    return Image.composite(image, Image.new(image.mode, image.size), seen)


def _eight_bits(band: Image.Image) -> Image.Image:
    """Scale 16-bit grey; Pillow's own ``convert`` cuts every value off at 255."""
    wide = band.convert("I")
    wide.info = {}  # its transparency still counts to 65535
    # Not by a table of 65536 values, which Pillow would round anew for each band.
    grey = wide.point(lambda value: value * (1 / 256) + 0).convert("L")
    clear = band.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(_other_than(wide, clear))
    return grey


def _other_than(wide: Image.Image, clear: int) -> Image.Image:
    """Return a mask that is black where a picture of mode I has this value."""
    above = wide.point(lambda value: value * 1 - clear).convert("L")  # 0 to 255, cut
    below = wide.point(lambda value: value * -1 + clear).convert("L")
    return ImageChops.lighter(above, below).point(lambda value: 255 * (value > 0))
