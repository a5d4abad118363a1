"""Progressive JPEGs at an eighth: leave out the scans that cannot change a pixel.

A progressive JPEG holds its picture in some ten scans. The first have the mean of each
block of 8 × 8 pixels (DC), the others, most of the file, the detail within (AC). At
1/8 the decoder makes one pixel of a block: its mean. So for each colour channel of
which that is true, the AC scans are left out before decoding, and the pixels stay what
they were, bit by bit. Halved chroma (4:2:0) is decoded at 1/4, and keeps its AC scans.

Whatever is not certain is decoded in full. ITU T.81, annexes B and G.
"""

import itertools
from typing import NamedTuple

from handler.picture.jpeg import START_OF_SCAN, Segment

EIGHTH = 8

_PROGRESSIVE = 0xC2  # with Huffman codes, the only kind that is in use
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_NO_RESTARTS = b"\xff\xdd\0\x04\0\0"
# A table of our own for runs of blocks without detail: run class n is the code n, in
# four bits each.
_RUNS = b"\xff\xc4\0\x22\x10" + bytes([0, 0, 0, 15]) + bytes(12)
_RUNS += bytes(n << 4 for n in range(15))


class _Channel(NamedTuple):
    """A channel's number, and the blocks that it has detail in."""

    number: int
    blocks: int


def without_detail(data: bytes, segments: list[Segment]) -> bytes:
    """Return the JPEG without the scans that do not count at 1/8, or just as it is."""
    frames = [segment for segment in segments if segment.marker in _FRAMES]
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
