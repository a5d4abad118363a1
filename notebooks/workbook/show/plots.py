"""Three small plots as SVG: `lines`, `dots` and `bars`, each with a twin in words.

An SVG in the page itself is dropped by GitHub, one in an <img> is kept. It cannot take
the page's colours there, so it brings its own ground, as the diagrams do.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from workbook.show import html as style
from workbook.show.html import Html, escape

PAPER, INK, GREY, GRID = "#f7f8fa", "#22303f", "#5d6b7a", "#d5dbe2"
#: Told apart by people who do not see all colours, too.
COLOURS = ("#0f766e", "#b45309", "#1d4ed8", "#b3362b", "#5d6b7a")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

WIDTH, HEIGHT = 720, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 24, 62, 62

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """One axis: from `low` to `high`, drawn from `start` to `end`, maybe by powers."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Say where on the page a value is."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, value = (math.log10(v) for v in (low, high, value))
        share = (value - low) / (high - low) if high > low else 0.0
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Choose round values to write beside the axis."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.log10(self.high)
            every = max(1, round((last - first) / 6))
            return [10.0**n for n in range(first, math.floor(last) + 1, every)]
        step = 10 ** math.floor(math.log10((self.high - self.low) or 1))
        steps = (step / 5, step / 2, step, step * 2)
        step = next(s for s in steps if self._count(s) <= 7)
        first = math.ceil(self.low / step)
        return [n * step for n in range(first, math.floor(self.high / step) + 1)]

    def _count(self, step: float) -> float:
        return (self.high - self.low) / step if step else 0


def lines(
    series: Mapping[str, Points],
    title: str,
    *,
    x: str = "",
    y: str = "",
    log_x: bool = False,
    log_y: bool = False,
    limits: Mapping[str, float] | None = None,
) -> Html:
    """Draw named lines through points (x, y), and dashed limits across.

    An axis by powers of ten (`log_x`, `log_y`) takes values above zero only.
    """
    return _draw(series, title, x, y, (log_x, log_y), limits or {}, _path)


def dots(
    series: Mapping[str, Points],
    title: str,
    *,
    x: str = "",
    y: str = "",
    log_x: bool = False,
    log_y: bool = False,
    limits: Mapping[str, float] | None = None,
    text: str = "",
) -> Html:
    """Draw named points (x, y), and dashed limits across; `text` may be the twin."""
    return _draw(series, title, x, y, (log_x, log_y), limits or {}, _circles, text)


def bars(values: Mapping[str, float], title: str, *, unit: str = "") -> Html:
    """Draw one bar a name, longest value widest, with its number."""
    height = _TOP + 40 * len(values) + 16
    left, longest = 190, max([*values.values(), 0]) or 1
    room = WIDTH - left - 130
    parts = []
    for n, (name, value) in enumerate(values.items()):
        top, width = _TOP + 40 * n, max(2.0, room * value / longest)
        middle = top + 19
        parts += [
            write(left - 12, middle, name, anchor="end"),
            f'<rect x="{left}" y="{top}" width="{width:.1f}" height="26" rx="4" '
            f'fill="{COLOURS[0]}"/>',
            write(left + width + 8, middle, f"{number(value)} {unit}".strip()),
        ]
    text = "\n".join(
        f"{name}: {number(v)} {unit}".strip() for name, v in values.items()
    )
    return picture("".join(parts), title, text, height)


def picture(content: str, title: str, text: str, height: float = HEIGHT) -> Html:
    """Put SVG shapes on the plots' ground, under a title; `text` is the twin."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
        f'width="{WIDTH}" height="{height:g}" font-family="{FONT}" font-size="14">'
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{height - 2:g}" rx="14" '
        f'fill="{PAPER}" stroke="#c9d1da"/>'
        f"{write(22, 32, title, size=17, bold=True)}{content}</svg>"
    )
    data = base64.b64encode(svg.encode()).decode()
    html = (
        f'<img src="data:image/svg+xml;base64,{data}" width="{WIDTH}" '
        f'alt="{escape(text)}" style="max-width:100%">'
    )
    return Html(style.block(html), f"{title}\n{text}")


def number(value: float) -> str:
    """Write a number as people read it: "1.2 million", "350", "0.25"."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{value / size:.3g} {word}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _draw(
    series: Mapping[str, Points],
    title: str,
    x: str,
    y: str,
    logs: tuple[bool, bool],
    limits: Mapping[str, float],
    shape: Callable[[Points, str], str],
    text: str = "",
) -> Html:
    across, up = _axes(series, logs, limits)
    parts = [_frame(across, up, x, y)]
    for name, value in limits.items():
        at = up.at(value)
        parts.append(
            f'<path d="M{across.start} {at:.1f}H{across.end}" stroke="{COLOURS[3]}" '
            f'stroke-width="1.5" stroke-dasharray="6 5"/>'
            + write(across.end - 4, at - 6, name, COLOURS[3], anchor="end", size=13)
        )
    left = 22
    for (name, points), colour in zip(series.items(), COLOURS, strict=False):
        placed = [(across.at(a), up.at(b)) for a, b in points]
        parts.append(shape(placed, colour))
        parts.append(f'<circle cx="{left + 5}" cy="48" r="5" fill="{colour}"/>')
        parts.append(write(left + 16, 53, name))
        left += 38 + 8.6 * len(name)
    return picture("".join(parts), title, text or _words(series, limits))


def _axes(
    series: Mapping[str, Points], logs: tuple[bool, bool], limits: Mapping[str, float]
) -> tuple[Axis, Axis]:
    points = [point for one in series.values() for point in one]
    xs = [a for a, _ in points]
    ys = [b for _, b in points] + list(limits.values())
    across = Axis(min(xs), max(xs), _LEFT, WIDTH - _RIGHT, logs[0])
    if logs[1]:
        bottom, top = min(ys) / 1.3, max(ys) * 1.6
    else:
        bottom, top = min(0.0, *ys), max(ys) * 1.12 or 1
    return across, Axis(bottom, top, HEIGHT - _BOTTOM, _TOP + 6, logs[1])


def _frame(across: Axis, up: Axis, x: str, y: str) -> str:
    parts = []
    for value in up.ticks():
        at = up.at(value)
        parts.append(
            f'<path d="M{across.start} {at:.1f}H{across.end}" stroke="{GRID}"/>'
        )
        parts.append(write(across.start - 8, at + 5, number(value), GREY, anchor="end"))
    for value in across.ticks():
        at = across.at(value)
        parts.append(f'<path d="M{at:.1f} {up.start}v5" stroke="{GREY}"/>')
        parts.append(write(at, up.start + 22, number(value), GREY, anchor="middle"))
    middle = (across.start + across.end) / 2
    parts.append(write(middle, HEIGHT - 16, x, anchor="middle"))
    parts.append(write(WIDTH - _RIGHT, 32, y, GREY, anchor="end"))
    parts.append(f'<path d="M{across.start} {up.start}H{across.end}" stroke="{GREY}"/>')
    return "".join(parts)


def _path(points: Points, colour: str) -> str:
    steps = "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
    return (
        f'<path d="M{steps}" fill="none" stroke="{colour}" stroke-width="3" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _circles(points: Points, colour: str) -> str:
    return "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}" fill-opacity=".75"/>'
        for a, b in points
    )


def write(
    x: float,
    y: float,
    words: str,
    fill: str = INK,
    *,
    anchor: str = "start",
    size: int = 14,
    bold: bool = False,
) -> str:
    """Write a line of text at a place of the picture."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}" '
        f'font-size="{size}"{weight}>{escape(words)}</text>'
    )


def _words(series: Mapping[str, Points], limits: Mapping[str, float]) -> str:
    said = []
    for name, points in series.items():
        if points:
            (a, b), (c, d) = points[0], points[-1]
            ends = f"{number(b)} at {number(a)} to {number(d)} at {number(c)}"
            said.append(f"{name}: {len(points)} points, {ends}")
    return "\n".join(said + [f"{name}: {number(v)}" for name, v in limits.items()])
