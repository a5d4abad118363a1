"""Which ICC profiles count: those that browsers take, which is not all that lcms does.

www.color.org/specification/ICC.1-2022-05.pdf, 7.2; skia.googlesource.com/skcms
"""

import struct
from collections.abc import Iterator, Set

_HEAD = struct.Struct(">I4xI4s4s4s12x4s28x3i48xI")
_TAG = struct.Struct(">4sII")
_NEWEST = 4  # version
_D50 = (0.9642, 1.0, 0.8249)
_CLASSES = {b"scnr", b"mntr", b"prtr", b"spac"}
_SPACES = {b"RGB ", b"GRAY", b"CMYK"}
_PCS = {b"XYZ ", b"Lab "}
_TRANSFERS = {b"\x08", b"\x0d", b"\x10", b"\x12"}  # linear, sRGB, PQ, HLG
_TABLES = {b"A2B0", b"A2B1"}
_MATRIX = {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"}
_TYPES = {b"XYZ": {b"XYZ "}, b"TRC": {b"curv", b"para"}}  # lcms takes broken ones, too


def readable(profile: bytes, *, any_space: bool = False) -> bytes | None:
    """Return a profile that can be applied; None where it is cut or broken.

    What class it says it is of does not count, only what is in it; with ``any_space``,
    as in a PNG, nor what other space of colours than lcms knows here.
    """
    if len(profile) < _HEAD.size:
        return None
    size, version, use, space, pcs, mark, *white, count = _HEAD.unpack_from(profile)
    good = mark == b"acsp" and pcs in _PCS and version >> 24 <= _NEWEST
    near = all(
        abs(value / 65536 - wanted) < 0.01
        for value, wanted in zip(white, _D50, strict=True)
    )
    end = _HEAD.size + count * _TAG.size
    if not (good and near and end <= size <= len(profile)):
        return None
    tags = [*_tags(profile)]
    inside = all(4 <= length <= size - at for _, at, length in tags)
    types = ((name, profile[at : at + 4]) for name, at, _ in tags)
    names = {name for name, kind in types if kind in _TYPES.get(name[1:], {kind})}
    if not inside or not _is_usable(names, space):
        return None
    use = use if use in _CLASSES else b"mntr"
    space = b"RGB " if any_space and space not in _SPACES else space
    return profile[:12] + use + space + profile[20:]


def _is_usable(names: Set[bytes], space: bytes) -> bool:
    if space == b"GRAY":
        return b"kTRC" in names
    return names >= _MATRIX or not names.isdisjoint(_TABLES)


def is_grey(profile: bytes) -> bool:
    """Tell whether a profile is of greys."""
    return profile[16:20] == b"GRAY"


def numbers(profile: bytes | None) -> bytes:
    """Return what a readable profile says by numbers, as a PNG's cICP does.

    It counts before all else in the profile. ICC.1:2022, 9.2.17
    """
    profile = profile or b""
    for name, at, _ in _tags(profile):
        body = profile[at : at + 12]
        if name == body[:4] == b"cicp" and body[9:10] in _TRANSFERS:
            return body[8:]
    return b""


def _tags(profile: bytes) -> Iterator[tuple[bytes, int, int]]:
    count = int.from_bytes(profile[_HEAD.size - 4 : _HEAD.size])
    end = _HEAD.size + count * _TAG.size
    return _TAG.iter_unpack(profile[_HEAD.size : end])
