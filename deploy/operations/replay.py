"""What a reader does with results: failed events sent again, links signed."""

from __future__ import annotations

import json
from typing import Any

from deploy import queues
from deploy.cloud import Cloud
from deploy.configure import resolved
from deploy.errors import DeployError
from deploy.explained import STATUS, explained
from deploy.settings import Settings
from deploy.steps import failures
from deploy.waiting import NO_OBJECT, if_there

#: For how long a link can be signed, at most.
LONGEST_S = 7 * 24 * 60 * 60


def replay(
    cloud: Cloud | None = None, settings: Settings | None = None, **overrides: Any
) -> list[str]:
    """Send the failed events to the function again; return one line for each.

    An event leaves the queue only when Lambda has accepted it, so an event may run
    twice, and none is lost; the handler makes the same thumbnail both times. Stops
    after as many events as the queue held at the start: those that fail anew wait for
    the next call.

    Raises:
        DeployError: there is no queue, or a call or an event was refused.
    """
    cloud, settings = resolved(cloud, settings, overrides)
    with explained("replay", STATUS):
        return _replayed(cloud, settings)


def _replayed(cloud: Cloud, settings: Settings) -> list[str]:
    url = queues.find(cloud, settings, settings.failure_queue)
    if url is None:
        raise DeployError(
            "there is no queue of failed events",
            where=f"queue {settings.failure_queue}",
            todo="Only up(reliable=True) and up(queue=True) keep them.",
        )
    sent: list[str] = []
    for _ in range(max(1, queues.held(cloud, url))):
        answer = cloud.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=1
        )
        if not answer.get("Messages"):
            break
        sent += [_replay_one(cloud, settings, url, m) for m in answer["Messages"]]
    return [line for line in sent if line]


def _replay_one(
    cloud: Cloud, settings: Settings, url: str, message: dict[str, Any]
) -> str:
    """Invoke with one record's event, then delete its message, in this order."""
    try:
        record = json.loads(message["Body"])
        payload = failures.payload_of(record)
    except (ValueError, AttributeError, TypeError):
        payload = None
    if payload is None:
        return ""  # neither Lambda's nor S3's: it stays for its owner
    answer = cloud.awslambda.invoke(
        FunctionName=settings.function_name,
        InvocationType="Event",
        Payload=json.dumps(payload).encode(),
    )
    if answer["StatusCode"] != 202:
        raise DeployError(
            f"Lambda answered {answer['StatusCode']} and not 202; the event is kept",
            where=f"function {settings.function_name}",
            todo="Replay again later.",
        )
    cloud.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return failures.in_words(record)


def link(
    key: str,
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    seconds: int = 3600,
    **overrides: Any,
) -> str:
    """Sign a link to a thumbnail ("thumbnails/cat.jpg"), good for some seconds.

    Raises:
        DeployError: there is no such thumbnail, or no link is good for so long.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
    """
    if not 1 <= seconds <= LONGEST_S:
        raise DeployError(
            f"a link cannot be good for {seconds} seconds",
            where="link",
            todo=f"Say 1 to {LONGEST_S:,} seconds: seven days.",
        )
    cloud, settings = resolved(cloud, settings, overrides)
    where = {"Bucket": settings.target_bucket, "Key": key}
    with explained("link", STATUS):
        # Signing asks nobody: a link to nothing looks like any other.
        if if_there(cloud.s3.head_object, *NO_OBJECT, **where) is None:
            raise DeployError(
                f"there is no {key!r}",
                where=f"bucket {settings.target_bucket}",
                todo=f"Thumbnails begin with {settings.thumbnail_prefix}; `python -m "
                "deploy trace KEY` says what became of an upload.",
            )
        return cloud.s3.generate_presigned_url("get_object", where, seconds)
