import pytest
from workbook import scale
from workbook.scale import Load

from deploy import cost


def test_littles_law():
    assert scale.little(150, 0.25) == 37.5


def test_500_hours_a_minute_are_50_videos_a_second():
    load = scale.video_platform()
    assert load.per_second == 50 * scale.STILLS_A_VIDEO
    assert load.pictures == 150 * 30 * 24 * 3600


def test_for_videos_the_first_limit_is_one_prefix():
    sizing = scale.size(scale.video_platform())
    assert sizing.first_limit is scale.QUOTAS["puts"]
    assert sizing.shares["puts"] == pytest.approx(150 * 4 / 3500)
    assert sizing.running == pytest.approx(37.5)


def test_for_an_archive_it_is_the_prefix_too():
    sizing = scale.size(scale.archive())
    assert sizing.first_limit is scale.QUOTAS["puts"]
    assert sizing.per_second == 3500 and sizing.room == 1
    assert sizing.hours == pytest.approx(1e9 / 3500 / 3600)


def test_slower_code_moves_the_limit_to_concurrency():
    sizing = scale.size(scale.archive(seconds=0.5))
    assert sizing.first_limit is scale.QUOTAS["concurrency"]
    assert sizing.per_second == 2000


def test_money_is_the_sum_of_its_parts():
    load = Load("ten", 10, seconds=1, memory_mb=1024, sizes=2, batch=5)
    parts = (
        10 * cost.S3_GET_USD,
        20 * cost.S3_PUT_USD,
        10 * cost.LAMBDA_GB_SECOND_USD["arm64"],
        2 * cost.LAMBDA_REQUEST_USD,
        (10 + 2 * 2) * cost.SQS_REQUEST_USD,
    )
    assert scale.money(load) == pytest.approx(sum(parts))
    job = scale.money(Load("none", 0, batch_job=True))
    assert job == cost.BATCH_JOB_USD


def test_every_quota_has_a_source():
    sources = [quota.source for quota in scale.QUOTAS.values()]
    assert all(one.startswith("https://docs.aws.amazon.com/") for one in sources)


@pytest.mark.parametrize(
    ("arrivals", "seconds", "how", "done"),
    [
        ([0, 0, 0], 2, {"at_once": 1}, [2, 4, 6]),
        ([0, 0, 0, 0], 2, {"at_once": 2}, [2, 2, 4, 4]),
        ([0, 0, 0], 1, {"at_once": 1, "batch": 2}, [2, 2, 3]),
        ([0, 5], 1, {"at_once": 1, "batch": 10}, [1, 6]),  # who comes late is not in it
    ],
)
def test_when_each_is_done(arrivals, seconds, how, done):
    assert scale.simulate(arrivals, seconds, **how) == done


def test_in_the_long_run_the_simulation_keeps_littles_law():
    arrivals = [n / 10 for n in range(1000)]
    done = scale.simulate(arrivals, 0.3, at_once=100)
    inside = sum(d - a for d, a in zip(done, arrivals, strict=True)) / arrivals[-1]
    assert inside == pytest.approx(scale.little(10, 0.3), rel=0.02)


def test_the_table_has_a_column_a_load():
    sizings = [scale.size(scale.video_platform()), scale.size(scale.archive())]
    rows = scale.table(sizings)
    assert {len(row) for row in rows} == {3}
    assert ("running at once", "38", "875") in rows
