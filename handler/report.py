"""What became of each upload: one log line each, and the answer to whoever asked."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

from handler.errors import UploadsFailed
from handler.events import NotAnUpload, Upload, is_batch, is_sqs

Outcome = Literal["made", "rejected", "stale", "failed", "ignored"]

_TASK_RESULT = {
    "made": "Succeeded",
    "stale": "Succeeded",
    "ignored": "Succeeded",
    "rejected": "PermanentFailure",
    "failed": "TemporaryFailure",
}


@dataclass
class Result:
    """How one upload ended. Sizes are (width, height); ``ms`` counts from its turn."""

    upload: Upload | None = None
    item_id: str | None = None
    outcome: Outcome = "failed"
    reason: str | None = None
    target: str | None = None
    source_size: tuple[int, int] | None = None
    source_bytes: int | None = None
    thumbnail_size: tuple[int, int] | None = None
    thumbnail_bytes: int | None = None
    error: Exception | None = None
    started: float = field(default_factory=time.perf_counter)
    ms: float = 0.0
    done: str = ""

    @classmethod
    def of(cls, part: NotAnUpload) -> Self:
        """Return the result of a part of an event that has no upload in it."""
        result = cls(item_id=part.item_id)
        result.end("failed" if part.malformed else "ignored", part.reason)
        return result

    def end(self, outcome: Outcome, reason: str | None = None) -> None:
        """Make an outcome final, at this time."""
        self.outcome, self.reason = outcome, reason
        self.ms = round((time.perf_counter() - self.started) * 1000, 1)
        self.done = datetime.now(UTC).isoformat(timespec="milliseconds")

    @property
    def place(self) -> str:
        """Name bucket and key, or whatever else is known."""
        if self.upload:
            return f"s3://{self.upload.bucket}/{self.upload.key}"
        return f"item {self.item_id}" if self.item_id else "record"

    def line(self, request_id: str | None, cold: bool) -> dict[str, Any]:
        """Return the log line, with the same keys whatever happened."""
        upload = self.upload
        return {
            "bucket": upload and upload.bucket,
            "key": upload and upload.key,
            "version": upload and upload.version_id,
            "sequencer": upload and upload.sequencer,
            "outcome": self.outcome,
            "reason": self.reason,
            "target": self.target,
            "source_size": self.source_size,
            "source_bytes": self.source_bytes,
            "thumbnail_size": self.thumbnail_size,
            "thumbnail_bytes": self.thumbnail_bytes,
            "ms": self.ms,
            "cold": cold,
            "request_id": request_id,
            "done": self.done,
        }


def log(line: dict[str, Any]) -> None:
    """Print one line of JSON; all ASCII, so that no key can forge a line of its own."""
    print(json.dumps(line), flush=True)


def reject_record(upload: Upload, etag: str | None, reason: str) -> bytes:
    """Return what is kept of an upload that can never become a thumbnail."""
    record = {
        "bucket": upload.bucket,
        "key": upload.key,
        "version": upload.version_id,
        "sequencer": upload.sequencer,
        "etag": etag,
        "reason": reason,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return json.dumps(record).encode()


def answer(event: Any, results: list[Result]) -> dict[str, Any]:
    """Answer as the event source expects it: SQS by message, Batch by task.

    Every other source retries the whole event, so for those ``UploadsFailed`` is
    raised if any upload failed.
    docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
    """
    failed = [result for result in results if result.outcome == "failed"]
    if is_batch(event):
        return {
            "invocationSchemaVersion": event["invocationSchemaVersion"],
            "treatMissingKeysAs": "PermanentFailure",
            "invocationId": event.get("invocationId"),
            "results": [_task_result(result) for result in results],
        }
    if is_sqs(event):
        # Several uploads may have come in one message; a dict keeps its id once.
        ids = dict.fromkeys(result.item_id for result in failed)
        return {"batchItemFailures": [{"itemIdentifier": name} for name in ids]}
    if failed:
        failures = [(result.place, result.reason or "") for result in failed]
        raise UploadsFailed(failures, len(results)) from failed[0].error
    return {"outcomes": dict(Counter(result.outcome for result in results))}


def _task_result(result: Result) -> dict[str, Any]:
    said = result.reason or result.target or result.outcome
    return {
        "taskId": result.item_id,
        "resultCode": _TASK_RESULT[result.outcome],
        "resultString": f"{result.outcome}: {said}"[:1024],
    }
