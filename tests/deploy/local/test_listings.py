"""Keys with characters that XML cannot hold: they are listed, read and deleted."""

import boto3
import pytest
from support.by_hand import version
from support.shown import jpeg

from deploy import pipeline, policies, settings_for
from deploy.steps import buckets
from deploy.tracing import trace

#: What XML 1.0 has not, and the three that a parser would change or drop.
ODD = [*range(1, 0x20), 0xFFFE, 0xFFFF]
KEYS = sorted(f"odd/{code:04x}-{chr(code)}.txt" for code in ODD)


@pytest.fixture
def bucket(bench):
    return bench.bucket()


def put_all(local, bucket):
    for key in KEYS:
        local.s3.put_object(Bucket=bucket, Key=key, Body=b"x")


def test_every_listing_has_every_key_as_it_is(local, bucket):
    put_all(local, bucket)
    for name in ("list_objects", "list_objects_v2"):
        found = getattr(local.s3, name)(Bucket=bucket, Prefix="odd/")
        assert sorted(row["Key"] for row in found["Contents"]) == KEYS, name
    found = local.s3.list_object_versions(Bucket=bucket)
    assert sorted(row["Key"] for row in found["Versions"]) == KEYS


def test_versions_are_paged_and_grouped_by_such_keys(local, bucket):
    version(local, bucket)
    put_all(local, bucket)
    pages = local.s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix="odd/000", PaginationConfig={"PageSize": 3}
    )
    found = [row["Key"] for page in pages for row in page["Versions"]]
    assert found == [key for key in KEYS if key.startswith("odd/000")]
    local.s3.put_object(Bucket=bucket, Key="a\x01b\x01c", Body=b"x")
    grouped = local.s3.list_object_versions(
        Bucket=bucket, Prefix="a\x01", Delimiter="\x01"
    )
    assert [row["Prefix"] for row in grouped["CommonPrefixes"]] == ["a\x01b\x01"]


def test_a_bucket_with_such_keys_is_emptied(local, bucket):
    version(local, bucket)
    put_all(local, bucket)
    local.s3.delete_object(Bucket=bucket, Key=KEYS[0])
    doomed = {"Objects": [{"Key": KEYS[1]}]}
    with pytest.raises(local.s3.exceptions.ClientError, match="MalformedXML"):
        local.s3.delete_objects(Bucket=bucket, Delete=doomed)
    buckets.empty(local, bucket)
    assert "Versions" not in local.s3.list_object_versions(Bucket=bucket)
    local.s3.delete_bucket(Bucket=bucket)


def test_a_policy_knows_such_keys(local, bench, bucket):
    """A `*` of the role's policy means any character: a line feed, too."""
    local.s3.put_object(Bucket=bucket, Key="a\nb.txt", Body=b"x")
    may = policies.statement("s3:GetObject", f"arn:aws:s3:::{bucket}/a*.txt")
    session = boto3.Session(*bench.user(may), region_name=local.region)
    client = session.client("s3", endpoint_url=local.endpoint)
    assert client.get_object(Bucket=bucket, Key="a\nb.txt")["Body"].read() == b"x"
    local.s3.put_object(Bucket=bucket, Key="a.txt\n", Body=b"x")
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.get_object(Bucket=bucket, Key="a.txt\n")


def test_a_pipeline_lives_with_such_a_key(local):
    settings = settings_for(local, name="odd-keys")
    quiet = {"say": lambda line: None}
    pipeline.up(local, settings, **quiet)
    key = "odd\x01\r.jpg"
    local.s3.put_object(Bucket=settings.source_bucket, Key=key, Body=jpeg((40, 30)))
    pipeline.up(local, settings, **quiet)
    assert pipeline.status(local, settings)
    assert trace(key, local, settings).links
    pipeline.down(local, settings)
    names = [row["Name"] for row in local.s3.list_buckets()["Buckets"]]
    assert settings.source_bucket not in names
