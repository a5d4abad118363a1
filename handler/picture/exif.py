"""The one tag of EXIF that a thumbnail needs, read without trust in the rest."""

import struct

_TAG, _SHORT = 0x0112, 3
_UPRIGHT = 1

MARK = b"Exif\0"  # before EXIF in a JPEG, with one more byte of any value
PREFIX = 6


def orientation(exif: bytes | None) -> int:
    """Return how the camera was held, 1 to 8; 1 (upright) for whatever is broken.

    Reads the first directory only, so that no bomb in EXIF is ever unpacked; of several
    values the first counts that can be.
    www.cipa.jp/std/documents/download_e.html?CIPA_DC-008-2024-E
    """
    try:
        tiff = exif or b""
        return _orientation(tiff[PREFIX:] if tiff.startswith(MARK) else tiff)
    except struct.error:  # it points outside of itself
        return _UPRIGHT


def _orientation(tiff: bytes) -> int:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return _UPRIGHT
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
    for number in range(entries):
        at = directory + 2 + 12 * number
        tag, kind, length, value = struct.unpack_from(f"{order}HHIH2x", tiff, at)
        if (tag, kind, length) == (_TAG, _SHORT, 1) and 1 <= value <= 8:
            return value
    return _UPRIGHT
