"""An ICC profile for a PNG that says its colours in chunks: cICP, gAMA, cHRM.

The order is that of the standard: cICP, iCCP, sRGB, gAMA with cHRM; whatever is broken
or unknown is skipped. www.w3.org/TR/png-3/#13Color-Space-Priority

High dynamic range (PQ, HLG) is brought down by Chromium's curve, as it was measured on
greys: to half, and what is brighter than 244 cd/m² is compressed. Here it is applied to
each channel, so that saturated highlights are paler than in Chromium.
"""

import functools
import itertools
import math
import struct
from collections.abc import Callable, Mapping

Point = tuple[float, float]  # x, y of CIE 1931
Primaries = tuple[Point, Point, Point, Point]  # white, red, green, blue
Row = tuple[float, float, float]

_D65 = (0.3127, 0.3290)
_SRGB: Primaries = (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_NTSC: Primaries = (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))

#: By their numbers in ITU-T H.273, table 2.
PRIMARIES: dict[int, Primaries] = {
    1: _SRGB,
    4: ((0.310, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: (_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: _NTSC,
    7: _NTSC,
    9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # BT.2020
    12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
}
_PEAK = 1000 / 203  # times white
# Light, with 1 for 203 cd/m² (white by ITU-R BT.2408), and what is shown of it.
_KNEE = [(0, 0), (1.2, 0.6), (1.53, 0.665), (2.03, 0.759), (2.69, 0.847)]
_KNEE += [(3.58, 0.922), (_PEAK, 1)]
_ENTRIES = 1024
_D50: Row = (0.9642, 1.0, 0.8249)
_BRADFORD: tuple[Row, Row, Row] = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)


def profile(
    chunks: Mapping[bytes, bytes], embedded: bytes | None, *, grey: bool
) -> bytes | None:
    """Return what a PNG's chunks say, as a profile; None for sRGB and for nothing.

    ``embedded`` is the one in its iCCP.
    """
    if found := _by_number(chunks.get(b"cICP", b"")):
        return None if found[:2] == (_SRGB, 13) else _written(*found, grey)
    if embedded or b"sRGB" in chunks:
        return embedded
    gamma = chunks.get(b"gAMA", b"")
    value = int.from_bytes(gamma) if len(gamma) == 4 else 0
    primaries = _places(chunks.get(b"cHRM", b""))
    # As in browsers: cHRM alone is not looked at, nor a gamma that is nearly sRGB's.
    nearly = abs(value * 2.2 / 100_000 - 1) < 0.05 and not primaries
    if nearly or not 10_000 < value < 1_000_000:
        return None
    return _written(primaries or _SRGB, 0, 100_000 / value, grey)


def _by_number(chunk: bytes) -> tuple[Primaries, int, float] | None:
    """Read cICP: primaries, transfer, no matrix, full range."""
    if len(chunk) != 4 or chunk[2:] != b"\0\1":
        return None
    primaries, transfer = PRIMARIES.get(chunk[0]), chunk[1]
    if primaries is None or transfer not in _LINEAR:
        return None
    return primaries, transfer, 0.0


def _places(chunk: bytes) -> Primaries | None:
    """Read cHRM: white, red, green, blue."""
    if len(chunk) != 32:
        return None
    values = [value / 100_000 for value in struct.unpack(">8I", chunk)]
    white, red, green, blue = zip(values[::2], values[1::2], strict=True)
    area = (green[0] - red[0]) * (blue[1] - red[1])
    area -= (blue[0] - red[0]) * (green[1] - red[1])
    good = all(0 <= x <= 1 and 0 < y <= 1 for x, y in (white, red, green, blue))
    return (white, red, green, blue) if good and abs(area) > 0.001 else None


# Transfer functions: what is coded, 0 to 1, to light.


def _srgb(x: float) -> float:
    return x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4


def _television(x: float) -> float:
    return x**2.4  # as screens show it, by ITU-R BT.1886


def _pq(x: float) -> float:
    power = x ** (1 / 78.84375)
    light = max(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return _compressed(10_000 / 203 * light ** (1 / 0.1593017578125))


def _hlg(x: float) -> float:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = x * x / 3 if x <= 0.5 else (math.exp((x - c) / a) + b) / 12
    return _compressed(_PEAK * scene**1.2)


def _compressed(light: float) -> float:
    for (x0, y0), (x1, y1) in itertools.pairwise(_KNEE):
        if light <= x1:
            return y0 + (light - x0) * (y1 - y0) / (x1 - x0)
    return 1.0


_LINEAR: dict[int, Callable[[float], float]] = {
    1: _television,
    4: lambda x: x**2.2,
    5: lambda x: x**2.8,
    6: _television,
    8: lambda x: x,
    13: _srgb,
    14: _television,
    15: _television,
    16: _pq,
    18: _hlg,
}


@functools.lru_cache(16)
def _written(primaries: Primaries, transfer: int, exponent: float, grey: bool) -> bytes:
    """Write an ICC profile, version 2: www.color.org/ICC_Minor_Revision_for_Web.pdf."""
    linear = _LINEAR.get(transfer, lambda x: x**exponent)
    steps = [linear(step / (_ENTRIES - 1)) for step in range(_ENTRIES)]
    curve = b"curv" + struct.pack(
        f">4xI{_ENTRIES}H", _ENTRIES, *(round(65535 * value) for value in steps)
    )
    words = b"text" + bytes(4) + b"PNG\0"
    tags = {b"cprt": words, b"desc": words, b"wtpt": _xyz(_D50)}
    if grey:
        tags[b"kTRC"] = curve
    else:
        for name, column in zip((b"r", b"g", b"b"), _columns(primaries), strict=True):
            tags |= {name + b"XYZ": _xyz(column), name + b"TRC": curve}
    table, body = b"", b""
    at = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    space = b"GRAY" if grey else b"RGB "
    head = bytes(4) + b"\x02\x10\0\0mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + _xyz(_D50)[8:] + bytes(48)
    made = head + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(made) + 4) + made


def _xyz(values: Row) -> bytes:
    fixed = (round(value * 65536) for value in values)
    return b"XYZ " + struct.pack(">4x3i", *fixed)


def _columns(primaries: Primaries) -> list[Row]:
    """Return X, Y and Z of full red, green and blue, seen by white light of D50."""
    white, *colours = (_light(point) for point in primaries)
    shares = _times(_inverse((colours[0], colours[1], colours[2])), white)
    seen, wanted = _times(_BRADFORD, white), _times(_BRADFORD, _D50)
    back = _inverse(_transposed(_BRADFORD))
    columns = []
    for colour, share in zip(colours, shares, strict=True):
        cones = _times(_BRADFORD, colour)
        adapted = [
            share * cone * new / old
            for cone, new, old in zip(cones, wanted, seen, strict=True)
        ]
        columns.append(_times(back, (adapted[0], adapted[1], adapted[2])))
    return columns


def _light(point: Point) -> Row:
    x, y = point
    return x / y, 1.0, (1 - x - y) / y


def _times(rows: tuple[Row, Row, Row], vector: Row) -> Row:
    a, b, c = (sum(p * q for p, q in zip(row, vector, strict=True)) for row in rows)
    return a, b, c


def _transposed(rows: tuple[Row, Row, Row]) -> tuple[Row, Row, Row]:
    a, b, c = zip(*rows, strict=True)
    return a, b, c


def _inverse(columns: tuple[Row, Row, Row]) -> tuple[Row, Row, Row]:
    """Return the rows of the inverse of a matrix that is given by its columns."""
    a, b, c = columns
    crossed = _cross(b, c), _cross(c, a), _cross(a, b)
    volume = sum(p * q for p, q in zip(a, crossed[0], strict=True))
    r, s, t = (tuple(value / volume for value in row) for row in crossed)
    return (r[0], r[1], r[2]), (s[0], s[1], s[2]), (t[0], t[1], t[2])


def _cross(p: Row, q: Row) -> Row:
    return (
        p[1] * q[2] - p[2] * q[1],
        p[2] * q[0] - p[0] * q[2],
        p[0] * q[1] - p[1] * q[0],
    )
