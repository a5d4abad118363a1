"""What came in: every kind of event that can carry an S3 upload becomes ``Upload``s.

Keys are decoded here, once, and nowhere else; what a result is called follows from
them (``target_key``).
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self
from urllib.parse import unquote_plus

MAX_KEY_BYTES = 1024  # docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html


class Upload(NamedTuple):
    """One image to make a thumbnail of. ``size`` is in bytes, as the event has it.

    ``item_id`` is what an SQS message or an S3 Batch Operations task is answered by.
    """

    bucket: str
    key: str
    etag: str | None = None
    version_id: str | None = None
    sequencer: str | None = None
    size: int | None = None
    source: str = "s3"
    item_id: str | None = None

    @classmethod
    def from_s3(cls, record: Any, source: str, item_id: str | None) -> Self:
        """Read a record of an S3 event; its key is form-encoded."""
        key = decoded_key(record["s3"]["object"], "key")
        return cls._told(record["s3"], key, "eTag", "versionId", source, item_id)

    @classmethod
    def from_eventbridge(cls, detail: Any, source: str, item_id: str | None) -> Self:
        """Read the detail of an EventBridge event; its key is not encoded."""
        key = text(detail["object"], "key")
        return cls._told(detail, key, "etag", "version-id", source, item_id)

    @classmethod
    def _told(
        cls, told: Any, key: str, etag: str, version: str, source: str, item: str | None
    ) -> Self:
        """Read what S3 and EventBridge both tell, and name otherwise."""
        s3_object = told["object"]
        return cls(
            bucket=text(told["bucket"], "name"),
            key=key,
            etag=_optional(s3_object, etag),
            version_id=_optional(s3_object, version),
            sequencer=_optional(s3_object, "sequencer"),
            size=_size(s3_object),
            source=source,
            item_id=item,
        )

    @classmethod
    def from_task(cls, task: Any, source: str, item_id: str | None) -> Self:
        """Read a task of S3 Batch Operations; its key is URL-encoded.

        Schema 1.0 names the bucket by ARN, 2.0 by name.
        """
        named = "s3Bucket" in task
        arn = "" if named else text(task, "s3BucketArn")
        return cls(
            bucket=text(task, "s3Bucket") if named else arn.rpartition(":::")[2],
            key=decoded_key(task, "s3Key"),
            version_id=_optional(task, "s3VersionId"),
            source=source,
            item_id=item_id,
        )


def target_key(upload_key: str, prefix: str, suffix: str = "") -> str:
    """Return the key that the result for an upload's key goes to, always the same.

    The whole key is kept, so that a.jpg and a.png do not collide. One of over
    1,024 bytes is cut at a character, and ends in a hash of the whole.
    """
    key = f"{prefix}{upload_key}{suffix}"
    if len(key.encode()) <= MAX_KEY_BYTES:
        return key
    suffix = f"~{hashlib.sha256(upload_key.encode()).hexdigest()[:32]}{suffix}"
    room = MAX_KEY_BYTES - len(suffix.encode())
    return f"{prefix}{upload_key}".encode()[:room].decode(errors="ignore") + suffix


class NotAnUpload(NamedTuple):
    """A part of an event with nothing to do (ignored), or that cannot be read.

    ``removed`` is what was deleted, for a function that mirrors deletions.
    """

    reason: str
    malformed: bool = False
    item_id: str | None = None
    removed: Upload | None = None


Entry = Upload | NotAnUpload

# What reading somebody else's JSON can raise: a deep "[[[[" is a RecursionError, a size
# of Infinity an OverflowError.
_MALFORMED: tuple[type[Exception], ...] = (KeyError, TypeError, ValueError)
_MALFORMED += (AttributeError, RecursionError, OverflowError)


def is_batch(event: Any) -> bool:
    """Tell whether S3 Batch Operations asks, which wants a result for each task."""
    return isinstance(event, dict) and "invocationSchemaVersion" in event


def is_sqs(event: Any) -> bool:
    """Tell whether SQS asks, which wants to hear which messages failed.

    EventBridge Pipes hands the same messages as a bare list.
    """
    records = event.get("Records") if isinstance(event, dict) else event
    first = records[0] if isinstance(records, list) and records else None
    return isinstance(first, dict) and first.get("eventSource") == "aws:sqs"


def parse(event: Any) -> list[Entry]:
    """Return the uploads in an event, and what else was in it. Never raises.

    Reads S3 (AmazonS3/latest/userguide/notification-content-structure.html), S3 inside
    SQS, SNS or both, EventBridge (…/userguide/ev-events.html) and its Pipes
    (eventbridge/latest/userguide/eb-pipes.html), S3 Batch Operations
    (…/userguide/batch-ops-invoke-lambda.html), and Lambda's record of a failed event
    (lambda/latest/dg/invocation-async-retain-records.html), all on docs.aws.amazon.com.

    A queue deletes what is answered with success, so what is not understood in a
    message of SQS or Pipes is malformed; from elsewhere it is ignored.
    """
    return list(_guarded(_walk, event, "s3", None))


#: Sources that delete what the function answers with success.
_QUEUES = ("sqs", "pipes")
#: S3's names of what makes a picture anew, and of what takes it away.
_UPLOADS = ("ObjectCreated:", "ObjectRestore:Completed")
_REMOVALS = ("ObjectRemoved:", "LifecycleExpiration:")
#: EventBridge's.
_CREATED = ("Object Created", "Object Restore Completed")
_DELETED = "Object Deleted"


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
    if isinstance(event, list) and event:
        yield from _records(event, "pipes" if source == "s3" else source, item_id)
    elif not isinstance(event, dict):
        yield _unknown("not an event: no JSON object", source, item_id)
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
    elif "requestPayload" in event:  # Lambda's record of a failed event
        yield from _walk(event["requestPayload"], source, item_id)
    elif event.get("Records"):
        yield from _records(event["Records"], source, item_id)
    else:
        yield _unknown("no Records", source, item_id)


def _records(records: Any, source: str, item_id: str | None) -> Iterator[Entry]:
    for record in records:
        yield from _guarded(_record, record, source, item_id)


def _record(record: Any, source: str, item_id: str | None) -> Iterator[Entry]:
    kind = record.get("eventSource") or record.get("EventSource")
    if kind == "aws:s3":
        yield _upload(record, source, item_id)
    elif kind == "aws:sqs":
        message_id = text(record, "messageId")
        # Guarded again: a body that is no JSON has to be answered by its own id.
        yield from _guarded(_message, record["body"], "sqs", message_id)
    elif kind == "aws:sns":
        inside = source if source in _QUEUES else "sns"
        yield from _message(record["Sns"]["Message"], inside, item_id)
    elif kind is None and source in _QUEUES:  # of Pipes: the event itself
        yield from _walk(record, source, item_id)
    else:
        yield _unknown(f"unknown event source {kind!r}", source, item_id)


def _message(body: str, source: str, item_id: str | None) -> Iterator[Entry]:
    yield from _walk(json.loads(body), source, item_id)


def _unknown(reason: str, source: str, item_id: str | None) -> NotAnUpload:
    return NotAnUpload(reason, malformed=source in _QUEUES, item_id=item_id)


def _upload(record: Any, source: str, item_id: str | None) -> Entry:
    name = text(record, "eventName").removeprefix("s3:")
    if name.startswith(_UPLOADS):
        return Upload.from_s3(record, source, item_id)
    removed = None
    if name.startswith(_REMOVALS):
        removed = Upload.from_s3(record, source, item_id)
    return NotAnUpload(f"{name} is no upload", item_id=item_id, removed=removed)


def _eventbridge(event: Any, source: str, item_id: str | None) -> Entry:
    name = text(event, "detail-type")
    source = "eventbridge" if source == "s3" else source
    if name in _CREATED:
        return Upload.from_eventbridge(event["detail"], source, item_id)
    removed = None
    if name == _DELETED:
        removed = Upload.from_eventbridge(event["detail"], source, item_id)
    return NotAnUpload(f"{name} is no upload", item_id=item_id, removed=removed)


def _task(task: Any, source: str, item_id: str | None) -> Iterator[Entry]:
    yield Upload.from_task(task, source, item_id)


def text(holder: Any, name: str) -> str:
    """Return a member that has to be a text, or raise ``TypeError``."""
    value = holder[name]
    if not (isinstance(value, str) and value):
        raise TypeError(f"{name} is {value!r}, not a text")
    return value


def _optional(holder: Any, name: str) -> str | None:
    return text(holder, name).strip('"') if holder.get(name) else None


def _size(holder: Any) -> int | None:
    return int(holder["size"]) if "size" in holder else None


def decoded_key(holder: Any, name: str) -> str:
    """Return a member that is a key in form encoding, decoded.

    The course's lab "raw key" puts its own in this place.
    """
    return unquote_plus(text(holder, name), errors="strict")
