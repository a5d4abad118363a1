"""High dynamic range (PQ, HLG) brought down to what a screen shows, as Chromium does.

In the light of BT.2020's primaries the strongest of the three channels goes through a
curve, and the other two with it, so that a colour stays what it is. Where the brightest
is 1,000 cd/m² or more, white comes to a half, and what is brighter is compressed; where
it is less, white to more. www.itu.int/rec/R-REC-BT.2100, SMPTE ST 2094-50, annex C
"""

import bisect
import functools
import itertools
import math
import struct
from collections.abc import Callable, Mapping

from handler.picture.primaries import BT2020, Primaries, Row, columns, inverse, times

_WHITE = 203  # cd/m², by ITU-R BT.2408
_PEAK = 1000 / _WHITE  # times white
_BEND = 0.65
_STEPS = 24

_HLG = 18
_SYSTEM_GAMMA = 1.2  # of HLG, on a screen of 1,000 cd/m²

_GRID = 33  # colours along each side of the table
_ROOTS = 1024  # entries that undo the cube root, in which the table is kept


def pq(x: float) -> float:
    """Return the light of a value of PQ, in whites."""
    power = x ** (1 / 78.84375)
    light = max(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return 10_000 / 203 * light ** (1 / 0.1593017578125)


def hlg(x: float) -> float:
    """Return the light of a grey of HLG, in whites."""
    return _PEAK * _scene(x) ** _SYSTEM_GAMMA


def _scene(x: float) -> float:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return x * x / 3 if x <= 0.5 else (math.exp((x - c) / a) + b) / 12


#: By their numbers in ITU-T H.273: what each channel is by itself.
LIGHT: dict[int, Callable[[float], float]] = {16: pq, _HLG: _scene}


def peak(chunks: Mapping[bytes, bytes]) -> float:
    """Return the brightest light that a PNG's cLLI or mDCV tells of, in whites."""
    for part in (chunks.get(b"cLLI", b"")[:4], chunks.get(b"mDCV", b"")[16:20]):
        if value := int.from_bytes(part):
            return value / 10_000 / _WHITE
    return _PEAK


@functools.lru_cache(16)
def _curve(peak: float) -> list[tuple[float, float]]:
    """Return places of the curve: light, and what is shown of it."""
    if peak <= 1:
        return [(0, 0), (1, 1)]
    white = 1 - min(1.0, math.log(peak) / math.log(_PEAK)) / 2
    middle = 1 - _BEND + _BEND / white, (1 - _BEND) * white + _BEND
    places: list[tuple[float, float]] = [(0, 0)]
    for step in range(_STEPS + 1):
        t = step / _STEPS
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
        places.append((a + b * middle[0] + c * peak, a * white + b * middle[1] + c))
    return places


def shown(light: float, peak: float = _PEAK) -> float:
    """Return what is shown of the strongest channel's light, 0 to 1."""
    places = _curve(peak)
    at = bisect.bisect_left(places, (light, 0.0))
    if at == len(places):
        return 1.0
    (x0, y0), (x1, y1) = places[max(0, at - 1)], places[max(1, at)]
    return y0 + (light - x0) * (y1 - y0) / (x1 - x0)


def grey(transfer: int, peak: float, x: float) -> float:
    """Return what is shown of a coded grey."""
    light = hlg(x) if transfer == _HLG else pq(x)
    return shown(light, peak)


def table(primaries: Primaries, transfer: int, peak: float) -> bytes:
    """Return a profile's table (lut16Type) from coded colours to X, Y and Z."""
    own, wide = columns(primaries), columns(BT2020)
    brought = inverse((wide[0], wide[1], wide[2]))
    rows = tuple(times(brought, column) for column in own)
    brightness = [column[1] for column in own]
    steps = [LIGHT[transfer](step / (_GRID - 1)) for step in range(_GRID)]
    values = []
    for light in itertools.product(steps, steps, steps):
        if transfer == _HLG:
            light = _screen(light, brightness)
        values += _roots(_sum(_mapped(_sum(light, rows), peak), wide))
    head = struct.pack(">4s4x4B9i", b"mft2", 3, 3, _GRID, 0, *_IDENTITY)
    straight = struct.pack(">6H", *[0, 65535] * 3)
    cubes = [round(32768 * (step / (_ROOTS - 1)) ** 3) for step in range(_ROOTS)]
    return b"".join(
        (
            head,
            struct.pack(">2H", 2, _ROOTS),
            straight,
            struct.pack(f">{len(values)}H", *values),
            struct.pack(f">{_ROOTS}H", *cubes) * 3,
        )
    )


_IDENTITY = [65536, 0, 0, 0, 65536, 0, 0, 0, 65536]


def _screen(scene: Row, brightness: list[float]) -> Row:
    """Return the light of a screen for that of an HLG scene, in whites."""
    luminance = max(0, sum(a * b for a, b in zip(scene, brightness, strict=True)))
    gain = _PEAK * luminance ** (_SYSTEM_GAMMA - 1)
    return scene[0] * gain, scene[1] * gain, scene[2] * gain


def _mapped(light: Row, peak: float) -> Row:
    strongest = max(light)
    gain = shown(strongest, peak) / strongest if strongest > 0 else 0.0
    return light[0] * gain, light[1] * gain, light[2] * gain


def _sum(shares: Row, colours: tuple[Row, ...] | list[Row]) -> Row:
    (a, b, c), (p, q, r) = shares, colours
    return (
        a * p[0] + b * q[0] + c * r[0],
        a * p[1] + b * q[1] + c * r[1],
        a * p[2] + b * q[2] + c * r[2],
    )


def _roots(light: Row) -> list[int]:
    return [round(65535 * min(1, max(0, value) ** (1 / 3))) for value in light]
