"""Everything that a step sets, changed by hand: `status` names it, `up` mends it."""

import json

import pytest
from support.matrix import Row, quiet, standing
from support.moto_cloud import here

from deploy import pipeline
from deploy.steps import buckets, function, role, trigger

OTHER_TRUST = json.dumps(role.trust_policy()).replace("lambda", "ec2")
CLOSED = buckets.public_access_block(public_policy=False)


def configured(**changes):
    def change(cloud, settings):
        cloud.awslambda.update_function_configuration(
            FunctionName=settings.function_name, **changes
        )

    return change


def blocked(part, block):
    def change(cloud, settings):
        cloud.s3.put_public_access_block(
            Bucket=getattr(settings, part), PublicAccessBlockConfiguration=block
        )

    return change


def without_policy(name):
    def change(cloud, settings):
        cloud.iam.delete_role_policy(RoleName=settings.role_name, PolicyName=name)

    return change


def wider_policy(cloud, settings):
    policy = json.dumps(role.thumbnails_policy(settings)).replace("GetObject", "*")
    cloud.iam.put_role_policy(
        RoleName=settings.role_name, PolicyName=role.THUMBNAILS, PolicyDocument=policy
    )


def only_put(cloud, settings):
    rules = [
        rule | {"Events": ["s3:ObjectCreated:Put"]} for rule in trigger.rules(settings)
    ]
    cloud.s3.put_bucket_notification_configuration(
        Bucket=settings.source_bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": rules},
    )


def no_rules(cloud, settings):
    cloud.s3.put_bucket_notification_configuration(
        Bucket=settings.source_bucket, NotificationConfiguration={}
    )


def other_account(cloud, settings):
    name = settings.function_name
    cloud.awslambda.remove_permission(
        FunctionName=name, StatementId=trigger.STATEMENT_ID
    )
    wrong = trigger.permission(settings) | {"SourceAccount": "999999999999"}
    cloud.awslambda.add_permission(FunctionName=name, **wrong)


def no_permission(cloud, settings):
    cloud.awslambda.remove_permission(
        FunctionName=settings.function_name, StatementId=trigger.STATEMENT_ID
    )


def other_code(cloud, settings):
    cloud.awslambda.update_function_code(
        FunctionName=settings.function_name, ZipFile=b"other"
    )


def queue_url(cloud, settings):
    return cloud.sqs.get_queue_url(QueueName=settings.failure_queue)["QueueUrl"]


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
        blocked("source_bucket", buckets.public_access_block(public_policy=True)),
        "source public access block",
    ),
    "target: closed": (blocked("target_bucket", CLOSED), "target public access block"),
    "target: block taken off": (
        lambda c, s: c.s3.delete_public_access_block(Bucket=s.target_bucket),
        "target public access block",
    ),
    "target: policy deleted": (
        lambda c, s: c.s3.delete_bucket_policy(Bucket=s.target_bucket),
        "target policy",
    ),
    "role: trusts another service": (
        lambda c, s: c.iam.update_assume_role_policy(
            RoleName=s.role_name, PolicyDocument=OTHER_TRUST
        ),
        "trust policy",
    ),
    "role: a wider policy": (wider_policy, "policy thumbnails"),
    "role: a policy deleted": (without_policy(role.THUMBNAILS), "policy thumbnails"),
    "role: the second policy deleted": (
        without_policy(role.RELIABLE),
        "policy reliable",
    ),
    "role: may not log": (
        lambda c, s: c.iam.detach_role_policy(
            RoleName=s.role_name, PolicyArn=role.basic_execution(s)
        ),
        "log permission",
    ),
    "function: 3 seconds": (configured(Timeout=3), "Timeout"),
    "function: 128 MB": (configured(MemorySize=128), "MemorySize"),
    "function: another runtime": (configured(Runtime="python3.14"), "Runtime"),
    "function: another handler": (configured(Handler="app.main"), "Handler"),
    "function: no environment": (
        configured(Environment={"Variables": {}}),
        "Environment",
    ),
    "function: no layer": (configured(Layers=[]), "Layers"),
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
            QueueUrl=queue_url(c, s), Attributes={"MessageRetentionPeriod": "60"}
        ),
        "retention",
    ),
    "trigger: Put alone": (only_put, "rules"),
    "trigger: no rules": (no_rules, "rules"),
    "trigger: for another account": (other_account, "permission"),
    "trigger: no permission": (no_permission, "permission"),
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


@pytest.mark.parametrize("step", pipeline.STEPS, ids=lambda step: step.name)
def test_a_deleted_part_is_made_again(cloud, no_delays, step):
    settings = here(cloud, reliable=True)
    pipeline.up(cloud, settings, say=quiet)
    step.module.delete(cloud, settings)
    pipeline.up(cloud, settings, say=quiet)
    assert pipeline.status(cloud, settings).ready


def test_everything_carries_the_tag(cloud):
    settings = here(cloud, reliable=True)
    pipeline.up(cloud, settings, say=quiet)
    role_tags = cloud.iam.list_role_tags(RoleName=settings.role_name)["Tags"]
    group = f"arn:aws:logs:{settings.region}:{settings.account}:log-group"
    alarm = cloud.cloudwatch.describe_alarms()["MetricAlarms"][0]["AlarmArn"]
    alarm_tags = cloud.cloudwatch.list_tags_for_resource(ResourceARN=alarm)["Tags"]
    name = {"Key": "thumbnail-workbook", "Value": settings.name}
    assert name in role_tags and name in alarm_tags
    for bucket in (settings.source_bucket, settings.target_bucket):
        assert name in cloud.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    pairs = {"thumbnail-workbook": settings.name}
    assert function.tags(cloud, settings) == pairs
    url = queue_url(cloud, settings)
    assert cloud.sqs.list_queue_tags(QueueUrl=url)["Tags"] == pairs
    arn = f"{group}:{settings.log_group}"
    assert cloud.logs.list_tags_for_resource(resourceArn=arn)["tags"] == pairs
