"""Bytes in, bytes out: a thumbnail of a JPEG or PNG that nobody vouches for.

The order matters: guards from the header, decode, shrink, turn, colours, encode. What
is costly is done on as few pixels as possible, so everything after the decoder works
on the small picture.
"""

import io
import struct
import time
import zlib
from dataclasses import dataclass

from PIL import Image, JpegImagePlugin, PngImagePlugin

from handler import pixels, scans
from handler.errors import ImageRejected

DECODE_SECONDS = 10  # a third of the function's timeout
MAX_SCANS = 100  # cameras and encoders write about ten; thousands hang a decoder
DRAFT = 1.5  # decode to at least so many times the final size

# Everything that Pillow raises on bad bytes, and the reader's TimeoutError. Anything
# else is our own mistake, and is seen as a failed upload, not as a rejected one.
_BAD_IMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError)
_BAD_IMAGE += (EOFError, MemoryError, struct.error, zlib.error)
_BAD_IMAGE += (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Thumbnail:
    """An encoded thumbnail. Sizes are (width, height); the source's is its header's."""

    data: bytes
    content_type: str
    source_size: pixels.Size
    size: pixels.Size


def make_thumbnail(
    data: bytes, box: int = 256, *, quality: int = 85, max_megapixels: int = 50
) -> bytes:
    """Return a JPEG's or PNG's thumbnail, in the same format, at most ``box`` pixels.

    Raises ``ImageRejected``, with the reason, for everything else.
    """
    return thumbnail(data, box, quality=quality, max_megapixels=max_megapixels).data


def thumbnail(
    data: bytes, box: int = 256, *, quality: int = 85, max_megapixels: int = 50
) -> Thumbnail:
    """Do the same as ``make_thumbnail``, and tell format and sizes too."""
    try:
        image = _open(data)
        source_size = image.size
        _check(image, data, max_megapixels)
        size = _fit(source_size, box)
        area = _decode(image, size)
        # From here on it is only pixels; EXIF and profile are read, never passed on.
        small = pixels.shrink(image, area, size)
        small = pixels.turn_upright(small, image.info.get("exif"))
        small = pixels.to_srgb(small, image.info.get("icc_profile"))
        encoded = _encode(small, image.format, quality)
    except _BAD_IMAGE as error:
        cause = str(error) or type(error).__name__
        raise ImageRejected(f"broken {_kind(data)}: {cause}") from error
    return Thumbnail(encoded, f"image/{image.format.lower()}", source_size, small.size)


class _Reader(io.BytesIO):
    """Stops a decoder that takes too long: it has to come back here for more bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.deadline = time.monotonic() + DECODE_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        if time.monotonic() > self.deadline:
            raise TimeoutError(f"not decoded within {DECODE_SECONDS} seconds")
        return super().read(size)


class _Jpeg(JpegImagePlugin.JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Leave EXIF alone while opening: a broken one must not reject the picture."""


def _kind(data: bytes) -> str | None:
    """Tell the format by content; names and content types are only claims."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    return "PNG" if data.startswith(b"\x89PNG\r\n\x1a\n") else None


def _open(data: bytes) -> Image.Image:
    """Read the header. Only these two parsers are ever reached.

    A phone's MPO is a JPEG with more pictures behind it; the first is the photo. Going
    round ``Image.open`` also goes round its process-wide limits: ours are arguments.
    """
    kind = _kind(data)
    if kind == "JPEG":
        return _Jpeg(_Reader(data))
    if kind == "PNG":
        return PngImagePlugin.PngImageFile(_Reader(data))
    raise ImageRejected("not a JPEG or PNG" if data else "empty")


def _check(image: Image.Image, data: bytes, max_megapixels: int) -> None:
    """Refuse, before anything is decoded, what would take too much memory or time."""
    width, height = image.size
    if width * height > max_megapixels * 1_000_000:
        raise ImageRejected(
            f"{width} × {height} is more than {max_megapixels} megapixels"
        )
    if image.format == "JPEG" and scans.more_than(MAX_SCANS, data):
        raise ImageRejected(f"a JPEG of more than {MAX_SCANS} scans")


def _fit(size: pixels.Size, box: int) -> pixels.Size:
    """Return the size within the box: same proportions, never larger, never 0."""
    scale = min(1.0, box / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _decode(image: Image.Image, size: pixels.Size) -> pixels.Area:
    """Decode, a JPEG no larger than need be; return the area that the picture fills.

    ``load`` comes before anything else is read: an error that is swallowed while
    reading EXIF would make it succeed on half a picture.
    """
    drafted = None
    if isinstance(image, _Jpeg):
        at_least = [max(1, int(DRAFT * side)) for side in size]
        drafted = image.draft(None, (at_least[0], at_least[1]))
    image.load()
    return drafted[1] if drafted else (0, 0, *image.size)


def _encode(image: Image.Image, kind: str, quality: int) -> bytes:
    image.info = {}  # Pillow copies a comment, a profile or transparency by itself
    file = io.BytesIO()
    if kind == "JPEG":
        image.save(file, "JPEG", quality=quality, optimize=True)
    else:
        image.save(file, "PNG")
    return file.getvalue()
