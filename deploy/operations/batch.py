"""The same backfill on AWS for many millions: S3 Batch Operations.

AWS reads a manifest, a CSV of buckets and keys, and invokes the function once for each
line; the handler answers each task. Neither MiniStack nor moto models it, so here the
request is validated against botocore's model of it, the handler's answers are tested on
recorded events, and `batch` refuses every cloud but AWS.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus

from deploy import policies, tags
from deploy.cloud import Cloud
from deploy.configure import resolved
from deploy.errors import DeployError
from deploy.explained import STATUS, explained
from deploy.operations.backfill import Picture, missing, pictures
from deploy.settings import Settings

#: Where manifests and reports go in the target bucket: outside of what is public.
PREFIX = "batch/"
PRIORITY = 10


def batch(
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    job_role: str,
    **overrides: Any,
) -> str:
    """Make a job for every picture whose thumbnail is missing, and return its id.

    The job waits until somebody confirms it in the console. Whoever calls this needs
    `s3:CreateJob`, and `iam:PassRole` on the job's role.

    Args:
        job_role: the ARN of a role with `trust_policy` and `role_policy`.

    Raises:
        DeployError: this is not AWS, there is nothing to do, or a call was refused.
    """
    cloud, settings = resolved(cloud, settings, overrides)
    if cloud.kind != "aws":
        raise DeployError(
            f"{cloud} does not model S3 Batch Operations",
            where="batch",
            todo="Use `backfill`, which compares and tells the function by itself.",
        )
    with explained("batch", STATUS):
        body = manifest(settings, missing(cloud, settings, pictures(cloud, settings)))
        if not body:
            raise DeployError("no picture lacks its thumbnail", where="batch")
        key = manifest_key(body)
        put = cloud.s3.put_object(Bucket=settings.target_bucket, Key=key, Body=body)
        etag = put["ETag"]
        job = create_job_request(settings, role_arn=job_role, key=key, etag=etag)
        return cloud.s3control.create_job(**job)["JobId"]


def manifest(settings: Settings, pictures: Iterable[Picture]) -> bytes:
    """Write the list of pictures as AWS reads it: no heading, keys URL-encoded.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-create-job.html#specify-batchjob-manifest
    """
    bucket = settings.source_bucket
    lines = (f"{bucket},{quote_plus(one.key, safe='/')}\n" for one in pictures)
    return "".join(lines).encode()


def manifest_key(body: bytes) -> str:
    """Name a manifest by its content."""
    return f"{PREFIX}manifest-{hashlib.sha256(body).hexdigest()[:16]}.csv"


def create_job_request(
    settings: Settings, *, role_arn: str, key: str, etag: str
) -> dict[str, Any]:
    """Write the CreateJob request: invoke the function for each line of a manifest.

    The job waits for a confirmation in the console, where the count is shown first.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html
    """
    target = settings.arns.bucket(settings.target_bucket)
    return {
        "AccountId": settings.account,
        "ConfirmationRequired": True,
        "Description": f"Missing thumbnails of {settings.name}",
        "Operation": {
            "LambdaInvoke": {
                "FunctionArn": settings.function_arn,
                "InvocationSchemaVersion": "2.0",
            }
        },
        "Manifest": {
            "Spec": {
                "Format": "S3BatchOperations_CSV_20180820",
                "Fields": ["Bucket", "Key"],
            },
            "Location": {"ObjectArn": f"{target}/{key}", "ETag": etag.strip('"')},
        },
        "Report": {
            "Enabled": True,
            "Bucket": target,
            "Prefix": f"{PREFIX}reports",
            "Format": "Report_CSV_20180820",
            "ReportScope": "FailedTasksOnly",
        },
        "Priority": PRIORITY,
        "RoleArn": role_arn,
        # The same manifest twice is one job.
        "ClientRequestToken": hashlib.sha256(f"{key}{etag}".encode()).hexdigest(),
        "Tags": tags.listed(settings.tags),
    }


def trust_policy(settings: Settings) -> dict[str, Any]:
    """Write who may take the job's role: S3 Batch Operations, for this account."""
    may_take_it = policies.statement(
        "sts:AssumeRole",
        principal={"Service": "batchoperations.s3.amazonaws.com"},
        condition={"StringEquals": {"aws:SourceAccount": settings.account}},
    )
    return policies.document(may_take_it)


def role_policy(settings: Settings) -> dict[str, Any]:
    """Write what the job's role needs: invoke, read the manifest, write the report.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
    """
    place = settings.arns.bucket(settings.target_bucket, PREFIX)
    wanted = {
        "lambda:InvokeFunction": settings.function_arn,
        "s3:GetObject": f"{place}manifest-*",
        "s3:PutObject": f"{place}reports/*",
    }
    return policies.document(*(policies.statement(*pair) for pair in wanted.items()))
