"""The same pipeline as a CloudFormation template, for those who keep theirs that way.

`export` writes `template.json`, `layer.zip` and `function.zip`, and beside them
`main.tf.json`, the template translated for Terraform (`terraform.py`), so that there is
one description of the pipeline and not two. The documents in the template are
those that `up` sends: policies, rules, configuration come from the steps' own
functions. It names no account and no region, so one file serves every account; the
names are the same as `up` gives.

Three things CloudFormation does otherwise than `up` and `down`:

- it deletes no bucket that holds anything: empty both first, or deleting the stack
  fails and leaves them (`DeletionPolicy: Delete` deletes empty buckets only);
- it numbers the permission and the notification rules itself, one rule an event type;
- what it made carries its tags (`aws:cloudformation:stack-name`) beside ours. With ours
  `status`, `trace` and `replay` work on such a pipeline; `down` sees the other,
  refuses, and names the stack, which would be stuck without its resources. Settings
  are changed in the template, by exporting anew: `up` would go behind its back.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-reference.html
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from deploy import tags
from deploy.cloud import Cloud
from deploy.configure import resolved, tried, with_text
from deploy.home import in_plain_words
from deploy.operations import terraform
from deploy.settings import Settings
from deploy.steps import (
    alarms,
    buckets,
    failures,
    function,
    layer,
    queue,
    role,
    trigger,
)
from deploy.steps.layer import publish

#: What Terraform reads.
TERRAFORM = "main.tf.json"
_ANY_ACCOUNT, _ANY_REGION = "000000000000", "us-east-1"  # neither gets into the file

Resource = dict[str, Any]
_FIRST = (
    "S3 checks that when the rules are written, so SourceBucket waits for this and is "
    "named by its ARN."
)
#: Checkov's findings that are meant so, by resource, and why.
#: https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html
_ACCEPTED = {
    "S3::Bucket": {
        "CKV_AWS_18": "A log of each access costs more than the pipeline does.",
        "CKV_AWS_21": "Photos come from elsewhere, thumbnails can be made again.",
        "CKV_AWS_54": "Thumbnails are public on purpose, by a policy for them alone.",
        "CKV_AWS_56": "Thumbnails are public on purpose, by a policy for them alone.",
    },
    "Logs::LogGroup": {
        "CKV_AWS_158": "CloudWatch encrypts with a key of its own; no photo is logged."
    },
    "Lambda::Function": {
        "CKV_AWS_115": "A cap would drop events; with a queue the mapping has one.",
        "CKV_AWS_116": "The reliable pipeline has an on-failure destination instead.",
        "CKV_AWS_117": "It calls S3 alone, to which a VPC would need an endpoint.",
        "CKV_AWS_173": "The variables hold no secret.",
    },
    "SQS::Queue": {
        "CKV_AWS_27": "SQS encrypts with a key of its own unless told otherwise."
    },
}


@dataclass(frozen=True, repr=False)
class Export:
    """The files written, and the keys that the template expects the two zips under."""

    settings: Settings
    template: Path
    layer: Path
    function: Path
    layer_key: str
    function_key: str

    def __repr__(self) -> str:
        """Say how to deploy it, and how to take it down."""
        name, s3 = self.settings.name, "s3://$BUCKET"
        return f"""\
Wrote {self.template}, {self.layer.name}, {self.function.name} and {TERRAFORM}.

To deploy it, with any bucket of yours in the same region for the two zips:

  BUCKET=your-bucket
  aws s3 cp {self.layer} {s3}/{self.layer_key}
  aws s3 cp {self.function} {s3}/{self.function_key}
  aws cloudformation deploy --stack-name {name} --template-file {self.template} \\
    --parameter-overrides CodeBucket=$BUCKET --capabilities CAPABILITY_NAMED_IAM

Or with Terraform or OpenTofu, which take the zips from the folder (no bucket needed):

  terraform -chdir={self.template.parent} init
  terraform -chdir={self.template.parent} apply

To take it down, empty its two buckets (`aws s3 rm --recursive`), then:

  aws cloudformation delete-stack --stack-name {name}  (or `terraform destroy`)"""


def export(
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    folder: Path | str = "export",
    **overrides: Any,
) -> Export:
    """Write the pipeline as a CloudFormation template with its two zips beside it.

    Needs no account: without `cloud` and `settings` it is for AWS, on the runtime and
    processor that `up` would take there.

    Raises:
        LayerError: no wheel for the layer, and no network to fetch one.
        LocalCloudError: the folder cannot be written.
    """
    if cloud is None and settings is None:
        settings = _for_aws(**overrides)
    else:
        cloud, settings = resolved(cloud, settings, overrides)
    built = layer.build(settings)
    with in_plain_words(Path(folder)):
        return _write(Path(folder), settings, built)


def _write(place: Path, settings: Settings, built: publish.Built) -> Export:
    place.mkdir(parents=True, exist_ok=True)
    names = ("template.json", "layer.zip", "function.zip")
    written, layer_zip, function_zip = (place / name for name in names)
    shutil.copyfile(built.path, layer_zip)
    function_zip.write_bytes(function.package(settings))
    # The content is in the key: a zip that changed is a change of the template, too.
    layer_key, function_key = (
        f"{settings.name}/{path.stem}-{sha256(path.read_bytes()).hexdigest()[:16]}{path.suffix}"
        for path in (layer_zip, function_zip)
    )
    says = layer.description(built, settings)
    document = template(settings, layer_key, function_key, says)
    written.write_text(_laid_out(document) + "\n", "utf-8")
    translated = _laid_out(terraform.configuration(document))
    (place / TERRAFORM).write_text(translated + "\n", "utf-8")
    return Export(settings, written, layer_zip, function_zip, layer_key, function_key)


def _for_aws(**overrides: Any) -> Settings:
    """Derive settings for any account; a role that is given names its own."""
    account = (overrides.get("execution_role") or "").split(":")[4:5]
    where = {"account": "".join(account) or _ANY_ACCOUNT, "region": _ANY_REGION}
    return tried(Settings(**where | with_text(overrides)))


def template(
    settings: Settings, layer_key: str, function_key: str, layer_description: str
) -> dict[str, Any]:
    """Write the template, for every account and region alike."""
    resources = _buckets(settings)
    if not settings.execution_role:
        resources["Role"] = _role(settings)
    resources["Layer"] = _layer(settings, layer_key, layer_description)
    resources["LogGroup"] = _log_group(settings)
    resources["Function"] = _function(settings, function_key)
    if settings.keeps_failures:
        resources["FailureQueue"] = _failure_queue(settings)
    if settings.reliable:
        resources["FailedEvents"] = _failed_events(settings)
        resources |= _alarms(settings)
    if settings.queue:
        resources |= _queue(settings)
    else:
        resources["SourceMayInvoke"] = _permission(settings)
    document = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Photo uploaded to S3, event, Lambda function with Pillow, "
        "thumbnail in a public bucket.",
        "Parameters": {
            "CodeBucket": {
                "Type": "String",
                "MinLength": 3,
                "Description": "Your bucket, in this region, that holds "
                f"{layer_key} and {function_key}.",
            }
        },
        "Resources": resources,
        "Outputs": _outputs(settings),
    }
    return _portable(document, settings)


def _resource(
    kind: str, what: str, properties: dict[str, Any], **attributes: Any
) -> Resource:
    """Put a resource together; its Metadata says what it is for, and accepts."""
    metadata: dict[str, Any] = {"Purpose": what}
    if accepted := _ACCEPTED.get(kind):
        skipped = [{"id": id, "comment": why} for id, why in accepted.items()]
        metadata["checkov"] = {"skip": skipped}
    return {
        "Type": f"AWS::{kind}",
        "Metadata": metadata,
        **attributes,
        "Properties": properties,
    }


def _buckets(settings: Settings) -> dict[str, Resource]:
    source = _bucket(settings, settings.source_bucket, public=False)
    source["NotificationConfiguration"] = _notification(settings)
    target = _bucket(settings, settings.target_bucket, public=settings.public)
    # An empty bucket goes with the stack; CloudFormation deletes no other.
    keep = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain"}
    written = {
        "SourceBucket": _resource(
            "S3::Bucket",
            "Photos are uploaded here; each new one that a rule names starts Function.",
            source,
            DependsOn="SourceMaySend" if settings.queue else "SourceMayInvoke",
            **keep,
        ),
        "TargetBucket": _resource(
            "S3::Bucket", "Thumbnails appear here.", target, **keep
        ),
    }
    if settings.backup:
        written["BackupBucket"] = _backup(settings)
    for part in buckets.names(settings):
        if document := buckets.policy(settings, part):
            written[f"{part.title()}Policy"] = _policy(settings, part, document)
    return written


def _backup(settings: Settings) -> Resource:
    """Write the backup bucket; it stays when the stack goes, with what is in it."""
    bucket = _bucket(settings, settings.backup_bucket, public=False)
    bucket |= {"VersioningConfiguration": {"Status": "Enabled"}}
    keep = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    says = "Clones of what is uploaded; nobody but you may read them."
    return _resource("S3::Bucket", says, bucket, **keep)


def _policy(settings: Settings, part: str, document: dict[str, Any]) -> Resource:
    says = "Nobody gets in over plain http."
    if part == "target" and settings.public:
        says = f"Anyone may read {settings.thumbnail_prefix}, and nothing else."
    bucket = {"Ref": f"{part.title()}Bucket"}
    properties = {"Bucket": bucket, "PolicyDocument": document}
    return _resource("S3::BucketPolicy", says, properties)


def _bucket(settings: Settings, name: str, *, public: bool) -> dict[str, Any]:
    request = buckets.bucket_request(name, settings.account, settings.region)
    block = buckets.public_access_block(public_policy=public)
    return {
        "BucketName": name,
        **{k: v for k, v in request.items() if k == "BucketNamespace"},
        "PublicAccessBlockConfiguration": block,
        "Tags": tags.listed(settings.tags),
    }


def _notification(settings: Settings) -> dict[str, Any]:
    """Write the notification rules; CloudFormation takes one event type a rule."""
    target = {"Function": {"Fn::GetAtt": ["Function", "Arn"]}}
    if settings.queue:
        target = {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}
    rules = [
        {
            "Event": event,
            "Filter": {"S3Key": {"Rules": rule["Filter"]["Key"]["FilterRules"]}},
            **target,
        }
        for rule in trigger.rules(settings)
        for event in rule["Events"]
    ]
    return {f"{'Queue' if settings.queue else 'Lambda'}Configurations": rules}


def _role(settings: Settings) -> Resource:
    bound = settings.permissions_boundary
    policies = [
        {"PolicyName": name, "PolicyDocument": document}
        for name, document in role.inline(settings).items()
        if document
    ]
    return _resource(
        "IAM::Role",
        "What Function may do: read the source, write the target, write its log.",
        {
            "RoleName": settings.role_name,
            "AssumeRolePolicyDocument": role.trust_policy(),
            "Policies": policies,
            "ManagedPolicyArns": [role.basic_execution(settings)],
            **({"PermissionsBoundary": bound} if bound else {}),
            "Tags": tags.listed(settings.tags),
        },
    )


def _layer(settings: Settings, key: str, description: str) -> Resource:
    return _resource(
        "Lambda::LayerVersion",
        "Pillow, which does not come with the runtime.",
        {
            "LayerName": settings.layer_name,
            "Description": description,
            "Content": _code(key),
            "CompatibleRuntimes": [settings.runtime],
            "CompatibleArchitectures": [settings.architecture],
            "LicenseInfo": layer.LICENCE,
        },
    )


def _log_group(settings: Settings) -> Resource:
    return _resource(
        "Logs::LogGroup",
        "Function's log. Made here, since Lambda's own would keep it for ever.",
        {
            "LogGroupName": settings.log_group,
            "RetentionInDays": settings.log_retention_days,
            "Tags": tags.listed(settings.tags),
        },
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
    )


def _function(settings: Settings, key: str) -> Resource:
    return _resource(
        "Lambda::Function",
        "Makes the thumbnails: the handler package, zipped whole.",
        {
            "FunctionName": settings.function_name,
            "Code": _code(key),
            "Architectures": [settings.architecture],
            **function.whole_configuration(settings, ""),
            "Role": _role_arn(settings),
            "Layers": [{"Ref": "Layer"}],
            "Tags": tags.listed(settings.tags),
        },
        DependsOn="LogGroup",
    )


def _failure_queue(settings: Settings) -> Resource:
    return _queue_resource(
        settings,
        settings.failure_queue,
        "Keeps the events that failed too often, for `replay`.",
        failures.queue_attributes(),
    )


def _failed_events(settings: Settings) -> Resource:
    config = failures.event_invoke_config(settings)
    config["DestinationConfig"] = {
        "OnFailure": {"Destination": {"Fn::GetAtt": ["FailureQueue", "Arn"]}}
    }
    return _resource(
        "Lambda::EventInvokeConfig",
        "Two more tries for an event that fails, then FailureQueue.",
        {"FunctionName": {"Ref": "Function"}, "Qualifier": "$LATEST", **config},
    )


def _alarms(settings: Settings) -> dict[str, Resource]:
    return {
        f"Alarm{name.title()}": _resource(
            "CloudWatch::Alarm", means, alarm | {"Tags": tags.listed(settings.tags)}
        )
        for (name, (_, _, means)), alarm in zip(
            alarms.RULES.items(), alarms.alarms(settings), strict=True
        )
    }


def _queue(settings: Settings) -> dict[str, Resource]:
    """Write what stands between bucket and function with `queue=True`."""
    attributes = queue.queue_attributes(settings)
    policy = json.loads(attributes.pop("Policy"))
    redrive = json.loads(attributes.pop("RedrivePolicy"))
    redrive["deadLetterTargetArn"] = {"Fn::GetAtt": ["FailureQueue", "Arn"]}
    resource = _queue_resource(
        settings, settings.queue_name, "Uploads wait here for their turn.", attributes
    )
    resource["Properties"]["RedrivePolicy"] = redrive
    return {
        "Queue": resource,
        "SourceMaySend": _resource(
            "SQS::QueuePolicy",
            f"S3 may send to Queue for SourceBucket. {_FIRST}",
            {"Queues": [{"Ref": "Queue"}], "PolicyDocument": policy},
        ),
        "TakeFromQueue": _resource(
            "Lambda::EventSourceMapping",
            "Lambda takes uploads out of Queue in batches, a capped number at once.",
            {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "Function"},
                **queue.mapping(settings),
                "Tags": tags.listed(settings.tags),
            },
        ),
    }


def _queue_resource(
    settings: Settings, name: str, what: str, attributes: dict[str, str]
) -> Resource:
    numbers = {key: int(value) for key, value in attributes.items()}
    return _resource(
        "SQS::Queue",
        what,
        {"QueueName": name, **numbers, "Tags": tags.listed(settings.tags)},
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
    )


def _permission(settings: Settings) -> Resource:
    granted = {"FunctionName": {"Ref": "Function"}, **trigger.permission(settings)}
    del granted["StatementId"]  # CloudFormation writes its own
    says = f"S3 may start Function for SourceBucket. {_FIRST}"
    return _resource("Lambda::Permission", says, granted)


def _outputs(settings: Settings) -> dict[str, Any]:
    target = settings.arns.bucket_url(settings.target_bucket)
    rows: dict[str, tuple[str, Any]] = {
        "UploadTo": ("Upload photos here", f"s3://{settings.source_bucket}/"),
        "Thumbnails": ("See them here", f"{target}/{settings.thumbnail_prefix}"),
        "FunctionArn": ("The function", {"Fn::GetAtt": ["Function", "Arn"]}),
        "RoleArn": ("The execution role", _role_arn(settings)),
        "LayerArn": ("The layer's version", {"Ref": "Layer"}),
    }
    if settings.keeps_failures:
        failed = {"Fn::GetAtt": ["FailureQueue", "Arn"]}
        rows["FailureQueueArn"] = ("Failed events", failed)
    return {
        name: {"Description": what, "Value": value}
        for name, (what, value) in rows.items()
    }


def _role_arn(settings: Settings) -> Any:
    return settings.execution_role or {"Fn::GetAtt": ["Role", "Arn"]}


def _code(key: str) -> dict[str, Any]:
    return {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": key}


def _laid_out(value: Any, indent: str = "") -> str:
    """Write JSON for people: what is short stands in one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent) + len(line) <= 70:
        return line
    deeper = indent + "  "
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    inner = [
        f"{deeper}{json.dumps(key)}: {_laid_out(one, deeper)}"
        for key, one in (value.items() if isinstance(value, dict) else ())
    ] or [f"{deeper}{_laid_out(one, deeper)}" for one in value]
    return f"{opened}\n" + ",\n".join(inner) + f"\n{indent}{closed}"


def _portable(value: Any, settings: Settings) -> Any:
    """Put CloudFormation's words in place of these settings' account and region."""
    if isinstance(value, dict):
        return {key: _portable(inner, settings) for key, inner in value.items()}
    if isinstance(value, list):
        return [_portable(inner, settings) for inner in value]
    if not isinstance(value, str):
        return value
    plain = text = value.replace("${", "${!")
    for ours, theirs in (
        (settings.account, "${AWS::AccountId}"),
        (settings.region, "${AWS::Region}"),
        (f"arn:{settings.arns.partition}:", "arn:${AWS::Partition}:"),
    ):
        text = text.replace(ours, theirs)
    if text == plain:
        return value
    return {"Ref": "AWS::AccountId"} if value == settings.account else {"Fn::Sub": text}
