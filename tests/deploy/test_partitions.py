"""The pipeline in GovCloud and China: each partition has its own ARNs and addresses."""

import json

import boto3
import pytest
from support.moto_cloud import ACCOUNT, here

from deploy import pipeline
from deploy.cloud import Cloud


@pytest.fixture(params=["us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
def abroad(request, account):
    """A cloud in another partition, and its name."""
    region = request.param
    session = boto3.Session("test", "test", region_name=region)
    partition = session.get_partition_for_region(region)
    identity = f"arn:{partition}:iam::{ACCOUNT}:root"
    # moto reads the partition from a region in the host, and GovCloud's has none.
    session.events.register("request-created.iam", _with_region)
    return Cloud(session, ACCOUNT, region, "aws", identity=identity), partition


def _with_region(request, **_):
    request.url = request.url.replace("iam.us-gov.", "iam.us-gov-west-1.")


def test_up_status_and_down(abroad):
    cloud, partition = abroad
    # moto's pattern of an on-failure destination has no region of the EU's cloud.
    settings = here(cloud, queue=True, reliable=partition != "aws-eusc")
    stack = pipeline.up(cloud, settings, say=lambda line: None)
    assert {arn.split(":")[1] for arn in stack.arns.values()} == {partition}
    assert pipeline.status(cloud, settings).ready
    policy = cloud.s3.get_bucket_policy(Bucket=settings.target_bucket)["Policy"]
    (statement, *_) = json.loads(policy)["Statement"]
    assert f"arn:{partition}:s3:::" in json.dumps(statement)
    assert pipeline.down(cloud, settings).left == ()


def test_the_callers_partition_counts_where_a_region_has_a_new_name(account):
    session = boto3.Session("test", "test", region_name="eu-west-1")
    identity = f"arn:aws-cn:iam::{ACCOUNT}:root"
    cloud = Cloud(session, ACCOUNT, "ck-new-1", "aws", identity=identity)
    settings = here(cloud)
    assert settings.function_arn.startswith("arn:aws-cn:lambda:ck-new-1:")
    assert settings.arns.bucket_url("b") == "https://b.s3.ck-new-1.amazonaws.com.cn"
    assert here(Cloud(session, ACCOUNT, "eu-west-1", "aws")).partition == ""
