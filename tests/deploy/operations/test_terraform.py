"""The Terraform configuration: the facts of the template, as the provider has them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deploy.operations import terraform
from deploy.operations.export import template
from deploy.settings import Settings

ACCOUNT = "000000000000"
#: Attributes of the resources that are used, as hashicorp/aws 6.66.0 has them: true for
#: one that is required, an object for a block. Read from the npm package
#: @cdktn/provider-aws 25.7.0, which is generated from the provider's own schema.
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "support" / "terraform_aws.json").read_text("utf-8")
)
OPTIONS = {
    "plain": {},
    "private": {"public": False},
    "given": {"execution_role": f"arn:aws:iam::{ACCOUNT}:role/LabRole", "queue": True},
    "all": {
        "reliable": True,
        "queue": True,
        "backup": True,
        "mirror": True,
        "alarm_topic": f"arn:aws:sns:us-east-1:{ACCOUNT}:t",
        "permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/Boundary",
    },
}


def written(**options: Any) -> tuple[dict, dict]:
    """The template, and its translation."""
    settings = Settings(account=ACCOUNT, region="us-east-1", **options)
    document = template(settings, "layer-key", "function-key", "Pillow")
    return document, terraform.configuration(document)


@pytest.fixture(params=OPTIONS.values(), ids=OPTIONS)
def both(request):
    return written(**request.param)


def unknown(shape: dict, block: dict, where: str) -> list[str]:
    """Name the attributes that the provider does not have, or that lack."""
    found = [f"{where} lacks {k}" for k, need in shape.items() if need is True]
    found = [text for text in found if text.rpartition(" ")[2] not in {*block, "!"}]
    for name, value in block.items():
        if name in ("//", "depends_on"):
            continue
        if name not in shape:
            found.append(f"{where} has no {name}")
        elif isinstance(shape[name], dict) and where.count(".") < 4:
            for inner in value if isinstance(value, list) else [value]:
                if name != "environment":
                    found += unknown(shape[name], inner, f"{where}.{name}")
    return found


def test_the_provider_knows_each_attribute_and_none_lacks(both):
    _, found = both
    for kind, resources in found["resource"].items():
        for name, block in resources.items():
            assert unknown(SCHEMA[kind], block, f"{kind}.{name}") == []


def test_what_is_referred_to_is_there(both):
    _, found = both
    there = {
        f"{kind}.{name}" for kind, each in found["resource"].items() for name in each
    }
    there |= {
        f"data.{kind}.{name}" for kind, each in found["data"].items() for name in each
    }
    text = json.dumps(found)
    named = set(re.findall(r"(?<!\$)\$\{((?:data\.)?\w+\.\w+)\.\w+\}", text))
    after = {
        name
        for each in found["resource"].values()
        for block in each.values()
        for name in block.get("depends_on", [])
    }
    assert named and after and (named | after) <= there
    functions = {"path.module", "filebase64sha256"}
    rest = set(re.findall(r"(?<!\$)\$\{([\w.]+)", text)) - functions
    assert {name.rpartition(".")[0] for name in rest} <= there


def leaves(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(leaves, value.values()))
    if isinstance(value, list):
        return set().union(*map(leaves, value))
    return {json.dumps(value).strip('"')}


def test_no_fact_of_the_template_is_lost(both):
    """But for what only CloudFormation has: its zips' keys, and the queue's address."""
    document, found = both
    text = json.dumps(found).replace('\\"', '"').replace("\\", "")
    for name, each in document["Resources"].items():
        left = {
            key: part
            for key, part in each["Properties"].items()
            if key not in ("Code", "Content", "Queues")
        }
        for fact in leaves(left):
            plain = re.sub(r"\$\{AWS::\w+\}", "${…}", fact)
            references = {*document["Resources"], "Arn"}
            if fact in references or fact.startswith("AWS::"):
                continue
            here = re.sub(r"\$\{data\.[\w.]+\}", "${…}", text)
            assert plain.replace("\\", "") in here, (name, fact)


def test_policies_are_the_templates(both):
    document, found = both
    pseudo = {
        "${AWS::AccountId}": "${data.aws_caller_identity.current.account_id}",
        "${AWS::Region}": "${data.aws_region.current.region}",
        "${AWS::Partition}": "${data.aws_partition.current.partition}",
    }
    for name, each in document["Resources"].items():
        if each["Type"] == "AWS::S3::BucketPolicy":
            text = json.dumps(each["Properties"]["PolicyDocument"])
            for old, new in pseudo.items():
                text = text.replace(old, new)
            text = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text)
            block = found["resource"]["aws_s3_bucket_policy"][
                name[:-6].lower() + "_policy"
            ]
            assert json.loads(block["policy"]) == json.loads(text)


def test_order_is_kept_where_aws_looks_at_once():
    """S3 asks for the permission, Lambda for the role's rights, as each is written."""
    resources = written(**OPTIONS["plain"])[1]["resource"]
    rules = resources["aws_s3_bucket_notification"]["source_bucket"]
    assert rules["depends_on"] == ["aws_lambda_permission.source_may_invoke"]
    resources = written(**OPTIONS["all"])[1]["resource"]
    mapping = resources["aws_lambda_event_source_mapping"]["take_from_queue"]
    assert "aws_iam_role_policy.queue" in mapping["depends_on"]
    policy = resources["aws_s3_bucket_policy"]["target_policy"]
    assert policy["depends_on"] == ["aws_s3_bucket_public_access_block.target_bucket"]


def test_a_suffix_has_one_rule_with_every_event():
    rules = written()[1]["resource"]["aws_s3_bucket_notification"]["source_bucket"]
    assert [rule["filter_suffix"] for rule in rules["lambda_function"]] == [
        *(".jpg", ".png")
    ]
    for rule in rules["lambda_function"]:
        assert rule["events"] == list(Settings(ACCOUNT, "us-east-1").events)


def test_what_looks_like_terraforms_own_is_escaped():
    recipe = {"thumbnail": {"effects": [{"effect": "text", "text": "${a} %{b}"}]}}
    resources = written(recipe=recipe)[1]["resource"]
    function = resources["aws_lambda_function"]["function"]
    assert "$${a} %%{b}" in function["environment"]["variables"]["RECIPE"]
