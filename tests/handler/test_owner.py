"""A bucket that another account owns by now gets nothing, and gives nothing."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from support.handler_cloud import CONTEXT, ENV, ORDERED, client, keys, lines, upload

from handler import lambda_handler
from handler.report import UploadsFailed
from handler.storage import account_of

__all__ = ["client", "lines"]  # fixtures

ACCOUNT = "123456789012"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:workbook-thumbnailer"
IN_LAMBDA = SimpleNamespace(aws_request_id="request-1", invoked_function_arn=ARN)
BACKUP = ENV | {"RECIPE": '{"backup": {"bucket": "kept", "folder": "b/"}}'}


@pytest.fixture
def sent(client):
    """Watch what every call expects: (operation, bucket, owner, source's owner)."""
    found = []

    def watch(params, model, **_):
        of, source = "ExpectedBucketOwner", "ExpectedSourceBucketOwner"
        said = (params["Bucket"], params.get(of), params.get(source))
        found.append((model.name, *said))

    client.meta.events.register("provide-client-params.s3", watch)
    client.create_bucket(Bucket="kept")
    return found


def stranger(client, name):
    """Answer as S3 does where a bucket is not the expected owner's."""

    def hook(params, **_):
        expected = params["headers"].get("x-amz-expected-bucket-owner")
        if name in params["url"] and expected == ACCOUNT:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "S3")

    client.meta.events.register("before-call.s3", hook)


@pytest.mark.parametrize("env", [ENV, ORDERED, BACKUP, BACKUP | ORDERED])
def test_every_call_expects_the_functions_account(client, sent, env):
    record = upload(client)
    for _ in range(2):  # the second time an ordered write looks at what stands
        sent.clear()
        lambda_handler({"Records": [record]}, IN_LAMBDA, client=client, env=env)
        assert {owner for _, _, owner, _ in sent} == {ACCOUNT}
        copies = {source for call, _, _, source in sent if call == "CopyObject"}
        assert copies <= {ACCOUNT}


@pytest.mark.parametrize("context", [None, CONTEXT])
def test_without_an_arn_nothing_is_expected(client, sent, context):
    record = upload(client)
    sent.clear()
    lambda_handler({"Records": [record]}, context, client=client, env=ENV)
    assert sent and {owner for _, _, owner, _ in sent} == {None}


@pytest.mark.parametrize("bucket", ["photos", "thumbs"])
def test_a_strangers_bucket_is_a_failure_and_gets_nothing(client, lines, bucket):
    record = upload(client)
    stranger(client, bucket)
    with pytest.raises(UploadsFailed, match="AccessDenied"):
        lambda_handler({"Records": [record]}, IN_LAMBDA, client=client, env=ENV)
    assert lines()[-1]["outcome"] == "failed"
    assert keys(client) == []


@pytest.mark.parametrize(
    ("arn", "account"),
    [(ARN, ACCOUNT), (ARN + ":live", ACCOUNT), ("", ""), (None, ""), ("x", "")],
)
def test_account_is_read_from_the_arn(arn, account):
    assert account_of(SimpleNamespace(invoked_function_arn=arn)) == account
