"""How many scans a JPEG has, counted without decoding it."""

import re

_START_OF_SCAN = b"\xff\xda"
_END_OF_IMAGE = 0xD9
# In coded data a marker's 0xFF is followed neither by 0 nor by a restart's number.
_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")


def more_than(limit: int, data: bytes) -> bool:
    """Tell whether a JPEG holds more scans than ``limit``."""
    # The first test is quick and may count too many, never too few: the two bytes also
    # turn up in embedded previews, and in the film behind a phone's moving photo.
    return data.count(_START_OF_SCAN) > limit and count(data) > limit


def count(data: bytes) -> int:
    """Return the number of scans up to the end of the first picture."""
    scans, at = 0, 2
    while (found := _MARKER.search(data, at)) and found[1][0] != _END_OF_IMAGE:
        scans += found[1] == _START_OF_SCAN[1:]
        length = int.from_bytes(data[found.end() : found.end() + 2])
        at = found.end() + length
    return scans
