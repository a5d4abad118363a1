"""Plots by matplotlib, each with a twin in words: lines, dots, areas, a matrix."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbook import html
from workbook.html import GREY, INK, PAPER, Html, visible
from workbook.show import svg
from workbook.show.svg import GRID

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Told apart by people who do not see all colours, too.
COLOURS = (html.GREEN, html.ORANGE, svg.BLUE, html.RED, GREY)
LIMIT = html.RED
WIDTH, HEIGHT = 720, 380
_YES = {True: "yes", False: "no"}

#: One point is one pixel: an SVG of matplotlib has 72 to the inch.
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.facecolor": PAPER,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": INK,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.h_pad": 12 / 72,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 14 / 72,
    "figure.facecolor": PAPER,
    "figure.titlesize": 17,
    "figure.titleweight": "bold",
    "font.size": 14,
    "grid.color": GRID,
    "legend.frameon": False,
    "legend.borderaxespad": 0.2,
    "legend.borderpad": 0,
    "legend.handlelength": 1,
    "lines.linewidth": 3,
    "lines.markersize": 8,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",  # words stay words, in a font of the reader's machine
    "svg.hashsalt": "workbook",  # the same plot is the same bytes
    "text.color": INK,
    "text.parse_math": False,  # "$1 to $2" is money
    "xtick.color": GREY,
    "ytick.color": GREY,
    "ytick.left": False,
}

Points = Sequence[tuple[float, float]]
Series = Mapping[str, Points]


@contextmanager
def styled() -> Iterator[None]:
    """Draw in our style; what matplotlib logs of its font cache tells nobody here."""
    log = logging.getLogger("matplotlib")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        import matplotlib  # a second, once, for cells that plot

        if not os.access(os.environ.get("HOME", ""), os.W_OK | os.X_OK):
            # Its search for fonts is fontconfig's, which complains of such a home.
            os.environ.setdefault("XDG_CACHE_HOME", matplotlib.get_cachedir())
        with matplotlib.rc_context(STYLE), warnings.catch_warnings():
            # A sign that its font lacks is drawn by the page, whose fonts have it.
            warnings.filterwarnings("ignore", r"Glyph .* missing")
            yield
    finally:
        log.setLevel(before)


class Plot(Html):
    """A plot on the page; what it was drawn from is at hand.

    Attributes:
        figure: matplotlib's; `figure.savefig("plot.png")` keeps it as a file.
        axes: matplotlib's, with every line and label.
        series: name → the points (x, y) or the value that was drawn.
    """

    @styled()
    def __init__(
        self, axes: Axes, text: str, series: Mapping[str, Points | float]
    ) -> None:
        figure = axes.get_figure()
        self.axes, self.series = axes, dict(series)
        self.figure: Figure = figure  # type: ignore[assignment]  # no sub-figures here
        picture = svg.picture(_svg(self.figure), text, WIDTH)
        title = self.figure.get_suptitle()
        super().__init__(html.block(picture), f"{title}\n{text}")


@styled()
def lines(
    series: Series,
    title: str,
    *,
    x: str = "",
    y: str = "",
    log_x: bool = False,
    log_y: bool = False,
    limits: Mapping[str, float] | None = None,
    dots: bool = False,
    text: str = "",
) -> Plot:
    """Draw named lines through points (x, y), or dots, and dashed limits across.

    An axis by powers of ten (`log_x`, `log_y`) takes values above zero only; `text` may
    be the twin.
    """
    axes = empty(title, x, y)
    look: dict[str, Any] = {"marker": "o", "ls": "", "alpha": 0.75} if dots else {}
    for (name, points), colour in zip(series.items(), COLOURS, strict=False):
        axes.plot(*columns(points), color=colour, label=visible(name, ""), **look)
    _scale(axes, log_x, log_y, limits or {})
    across = [x for points in series.values() for x, _ in points]
    if not log_x and all(float(x).is_integer() for x in across):
        axes.locator_params("x", integer=True)  # there is no run 2.5
    return Plot(axes, text or _words(series, limits or {}), series)


@styled()
def matrix(values: Mapping[tuple[str, str], bool], title: str) -> Plot:
    """Draw yes or no for each (row, column), a filled square where it is yes."""
    rows = [*dict.fromkeys(row for row, _ in values)]
    names = [*dict.fromkeys(column for _, column in values)]
    axes = empty(title, height=110 + 50 * len(rows))
    for (row, column), yes in values.items():
        place = names.index(column), rows.index(row)
        colour, word = (COLOURS[0], "yes") if yes else (GRID, "no")
        axes.plot(*place, "s", markersize=34, color=colour)
        ink = PAPER if yes else INK
        axes.annotate(word, place, color=ink, fontsize=13, ha="center", va="center")
    lanes(axes, [visible(row, "") for row in rows])
    axes.set_xticks(range(len(names)), [visible(name, "") for name in names])
    axes.tick_params(axis="x", labelcolor=INK, top=False, bottom=False)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    lines = [f"{row} on {column}: {_YES[yes]}" for (row, column), yes in values.items()]
    flat = {f"{row} on {column}": float(yes) for (row, column), yes in values.items()}
    return Plot(axes, "\n".join(lines), flat)


@styled()
def areas(values: Mapping[str, float], title: str, *, unit: str = "") -> Plot:
    """Draw a treemap: each name is an area as large as its value."""
    from matplotlib.patches import Rectangle

    axes = empty(title, height=HEIGHT)
    parts = dict(sorted(values.items(), key=lambda part: -part[1]))
    words = {name: f"{number(value)} {unit}".strip() for name, value in parts.items()}
    for index, (name, place) in enumerate(_places(parts).items()):
        x, y, width, height = place
        colour = COLOURS[index % len(COLOURS)]
        axes.add_patch(Rectangle((x, y), width, height, fc=colour, ec=PAPER, lw=2))
        if width * WIDTH > 8 * len(name) and height * HEIGHT > 46:
            middle = x + width / 2, y + height / 2
            text = f"{visible(name, '')}\n{words[name]}"
            axes.annotate(text, middle, color=PAPER, ha="center", va="center")
    axes.set_axis_off()
    lines = [f"{visible(name, '')}: {word}" for name, word in words.items()]
    return Plot(axes, "\n".join(lines), values)


def _places(values: Mapping[str, float]) -> dict[str, tuple[float, ...]]:
    """Cut the unit square, largest first: the longer side of what is left each time.

    A place is left, bottom, width and height, each a share of the plot.
    """
    places: dict[str, tuple[float, ...]] = {}
    x = y = 0.0
    width = height = 1.0
    left = sum(values.values())
    for name, value in values.items():
        share = value / left if left else 0.0
        left -= value
        if width * WIDTH >= height * HEIGHT:
            places[name] = x, y, width * share, height
            x, width = x + width * share, width * (1 - share)
        else:
            places[name] = x, y, width, height * share
            y, height = y + height * share, height * (1 - share)
    return places


@styled()
def empty(title: str, x: str = "", y: str = "", height: int = HEIGHT) -> Axes:
    """Make axes in the workbook's style; `height` is in pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 72, height / 72))
    figure.suptitle(title, x=0.02, ha="left")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return axes


def lanes(axes: Axes, names: Sequence[str]) -> None:
    """Name the lanes of a plot, the first on top, without lines between them."""
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.invert_yaxis()
    axes.grid(False)


def number(value: float, _position: float = 0) -> str:
    """Write a number as people read it: "1.2 million", "350", "0.25"."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{value / size:.3g} {word}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    metadata = {"Creator": None, "Date": None}  # they change, the plot does not
    figure.savefig(out, format="svg", metadata=metadata)
    return out.getvalue()


def columns(points: Points) -> tuple[list[float], list[float]]:
    """Part points into what lies across and what goes up."""
    return [x for x, _ in points], [y for _, y in points]


def _scale(axes: Axes, log_x: bool, log_y: bool, limits: Mapping[str, float]) -> None:
    """Set both axes, the limits and the legend, once the points are there."""
    axes.set_xscale("log" if log_x else "linear")
    axes.set_yscale("log" if log_y else "linear")
    for name, value in limits.items():
        axes.axhline(value, color=LIMIT, linewidth=1.5, linestyle=(0, (6, 5)))
        axes.annotate(
            visible(name, ""),
            (1, value),
            (-4, 4),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=LIMIT,
            fontsize=13,
            ha="right",
        )
    axes.margins(y=0.12)
    if not log_y:
        axes.set_ylim(bottom=min(0.0, axes.dataLim.y0))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(number)
        axis.set_minor_formatter("")
    count = len(axes.get_legend_handles_labels()[1])
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=count)


def _words(series: Series, limits: Mapping[str, float]) -> str:
    words = []
    for name, points in series.items():
        if points:
            (a, b), (c, d) = points[0], points[-1]
            ends = f"{number(b)} at {number(a)} to {number(d)} at {number(c)}"
            words.append(f"{visible(name, '')}: {len(points)} points, {ends}")
    return "\n".join(words + [f"{name}: {number(v)}" for name, v in limits.items()])
