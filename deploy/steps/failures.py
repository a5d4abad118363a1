"""Failed events, kept (`reliable=True`).

S3 invokes the function asynchronously: Lambda tries three times, then drops the event,
unless an on-failure destination keeps it. Ours is an SQS queue, and `replay` sends its
events again once the cause is mended. Events of a stopped function, whose concurrency
is 0, come there at once, untried.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deploy import queues
from deploy.cloud import Cloud
from deploy.report import Claim, Drift, Found, claimed, left_alone
from deploy.settings import Settings
from deploy.waiting import NO_RESOURCE, already, if_there, retry

RETRIES = 2
KEPT_DAYS = 14

#: The condition of a record whose event was not tried: the function was stopped.
STOPPED = "ZeroReservedConcurrency"


@dataclass(frozen=True, kw_only=True)
class Failures(Found):
    """The queue of failed events, and how Lambda is told of it."""

    config: dict[str, Any] | None


def event_invoke_config(settings: Settings) -> dict[str, Any]:
    """Write how Lambda treats an event that fails: two more tries, then the queue."""
    return {
        "MaximumRetryAttempts": RETRIES,
        "DestinationConfig": {"OnFailure": {"Destination": settings.failure_queue_arn}},
    }


def queue_attributes() -> dict[str, str]:
    """Write the queue's attributes: events are kept as long as SQS can."""
    return {"MessageRetentionPeriod": str(KEPT_DAYS * 24 * 60 * 60)}


def create(cloud: Cloud, settings: Settings) -> str | None:
    """Make the queue and send failed events there; return the queue's ARN.

    `queue=True` needs the queue alone, for messages that failed too often. With neither
    option it takes away what they made, and returns None; a queue that still holds
    events stays, and is named by `describe`.

    Raises:
        ForeignResourceError: a queue of that name is not ours.
    """
    if not settings.reliable:
        _remove_destination(cloud, settings)
    if not settings.keeps_failures:
        # As long as there is a queue of uploads, its failures come here.
        if queues.own(cloud, settings, settings.queue_name) is None:
            _remove(cloud, settings, discard=False)
        return None
    queues.ensure(cloud, settings, settings.failure_queue, queue_attributes())
    if not settings.reliable:
        return settings.failure_queue_arn
    if _config(cloud, settings) != event_invoke_config(settings):
        # Lambda checks the role's right to send, and IAM may not have told it yet.
        retry(
            lambda: cloud.awslambda.put_function_event_invoke_config(
                FunctionName=settings.function_name, **event_invoke_config(settings)
            ),
            message="does not have permissions to call SendMessage",
        )
    return settings.failure_queue_arn


def describe(cloud: Cloud, settings: Settings) -> Failures | None:
    """Describe queue and destination, and where they differ; None for neither.

    Raises:
        ForeignResourceError: a queue of that name is not ours.
    """
    url = queues.find(cloud, settings, settings.failure_queue)
    config = _config(cloud, settings)
    if url is None and config is None:
        return None
    should_be = settings.failure_queue if settings.keeps_failures else None
    wanted = event_invoke_config(settings) if settings.reliable else None
    drift: Drift = {}
    if (url is None) == settings.keeps_failures:
        drift["queue"] = (url and settings.failure_queue, should_be)
    elif url and (changed := queues.differences(cloud, url, queue_attributes())):
        drift["retention"] = changed
    if config != wanted:
        drift["destination"] = (config, wanted)
    events = queues.held(cloud, url) if url else 0
    return Failures(
        arn=settings.failure_queue_arn if url else None,
        events=events,
        says=f"{events} events wait" if events else "",
        config=config,
        drift=drift,
    )


def claims(cloud: Cloud, settings: Settings) -> list[Claim]:
    """Say whether the queue stands, and whose it is."""
    return claimed(
        f"queue {settings.failure_queue}",
        lambda: queues.find(cloud, settings, settings.failure_queue),
    )


def delete(cloud: Cloud, settings: Settings) -> list[str]:
    """Delete queue and destination; say what was left, or what went with them."""
    return _remove(cloud, settings, discard=True)


def in_words(record: dict[str, Any]) -> str:
    """Say in one line which upload failed, and why."""
    payload = payload_of(record) or {}
    uploads = [
        f"{part['s3']['bucket']['name']}/{part['s3']['object']['key']}"
        for part in payload.get("Records", [])
        if "s3" in part
    ]
    if payload is record:  # a message of the queue's has no room for a cause
        return f"{', '.join(uploads) or 'an event without uploads'}: tried too often"
    cause = (record.get("responsePayload") or {}).get("errorMessage", "")
    cause = cause or record.get("requestContext", {}).get("condition", "unknown cause")
    if cause == STOPPED:
        cause = "not tried, the function was stopped"
    return f"{', '.join(uploads) or 'an event without uploads'}: {cause}"


def was_stopped(record: dict[str, Any]) -> bool:
    """Tell whether an event was not tried, because the function was stopped."""
    return record.get("requestContext", {}).get("condition") == STOPPED


def payload_of(record: dict[str, Any]) -> dict[str, Any] | None:
    """Get the event out of Lambda's record of a failure, or of the queue's message."""
    payload = record if "Records" in record else record.get("requestPayload")
    return {"Records": payload} if isinstance(payload, list) else payload  # of Pipes


def _config(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    """Get the function's event invoke configuration, as far as we write it."""
    get_config = cloud.awslambda.get_function_event_invoke_config
    answer = if_there(get_config, NO_RESOURCE, FunctionName=settings.function_name)
    if answer is None:
        return None
    failure = answer.get("DestinationConfig", {}).get("OnFailure", {})
    return {
        "MaximumRetryAttempts": answer.get("MaximumRetryAttempts"),
        "DestinationConfig": {"OnFailure": failure},
    }


def _remove(cloud: Cloud, settings: Settings, *, discard: bool) -> list[str]:
    """Remove destination and queue; a queue that holds events only if told to."""
    _remove_destination(cloud, settings)
    url = queues.own(cloud, settings, settings.failure_queue)
    if url is None:
        return left_alone(claims(cloud, settings))
    if not discard and (events := queues.held(cloud, url)):
        return [f"queue {settings.failure_queue} was kept: it holds {events} events"]
    if events := queues.delete(cloud, url):
        return [f"{events} failed events went with queue {settings.failure_queue}"]
    return []


def _remove_destination(cloud: Cloud, settings: Settings) -> None:
    wanted = event_invoke_config(settings)
    if _config(cloud, settings) == wanted:  # another one is not ours
        with already(NO_RESOURCE):
            cloud.awslambda.delete_function_event_invoke_config(
                FunctionName=settings.function_name
            )
