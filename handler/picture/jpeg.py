"""A walk over a JPEG's segments, without decoding: is it whole, how many scans has it.

Nothing here trusts the decoder, and nothing in a file makes the walk slow: coded data
is skipped by one regular expression, and the number of segments is bounded.
ITU T.81, annex B: www.w3.org/Graphics/JPEG/itu-t81.pdf
"""

import re
from typing import NamedTuple

from handler.errors import ImageRejected

MAX_SCANS = 100  # cameras and encoders write about ten; thousands hang a decoder
MAX_SCANNED = 1_000_000_000  # pixels in all scans: twenty times the largest picture
MAX_SEGMENTS = 2000  # a large profile takes 50, a hundred scans with tables 500

RESTART_INTERVAL = 0xDD
START_OF_SCAN = 0xDA
END_OF_IMAGE = 0xD9

# In coded data 0xFF is followed by 0, or, once there are restarts, by one's number;
# repeated it is padding. Anything else ends the data, wanted or not.
_MARKER = re.compile(rb"\xff([^\x00\xff])")
_MARKER_NO_RESTART = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_BARE = {0x01, *range(0xD0, 0xDA)}  # no body follows


class Segment(NamedTuple):
    """A marker, and its bytes: ``data[start:body]`` is its own, then coded data."""

    marker: int
    start: int
    body: int


def walk(data: bytes) -> list[Segment]:
    """Return the segments up to the end of the first picture, that one included.

    What follows it, such as the film behind a phone's moving photo, is not looked at.
    Raises ``ImageRejected`` where there is no end, and for bombs.
    """
    segments: list[Segment] = []
    at, scans, pattern = 2, 0, _MARKER
    while found := pattern.search(data, at):
        marker, at = found[1][0], found.end()
        if marker not in _BARE:
            at += max(2, int.from_bytes(data[at : at + 2]))
        if marker == RESTART_INTERVAL:
            pattern = _MARKER_NO_RESTART if any(data[at - 2 : at]) else _MARKER
        segments.append(Segment(marker, found.start(), at))
        if marker == END_OF_IMAGE:
            return segments
        scans += marker == START_OF_SCAN
        if scans > MAX_SCANS:
            raise ImageRejected(f"a JPEG of more than {MAX_SCANS} scans")
        if len(segments) > MAX_SEGMENTS:
            raise ImageRejected(f"a JPEG of more than {MAX_SEGMENTS} segments")
    raise ImageRejected("broken JPEG: truncated, its end is missing")


def check(segments: list[Segment], size: tuple[int, int]) -> None:
    """Refuse many scans of a large picture.

    A scan of a few bytes can take as long as all pixels do, and the decoder would not
    come back for more bytes in between, where a deadline could stop it.
    """
    scans = count(segments)
    if scans * size[0] * size[1] > MAX_SCANNED:
        raise ImageRejected(f"too slow: {scans} scans of {size[0]} × {size[1]} pixels")


def keeps_coefficients(segments: list[Segment], data: bytes, channels: int) -> bool:
    """Tell whether a decoder must keep coefficients until the last scan is in.

    It must as soon as one scan has not all channels, be it the only one in the file.
    """
    starts = [part.start for part in segments if part.marker == START_OF_SCAN]
    has_all = all(data[at + 4 : at + 5] == bytes([channels]) for at in starts)
    return len(starts) > 1 or not has_all


def count(segments: list[Segment]) -> int:
    """Return the number of scans."""
    return sum(segment.marker == START_OF_SCAN for segment in segments)
