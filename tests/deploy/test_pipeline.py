import dataclasses
import json
from contextlib import ExitStack

import pytest
from support.by_hand import fail, version
from support.moto_cloud import here

from deploy import pipeline
from deploy.configure import settings_for
from deploy.errors import DeployError, SettingsError
from deploy.steps import failures, role


def states(report):
    return {item.step: item.state for item in report.items}


@pytest.mark.parametrize("verb", [pipeline.up, pipeline.down])
def test_up_and_down_of_a_pipeline_take_turns(cloud, settings, verb):
    said = []
    with ExitStack() as other:
        other.enter_context(pipeline._turn(cloud, settings, {}, said.append))

        def say(line):
            said.append(line)
            other.close()

        verb(cloud, settings, say=say)
    assert said[0].endswith("`down` of workbook runs; this one waits for it.")


def test_an_up_that_waited_keeps_the_options_of_the_one_before(cloud):
    with ExitStack() as other:
        other.enter_context(pipeline._turn(cloud, None, {"box": 99}, print))

        def say(line):
            if "waits" in line:
                pipeline._up(cloud, settings_for(cloud, box=99), print)
                other.close()

        assert pipeline.up(cloud, say=say).settings.box == 99


def test_where_nothing_can_be_written_nobody_waits(
    cloud, settings, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(tmp_path / "file"))
    assert not pipeline.down(cloud, settings).left


def test_plan_of_nothing_creates_and_shows_policies_and_cost(cloud, settings, wire):
    plan = pipeline.plan(cloud, settings)
    assert set(states(plan).values()) == {"create"}
    assert json.dumps(role.thumbnails_policy(settings), indent=2) in repr(plan)
    assert "costs nothing at rest" in repr(plan)
    pipeline.plan(cloud, settings, reliable=True)
    assert wire.mutations == []


def test_plan_keeps_what_stands_and_updates_what_changes(cloud, settings):
    pipeline.up(cloud, settings)
    assert set(states(pipeline.plan(cloud, settings)).values()) == {"keep"}
    plan = pipeline.plan(cloud, settings, memory_mb=1024, reliable=True)
    assert states(plan) == {
        "buckets": "keep",
        "role": "update",
        "layer": "keep",
        "function": "update",
        "failures": "create",
        "trigger": "keep",
        "alarms": "create",
    }


def test_plan_removes_what_is_not_wanted(cloud, settings):
    pipeline.up(cloud, settings, reliable=True)
    found = states(pipeline.plan(cloud, settings))
    assert found["failures"] == found["alarms"] == "remove"


def test_plan_shows_what_is_foreign(cloud, settings, wire):
    wire.refuse("HeadBucket", "403", "Forbidden", 403)
    assert states(pipeline.plan(cloud, settings))["buckets"] == "refused"


def test_up_says_where_and_returns_arns(cloud, settings):
    made = pipeline.up(cloud, settings, reliable=True)
    text, arns = repr(made), made.arns
    assert f"s3://{settings.source_bucket}/" in text
    host = f"{settings.target_bucket}.s3.eu-west-1.amazonaws.com"
    assert f" {host}/thumbnails/" in text  # no link: nobody may list them
    assert arns["function"] == settings.function_arn
    assert arns["failures"] == settings.failure_queue_arn
    assert all(arn.startswith("arn:aws:") for arn in arns.values())


def test_held_events_are_not_thrown_away(cloud, settings):
    reliable = here(cloud, reliable=True)
    pipeline.up(cloud, reliable)
    fail(cloud, settings)
    said = []
    pipeline.up(cloud, settings, say=said.append)
    assert said[1:] == ["Queue workbook-failures stays: it holds 1 failed events."]
    found = failures.describe(cloud, settings)
    assert found.events == 1 and found.config is None


def test_up_explains_a_refusal(cloud, settings, wire):
    message = "not authorized: iam:PutRolePolicy"
    wire.refuse("PutRolePolicy", "AccessDenied", message, 403)
    with pytest.raises(DeployError, match="Ask the account's owner") as caught:
        pipeline.up(cloud, settings)
    assert caught.value.where == "step role"
    assert caught.value.__cause__.operation_name == "PutRolePolicy"


def test_settings_of_another_account_are_refused(cloud, settings):
    other = dataclasses.replace(settings, account="999999999999")
    with pytest.raises(SettingsError, match="for account 999999999999"):
        pipeline.up(cloud, other)


def test_a_new_name_moves_derived_buckets_and_leaves_given_ones(cloud):
    settings = here(cloud, source_bucket="my-photos")
    found = pipeline.plan(cloud, settings, name="photos").settings
    assert found.source_bucket == "my-photos"
    assert found.target_bucket.startswith("photos-target-")


def test_status_of_nothing(cloud, settings):
    report = pipeline.status(cloud, settings)
    assert set(states(report).values()) == {"missing"} and not report.ready


def test_status_names_the_difference(cloud, settings):
    pipeline.up(cloud, settings)
    report = pipeline.status(cloud, settings, timeout_s=60)
    assert "differs   function  workbook-thumbnailer  (Timeout)" in repr(report)


def test_down_leaves_nothing(cloud, settings):
    pipeline.up(cloud, settings, reliable=True)
    name = settings.source_bucket
    version(cloud, name)
    cloud.s3.put_object(Bucket=name, Key="a.jpg", Body=b"1")
    cloud.s3.delete_object(Bucket=name, Key="a.jpg")
    assert repr(pipeline.down(cloud, settings)) == "Nothing is left."
    assert cloud.s3.list_buckets()["Buckets"] == []
    assert cloud.iam.list_roles()["Roles"] == []
    assert cloud.awslambda.list_functions()["Functions"] == []
    assert cloud.awslambda.list_layers()["Layers"] == []
    assert cloud.logs.describe_log_groups()["logGroups"] == []
    assert "QueueUrls" not in cloud.sqs.list_queues()
    assert cloud.cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_down_says_what_is_left(cloud, settings, wire, no_delays):
    pipeline.up(cloud, settings)
    wire.refuse("DeleteRole", "AccessDenied", "no", 403)
    report = pipeline.down(cloud, settings)
    assert "DeleteRole was refused (AccessDenied)" in repr(report)
    assert "Nothing is left" not in repr(report)
    assert len(report.left) == 1 and "workbook-thumbnailer-role" in report.left[0]


def test_down_tells_of_lost_events(cloud, settings):
    pipeline.up(cloud, settings, reliable=True)
    fail(cloud, settings)
    report = pipeline.down(cloud, settings)
    assert report.notes == ("1 failed events went with queue workbook-failures",)
    assert report.left == ()


def test_emulator_urls_have_the_bucket_in_the_path(cloud, settings):
    emulator = type(cloud)(
        cloud.session, cloud.account, cloud.region, "local", "http://127.0.0.1:1"
    )
    see = pipeline.urls(emulator, settings)["thumbnails"]
    assert see == f"http://127.0.0.1:1/{settings.target_bucket}/thumbnails/"


def test_given_role_outlives_the_pipeline(cloud, settings, wire):
    cloud.iam.create_role(
        RoleName="LabRole", AssumeRolePolicyDocument=json.dumps(role.trust_policy())
    )
    given = here(cloud, execution_role=f"arn:aws:iam::{settings.account}:role/LabRole")
    made = pipeline.up(cloud, given)
    assert made.arns["role"] == given.execution_role
    assert pipeline.status(cloud, given).ready
    assert repr(pipeline.down(cloud, given)) == "Nothing is left."
    assert not [name for name in wire.mutations[1:] if "Role" in name]
