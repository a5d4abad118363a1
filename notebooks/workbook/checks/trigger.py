"""Check 6: S3 may invoke the function, and two rules say when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy import notifications, policies
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import trigger
from deploy.waiting import if_there
from workbook.checks.findings import Finding, judged, waiting

_PERMISSION = (
    "a permission lets S3 invoke the function",
    "it names the source bucket",
    "it names the bucket's account",
)
_OVERLAP = "no two rules overlap"


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at the function's resource policy and the bucket's notifications."""
    yield from permission(cloud, settings)
    configuration = if_there(
        lambda: cloud.s3.get_bucket_notification_configuration(
            Bucket=settings.source_bucket
        ),
        "NoSuchBucket",
    )
    names = [f"a rule for {suffix}" for suffix in settings.suffixes]
    events = [f"{name}: for every kind of upload" for name in names]
    if configuration is None:
        pairs = [name for pair in zip(names, events, strict=True) for name in pair]
        yield from waiting("the source bucket (02_buckets)", *pairs, _OVERLAP)
        return
    for suffix, name, both in zip(settings.suffixes, names, events, strict=True):
        yield from _rule(configuration, settings, suffix, (name, both))
    pair = notifications.overlap(configuration)
    told = " and ".join(repr(rule.id) for rule in pair or ())
    yield judged(
        _OVERLAP,
        pair is None,
        f"The rules {told} match the same uploads. Leave one out of "
        "`put_bucket_notification_configuration` (06_trigger).",
    )


def permission(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at who may invoke the function: S3, for one bucket of one account."""
    found = if_there(
        lambda: cloud.awslambda.get_policy(FunctionName=settings.function_name),
        "ResourceNotFoundException",
    )
    statements = policies.statements(found["Policy"]) if found else []
    ours = [statement for statement in statements if _lets_s3_in(statement)]
    yield judged(
        _PERMISSION[0],
        bool(ours),
        "The function has no statement that allows lambda:InvokeFunction to "
        "s3.amazonaws.com. Add it with `add_permission` (06_trigger).",
    )
    if not ours:
        yield from waiting("the permission", *_PERMISSION[1:])
        return
    wanted = trigger.permission(settings)
    for name, key, should in (
        (_PERMISSION[1], "aws:sourcearn", wanted["SourceArn"]),
        (_PERMISSION[2], "aws:sourceaccount", wanted["SourceAccount"]),
    ):
        # Every statement must: one without the condition lets any bucket in.
        values = [dict(policies.conditions(found)).get(key) for found in ours]
        wrong = [value for value in values if value != should]
        argument = "SourceArn" if key == "aws:sourcearn" else "SourceAccount"
        yield judged(
            name,
            not wrong,
            f"{argument} is {' and '.join(map(str, wrong))} and should be {should}. "
            "`remove_permission`, then `add_permission` again (06_trigger).",
        )


def _rule(
    configuration: dict[str, Any],
    settings: Settings,
    suffix: str,
    names: tuple[str, str],
) -> Iterator[Finding]:
    found = [
        rule
        for rule in notifications.read(configuration)
        if rule.target == settings.function_arn
        and (rule.prefix, rule.suffix) == ("", suffix)
    ]
    yield judged(
        names[0],
        bool(found),
        f"No rule sends *{suffix} to {settings.function_name}. Put it, with the rules "
        "that are there, with `put_bucket_notification_configuration` (06_trigger).",
    )
    if not found:
        yield from waiting("the rule", names[1])
        return
    wanted = notifications.Rule("", "", settings.events)
    lacks = notifications.left_out(filter(wanted.covers, notifications.UPLOADS), found)
    yield judged(
        names[1],
        not lacks,
        f"It lacks {' and '.join(lacks)}, so some uploads would be missed. Put "
        f"{' and '.join(settings.events)} with "
        "`put_bucket_notification_configuration` (06_trigger).",
    )


def _lets_s3_in(statement: dict[str, Any]) -> bool:
    return bool(
        policies.allowed(
            {"Statement": statement},
            "lambda:InvokeFunction",
            statement.get("Resource", ""),
            principal={"Service": notifications.SERVICE},
            trusting=True,
        )
    )
