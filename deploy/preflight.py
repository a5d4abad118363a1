"""Before anything is made: who calls, what they may, what stands in the way.

Each check looks at one thing and yields findings; `plan` shows them, and on AWS `up`
makes nothing while one of them is a refusal. What cannot be found out is a warning that
says so, and where an emulator has no such thing it is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from deploy import arns, policies
from deploy import rights as deployer
from deploy.cloud import Cloud
from deploy.errors import ForeignResourceError, PreflightError
from deploy.report import Finding, Item
from deploy.settings import Settings
from deploy.steps import role
from deploy.waiting import code, is_denied

#: What layer and function may take of the account's code storage at most.
CODE_BYTES = 20 * 1024**2
#: New accounts run as many functions at once; AWS raises it with use, or when asked.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
FEW_AT_ONCE = 10


def findings(
    cloud: Cloud, settings: Settings, items: Iterable[Item]
) -> tuple[Finding, ...]:
    """Run every check; `items` are what the steps' `describe` saw."""
    items = tuple(items)
    found = [*identity(cloud), *collisions(items)]
    found += rights(cloud, settings, items)
    for check in CHECKS:
        found += check(cloud, settings)
    return tuple(found)


def by_reading(
    cloud: Cloud, settings: Settings, items: Iterable[Item]
) -> Iterator[Finding]:
    """Find what stands in the way as far as reading tells: names and lacking rights."""
    items = tuple(items)
    yield from collisions(items)
    if missing := unread(items):
        yield lacking(cloud, settings, missing)


def require(found: Iterable[Finding]) -> None:
    """Raise one error that tells every refusal.

    Raises:
        PreflightError: there is a refusal.
    """
    refusals = [finding for finding in found if finding.level == "refusal"]
    if len(refusals) == 1:
        (one,) = refusals
        raise PreflightError(one.what, where=one.where, todo=one.todo)
    if refusals:
        lines = [f"{one.where}: {one.what}. {one.todo}" for one in refusals]
        raise PreflightError(
            f"{len(refusals)} things stand in the way, and nothing was made:\n- "
            + "\n- ".join(lines).rstrip("."),
            where="up",
        )


def identity(cloud: Cloud) -> Iterator[Finding]:
    """Say who calls, and where."""
    who = cloud.identity or "a caller that has not said who it is"
    yield Finding("ok", "identity", f"{who}, region {cloud.region}")


def collisions(items: Iterable[Item]) -> Iterator[Finding]:
    """Refuse what has the name of something of ours and is not ours, all at once."""
    for item in items:
        if isinstance(item.error, ForeignResourceError):
            error = item.error
            yield Finding("refusal", "names", error.what, error.where, error.todo)


def rights(
    cloud: Cloud, settings: Settings, items: Iterable[Item]
) -> Iterator[Finding]:
    """Ask IAM which rights of the deployer's policy the caller lacks.

    Where IAM does not say, what `items` were refused to us is all that is known.
    """
    if arns.ROOT.fullmatch(cloud.identity):
        yield Finding("ok", "rights", "the root user may do everything")
        return
    items = tuple(items)
    changes = any(item.state in ("update", "remove") for item in items)
    simulated, besides, why = _asked(cloud, settings, changes)
    missing = unread(items) | simulated
    if missing:
        yield lacking(cloud, settings, missing)
    elif not why:
        yield Finding("ok", "rights", "every right that `up` needs")
    if besides := besides - missing:
        yield Finding(
            "warning",
            "rights",
            f"other commands or settings need {', '.join(sorted(besides))}, too",
            todo="`up` goes on without; `down` may have to be run by somebody else.",
        )
    if why:
        yield Finding(
            "warning" if cloud.kind == "aws" else "skipped",
            "rights",
            f"{why}, so rights to change things are not checked",
            todo="A step that is refused says which one is missing, and `up` again "
            "goes on there.",
        )


def unread(items: Iterable[Item]) -> set[str]:
    """Name the permissions whose lack kept us from reading a step."""
    actions: set[str] = set()
    for item in items:
        cause = item.error and item.error.__cause__
        foreign = isinstance(item.error, ForeignResourceError)
        if isinstance(cause, ClientError) and not foreign:
            actions |= deployer.actions_of(cause.operation_name)
    return actions


def execution_role(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at a role that is given: does it trust Lambda, may it what it must?"""
    if not settings.execution_role:
        return
    where = f"role {settings.role_name}"
    try:
        found = role.describe(cloud, settings)
    except ForeignResourceError:  # it is not there, and `collisions` says so
        return
    trust = found.trust if found else None
    if trust is None:
        what = "its trust policy could not be read"
        todo = "It must let lambda.amazonaws.com assume it (sts:AssumeRole)."
        yield Finding("warning", "role", what, where, todo)
    elif not policies.trusts(trust, policies.LAMBDA):
        what = "its trust policy does not let lambda.amazonaws.com assume it"
        todo = "Give another role, or ask its owner for the trust policy of the plan."
        yield Finding("refusal", "role", what, where, todo)
        return
    if short := _short_of(cloud, settings):
        what, todo = short
        yield Finding("warning", "role", what, where, todo)
    elif trust is not None:
        yield Finding("ok", "role", f"{settings.role_name} trusts Lambda and suffices")


def public_access(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Refuse public thumbnails where the whole account forbids public policies.

    What S3 answers for the account has its organization's policy in it.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    if not settings.public:
        what = "the target stays private; presigned links show its thumbnails"
        yield Finding("ok", "public", what)
        return
    if cloud.kind != "aws":
        yield Finding("skipped", "public", "no account-level block on an emulator")
        return
    try:
        answer = cloud.s3control.get_public_access_block(AccountId=settings.account)
        block = answer["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if code(error) != "NoSuchPublicAccessBlockConfiguration":
            yield Finding(
                "warning",
                "public",
                f"could not read the account's Block Public Access ({code(error)})",
                todo="If it, or the organization's, forbids public policies, the step "
                "buckets is refused; --private, or up(public=False), builds without.",
            )
            return
        block = {}
    on = [n for n in ("BlockPublicPolicy", "RestrictPublicBuckets") if block.get(n)]
    if not on:
        yield Finding("ok", "public", "the account allows public thumbnails")
        return
    yield Finding(
        "refusal",
        "public",
        f"Block Public Access of the whole account or its organization is on "
        f"({', '.join(on)}), and it outweighs a bucket's own settings",
        f"account {settings.account}",
        "up(public=False), or --private, builds the target private: thumbnails are "
        "then seen by presigned links (`python -m deploy link`), and the notebooks' "
        "previews work as they are. Or who owns the account turns these two off; where "
        "the organization's policy put them on, only the organization can.",
    )


def quotas(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at Lambda's quotas: functions at once, and room for code."""
    try:
        answer = cloud.awslambda.get_account_settings()
    except ClientError as error:
        level = "warning" if is_denied(error) else "skipped"
        what = f"Lambda does not say which quotas the account has ({code(error)})"
        yield Finding(level, "quotas", what)
        return
    limit, usage = answer["AccountLimit"], answer["AccountUsage"]
    free = limit["TotalCodeSize"] - usage["TotalCodeSize"]
    where = f"Lambda in {settings.region}"
    if free < CODE_BYTES:
        yield Finding(
            "refusal",
            "quotas",
            f"of the account's storage for code {free / 1024**2:.0f} MB are free, and "
            f"layer and function may take {CODE_BYTES / 1024**2:.0f}",
            where,
            "Delete functions or layer versions that nobody uses, or ask for more.",
        )
    at_once = limit["UnreservedConcurrentExecutions"]
    if at_once <= FEW_AT_ONCE:
        yield Finding(
            "warning",
            "quotas",
            f"the account runs {at_once} functions at once",
            where,
            "More uploads than that wait: Lambda tries throttled events again for up "
            "to six hours, then drops them unless the pipeline is reliable. Service "
            "Quotas raises it when asked.",
        )
    if free >= CODE_BYTES and at_once > FEW_AT_ONCE:
        yield Finding("ok", "quotas", f"{at_once} functions at once, and room for code")


#: The checks that need no more than cloud and settings.
CHECKS: tuple[Callable[[Cloud, Settings], Iterator[Finding]], ...] = (
    execution_role,
    public_access,
    quotas,
)


def _asked(
    cloud: Cloud, settings: Settings, changes: bool
) -> tuple[set[str], set[str], str]:
    """Ask IAM's simulator: what is denied to `up`, and besides; or why it cannot be."""
    missing: set[str] = set()
    besides: set[str] = set()
    if cloud.kind != "aws":
        return missing, besides, "an emulator has no simulator of IAM to go by"
    try:
        principal = _principal(cloud)
        if not principal:
            why = "IAM knows users and roles, and this caller is neither"
            return missing, besides, why
        for purpose in deployer.purposes(settings):
            if purpose.optional:
                continue
            written = deployer.statement(settings, purpose)
            for action in _denied(cloud, principal, written):
                needed = deployer.is_for_up(settings, purpose, action, changes=changes)
                (missing if needed else besides).add(action)
    except ClientError as error:
        return set(), set(), f"IAM does not say what you may do ({code(error)})"
    return missing, besides, ""


def _principal(cloud: Cloud) -> str:
    """Find the ARN that IAM knows the caller by ("" if none): a session's role's."""
    if arns.CALLER.fullmatch(cloud.identity):
        return cloud.identity
    session = arns.ASSUMED_ROLE.fullmatch(cloud.identity)
    if session is None:
        return ""
    # A role's path stands in no session's ARN, so IAM is asked for it.
    return cloud.iam.get_role(RoleName=session[1])["Role"]["Arn"]


def _denied(cloud: Cloud, principal: str, written: dict[str, Any]) -> set[str]:
    """Simulate one statement; an action counts as denied if it is on any resource.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    pages = cloud.iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=principal,
        ActionNames=policies.listed(written["Action"]),
        # A name in the place of a pattern's star, as a call would have.
        ResourceArns=[
            arn if arn == "*" else arn.replace("*", "1")
            for arn in policies.listed(written["Resource"])
        ],
        ContextEntries=[
            {
                "ContextKeyName": key,
                "ContextKeyValues": [value],
                "ContextKeyType": "string",
            }
            for keys in written.get("Condition", {}).values()
            for key, value in keys.items()
        ],
    )
    return {
        result["EvalActionName"]
        for page in pages
        for result in page["EvaluationResults"]
        if not _is_allowed(result)
    }


def _is_allowed(result: dict[str, Any]) -> bool:
    each = result.get("ResourceSpecificResults") or []
    decisions = [one["EvalResourceDecision"] for one in each]
    return all(one == "allowed" for one in decisions or [result["EvalDecision"]])


def lacking(cloud: Cloud, settings: Settings, missing: set[str]) -> Finding:
    """Write the one refusal: the rights that lack, and the policy that gives them."""
    todo = (
        "Ask who looks after the account for this policy (`python -m deploy policy` "
        "prints it whole):\n"
        + json.dumps(deployer.part_of(settings, missing), indent=2)
    )
    if "iam:CreateRole" in missing:
        todo += "\n" + role.ways_round(settings)
    if missing & {"s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock"}:
        todo += (
            "\nWithout these --private, or up(public=False), builds a private target."
        )
    return Finding(
        "refusal",
        "rights",
        f"you lack {len(missing)} rights: {', '.join(sorted(missing))}",
        cloud.identity or f"account {settings.account}",
        todo,
    )


def _short_of(cloud: Cloud, settings: Settings) -> tuple[str, str] | None:
    """Say what a given role lacks of the policies we would have written, and ask."""
    documents = role.documents(settings)
    try:
        missing = [
            written
            for document in documents
            for written in document["Statement"]
            if _denied(cloud, settings.execution_role, written)
        ]
    except ClientError as error:
        what = f"IAM does not say what it may do ({code(error)})"
        missing = [one for document in documents for one in document["Statement"]]
    else:
        what = "it lacks rights that the function needs"
    if not missing:
        return None
    policy = policies.document(*missing)
    return what, "It must allow:\n" + json.dumps(policy, indent=2)
