"""What became of each upload: how it ended, its log line, the answer to who asked."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self, get_args

from handler.errors import Gone, ImageRejected, Stale, UploadsFailed
from handler.events import NotAnUpload, Upload, is_batch, is_sqs

Outcome = Literal["failed", "rejected", "stale", "removed", "made", "ignored"]
Size = tuple[int, int]

_GRAVEST_FIRST: tuple[Outcome, ...] = get_args(Outcome)
_TASK_RESULT: dict[Outcome, str] = {
    "made": "Succeeded",
    "stale": "Succeeded",
    "removed": "Succeeded",
    "ignored": "Succeeded",
    "rejected": "PermanentFailure",
    "failed": "TemporaryFailure",
}


@dataclass
class Output:
    """How one output ended; ``bytes`` is what was written, ``ms`` its own time.

    Sizes are (width, height), and only pictures have them.
    """

    name: str = ""
    outcome: Outcome = "made"
    reason: str | None = None
    target: str | None = None
    bytes: int | None = None
    ms: float = 0.0
    error: Exception | None = None
    source_size: Size | None = None
    size: Size | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Make an outcome of whatever is raised within: nothing leaves it."""
        try:
            yield
        except Exception as error:  # its neighbours still have to be tried
            self.error = error
            if isinstance(error, Stale):
                self.outcome, self.reason = "stale", str(error)
            elif isinstance(error, ImageRejected):
                self.outcome, self.reason = "rejected", error.reason
            else:
                self.outcome = "failed"
                self.reason = f"{type(error).__name__}: {error}"
            if self.outcome != "failed":  # what is no fault needs no traceback
                self.error = error.with_traceback(None)  # which holds the picture

    def line(self) -> dict[str, Any]:
        """Return what the log line says of it."""
        fields = ("name", "outcome", "target", "reason", "bytes")
        return {name: getattr(self, name) for name in fields} | {
            "ms": round(self.ms, 1)
        }


@dataclass
class Result:
    """How one upload ended: as the gravest of its outputs did.

    ``outputs`` begin with the thumbnail. Nothing of a failed upload is lost: when it
    is tried again, what stands stays. ``record`` is the reject record's, and decides
    where it could not be written. ``ms`` counts from the upload's turn.
    """

    upload: Upload | None = None
    item_id: str | None = None
    outputs: list[Output] = field(default_factory=lambda: [Output("thumbnail")])
    record: Output | None = None
    source_bytes: int | None = None
    #: Of the bytes that it was made from, unquoted.
    etag: str | None = None
    started: float = field(default_factory=time.perf_counter)
    ms: float = 0.0
    done: str = ""

    @classmethod
    def of(cls, part: NotAnUpload) -> Self:
        """Return the result of a part of an event that has no upload in it."""
        outcome: Outcome = "failed" if part.malformed else "ignored"
        nothing = Output(outcome=outcome, reason=part.reason)
        return cls(item_id=part.item_id, outputs=[nothing]).end()

    def end(self) -> Self:
        """Take the time."""
        self.ms = round((time.perf_counter() - self.started) * 1000, 1)
        self.done = datetime.now(UTC).isoformat(timespec="milliseconds")
        return self

    @property
    def outcome(self) -> Outcome:
        """The gravest outcome there is."""
        found = {output.outcome for output in self._decisive}
        return next(outcome for outcome in _GRAVEST_FIRST if outcome in found)

    @property
    def reason(self) -> str | None:
        """Why it did not end well."""
        return _reasons(self._decisive, self.outcome) or None

    @property
    def rejected(self) -> str:
        """Why it, or a part of it, never can be made; empty where all can."""
        return _reasons(self.outputs, "rejected")

    @property
    def error(self) -> Exception | None:
        """What failed first."""
        return next((o.error for o in self._decisive if o.outcome == "failed"), None)

    @property
    def place(self) -> str:
        """Name bucket and key, or whatever else is known."""
        if self.upload:
            return f"s3://{self.upload.bucket}/{self.upload.key}"
        return f"item {self.item_id}" if self.item_id else "record"

    def line(self, request_id: str | None, cold: bool) -> dict[str, Any]:
        """Return the log line: the same keys whatever happened, and a recipe's."""
        upload, thumbnail = self.upload, self.outputs[0]
        line: dict[str, Any] = {
            "bucket": upload and upload.bucket,
            "key": upload and upload.key,
            "version": upload and upload.version_id,
            "sequencer": upload and upload.sequencer,
            "outcome": self.outcome,
            "reason": self.reason,
            "target": (self.record and self.record.target) or thumbnail.target,
            "source_size": thumbnail.source_size,
            "source_bytes": self.source_bytes,
            "thumbnail_size": thumbnail.size,
            "thumbnail_bytes": thumbnail.bytes,
            "ms": self.ms,
            "cold": cold,
            "request_id": request_id,
            "done": self.done,
        }
        if len(self.outputs) > 1:
            line["outputs"] = [output.line() for output in self.outputs]
        return line

    @property
    def _decisive(self) -> list[Output]:
        record = self.record
        return [record] if record and record.outcome != "made" else self.outputs


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
    told = result.reason or result.outputs[0].target or result.outcome
    # A manifest that names what is not there is wrong, and its report should say so.
    gone = isinstance(result.outputs[0].error, Gone)
    return {
        "taskId": result.item_id,
        "resultCode": "PermanentFailure" if gone else _TASK_RESULT[result.outcome],
        "resultString": f"{result.outcome}: {told}"[:1024],
    }


def _reasons(outputs: Sequence[Output], outcome: Outcome) -> str:
    """Join the reasons of all outputs that ended like this, each once."""
    if outcome == "made":
        return ""
    names: dict[str, list[str]] = {}
    for output in outputs:
        if output.outcome == outcome:
            names.setdefault(output.reason or outcome, []).append(output.name)
    # What is true of the thumbnail needs no name before it: so it was before recipes.
    return "; ".join(
        reason if {"thumbnail", ""} & {*named} else f"{', '.join(named)}: {reason}"
        for reason, named in names.items()
    )
