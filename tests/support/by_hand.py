"""What somebody changes by hand in a pipeline: each takes the cloud and settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import buckets, role, trigger

Change = Callable[[Cloud, Settings], object]

OTHER_TRUST = json.dumps(role.trust_policy()).replace("lambda", "ec2")
CLOSED = buckets.public_access_block(public_policy=False)


def version(cloud: Cloud, bucket: str, status: str = "Enabled") -> None:
    """Switch a bucket's versions on, or off."""
    configuration = {"Status": status}
    cloud.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=configuration)


def notify(cloud: Cloud, settings: Settings, **configuration: Any) -> None:
    """Put these rules in place of the source's, whatever they lead to; none: empty."""
    cloud.s3.put_bucket_notification_configuration(
        Bucket=settings.source_bucket,
        NotificationConfiguration=configuration,
        SkipDestinationValidation=True,
    )


def only_put(cloud: Cloud, settings: Settings) -> None:
    """Let our rules fire for no other kind of upload."""
    puts = {"Events": ["s3:ObjectCreated:Put"]}
    rules = [rule | puts for rule in trigger.rules(settings)]
    notify(cloud, settings, LambdaFunctionConfigurations=rules)


def configured(**changes: Any) -> Change:
    """Change the function's configuration."""
    return lambda c, s: c.awslambda.update_function_configuration(
        FunctionName=s.function_name, **changes
    )


def blocked(part: str, block: dict[str, bool] = CLOSED) -> Change:
    """Change a bucket's Block Public Access."""
    return lambda c, s: c.s3.put_public_access_block(
        Bucket=getattr(s, part), PublicAccessBlockConfiguration=block
    )


def without_policy(name: str) -> Change:
    """Delete one of the role's policies."""
    return lambda c, s: c.iam.delete_role_policy(RoleName=s.role_name, PolicyName=name)


def trusts_another(cloud: Cloud, settings: Settings) -> None:
    """Let the role trust EC2 in place of Lambda."""
    cloud.iam.update_assume_role_policy(
        RoleName=settings.role_name, PolicyDocument=OTHER_TRUST
    )


def may_not_log(cloud: Cloud, settings: Settings) -> None:
    """Take away the role's permission to log."""
    cloud.iam.detach_role_policy(
        RoleName=settings.role_name, PolicyArn=role.basic_execution(settings)
    )


def permitted(**wrong: str) -> Change:
    """Let another in than our bucket; without what is wrong, nobody."""

    def change(cloud: Cloud, settings: Settings) -> None:
        name = {"FunctionName": settings.function_name}
        cloud.awslambda.remove_permission(**name, StatementId=trigger.STATEMENT_ID)
        if wrong:
            given = trigger.permission(settings) | wrong
            cloud.awslambda.add_permission(**name, **given)

    return change


def limited(executions: int) -> Change:
    """Reserve so many executions for the function at once; none: it is stopped."""
    return lambda c, s: c.awslambda.put_function_concurrency(
        FunctionName=s.function_name, ReservedConcurrentExecutions=executions
    )


def queue_url(cloud: Cloud, name: str) -> str:
    """A queue's address."""
    return cloud.sqs.get_queue_url(QueueName=name)["QueueUrl"]


def mapping(cloud: Cloud, settings: Settings) -> dict[str, Any]:
    """What takes the queue's messages to the function."""
    queue = {"EventSourceArn": settings.queue_arn}
    (found,) = cloud.awslambda.list_event_source_mappings(**queue)[
        "EventSourceMappings"
    ]
    return found


def fail(cloud: Cloud, settings: Settings, body: object = "{}", times: int = 1) -> None:
    """Put something into the queue of failed events."""
    url = queue_url(cloud, settings.failure_queue)
    text = body if isinstance(body, str) else json.dumps(body)
    for _ in range(times):
        cloud.sqs.send_message(QueueUrl=url, MessageBody=text)
