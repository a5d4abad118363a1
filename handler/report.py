"""What became of each upload: one log line each, and the answer to whoever asked."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from handler.errors import UploadsFailed
from handler.events import Upload, is_batch, is_sqs
from handler.result import Result

_TASK_RESULT = {
    "made": "Succeeded",
    "stale": "Succeeded",
    "ignored": "Succeeded",
    "rejected": "PermanentFailure",
    "failed": "TemporaryFailure",
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
