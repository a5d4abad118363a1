"""The queue between bucket and function (`queue=True`): S3 → SQS → Lambda.

A burst waits in the queue, and an event source mapping takes it out in batches, with a
cap on how many run at once. A message that fails comes back after the visibility
timeout; one that failed often enough goes to the queue of failed events.

Switching on: queue and mapping stand before the bucket's rules name them, and the rules
change in one call, so no upload has two ways or none. Switching off: the rules name the
function first, then the queue is worked off, and only once that change must hold does
the queue go: until then S3 may still send to it.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deploy import notifications, queues
from deploy.cloud import Cloud
from deploy.errors import DeployError
from deploy.policies import document, statement
from deploy.queues import held as held
from deploy.report import Claim, Drift, Found, claimed, left_alone
from deploy.settings import Settings
from deploy.steps import failures, role, trigger
from deploy.waiting import DELAYS, NO_RESOURCE, already, if_there, looks, retry, until

#: AWS asks for at least six times the function's timeout.
#: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_FACTOR = 6
#: How often a message is tried before it is a failed event; AWS asks for five or more.
TRIES = 5
#: How long an unread message is kept; less than failed events are.
KEPT_DAYS = 4
#: SQS counts right about a minute after the last message was sent, and not before.
#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
QUIET_S = 60.0
#: The local cloud counts right at once.
QUIET_HERE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Queue(Found):
    """The queue of uploads, and the event source mapping that empties it."""

    mapping: dict[str, Any] | None


def queue_policy(settings: Settings) -> dict[str, Any]:
    """Write who may send: S3, for this bucket of this account."""
    source = settings.arns.bucket(settings.source_bucket)
    may_send = statement(
        "sqs:SendMessage",
        settings.queue_arn,
        sid="SourceBucketMaySend",
        principal={"Service": notifications.SERVICE},
        condition={
            "ArnEquals": {"aws:SourceArn": source},
            "StringEquals": {"aws:SourceAccount": settings.account},
        },
    )
    return document(may_send)


def queue_attributes(settings: Settings) -> dict[str, str]:
    """Write the queue's attributes: who may send, how long, how often, and then."""
    redrive = {
        "deadLetterTargetArn": settings.failure_queue_arn,
        "maxReceiveCount": TRIES,
    }
    return {
        "Policy": json.dumps(queue_policy(settings)),
        "VisibilityTimeout": str(VISIBILITY_FACTOR * settings.timeout_s),
        "MessageRetentionPeriod": str(KEPT_DAYS * 24 * 60 * 60),
        "RedrivePolicy": json.dumps(redrive),
    }


def mapping(settings: Settings) -> dict[str, Any]:
    """Write how Lambda empties the queue: batches, a cap, and an answer a message."""
    return {
        "BatchSize": settings.batch_size,
        "ScalingConfig": {"MaximumConcurrency": settings.max_concurrency},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }


def create(cloud: Cloud, settings: Settings) -> str | None:
    """Make queue and mapping, or mend them; return the queue's ARN.

    With `queue=False` it takes away what `queue=True` made, and returns None: it turns
    the bucket's rules back to the function, waits for the queue to be worked off, and
    leaves it standing if that takes too long.

    Raises:
        ForeignResourceError: a queue of that name is not ours.
        NotReadyError: Lambda did not enable the mapping within the bounded wait.
    """
    if not settings.queue:
        _retire(cloud, settings)
        return None
    queues.ensure(cloud, settings, settings.queue_name, queue_attributes(settings))
    _ensure_mapping(cloud, settings)
    until(
        lambda: (_mapping(cloud, settings) or {}).get("State") == "Enabled",
        what="the enabled event source mapping",
        where=f"function {settings.function_name}",
    )
    return settings.queue_arn


def describe(cloud: Cloud, settings: Settings) -> Queue | None:
    """Describe queue and mapping, and where they differ; None for neither.

    Raises:
        ForeignResourceError: a queue of that name is not ours.
    """
    url = queues.find(cloud, settings, settings.queue_name)
    found = _mapping(cloud, settings)
    if url is None and found is None:
        return None
    drift: Drift = {}
    if (url is None) == settings.queue:
        should = settings.queue_name if settings.queue else None
        drift["queue"] = (url and settings.queue_name, should)
    elif url and (
        changed := queues.differences(cloud, url, queue_attributes(settings))
    ):
        drift["queue attributes"] = changed
    wanted = mapping(settings) if settings.queue else None
    if (found and _meaning(found)) != wanted or (wanted and _is_off(found)):
        drift["mapping"] = (found, wanted)
    return Queue(
        arn=settings.queue_arn if url else None,
        events=held(cloud, url) if url else 0,
        mapping=found,
        drift=drift,
    )


def claims(cloud: Cloud, settings: Settings) -> list[Claim]:
    """Say whether queue and mapping stand; the mapping is whose the queue is."""
    name = f"queue {settings.queue_name}"
    found = claimed(name, lambda: queues.find(cloud, settings, settings.queue_name))
    if _mapping(cloud, settings) is not None:
        kept = found[0].kept if found else ""
        found.append(Claim(f"event source mapping of {name}", kept))
    return found


def delete(cloud: Cloud, settings: Settings) -> list[str]:
    """Delete mapping and queue at once; say what was left, or what went with them."""
    stands = claims(cloud, settings)
    if notes := left_alone(stands):
        return notes
    # A batch that is being worked on ends as it would have.
    if (found := _mapping(cloud, settings)) is not None:
        with already(NO_RESOURCE):
            cloud.awslambda.delete_event_source_mapping(UUID=found["UUID"])
    url = queues.find(cloud, settings, settings.queue_name)
    if url and (events := queues.delete(cloud, url)):
        return [f"{events} events went with queue {settings.queue_name}"]
    return []


def wait_until_empty(
    cloud: Cloud, url: str, *, quiet_s: float, timeout_s: float, at_least_s: float = 0
) -> bool:
    """Wait until the queue was empty for a while; say whether it was, in time.

    It waits `at_least_s`, for messages that are still to come; what the queue holds
    before the last `quiet_s` of that makes no difference, and is not asked.
    """
    empty_since: float | None = None
    for passed in looks(timeout_s):
        if passed < at_least_s - quiet_s:
            continue
        if held(cloud, url):
            empty_since = None
        elif empty_since is None:
            empty_since = passed
        if empty_since is not None and passed >= max(empty_since + quiet_s, at_least_s):
            return True
    return False


def _retire(cloud: Cloud, settings: Settings) -> None:
    """Take the queue out of the way of events, in the order that loses none."""
    if (url := queues.own(cloud, settings, settings.queue_name)) is not None:
        if (present := trigger.describe(cloud, settings)) and present.rules:
            trigger.create(cloud, settings)
        hold, quiet = notifications.RULES_HOLD_S, QUIET_S
        if cloud.kind == "local":  # its rules hold at once
            hold, quiet = 0.0, min(QUIET_S, QUIET_HERE_S)
        patience = hold + quiet + sum(DELAYS)
        if not wait_until_empty(
            cloud, url, quiet_s=quiet, timeout_s=patience, at_least_s=hold
        ):
            return  # it goes on being worked off; the same command again removes it
    delete(cloud, settings)
    role.remove_queue_policy(cloud, settings)
    failures.create(cloud, settings)  # whose queue had to outlive this one


def _mapping(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    """Get the event source mapping from our queue to our function."""
    answer = if_there(
        cloud.awslambda.list_event_source_mappings,
        NO_RESOURCE,
        EventSourceArn=settings.queue_arn,
        FunctionName=settings.function_name,
    )
    mappings = answer["EventSourceMappings"] if answer else []
    return next((m for m in mappings if m["State"] != "Deleting"), None)


def _meaning(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "BatchSize": found.get("BatchSize"),
        "ScalingConfig": found.get("ScalingConfig") or {},
        "FunctionResponseTypes": found.get("FunctionResponseTypes") or [],
    }


def _is_off(found: dict[str, Any] | None) -> bool:
    return found is not None and found["State"] in ("Disabled", "Disabling")


def _ensure_mapping(cloud: Cloud, settings: Settings) -> None:
    """Make the mapping, or mend it, while Lambda has yet to hear of the permission."""
    wanted, found = mapping(settings), _mapping(cloud, settings)
    if found is None:
        with already("ResourceConflictException"):
            retry(
                lambda: cloud.awslambda.create_event_source_mapping(
                    EventSourceArn=settings.queue_arn,
                    FunctionName=settings.function_name,
                    Tags=settings.tags,
                    **wanted,
                ),
                message="does not have permissions to call ReceiveMessage",
            )
    elif _meaning(found) != wanted or _is_off(found):
        cloud.awslambda.update_event_source_mapping(
            UUID=found["UUID"], Enabled=True, **wanted
        )


def require(cloud: Cloud, settings: Settings) -> str:
    """Get the queue's URL, or say that there is none."""
    if (url := queues.find(cloud, settings, settings.queue_name)) is None:
        raise DeployError(
            "there is no queue of uploads",
            where=f"queue {settings.queue_name}",
            todo="up(queue=True) makes it.",
        )
    return url
