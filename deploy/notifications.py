"""What S3 tells of an upload, and to whom: rules, what they match, and what they tell.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePosixPath
from typing import Any, Protocol
from urllib.parse import quote_plus

from deploy import arns
from deploy.policies import Decision, Document, allowed, matches
from deploy.settings import Settings
from deploy.waiting import NO_BUCKET, if_there

#: Who calls a target: S3.
SERVICE = "s3.amazonaws.com"
#: Kind of rule → where its target stands.
TARGETS = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}


class HasS3(Protocol):
    """A cloud, as far as it is asked here; the local one asks these rules itself."""

    @property
    def s3(self) -> Any:
        """The S3 client."""


#: Every kind of upload, each an event type of its own.
UPLOADS = tuple(
    f"s3:ObjectCreated:{kind}"
    for kind in ("Put", "Post", "Copy", "CompleteMultipartUpload")
)
#: An object that an archive gave back: it can be read again, and was not uploaded.
RESTORED = "s3:ObjectRestore:Completed"
#: In HeadObject's Restore, of such an object.
IS_RESTORED = 'ongoing-request="false"'
#: A deletion, by somebody or by a lifecycle rule.
REMOVALS = ("s3:ObjectRemoved:*", "s3:LifecycleExpiration:*")
#: A change of rules takes about five minutes to hold; some more, to be sure.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html
RULES_HOLD_S = 330.0
#: The same, to be read.
RULES_HOLD_AFTER = "about five minutes"


@dataclass(frozen=True)
class Rule:
    """A notification rule: which names it is for, which events, and where they go.

    Attributes:
        events: as in "s3:ObjectCreated:Put"; with * for any.
        target: the ARN of a function, a queue or a topic.
        id: its name within the configuration; S3 makes one up where there is none.
    """

    prefix: str
    suffix: str
    events: tuple[str, ...] = ("s3:ObjectCreated:*",)
    target: str = ""
    id: str = "?"

    def matches(self, key: str) -> bool:
        """Tell whether the rule is for uploads of this name."""
        return key.startswith(self.prefix) and key.endswith(self.suffix)

    def covers(self, event: str) -> bool:
        """Tell whether the rule is for this type of event."""
        return any(matches(pattern, event) for pattern in self.events)

    def overlaps(self, other: Rule) -> bool:
        """Tell whether one upload would match both, which S3 refuses."""
        short, prefix = sorted((self.prefix, other.prefix), key=len)
        end, suffix = sorted((self.suffix, other.suffix), key=len)
        events = any(map(self.covers, other.events))
        events = events or any(map(other.covers, self.events))
        return prefix.startswith(short) and suffix.endswith(end) and events

    @property
    def meaning(self) -> frozenset[tuple[str, str, str, str]]:
        """What starts what, in however many rules: (event, prefix, suffix, target)."""
        return frozenset(
            (event, self.prefix, self.suffix, self.target) for event in self.events
        )

    def __str__(self) -> str:
        """Write the rule as one would say it."""
        return f"{self.prefix}*{self.suffix}" if self.prefix else self.suffix or "*"


def rules(cloud: HasS3, settings: Settings) -> list[Rule]:
    """Ask the source bucket for its rules that start our function or fill our queue."""
    get_rules = cloud.s3.get_bucket_notification_configuration
    answer = if_there(get_rules, *NO_BUCKET, Bucket=settings.source_bucket)
    ours = (settings.function_arn, settings.queue_arn)
    return [rule for rule in read(answer or {}) if rule.target in ours]


def left_out(of: Iterable[str], present: Iterable[Rule]) -> list[str]:
    """List the event types that none of the rules is for."""
    rules = list(present)
    return [event for event in of if not any(rule.covers(event) for rule in rules)]


def read(configuration: Mapping[str, Any]) -> list[Rule]:
    """Read the rules of a notification configuration."""
    return [rule(written) for written in listed(configuration)]


def listed(configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List a configuration's rules, of whatever kind, as they are written."""
    return [written for kind in TARGETS for written in configuration.get(kind) or []]


def rule(written: Mapping[str, Any]) -> Rule:
    """Read one rule; S3 answers "Suffix" where "suffix" was sent."""
    filters = written.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    values = {part["Name"].lower(): part.get("Value", "") for part in filters}
    return Rule(
        values.get("prefix", ""),
        values.get("suffix", ""),
        tuple(sorted(written["Events"])),
        next((written[arn] for arn in TARGETS.values() if arn in written), ""),
        written.get("Id", "?"),
    )


def overlap(configuration: Mapping[str, Any]) -> tuple[Rule, Rule] | None:
    """Find two rules that S3 refuses side by side: one upload would match both."""
    pairs = combinations(read(configuration), 2)
    return next(((rule, other) for rule, other in pairs if rule.overlaps(other)), None)


def refusal(first: Rule, second: Rule) -> str:
    """Say in S3's words why it refuses two rules that overlap."""
    if any((first.prefix, first.suffix, second.prefix, second.suffix)):
        return (
            "Configuration is ambiguously defined. Cannot have overlapping suffixes "
            "in two rules if the prefixes are overlapping for the same event type."
        )
    return (
        "Configurations overlap. Configurations on the same bucket cannot share a "
        "common event type."
    )


def may_call(
    policy: Document, target: str, bucket: str, account: str, *, trusting: bool = False
) -> Decision:
    """Decide whether a target's policy lets S3 call it for this bucket of this account.

    Args:
        policy: the function's or the queue's resource policy.
        target: the ARN of the function or the queue.
        trusting: take a condition that cannot be judged from here as met.
    """
    return allowed(
        policy,
        "sqs:SendMessage" if ":sqs:" in target else "lambda:InvokeFunction",
        target,
        principal={"Service": SERVICE},
        context={
            "aws:sourcearn": arns.beside(target).bucket(bucket),
            "aws:sourceaccount": account,
        },
        trusting=trusting,
    )


def lets_in(statement: dict[str, Any]) -> bool:
    """Tell whether a function's statement lets S3 call it, for whatever bucket."""
    return bool(
        allowed(
            {"Statement": statement},
            "lambda:InvokeFunction",
            statement.get("Resource", ""),
            principal={"Service": SERVICE},
            trusting=True,
        )
    )


def unmatched(key: str, present: Sequence[Rule]) -> str | None:
    """Say why an upload of this name starts nothing; None when a rule matches."""
    if any(rule.matches(key) for rule in present):
        return None
    if not present:
        return f"{key}: the bucket has no rule (06_trigger makes one): nothing happens."
    return (
        f"{key}: no rule matches; nearest is {nearest(key, present)}. "
        "Suffixes are case-sensitive; nothing happens."
    )


def nearest(key: str, present: Sequence[Rule]) -> Rule:
    """Find the rule whose suffix looks most like the name's own."""
    suffix = PurePosixPath(key).suffix.lower()
    close = difflib.get_close_matches(suffix, [r.suffix for r in present], 1, 0)
    return next(rule for rule in present if rule.suffix == close[0])


def event(
    bucket: str, key: str, *, region: str, etag: str, **more: Any
) -> dict[str, Any]:
    """Write the event of an upload as S3 sends it, with more fields of the object.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    s3_object = {"key": quote_plus(key, safe="/"), "eTag": etag, **more}
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "awsRegion": region,
        "s3": {"bucket": {"name": bucket}, "object": s3_object},
    }
    return {"Records": [record]}
