"""Bytes in, bytes out: a thumbnail of a JPEG or PNG that nobody vouches for.

The order matters: guards from the header, decode, shrink, turn, colours, encode. What
is costly is done on as few pixels as possible, so everything after the decoder works
on the small picture.
"""

import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image

from handler import decoder, memory, pixels
from handler.errors import ImageRejected
from handler.orientation import orientation

DECODE_SECONDS = 10.0  # a third of the function's timeout, where that is not known

# Everything that Pillow raises on bad bytes. Anything else is our own mistake, and is
# seen as a failed upload, not as a rejected one.
_BAD_IMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError)
_BAD_IMAGE += (EOFError, MemoryError, struct.error, zlib.error)
_BAD_IMAGE += (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Thumbnail:
    """An encoded thumbnail. Sizes are (width, height); the source's is its header's."""

    data: bytes
    content_type: str
    source_size: decoder.Size
    size: decoder.Size


def make_thumbnail(
    data: bytes, box: int = 256, *, quality: int = 85, max_megapixels: int = 50
) -> bytes:
    """Return a JPEG's or PNG's thumbnail, in the same format, at most ``box`` pixels.

    Raises ``ImageRejected``, with the reason, for everything else.
    """
    return thumbnail(data, box, quality=quality, max_megapixels=max_megapixels).data


def thumbnail(
    data: bytes,
    box: int = 256,
    *,
    quality: int = 85,
    max_megapixels: int = 50,
    room: int = memory.DEFAULT,
    seconds: float = DECODE_SECONDS,
) -> Thumbnail:
    """Do the same as ``make_thumbnail``, and tell format and sizes too.

    ``room`` is the memory in bytes that the decoded picture may take, and ``seconds``
    the time that its decoder may.
    """
    kind = decoder.kind(data)
    if kind is None:
        raise ImageRejected("not a JPEG or PNG" if data else "empty")
    try:
        image = decoder.open_image(data, seconds)
        source_size = image.size
        _check_pixels(source_size, max_megapixels)
        size = _fit(source_size, box)
        # Load first: an error that is swallowed while reading EXIF would make a later
        # load succeed on half a picture.
        area = decoder.decode(image, data, size, room)
        # From here on it is only pixels; EXIF and profile are read, never passed on.
        small = pixels.shrink(image, area, size)
        small = pixels.turn_upright(small, orientation(image.info.get("exif")))
        small = pixels.to_srgb(small, image.info.get("icc_profile"))
        encoded = _encode(small, kind, quality)
    except decoder.TooSlow as error:
        reason = f"too slow: not decoded within {seconds:.3g} seconds"
        raise ImageRejected(reason) from error
    except _BAD_IMAGE as error:
        cause = str(error) or type(error).__name__
        raise ImageRejected(f"broken {kind}: {cause}") from error
    return Thumbnail(encoded, f"image/{kind.lower()}", source_size, small.size)


def _check_pixels(size: decoder.Size, max_megapixels: int) -> None:
    """Refuse a pixel bomb by its header, before anything is decoded."""
    if size[0] * size[1] > max_megapixels * 1_000_000:
        across, down = size
        reason = f"{across} × {down} is more than {max_megapixels} megapixels"
        raise ImageRejected(reason)


def _fit(size: decoder.Size, box: int) -> decoder.Size:
    """Return the size within the box: same proportions, never larger, never 0."""
    scale = min(1.0, box / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _encode(image: Image.Image, kind: str, quality: int) -> bytes:
    image.info = {}  # Pillow copies a comment, a profile or transparency by itself
    file = io.BytesIO()
    if kind == "JPEG":
        image.save(file, "JPEG", quality=quality, optimize=True)
    else:
        image.save(file, "PNG")
    return file.getvalue()
