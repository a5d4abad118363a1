import base64
import re
import xml.etree.ElementTree as ET

import pytest
from workbook.show import plots
from workbook.show.plots import Axis

SVG = "{http://www.w3.org/2000/svg}"
CURVE = {"one": [(1, 10), (10, 100)], "two": [(1, 20), (10, 50)]}


def drawn(shown):
    data = re.search(r"base64,([^\"]+)", shown.data)[1]
    return ET.fromstring(base64.b64decode(data))


def words(shown):
    return [text.text for text in drawn(shown).iter(f"{SVG}text")]


def test_lines_have_a_path_a_name_and_a_twin():
    shown = plots.lines(CURVE, "Growth", x="days", y="pictures")
    paths = [p.get("d") for p in drawn(shown).iter(f"{SVG}path") if p.get("fill")]
    assert len(paths) == 2
    assert {"Growth", "one", "two", "days", "pictures"} <= set(words(shown))
    assert "one: 2 points, 10 at 1 to 100 at 10" in repr(shown)


def test_dots_have_a_circle_a_point():
    circles = drawn(plots.dots(CURVE, "Dots")).iter(f"{SVG}circle")
    assert sum(c.get("r") == "4" for c in circles) == 4


def test_bars_are_as_long_as_their_values():
    shown = plots.bars({"a": 10, "b": 5}, "Bars", unit="ms")
    _, *rects = drawn(shown).iter(f"{SVG}rect")
    a, b = (float(rect.get("width")) for rect in rects)
    assert a == pytest.approx(2 * b, rel=0.01) and "10 ms" in words(shown)


def test_a_limit_is_drawn_inside():
    shown = plots.lines(CURVE, "Limit", limits={"quota": 1000})
    assert "quota" in words(shown)
    dashed = [p for p in drawn(shown).iter(f"{SVG}path") if p.get("stroke-dasharray")]
    assert len(dashed) == 1


def test_a_log_axis_gives_each_power_the_same_room():
    axis = Axis(1, 1000, 0, 300, log=True)
    assert [axis.at(v) for v in (1, 10, 100, 1000)] == pytest.approx([0, 100, 200, 300])
    assert axis.ticks() == [1, 10, 100, 1000]


@pytest.mark.parametrize("high", [1, 7, 12, 30, 99, 500, 0.02, 123456])
def test_ticks_are_few_and_round(high):
    ticks = Axis(0, high, 0, 100).ticks()
    assert 2 <= len(ticks) <= 8


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.25, "0.25"),
        (350, "350"),
        (3500, "3,500"),
        (1e6, "1 million"),
        (2e9, "2 billion"),
    ],
)
def test_numbers_in_words(value, text):
    assert plots.number(value) == text


def test_names_cannot_break_out():
    shown = plots.bars({"<b>&": 1}, 'A "title"')
    assert "<b>" not in shown.data and "<b>&" in words(shown)


def test_one_point_is_drawn():
    assert drawn(plots.dots({"one": [(1, 0)]}, "One"))
