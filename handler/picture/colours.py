"""An ICC profile for a PNG that says its colours in chunks: cICP, gAMA, cHRM.

The order is that of the standard: cICP, iCCP, sRGB, gAMA with cHRM; whatever is broken
or unknown is skipped. www.w3.org/TR/png-3/#13Color-Space-Priority

High dynamic range (PQ, HLG) has a module of its own, ``hdr``.
"""

import functools
import struct
from collections.abc import Callable, Mapping

from handler.picture import hdr, icc
from handler.picture.primaries import D50, PRIMARIES, SRGB, Primaries, Row, columns

_ENTRIES = 1024
_WORDS = b"text" + bytes(4) + b"PNG\0"


def profile(
    chunks: Mapping[bytes, bytes], embedded: bytes | None, *, grey: bool
) -> bytes | None:
    """Return what a PNG's chunks say, as a profile; None for sRGB and for nothing.

    ``embedded`` is the one in its iCCP; of the chunks the length is right.
    """
    tagged = icc.numbers(embedded) if grey or not icc.is_grey(embedded or b"") else b""
    if found := _by_number(chunks.get(b"cICP", b"")) or _by_number(tagged):
        peak = hdr.peak(chunks) if found[1] in hdr.LIGHT else 0.0
        return None if found == (SRGB, 13) else _written(*found, peak, grey)
    if embedded or b"sRGB" in chunks:
        return embedded
    value = int.from_bytes(chunks.get(b"gAMA", b""))
    primaries = _places(places := chunks.get(b"cHRM", b""))
    # As in browsers: cHRM alone is not looked at, nor a gamma that is nearly sRGB's or
    # stands beside primaries that there cannot be.
    nearly = abs(value * 2.2 / 100_000 - 1) < 0.05
    if not value or (primaries is None and (nearly or places)):
        return None
    return _written(primaries or SRGB, 0, 100_000 / value, grey)


def _by_number(chunk: bytes) -> tuple[Primaries, int] | None:
    """Read cICP: primaries, transfer, no matrix, full range."""
    if chunk[2:] != b"\0\1":
        return None
    primaries, transfer = PRIMARIES.get(chunk[0]), chunk[1]
    if primaries is None or transfer not in {*_LINEAR, *hdr.LIGHT}:
        return None
    return primaries, transfer


def _places(chunk: bytes) -> Primaries | None:
    """Read cHRM: white, red, green, blue."""
    if not chunk:
        return None
    values = [value / 100_000 for value in struct.unpack(">8I", chunk)]
    white, red, green, blue = zip(values[::2], values[1::2], strict=True)
    area = (green[0] - red[0]) * (blue[1] - red[1])
    area -= (blue[0] - red[0]) * (green[1] - red[1])
    good = all(0 <= x <= 1 and 0 <= y <= 1 for x, y in (white, red, green, blue))
    good = good and white[1] > 0
    return (white, red, green, blue) if good and abs(area) > 0.001 else None


# Transfer functions: what is coded, 0 to 1, to light.


def _srgb(x: float) -> float:
    return x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4


def _television(x: float) -> float:
    return x**2.4  # as screens show it, by ITU-R BT.1886


def _smpte_240(x: float) -> float:
    return x / 4 if x < 0.0913 else (0.8996 * x + 0.1004) ** (1 / 0.45)


_LINEAR: dict[int, Callable[[float], float]] = {
    1: _television,
    4: lambda x: x**2.2,
    5: lambda x: x**2.8,
    6: _television,
    7: _smpte_240,
    8: lambda x: x,
    11: _television,
    13: _srgb,
    14: _television,
    15: _television,
    17: lambda x: x**2.6,
}
_GAINS = {17: 52.37 / 48}  # what is shown of full white, where it is not 1


@functools.lru_cache(16)
def _written(primaries: Primaries, transfer: int, number: float, grey: bool) -> bytes:
    """Write an ICC profile, version 2: www.color.org/ICC_Minor_Revision_for_Web.pdf.

    ``number`` is the peak of high dynamic range, or the exponent of no transfer.
    """
    tags = {b"cprt": _WORDS, b"desc": _WORDS, b"wtpt": _xyz(D50)}
    if transfer in hdr.LIGHT and not grey:
        made = hdr.table(primaries, transfer, number)
        return _with_head(tags | {b"A2B0": made}, b"RGB ")
    linear = _LINEAR.get(transfer, lambda x: x**number)
    if transfer in hdr.LIGHT:
        linear = functools.partial(hdr.grey, transfer, number)
    gain = _GAINS.get(transfer, 1.0)
    most = gain if grey else 1.0  # of colours the primaries have it
    steps = [min(1.0, most * linear(n / (_ENTRIES - 1))) for n in range(_ENTRIES)]
    curve = b"curv" + struct.pack(
        f">4xI{_ENTRIES}H", _ENTRIES, *(round(65535 * value) for value in steps)
    )
    if grey:
        tags[b"kTRC"] = curve
    else:
        for name, column in zip((b"r", b"g", b"b"), columns(primaries), strict=True):
            light = column[0] * gain, column[1] * gain, column[2] * gain
            tags |= {name + b"XYZ": _xyz(light), name + b"TRC": curve}
    return _with_head(tags, b"GRAY" if grey else b"RGB ")


def _with_head(tags: Mapping[bytes, bytes], space: bytes) -> bytes:
    table, body = b"", b""
    at = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = bytes(4) + b"\x02\x10\0\0mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + _xyz(D50)[8:] + bytes(48)
    made = head + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(made) + 4) + made


def _xyz(values: Row) -> bytes:
    fixed = (round(value * 65536) for value in values)
    return b"XYZ " + struct.pack(">4x3i", *fixed)
