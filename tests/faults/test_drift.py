"""Everything that a step sets, changed by hand: `status` names it, `up` mends it."""

import json

import pytest
from support import by_hand
from support.matrix import Row, quiet, standing
from support.moto_cloud import here
from support.moto_cloud import standing as standing_in

from deploy import pipeline
from deploy.steps import alarms, buckets, role


def wider_policy(cloud, settings):
    policy = json.dumps(role.thumbnails_policy(settings)).replace("GetObject", "*")
    cloud.iam.put_role_policy(
        RoleName=settings.role_name, PolicyName=role.THUMBNAILS, PolicyDocument=policy
    )


def other_code(cloud, settings):
    cloud.awslambda.update_function_code(
        FunctionName=settings.function_name, ZipFile=b"other"
    )


def no_destination(cloud, settings):
    cloud.awslambda.delete_function_event_invoke_config(
        FunctionName=settings.function_name
    )


#: What is changed → by what, and how `status` names it.
CHANGES = {
    "source: tag taken off": (
        lambda c, s: c.s3.delete_bucket_tagging(Bucket=s.source_bucket),
        "source tag",
    ),
    "source: opened": (
        by_hand.blocked(
            "source_bucket", buckets.public_access_block(public_policy=True)
        ),
        "source public access block",
    ),
    "target: closed": (by_hand.blocked("target_bucket"), "target public access block"),
    "target: block taken off": (
        lambda c, s: c.s3.delete_public_access_block(Bucket=s.target_bucket),
        "target public access block",
    ),
    "target: policy deleted": (
        lambda c, s: c.s3.delete_bucket_policy(Bucket=s.target_bucket),
        "target policy",
    ),
    "role: trusts another service": (
        by_hand.trusts_another,
        "trust policy",
    ),
    "role: a wider policy": (wider_policy, "policy thumbnails"),
    "role: a policy deleted": (
        by_hand.without_policy(role.THUMBNAILS),
        "policy thumbnails",
    ),
    "role: the second policy deleted": (
        by_hand.without_policy(role.RELIABLE),
        "policy reliable",
    ),
    "role: may not log": (by_hand.may_not_log, "log permission"),
    "function: 3 seconds": (by_hand.configured(Timeout=3), "Timeout"),
    "function: 128 MB": (by_hand.configured(MemorySize=128), "MemorySize"),
    "function: another runtime": (by_hand.configured(Runtime="python3.14"), "Runtime"),
    "function: another handler": (by_hand.configured(Handler="app.main"), "Handler"),
    "function: no environment": (
        by_hand.configured(Environment={"Variables": {}}),
        "Environment",
    ),
    "function: no layer": (by_hand.configured(Layers=[]), "Layers"),
    "function: other code": (other_code, "CodeSha256"),
    "log: kept longer": (
        lambda c, s: c.logs.put_retention_policy(
            logGroupName=s.log_group, retentionInDays=365
        ),
        "log retention",
    ),
    "log: deleted": (
        lambda c, s: c.logs.delete_log_group(logGroupName=s.log_group),
        "log retention",
    ),
    "failures: no destination": (no_destination, "destination"),
    "failures: queue keeps a minute": (
        lambda c, s: c.sqs.set_queue_attributes(
            QueueUrl=by_hand.queue_url(c, s.failure_queue),
            Attributes={"MessageRetentionPeriod": "60"},
        ),
        "retention",
    ),
    "trigger: Put alone": (by_hand.only_put, "rules"),
    "trigger: no rules": (by_hand.notify, "rules"),
    "trigger: for another account": (
        by_hand.permitted(SourceAccount="999999999999"),
        "permission",
    ),
    "trigger: no permission": (by_hand.permitted(), "permission"),
    "alarm deleted": (
        lambda c, s: c.cloudwatch.delete_alarms(AlarmNames=[s.alarm_name("errors")]),
        "errors",
    ),
}


@pytest.mark.slow
def test_every_change_is_named_and_mended(cloud, no_delays, matrix):
    settings = here(cloud, reliable=True)
    pipeline.up(cloud, settings, say=quiet)
    rows = []
    for what, (change, name) in CHANGES.items():
        change(cloud, settings)
        status = pipeline.status(cloud, settings)
        differing = [item for item in status.items if item.state == "differs"]
        sees = "; ".join(f"{item.step} differs: {item.note}" for item in differing)
        assert name in sees, what
        remains = standing(status)
        pipeline.up(cloud, settings, say=quiet)
        assert pipeline.status(cloud, settings).ready, what
        rows.append(Row(what, sees, remains, "`up`: ready"))
    matrix("changed by hand", rows)


def mapping(**changes):
    def change(cloud, settings):
        found = by_hand.mapping(cloud, settings)
        cloud.awslambda.update_event_source_mapping(UUID=found["UUID"], **changes)

    return change


def louder_alarm(cloud, settings):
    changed = alarms.alarms(settings)[0] | {"Threshold": 7.0}
    cloud.cloudwatch.put_metric_alarm(**changed)


#: What is changed, where there is a queue and a backup, too.
MORE = {
    "queue: shows messages early": (
        lambda c, s: c.sqs.set_queue_attributes(
            QueueUrl=by_hand.queue_url(c, s.queue_name),
            Attributes={"VisibilityTimeout": "9"},
        ),
        "queue attributes",
    ),
    "mapping: small batches": (mapping(BatchSize=4), "mapping"),
    "mapping: disabled": (mapping(Enabled=False), "mapping"),
    "backup: forgets": (
        lambda c, s: by_hand.version(c, s.backup_bucket, "Suspended"),
        "backup versions",
    ),
    "source: lets http in": (
        lambda c, s: c.s3.delete_bucket_policy(Bucket=s.source_bucket),
        "source policy",
    ),
    "alarm: another threshold": (louder_alarm, "errors"),
}
QUICK = ("target: policy deleted", "role: trusts another service", "role: may not log")
QUICK += ("role: a policy deleted", "trigger: for another account", "alarm deleted")


@pytest.mark.parametrize("what", [*MORE, *QUICK])
def test_a_change_is_named_and_mended_by_its_step(cloud, what):
    change, name = (CHANGES | MORE)[what]
    settings = here(cloud, reliable=True, queue=what in MORE, backup=what in MORE)
    standing_in(settings, lambda: pipeline.up(cloud, settings, say=quiet))
    change(cloud, settings)
    found = {step: step.module.describe(cloud, settings) for step in pipeline.STEPS}
    (differs,) = (step for step, seen in found.items() if seen and seen.drift)
    assert list(found[differs].drift) == [name]
    differs.module.create(cloud, settings)
    assert differs.module.describe(cloud, settings).drift == {}


@pytest.mark.parametrize("step", pipeline.STEPS, ids=lambda step: step.name)
def test_a_deleted_part_is_made_again(cloud, no_delays, step):
    settings = here(cloud, reliable=True)
    pipeline.up(cloud, settings, say=quiet)
    step.module.delete(cloud, settings)
    pipeline.up(cloud, settings, say=quiet)
    assert pipeline.status(cloud, settings).ready
