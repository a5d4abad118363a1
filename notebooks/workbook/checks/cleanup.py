"""Check 11: nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.checks.findings import Finding, answer, judged


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look for everything that the course makes."""
    buckets = settings.source_bucket, settings.target_bucket, settings.backup_bucket
    for bucket in buckets:
        yield _gone(
            f"no bucket {bucket}",
            lambda name=bucket: cloud.s3.head_bucket(
                Bucket=name, ExpectedBucketOwner=settings.account
            ),
            ("404", "NoSuchBucket", "403", "AccessDenied"),
        )
    yield _gone(
        f"no role {settings.role_name}",
        lambda: cloud.iam.get_role(RoleName=settings.role_name),
        ("NoSuchEntity",),
    )
    yield _gone(
        f"no layer {settings.layer_name}",
        lambda: _some(
            cloud.awslambda.list_layer_versions(LayerName=settings.layer_name),
            "LayerVersions",
        ),
        ("ResourceNotFoundException",),
    )
    yield _gone(
        f"no function {settings.function_name}",
        lambda: cloud.awslambda.get_function(FunctionName=settings.function_name),
        ("ResourceNotFoundException",),
    )
    yield _gone(
        f"no log group {settings.log_group}", lambda: _group(cloud, settings), ()
    )
    yield _gone(
        f"no queue {settings.failure_queue}",
        lambda: cloud.sqs.get_queue_url(QueueName=settings.failure_queue),
        (
            "AWS.SimpleQueueService.NonExistentQueue",
            "QueueDoesNotExist",
            "com.amazonaws.sqs#QueueDoesNotExist",
        ),
    )


def _gone(
    name: str, call: Callable[[], dict[str, Any] | None], missing: tuple[str, ...]
) -> Finding:
    return judged(
        name,
        answer(call, *missing) is None,
        "It is still there: `down(cloud)` deletes it (11_cleanup).",
    )


def _some(page: dict[str, Any], field: str) -> dict[str, Any] | None:
    return page if page[field] else None


def _group(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    name = settings.log_group
    page = cloud.logs.describe_log_groups(logGroupNamePrefix=name)
    return next((g for g in page["logGroups"] if g["logGroupName"] == name), None)
