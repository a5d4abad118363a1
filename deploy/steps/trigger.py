"""The trigger: S3 may invoke the function, and does for each new `.jpg` and `.png`.

Two halves, in this order: the function's resource policy lets the bucket in, then the
bucket's notification configuration names the function. The second call replaces the
whole configuration, so other people's rules are read first and put back with ours.

With `queue=True` the rules name the queue instead. One call turns all of them, so that
an upload has one way at any moment; S3 may use the old one for a minute, so the old
one's permission stays.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
"""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

from botocore.exceptions import ClientError

from deploy.cloud import Cloud
from deploy.errors import DeployError
from deploy.settings import Settings
from deploy.waiting import already, code, retry, until

#: The one statement of the function's resource policy that is ours.
STATEMENT_ID = "source-bucket-may-invoke"

_KINDS = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}
#: Where rules of ours can stand: they name the function, or the queue before it.
_OURS = {kind: _KINDS[kind] for kind in list(_KINDS)[:2]}
_NOT_YET = "Unable to validate the following destination configurations"


def rule_id(settings: Settings, suffix: str) -> str:
    """Name the rule for a suffix, as in "workbook-jpg"."""
    return f"{settings.name}-{suffix.strip('.')}"


def rules(settings: Settings) -> list[dict[str, Any]]:
    """Write our notification rules, one a suffix; suffixes are case-sensitive."""
    target = (
        {"QueueArn": settings.queue_arn}
        if settings.queue
        else {"LambdaFunctionArn": settings.function_arn}
    )
    return [
        {
            "Id": rule_id(settings, suffix),
            **target,
            "Events": list(settings.events),
            "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": suffix}]}},
        }
        for suffix in settings.suffixes
    ]


def permission(settings: Settings) -> dict[str, str]:
    """Write who may invoke the function: S3, for this bucket of this account.

    The account matters: a bucket's ARN holds none, and a deleted bucket's name could
    be taken by a stranger.
    """
    return {
        "StatementId": STATEMENT_ID,
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": f"arn:aws:s3:::{settings.source_bucket}",
        "SourceAccount": settings.account,
    }


def merged(
    before: dict[str, Any], ours: list[dict[str, Any]], settings: Settings
) -> dict[str, Any]:
    """Put our rules into a notification configuration, all others as they were.

    A rule of ours that is there and means the same stays as S3 wrote it (S3 answers
    "Suffix" where "suffix" was sent, and events in its own order). So do rules that
    together mean the same as ours: CloudFormation writes one an event type.
    """
    after = {
        kind: value for kind, value in before.items() if kind != "ResponseMetadata"
    }
    present = [rule for kind in _OURS for rule in after.get(kind, [])]
    if ours and _starts(present, settings) == _starts(ours, settings):
        return after
    for kind, arn in _OURS.items():
        present = after.get(kind, [])
        by_id = {rule.get("Id"): rule for rule in present if _is_ours(rule, settings)}
        kept = [rule for rule in present if not _is_ours(rule, settings)]
        for rule in ours:
            if arn in rule:
                old = by_id.get(rule["Id"])
                kept.append(old if old and _meaning(old) == _meaning(rule) else rule)
        if kept:
            after[kind] = kept
        else:
            after.pop(kind, None)
    return after


def overlap(configuration: dict[str, Any]) -> tuple[dict, dict] | None:
    """Find two rules that S3 refuses side by side: one upload would match both."""
    every = [rule for kind in _KINDS for rule in configuration.get(kind, [])]
    for one, other in combinations(every, 2):
        if _overlaps(one, other):
            return one, other
    return None


def create(cloud: Cloud, settings: Settings) -> str:
    """Let the source bucket invoke the function and tell it when; return the bucket.

    Raises:
        DeployError: another rule covers the same uploads, or a rule's target is gone.
        NotReadyError: the permission was not visible within the bounded wait.
    """
    if not settings.queue:
        _ensure_permission(cloud, settings)
    before = _notification(cloud, settings)
    after = merged(before, rules(settings), settings)
    if not _same(before, after):
        _check_overlap(settings, after)
        _put(cloud, settings, after)
    return settings.source_bucket


def describe(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    """Describe our rules and the permission, and where they differ from the settings.

    Returns:
        None when there is neither, else "rules", "permission", "others" (how many
        rules there are of somebody else's) and "drift".
    """
    before = _notification(cloud, settings)
    statement = _statement(cloud, settings)
    every = [rule for kind in _KINDS for rule in before.get(kind, [])]
    ours = [rule for rule in every if _is_ours(rule, settings)]
    if not ours and statement is None:
        return None
    drift: dict[str, tuple[Any, Any]] = {}
    if not _same(before, merged(before, rules(settings), settings)):
        drift["rules"] = (ours, rules(settings))
    if not settings.queue and not _permits(statement, settings):
        drift["permission"] = (statement, permission(settings))
    return {
        "rules": ours,
        "permission": statement,
        "others": len(every) - len(ours),
        "drift": drift,
    }


def delete(cloud: Cloud, settings: Settings) -> list[str]:
    """Take away our rules and the permission, nobody else's; return what is left."""
    before = _notification(cloud, settings)
    after = merged(before, [], settings)
    if not _same(before, after):
        _put(cloud, settings, after)
    if (statement := _statement(cloud, settings)) is not None:
        with already("ResourceNotFoundException"):
            cloud.awslambda.remove_permission(
                FunctionName=settings.function_name, StatementId=statement["Sid"]
            )
    return []


def _notification(cloud: Cloud, settings: Settings) -> dict[str, Any]:
    try:
        answer = cloud.s3.get_bucket_notification_configuration(
            Bucket=settings.source_bucket, ExpectedBucketOwner=settings.account
        )
    except ClientError as error:
        # No bucket, or a stranger's of that name: in neither is a rule of ours.
        if code(error) in ("NoSuchBucket", "AccessDenied"):
            return {}
        raise
    return {kind: value for kind, value in answer.items() if kind != "ResponseMetadata"}


def _put(cloud: Cloud, settings: Settings, configuration: dict[str, Any]) -> None:
    """Put the whole configuration, again while S3 has not heard of the permission."""
    try:
        retry(
            lambda: cloud.s3.put_bucket_notification_configuration(
                Bucket=settings.source_bucket,
                NotificationConfiguration=configuration,
                ExpectedBucketOwner=settings.account,
            ),
            message=_NOT_YET,
            before=lambda error: _check_targets(settings, configuration, error),
        )
    except ClientError as error:
        if _NOT_YET not in str(error):
            raise
        raise _unreachable(settings, configuration, error) from error


def _check_targets(
    settings: Settings, configuration: dict[str, Any], error: ClientError
) -> None:
    """Raise when waiting will not help: it is other rules' targets that S3 refuses."""
    ours = {settings.function_arn, settings.queue_arn}
    refused = _refused(error)
    if refused and not ours & refused.keys():
        raise _unreachable(settings, configuration, error) from error


def _refused(error: ClientError) -> dict[str, str]:
    """Read the targets that S3 names, as ARN → its reason; not every answer has any.

    S3 answers "ArgumentName1: <arn>, null" and "ArgumentValue1: <reason>".
    """
    fields = error.response["Error"]
    return {
        value.partition(",")[0]: fields.get(name.replace("Name", "Value"), "")
        for name, value in fields.items()
        if name.startswith("ArgumentName")
    }


def _unreachable(
    settings: Settings, configuration: dict[str, Any], error: ClientError
) -> DeployError:
    """List the rules whose targets S3 refuses; all of them where it names none."""
    refused = _refused(error)
    rules = [
        f"rule {rule.get('Id', '?')!r} → {rule[arn]} ({refused.get(rule[arn], '?')})"
        for kind, arn in _KINDS.items()
        for rule in configuration.get(kind, [])
        if not refused or rule[arn] in refused
    ]
    return DeployError(
        "S3 checks the targets of all its rules, and refuses "
        f"{'; '.join(rules) or 'one'}",
        where=f"bucket {settings.source_bucket}",
        todo="A target that is gone, or closed to S3: remove its rule, or mend the "
        "target; then run the same step again.",
    )


def _check_overlap(settings: Settings, configuration: dict[str, Any]) -> None:
    pair = overlap(configuration)
    if pair is None:
        return
    one, other = (_in_words(rule) for rule in pair)
    raise DeployError(
        f"two rules would match the same upload, which S3 refuses: {one}; and {other}",
        where=f"bucket {settings.source_bucket}",
        todo="Remove or narrow the one that is not ours, or change Settings.suffixes.",
    )


def _in_words(rule: dict[str, Any]) -> str:
    prefix, suffix = _filter(rule)
    events = ", ".join(rule["Events"])
    return (
        f"rule {rule.get('Id', '?')!r} (prefix {prefix!r}, suffix {suffix!r}, {events})"
    )


def _filter(rule: dict[str, Any]) -> tuple[str, str]:
    filters = rule.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    values = {part["Name"].lower(): part.get("Value", "") for part in filters}
    return values.get("prefix", ""), values.get("suffix", "")


def _target(rule: dict[str, Any]) -> str:
    return next(rule[arn] for arn in _KINDS.values() if arn in rule)


def _meaning(rule: dict[str, Any]) -> tuple[Any, ...]:
    return _target(rule), frozenset(rule["Events"]), _filter(rule)


def _is_ours(rule: dict[str, Any], settings: Settings) -> bool:
    """Ours by target, and by Id (a suffix given up earlier goes too) or by meaning."""
    if _target(rule) not in (settings.function_arn, settings.queue_arn):
        return False
    wanted = {start for one in rules(settings) for start in _starts_of(one)}
    return rule.get("Id", "").startswith(f"{settings.name}-") or (
        _starts_of(rule) <= wanted
    )


def _starts(every: list[dict[str, Any]], settings: Settings) -> set[tuple[Any, ...]]:
    """List what starts our function, whatever rules are called and however many."""
    return {
        start
        for rule in every
        if _is_ours(rule, settings)
        for start in _starts_of(rule)
    }


def _starts_of(rule: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {(event, _filter(rule), _target(rule)) for event in rule["Events"]}


def _same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Compare two configurations, the order of rules aside."""

    def rule_set(configuration: dict[str, Any]) -> list[str]:
        every = [r for kind in _KINDS for r in configuration.get(kind, [])]
        return sorted(json.dumps(rule, sort_keys=True) for rule in every)

    return rule_set(before) == rule_set(after)


def _overlaps(one: dict[str, Any], other: dict[str, Any]) -> bool:
    prefix, suffix = _filter(one)
    other_prefix, other_suffix = _filter(other)
    return (
        any(_share(a, b) for a in one["Events"] for b in other["Events"])
        and (prefix.startswith(other_prefix) or other_prefix.startswith(prefix))
        and (suffix.endswith(other_suffix) or other_suffix.endswith(suffix))
    )


def _share(event: str, other: str) -> bool:
    """Tell whether two event types meet; "s3:ObjectCreated:*" meets all of its kind."""
    short, long = sorted((event, other), key=lambda name: len(name.rstrip("*")))
    return short == long or (short.endswith("*") and long.startswith(short[:-1]))


def _statement(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    try:
        answer = cloud.awslambda.get_policy(FunctionName=settings.function_name)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise
    statements = json.loads(answer["Policy"])["Statement"]
    ours = [one for one in statements if one.get("Sid") == STATEMENT_ID]
    # CloudFormation names a statement itself; what it permits is what counts.
    ours += [one for one in statements if _permits(one, settings)]
    return next(iter(ours), None)


def _permits(statement: dict[str, Any] | None, settings: Settings) -> bool:
    """Compare a statement as Lambda writes it with the permission we ask for."""
    wanted = permission(settings)
    if statement is None:
        return False
    conditions = {
        key.lower(): value
        for part in statement.get("Condition", {}).values()
        for key, value in part.items()
    }
    return (
        statement["Effect"] == "Allow"
        and statement["Action"] == wanted["Action"]
        and statement["Principal"] == {"Service": wanted["Principal"]}
        and conditions.get("aws:sourcearn") == wanted["SourceArn"]
        and conditions.get("aws:sourceaccount") == wanted["SourceAccount"]
    )


def _ensure_permission(cloud: Cloud, settings: Settings) -> None:
    statement = _statement(cloud, settings)
    if _permits(statement, settings):
        return
    if statement is not None:
        with already("ResourceNotFoundException"):
            cloud.awslambda.remove_permission(
                FunctionName=settings.function_name, StatementId=STATEMENT_ID
            )
    with already("ResourceConflictException"):
        cloud.awslambda.add_permission(
            FunctionName=settings.function_name, **permission(settings)
        )
    until(
        lambda: _permits(_statement(cloud, settings), settings),
        what="the permission for S3 to invoke it",
        where=f"function {settings.function_name}",
    )
