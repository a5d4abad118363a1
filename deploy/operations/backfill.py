"""Thumbnails for pictures that were there before the trigger, or were lost.

Compares the two buckets, and tells the function of every picture whose thumbnail is
missing or older than the picture: through the queue (`queue=True`), or by asynchronous
invocations at a bounded pace. What is told looks like S3's own event, without the
sequencer, which only S3 can give. To run it again finds only what is still missing.

Both listings are held in memory, about 300 bytes a key. For many millions there is
S3 Batch Operations (`deploy.operations.batch`).
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tqdm.auto import tqdm

from deploy import notifications, recipes
from deploy.cloud import Cloud
from deploy.configure import resolved
from deploy.errors import DeployError, NotReadyError
from deploy.explained import STATUS, explained
from deploy.settings import Settings
from deploy.steps import buckets, queue
from deploy.waiting import NO_OBJECT, if_there
from handler.events import target_key
from handler.storage import ARCHIVED, MADE_FROM, is_made_from

#: What one call of SendMessageBatch takes.
MESSAGES_A_CALL = 10
#: Asynchronous invocations a second, well below what Lambda takes of a new account.
INVOCATIONS_PER_S = 50
_LOOKS_AT_ONCE = 16
# Classes whose objects may have to be restored before they can be read.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
_TIERED = "INTELLIGENT_TIERING"
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE", _TIERED)


@dataclass(frozen=True)
class Picture:
    """One object of the source bucket, as a listing gives it; `etag` is unquoted."""

    key: str
    etag: str
    size: int
    modified: datetime
    storage_class: str = ""


@dataclass(frozen=True)
class Report:
    """What a backfill did.

    Attributes:
        pictures: how many the source holds that the rules would match.
        missing: the keys that it told the function of.
        orphans: the keys of results whose picture is gone.
        pruned: whether these were deleted.
        seconds: from the comparison to the end of the telling.
    """

    pictures: int
    missing: tuple[str, ...]
    seconds: float
    orphans: tuple[str, ...] = ()
    pruned: bool = False

    def __str__(self) -> str:
        """Say it in one line, and in another what is of no picture any more."""
        said = (
            f"{len(self.missing)} of {self.pictures} pictures had no thumbnail, or an "
            f"older one; the function was told of them in {self.seconds:.1f} s."
        )
        if not self.orphans:
            return said
        end = "were deleted" if self.pruned else "stay: --prune deletes them"
        return f"{said}\n{of_no_picture(self.orphans)}; they {end}."


def of_no_picture(orphans: Sequence[str]) -> str:
    """Say how many results have no picture any more, and name the first."""
    named = ", ".join(orphans[:3]) + (", …" if len(orphans) > 3 else "")
    plural = "s have" if len(orphans) > 1 else " has"
    return f"{len(orphans)} result{plural} no picture any more ({named})"


def backfill(
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    per_second: float = INVOCATIONS_PER_S,
    patience_s: float = 3600,
    prune: Callable[[tuple[str, ...]], bool] | None = None,
    **overrides: Any,
) -> Report:
    """Tell the function of every picture whose thumbnail is missing or out of date.

    With a queue it first waits until the queue is empty: what waits there is not
    missing, and would be made twice.

    Args:
        per_second: how many invocations a second, without a queue.
        patience_s: how long to wait for the queue to empty.
        prune: is given the keys of thumbnails and reject records whose picture is
            gone, and says whether they are deleted; left out, they stay.

    Raises:
        DeployError: there is no bucket or queue, or a call or message was refused.
        NotReadyError: the queue did not empty in time.
    """
    cloud, settings = resolved(cloud, settings, overrides)
    with explained("backfill", STATUS):
        report = _backfilled(cloud, settings, per_second, patience_s)
        if prune and report.orphans and prune(report.orphans):
            for key in report.orphans:
                cloud.s3.delete_object(Bucket=settings.target_bucket, Key=key)
            report = dataclasses.replace(report, pruned=True)
        return report


def _backfilled(
    cloud: Cloud, settings: Settings, per_second: float, patience_s: float
) -> Report:
    url = queue.require(cloud, settings) if settings.queue else None
    if url:
        _wait_for_queue(cloud, settings, url, patience_s)
    started = time.monotonic()
    # Before the pictures: what is made meanwhile is of one that is listed.
    stood = _results(cloud, settings)
    every = list(pictures(cloud, settings))
    absent = missing(cloud, settings, every)
    total, unit = len(absent), "picture"
    with tqdm(None, "Sending", total, leave=False, unit=unit, disable=None) as bar:
        told = (
            _send(cloud, settings, url, absent)
            if url
            else _invoke(cloud, settings, absent, per_second)
        )
        for count in told:
            bar.update(count)
    keys = tuple(picture.key for picture in absent)
    seconds = time.monotonic() - started
    return Report(len(every), keys, seconds, orphans(cloud, settings, stood))


def pictures(cloud: Cloud, settings: Settings) -> Iterator[Picture]:
    """List the source bucket's objects that the notification rules would match."""
    for item in buckets.objects(cloud, settings.source_bucket):
        if item["Key"].endswith(settings.suffixes):
            yield Picture(
                item["Key"],
                item["ETag"].strip('"'),
                item["Size"],
                item["LastModified"],
                item.get("StorageClass", ""),
            )


def missing(
    cloud: Cloud, settings: Settings, every: Iterable[Picture]
) -> list[Picture]:
    """Choose the pictures that have no result, or one made from other bytes.

    The listings decide nearly all. A result that was written soon after the picture may
    still be of an earlier one, whose run was under way: its metadata says which, and
    only these are looked at one by one.
    """
    results = _results(cloud, settings)
    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
        found = pool.map(
            lambda one: (one, _has_result(cloud, settings, one, results)), every
        )
        return [picture for picture, done in found if not done]


def orphans(cloud: Cloud, settings: Settings, stood: Iterable[str]) -> tuple[str, ...]:
    """Choose of results those that we made, and whose picture is gone.

    Args:
        cloud: where the pipeline stands.
        settings: which pipeline.
        stood: keys of the target, as they were before this is called.
    """
    folders = recipes.public_folders(settings)
    of_pictures = {
        target
        for item in buckets.objects(cloud, settings.source_bucket)
        for target in (
            *(target_key(item["Key"], folder) for folder in folders),
            target_key(item["Key"], settings.reject_prefix, ".json"),
        )
    }
    doubtful = [key for key in stood if key not in of_pictures]
    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
        made = pool.map(lambda key: _is_made(cloud, settings, key), doubtful)
        return tuple(key for key, ours in zip(doubtful, made, strict=True) if ours)


def _is_made(cloud: Cloud, settings: Settings, key: str) -> bool:
    """Tell a result from what somebody else put beside it: it says what it is of."""
    where = {"Bucket": settings.target_bucket, "Key": key}
    found = if_there(cloud.s3.head_object, *NO_OBJECT, **where)
    return found is not None and bool(MADE_FROM & found["Metadata"].keys())


def _results(cloud: Cloud, settings: Settings) -> dict[str, datetime]:
    """List thumbnails, renditions and reject records, and when each was written."""
    folders = [*recipes.public_folders(settings), settings.reject_prefix]
    return {
        item["Key"]: item["LastModified"]
        for folder in folders
        for item in buckets.objects(cloud, settings.target_bucket, folder)
    }


def event(settings: Settings, picture: Picture) -> dict[str, Any]:
    """Write S3's event for a picture, as far as it can be known afterwards."""
    return notifications.event(
        settings.source_bucket,
        picture.key,
        region=settings.region,
        etag=picture.etag,
        size=picture.size,
    )


def _has_result(
    cloud: Cloud, settings: Settings, picture: Picture, results: dict[str, datetime]
) -> bool:
    """Tell whether a thumbnail or a reject record of these very bytes stands."""
    targets = (
        target_key(picture.key, settings.thumbnail_prefix),
        target_key(picture.key, settings.reject_prefix, ".json"),
    )
    # A run reads the picture before it ends: beyond this no older one can write.
    certain = picture.modified + timedelta(seconds=settings.timeout_s + 1)
    for target in targets:
        written = results.get(target)
        if written is None or written < picture.modified:
            continue
        if written > certain or _is_of(cloud, settings, target, picture):
            return not _came_back(cloud, settings, target, picture)
    return False


def _came_back(cloud: Cloud, settings: Settings, target: str, picture: Picture) -> bool:
    """Tell whether it was rejected for being archived, and was restored since."""
    rejected = target.startswith(settings.reject_prefix)
    if not rejected or picture.storage_class not in _ARCHIVES:
        return False
    source = {"Bucket": settings.source_bucket, "Key": picture.key}
    found = if_there(cloud.s3.head_object, *NO_OBJECT, **source) or {}
    if picture.storage_class == _TIERED:
        readable = bool(found) and "ArchiveStatus" not in found
    else:
        readable = notifications.IS_RESTORED in found.get("Restore", "")
    if not readable:
        return False
    record = cloud.s3.get_object(Bucket=settings.target_bucket, Key=target)["Body"]
    return ARCHIVED in record.read().decode("utf-8", "replace")


def _is_of(cloud: Cloud, settings: Settings, target: str, picture: Picture) -> bool:
    """Read whether a result was made from these very bytes."""
    found = cloud.s3.head_object(Bucket=settings.target_bucket, Key=target)["Metadata"]
    return is_made_from(found, settings.source_bucket, picture.key, picture.etag)


def _wait_for_queue(
    cloud: Cloud, settings: Settings, url: str, patience_s: float
) -> None:
    if not queue.wait_until_empty(cloud, url, quiet_s=0, timeout_s=patience_s):
        raise NotReadyError(
            f"{queue.held(cloud, url)} uploads still wait in it after {patience_s:g} s",
            where=f"queue {settings.queue_name}",
            todo="Run it again later; `python -m deploy status` shows the queue.",
        )


def _send(
    cloud: Cloud, settings: Settings, url: str, absent: list[Picture]
) -> Iterator[int]:
    """Send one message a picture, ten a call; yield how many went."""
    for first in range(0, len(absent), MESSAGES_A_CALL):
        batch = absent[first : first + MESSAGES_A_CALL]
        answer = cloud.sqs.send_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(n), "MessageBody": json.dumps(event(settings, picture))}
                for n, picture in enumerate(batch)
            ],
        )
        if failed := answer.get("Failed"):
            raise DeployError(
                f"SQS refused {len(failed)} messages ({failed[0].get('Message')})",
                where=f"queue {settings.queue_name}",
                todo="Run it again: it finds what is still missing.",
            )
        yield len(batch)


def _invoke(
    cloud: Cloud, settings: Settings, absent: list[Picture], per_second: float
) -> Iterator[int]:
    """Invoke once a picture without waiting for the result, no faster than told."""
    started = time.monotonic()
    for number, picture in enumerate(absent):
        time.sleep(max(0.0, started + number / per_second - time.monotonic()))
        cloud.awslambda.invoke(
            FunctionName=settings.function_name,
            InvocationType="Event",
            Payload=json.dumps(event(settings, picture)).encode(),
        )
        yield 1
