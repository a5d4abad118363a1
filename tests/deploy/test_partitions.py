"""The pipeline in GovCloud and China: each partition has its own ARNs and addresses."""

import json

import boto3
import pytest
from support.moto_cloud import ACCOUNT, here

from deploy import pipeline
from deploy.cloud import Cloud
from deploy.preflight import findings


@pytest.fixture(params=["us-gov-west-1", "cn-north-1"])
def abroad(request, account):
    """A cloud in another partition, and its name."""
    region = request.param
    session = boto3.Session("test", "test", region_name=region)
    partition = session.get_partition_for_region(region)
    identity = f"arn:{partition}:iam::{ACCOUNT}:root"
    return Cloud(session, ACCOUNT, region, "aws", identity=identity), partition


# moto lacks GovCloud's managed policies, so the role cannot be made there.
@pytest.mark.parametrize("abroad", ["cn-north-1"], indirect=True)
def test_up_status_and_down(abroad):
    cloud, partition = abroad
    settings = here(cloud, queue=True, reliable=True)
    stack = pipeline.up(cloud, settings, say=lambda line: None)
    assert {arn.split(":")[1] for arn in stack.arns.values()} == {partition}
    assert pipeline.status(cloud, settings).ready
    policy = cloud.s3.get_bucket_policy(Bucket=settings.target_bucket)["Policy"]
    (statement, *_) = json.loads(policy)["Statement"]
    assert f"arn:{partition}:s3:::" in json.dumps(statement)
    assert pipeline.down(cloud, settings).left == ()


def test_addresses_are_the_partitions(abroad):
    cloud, partition = abroad
    urls = json.dumps(pipeline.urls(cloud, here(cloud)))
    assert ("amazonaws.com.cn" in urls) == (partition == "aws-cn")


def test_the_root_user_is_known_by_its_partition(abroad):
    cloud, _ = abroad
    levels = {one.about: one.level for one in findings(cloud, here(cloud), ())}
    assert levels["rights"] == "ok"
