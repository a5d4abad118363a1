"""SQS queues of ours: found, made, compared, counted, deleted.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from deploy import tags
from deploy.cloud import Cloud
from deploy.errors import ForeignResourceError
from deploy.settings import Settings
from deploy.waiting import NO_QUEUE, already, code, if_there, retry

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def find(cloud: Cloud, settings: Settings, name: str) -> str | None:
    """Get a queue's URL; None if there is none.

    Raises:
        ForeignResourceError: a queue of that name is not ours.
    """
    try:
        url = cloud.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = cloud.sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
    except ClientError as error:
        if code(error) in NO_QUEUE:
            return None
        raise
    tags.require_ours(found, settings, f"queue {name}")
    return url


def own(cloud: Cloud, settings: Settings, name: str) -> str | None:
    """Get a queue's URL if it is ours; None for no queue, and for another's."""
    try:
        return find(cloud, settings, name)
    except ForeignResourceError:
        return None


def ensure(cloud: Cloud, settings: Settings, name: str, wanted: dict[str, str]) -> None:
    """Make a queue with these attributes, or mend the one that stands.

    Raises:
        ForeignResourceError: a queue of that name is not ours.
    """
    url = find(cloud, settings, name)
    if url is None:
        retry(
            lambda: cloud.sqs.create_queue(
                QueueName=name, Attributes=wanted, tags=settings.tags
            ),
            message="60 seconds after deleting",  # SQS reserves the name
        )
    elif differences(cloud, url, wanted):
        cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)


def differences(
    cloud: Cloud, url: str, wanted: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Compare a queue's attributes: (is, should be), or None where all are right."""
    answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(wanted))
    found = answer.get("Attributes", {})
    differ = [name for name in wanted if _read(found.get(name)) != _read(wanted[name])]
    if not differ:
        return None
    return {n: found.get(n) for n in differ}, {n: wanted[n] for n in differ}


def held(cloud: Cloud, url: str) -> int:
    """Count a queue's messages, those that somebody is reading included (about)."""
    wanted: dict[str, Any] = {"QueueUrl": url, "AttributeNames": _COUNTS}
    answer = if_there(cloud.sqs.get_queue_attributes, *NO_QUEUE, **wanted)
    if answer is None:  # deleted a moment ago, its name still known
        return 0
    return sum(int(answer["Attributes"][name]) for name in _COUNTS)


def delete(cloud: Cloud, url: str) -> int:
    """Delete a queue; return how many messages went with it."""
    events = held(cloud, url)
    with already(*NO_QUEUE):
        cloud.sqs.delete_queue(QueueUrl=url)
    return events


def _read(value: str | None) -> Any:
    """Read an attribute: documents compare by what they say; "5" and 5 are the same."""
    try:
        found = json.loads(value or "null")
    except ValueError:
        return value
    if isinstance(found, dict) and "maxReceiveCount" in found:
        found["maxReceiveCount"] = int(found["maxReceiveCount"])
    return found
