"""One upload: where the image is, how each event tells it, where its result goes.

Keys are decoded here, once, and nowhere else.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote_plus

MAX_KEY_BYTES = 1024  # docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html


@dataclass(frozen=True)
class Upload:
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
        thing = record["s3"]["object"]
        return cls(
            bucket=text(record["s3"]["bucket"], "name"),
            key=_decoded(thing, "key"),
            etag=_optional(thing, "eTag"),
            version_id=_optional(thing, "versionId"),
            sequencer=_optional(thing, "sequencer"),
            size=_size(thing),
            source=source,
            item_id=item_id,
        )

    @classmethod
    def from_eventbridge(cls, detail: Any, source: str, item_id: str | None) -> Self:
        """Read the detail of an EventBridge event; its key is not encoded."""
        thing = detail["object"]
        return cls(
            bucket=text(detail["bucket"], "name"),
            key=text(thing, "key"),
            etag=_optional(thing, "etag"),
            version_id=_optional(thing, "version-id"),
            sequencer=_optional(thing, "sequencer"),
            size=_size(thing),
            source=source,
            item_id=item_id,
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
            key=_decoded(task, "s3Key"),
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


def _decoded(holder: Any, name: str) -> str:
    return unquote_plus(text(holder, name), errors="strict")
