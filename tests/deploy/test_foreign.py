"""What is not ours: it stands in no way where it is not used, and `down` leaves it."""

import json

import pytest
from support.matrix import quiet
from support.moto_cloud import ACCOUNT, REGION, here

from deploy import pipeline
from deploy.errors import ForeignResourceError, PreflightError
from deploy.steps import alarms, buckets, failures, role
from deploy.steps import queue as uploads


def queue(name):
    def make(cloud, settings):
        cloud.sqs.create_queue(QueueName=getattr(settings, name))

    return make


def an_alarm(cloud, settings):
    theirs = alarms.alarms(here(cloud, reliable=True))[0] | {"Threshold": 3.0}
    cloud.cloudwatch.put_metric_alarm(**theirs)


def untagged(cloud, settings):
    """Take our tag off the function: then it is somebody else's."""
    cloud.awslambda.untag_resource(
        Resource=settings.function_arn, TagKeys=["thumbnail-workbook"]
    )


def a_layer(cloud, settings):
    cloud.awslambda.publish_layer_version(
        LayerName=settings.layer_name, Content={"ZipFile": b"zip"}
    )


def a_log_group(cloud, settings):
    cloud.logs.create_log_group(logGroupName=settings.log_group)


def a_bucket(cloud, settings):
    name = settings.target_bucket
    cloud.s3.create_bucket(**buckets.bucket_request(name, ACCOUNT, REGION))


def a_role(cloud, settings):
    trust = json.dumps(role.trust_policy())
    cloud.iam.create_role(RoleName=settings.role_name, AssumeRolePolicyDocument=trust)


UNUSED = {
    "failures": queue("failure_queue"),
    "uploads": queue("queue_name"),
    "alarm": an_alarm,
}


@pytest.mark.parametrize("what", UNUSED)
def test_what_is_not_used_stands_in_no_way(cloud, settings, what):
    UNUSED[what](cloud, settings)
    assert not pipeline.plan(cloud, settings).refused
    pipeline.up(cloud, settings, say=quiet)
    assert pipeline.status(cloud, settings).ready


@pytest.mark.parametrize("what", UNUSED)
def test_what_is_used_is_refused(cloud, settings, what):
    UNUSED[what](cloud, settings)
    with pytest.raises(PreflightError, match="not ours"):
        pipeline.up(cloud, settings, say=quiet, reliable=True, queue=True)


#: Each alone in the account: what `down` finds, and how it names it.
TWINS = {
    "bucket": a_bucket,
    "role": a_role,
    "layer": a_layer,
    "log group": a_log_group,
    "queue workbook-failures": queue("failure_queue"),
    "queue workbook-uploads": queue("queue_name"),
    "alarm": an_alarm,
}


@pytest.mark.parametrize("what", TWINS)
def test_down_leaves_a_twin_alone_and_names_it(cloud, settings, wire, what):
    TWINS[what](cloud, settings)
    wire.calls.clear()
    report = pipeline.down(cloud, settings)
    assert wire.mutations == [] and report.left == ()
    (note,) = report.notes
    assert what in note and "was left alone" in note


@pytest.mark.parametrize(
    ("module", "what"),
    [
        (role, "role"),
        (failures, "queue workbook-failures"),
        (uploads, "queue workbook-uploads"),
        (alarms, "alarm"),
    ],
)
def test_a_step_refuses_a_twin_and_leaves_it(cloud, settings, wire, module, what):
    whole = here(cloud, reliable=True, queue=True)
    TWINS[what](cloud, settings)
    wire.calls.clear()
    with pytest.raises(ForeignResourceError, match="not ours"):
        module.create(cloud, whole)
    (note,) = module.delete(cloud, whole)
    assert "left alone" in note and wire.mutations == []


def test_down_leaves_all_twins_beside_our_own(cloud, settings):
    for make in (queue("failure_queue"), an_alarm):
        make(cloud, settings)
    pipeline.up(cloud, settings, say=quiet)
    a_layer(cloud, settings)
    report = pipeline.down(cloud, settings)
    assert report.left == () and len(report.notes) == 3
    assert cloud.s3.list_buckets()["Buckets"] == []
    (layer,) = cloud.awslambda.list_layers()["Layers"]
    assert layer["LayerName"] == settings.layer_name


def test_a_foreign_functions_permission_stays(cloud, settings, wire):
    pipeline.up(cloud, settings, say=quiet)
    untagged(cloud, settings)
    wire.calls.clear()
    report = pipeline.down(cloud, settings)
    named = "\n".join(report.notes)
    for what in ("permission ", "rules of bucket ", "function ", "log group "):
        assert f"{what}" in named
    kept = {"RemovePermission", "DeleteFunction", "DeleteLogGroup"}
    assert kept.isdisjoint(wire.calls)
    assert cloud.awslambda.get_policy(FunctionName=settings.function_name)["Policy"]


def test_the_question_knows_all_before_the_first_deletion(cloud, settings, wire):
    pipeline.up(cloud, settings, say=quiet, backup=True)
    cloud.s3.put_object(Bucket=settings.target_bucket, Key="a.jpg", Body=b"1")
    wire.calls.clear()
    asked = []

    def ask(stands):
        asked.extend(stands)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.down(cloud, settings, backup=True, ask=ask)
    assert wire.mutations == []
    held = [claim.what for claim in asked if claim.holds]
    assert held == [f"bucket {settings.target_bucket}"]
    assert f"bucket {settings.backup_bucket}" in [claim.what for claim in asked]


def test_a_name_too_long_for_a_backup(cloud):
    names = {"source_bucket": "photos-in-here", "target_bucket": "photos-out-here"}
    settings = here(cloud, name="a" * 34, **names)
    assert repr(pipeline.down(cloud, settings)) == "Nothing is left."
