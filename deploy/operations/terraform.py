"""The template's resources in Terraform's words, as `export` writes them beside it.

The CloudFormation template is the one description; this translates it, a function a
kind of resource, into Terraform's JSON. Most names are CloudFormation's in small
letters (`FunctionName`, `function_name`); what differs stands here.

Source: https://developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

#: Since this version a bucket can stand in the account's own namespace:
#: https://github.com/hashicorp/terraform-provider-aws/pull/46917
PROVIDER = {"source": "hashicorp/aws", "version": ">= 6.37"}
_PSEUDO = {
    "AWS::AccountId": "data.aws_caller_identity.current.account_id",
    "AWS::Region": "data.aws_region.current.region",
    "AWS::Partition": "data.aws_partition.current.partition",
}
#: Kind of resource → Terraform's, and the attribute that a Ref means.
_KINDS = {
    "S3::Bucket": ("aws_s3_bucket", "bucket"),
    "S3::BucketPolicy": ("aws_s3_bucket_policy", "bucket"),
    "IAM::Role": ("aws_iam_role", "name"),
    "Lambda::LayerVersion": ("aws_lambda_layer_version", "arn"),
    "Lambda::Function": ("aws_lambda_function", "function_name"),
    "Lambda::Permission": ("aws_lambda_permission", "id"),
    "Lambda::EventInvokeConfig": ("aws_lambda_function_event_invoke_config", "id"),
    "Lambda::EventSourceMapping": ("aws_lambda_event_source_mapping", "uuid"),
    "Logs::LogGroup": ("aws_cloudwatch_log_group", "name"),
    "SQS::Queue": ("aws_sqs_queue", "url"),
    "SQS::QueuePolicy": ("aws_sqs_queue_policy", "id"),
    "CloudWatch::Alarm": ("aws_cloudwatch_metric_alarm", "alarm_name"),
}
#: Attributes that are not called as in CloudFormation.
_NAMES = {
    "BucketName": "bucket",
    "RoleName": "name",
    "LogGroupName": "name",
    "QueueName": "name",
    "MessageRetentionPeriod": "message_retention_seconds",
    "VisibilityTimeout": "visibility_timeout_seconds",
    "PolicyDocument": "policy",
    "AssumeRolePolicyDocument": "assume_role_policy",
}
#: What holds JSON as a text.
_TEXTS = {"PolicyDocument", "AssumeRolePolicyDocument", "RedrivePolicy"}
#: Resources of their own in Terraform, or written by `_more`.
_APART = {
    *("PublicAccessBlockConfiguration", "VersioningConfiguration"),
    *("NotificationConfiguration", "Policies", "ManagedPolicyArns"),
    *("Code", "Content", "Queues"),
}

#: A resource: its kind, its name, its attributes.
Block = tuple[str, str, dict[str, Any]]


def configuration(template: dict[str, Any]) -> dict[str, Any]:
    """Translate a template; the two zips are read from the configuration's folder."""
    resources: dict[str, dict[str, Any]] = {}
    translated = _Template(template)
    for kind, name, attributes in translated.blocks():
        resources.setdefault(kind, {})[name] = attributes
    return {
        "terraform": {"required_providers": {"aws": PROVIDER}},
        "data": {
            f"aws_{each}": {"current": {}}
            for each in ("caller_identity", "partition", "region")
        },
        "resource": resources,
        "output": {
            _snake(name): {
                "description": each["Description"],
                "value": translated.value(each["Value"]),
            }
            for name, each in template["Outputs"].items()
        },
    }


class _Template:
    """Translates a template whose resources refer to each other."""

    def __init__(self, template: dict[str, Any]) -> None:
        self._resources = template["Resources"]

    def blocks(self) -> Iterator[Block]:
        for name, resource in self._resources.items():
            kind = resource["Type"].removeprefix("AWS::")
            properties, label = resource["Properties"], _snake(name)
            attributes = {
                "//": resource["Metadata"]["Purpose"],
                **self._attributes(properties),
                **self._more(kind, name, properties),
            }
            yield _KINDS[kind][0], label, attributes
            if kind == "S3::Bucket":
                yield from self._of_bucket(name, resource)
            elif kind == "IAM::Role":
                yield from self._of_role(name, resource)

    def value(self, found: Any) -> Any:
        """Translate a value: what it refers to, and what Terraform would read in it."""
        if isinstance(found, list):
            return [self.value(each) for each in found]
        if isinstance(found, str):
            return _escaped(found)
        if not isinstance(found, dict):
            return found
        if "Ref" in found:
            name = found["Ref"]
            return f"${{{_PSEUDO.get(name) or self._address(name)}}}"
        if "Fn::GetAtt" in found:
            name, attribute = found["Fn::GetAtt"]
            return f"${{{self._address(name, attribute.lower())}}}"
        if "Fn::Sub" in found:
            return _substituted(found["Fn::Sub"])
        return {key: self.value(each) for key, each in found.items()}

    def _address(self, name: str, attribute: str | None = None) -> str:
        kind, by_ref = _KINDS[self._resources[name]["Type"].removeprefix("AWS::")]
        return f"{kind}.{_snake(name)}.{by_ref if attribute is None else attribute}"

    def _attributes(self, properties: dict[str, Any]) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for key, found in properties.items():
            if key in _APART:
                continue
            value = self.value(found)
            if key in _TEXTS:
                value = json.dumps(value)
            elif key in ("Tags", "Dimensions"):
                name = "Key" if key == "Tags" else "Name"
                value = {each[name]: each["Value"] for each in value}
            elif key == "Environment":
                value = {"variables": value["Variables"]}
            elif isinstance(value, dict):
                value = _small(value)
            written[_NAMES.get(key) or _snake(key)] = value
        return written

    def _more(self, kind: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Write what CloudFormation says otherwise, or by the order of resources."""
        if kind in ("Lambda::Function", "Lambda::LayerVersion"):
            zip_file = f"${{path.module}}/{name.lower()}.zip"
            digest = f'${{filebase64sha256("{zip_file}")}}'
            code = {"filename": zip_file, "source_code_hash": digest}
            after = ["aws_cloudwatch_log_group.log_group"]
            return code | ({"depends_on": after} if kind == "Lambda::Function" else {})
        if kind == "SQS::QueuePolicy":
            return {"queue_url": self.value(properties["Queues"][0])}
        if kind == "S3::BucketPolicy":
            bucket = _snake(properties["Bucket"]["Ref"])
            return {"depends_on": [f"aws_s3_bucket_public_access_block.{bucket}"]}
        # Lambda asks then whether the role may take from, and send to, the queues.
        asked = kind in ("Lambda::EventSourceMapping", "Lambda::EventInvokeConfig")
        if asked and "Role" in self._resources:
            policies = self._resources["Role"]["Properties"]["Policies"]
            names = (_snake(each["PolicyName"]) for each in policies)
            return {"depends_on": [f"aws_iam_role_policy.{each}" for each in names]}
        return {}

    def _of_bucket(self, name: str, resource: dict[str, Any]) -> Iterator[Block]:
        properties, label = resource["Properties"], _snake(name)
        bucket = {"bucket": self.value({"Ref": name})}
        block = _small(properties["PublicAccessBlockConfiguration"])
        yield "aws_s3_bucket_public_access_block", label, bucket | block
        if versions := properties.get("VersioningConfiguration"):
            attributes = {"versioning_configuration": _small(versions)}
            yield "aws_s3_bucket_versioning", label, bucket | attributes
        if rules := properties.get("NotificationConfiguration"):
            permission = self._address(resource["DependsOn"]).rpartition(".")[0]
            attributes = self._rules(rules) | {"depends_on": [permission]}
            yield "aws_s3_bucket_notification", label, bucket | attributes

    def _rules(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """Join the rules of a suffix, of which CloudFormation has one an event type."""
        ((written, rules),) = configuration.items()
        kind, arn = ("queue", "queue_arn")
        if written == "LambdaConfigurations":
            kind, arn = ("lambda_function", "lambda_function_arn")
        joined: dict[str, dict[str, Any]] = {}
        for rule in rules:
            ((part,),) = (rule["Filter"]["S3Key"]["Rules"],)
            target = self.value(rule.get("Function") or rule.get("Queue"))
            new = {arn: target, "events": [], "filter_suffix": _escaped(part["Value"])}
            joined.setdefault(part["Value"], new)["events"].append(rule["Event"])
        return {kind: list(joined.values())}

    def _of_role(self, name: str, resource: dict[str, Any]) -> Iterator[Block]:
        properties, role = resource["Properties"], {"role": self.value({"Ref": name})}
        for policy in properties["Policies"]:
            text = json.dumps(self.value(policy["PolicyDocument"]))
            attributes = {"name": policy["PolicyName"], "policy": text}
            yield "aws_iam_role_policy", _snake(policy["PolicyName"]), role | attributes
        for number, arn in enumerate(properties["ManagedPolicyArns"]):
            attached = role | {"policy_arn": self.value(arn)}
            yield "aws_iam_role_policy_attachment", f"managed_{number}", attached


def _small(found: dict[str, Any]) -> dict[str, Any]:
    """Write the names of a block, and of the blocks in it, in small letters."""
    return {
        _snake(key): _small(value) if isinstance(value, dict) else value
        for key, value in found.items()
    }


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("-", "_")


def _escaped(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


def _substituted(text: str) -> str:
    """Translate a text of Fn::Sub, where ${! stands for ${."""
    parts = re.split(r"\$\{(!?)([^}]*)\}", text)
    written = [_escaped(parts[0])]
    for literal, name, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        written.append(f"$${{{name}}}" if literal else f"${{{_PSEUDO[name]}}}")
        written.append(_escaped(after))
    return "".join(written)
