import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import BotoCoreError
from PIL import Image
from support.by_hand import notify
from support.local_cloud import kill, thumbnails
from support.moto_cloud import here
from support.pictures import encoded

from deploy import connect, logs, pipeline
from deploy.configure import settings_for
from deploy.errors import DeployError, NotReadyError
from deploy.operations import backfill
from deploy.operations.backfill import Picture
from deploy.steps import buckets, function, layer, queue, role
from handler.events import Upload, parse, target_key

TRICKY = "summer 2026/100% ü+1.jpg"


@pytest.fixture
def pair(cloud, settings):
    """The two buckets alone."""
    buckets.create(cloud, settings)
    return cloud, settings


@pytest.fixture
def waiting(cloud):
    """The two buckets and a queue that nothing empties."""
    settings = here(cloud, queue=True)
    buckets.create(cloud, settings)
    url = cloud.sqs.create_queue(QueueName=settings.queue_name, tags=settings.tags)
    return cloud, settings, url["QueueUrl"]


def put(cloud, settings, key, body=b"photo"):
    answer = cloud.s3.put_object(Bucket=settings.source_bucket, Key=key, Body=body)
    return answer["ETag"].strip('"')


def answer(cloud, settings, key, etag, prefix="thumbnails/", suffix=""):
    cloud.s3.put_object(
        Bucket=settings.target_bucket,
        Key=target_key(key, prefix, suffix),
        Body=b"small",
        Metadata={"source-etag": etag},
    )


def missing(cloud, settings):
    every = backfill.pictures(cloud, settings)
    return [one.key for one in backfill.missing(cloud, settings, every)]


def bodies(cloud, url):
    found = []
    while messages := cloud.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10
    ).get("Messages"):
        found += [json.loads(message["Body"]) for message in messages]
    return found


def test_only_what_the_rules_match(pair):
    for key in ("a.jpg", "b.png", "c.JPG", "d.txt"):
        put(*pair, key)
    assert missing(*pair) == ["a.jpg", "b.png"]


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (TRICKY, ("thumbnails/",)),
        ("x" * 1016 + ".jpg", ("thumbnails/",)),
        ("a.jpg", ("rejected/", ".json")),
    ],
    ids=["thumbnail", "of a long key", "reject record"],
)
def test_what_was_made_of_these_bytes_is_enough(pair, key, place):
    answer(*pair, key, put(*pair, key), *place)
    assert missing(*pair) == []


def test_a_thumbnail_of_other_bytes_is_not(pair):
    put(*pair, "a.jpg")
    answer(*pair, "a.jpg", "0123")
    assert missing(*pair) == ["a.jpg"]


def test_a_thumbnail_older_than_the_picture_is_not_looked_at(pair, wire):
    etag = put(*pair, "a.jpg")
    answer(*pair, "a.jpg", etag)
    later = datetime.now(UTC) + timedelta(hours=1)
    wire.calls.clear()
    newer = Picture("a.jpg", etag, 5, later)
    assert backfill.missing(*pair, [newer]) == [newer]
    assert "HeadObject" not in wire.calls


def test_a_thumbnail_much_younger_than_the_picture_is_not_looked_at(pair, wire):
    answer(*pair, "a.jpg", "whatever")
    wire.calls.clear()
    old = Picture("a.jpg", "0123", 5, datetime.now(UTC) - timedelta(hours=1))
    assert backfill.missing(*pair, [old]) == []
    assert "HeadObject" not in wire.calls


@pytest.mark.parametrize("reason", ["archived: restore it first", "no picture"])
def test_a_picture_that_an_archive_gave_back_is_told_again(pair, reason):
    cloud, settings = pair
    source = {"Bucket": settings.source_bucket, "Key": "a.jpg"}
    cloud.s3.put_object(**source, Body=b"photo", StorageClass="GLACIER")
    etag = cloud.s3.head_object(**source)["ETag"].strip('"')
    cloud.s3.put_object(
        Bucket=settings.target_bucket,
        Key="rejected/a.jpg.json",
        Body=json.dumps({"reason": reason}).encode(),
        Metadata={"source-etag": etag},
    )
    assert missing(*pair) == []
    cloud.s3.restore_object(**source, RestoreRequest={"Days": 1})
    assert missing(*pair) == (["a.jpg"] if reason.startswith("archived") else [])


def test_the_handler_reads_the_event_and_finds_no_sequencer(settings):
    picture = Picture(TRICKY, "0123", 7, datetime.now(UTC))
    (upload,) = parse(backfill.event(settings, picture))
    assert upload == Upload(settings.source_bucket, TRICKY, "0123", size=7)


def test_results_without_a_picture_are_named_and_pruned_when_asked_for(waiting):
    cloud, settings, _ = waiting
    long = "k" * 1000 + ".jpg"
    for key in (TRICKY, long):
        answer(cloud, settings, key, put(cloud, settings, key))
    put(cloud, settings, "kept.txt")  # no rule takes it, and it is there
    answer(cloud, settings, "kept.txt", "e")
    for key in ("gone.jpg", "l" * 1000 + ".jpg"):
        answer(cloud, settings, key, "e")
    answer(cloud, settings, "gone.jpg", "e", "rejected/", ".json")
    cloud.s3.put_object(Bucket=settings.target_bucket, Key="thumbnails/own", Body=b"")
    gone = {
        "thumbnails/gone.jpg",
        "rejected/gone.jpg.json",
        target_key("l" * 1000 + ".jpg", "thumbnails/"),
    }
    report = backfill.backfill(cloud, settings)
    assert set(report.orphans) == gone and not report.pruned
    assert "3 results have no picture any more" in str(report)
    asked = []
    backfill.backfill(cloud, settings, prune=lambda keys: bool(asked.append(keys)))
    assert set(*asked) == gone
    report = backfill.backfill(cloud, settings, prune=lambda keys: True)
    assert report.pruned and set(report.orphans) == gone
    assert backfill.backfill(cloud, settings).orphans == ()
    stands = {o["Key"] for o in buckets.objects(cloud, settings.target_bucket)}
    assert "thumbnails/own" in stands and len(stands) == 4


def test_ten_messages_a_call(waiting, wire, capsys):
    cloud, settings, url = waiting
    for number in range(12):
        put(cloud, settings, f"{number}.jpg")
    wire.calls.clear()
    report = backfill.backfill(cloud, settings)
    assert len(report.missing) == 12
    assert str(report).startswith("12 of 12 pictures had no thumbnail")
    assert wire.calls.count("SendMessageBatch") == 2
    assert len(bodies(cloud, url)) == 12
    assert capsys.readouterr().err == ""  # no bar where there is no terminal


def test_what_waits_in_the_queue_is_not_sent_twice(waiting):
    cloud, settings, _ = waiting
    put(cloud, settings, "a.jpg")
    backfill.backfill(cloud, settings)
    with pytest.raises(NotReadyError, match="1 uploads still wait in it"):
        backfill.backfill(cloud, settings, patience_s=0)


def test_a_refused_message_is_told(waiting, wire):
    cloud, settings, _ = waiting
    put(cloud, settings, "a.jpg")
    wire.refuse("SendMessageBatch", "OverLimit", "too many", 403)
    with pytest.raises(Exception, match="too many"):
        backfill.backfill(cloud, settings)


def test_without_a_queue_it_invokes_at_a_bounded_pace(cloud, settings, wire):
    for step in (buckets, role, layer, function):
        step.create(cloud, settings)
    for number in range(5):
        put(cloud, settings, f"{number}.jpg")
    report = backfill.backfill(cloud, settings, per_second=20)
    assert wire.calls.count("Invoke") == 5
    assert report.seconds >= 4 / 20


def test_the_queue_has_to_be_there(pair):
    cloud, _ = pair
    with pytest.raises(DeployError, match=r"up\(queue=True\) makes it"):
        backfill.backfill(cloud, here(cloud, queue=True))


# --- on the local cloud --------------------------------------------------------------


def photo(number: int) -> bytes:
    return encoded(Image.new("RGB", (320, 240), (number % 256, number // 256, 90)))


def fill(cloud, settings, count: int) -> dict[str, bytes]:
    """Put pictures into the source while no rule tells of them."""
    notify(cloud, settings)
    photos = {f"old/{number:04}.jpg": photo(number) for number in range(count)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: put(cloud, settings, *item), photos.items()))
    return photos


@pytest.mark.slow
def test_two_thousand_pictures_and_a_cloud_that_dies(own_folder):
    """Killed in the middle, the next run finishes: none lost, none done twice.

    "Twice" is counted in writes that the log tells of. A message whose batch ran when
    the cloud died comes back, as on AWS, so its picture may be written again, with the
    same bytes: as many as the cap lets run, and those of the half second that the
    queue may lose.
    """
    cloud = connect("local", say=lambda line: None)
    settings = settings_for(cloud, queue=True, max_concurrency=2, timeout_s=10)
    pipeline.up(cloud, settings)
    fill(cloud, settings, 2000)
    started = time.monotonic()
    calls = iter(range(1, 1000))

    def kill_in_the_middle(**_):
        if next(calls) == 60:  # of 200
            kill()

    cloud.sqs.meta.events.register(
        "before-send.sqs.SendMessageBatch", kill_in_the_middle
    )
    with pytest.raises(DeployError) as first:
        backfill.backfill(cloud, settings)
    assert isinstance(first.value.__cause__, BotoCoreError)
    cloud = connect("local", say=lambda line: None)
    done = thumbnails(cloud, settings)
    second = backfill.backfill(cloud, settings, patience_s=600)
    url = queue.require(cloud, settings)
    assert queue.wait_until_empty(cloud, url, quiet_s=0, timeout_s=600)
    seconds = time.monotonic() - started

    assert 0 < len(second.missing) < 2000 - len(done)
    assert len(thumbnails(cloud, settings)) == 2000
    assert backfill.backfill(cloud, settings).missing == ()
    runs = logs.runs(cloud, settings)
    counted = Counter(run.key for run in runs if run.outcome == "made")
    again = {key: times for key, times in counted.items() if times > 1}
    in_flight = settings.max_concurrency * settings.batch_size
    print(f"\n2000 pictures in {seconds:.0f} s, {len(done)} done at the kill")
    assert max(counted.values()) <= 2 and len(again) <= 2 * in_flight
    assert "failed" not in {run.outcome for run in runs}
