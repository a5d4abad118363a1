"""Primaries of a picture's colours: from what stands in a chunk to X, Y and Z.

www.w3.org/TR/css-color-4/#color-conversion-code
"""

Point = tuple[float, float]  # x, y of CIE 1931
Primaries = tuple[Point, Point, Point, Point]  # white, red, green, blue
Row = tuple[float, float, float]

_D65 = (0.3127, 0.3290)
SRGB: Primaries = (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_NTSC: Primaries = (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))

BT2020: Primaries = (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))

#: By their numbers in ITU-T H.273, table 2.
PRIMARIES: dict[int, Primaries] = {
    1: SRGB,
    4: ((0.310, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: (_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: _NTSC,
    7: _NTSC,
    8: ((0.310, 0.316), (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: BT2020,
    10: ((1 / 3, 1 / 3), (1, 0), (0, 1), (0, 0)),  # X, Y and Z themselves
    11: ((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # DCI P3
    12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
    22: (_D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
D50: Row = (0.9642, 1.0, 0.8249)
_BRADFORD: tuple[Row, Row, Row] = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)


def columns(primaries: Primaries) -> list[Row]:
    """Return X, Y and Z of full red, green and blue, seen by white light of D50."""
    (x, y), *points = primaries
    white = (x / y, 1.0, (1 - x - y) / y)
    colours = [(x, y, 1 - x - y) for x, y in points]
    shares = times(inverse((colours[0], colours[1], colours[2])), white)
    seen, wanted = times(_BRADFORD, white), times(_BRADFORD, D50)
    back = inverse(_transposed(_BRADFORD))
    columns = []
    for colour, share in zip(colours, shares, strict=True):
        cones = times(_BRADFORD, colour)
        adapted = [
            share * cone * new / old
            for cone, new, old in zip(cones, wanted, seen, strict=True)
        ]
        columns.append(times(back, (adapted[0], adapted[1], adapted[2])))
    return columns


def times(rows: tuple[Row, Row, Row], vector: Row) -> Row:
    """Multiply a matrix, given by its rows, by a vector."""
    a, b, c = (sum(p * q for p, q in zip(row, vector, strict=True)) for row in rows)
    return a, b, c


def _transposed(rows: tuple[Row, Row, Row]) -> tuple[Row, Row, Row]:
    a, b, c = zip(*rows, strict=True)
    return a, b, c


def inverse(columns: tuple[Row, Row, Row]) -> tuple[Row, Row, Row]:
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
