"""Plots: what is drawn, in which colours, and that the same plot is the same bytes."""

import logging
import re
import xml.etree.ElementTree as ET

import pytest
from support.programs import python
from support.shown import content
from workbook import html
from workbook.show import plots, svg

DC = "{http://purl.org/dc/elements/1.1/}"
SVG = "{http://www.w3.org/2000/svg}"
CURVE = {"one": [(1, 10), (10, 100)], "two": [(1, 20), (10, 50)]}


def drawn(plot):
    return ET.fromstring(content(plot.data))


def words(plot):
    return [text.text for text in drawn(plot).iter(f"{SVG}text")]


def luminance(colour):
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares
    ]
    return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_lines_have_names_labels_and_a_twin():
    plot = plots.lines(CURVE, "Growth", x="days", y="pictures")
    assert {"Growth", "one", "two", "days", "pictures"} <= set(words(plot))
    assert "one: 2 points, 10 at 1 to 100 at 10" in repr(plot)


def test_a_learner_reaches_what_was_drawn(tmp_path):
    plot = plots.lines(CURVE, "Growth")
    one, _ = plot.axes.get_lines()
    assert [*map(tuple, one.get_xydata())] == CURVE["one"] and plot.series == CURVE
    plot.figure.savefig(tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 1000


def test_dots_are_not_joined():
    one, _ = plots.lines(CURVE, "Dots", dots=True).axes.get_lines()
    assert (one.get_linestyle(), one.get_marker()) == ("None", "o")


def test_there_is_no_run_two_and_a_half():
    runs = {"warm": [(float(number), 1.0) for number in range(1, 19)]}
    ticks = plots.lines(runs, "Runs", dots=True).axes.get_xticks()
    assert len(ticks) > 3 and all(tick.is_integer() for tick in ticks)


def test_a_matrix_says_yes_and_no():
    plot = plots.matrix({("read", "a"): True, ("write", "a"): False}, "May it?")
    assert {"May it?", "read", "write", "a", "yes", "no"} <= set(words(plot))
    assert "read on a: yes\nwrite on a: no" in repr(plot)


def test_areas_are_as_large_as_their_values():
    plot = plots.areas({"small": 1, "large": 3}, "Parts", unit="MB")
    large, small = (p.get_width() * p.get_height() for p in plot.axes.patches)
    assert (large, small) == pytest.approx((0.75, 0.25))
    assert repr(plot).startswith("Parts\nlarge: 3 MB\nsmall: 1 MB")
    assert len(plots.areas({"none": 0}, "Empty").axes.patches) == 1


def test_a_limit_is_drawn_inside():
    plot = plots.lines(CURVE, "Limit", limits={"quota": 1000})
    assert "quota" in words(plot) and "quota: 1,000" in repr(plot)
    assert plot.axes.get_ylim()[1] > 1000


def test_axes_begin_at_nothing_and_go_by_powers():
    assert plots.lines(CURVE, "Plain").axes.get_ylim()[0] == 0
    axes = plots.lines(CURVE, "Powers", log_x=True, log_y=True).axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


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
    names = ["<b>&", "$1 $2", "a\x01\u202eb", "日本"]
    plot = plots.lines({name: [(1, 1)] for name in names}, 'A "title"')
    assert "<b>" not in plot.data and {"<b>&", "$1 $2", "日本"} <= set(words(plot))
    assert "a⟨U+0001⟩⟨U+202E⟩b" in words(plot)


@pytest.mark.parametrize("points", [[(1, 0)], [(3, 3)] * 2, [(1, -5), (2, 5)]])
def test_few_points_are_drawn(points):
    assert drawn(plots.lines({"one": points}, "One", dots=True)).tag == f"{SVG}svg"
    assert drawn(plots.lines({"one": points, "none": []}, "One")).tag == f"{SVG}svg"


def test_the_same_plot_is_the_same_bytes():
    assert len({plots.lines(CURVE, "Growth").data for _ in range(2)}) == 1
    dates = drawn(plots.lines(CURVE, "Growth")).iter(f"{DC}date")
    assert [*dates] == []


def test_words_are_read_on_their_own_ground():
    """On white and on JupyterLab's dark page alike: the ground comes along."""
    plot = plots.lines(CURVE, "Growth", x="days", y="pictures", limits={"quota": 9})
    ground = drawn(plot).find(f".//{SVG}g[@id='patch_1']/{SVG}path")
    assert f"fill: {html.PAPER}" in ground.get("style")
    styles = [text.get("style") or "" for text in drawn(plot).iter(f"{SVG}text")]
    inks = {ink for style in styles for ink in re.findall(r"fill: (#\w{6})", style)}
    assert {html.INK, html.GREY, html.RED} <= inks
    assert all(contrast(ink, html.PAPER) >= 4.5 for ink in inks)
    assert all(contrast(colour, html.PAPER) >= 3 for colour in plots.COLOURS)
    ground = svg.DARK[html.PAPER]
    assert all(contrast(svg.DARK[ink], ground) >= 4.5 for ink in inks)
    assert all(contrast(svg.DARK[colour], ground) >= 3 for colour in plots.COLOURS)


def test_a_figure_is_as_wide_as_a_page_takes():
    assert 256 <= plots.WIDTH <= 900
    assert f'width="{plots.WIDTH}"' in plots.lines(CURVE, "Growth").data


def test_the_learners_own_plots_keep_their_style():
    import matplotlib

    before = dict(matplotlib.rcParams)
    plots.lines(CURVE, "Growth")
    assert dict(matplotlib.rcParams) == before
    assert logging.getLogger("matplotlib").level == logging.NOTSET


def test_matplotlib_comes_with_the_first_plot_and_says_nothing(tmp_path):
    """Also where its fonts were never looked for, and where it may not note them."""
    code = (
        "import sys, workbook; assert 'matplotlib' not in sys.modules;"
        "print(repr(workbook.plots.areas({'a': 1}, 'Areas')))"
    )
    file, fonts = tmp_path / "file", tmp_path / "fonts.conf"
    file.touch()
    own_cache = '<cachedir prefix="xdg">fontconfig</cachedir>'
    fonts.write_text(f"<fontconfig><dir>/usr/share/fonts</dir>{own_cache}</fontconfig>")
    nowhere = {"HOME": "/dev/null", "FONTCONFIG_FILE": str(fonts)}
    for environment in ({"MPLCONFIGDIR": str(file)}, nowhere):
        done = python("-W", "error", "-c", code, env=environment)
        assert (done.stdout, done.stderr) == ("Areas\na: 1\n", "")
