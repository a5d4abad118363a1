import dataclasses
from datetime import timedelta

import pytest
import workbook
from matplotlib.colors import to_hex
from support.log_lines import NOW, line
from workbook import html

from deploy import logs


def run(number, outcome="made", cold=False, ms=30.0):
    (found,) = logs.read([line(f"{number}.jpg", outcome, seconds=number)])
    return dataclasses.replace(found, cold=cold, ms=ms)


RUNS = [run(0, cold=True, ms=900.0), run(1), run(2, "failed"), run(9, "rejected")]


def test_a_row_a_run():
    table = workbook.log_table(RUNS)
    assert table.data.count("<tr>") == 1 + len(RUNS)
    assert repr(table).splitlines()[2] == "2.jpg: failed"


def test_cold_and_warm_are_told_apart():
    plot = workbook.durations(RUNS)
    assert "warm: median 30 ms\ncold: median 900 ms" in repr(plot)
    assert plot.series == {"warm": [(2, 30), (3, 30), (4, 30)], "cold": [(1, 900)]}
    colours = [line.get_color() for line in plot.axes.get_lines()]
    assert colours == [html.GREEN, html.ORANGE]


def test_outcomes_stand_in_lanes_over_time():
    plot = workbook.outcomes(RUNS)
    assert "made 2, rejected 1, failed 1" in repr(plot)
    assert plot.series == {
        "made": [(0, 0), (1, 0)],
        "rejected": [(9, 1)],
        "stale": [],
        "failed": [(2, 3)],
    }
    lanes = [label.get_text() for label in plot.axes.get_yticklabels()]
    assert lanes == ["made (2)", "rejected (1)", "stale (0)", "failed (1)"]


def test_memory_of_recorded_lines_and_what_ran_out_is_red():
    plot = workbook.memory(workbook.RECORDED)
    assert "56 of 128 MB, 16 ms, and 130 ms of cold start" in repr(plot)
    assert "129 of 128 MB, 24,793 ms: killed" in repr(plot)
    given, used, _, killed = plot.axes.patches
    assert (given.get_width(), used.get_width()) == (128, 56)
    assert to_hex(used.get_facecolor()) == html.GREEN
    assert to_hex(killed.get_facecolor()) == html.RED


@pytest.mark.parametrize("draw", [workbook.durations, workbook.outcomes])
def test_nothing_to_draw(draw):
    assert repr(draw([])) == "no runs"


def test_one_moment_is_no_error():
    now = [dataclasses.replace(one, done=NOW + timedelta()) for one in RUNS]
    assert "made 2" in repr(workbook.outcomes(now))
