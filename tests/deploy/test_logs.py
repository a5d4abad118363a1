import json
from datetime import timedelta
from functools import partial

import pytest
from support.log_lines import NOW, line, put

from deploy import logs
from deploy.errors import NotReadyError

REPORT = (
    "REPORT RequestId: r1\tDuration: 41.20 ms\tBilled Duration: 42 ms\t"
    "Memory Size: 512 MB\tMax Memory Used: 97 MB\t"
)


@pytest.fixture
def write(cloud, settings):
    """Write lines into the function's log, in an account in memory."""
    return partial(put, cloud, settings)


def test_a_run_is_joined_with_its_report(cloud, settings, write):
    write("START RequestId: r1", line("a.jpg"), "END RequestId: r1", REPORT)
    (run,) = logs.runs(cloud, settings)
    assert (run.key, run.ms) == ("a.jpg", 30.5)
    assert (run.duration_ms, run.memory_mb) == (41.2, 97)


def test_a_run_of_another_request_is_not(cloud, settings, write):
    write(REPORT, "START RequestId: r2", line("a.jpg", request="r2"))
    assert logs.runs(cloud, settings)[0].duration_ms is None


def test_other_lines_are_passed_over(cloud, settings, write):
    write("{ not json", '{"outcome": "ignored", "key": null}', "[1]", line("a.jpg"))
    assert [run.key for run in logs.runs(cloud, settings)] == ["a.jpg"]


def test_runs_come_in_the_order_they_ended(cloud, settings, write):
    write(line("late.jpg", seconds=5), line("early.jpg", request="r2"))
    assert [run.key for run in logs.runs(cloud, settings)] == ["early.jpg", "late.jpg"]


def test_sizes_are_pairs(cloud, settings, write):
    write(line("a.jpg", source_size=[4000, 3000]))
    assert logs.runs(cloud, settings)[0].source_size == (4000, 3000)


@pytest.mark.parametrize(
    ("failures", "then"), [(2, ["made"]), (3, []), (4, []), (5, [])]
)
def test_three_failures_are_the_end_and_fewer_are_not(
    cloud, settings, write, failures, then
):
    """A queue tries five times, and somebody may replay."""
    outcomes = ["failed"] * failures + then
    write(*[line("a.jpg", each, f"r{n}", n) for n, each in enumerate(outcomes)])
    (run,) = logs.wait_for(cloud, settings, ["a.jpg"], NOW - timedelta(days=1))
    assert run.outcome == outcomes[-1]


def test_the_log_is_asked_about_once_a_second(cloud, settings, wire, clock):
    """Silence is named at last, with what to do."""
    with pytest.raises(NotReadyError, match=r"a\.jpg.*deploy status"):
        list(logs.wait_for(cloud, settings, ["a.jpg"], NOW, timeout_s=60))
    asked = wire.calls.count("FilterLogEvents")
    assert 55 < asked < 65
    assert sum(clock.slept[:4]) >= 1, "four in the first second, which AWS allows"
    assert 60 < clock.now() < 62


FORGED = {
    "without a time": {"done": None},
    "no time": {"done": "soon"},
    "an outcome of its own": {"outcome": "stolen"},
    "a size that is none": {"source_size": [1]},
    "a size of words": {"source_size": ["wide", "high"]},
    "no number": {"ms": "fast"},
    "of no request": {"request_id": None},
    "of no invocation": {"request_id": "forged"},
}


@pytest.mark.parametrize("changes", FORGED.values(), ids=FORGED)
def test_what_only_looks_like_a_run_is_none(cloud, settings, write, changes):
    stray = json.dumps({"outcome": "made", "key": "stray.jpg"})
    forged = json.dumps(json.loads(line("forged.jpg")) | changes)
    write("START RequestId: r1", stray, forged, line("a.jpg"), REPORT)
    assert [run.key for run in logs.runs(cloud, settings)] == ["a.jpg"]


def test_a_log_is_read_without_its_start_and_report(cloud, settings, write):
    assert logs.runs(cloud, settings) == []  # there is no log group
    write(line("a.jpg", request="r7"))
    assert [run.request_id for run in logs.runs(cloud, settings)] == ["r7"]


def test_what_is_billed_has_the_start_in_it():
    cold = REPORT.replace("Billed Duration: 42 ms", "Billed Duration: 313 ms")
    found = logs.report(f"{cold}Init Duration: 270.10 ms\t")
    assert (found.duration_ms, found.init_ms, found.billed_ms) == (41.2, 270.1, 313.0)
