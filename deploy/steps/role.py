"""The execution role: who may take it, and what the function may do with it.

Two statements make thumbnails: read the source, write the target. What production adds
(`reliable=True`) is a second policy of its own, a statement a reason.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy import recipes, tags
from deploy.cloud import Cloud
from deploy.errors import DeployError, ForeignResourceError
from deploy.policies import LAMBDA, document, statement
from deploy.report import Claim, Drift, Found, claimed, left_alone
from deploy.settings import Settings
from deploy.waiting import NO_BUCKET, NO_ENTITY, already, code, if_there, is_denied

THUMBNAILS = "thumbnails"
RELIABLE = "reliable"
QUEUE = "queue"
RECIPE = "recipe"
MIRROR = "mirror"
#: AWS's own policy that lets a function write its log, and no more.
BASIC_EXECUTION = "service-role/AWSLambdaBasicExecutionRole"

_TELL_MISSING = "TellMissingFromForbidden"


@dataclass(frozen=True, kw_only=True)
class Role(Found):
    """The role, and who may take it: None where you may not read that."""

    trust: dict[str, Any] | None


def ways_round(settings: Settings) -> str:
    """Say what to do where a role may not be made."""
    return (
        "Where every role must have a permissions boundary, give its policy's ARN: "
        "up(permissions_boundary=…) or --permissions-boundary. Where you may make no "
        "role, give one that stands: "
        f'up(execution_role="{settings.arns.iam("role/LabRole")}") or '
        "--role; LabRole is its name in AWS Academy."
    )


def basic_execution(settings: Settings) -> str:
    """Write the ARN of the policy that lets a function write its log."""
    return settings.arns.managed(BASIC_EXECUTION)


def trust_policy() -> dict[str, Any]:
    """Write who may take the role: the Lambda service."""
    return document(statement("sts:AssumeRole", principal={"Service": LAMBDA}))


def thumbnails_policy(settings: Settings) -> dict[str, Any]:
    """Write what making thumbnails needs: read the source, write the target."""
    return document(
        statement("s3:GetObject", settings.arns.bucket(settings.source_bucket, "*")),
        statement("s3:PutObject", settings.arns.bucket(settings.target_bucket, "*")),
    )


def reliable_policy(settings: Settings, *, versioned: bool = False) -> dict[str, Any]:
    """Write what production adds, a statement a reason; the Sid names the reason."""
    source = settings.arns.bucket(settings.source_bucket)
    target = settings.arns.bucket(settings.target_bucket)
    queue = settings.failure_queue_arn
    statements = [
        # Without it S3 answers 403, not 404, when the picture is gone.
        statement("s3:ListBucket", source, sid=_TELL_MISSING),
        # A conditional write compares with the thumbnail that stands.
        statement("s3:GetObject", f"{target}/*", sid="KeepOverwritesInOrder"),
        statement("sqs:SendMessage", queue, sid="KeepFailedEvents"),
    ]
    if versioned:
        # The event names a version, and reading that one has its own permission.
        version = f"{source}/*"
        read = statement("s3:GetObjectVersion", version, sid="ReadTheEventsVersion")
        statements.insert(2, read)
    return document(*statements)


def queue_policy(settings: Settings) -> dict[str, Any]:
    """Write what `queue=True` adds: Lambda takes from the queue in the role's name.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
    """
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    return document(statement(actions, settings.queue_arn, sid="TakeFromTheQueue"))


def mirror_policy(settings: Settings) -> dict[str, Any] | None:
    """Write what `mirror=True` adds: to delete, and to see that a source is gone."""
    if not settings.mirror:
        return None
    results = settings.arns.bucket(settings.target_bucket, "*")
    deletes = statement("s3:DeleteObject", results, sid="DeleteWithTheSource")
    if settings.reliable:  # which brings the other
        return document(deletes)
    source = settings.arns.bucket(settings.source_bucket)
    return document(deletes, statement("s3:ListBucket", source, sid=_TELL_MISSING))


def recipe_policy(settings: Settings) -> dict[str, Any] | None:
    """Write what a recipe adds: a backup's writes, Rekognition; None for nothing."""
    statements = recipes.statements(settings)
    return document(*statements) if statements else None


def remove_queue_policy(cloud: Cloud, settings: Settings) -> None:
    """Take the queue's policy off, once nothing is left in the queue to take."""
    if not settings.execution_role and _find(cloud, settings) is not None:
        _ensure_inline(cloud, settings, QUEUE, None)


def inline(
    settings: Settings, *, versioned: bool = False
) -> dict[str, dict[str, Any] | None]:
    """List the policies inside the role; None is one that must not be there."""
    reliable = reliable_policy(settings, versioned=versioned)
    return {
        THUMBNAILS: thumbnails_policy(settings),
        RELIABLE: reliable if settings.reliable else None,
        QUEUE: queue_policy(settings) if settings.queue else None,
        RECIPE: recipe_policy(settings),
        MIRROR: mirror_policy(settings),
    }


def documents(settings: Settings) -> list[dict[str, Any]]:
    """Collect the policies that a role given by its owner must hold by itself."""
    log = statement(
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        settings.arns.of("logs", f"log-group:{settings.log_group}:*"),
        sid="WriteTheLog",
    )
    return [*filter(None, inline(settings).values()), document(log)]


def create(cloud: Cloud, settings: Settings) -> str:
    """Make the role with its policies, or mend the one that stands; return its ARN.

    A role that is given (`Settings.execution_role`) is taken as it is, never changed.

    Raises:
        ForeignResourceError: a role of that name is not ours.
    """
    if settings.execution_role:
        return settings.execution_role
    role = _find(cloud, settings)
    if role is None:
        with already("EntityAlreadyExists"), _boundary_explained(settings):
            _make(cloud, settings)
        cloud.iam.get_waiter("role_exists").wait(RoleName=settings.role_name)
    elif role["AssumeRolePolicyDocument"] != trust_policy():
        cloud.iam.update_assume_role_policy(
            RoleName=settings.role_name, PolicyDocument=json.dumps(trust_policy())
        )
    for name, wanted in _wanted(cloud, settings).items():
        # Until the queue is worked off; its own step takes the policy away then.
        if wanted or name != QUEUE:
            _ensure_inline(cloud, settings, name, wanted)
    bound = _boundary(role) if role else settings.permissions_boundary
    if settings.permissions_boundary and bound != settings.permissions_boundary:
        with _boundary_explained(settings):
            cloud.iam.put_role_permissions_boundary(
                RoleName=settings.role_name,
                PermissionsBoundary=settings.permissions_boundary,
            )
    if basic_execution(settings) not in attached(cloud, settings):
        cloud.iam.attach_role_policy(
            RoleName=settings.role_name, PolicyArn=basic_execution(settings)
        )
    return settings.role_arn


def describe(cloud: Cloud, settings: Settings) -> Role | None:
    """Describe the role and where it differs from the settings; None for none.

    Raises:
        ForeignResourceError: a role of that name is not ours, or one that is given is
            not there.
    """
    if settings.execution_role:
        return _given(cloud, settings)
    role = _find(cloud, settings)
    if role is None:
        return None
    wanted = _wanted(cloud, settings)
    found = {name: policy(cloud, settings, name) for name in wanted}
    drift: Drift = {
        f"policy {name}": (found[name], wanted[name])
        for name in wanted
        if found[name] != wanted[name]
    }
    trust = role["AssumeRolePolicyDocument"]
    if trust != trust_policy():
        drift["trust policy"] = (trust, trust_policy())
    wanted_bound = settings.permissions_boundary
    if wanted_bound and _boundary(role) != wanted_bound:
        drift["permissions boundary"] = (_boundary(role), wanted_bound)
    if basic_execution(settings) not in (arns := attached(cloud, settings)):
        drift["log permission"] = (arns, [basic_execution(settings)])
    return Role(arn=role["Arn"], trust=trust, drift=drift)


def claims(cloud: Cloud, settings: Settings) -> list[Claim]:
    """Say whether the role stands, and whose it is; one that is given is no matter."""
    if settings.execution_role:
        return []
    return claimed(f"role {settings.role_name}", lambda: _find(cloud, settings))


def delete(cloud: Cloud, settings: Settings) -> list[str]:
    """Take the role's policies off and delete it if it is ours; return what is left."""
    name, stands = settings.role_name, claims(cloud, settings)
    if not stands or stands[0].kept:
        return left_alone(stands)
    for arn in attached(cloud, settings):
        with already(NO_ENTITY):
            cloud.iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    for policy in inside(cloud, settings):
        with already(NO_ENTITY):
            cloud.iam.delete_role_policy(RoleName=name, PolicyName=policy)
    with already(NO_ENTITY):
        cloud.iam.delete_role(RoleName=name)
    return []


def _given(cloud: Cloud, settings: Settings) -> Role:
    """Describe a role that somebody else looks after, as far as we may read it."""
    trust = None
    try:
        found = cloud.iam.get_role(RoleName=settings.role_name)["Role"]
        trust = found["AssumeRolePolicyDocument"]
    except ClientError as error:
        if code(error) == NO_ENTITY:
            raise ForeignResourceError(
                "there is no such role, and one that is given is not made",
                where=f"role {settings.execution_role}",
                todo="Give the ARN of one that stands, or none: we then make our own.",
            ) from error
        # Keys of a federated session may not call IAM at all:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getfederationtoken.html
        if not (is_denied(error) or code(error) == "InvalidClientTokenId"):
            raise
    return Role(arn=settings.execution_role, trust=trust)


def _make(cloud: Cloud, settings: Settings) -> None:
    """Make the role, bounded if that is asked for; a refusal names the ways round."""
    bound = settings.permissions_boundary
    try:
        cloud.iam.create_role(
            RoleName=settings.role_name,
            AssumeRolePolicyDocument=json.dumps(trust_policy()),
            Tags=tags.listed(settings.tags),
            **({"PermissionsBoundary": bound} if bound else {}),
        )
    except ClientError as error:
        if not is_denied(error):
            raise
        text = error.response["Error"].get("Message", "").rstrip(".")
        raise DeployError(
            f"CreateRole was refused ({code(error)}): {text}",
            where=f"role {settings.role_name}",
            todo=ways_round(settings),
        ) from error


@contextmanager
def _boundary_explained(settings: Settings) -> Iterator[None]:
    """Say of a boundary that IAM does not know that it is none."""
    try:
        yield
    except ClientError as error:
        if not settings.permissions_boundary or code(error) != NO_ENTITY:
            raise
        raise DeployError(
            f"there is no policy {settings.permissions_boundary} to bound it",
            where=f"role {settings.role_name}",
            todo="Give the ARN of one that stands: up(permissions_boundary=…) or "
            "--permissions-boundary, with nothing after its = where none is needed.",
        ) from error


def _boundary(role: dict[str, Any]) -> str:
    """Read the ARN of a role's permissions boundary; empty for none."""
    found: str = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return found


def _find(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    """Get the role if it is ours: it is tagged in the call that makes it."""
    name = settings.role_name
    answer = if_there(cloud.iam.get_role, NO_ENTITY, RoleName=name)
    if answer is None:
        return None
    owned = tags.read(answer["Role"].get("Tags", []))
    tags.require_ours(owned, settings, f"role {name}")
    return answer["Role"]


def _wanted(cloud: Cloud, settings: Settings) -> dict[str, dict[str, Any] | None]:
    """List the policies that must be inside, by what the source bucket is now."""
    if not settings.reliable:
        return inline(settings)
    get_versioning, bucket = cloud.s3.get_bucket_versioning, settings.source_bucket
    found = if_there(get_versioning, *NO_BUCKET, Bucket=bucket)
    # A suspended bucket keeps its old versions, and events still name one.
    versioned = (found or {}).get("Status") in ("Enabled", "Suspended")
    return inline(settings, versioned=versioned)


def policy(cloud: Cloud, settings: Settings, name: str) -> dict[str, Any] | None:
    """Read a policy inside the role; None where it has none of this name."""
    which = {"RoleName": settings.role_name, "PolicyName": name}
    found = if_there(cloud.iam.get_role_policy, NO_ENTITY, **which)
    return found and found["PolicyDocument"]


def _ensure_inline(
    cloud: Cloud, settings: Settings, name: str, wanted: dict[str, Any] | None
) -> None:
    if policy(cloud, settings, name) == wanted:
        return
    if wanted is None:
        with already(NO_ENTITY):
            cloud.iam.delete_role_policy(RoleName=settings.role_name, PolicyName=name)
        return
    cloud.iam.put_role_policy(
        RoleName=settings.role_name, PolicyName=name, PolicyDocument=json.dumps(wanted)
    )


def inside(cloud: Cloud, settings: Settings) -> list[str]:
    """Name the policies inside the role."""
    pages = cloud.iam.get_paginator("list_role_policies")
    found = pages.paginate(RoleName=settings.role_name)
    return [name for page in found for name in page["PolicyNames"]]


def attached(cloud: Cloud, settings: Settings) -> list[str]:
    """List the ARNs of the policies that are attached to the role."""
    pages = cloud.iam.get_paginator("list_attached_role_policies")
    found = pages.paginate(RoleName=settings.role_name)
    return [each["PolicyArn"] for page in found for each in page["AttachedPolicies"]]
