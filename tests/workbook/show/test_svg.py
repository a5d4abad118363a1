"""Drawn pictures on a light page and on a dark one: diagrams, plots, traces."""

import io
import re
from itertools import cycle
from pathlib import Path

import pytest
from PIL import Image
from support.browser_page import prefer
from support.shown import content
from workbook import html
from workbook.show import charts, plots, svg, trace_picture

from deploy.tracing import NAMES, Link, Trace

DIAGRAMS = Path(__file__).parents[3] / "images" / "diagrams"
CURVE = {"one": [(1, 10), (10, 100)], "two": [(1, 20), (10, 50)]}
LIGHT, DARK = html.PAPER, svg.DARK[html.PAPER]


def traces():
    """With every state of a link, in every ending."""
    states = ("green", "red", "amber", "grey", "rejected")
    links = tuple(Link(*each, "It is.", "") for each in zip(NAMES, cycle(states)))
    for ending in ("made", "broken", "pending", "rejected"):
        yield trace_picture.drawn(Trace("a.jpg", "a cloud", links, ending))


def test_every_colour_has_one_for_a_dark_page():
    """Each that is drawn, whatever is drawn."""
    shown = [
        plots.lines(CURVE, "Growth", limits={"quota": 9}),
        plots.lines(CURVE, "Dots", dots=True),
        plots.matrix({("a", "b"): True, ("c", "b"): False}, "May it?"),
        plots.areas(dict.fromkeys("abcde", 1), "Parts"),
        charts.memory(charts.RECORDED),
        *traces(),
    ]
    drawn = [content(each.data).decode() for each in shown]
    for picture in [*drawn, *(path.read_text("utf-8") for path in DIAGRAMS.iterdir())]:
        light = picture.partition("@media")[0]
        assert set(re.findall(r"#\w{6}\b|#\w{3}\b", light)) <= set(svg.DARK), picture


def plot():
    return plots.lines(CURVE, "Growth").data


def diagram():
    return f'<img src="{(DIAGRAMS / "pipeline.svg").as_uri()}">'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "picture", "ground"),
    [
        ('data-jp-theme-light="true"', plot, LIGHT),
        ('data-jp-theme-light="false"', plot, DARK),
        ('data-theme="dark"', plot, DARK),
        ('class="vscode-dark"', plot, DARK),
        ("", plot, LIGHT),
        ('style="color-scheme: light"', diagram, LIGHT),
        ('style="color-scheme: dark"', diagram, DARK),
    ],
)
@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_picture_follows_the_pages_theme(
    browser, tmp_path, page, picture, ground, system
):
    """The page's, not the system's."""
    file = tmp_path / "page.html"
    file.write_text(f"<body {page}>{picture()}", "utf-8")
    prefer(browser, system)
    browser.get(file.as_uri())
    seen = browser.find_element("tag name", "img").screenshot_as_png
    prefer(browser, "")
    with Image.open(io.BytesIO(seen)) as shown:
        red, green, blue = shown.convert("RGB").getpixel((20, 60))
    assert f"#{red:02x}{green:02x}{blue:02x}" == ground
