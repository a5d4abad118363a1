"""The exported template: clean, and the same pipeline as `up` builds."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from support.bench import until
from support.rows import rows

from deploy import export, pipeline, runtimes
from deploy.cloud import Cloud
from deploy.configure import settings_for
from deploy.errors import ForeignResourceError
from deploy.operations import terraform
from deploy.operations.export import Export
from deploy.settings import Settings
from deploy.steps import trigger
from deploy.steps.layer import publish
from handler import make_thumbnail

SAMPLES = Path(__file__).parents[3] / "images" / "samples"
HERE = runtimes.here()
CODE_BUCKET = "code-of-the-template"


OPTIONS = {
    "all": {"reliable": True, "queue": True},
    "private": {"public": False},
    "plain": {},
    "reliable": {"reliable": True},
    "queue": {"queue": True},
}


@pytest.fixture(scope="module", params=rows(OPTIONS.values(), quick=2), ids=OPTIONS)
def written(request, tmp_path_factory) -> Export:
    """An export made without any cloud, with the layer that is at hand."""
    folder = tmp_path_factory.mktemp("export")
    return export(folder=folder, **request.param, **HERE)


def document(exported: Export) -> dict:
    return json.loads(exported.template.read_text("utf-8"))


# --- what is in the file -------------------------------------------------------------


def test_cfn_lint_finds_nothing(written):
    from cfnlint.api import lint  # for seconds: in the process that runs this test
    from cfnlint.config import ManualArgs

    options = ManualArgs(regions=["us-east-1", "eu-west-1"], include_checks=["I"])
    assert lint(written.template.read_text("utf-8"), config=options) == []


def test_every_resource_says_what_it_is_for_and_explains_what_checkov_finds(written):
    """As checkov 3 reads it; `checkov -f template.json` finds nothing else."""
    for resource in document(written)["Resources"].values():
        assert len(resource["Metadata"]["Purpose"]) > 15
        for skipped in resource["Metadata"].get("checkov", {}).get("skip", []):
            assert re.fullmatch(r"CKV_AWS_\d+", skipped["id"])
            assert len(skipped["comment"]) > 20


def test_terraform_has_the_same_description_and_both_zips(written):
    place = written.template.parent
    text = (place / "main.tf.json").read_text("utf-8")
    assert json.loads(text) == terraform.configuration(document(written))
    zips = set(re.findall(r"path\.module\}/([\w.]+)", text))
    assert zips == {"layer.zip", "function.zip"}
    assert all((place / name).exists() for name in zips)


def test_no_account_is_named_and_the_one_question_is_where_the_code_is(written):
    assert list(document(written)["Parameters"]) == ["CodeBucket"]
    text = written.template.read_text("utf-8")
    text += (written.template.parent / "main.tf.json").read_text("utf-8")
    assert not re.search(r"\b\d{12}\b|us-east-1", text)


def test_the_text_is_short_enough_to_send(written):
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert written.template.stat().st_size < 51_200


def test_buckets_are_in_the_accounts_own_namespace(written):
    source = document(written)["Resources"]["SourceBucket"]["Properties"]
    assert source["BucketNamespace"] == "account-regional"
    assert source["BucketName"]["Fn::Sub"].endswith("${AWS::Region}-an")


def test_keys_follow_the_zips_and_settings_do_not(tmp_path):
    first = export(folder=tmp_path, **HERE)
    assert first.function_key in first.template.read_text("utf-8")
    again = export(folder=tmp_path, box=99, **HERE)
    assert again.function_key == first.function_key
    assert '"BOX": "99"' in again.template.read_text("utf-8")


def test_a_dollar_in_a_value_stays_a_dollar(tmp_path):
    recipe = {"thumbnail": {"watermark": {"text": "${small}"}}}
    exported = export(folder=tmp_path, recipe=recipe, backup=True, **HERE)
    function = document(exported)["Resources"]["Function"]["Properties"]
    written = function["Environment"]["Variables"]["RECIPE"]["Fn::Sub"]
    assert "${!small}" in written and "${AWS::AccountId}" in written


def test_what_it_says_names_the_files_and_the_keys(written):
    said = str(written)
    assert written.layer_key in said and written.function_key in said
    assert "CAPABILITY_NAMED_IAM" in said and "delete-stack" in said


@pytest.mark.slow  # may fetch a wheel
def test_by_itself_it_is_for_aws(tmp_path):
    resources = document(export(folder=tmp_path))["Resources"]
    properties = resources["Function"]["Properties"]
    assert properties["Runtime"] == runtimes.DEFAULT_RUNTIME
    assert properties["Architectures"] == [runtimes.DEFAULT_ARCHITECTURE]


def test_a_given_role_is_not_made(tmp_path):
    role = "arn:aws:iam::210987654321:role/LabRole"
    written = document(export(folder=tmp_path, execution_role=role, **HERE))
    function = written["Resources"]["Function"]["Properties"]
    assert "Role" not in written["Resources"]
    assert function["Role"]["Fn::Sub"].endswith("${AWS::AccountId}:role/LabRole")


def test_a_private_target_is_open_to_nobody(tmp_path):
    written = document(export(folder=tmp_path, public=False, **HERE))["Resources"]
    block = written["TargetBucket"]["Properties"]["PublicAccessBlockConfiguration"]
    policy = written["TargetPolicy"]["Properties"]["PolicyDocument"]
    assert [one["Effect"] for one in policy["Statement"]] == ["Deny"]
    assert all(block.values())


def test_every_bucket_refuses_http(tmp_path):
    written = document(export(folder=tmp_path, backup=True, **HERE))["Resources"]
    for part in ("Source", "Target", "Backup"):
        policy = written[f"{part}Policy"]["Properties"]
        assert policy["Bucket"] == {"Ref": f"{part}Bucket"}
        last = policy["PolicyDocument"]["Statement"][-1]
        assert last["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# --- the same pipeline ---------------------------------------------------------------


class Twins:
    """Two pipelines side by side: "one" by `up`, "two" by CloudFormation."""

    def __init__(self, cloud: Cloud, folder: Path, options: dict[str, bool]) -> None:
        self.cloud = cloud
        self.one = settings_for(cloud, name="one", **options)
        self.two = settings_for(cloud, name="two", **options)
        self.cloudformation = cloud.client("cloudformation")
        pipeline.up(cloud, self.one)
        self.deploy(export(cloud, self.two, folder=folder))

    def deploy(self, exported: Export) -> None:
        """Do with boto3 what the printed text says."""
        s3 = self.cloud.s3
        s3.create_bucket(Bucket=CODE_BUCKET)
        s3.upload_file(str(exported.layer), CODE_BUCKET, exported.layer_key)
        s3.upload_file(str(exported.function), CODE_BUCKET, exported.function_key)
        self.cloudformation.create_stack(
            StackName="two",
            TemplateBody=exported.template.read_text("utf-8"),
            Parameters=[{"ParameterKey": "CodeBucket", "ParameterValue": CODE_BUCKET}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        self.cloudformation.get_waiter("stack_create_complete").wait(
            StackName="two", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    def seen(self, settings: Settings) -> dict[str, dict]:
        """What each step describes, as if the pipeline had no name."""
        seen = {
            step.name: step.module.describe(self.cloud, settings)
            for step in pipeline.STEPS
        }
        found = {name: each and dataclasses.asdict(each) for name, each in seen.items()}
        text = json.dumps(found, default=str)
        return json.loads(re.sub(rf"\b{settings.name}-", "name-", text))

    def delete(self) -> None:
        for bucket in (self.two.source_bucket, self.two.target_bucket, CODE_BUCKET):
            if bucket in str(self.cloud.s3.list_buckets()["Buckets"]):
                pipeline.buckets.empty(self.cloud, bucket)
        self.cloudformation.delete_stack(StackName="two")
        self.cloudformation.get_waiter("stack_delete_complete").wait(
            StackName="two", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        self.cloud.s3.delete_bucket(Bucket=CODE_BUCKET)
        pipeline.down(self.cloud, self.one)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) for name in ("reliable", "all")],
)
def twins(request, _local, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    twins = Twins(_local, folder, OPTIONS[request.param])
    yield twins
    twins.delete()
    assert "two" not in str(twins.cloud.s3.list_buckets()["Buckets"])


def test_status_finds_it_ready(twins):
    states = {i.step: i.state for i in pipeline.status(twins.cloud, twins.two).items}
    assert set(states.values()) == {"ready"}
    assert ("queue" in states) == twins.two.queue


@pytest.mark.parametrize("step", ["buckets", "role", "layer", "failures", "alarms"])
def test_a_step_is_the_same_by_up_and_by_template(twins, step):
    assert twins.seen(twins.two)[step] == twins.seen(twins.one)[step]


#: Made by Lambda, once for each function or mapping.
ITS_OWN = {"LastModified", "RevisionId", "UUID", "EventSourceMappingArn"} | {
    "LastProcessingResult"
}


def test_the_queue_is_the_same(twins):
    one, two = (twins.seen(settings)["queue"] for settings in (twins.one, twins.two))
    for found in (one, two):
        for field in ITS_OWN if found else ():
            found["mapping"].pop(field, None)
            found["mapping"].pop("StartingPosition", None)  # of streams; MiniStack's
    assert one == two
    assert (one is not None) == twins.one.queue


def test_the_function_is_the_same(twins):
    one, two = (twins.seen(settings)["function"] for settings in (twins.one, twins.two))
    by_up, by_template = one.pop("configuration"), two.pop("configuration")
    assert one == two
    # MiniStack's CloudFormation leaves out the fields that it would leave empty.
    fields = by_template.keys() - ITS_OWN
    assert {f: by_template[f] for f in fields} == {f: by_up[f] for f in fields}


def test_the_trigger_means_the_same(twins):
    one, two = (twins.seen(settings)["trigger"] for settings in (twins.one, twins.two))
    assert starts(one) == starts(two)
    permitted = [(found["permission"] or {}).get("Condition") for found in (one, two)]
    assert permitted[0] == permitted[1]


def starts(found: dict) -> set[tuple[str, str, str]]:
    """What starts it: event, target, suffix; both rules of a kind or one for all."""
    return {
        (event, rule.get("LambdaFunctionArn") or rule["QueueArn"], suffix["Value"])
        for rule in found["rules"]
        for event in rule["Events"]
        for suffix in rule["Filter"]["Key"]["FilterRules"]
    }


def test_everything_carries_our_tag(twins):
    cloud, two = twins.cloud, twins.two
    role = cloud.iam.list_role_tags(RoleName=two.role_name)["Tags"]
    function = cloud.awslambda.list_tags(Resource=two.function_arn)["Tags"]
    group = f"arn:aws:logs:{two.region}:{two.account}:log-group:{two.log_group}"
    logs = cloud.logs.list_tags_for_resource(resourceArn=group)["tags"]
    tags = [{tag["Key"]: tag["Value"] for tag in role}, function, logs]
    assert [one["thumbnail-workbook"] for one in tags] == ["two"] * 3


def test_a_photo_becomes_a_thumbnail(twins):
    photo = (SAMPLES / "this-side-up.jpg").read_bytes()
    twins.cloud.s3.put_object(
        Bucket=twins.two.source_bucket, Key="photo.jpg", Body=photo
    )
    twins.cloud.s3.get_waiter("object_exists").wait(
        Bucket=twins.two.target_bucket,
        Key=f"{twins.two.thumbnail_prefix}photo.jpg",
        WaiterConfig={"Delay": 1, "MaxAttempts": 30},
    )
    answer = twins.cloud.s3.get_object(
        Bucket=twins.two.target_bucket, Key=f"{twins.two.thumbnail_prefix}photo.jpg"
    )
    assert answer["Body"].read() == make_thumbnail(photo)


def test_down_leaves_it_to_cloudformation(twins):
    with pytest.raises(ForeignResourceError, match=r"stack 'two'.*delete-stack"):
        pipeline.down(twins.cloud, twins.two)
    assert pipeline.status(twins.cloud, twins.two).ready


def test_up_changes_nothing_of_it(twins):
    before = trigger.describe(twins.cloud, twins.two)
    pipeline.up(twins.cloud, twins.two)
    assert trigger.describe(twins.cloud, twins.two) == before
    assert len(list(publish.versions(twins.cloud, twins.two))) == 1


def test_cloudformation_keeps_a_bucket_that_holds_pictures(twins):
    twins.cloud.s3.put_object(Bucket=twins.two.target_bucket, Key="keep", Body=b"x")
    twins.cloudformation.delete_stack(StackName="two")
    until(lambda: state_of(twins) != "DELETE_IN_PROGRESS", 30)
    assert state_of(twins) == "DELETE_FAILED"
    assert twins.cloud.s3.list_objects_v2(Bucket=twins.two.target_bucket)["KeyCount"]


def state_of(twins: Twins) -> str:
    (one,) = twins.cloudformation.describe_stacks(StackName="two")["Stacks"]
    return one["StackStatus"]
