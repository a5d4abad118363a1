"""Refuse on the local cloud what AWS refuses and the emulator lets through.

A rule is a function of a call's parameters that returns the refusal, or None. `attach`
hangs the rules on a boto3 session; botocore then raises the `ClientError` that AWS's
answer would have raised, and the call never leaves. What is refused, and what is not
modelled, stands in FIDELITY.md.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from deploy import notifications, policies, runtimes
from deploy.arns import BUCKET, beside, of_call
from deploy.aws_names import check_bucket_name
from deploy.errors import SettingsError
from deploy.settings import LIMITS
from deploy.waiting import NO_ENTITY, NO_RESOURCE, if_there
from handler.events import MAX_KEY_BYTES

Lookup = Callable[[str], Any]


@dataclass(frozen=True)
class Refusal:
    """AWS's answer to a call that it refuses; `details` are more fields of it."""

    code: str
    message: str
    status: int = 400
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """What rules may ask: clients without rules, and the Python that runs here.

    Attributes:
        lookup: makes a client without hooks: `lookup("iam")`.
        interpreter: the one runtime this machine has ("python3.13"); None: any.
    """

    lookup: Lookup
    interpreter: str | None = None


Rule = Callable[[dict[str, Any], World], Refusal | None]


def attach(
    session: boto3.Session, lookup: Lookup, interpreter: str | None = None
) -> None:
    """Hang the rules on a session; clients made from it afterwards obey them.

    `lookup("iam")` makes a client without hooks. `interpreter` is the runtime that this
    machine can run ("python3.13"), or None where any may be named (moto).
    """
    world = World(cache(lookup), interpreter)  # a client takes longer than its call
    for call, rules in RULES.items():
        _register(session, call, rules, world)


_PARAMS = "workbook-params"


def _register(
    session: boto3.Session, call: str, rules: tuple[Rule, ...], world: World
) -> None:
    """Remember a call's parameters when it is built, and judge before it leaves.

    botocore validates in between, so that its own errors come first.
    """

    def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_PARAMS] = params

    def judge(context: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict] | None:
        for rule in rules:
            refusal = rule(context[_PARAMS], world)
            if refusal:
                return _answer(refusal)
        return None

    # First, before botocore or moto change what the caller wrote.
    session.events.register_first(f"before-parameter-build.{call}", remember)
    session.events.register(f"before-call.{call}", judge)


def _answer(refusal: Refusal) -> tuple[AWSResponse, dict[str, Any]]:
    """Write the answer as botocore would have parsed it from the network."""
    error = {"Code": refusal.code, "Message": refusal.message, **refusal.details}
    metadata = {
        "RequestId": "refused-by-deploy.local.refusals",
        "HTTPStatusCode": refusal.status,
        "HTTPHeaders": {},
        "RetryAttempts": 0,
    }
    http = AWSResponse("", refusal.status, {}, None)
    return http, {"Error": error, "ResponseMetadata": metadata}


def _found(call: Callable[..., Any], **wanted: Any) -> dict[str, Any]:
    """Look something up; {} where there is none, or for any other error."""
    try:
        return call(**wanted)
    except ClientError:
        return {}


# Lambda: the role and the runtime


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidParameterValueException", message)


def role_is_assumable(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a role that is not there, or that does not trust Lambda.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    if "Role" not in params:
        return None
    pattern = _pattern("RoleArn", world)
    if not pattern.fullmatch(params["Role"]):
        rule = f"Member must satisfy regular expression pattern: {pattern.pattern}"
        return _unsatisfied(params["Role"], "Role", rule)
    # The pattern lets an empty name through, which no role has.
    if name := params["Role"].rsplit("/", 1)[-1]:
        look = world.lookup("iam").get_role
        found = if_there(look, NO_ENTITY, RoleName=name)
        trust = found["Role"]["AssumeRolePolicyDocument"] if found else {}
        if policies.trusts(trust, policies.LAMBDA):
            return None
    return _invalid("The role defined for the function cannot be assumed by Lambda.")


def _pattern(shape: str, world: World) -> re.Pattern[str]:
    """Read from AWS's own model how Lambda has such an ARN."""
    model = world.lookup("lambda").meta.service_model
    return re.compile(model.shape_for(shape).metadata["pattern"], re.ASCII)


def runtime_is_supported(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a retired runtime, in AWS's words.

    We refuse from the deprecation date; AWS's API does so some time later.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/runtime-support-policy.html
    """
    runtime = params.get("Runtime")
    if runtime not in runtimes.RETIRED:
        return None
    return _invalid(
        f"The runtime parameter of {runtime} is no longer supported for creating or "
        "updating AWS Lambda functions. We recommend you use a supported runtime "
        "while creating or updating functions.",
    )


def numbers_are_in_range(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a memory that Lambda refuses, and a timeout of over 15 minutes.

    AWS takes 30 minutes since November 2026; no picture needs as long.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """
    for name, setting in {"Timeout": "timeout_s", "MemorySize": "memory_mb"}.items():
        low, high = LIMITS[setting]
        value = params.get(name, low)
        if not low <= value <= high:
            bound = f"less than or equal to {high}"
            if value < low:
                bound = f"greater than or equal to {low}"
            return _unsatisfied(value, name, f"Member must have value {bound}")
    return None


def layer_names_what_there_is(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a layer for a runtime or a processor that Lambda does not know.

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html
    """
    model = world.lookup("lambda").meta.service_model
    shapes = {
        "CompatibleRuntimes": "Runtime",
        "CompatibleArchitectures": "Architecture",
    }
    for name, shape in shapes.items():
        known = model.shape_for(shape).enum
        given = params.get(name) or []
        if any(value not in known for value in given):
            rule = f"Member must satisfy enum value set: [{', '.join(known)}]"
            listed = f"[{', '.join(given)}]"
            return _unsatisfied(
                listed, name, f"Member must satisfy constraint: [{rule}]"
            )
    return None


def _unsatisfied(value: Any, name: str, constraint: str) -> Refusal:
    """Write Lambda's sentence about a parameter that is out of its range."""
    return Refusal(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at "
        f"'{name[0].lower()}{name[1:]}' failed to satisfy constraint: {constraint}",
    )


def runtime_runs_here(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a runtime that this machine lacks: a limit of ours, not of AWS."""
    runtime = params.get("Runtime")
    if runtime is None or world.interpreter in (None, runtime):
        return None
    return _invalid(
        f"This is a limit of the local cloud, not of AWS: it runs functions on this "
        f"machine's own Python, so it takes Runtime={world.interpreter} and not "
        f"{runtime}.",
    )


# Lambda: what stands between a queue and a function

_QUEUE_ACTIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")


def role_may_read_the_queue(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a mapping whose function may not take from the queue, in AWS's words.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    arn, function = params.get("EventSourceArn", ""), _mapped_function(params, world)
    if not function:
        return None
    role = function["Role"].rsplit("/", 1)[-1]
    documents = list(policies.of_role(operator.call, world.lookup("iam"), role))
    for action in _QUEUE_ACTIONS:
        if not policies.allowed(documents, f"sqs:{action}", arn, trusting=True):
            return _invalid(
                "The provided execution role does not have permissions to call "
                f"{action} on SQS",
            )
    return None


def queue_hides_long_enough(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a queue whose messages come back while the function still runs.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    function, sqs = _mapped_function(params, world), world.lookup("sqs")
    name = params.get("EventSourceArn", "").rsplit(":", 1)[-1]
    if not function or not (url := _found(sqs.get_queue_url, QueueName=name)):
        return None  # no such queue: let the call itself say so
    hidden = int(
        sqs.get_queue_attributes(
            QueueUrl=url["QueueUrl"], AttributeNames=["VisibilityTimeout"]
        )["Attributes"]["VisibilityTimeout"]
    )
    if hidden >= function["Timeout"]:
        return None
    return _invalid(
        f"Queue visibility timeout: {hidden} seconds is less than Function timeout: "
        f"{function['Timeout']} seconds",
    )


def _mapped_function(params: dict[str, Any], world: World) -> dict[str, Any]:
    """Read the function behind a queue; {} without one: let the call itself say so."""
    if ":sqs:" not in params.get("EventSourceArn", ""):
        return {}
    look = world.lookup("lambda").get_function
    return _found(look, FunctionName=params["FunctionName"]).get("Configuration", {})


# S3: notifications

_MALFORMED = Refusal(
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our "
    "published schema",
)


def notification_is_well_formed(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse filters that lack a part, and what is no function's ARN."""
    configuration = params["NotificationConfiguration"]
    for rule in notifications.listed(configuration):
        for part in rule.get("Filter", {}).get("Key", {}).get("FilterRules", []):
            if "Name" not in part or "Value" not in part:
                return _MALFORMED
            if part["Name"].lower() not in ("prefix", "suffix"):
                text = "filter rule name must be either prefix or suffix"
                return Refusal("InvalidArgument", text)
    pattern = _pattern("FunctionArn", world)
    for rule in configuration.get("LambdaFunctionConfigurations") or []:
        if not pattern.fullmatch(rule["LambdaFunctionArn"]):
            return Refusal("InvalidArgument", "The ARN could not be parsed")
    return None


def rules_do_not_overlap(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse two rules that would both fire for one upload."""
    pair = notifications.overlap(params["NotificationConfiguration"])
    return pair and Refusal("InvalidArgument", notifications.refusal(*pair))


def functions_may_be_invoked(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse functions that are not there, elsewhere, or do not let the bucket in.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    configuration = params["NotificationConfiguration"]
    rules = configuration.get("LambdaFunctionConfigurations") or []
    if not rules or params.get("SkipDestinationValidation"):
        return None
    bucket = params["Bucket"]
    place = _found(world.lookup("s3").get_bucket_location, Bucket=bucket)
    if not place:
        return None  # no such bucket: let the call itself say so
    region = place.get("LocationConstraint") or "us-east-1"
    account = world.lookup("sts").get_caller_identity()["Account"]
    arns = dict.fromkeys(rule["LambdaFunctionArn"] for rule in rules)
    details: dict[str, str] = {}
    for arn in arns:
        same_region = arn.split(":")[3] == region
        policy = _permissions(arn, world)
        if same_region and notifications.may_call(
            policy, arn, bucket, account, trusting=True
        ):
            continue
        number = len(details) // 2 + 1
        details[f"ArgumentName{number}"] = f"{arn}, null"
        details[f"ArgumentValue{number}"] = f"Not authorized to invoke function [{arn}]"
    if not details:
        return None
    message = "Unable to validate the following destination configurations"
    return Refusal("InvalidArgument", message, details=details)


def _permissions(arn: str, world: World) -> dict[str, Any] | str:
    """Read the function's resource policy; no function and no policy are both {}."""
    look = world.lookup("lambda").get_policy
    found = if_there(look, NO_RESOURCE, **of_call(arn))
    return found["Policy"] if found else {}


# S3: buckets and their policies


def lifecycle_is_well_formed(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse rules that lack a part, contradict themselves, or share an ID.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    """
    rules = params.get("LifecycleConfiguration", {}).get("Rules", [])
    moves = [move for rule in rules for move in rule.get("Transitions", [])]
    if any(move.get("StorageClass") is None for move in moves):
        return _MALFORMED
    for rule in rules:
        if rule.get("Status") not in ("Enabled", "Disabled"):
            return _MALFORMED
        if not {"Filter", "Prefix"} & rule.keys():
            return _MALFORMED
        if refusal := _contradicts_itself(rule):
            return refusal
    ids = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(ids)) < len(ids):
        return Refusal(
            "InvalidArgument",
            "Rule ID must be unique. Found same ID for more than one rule",
        )
    return None


_LIFECYCLE_ACTIONS = {
    *("Expiration", "Transitions", "NoncurrentVersionExpiration"),
    *("NoncurrentVersionTransitions", "AbortIncompleteMultipartUpload"),
}


def _contradicts_itself(rule: dict[str, Any]) -> Refusal | None:
    """Refuse a rule that does nothing, or deletes before it moves."""
    if not _LIFECYCLE_ACTIONS & rule.keys():
        text = "At least one action needs to be specified in a rule"
        return Refusal("InvalidRequest", text)
    end = rule.get("Expiration", {}).get("Days")
    if end is None:
        return None
    if end <= 0:
        text = "'Days' for Expiration action must be a positive integer"
        return Refusal("InvalidArgument", text)
    if any(end <= move.get("Days", 0) for move in rule.get("Transitions", [])):
        return Refusal(
            "InvalidArgument",
            "'Days' in the Expiration action must be greater than 'Days' in the "
            "Transition action",
        )
    return None


def bucket_name_is_legal(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a bucket name that S3 refuses.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    try:
        check_bucket_name(params["Bucket"])
    except SettingsError:
        return Refusal("InvalidBucketName", "The specified bucket is not valid.")
    return None


def key_is_short(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a key of more bytes than S3 takes.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    size = len(params["Key"].encode("utf-8", "surrogatepass"))
    if size <= MAX_KEY_BYTES:
        return None
    sizes = {"Size": str(size), "MaxSizeAllowed": str(MAX_KEY_BYTES)}
    return Refusal("KeyTooLongError", "Your key is too long", details=sizes)


def policy_is_well_formed(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a policy that is no JSON, or whose statements lack their parts."""
    try:
        document = json.loads(params["Policy"])
    except (ValueError, RecursionError):
        return Refusal("MalformedPolicy", "Policies must be valid JSON.")
    written = document.get("Statement", []) if isinstance(document, dict) else [None]
    statements = policies.statements(document)
    if len(statements) < len(policies.listed(written)):
        return Refusal("MalformedPolicy", "Invalid policy syntax.")
    if document.get("Version", _POLICY_VERSIONS[0]) not in _POLICY_VERSIONS:
        text = "The policy must contain a valid version string"
        return Refusal("MalformedPolicy", text)
    said = [what for one in statements if (what := _lacks(one, params["Bucket"]))]
    return Refusal("MalformedPolicy", said[0]) if said else None


_POLICY_VERSIONS = ("2012-10-17", "2008-10-17")


def _lacks(statement: dict[str, Any], bucket: str) -> str:
    """Say what a bucket policy's statement lacks or has too much; "" for nothing."""
    for part in ("Principal", "Action", "Resource"):
        if not {part, f"Not{part}"} & statement.keys():
            return f"Missing required field {part}"
    actions = statement.get("Action", statement.get("NotAction", []))
    for action in policies.listed(actions):
        if action != "*" and not action.lower().startswith("s3:"):
            return "Policy has invalid action"
    resources = statement.get("Resource", statement.get("NotResource", []))
    for arn in policies.listed(resources):
        named = BUCKET.fullmatch(arn)
        if arn != "*" and not (named and policies.matches(named[1], bucket)):
            return "Policy has invalid resource"
    return ""


def policy_is_not_public(params: dict[str, Any], world: World) -> Refusal | None:
    """Refuse a public policy on a bucket whose BlockPublicPolicy is on."""
    bucket = params["Bucket"]
    if not is_public(params["Policy"]):
        return None
    if not _public_access_block(bucket, world).get("BlockPublicPolicy"):
        return None
    caller = world.lookup("sts").get_caller_identity()["Arn"]
    return Refusal(
        "AccessDenied",
        f"User: {caller} is not authorized to perform: s3:PutBucketPolicy on "
        f'resource: "{beside(caller).bucket(bucket)}" because public policies are '
        "blocked by the BlockPublicPolicy block public access setting.",
        status=403,
    )


def _public_access_block(bucket: str, world: World) -> dict[str, bool]:
    """Read it; {} if it is off, or no such bucket, which the call itself will say."""
    found = _found(world.lookup("s3").get_public_access_block, Bucket=bucket)
    return found.get("PublicAccessBlockConfiguration", {})


def is_public(policy: dict[str, Any] | str) -> bool:
    """Tell whether S3 calls a policy public: anyone may, and no condition narrows it.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
    """
    return any(
        statement["Effect"] == "Allow"
        and policies.is_for_anyone(statement)
        and not _is_narrowed(statement)
        for statement in policies.statements(policy)
    )


# The condition keys that make a policy non-public when their value is fixed.
# fmt: off
_NARROWING = frozenset({
    "aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce",
    "aws:sourceowner", "aws:sourceaccount", "aws:userid", "aws:principalorgid",
    "aws:principalorgpaths", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
})
# fmt: on


def _is_narrowed(statement: dict[str, Any]) -> bool:
    fixed: dict[str, bool] = {}
    for key, value in policies.conditions(statement):
        fixed[key] = fixed.get(key, True) and "*" not in value
    return any(fixed.get(key, False) for key in _NARROWING)


_LAMBDA_RULES = (
    numbers_are_in_range,
    runtime_is_supported,
    runtime_runs_here,
    role_is_assumable,
)

#: The rules of each call, in the order in which they are asked.
RULES: dict[str, tuple[Rule, ...]] = {
    "lambda.CreateEventSourceMapping": (
        role_may_read_the_queue,
        queue_hides_long_enough,
    ),
    "lambda.CreateFunction": _LAMBDA_RULES,
    "lambda.PublishLayerVersion": (layer_names_what_there_is,),
    "lambda.UpdateFunctionConfiguration": _LAMBDA_RULES,
    "s3.CopyObject": (key_is_short,),
    "s3.CreateBucket": (bucket_name_is_legal,),
    "s3.CreateMultipartUpload": (key_is_short,),
    "s3.PutObject": (key_is_short,),
    "s3.PutBucketPolicy": (policy_is_well_formed, policy_is_not_public),
    "s3.PutBucketLifecycleConfiguration": (lifecycle_is_well_formed,),
    "s3.PutBucketNotificationConfiguration": (
        notification_is_well_formed,
        rules_do_not_overlap,
        functions_may_be_invoked,
    ),
}
