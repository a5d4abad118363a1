"""A thumbnail that would weigh more than its source: what it can do without.

Lines and points of a picture of few colours are packed the better where they are
straight and alike, as in its source; shrunk, their edges are smooth and no two alike.
"""

import bisect
import io
import zlib
from collections.abc import Callable, Iterator, Sequence

from PIL import Image

from handler.picture import Area, palette, repack
from handler.picture.rendition import encode, saved

_WORST = 5  # quality
_MANY = 65_536  # pixels
_BITS = (7, 6, 5)  # a channel
_FEWER = (256, 128, 64, 32, 16, 12, 8, 6, 5, 4, 3, 2)  # colours
_FITTED = (16, 8, 6, 4, 3, 2)
_PSNR_20_DB = 255**2 / 10**2  # the mean square of a difference that spoils a picture
_PSNR_25_DB = 255**2 / 10**2.5  # one that reads as well
_CONTRAST = 1 / 8  # or so much of the picture's own: thin lines on a page are little


def lighter(
    image: Image.Image,
    encoded: bytes,
    kind: str,
    quality: int,
    source: bytes,
    area: Area,
) -> tuple[Image.Image, bytes]:
    """Return the picture in as many bytes as its source has at most, and those.

    So far it is ``encoded``, in more. ``area`` is the part of the source that it shows.
    A PNG that is as large as that lacks nothing that is seen. Where no PNG says that in
    as few bytes, it may weigh more: a smooth picture of some hundred bytes whose
    colours had to change, or that hid some, or that had 16 bits or no end. Any other
    loses quality or colours, and where that would spoil it, it is made smaller.
    """
    most = len(source)
    if kind == "PNG":
        across, down = round(area[2] - area[0]), round(area[3] - area[1])
        as_it_is = max(image.size) == max(across, down)
        encoded = _packed(image, encoded, source, as_it_is=as_it_is)
        if as_it_is or len(encoded) <= most:
            return image, encoded
    best, least = None, float("inf")
    allowed = _PSNR_20_DB
    if kind == "PNG":
        allowed = min(allowed, _CONTRAST * palette.contrast(image))
    for smaller in _smaller(image, area):
        if smaller is not image:
            encoded = encode(smaller, kind, quality, most)
        if len(encoded) > most:
            encoded = _lossy(smaller, encoded, kind, quality, most)
        if len(encoded) > most:
            continue
        loss = _loss(image, encoded)
        spoilt = smaller is image and kind == "PNG" and loss > allowed
        if spoilt and (fitted := _fitted(image, most, allowed)):
            return image, fitted
        if loss >= least:
            break
        best, least = (smaller, encoded), loss
        if loss <= allowed:
            break
    return best or (smaller, encoded)


def _packed(
    image: Image.Image, encoded: bytes, source: bytes, *, as_it_is: bool
) -> bytes:
    """Return the PNG in fewer bytes, where it can be packed better than by Pillow."""
    packed = [encoded]
    if image.width * image.height <= _MANY:
        packed.append(repack.alike(image))
    if as_it_is and (bare := repack.bare(source, image)):
        packed.append(bare)
    least = min(packed, key=len)
    if as_it_is and len(least) > len(source):
        return _coarser(image, len(source)) or least
    return least


def _smaller(image: Image.Image, area: Area) -> Iterator[Image.Image]:
    """Yield the picture as it is, then as a half of its source, a third, a quarter …

    Of a QR code whose points are ten pixels wide, those of a half are all five, and
    sharp.
    """
    yield image
    long, whole = max(area[2] - area[0], area[3] - area[1]), max(image.size)
    part, size = int(long / whole), image.size
    while size != (1, 1):
        part += 1 + part // 4
        scale = long / part / whole
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        yield image.resize(size, Image.Resampling.LANCZOS)


def _loss(image: Image.Image, made: bytes) -> float:
    with Image.open(io.BytesIO(made), formats=["JPEG", "PNG"]) as smaller:
        again = smaller.convert(image.mode).resize(image.size)
    return palette.error(image, again)


def _lossy(
    image: Image.Image, made: bytes, kind: str, quality: int, most: int
) -> bytes:
    """Return a JPEG or PNG of at most so many bytes, or what comes closest."""
    if kind == "PNG":
        return _lossy_png(image, most, near=len(made) < 1.5 * most)
    while len(made) > most and quality > _WORST:
        quality = max(_WORST, quality * 3 // 4)
        made = encode(image, kind, quality)
    return made


def _lossy_png(image: Image.Image, most: int, *, near: bool) -> bytes:
    # A gradient packs worse with a palette.
    made = _coarser(image, most) if near else None
    return made or _of_most_colours(image, most, palette.fewer, _FEWER)


def _coarser(image: Image.Image, most: int) -> bytes | None:
    """Return a PNG of at most so many bytes that differs by 4 of 255 at most."""
    few = image.width * image.height <= _MANY
    # Of many pixels every way to pack them is too slow, but one that looks for runs.
    options = {"optimize": True} if few else {"compress_type": zlib.Z_RLE}
    for bits in _BITS:
        made = saved(palette.coarser(image, bits), "PNG", **options)
        if len(made) <= most:
            return made
    return None


def _fitted(image: Image.Image, most: int, allowed: float) -> bytes | None:
    """Return a PNG with smooth edges, as of text, where that reads as well."""
    if image.mode in ("LA", "RGBA") and image.getextrema()[-1] != (255, 255):
        return None
    made = _of_most_colours(image, most, palette.fitted, _FITTED)
    well = _loss(image, made) <= min(_PSNR_25_DB, allowed)
    return made if well and len(made) <= most else None


def _of_most_colours(
    image: Image.Image,
    most: int,
    reduced: Callable[[Image.Image, int], Image.Image],
    counts: Sequence[int],
) -> bytes:
    tried: dict[int, bytes] = {}

    def fits(colours: int) -> bool:
        tried[colours] = saved(reduced(image, colours), "PNG", optimize=True)
        return len(tried[colours]) <= most

    place = bisect.bisect_left(counts, True, key=fits)
    return tried[counts[min(place, len(counts) - 1)]]
