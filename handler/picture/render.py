"""Bytes in, bytes out: renditions of a JPEG or PNG that nobody vouches for.

The order matters: guards from the header, decode, shrink, turn, colours, encode. What
is costly is done on as few pixels as possible, so everything after the decoder works
on the small picture.
"""

import struct
import sys
import time
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from PIL import Image

from handler.errors import ImageRejected
from handler.picture import Area, Size, decode, kinds, memory, pixels
from handler.picture.exif import orientation
from handler.picture.rendition import (
    Frame,
    Rendition,
    common_step,
    decoded_size,
    encode,
)

DECODE_SECONDS = 10.0  # a third of the function's timeout, where that is not known

# Everything that Pillow raises on bad bytes. Anything else is our own mistake, and is
# seen as a failed upload, not as a rejected one.
_BAD_IMAGE: tuple[type[Exception], ...]
_BAD_IMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError)
_BAD_IMAGE += (EOFError, MemoryError, struct.error, zlib.error)
_BAD_IMAGE += (Image.DecompressionBombError, Image.DecompressionBombWarning)
# Of these the words are about code, and not about a picture.
_BAD_HEADER = (LookupError, TypeError, struct.error)


class Thumbnail(NamedTuple):
    """An encoded picture. Sizes are (width, height); the source's is its header's."""

    data: bytes
    content_type: str
    source_size: Size
    size: Size
    ms: float = 0.0  # without what was decoded for all together


def make_thumbnail(
    data: bytes, box: int = 256, *, quality: int = 85, **limits: Any
) -> bytes:
    """Return a JPEG's or PNG's thumbnail, in the same format, at most ``box`` pixels.

    For ``limits`` see ``render``. Raises ``ImageRejected``, with the reason, for
    everything else.
    """
    return thumbnail(data, box, quality=quality, **limits).data


def thumbnail(
    data: bytes, box: int = 256, *, quality: int = 85, **limits: Any
) -> Thumbnail:
    """Do the same, and tell format and sizes too; for ``limits`` see ``render``."""
    wanted = Rendition(width=box, height=box, quality=quality)
    [made] = render(data, [wanted], **limits)
    if isinstance(made, Exception):
        raise made
    return made


def render(
    data: bytes,
    wanted: Sequence[Rendition],
    *,
    max_megapixels: int = memory.MAX_MEGAPIXELS,
    room: int = memory.DEFAULT,
    seconds: float = DECODE_SECONDS,
) -> list[Thumbnail | Exception]:
    """Decode once, and return every rendition, or what came between.

    ``room`` is the memory in bytes that the decoded picture may take, and ``seconds``
    the time that its decoder may. Raises ``ImageRejected`` where it cannot be decoded.
    """
    kind = kinds.kind(data)
    if kind is None:
        raise ImageRejected(kinds.refusal(data))
    try:
        image = decode.open_image(data, seconds)
        source_size = image.size
        _check_pixels(source_size, max_megapixels)
        turn = orientation(image.info.get("exif"))
        frames = [each.frame(source_size, lying=turn > 4) for each in wanted]
        gaps = [each.gap for each in wanted]
        finals = [(size, gap) for (_, size), gap in zip(frames, gaps, strict=True)]
        size = decoded_size(source_size, frames)
        step = common_step(frames, gaps)
        width = _only_width(source_size, frames)
        picture, area = decode.decode(image, data, size, room, finals, step, width)
    except decode.TooSlow as error:
        reason = f"too slow: not decoded within {seconds:.3g} seconds"
        raise ImageRejected(reason) from error
    except _BAD_IMAGE as error:
        raise _broken(kind, error) from error
    made: list[Thumbnail | Exception] = []
    for rendition, (part, size) in zip(wanted, frames, strict=True):
        started = time.perf_counter()
        try:
            decoded = _scaled(part, source_size, area)
            small = _small(picture, decoded, size, rendition, turn, kind)
            wanted_kind = rendition.kind or kind
            most = len(data) if wanted_kind == kind else sys.maxsize
            quality = rendition.quality
            encoded = encode(small, wanted_kind, quality, most)
            # Effects may add what the source lacks.
            if len(encoded) > most and not rendition.finish:
                from handler.picture.lighter import lighter  # for the few

                small, encoded = lighter(small, encoded, kind, quality, data, part)
        except Exception as error:  # the others can still be made
            made.append(error.with_traceback(None))  # which holds on to the pictures
            continue
        ms = (time.perf_counter() - started) * 1000
        content_type = f"image/{wanted_kind.lower()}"
        made.append(Thumbnail(encoded, content_type, source_size, small.size, ms))
    return made


def _only_width(size: Size, frames: Sequence[Frame]) -> int | None:
    """Return the width that all of the picture is brought to, and nothing else is."""
    [(area, final), *others] = frames
    return None if others or area != (0, 0, *size) else final[0]


def _scaled(part: Area, size: Size, area: Area) -> Area:
    """Return the part of the decoded picture for a part of the source."""
    (across, down), (x0, y0, x1, y1) = size, part
    right, bottom = area[2:]  # by fractions, so that all of it is exactly all
    return (
        x0 / across * right,
        y0 / down * bottom,
        x1 / across * right,
        y1 / down * bottom,
    )


def _small(
    image: Image.Image,
    part: Area,
    size: Size,
    wanted: Rendition,
    turn: int,
    kind: str,
) -> Image.Image:
    """Return a part of the decoded picture, small, upright, in sRGB, and finished."""
    # Here it is only pixels; EXIF and profile are read, never passed on.
    try:
        small = pixels.shrink(image, part, size, wanted.gap)
        if image.info.get("grey"):
            small = small.convert("LA")
        small = pixels.turn_upright(small, turn)
        small = pixels.to_srgb(small, image.info.get("icc_profile"))
    except _BAD_IMAGE as error:
        raise _broken(kind, error) from error
    return wanted.finish(small) if wanted.finish else small


def _broken(kind: str, error: Exception) -> ImageRejected:
    words = str(error) or type(error).__name__
    if isinstance(error.__cause__ or error, _BAD_HEADER) or "this driver" in words:
        words = "its header is missing, damaged or names no size"
    return ImageRejected(f"broken {kind}: {words}")


def _check_pixels(size: Size, max_megapixels: int) -> None:
    """Refuse a pixel bomb by its header, before anything is decoded."""
    if size[0] * size[1] > max_megapixels * 1_000_000:
        across, down = size
        raise ImageRejected(
            f"{across} × {down} is more than {max_megapixels} megapixels "
            "(the setting max_megapixels)"
        )
