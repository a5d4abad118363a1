import base64
import dataclasses
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
import workbook
from support.log_lines import NOW, line

from deploy import logs


def run(number, outcome="made", cold=False, ms=30.0):
    (found,) = logs.read([line(f"{number}.jpg", outcome, seconds=number)])
    return dataclasses.replace(found, cold=cold, ms=ms)


RUNS = [run(0, cold=True, ms=900.0), run(1), run(2, "failed"), run(9, "rejected")]


def svg(shown):
    data = re.search(r"base64,([^\"]+)", shown.data)[1]
    return ElementTree.fromstring(base64.b64decode(data))


def shapes(shown, kind, colour):
    every = svg(shown).iter(f"{{http://www.w3.org/2000/svg}}{kind}")
    return [shape for shape in every if shape.get("fill") == colour]


def test_a_row_a_run():
    table = workbook.log_table(RUNS)
    assert table.data.count("<tr>") == 1 + len(RUNS)
    assert repr(table).splitlines()[2] == "2.jpg: failed"


def test_cold_and_warm_are_told_apart():
    plot = workbook.durations(RUNS)
    assert "warm: median 30 ms\ncold: median 900 ms" in repr(plot)
    colour = workbook.show.plots.COLOURS[1]
    assert len(shapes(plot, "circle", colour)) == 1 + 1  # the dot, and its legend


def test_outcomes_stand_in_lanes_over_time():
    plot = workbook.outcomes(RUNS)
    made = shapes(plot, "circle", workbook.show.charts.OUTCOMES["made"])
    assert "made 2, rejected 1, failed 1" in repr(plot)
    assert len(made) == 2 and float(made[0].get("cx")) < float(made[1].get("cx"))


def test_memory_of_recorded_lines():
    plot = workbook.memory(workbook.RECORDED)
    assert "56 of 128 MB, 16 ms, and 130 ms of cold start" in repr(plot)
    assert "129 of 128 MB, 24,793 ms: killed" in repr(plot)


def test_memory_that_ran_out_is_red():
    plot = workbook.memory(workbook.RECORDED)
    assert len(shapes(plot, "rect", workbook.show.plots.COLOURS[3])) == 1


@pytest.mark.parametrize("draw", [workbook.durations, workbook.outcomes])
def test_nothing_to_draw(draw):
    assert repr(draw([])) == "no runs"


def test_one_moment_is_no_error():
    now = [dataclasses.replace(one, done=NOW + timedelta()) for one in RUNS]
    assert "made 2" in repr(workbook.outcomes(now))


def test_a_report_with_its_cold_start():
    found = logs.report(workbook.RECORDED[0])
    assert (found.given_mb, found.used_mb, found.init_ms) == (128, 56, 130.49)


def test_other_lines_are_no_report():
    assert logs.report("START RequestId: 1") is None
