"""Which of a bucket's notification rules an upload matches, and which comes nearest."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from deploy.cloud import Cloud
from deploy.policies import matches
from deploy.settings import Settings
from deploy.waiting import code

_TARGETS = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}


@dataclass(frozen=True)
class Rule:
    """A notification rule: which names it is for, which events, and where they go.

    Attributes:
        events: as in "s3:ObjectCreated:Put"; with * for any.
        target: the ARN of a function, a queue or a topic.
    """

    prefix: str
    suffix: str
    events: tuple[str, ...] = ("s3:ObjectCreated:*",)
    target: str = ""

    def matches(self, key: str) -> bool:
        """Tell whether the rule is for uploads of this name."""
        return key.startswith(self.prefix) and key.endswith(self.suffix)

    def covers(self, event: str) -> bool:
        """Tell whether the rule is for this type of event."""
        return any(matches(pattern, event) for pattern in self.events)

    def __str__(self) -> str:
        """Write the rule as one would say it."""
        return f"{self.prefix}*{self.suffix}" if self.prefix else self.suffix or "*"


def rules(cloud: Cloud, settings: Settings) -> list[Rule]:
    """Ask the source bucket for its rules that start our function or fill our queue."""
    try:
        answer = cloud.s3.get_bucket_notification_configuration(
            Bucket=settings.source_bucket
        )
    except ClientError as error:
        if code(error) == "NoSuchBucket":
            return []
        raise
    ours = (settings.function_arn, settings.queue_arn)
    return [rule for rule in read(answer) if rule.target in ours]


def read(configuration: Mapping[str, Any]) -> list[Rule]:
    """Read the rules of a notification configuration."""
    return [
        _rule(one, one[arn])
        for kind, arn in _TARGETS.items()
        for one in configuration.get(kind, [])
    ]


def unmatched(key: str, present: Sequence[Rule]) -> str | None:
    """Say why an upload of this name starts nothing; None when a rule matches."""
    if any(rule.matches(key) for rule in present):
        return None
    if not present:
        return f"{key}: the bucket has no rule yet (06_trigger), so nothing happens."
    return (
        f"{key}: no rule matches; nearest is {nearest(key, present)}. "
        "Suffixes are case-sensitive; nothing happens."
    )


def nearest(key: str, present: Sequence[Rule]) -> Rule:
    """Find the rule whose suffix looks most like the name's own."""
    suffix = PurePosixPath(key).suffix.lower()
    close = difflib.get_close_matches(suffix, [r.suffix for r in present], 1, 0)
    return next(rule for rule in present if rule.suffix == close[0])


def _rule(one: Mapping[str, Any], target: str) -> Rule:
    filters = one.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    values = {part["Name"].lower(): part.get("Value", "") for part in filters}
    return Rule(
        values.get("prefix", ""),
        values.get("suffix", ""),
        tuple(sorted(one["Events"])),
        target,
    )
