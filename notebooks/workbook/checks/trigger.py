"""Check 6: S3 may invoke the function, and two rules say when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy import notifications, policies
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import trigger
from deploy.waiting import NO_RESOURCE, if_there
from workbook.checks.findings import Finding, judged, waiting

_PERMISSION = (
    "a permission lets S3 invoke the function",
    "it names the source bucket",
    "it names the bucket's account",
)
#: Arguments of `add_permission` → what each names.
_ARGUMENTS = {"SourceArn": "bucket", "SourceAccount": "account"}
_OVERLAP = "no two rules overlap"


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at the function's resource policy and the bucket's notifications."""
    yield from permission(cloud, settings)
    configuration = if_there(
        cloud.s3.get_bucket_notification_configuration,
        "NoSuchBucket",
        Bucket=settings.source_bucket,
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
        cloud.awslambda.get_policy, NO_RESOURCE, FunctionName=settings.function_name
    )
    statements = policies.statements(found["Policy"]) if found else []
    ours = [each for each in statements if notifications.lets_in(each)]
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
    fits = any(
        all(_condition(each, argument) == wanted[argument] for argument in _ARGUMENTS)
        for each in ours
    )
    for name, argument in zip(_PERMISSION[1:], _ARGUMENTS, strict=True):
        values = {str(each.get("Sid")): _condition(each, argument) for each in ours}
        # Where one fits, S3 comes in; one that lets any bucket in is too much yet.
        wrong = {
            sid: value
            for sid, value in values.items()
            if value != wanted[argument] and (not fits or _is_wide(value))
        }
        yield judged(name, not wrong, _misfit(wrong, argument, settings, fits=fits))


def _misfit(
    wrong: dict[str, str | None], argument: str, settings: Settings, *, fits: bool
) -> str:
    """Name the statements that are wrong, and the call that takes each away."""
    what, should = _ARGUMENTS[argument], trigger.permission(settings)[argument]
    told = [
        f"Statement {sid!r} names {'another' if value else 'no'} {what}: {argument} is "
        f"{value} and should be {should}. Remove it with `remove_permission("
        f"FunctionName={settings.function_name!r}, StatementId={sid!r})`"
        for sid, value in wrong.items()
    ]
    then = "" if fits else ", then add the right one with `add_permission`"
    return f"{'. '.join(told)}{then} (06_trigger)."


def _condition(statement: dict[str, Any], argument: str) -> str | None:
    """Read what a statement asks for under an argument of `add_permission`."""
    return dict(policies.conditions(statement)).get(f"aws:{argument.lower()}")


def _is_wide(value: str | None) -> bool:
    return value is None or "*" in value or "?" in value


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
