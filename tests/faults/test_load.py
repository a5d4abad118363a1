"""Proof under load, with figures: many clients, one key again and again, deletes."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from deploy import connect, notifications, pipeline, settings_for
from deploy.cloud import Cloud
from deploy.settings import Settings

CLIENTS = 8
UPLOADS = 1000
OVERWRITES = 100
DELETED = 100
GREYS = 250


def quiet(line: str) -> None:
    pass


def picture(number: int) -> bytes:
    """A picture whose grey tells its number, in a thumbnail, too."""
    file = io.BytesIO()
    grey = number % GREYS
    Image.new("RGB", (320, 240), (grey, grey, grey)).save(file, "JPEG")
    return file.getvalue()


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


def listed(cloud: Cloud, bucket: str, prefix: str = "") -> set[str]:
    pages = cloud.s3.get_paginator("list_objects_v2")
    return {
        item["Key"].removeprefix(prefix)
        for page in pages.paginate(Bucket=bucket, Prefix=prefix)
        for item in page.get("Contents", [])
    }


def thumbnails(cloud: Cloud, settings: Settings) -> set[str]:
    return listed(cloud, settings.target_bucket, settings.thumbnail_prefix)


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
    """Deleted before they are read: no thumbnail. After: it stays, as on AWS.

    No event tells the function of a delete, so a thumbnail that stands may outlive its
    picture; none is made of a picture that was gone, and nothing fails for it.
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

    took = at_once(put_and_delete, range(DELETED))
    waited = until(lambda: kept <= thumbnails(cloud, settings))
    until(lambda: _is_idle(cloud, settings), 20)
    made = thumbnails(cloud, settings)
    outlived = made & gone
    print(f"\n{DELETED} uploads deleted while they waited: {took:.1f} s, ", end="")
    print(f"{waited:.1f} s more; {len(outlived)} thumbnails outlive their picture")
    assert listed(cloud, bucket) == kept
    assert kept <= made and made <= kept | gone


def _is_idle(cloud: Cloud, settings: Settings) -> bool:
    return not _held(cloud, settings)


def _held(cloud: Cloud, settings: Settings) -> int:
    url = cloud.sqs.get_queue_url(QueueName=settings.queue_name)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(count) for count in found["Attributes"].values())


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
    until(lambda: _held(cloud, settings) == 1, 10)
    assert _held(cloud, settings) == 1  # the poison alone comes again
