import json

import pytest
from support.by_hand import version
from support.moto_cloud import ACCOUNT, here

from deploy.errors import DeployError
from deploy.steps import buckets, role


def inline(cloud, settings):
    answer = cloud.iam.list_role_policies(RoleName=settings.role_name)
    return sorted(answer["PolicyNames"])


def test_trust_policy():
    (statement,) = role.trust_policy()["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


def test_thumbnails_policy_is_two_statements(settings):
    assert role.thumbnails_policy(settings) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{settings.source_bucket}/*",
            },
            {
                "Effect": "Allow",
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{settings.target_bucket}/*",
            },
        ],
    }


def rights(policy):
    return [(s["Action"], s["Resource"]) for s in policy["Statement"]]


def test_reliable_policy(settings):
    source = f"arn:aws:s3:::{settings.source_bucket}"
    wanted = [
        ("s3:ListBucket", source),
        ("s3:GetObject", f"arn:aws:s3:::{settings.target_bucket}/*"),
        ("sqs:SendMessage", settings.failure_queue_arn),
    ]
    assert rights(role.reliable_policy(settings)) == wanted
    found = rights(role.reliable_policy(settings, versioned=True))
    assert ("s3:GetObjectVersion", f"{source}/*") in found
    statements = role.reliable_policy(settings, versioned=True)["Statement"]
    sids = {s["Sid"] for s in statements}  # every reason has a name
    assert len(sids) == len(statements) and all(sid.isalnum() for sid in sids)


def test_mirror_adds_the_right_to_delete(cloud):
    plain, reliable = here(cloud, mirror=True), here(cloud, mirror=True, reliable=True)
    target, source = plain.target_bucket, plain.source_bucket
    deletes = ("s3:DeleteObject", f"arn:aws:s3:::{target}/*")
    sees = ("s3:ListBucket", f"arn:aws:s3:::{source}")
    assert rights(role.mirror_policy(plain)) == [deletes, sees]
    assert rights(role.mirror_policy(reliable)) == [deletes]
    assert role.mirror_policy(here(cloud)) is None


def test_mirror_goes_as_it_came(cloud):
    buckets.create(cloud, here(cloud))
    role.create(cloud, here(cloud, mirror=True))
    assert inline(cloud, here(cloud)) == ["mirror", "thumbnails"]
    assert "policy mirror" in role.describe(cloud, here(cloud)).drift
    role.create(cloud, here(cloud))
    assert inline(cloud, here(cloud)) == ["thumbnails"]


@pytest.mark.parametrize("operation", ["CreateRole", "PutRolePermissionsBoundary"])
def test_a_boundary_that_is_not_there_is_said(cloud, wire, operation):
    if operation != "CreateRole":
        role.create(cloud, here(cloud))
    why = "Scope ARN: … does not exist or is not attachable."
    wire.fail(operation, "NoSuchEntity", why, status=404)
    bound = f"arn:aws:iam::{ACCOUNT}:policy/none"
    with pytest.raises(DeployError, match=f"no policy {bound}.*--permissions-boundary"):
        role.create(cloud, here(cloud, permissions_boundary=bound))


def test_versioned_source_is_seen(cloud, settings):
    reliable = here(cloud, reliable=True)
    buckets.create(cloud, reliable)
    version(cloud, settings.source_bucket)
    role.create(cloud, reliable)
    found = cloud.iam.get_role_policy(
        RoleName=settings.role_name, PolicyName="reliable"
    )
    assert found["PolicyDocument"] == role.reliable_policy(reliable, versioned=True)


def test_delete_takes_extra_policies_along(cloud, settings):
    role.create(cloud, settings)
    cloud.iam.put_role_policy(
        RoleName=settings.role_name,
        PolicyName="extra",
        PolicyDocument=json.dumps(role.thumbnails_policy(settings)),
    )
    assert role.delete(cloud, settings) == []
    assert role.describe(cloud, settings) is None
