"""Proof under load, with figures: many clients, one key again and again, deletes."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from support.local_cloud import listed, thumbnails
from support.matrix import quiet
from support.shown import jpeg

from deploy import connect, logs, notifications, pipeline, queues, settings_for
from deploy.cloud import Cloud
from deploy.local import server
from deploy.settings import Settings

CLIENTS = 8
UPLOADS = 1000
OVERWRITES = 100
DELETED = 100
GREYS = 250


def picture(number: int) -> bytes:
    """A picture whose grey tells its number, in a thumbnail, too."""
    return jpeg((320, 240), (number % GREYS,) * 3)


def number_in(thumbnail: bytes) -> float:
    with Image.open(io.BytesIO(thumbnail)) as image:
        low, high = image.convert("L").getextrema()
    assert high - low <= 2
    return (low + high) / 2


def build(name: str, **options: bool) -> tuple[Cloud, Settings]:
    cloud = connect("local", say=quiet)
    settings = settings_for(cloud, name=name, **options)
    pipeline.up(cloud, settings, say=quiet)
    return cloud, settings


def at_once(work: Callable[[int], object], numbers: Iterable[int]) -> float:
    """Let eight clients work; return how many seconds that took."""
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, numbers))
    return time.monotonic() - started


def thumbnail(cloud: Cloud, settings: Settings, key: str) -> bytes:
    place = {"Bucket": settings.target_bucket}
    place["Key"] = f"{settings.thumbnail_prefix}{key}"
    return cloud.s3.get_object(**place)["Body"].read()


def until(done: Callable[[], bool], seconds: float = 240) -> float:
    """Wait; return how long. The caller's assertion says what did not come."""
    pause, started = threading.Event(), time.monotonic()
    while not done() and time.monotonic() - started < seconds:
        pause.wait(0.3)
    return time.monotonic() - started


@pytest.mark.slow
def test_a_thousand_uploads_from_eight_clients(own_folder):
    cloud, settings = build("load")

    repeated = []

    def put(number: int) -> None:
        key, body = f"{number}.jpg", picture(number)
        cloud.s3.put_object(Bucket=settings.source_bucket, Key=key, Body=body)
        if number % 5 == 0:  # functions write their logs meanwhile
            answer = cloud.logs.describe_log_groups()["ResponseMetadata"]
            repeated.append(answer["RetryAttempts"])

    took = at_once(put, range(UPLOADS))
    assert repeated == [0] * (UPLOADS // 5)
    wanted = {f"{number}.jpg" for number in range(UPLOADS)}
    waited = until(lambda: thumbnails(cloud, settings) == wanted)
    found = thumbnails(cloud, settings)
    wrong = []

    def look(number: int) -> None:
        made = number_in(thumbnail(cloud, settings, f"{number}.jpg"))
        if abs(made - number % GREYS) > 2:
            wrong.append(number)

    assert found == wanted
    at_once(look, range(UPLOADS))
    print(f"\n{UPLOADS} uploads, {CLIENTS} clients: {took:.1f} s to upload, ", end="")
    print(f"{waited:.1f} s more; lost {len(wanted - found)}, wrong {len(wrong)}")
    assert wrong == []


@pytest.mark.slow
def test_of_a_storm_of_overwrites_the_last_wins(own_folder):
    cloud, settings = build("storm", reliable=True)

    def put(number: int) -> None:
        body = picture(number)
        cloud.s3.put_object(Bucket=settings.source_bucket, Key="one.jpg", Body=body)

    took = at_once(put, range(OVERWRITES))
    last = cloud.s3.get_object(Bucket=settings.source_bucket, Key="one.jpg")
    wanted = number_in(last["Body"].read())

    def is_last() -> bool:
        if thumbnails(cloud, settings) != {"one.jpg"}:
            return False
        return abs(number_in(thumbnail(cloud, settings, "one.jpg")) - wanted) <= 0.5

    waited = until(is_last)
    assert is_last()
    # And stays so, when every event of the storm has been worked off.
    runs: list[int] = []

    def worked_off() -> bool:
        pages = cloud.logs.get_paginator("filter_log_events")
        lines = pages.paginate(logGroupName=settings.log_group)
        said = [event["message"] for page in lines for event in page["events"]]
        runs[:] = [sum('"outcome"' in line for line in said)]
        return runs[0] >= OVERWRITES

    until(worked_off)
    print(f"\n{OVERWRITES} overwrites of one key: {took:.1f} s to upload, ", end="")
    print(f"{waited:.1f} s more to the last; {runs[0]} runs told")
    assert runs[0] >= OVERWRITES and is_last()


@pytest.mark.slow
def test_pictures_that_are_deleted_while_they_wait(own_folder):
    """Every kept picture has a thumbnail; every other a thumbnail or a message.

    No event tells the function of a delete, so a thumbnail may outlive its picture, as
    on AWS. A picture that was gone before it was read is an AccessDenied without
    `s3:ListBucket`, no other than a missing right: its message comes again, and goes to
    the failure queue. With `mirror` the role has that right, nothing is left, and no
    thumbnail is orphaned: `test_deletes_during_processing_leave_no_orphan`.
    """
    cloud, settings = build("gone", queue=True)
    bucket = settings.source_bucket
    gone = {f"gone-{number}.jpg" for number in range(DELETED)}
    kept = {f"kept-{number}.jpg" for number in range(DELETED // 5)}

    def put_and_delete(number: int) -> None:
        key = f"gone-{number}.jpg"
        cloud.s3.put_object(Bucket=bucket, Key=key, Body=picture(number))
        cloud.s3.delete_object(Bucket=bucket, Key=key)
        if number % 5 == 0:
            key = f"kept-{number // 5}.jpg"
            cloud.s3.put_object(Bucket=bucket, Key=key, Body=picture(number))

    def left() -> int:
        queues = (settings.queue_name, settings.failure_queue)
        return sum(_held(cloud, name) for name in queues)

    took = at_once(put_and_delete, range(DELETED))
    waited = until(lambda: kept <= thumbnails(cloud, settings))
    until(lambda: left() + len(thumbnails(cloud, settings)) == len(kept | gone), 20)
    made = thumbnails(cloud, settings)
    outlived = made & gone
    print(f"\n{DELETED} uploads deleted while they waited: {took:.1f} s, ", end="")
    print(f"{waited:.1f} s more; {len(outlived)} thumbnails outlive their picture")
    assert listed(cloud, bucket) == kept
    assert kept <= made <= kept | gone
    assert left() == len(gone - made)
    runs = logs.runs(cloud, settings)
    assert {run.key for run in runs if run.outcome == "failed"} == gone - made
    assert {run.key for run in runs if run.outcome == "made"} == made


def _held(cloud: Cloud, queue_name: str) -> int:
    """How many messages a queue holds, waiting or in work."""
    return queues.held(cloud, cloud.sqs.get_queue_url(QueueName=queue_name)["QueueUrl"])


@pytest.mark.slow
def test_a_poisoned_message_takes_no_neighbour_down(own_folder):
    """Nine pictures and one message that nobody can read, in one batch."""
    cloud, settings = build("poison", queue=True)
    names = [f"{number}.jpg" for number in range(9)]
    names.insert(4, "poison")
    url = cloud.sqs.get_queue_url(QueueName=settings.queue_name)["QueueUrl"]
    # Where no rule matches, only these messages tell of them.
    for name in names:
        where = {"Bucket": settings.source_bucket, "Key": f"{name}.unmatched"}
        cloud.s3.put_object(**where, Body=picture(7))
    bodies = {
        str(number): json.dumps(
            notifications.event(
                settings.source_bucket,
                f"{name}.unmatched",
                region=settings.region,
                etag="",
                size=1,
            )
        )
        for number, name in enumerate(names)
    }
    bodies["4"] = "{ poison"
    entries = [{"Id": name, "MessageBody": body} for name, body in bodies.items()]
    sent = cloud.sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert len(sent["Successful"]) == 10
    until(lambda: len(thumbnails(cloud, settings)) >= 9, 30)
    assert len(thumbnails(cloud, settings)) == 9
    until(lambda: _held(cloud, settings.queue_name) == 1, 10)
    assert _held(cloud, settings.queue_name) == 1  # the poison alone comes again
    (note, *_) = pipeline.down(cloud, settings).notes
    assert note == "1 events went with queue poison-uploads"


@pytest.mark.slow
def test_a_control_call_writes_no_more_when_much_is_stored(own_folder):
    """Bytes, not seconds: a thousand objects, messages and log lines add none."""
    cloud = connect("local", say=quiet)
    cloud.s3.create_bucket(Bucket="stored")
    url = cloud.sqs.create_queue(QueueName="stored")["QueueUrl"]
    cloud.logs.create_log_group(logGroupName="stored")
    cloud.logs.create_log_stream(logGroupName="stored", logStreamName="s")

    def store(numbers: range) -> None:
        def put(number: int) -> None:
            cloud.s3.put_object(Bucket="stored", Key=f"{number:04}", Body=b"x" * 500)
            cloud.sqs.send_message(QueueUrl=url, MessageBody="x" * 500)

        at_once(put, numbers)
        now = int(time.time() * 1000)
        lines = [{"timestamp": now, "message": "x" * 500} for _ in numbers]
        where = {"logGroupName": "stored", "logStreamName": "s"}
        cloud.logs.put_log_events(**where, logEvents=lines)

    store(range(10))
    few = [_written_by(call) for call in _control_calls(cloud, url)]
    store(range(10, 1000))
    many = [_written_by(call) for call in _control_calls(cloud, url)]
    print(f"\nbytes a control call writes: {few} with 10 stored, {many} with 1000")
    for before, after in zip(few, many, strict=True):
        assert 0 < after <= before + 1000  # a counter may have more digits
    server.stop(own_folder)
    server.start(own_folder, say=quiet)
    events = cloud.logs.filter_log_events(logGroupName="stored")["events"]
    pointer = events[-1]["eventId"]
    record = cloud.logs.get_log_record(logRecordPointer=pointer)["logRecord"]
    assert record["@message"] == "x" * 500


def _control_calls(cloud: Cloud, url: str) -> list[Callable[[int], object]]:
    """Calls that change a bucket, a queue and a log group, in place, by a number."""
    change = cloud.sqs.set_queue_attributes
    return [
        lambda number: cloud.s3.put_bucket_tagging(
            Bucket="stored", Tagging={"TagSet": [{"Key": "n", "Value": f"{number}"}]}
        ),
        lambda number: change(
            QueueUrl=url, Attributes={"VisibilityTimeout": f"{number}"}
        ),
        lambda number: cloud.logs.tag_log_group(
            logGroupName="stored", tags={"n": f"{number}"}
        ),
    ]


def _written_by(call: Callable[[int], object], times: int = 5) -> int:
    """The fewest bytes of several calls: what runs regularly writes meanwhile, too."""
    found = server.find()
    assert found
    counts = Path(f"/proc/{found.pid}/io")
    if not counts.exists():
        pytest.skip("only Linux counts what a process writes")

    def written() -> int:
        return int(counts.read_text().split("wchar: ")[1].split()[0])

    def one(number: int) -> int:
        before = written()
        call(number)
        return written() - before

    return min(map(one, range(10, 10 + times)))
