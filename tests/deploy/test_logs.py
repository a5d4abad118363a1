from datetime import UTC, datetime, timedelta

import pytest
from support.log_lines import NOW, line

from deploy import logs
from deploy.errors import NotReadyError

REPORT = (
    "REPORT RequestId: r1\tDuration: 41.20 ms\tBilled Duration: 42 ms\t"
    "Memory Size: 512 MB\tMax Memory Used: 97 MB\t"
)


@pytest.fixture
def write(cloud, settings):
    """Write lines into the function's log, in an account in memory."""
    group, stream = settings.log_group, "2026/11/23/[$LATEST]0"
    cloud.logs.create_log_group(logGroupName=group)
    cloud.logs.create_log_stream(logGroupName=group, logStreamName=stream)

    def lines(*messages):
        now = int(datetime.now(UTC).timestamp() * 1000)
        events = [{"timestamp": now, "message": text} for text in messages]
        cloud.logs.put_log_events(
            logGroupName=group, logStreamName=stream, logEvents=events
        )

    return lines


def test_no_log_group_is_no_runs(cloud, settings):
    assert logs.runs(cloud, settings) == []


def test_a_run_is_joined_with_its_report(cloud, settings, write):
    write("START RequestId: r1", line("a.jpg"), "END RequestId: r1", REPORT)
    (run,) = logs.runs(cloud, settings)
    assert (run.key, run.ms, run.duration_ms, run.memory_mb) == (
        "a.jpg",
        30.5,
        41.2,
        97,
    )


def test_a_run_of_another_request_is_not(cloud, settings, write):
    write(line("a.jpg", request="r2"), REPORT)
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


def test_one_failure_is_not_the_end(cloud, settings, write):
    failed = [line("a.jpg", "failed", f"r{n}", n) for n in range(2)]
    write(*failed, line("a.jpg", "made", "r3", 3))
    (run,) = logs.wait_for(cloud, settings, ["a.jpg"], NOW - timedelta(days=1))
    assert run.outcome == "made"


def test_three_failures_are(cloud, settings, write):
    write(*[line("a.jpg", "failed", f"r{n}", n) for n in range(3)])
    (run,) = logs.wait_for(cloud, settings, ["a.jpg"], NOW - timedelta(days=1))
    assert run.outcome == "failed"


def test_silence_is_named_with_what_to_do(cloud, settings, write):
    with pytest.raises(NotReadyError, match=r"a\.jpg.*deploy status"):
        list(logs.wait_for(cloud, settings, ["a.jpg"], NOW, timeout_s=0))
