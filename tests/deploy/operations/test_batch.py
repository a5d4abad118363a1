import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
from botocore.stub import Stubber
from support.moto_cloud import REGION

from deploy.__main__ import main
from deploy.cloud import Cloud
from deploy.configure import settings_for
from deploy.errors import DeployError
from deploy.operations import batch
from deploy.operations.backfill import Picture
from deploy.steps import buckets
from handler import lambda_handler
from handler.events import parse

KEYS = ["a.jpg", "summer 2026/100% ü+1.jpg", 'two, "three"\n.png']
ROLE = "arn:aws:iam::123456789012:role/batch"
EVENTS = Path(__file__).parents[2] / "support" / "events"


def pictures(*keys):
    return [Picture(key, "0123", 5, datetime.now(UTC)) for key in keys]


def request(settings):
    return batch.create_job_request(
        settings, role_arn=ROLE, key="batch/manifest-0.csv", etag='"0123"'
    )


def test_a_manifest_line_is_a_bucket_and_an_encoded_key(settings):
    body = batch.manifest(settings, pictures(*KEYS)).decode("ascii")
    rows = list(csv.reader(io.StringIO(body)))
    assert [bucket for bucket, _ in rows] == [settings.source_bucket] * 3
    assert [unquote_plus(key) for _, key in rows] == KEYS


def test_botocore_takes_the_request(cloud, settings):
    client = cloud.client("s3control")
    with Stubber(client) as stub:
        stub.add_response("create_job", {"JobId": "one-job"}, request(settings))
        assert client.create_job(**request(settings))["JobId"] == "one-job"


def test_the_same_manifest_is_the_same_job(settings):
    token = "ClientRequestToken"
    assert request(settings)[token] == request(settings)[token]
    assert len(request(settings)[token]) <= 64  # AWS's limit


def test_the_manifest_is_not_public(settings):
    key = batch.manifest_key(b"one")
    assert not key.startswith(settings.thumbnail_prefix)


def test_the_jobs_role_may_do_three_things_for_batch_operations_alone(settings):
    actions = [s["Action"] for s in batch.role_policy(settings)["Statement"]]
    assert actions == ["lambda:InvokeFunction", "s3:GetObject", "s3:PutObject"]
    (statement,) = batch.trust_policy(settings)["Statement"]
    service = "batchoperations.s3.amazonaws.com"
    assert statement["Principal"] == {"Service": service}
    assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == (
        settings.account
    )


def test_no_emulator_is_asked(settings):
    local = Cloud(None, settings.account, settings.region, "local", "http://127.0.0.1")
    with pytest.raises(DeployError, match="does not model S3 Batch Operations"):
        batch.batch(local, settings, job_role=ROLE)


def test_nothing_missing_is_no_job(cloud, settings):
    buckets.create(cloud, settings)
    with pytest.raises(DeployError, match="no picture lacks its thumbnail"):
        batch.batch(cloud, settings, job_role=ROLE)


def test_the_command_asks_for_a_job_of_what_is_missing(cloud, wire, capsys):
    settings = settings_for(cloud)
    buckets.create(cloud, settings)
    cloud.s3.put_object(Bucket=settings.source_bucket, Key="a.jpg", Body=b"photo")
    wire.answer("CreateJob", {"JobId": "one-job"})
    assert batch.batch(cloud, settings, job_role=ROLE) == "one-job"
    key = batch.manifest_key(f"{settings.source_bucket},a.jpg\n".encode())
    listed = cloud.s3.list_objects_v2(Bucket=settings.target_bucket)["Contents"]
    assert [found["Key"] for found in listed] == [key]


def test_without_a_role_the_command_says_which_it_needs(account, capsys):
    assert main(["batch", "--cloud", "aws", "--region", REGION]) == 1
    said = capsys.readouterr().out
    assert "batchoperations.s3.amazonaws.com" in said and "--job-role ARN" in said


@pytest.mark.parametrize("name", ["batch_v1.json", "batch_v2.json"])
def test_the_handler_answers_a_recorded_task(name):
    event = json.loads((EVENTS / name).read_text("utf-8"))
    (task,), (upload,) = event["tasks"], parse(event)
    answer = lambda_handler(event, client=Gone(), env={"TARGET_BUCKET": "thumbs"})
    (result,) = answer["results"]
    assert answer["invocationId"] == event["invocationId"]
    assert result["taskId"] == task["taskId"] and upload.bucket == "photos"
    assert result["resultCode"] == "TemporaryFailure"  # AWS tries it again


class Gone:
    """An S3 client of a network that is down."""

    def get_object(self, **_):
        raise ConnectionError("no network")
