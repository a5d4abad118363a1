"""What came in: every kind of event that can carry an S3 upload becomes ``Upload``s."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from handler.uploads import Upload as Upload
from handler.uploads import target_key as target_key
from handler.uploads import text


@dataclass(frozen=True)
class NotAnUpload:
    """A part of an event with nothing to do (ignored), or that cannot be read."""

    reason: str
    malformed: bool = False
    item_id: str | None = None


Entry = Upload | NotAnUpload

# What reading somebody else's JSON can raise; a deep "[[[[" is a RecursionError.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, RecursionError)


def is_batch(event: Any) -> bool:
    """Tell whether S3 Batch Operations asks, which wants a result for each task."""
    return isinstance(event, dict) and "invocationSchemaVersion" in event


def is_sqs(event: Any) -> bool:
    """Tell whether SQS asks, which wants to hear which messages failed."""
    records = event.get("Records") if isinstance(event, dict) else None
    first = records[0] if isinstance(records, list) and records else None
    return isinstance(first, dict) and first.get("eventSource") == "aws:sqs"


def parse(event: Any) -> list[Entry]:
    """Return the uploads in an event, and what else was in it. Never raises.

    Reads S3 (AmazonS3/latest/userguide/notification-content-structure.html), S3 inside
    SQS, SNS or both, EventBridge (…/userguide/ev-events.html), and S3 Batch Operations
    (…/userguide/batch-ops-invoke-lambda.html), all on docs.aws.amazon.com.
    """
    return list(_guarded(_walk, event, "s3", None))


def _guarded(
    read: Callable[..., Iterator[Entry]], part: Any, source: str, item_id: str | None
) -> Iterator[Entry]:
    """Read one part of an event; a malformed one must not lose its neighbours."""
    try:
        yield from read(part, source, item_id)
    except _MALFORMED as error:
        reason = f"malformed {source} record: {type(error).__name__}: {error}"
        yield NotAnUpload(reason, malformed=True, item_id=item_id)


def _walk(event: Any, source: str, item_id: str | None) -> Iterator[Entry]:
    if not isinstance(event, dict):
        yield NotAnUpload("not an event: no JSON object", item_id=item_id)
    elif is_batch(event):
        for task in event["tasks"]:
            task_id = task.get("taskId") if isinstance(task, dict) else None
            yield from _guarded(_task, task, "batch", task_id)
    elif event.get("Event") == "s3:TestEvent":
        yield NotAnUpload("s3:TestEvent", item_id=item_id)
    elif event.get("source") == "aws.s3":
        yield _eventbridge(event, source, item_id)
    elif event.get("Type") == "Notification":  # SNS inside SQS
        yield from _walk(json.loads(event["Message"]), source, item_id)
    elif event.get("Records"):
        for record in event["Records"]:
            yield from _guarded(_record, record, source, item_id)
    else:
        yield NotAnUpload("no Records", item_id=item_id)


def _record(record: Any, source: str, item_id: str | None) -> Iterator[Entry]:
    kind = record.get("eventSource") or record.get("EventSource")
    if kind == "aws:s3":
        yield _upload(record, source, item_id)
    elif kind == "aws:sqs":
        message_id = text(record, "messageId")
        # Guarded again: a body that is no JSON has to be answered by its own id.
        yield from _guarded(_message, record["body"], "sqs", message_id)
    elif kind == "aws:sns":
        yield from _message(record["Sns"]["Message"], "sns", item_id)
    else:
        yield NotAnUpload(f"unknown event source {kind!r}", item_id=item_id)


def _message(body: str, source: str, item_id: str | None) -> Iterator[Entry]:
    yield from _walk(json.loads(body), source, item_id)


def _upload(record: Any, source: str, item_id: str | None) -> Entry:
    name = text(record, "eventName")
    if not name.startswith("ObjectCreated:"):
        return NotAnUpload(f"{name} is no upload", item_id=item_id)
    return Upload.from_s3(record, source, item_id)


def _eventbridge(event: Any, source: str, item_id: str | None) -> Entry:
    name = text(event, "detail-type")
    if name != "Object Created":
        return NotAnUpload(f"{name} is no upload", item_id=item_id)
    source = "eventbridge" if source == "s3" else source
    return Upload.from_eventbridge(event["detail"], source, item_id)


def _task(task: Any, source: str, item_id: str | None) -> Iterator[Entry]:
    yield Upload.from_task(task, source, item_id)
