"""What whoever deploys must be allowed to do, and the calls each permission is for.

`RIGHTS` is the whole table: a purpose is a statement of the policy, with the resources
it is about and its permissions, each with the boto3 calls that AWS checks it in. Most
permissions have the name of their call. Some are named otherwise (HeadBucket asks for
s3:ListBucket), and some are checked inside a call of another name; those say where AWS
writes so. `python -m deploy policy` prints the policy.

Who has it can write the role's policies and so lend the function any right: give it to
people, not to programs, or set a permissions boundary.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy import policies
from deploy.settings import Settings
from deploy.steps import role

#: What a managed policy takes.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MANAGED_CHARACTERS = 6144


@dataclass(frozen=True)
class Right:
    """One permission.

    Attributes:
        action: as IAM names it ("s3:ListBucket").
        calls: the operations that need it, with blanks between: "HeadBucket", or
            "lambda.CreateFunction" when the service is not the action's own.
        source: where AWS says so, when no call has the permission's name.
    """

    action: str
    calls: str
    source: str = ""


@dataclass(frozen=True)
class Purpose:
    """One statement of the policy: what for, on what, which rights, and when."""

    sid: str
    #: A name in `_places`.
    on: str
    rights: tuple[Right, ...]
    condition: Callable[[Settings], dict[str, Any]] | None = None
    #: Needed only where the role is ours to make.
    own_role: bool = field(default=False, kw_only=True)
    #: A setting without which no command needs it.
    when: str = field(default="", kw_only=True)
    #: Only preflight asks for it, and does without.
    optional: bool = field(default=False, kw_only=True)


def _same(service: str, *calls: str) -> tuple[Right, ...]:
    """Write the rights that have the name of their call."""
    return tuple(Right(f"{service}:{call}", call) for call in calls)


_S3_API = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_{}.html".format
_S3_ACTIONS = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
    "using-with-s3-policy-actions.html"
)
_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/{}.html".format
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/{}.html".format
_LAMBDA_API = "https://docs.aws.amazon.com/lambda/latest/api/API_{}.html".format
_SQS_API = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
    "API_CreateQueue.html"
)
_SQS_ACTIONS = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
    "sqs-api-permissions-reference.html"
)
_ALARM_API = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/"
    "API_PutMetricAlarm.html"
)
_LOGS_API = (
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/"
    "API_CreateLogGroup.html"
)


def _places(s: Settings) -> dict[str, list[str]]:
    """Write the ARNs that the purposes are about."""
    source, target = s.arns.bucket(s.source_bucket), s.arns.bucket(s.target_bucket)
    # Whether it is asked for or not: `down` looks for the one of an earlier `up`.
    backup = s.arns.bucket(s.backup_bucket)
    # Both of them: up() goes from one to the other, and down() takes both.
    names = {dataclasses.replace(s, text=text).layer_name for text in (False, True)}
    layers = [s.arns.of("lambda", f"layer:{name}") for name in sorted(names)]
    log_group = s.arns.of("logs", f"log-group:{s.log_group}:*")
    return {
        "source": [source],
        "backup": [backup],
        "buckets": [source, target, backup],
        "uploads": [f"{source}/*"],
        "pictures": [f"{bucket}/*" for bucket in (source, target, backup)],
        "role": [s.role_arn],
        "log policy": [role.basic_execution(s)],
        "layers": layers,
        "layer versions": [f"{layer}:*" for layer in layers],
        "function": [s.function_arn],
        "mappings": [s.arns.of("lambda", "event-source-mapping:*")],
        "queue": [s.queue_arn],
        "failures": [s.failure_queue_arn],
        "queues": [s.failure_queue_arn, s.queue_arn],
        "log group": [log_group],
        "log group's tags": [log_group.removesuffix(":*")],
        "log groups": [s.arns.of("logs", "log-group:*")],
        "alarms": [s.arns.of("cloudwatch", f"alarm:{s.alarm_name('*')}")],
        "every alarm": [s.arns.of("cloudwatch", "alarm:*")],
        "callers": [s.arns.iam(f"{kind}/*") for kind in ("user", "role")],
        "*": ["*"],
    }


_WITH_ROLE = "lambda.CreateFunction lambda.UpdateFunctionConfiguration"

RIGHTS: tuple[Purpose, ...] = (
    Purpose(
        "MakeTheBuckets",
        "buckets",
        (
            *_same("s3", "CreateBucket", "DeleteBucket"),
            *_same("s3", "GetBucketTagging", "PutBucketTagging"),
            *_same("s3", "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"),
            Right("s3:ListBucket", "HeadBucket ListObjectsV2", _S3_API("HeadBucket")),
            Right("s3:ListBucketVersions", "ListObjectVersions", _S3_ACTIONS),
            Right("s3:ListBucketMultipartUploads", "ListMultipartUploads", _S3_ACTIONS),
            Right("s3:GetBucketPublicAccessBlock", "GetPublicAccessBlock", _S3_ACTIONS),
            Right("s3:PutBucketPublicAccessBlock", "PutPublicAccessBlock", _S3_ACTIONS),
        ),
    ),
    Purpose(
        "TagTheBuckets",
        "buckets",
        (
            Right("s3:TagResource", "CreateBucket TagResource", _S3_ACTIONS),
            Right("s3:UntagResource", "UntagResource", _S3_ACTIONS),
        ),
        optional=True,
    ),
    Purpose(
        "TellTheSourceWhomToCall",
        "source",
        (
            *_same("s3", "GetBucketVersioning"),
            Right(
                "s3:GetBucketNotification",
                "GetBucketNotificationConfiguration",
                _S3_ACTIONS,
            ),
            Right(
                "s3:PutBucketNotification",
                "PutBucketNotificationConfiguration",
                _S3_ACTIONS,
            ),
        ),
    ),
    Purpose(
        "LetThePhonesPost",  # of a lesson: `thumbnail-workbook wall`
        "source",
        (
            Right("s3:GetBucketCORS", "GetBucketCors", _S3_ACTIONS),
            Right("s3:PutBucketCORS", "PutBucketCors DeleteBucketCors", _S3_ACTIONS),
        ),
    ),
    Purpose(
        "KeepVersionsInTheBackup",
        "backup",
        _same("s3", "GetBucketVersioning", "PutBucketVersioning"),
    ),
    Purpose(
        "Upload",
        "uploads",
        (
            Right(
                "s3:PutObject",
                "PutObject CopyObject CreateMultipartUpload UploadPart "
                "CompleteMultipartUpload",
            ),
        ),
    ),
    Purpose(
        "LookAtPicturesAndDeleteThem",
        "pictures",
        (
            Right(
                "s3:GetObject", "GetObject HeadObject CopyObject", _S3_API("HeadObject")
            ),
            *_same("s3", "AbortMultipartUpload"),
            Right("s3:DeleteObject", "DeleteObjects", _S3_API("DeleteObjects")),
            Right("s3:DeleteObjectVersion", "DeleteObjects", _S3_API("DeleteObjects")),
        ),
    ),
    Purpose(
        "MakeTheRole",
        "role",
        (
            *_same("iam", "GetRole", "CreateRole", "UpdateAssumeRolePolicy"),
            *_same("iam", "DeleteRole"),
            Right("iam:TagRole", "CreateRole", _IAM("id_tags_roles")),
            *_same("iam", "ListRolePolicies", "ListAttachedRolePolicies"),
            *_same("iam", "GetRolePolicy", "PutRolePolicy", "DeleteRolePolicy"),
            *_same("iam", "DetachRolePolicy"),
        ),
        own_role=True,
    ),
    Purpose(
        "BoundTheRole",
        "role",
        (Right("iam:PutRolePermissionsBoundary", "PutRolePermissionsBoundary"),),
        own_role=True,
        when="permissions_boundary",
    ),
    Purpose(
        "AttachTheLogPolicyAndNoOther",
        "role",
        _same("iam", "AttachRolePolicy"),
        lambda s: {"ArnEquals": {"iam:PolicyARN": role.basic_execution(s)}},
        own_role=True,
    ),
    Purpose(
        "ReadTheLogPolicy",
        "log policy",
        _same("iam", "GetPolicy", "GetPolicyVersion"),
        own_role=True,
    ),
    Purpose(
        "LendTheRoleToLambdaOnly",
        "role",
        (Right("iam:PassRole", _WITH_ROLE, _IAM("id_roles_use_passrole")),),
        lambda s: {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
    ),
    Purpose(
        "PublishTheLayer",
        "layers",
        _same("lambda", "ListLayerVersions", "PublishLayerVersion"),
    ),
    Purpose(
        "UseTheLayer",
        "layer versions",
        (
            *_same("lambda", "DeleteLayerVersion"),
            Right(
                "lambda:GetLayerVersion",
                f"{_WITH_ROLE} GetLayerVersion",
                _LAMBDA("permissions-user-layer"),
            ),
        ),
    ),
    Purpose(
        "MakeTheFunction",
        "function",
        (
            *_same("lambda", "GetFunction", "CreateFunction", "DeleteFunction"),
            *_same("lambda", "UpdateFunctionCode", "UpdateFunctionConfiguration"),
            # Without it GetFunction leaves out the tags that say whose it is.
            Right("lambda:ListTags", "GetFunction", _LAMBDA_API("GetFunction")),
            Right(
                "lambda:TagResource", "CreateFunction", _LAMBDA("configuration-tags")
            ),
            *_same("lambda", "GetPolicy", "AddPermission", "RemovePermission"),
            *_same("lambda", "GetFunctionEventInvokeConfig"),
            *_same("lambda", "PutFunctionEventInvokeConfig"),
            *_same("lambda", "DeleteFunctionEventInvokeConfig"),
            *_same("lambda", "GetFunctionConcurrency", "PutFunctionConcurrency"),
            *_same("lambda", "DeleteFunctionConcurrency"),
        ),
    ),
    Purpose(
        "EmptyTheQueueIntoTheFunction",
        "*",  # making a mapping takes no resource: the condition stands for it
        (
            *_same("lambda", "CreateEventSourceMapping", "UpdateEventSourceMapping"),
            *_same("lambda", "DeleteEventSourceMapping"),
        ),
        lambda s: {"ArnEquals": {"lambda:FunctionArn": s.function_arn}},
    ),
    Purpose(
        "TagTheMapping",
        "mappings",
        (
            Right(
                "lambda:TagResource",
                "CreateEventSourceMapping",
                _LAMBDA("configuration-tags"),
            ),
        ),
    ),
    # It takes no resource.
    Purpose("FindTheMapping", "*", _same("lambda", "ListEventSourceMappings")),
    Purpose(
        "MakeBothQueues",
        "queues",
        (
            *_same("sqs", "GetQueueUrl", "CreateQueue", "DeleteQueue"),
            *_same("sqs", "GetQueueAttributes", "SetQueueAttributes"),
            Right("sqs:TagQueue", "CreateQueue", _SQS_API),
            *_same("sqs", "ListQueueTags"),
        ),
    ),
    Purpose(
        "TakeFailedEvents", "failures", _same("sqs", "ReceiveMessage", "DeleteMessage")
    ),
    Purpose(
        "SendOldUploads",
        "queue",
        (Right("sqs:SendMessage", "SendMessageBatch", _SQS_ACTIONS),),
    ),
    Purpose(
        "SendThemToTheFunctionAgain",
        "function",
        (Right("lambda:InvokeFunction", "Invoke", _LAMBDA_API("Invoke")),),
    ),
    Purpose(
        "MakeAndReadTheLog",
        "log group",
        (
            *_same("logs", "CreateLogGroup", "PutRetentionPolicy", "DeleteLogGroup"),
            *_same("logs", "FilterLogEvents"),
        ),
    ),
    Purpose(
        "TagTheLog",
        "log group's tags",
        (Right("logs:TagResource", "CreateLogGroup", _LOGS_API),),
    ),
    # It is asked of all groups, whatever prefix it is given.
    Purpose(
        "FindTheLog",
        "log groups",
        _same("logs", "DescribeLogGroups", "ListTagsForResource"),
    ),
    Purpose(
        "MakeTheAlarms",
        "alarms",
        (
            *_same("cloudwatch", "PutMetricAlarm", "DeleteAlarms"),
            *_same("cloudwatch", "ListTagsForResource"),
            Right("cloudwatch:TagResource", "PutMetricAlarm", _ALARM_API),
        ),
    ),
    # It, too, is asked of all, whatever names it is given.
    Purpose("FindTheAlarms", "every alarm", _same("cloudwatch", "DescribeAlarms")),
    Purpose(
        "LookAtTheAccount",
        "*",  # none of them takes a resource
        (
            Right(
                "s3:GetAccountPublicAccessBlock",
                "s3control.GetPublicAccessBlock",
                _S3_ACTIONS,
            ),
            *_same("lambda", "GetAccountSettings"),
            *_same("cloudwatch", "GetMetricData"),
        ),
        optional=True,
    ),
    Purpose(
        "AskWhatTheCallerMay",
        "callers",
        _same("iam", "SimulatePrincipalPolicy", "GetRole"),
        optional=True,
    ),
)


#: Rights that `up` uses only with this setting, by purpose or by action.
_WITH = {
    "s3:PutBucketPolicy": "public",
    "s3:PutBucketPublicAccessBlock": "public",
    "KeepVersionsInTheBackup": "backup",
    "EmptyTheQueueIntoTheFunction": "queue",
    "TagTheMapping": "queue",
    "MakeBothQueues": "keeps_failures",
    "lambda:PutFunctionEventInvokeConfig": "keeps_failures",
    "MakeTheAlarms": "reliable",
}
#: Rights that `up` uses only where something stands that is to change.
_CHANGES = frozenset(
    {
        *("s3:DeleteBucketPolicy", "iam:UpdateAssumeRolePolicy"),
        "iam:PutRolePermissionsBoundary",
        *("iam:DeleteRolePolicy", "lambda:UpdateFunctionCode"),
        *("lambda:UpdateFunctionConfiguration", "lambda:RemovePermission"),
        *("lambda:DeleteFunctionEventInvokeConfig", "sqs:SetQueueAttributes"),
        *("lambda:UpdateEventSourceMapping", "lambda:DeleteFunctionConcurrency"),
    }
)
#: Rights that other commands use: `down`, `pause`, `replay`, `backfill`, `trace`, …
_OTHER_COMMANDS = frozenset(
    {
        *("s3:DeleteBucket", "s3:ListBucketMultipartUploads", "s3:PutObject"),
        *("s3:GetObject", "s3:AbortMultipartUpload", "s3:DeleteObject"),
        *("s3:DeleteObjectVersion", "iam:DeleteRole", "iam:ListRolePolicies"),
        *("iam:DetachRolePolicy", "iam:GetPolicy", "iam:GetPolicyVersion"),
        *("lambda:DeleteLayerVersion", "lambda:DeleteFunction"),
        *("lambda:GetFunctionConcurrency", "lambda:PutFunctionConcurrency"),
        *("lambda:InvokeFunction", "lambda:DeleteEventSourceMapping"),
        *("sqs:DeleteQueue", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
        *("sqs:SendMessage", "logs:DeleteLogGroup", "logs:FilterLogEvents"),
        *("cloudwatch:DeleteAlarms", "s3:GetBucketCORS", "s3:PutBucketCORS"),
    }
)


def is_for_up(
    settings: Settings, purpose: Purpose, action: str, *, changes: bool
) -> bool:
    """Tell whether `up` uses a right of a purpose with these settings.

    Args:
        changes: whether something of the pipeline stands, and is to be changed.
    """
    wanted = (_WITH.get(name) for name in (purpose.sid, action))
    if action == "sqs:GetQueueUrl":  # to see that no queue stands that is not wanted
        return True
    if changes:
        return action not in _OTHER_COMMANDS
    if action in _CHANGES | _OTHER_COMMANDS:
        return False
    return all(getattr(settings, name) for name in wanted if name)


def deployer_policy(settings: Settings) -> dict[str, Any]:
    """Write the smallest policy for all commands, with what they look at.

    It holds for one pipeline of this name, plain, reliable or queued, and leaves the
    making of a role out where one is given. It can be written into a role, which
    takes 10,240 characters; as managed policies it is two (see `managed`).

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    return policies.document(*(statement(settings, p) for p in purposes(settings)))


def managed(settings: Settings) -> list[dict[str, Any]]:
    """Share the deployer's policy out to documents that each fit a managed policy."""
    documents = [policies.document()]
    for written in deployer_policy(settings)["Statement"]:
        longer = policies.document(*documents[-1]["Statement"], written)
        if size(longer) <= MANAGED_CHARACTERS:
            documents[-1] = longer
        else:
            documents.append(policies.document(written))
    return documents


def size(policy: dict[str, Any]) -> int:
    """Count a policy's characters as IAM does: without blanks."""
    return len(json.dumps(policy, separators=(",", ":")))


def purposes(settings: Settings) -> Iterator[Purpose]:
    """Go through the purposes that these settings have."""
    for purpose in RIGHTS:
        if purpose.own_role and settings.execution_role:
            continue
        if not purpose.when or getattr(settings, purpose.when):
            yield purpose


def statement(
    settings: Settings, purpose: Purpose, actions: set[str] | None = None
) -> dict[str, Any]:
    """Write a purpose as a statement, with all of its actions or only with some."""
    every = {right.action for right in purpose.rights}
    return policies.statement(
        sorted(every if actions is None else every & actions),
        _places(settings)[purpose.on],
        sid=purpose.sid,
        condition=purpose.condition(settings) if purpose.condition else None,
    )


def part_of(settings: Settings, actions: set[str]) -> dict[str, Any]:
    """Write the part of the policy that gives these actions, and no more."""
    return policies.document(
        *(
            statement(settings, purpose, actions)
            for purpose in purposes(settings)
            if actions & {right.action for right in purpose.rights}
            and not purpose.optional
        )
    )


def actions_of(operation: str) -> set[str]:
    """Name the actions that a call asks for, of whatever service it is."""
    return {
        right.action
        for purpose in RIGHTS
        for right in purpose.rights
        for call in calls(right)
        if call.endswith(f".{operation}") and not purpose.optional
    }


def needed(call: str) -> list[Right]:
    """List the rights that a call is checked for: `needed("s3.HeadBucket")`."""
    return [
        right for purpose in RIGHTS for right in purpose.rights if call in calls(right)
    ]


def calls(right: Right) -> Iterator[str]:
    """Name the calls that a right is checked in, each with its service."""
    service = right.action.partition(":")[0]
    for call in right.calls.split():
        yield call if "." in call else f"{service}.{call}"
