"""A walk over a JPEG's segments, without decoding: is it whole, how many scans has it.

Nothing here trusts the decoder, and nothing in a file makes the walk slow: coded data
is skipped by one regular expression, and the number of segments is bounded.
ITU T.81, annex B: www.w3.org/Graphics/JPEG/itu-t81.pdf

Progressive JPEGs at an eighth: the scans that cannot change a pixel are left out.
A progressive JPEG holds its picture in some ten scans. The first have the mean of each
block of 8 × 8 pixels (DC), the others, most of the file, the detail within (AC). At
1/8 the decoder makes one pixel of a block: its mean. So for each colour channel of
which that is true, the AC scans are left out before decoding, and the pixels stay what
they were, bit by bit. Halved chroma (4:2:0) is decoded at 1/4, and keeps its AC scans.

Whatever is not certain is decoded in full. ITU T.81, annexes B and G.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from handler.errors import ImageRejected

MAX_SCANS = 100  # cameras and encoders write about ten; thousands hang a decoder
MAX_SCANNED = 1_000_000_000  # pixels in all scans: twenty times the largest picture
MAX_SEGMENTS = 2000  # a large profile takes 50, a hundred scans with tables 500

RESTART_INTERVAL = 0xDD
START_OF_SCAN = 0xDA
END_OF_IMAGE = 0xD9
END = b"\xff\xd9"

# In coded data 0xFF is followed by 0, or, once there are restarts, by one's number;
# repeated it is padding. Anything else ends the data, wanted or not.
_MARKER = re.compile(rb"\xff([^\x00\xff])")
_MARKER_NO_RESTART = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_BARE = {0x01, *range(0xD0, 0xDA)}  # no body follows

EIGHTH = 8
TAIL = 64  # bytes at the end of coded data: the decoder reads up to 8 ahead
_MORE_PICTURES = b"MPF\0"  # CIPA DC-007: of a file of several pictures

_PROGRESSIVE = 0xC2  # with Huffman codes, the only kind that is in use
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
HUFFMAN = {0xC0, 0xC1, _PROGRESSIVE}  # baseline, extended, progressive
_ARITHMETIC = {0xC9, 0xCA}  # which some browsers show
_SEQUENTIAL = [[0xC0], [0xC1]]  # one frame, with Huffman codes, in one pass
_NO_RESTARTS = b"\xff\xdd\0\x04\0\0"
# A table of our own for runs of blocks without detail: run class n is the code n, in
# four bits each.
_RUNS = b"\xff\xc4\0\x22\x10" + bytes([0, 0, 0, 15]) + bytes(12)
_RUNS += bytes(n << 4 for n in range(15))


class Segment(NamedTuple):
    """A marker, and its bytes: ``data[start:body]`` is its own, then coded data."""

    marker: int
    start: int
    body: int


def walk(data: bytes) -> list[Segment]:
    """Return the segments up to the end of the first picture, that one included.

    What follows it, such as the film behind a phone's moving photo, is not looked at.
    Where nothing but the end is missing, its segment is the bytes behind the data.
    Raises ``ImageRejected`` where a scan is missing, too, and for bombs.
    """
    segments: list[Segment] = []
    for segment in each_segment(data):
        segments.append(segment)
        if segment.marker == END_OF_IMAGE:
            return segments
    if _is_complete(data, segments):
        start, body = segments[-1][1:]
        end = min(len(data), start) if body > len(data) else len(data)
        while data[end - 1 : end] == b"\xff":  # half of the end's marker
            end -= 1
        kept = [segment for segment in segments if segment.start < end]
        return [*kept, Segment(END_OF_IMAGE, end, end + len(END))]
    raise ImageRejected("broken JPEG: truncated, its end is missing")


def presumed(data: bytes) -> list[Segment]:
    """Return the segments of a photo as most are, without a look at its coded data.

    That takes 4 % of the photo's time, and the decoder can tell as much: at a marker
    it waits for no more data. So it must not be done before the last ``TAIL`` bytes.
    None are returned for more than one scan, restarts, or other pictures behind.
    """
    segments: list[Segment] = []
    end = len(data) - len(END)
    for segment in each_segment(data) if data.endswith(END) else ():
        marker, start, body = segment
        if marker == RESTART_INTERVAL or data.startswith(_MORE_PICTURES, start + 4):
            break
        segments.append(segment)
        if marker == START_OF_SCAN:
            frames = [part for part in segments if part.marker in FRAMES]
            if [frame.marker for frame in frames] not in _SEQUENTIAL:
                break
            channels = data[frames[0].start + 9 : frames[0].start + 10]
            if data[start + 4 : start + 5] != channels or body > end:
                break
            if _MARKER.search(data, max(body, end - TAIL - 1), end):
                break
            return [*segments, Segment(END_OF_IMAGE, end, len(data))]
    return []


def each_segment(data: bytes) -> Iterator[Segment]:
    """Yield the segments one by one. Raises ``ImageRejected`` for bombs."""
    at, scans, pattern = 2, 0, _MARKER
    for _ in range(MAX_SEGMENTS):
        found = pattern.search(data, at)
        if not found:
            return
        marker, at = found[1][0], found.end()
        if marker not in _BARE:
            at += max(2, int.from_bytes(data[at : at + 2]))
        if marker == RESTART_INTERVAL:
            pattern = _MARKER_NO_RESTART if any(data[at - 2 : at]) else _MARKER
        scans += marker == START_OF_SCAN
        if scans > MAX_SCANS:
            raise ImageRejected(f"a JPEG of more than {MAX_SCANS} scans")
        yield Segment(marker, found.start(), at)
    raise ImageRejected(f"a JPEG of more than {MAX_SEGMENTS} segments")


def _is_complete(data: bytes, segments: list[Segment]) -> bool:
    """Tell whether the scans have every coefficient of every channel to its last bit.

    So that a progressive JPEG that was cut between two scans does not pass for whole.
    """
    missing = {
        (channel, at) for channel in _channels(data, segments) for at in range(64)
    }
    for channels, band, bits in _scans(data, segments):
        if not bits & 15:
            missing -= {(channel, at) for channel in channels for at in band}
    return bool(segments) and not missing


def _channels(data: bytes, segments: list[Segment]) -> set[int]:
    """Return the numbers of the channels."""
    frames = (part for part in segments if part.marker in FRAMES)
    return {
        number for _, start, body in frames for number in data[start + 10 : body : 3]
    }


def _scans(
    data: bytes, segments: list[Segment]
) -> Iterator[tuple[bytes, Sequence[int], int]]:
    """Yield each scan's channels, their coefficients, and the bits of those."""
    for marker, start, body in segments:
        if marker == START_OF_SCAN and body - start >= 8 and body <= len(data):
            first, last, bits = data[body - 3 : body]
            yield data[start + 5 : body - 3 : 2], range(first, last + 1), bits


def check(data: bytes, segments: list[Segment], size: tuple[int, int]) -> None:
    """Refuse what no browser shows, and many scans of a large picture.

    A scan of a few bytes can take as long as all pixels do, and the decoder would not
    come back for more bytes in between, where a deadline could stop it. Of a channel
    whose means (DC) are missing, it would paint the detail on grey.
    """
    kinds = {part.marker for part in segments} & FRAMES
    if not kinds <= HUFFMAN | _ARITHMETIC:
        raise ImageRejected("a lossless JPEG, which no browser shows: export it anew")
    scans = count(segments)
    if scans * size[0] * size[1] > MAX_SCANNED:
        raise ImageRejected(f"too slow: {scans} scans of {size[0]} × {size[1]} pixels")
    if _PROGRESSIVE in kinds:
        without = _channels(data, segments)
        for channels, band, bits in _scans(data, segments):
            if 0 in band and bits < 16:  # the first bits, not finer ones
                without -= {*channels}
        if without:
            raise ImageRejected("broken JPEG: truncated, a first scan is missing")


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


class _Channel(NamedTuple):
    """A channel's number, and the blocks that it has detail in."""

    number: int
    blocks: int


def without_detail(data: bytes, segments: list[Segment]) -> bytes:
    """Return the JPEG without the scans that do not count at 1/8, or just as it is."""
    frames = [segment for segment in segments if segment.marker in FRAMES]
    if [frame.marker for frame in frames] != [_PROGRESSIVE]:
        return data
    channels = _means_only(data[frames[0].start + 4 : frames[0].body])
    numbers = [channel.number for channel in channels]
    kept, since, left_out = [], 0, set()
    # Coded data reaches to the next segment; the last of these is the end of the image.
    for segment, following in itertools.pairwise(segments):
        if segment.marker == START_OF_SCAN:
            number = _detail_of(data[segment.start + 4 : segment.body])
            if number in numbers:
                kept.append(data[since : segment.start])
                since = following.start
                left_out.add(number)
    if not left_out:
        return data
    end = segments[-1].start
    kept.append(data[since:end] + _NO_RESTARTS + _RUNS)
    # A decoder that finds a channel's AC missing takes the file for one that is still
    # arriving, and smooths the means. A scan that says "no detail" keeps it from that.
    kept += [_no_detail(channel) for channel in channels if channel.number in left_out]
    return b"".join(kept) + data[end : end + 2]


def _means_only(frame: bytes) -> list[_Channel]:
    """Return the channels that are one pixel a block at 1/8, from a frame header."""
    height, width = (int.from_bytes(frame[at : at + 2]) for at in (1, 3))
    parts = [frame[at : at + 3] for at in range(6, len(frame), 3)]
    if len(frame) != 6 + 3 * frame[5] or len({part[0] for part in parts}) != len(parts):
        return []
    factors = [(part[1] >> 4, part[1] & 15) for part in parts]
    if not all(1 <= factor <= 4 for pair in factors for factor in pair):
        return []
    most = [max(pair[axis] for pair in factors) for axis in (0, 1)]
    channels = []
    for part, (across, down) in zip(parts, factors, strict=True):
        # A channel with half the samples, or fewer, both ways is decoded at a larger
        # scale (libjpeg's jdmaster.c does it while both can be doubled).
        if most[0] % (2 * across) or most[1] % (2 * down):
            blocks = _blocks(width, across, most[0]) * _blocks(height, down, most[1])
            channels.append(_Channel(part[0], blocks))
    return channels


def _blocks(side: int, factor: int, most: int) -> int:
    samples = -(-side * factor // most)
    return -(-samples // 8)


def _detail_of(scan: bytes) -> int | None:
    """Return the channel that a scan has detail of, and None for means."""
    # How many channels, which, their tables, then the first and last coefficient.
    if len(scan) == 6 and scan[0] == 1 and 1 <= scan[3] <= scan[4] <= 63:
        return scan[1]
    return None


def _no_detail(channel: _Channel) -> bytes:
    """Return a scan that says of every block that it has no detail."""
    bits, left = "", channel.blocks
    while left:
        size = min(14, left.bit_length() - 1)
        run = min(left, (2 << size) - 1)
        bits += f"{size:04b}" + f"{run - (1 << size):0{size}b}" * (size > 0)
        left -= run
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    return b"\xff\xda\0\x08\x01" + bytes([channel.number, 0, 1, 63, 0]) + coded
