"""The trigger: S3 may invoke the function, and does for each new `.jpg` and `.png`.

Two halves, in this order: the function's resource policy lets the bucket in, then the
bucket's notification configuration names the function. The second call replaces the
whole configuration, so other people's rules are read first and put back with ours.

With `queue=True` the rules name the queue instead. One call turns all of them, so that
an upload has one way at any moment; S3 may use the old one for some minutes, so
the old one's permission stays.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy import notifications, policies
from deploy.cloud import Cloud
from deploy.errors import DeployError
from deploy.notifications import REMOVALS, Rule
from deploy.report import Claim, Drift, Found, left_alone
from deploy.settings import Settings
from deploy.steps import function
from deploy.waiting import (
    DENIED,
    NO_BUCKET,
    NO_RESOURCE,
    already,
    if_there,
    retry,
    until,
)

#: The one statement of the function's resource policy that is ours.
STATEMENT_ID = "source-bucket-may-invoke"

#: Where rules of ours can stand: they name the function, or the queue before it.
_OURS = ("LambdaFunctionConfigurations", "QueueConfigurations")


@dataclass(frozen=True, kw_only=True)
class Trigger(Found):
    """Our rules, and the permission."""

    rules: list[dict[str, Any]]
    permission: dict[str, Any] | None


def rules(settings: Settings) -> list[dict[str, Any]]:
    """Write our notification rules, one a suffix; suffixes are case-sensitive."""
    target = (
        {"QueueArn": settings.queue_arn}
        if settings.queue
        else {"LambdaFunctionArn": settings.function_arn}
    )
    return [
        {
            "Id": f"{settings.name}-{suffix.strip('.')}",  # as in "workbook-jpg"
            **target,
            "Events": [*settings.events, *(REMOVALS if settings.mirror else ())],
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
        "Principal": notifications.SERVICE,
        "SourceArn": settings.arns.bucket(settings.source_bucket),
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
    if ours and _meaning(_ours(after, settings)) == _meaning(ours):
        return after
    for kind in _OURS:
        present = after.get(kind, [])
        mine = _ours({kind: present}, settings)
        by_id = {rule.get("Id"): rule for rule in mine}
        kept = [rule for rule in present if rule not in mine]
        for rule in ours:
            if notifications.TARGETS[kind] in rule:
                old = by_id.get(rule["Id"])
                kept.append(
                    old if old and _meaning([old]) == _meaning([rule]) else rule
                )
        if kept:
            after[kind] = kept
        else:
            after.pop(kind, None)
    return after


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


def describe(cloud: Cloud, settings: Settings) -> Trigger | None:
    """Describe our rules, the permission and where they differ; None for neither."""
    before = _notification(cloud, settings)
    statement = _statement(cloud, settings)
    ours = _ours(before, settings)
    if not ours and statement is None:
        return None
    drift: Drift = {}
    if not _same(before, merged(before, rules(settings), settings)):
        drift["rules"] = (ours, rules(settings))
    if not settings.queue and not _permits(statement, settings):
        drift["permission"] = (statement, permission(settings))
    return Trigger(rules=ours, permission=statement, drift=drift)


def claims(cloud: Cloud, settings: Settings) -> list[Claim]:
    """Say whether rules and permission stand; they are whose the function is."""
    name, found = settings.function_name, []
    if _ours(_notification(cloud, settings), settings):
        found.append(f"rules of bucket {settings.source_bucket}")
    if (statement := _statement(cloud, settings)) is not None:
        found.append(f"permission {statement['Sid']} of function {name}")
    foreign = left_alone(function.owned(cloud, settings))
    kept = f"function {name} is not ours" if foreign else ""
    return [Claim(what, kept) for what in found]


def delete(cloud: Cloud, settings: Settings) -> list[str]:
    """Take away our rules and the permission, nobody else's; return what is left."""
    stands = claims(cloud, settings)
    if notes := left_alone(stands):
        return notes
    before = _notification(cloud, settings)
    after = merged(before, [], settings)
    if not _same(before, after):
        _put(cloud, settings, after)
    if (statement := _statement(cloud, settings)) is not None:
        with already(NO_RESOURCE):
            cloud.awslambda.remove_permission(
                FunctionName=settings.function_name, StatementId=statement["Sid"]
            )
    return []


def _notification(cloud: Cloud, settings: Settings) -> dict[str, Any]:
    # No bucket, or a stranger's of that name: in neither is a rule of ours.
    answer = if_there(
        cloud.s3.get_bucket_notification_configuration,
        *(*NO_BUCKET, *DENIED),
        Bucket=settings.source_bucket,
        ExpectedBucketOwner=settings.account,
    )
    return answer or {}


def _put(cloud: Cloud, settings: Settings, configuration: dict[str, Any]) -> None:
    """Put the whole configuration, again while S3 has not heard of the permission."""
    retry(
        lambda: cloud.s3.put_bucket_notification_configuration(
            Bucket=settings.source_bucket,
            NotificationConfiguration=configuration,
            ExpectedBucketOwner=settings.account,
        ),
        message="Unable to validate the following destination configurations",
        before=lambda error: _check_targets(settings, configuration, error),
        after=lambda error: _unreachable(settings, configuration, error),
    )


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
        for kind, arn in notifications.TARGETS.items()
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
    pair = notifications.overlap(configuration)
    if pair is None:
        return
    first, second = map(_in_words, pair)
    raise DeployError(
        f"two rules would match the same upload, which S3 refuses: {first}; and "
        f"{second}",
        where=f"bucket {settings.source_bucket}",
        todo="Remove or narrow the one that is not ours, or change Settings.suffixes.",
    )


def _in_words(rule: Rule) -> str:
    return (
        f"rule {rule.id!r} (prefix {rule.prefix!r}, suffix {rule.suffix!r}, "
        f"{', '.join(rule.events)})"
    )


def _ours(configuration: dict[str, Any], settings: Settings) -> list[dict[str, Any]]:
    """Ours by target, and by Id (a suffix given up earlier goes too) or by meaning."""
    wanted = _meaning(rules(settings))
    return [
        written
        for written in notifications.listed(configuration)
        if (rule := notifications.rule(written)).target
        in (settings.function_arn, settings.queue_arn)
        and (rule.id.startswith(f"{settings.name}-") or rule.meaning <= wanted)
    ]


def _meaning(every: Iterable[dict[str, Any]]) -> frozenset[tuple[str, ...]]:
    """Collect what starts what, whatever rules are called and however many."""
    return frozenset().union(*(notifications.rule(rule).meaning for rule in every))


def _same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Compare two configurations, the order of rules aside."""

    def rule_set(configuration: dict[str, Any]) -> list[str]:
        every = notifications.listed(configuration)
        return sorted(json.dumps(rule, sort_keys=True) for rule in every)

    return rule_set(before) == rule_set(after)


def _statement(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    get_policy, name = cloud.awslambda.get_policy, settings.function_name
    answer = if_there(get_policy, NO_RESOURCE, FunctionName=name)
    statements = policies.statements(answer["Policy"] if answer else {})
    ours = [found for found in statements if found.get("Sid") == STATEMENT_ID]
    # CloudFormation names a statement itself; what it permits is what counts.
    ours += [found for found in statements if _permits(found, settings)]
    return next(iter(ours), None)


def _permits(statement: dict[str, Any] | None, settings: Settings) -> bool:
    """Compare a statement as Lambda writes it with the permission we ask for."""
    wanted = permission(settings)
    if statement is None:
        return False
    conditions = dict(policies.conditions(statement))
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
        with already(NO_RESOURCE):
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
