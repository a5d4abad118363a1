"""Decoded pictures in, decoded pictures out: shrink, turn upright, bring to sRGB."""

import functools
import io

from PIL import ExifTags, Image, ImageCms

GAP = 3.0  # average by whole numbers down to so many times the size, then LANCZOS
BAND_PIXELS = 1_000_000

Size = tuple[int, int]
Area = tuple[float, float, float, float]

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


def shrink(image: Image.Image, area: Area, size: Size) -> Image.Image:
    """Return the area of the picture at ``size``, as L, LA, RGB, RGBA or CMYK.

    It goes band by band, each brought to 8 bits a channel and averaged by a whole
    number, so that no second copy of a large picture is ever held.
    """
    step_x = max(1, int(area[2] / size[0] / GAP))
    step_y = max(1, int(area[3] / size[1] / GAP))
    rows = max(1, BAND_PIXELS // image.width // step_y) * step_y
    bands = []
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        band = _averageable(image.crop((0, top, image.width, bottom)))
        bands.append(band.reduce((step_x, step_y)))
    averaged = _stacked(bands)
    box = (0, 0, area[2] / step_x, area[3] / step_y)
    small = averaged.resize(size, Image.Resampling.LANCZOS, box)
    return small.convert({"La": "LA", "RGBa": "RGBA"}.get(small.mode, small.mode))


def turn_upright(image: Image.Image, exif: bytes | None) -> Image.Image:
    """Turn and mirror as EXIF says; EXIF that cannot be read says nothing."""
    try:
        tags = Image.Exif()
        tags.load(exif or b"")
        orientation = tags.get(ExifTags.Base.Orientation)
    except Exception:
        return image  # any error at all: nothing here is worth losing a good picture
    method = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
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
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        result = ImageCms.profileToProfile(image, source, _srgb(), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image  # broken, or made for another kind of picture
    return result.convert("L") if image.mode == "L" else result


@functools.cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _averageable(band: Image.Image) -> Image.Image:
    """Bring to 8 bits, no palette, and alpha multiplied in.

    Averages of palette numbers mean nothing, and a transparent pixel's colour must not
    bleed into its neighbours.
    """
    if band.mode.startswith("I"):
        band = _eight_bits(band)
    if band.mode == "CMYK":
        return band
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
    clear = band.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(wide.point([255 * (v != clear) for v in range(65536)], "L"))
    return grey


def _stacked(bands: list[Image.Image]) -> Image.Image:
    if len(bands) == 1:
        return bands[0]
    height = sum(band.height for band in bands)
    whole = Image.new(bands[0].mode, (bands[0].width, height))
    top = 0
    for band in bands:
        whole.paste(band, (0, top))
        top += band.height
    return whole
