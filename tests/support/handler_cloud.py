"""The handler on moto: two buckets, uploads with the records that S3 would send."""

import copy
import io
import json
from pathlib import Path
from threading import RLock
from types import SimpleNamespace
from urllib.parse import quote_plus

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from PIL import Image
from support.moto_cloud import standing

from handler import lambda_handler

EVENTS = Path(__file__).parent / "events"
ENV = {"TARGET_BUCKET": "thumbs"}
ORDERED = ENV | {"ORDERED": "true"}
CONTEXT = SimpleNamespace(aws_request_id="request-1")
# One session, because reading botocore's service files takes most of a client's time.
SESSION = boto3.Session("test", "test", region_name="us-east-1")
BUCKETS = ("photos", "thumbs")


@pytest.fixture(scope="module")
def moto():
    """Start moto once for all tests of a module, as it takes longer than they do.

    It answers one call at a time: in another's midst it may lose the object of that.
    """
    answer, turn = BotocoreStubber.process_request, RLock()

    def in_turn(stubber, request):
        with turn:
            return answer(stubber, request)

    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "process_request", in_turn)
        yield


@pytest.fixture(scope="session")
def one_client():
    """One client for all tests: to make one takes as long as a test."""
    return SESSION.client("s3")


@pytest.fixture
def client(moto, one_client):
    """A client of two empty buckets; what a test hooks into it goes with the test."""
    BackendDict.reset()
    create = one_client.create_bucket
    standing("handler", lambda: [create(Bucket=name) for name in BUCKETS])
    events = one_client.meta.events
    before = events._emitter
    events._emitter = copy.copy(before)
    yield one_client
    events._emitter = before


@pytest.fixture
def lines(capsys):
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def recorded(name):
    return json.loads((EVENTS / f"{name}.json").read_text("utf-8"))


def picture(kind="JPEG", size=(400, 300), colour="red"):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def upload(client, key="cat.jpg", body=None, sequencer="0055AED6DCD90281E5"):
    """Put an object in the source bucket, and return the record that S3 would send."""
    body = picture() if body is None else body
    response = client.put_object(Bucket="photos", Key=key, Body=body)
    record = recorded("s3_put")["Records"][0]
    record["s3"]["object"] = {
        "key": quote_plus(key),
        "size": len(body),
        "eTag": response["ETag"].strip('"'),
        "sequencer": sequencer,
    }
    if "VersionId" in response:
        record["s3"]["object"]["versionId"] = response["VersionId"]
    return record


def run(client, *records, env=ENV, event=None):
    event = {"Records": list(records)} if event is None else event
    return lambda_handler(event, CONTEXT, client=client, env=env)


def get(client, key):
    return client.get_object(Bucket="thumbs", Key=key)["Body"].read()


def keys(client):
    listed = client.list_objects_v2(Bucket="thumbs").get("Contents", [])
    return [item["Key"] for item in listed]


def refuse(client, operation, code, *, key, service="s3"):
    """Answer one key's calls with an error, where the network is."""

    def hook(params, **_):
        if params["url_path"].endswith(key):
            response = {"Error": {"Code": code}}
            raise ClientError(response, operation)

    client.meta.events.register(f"before-call.{service}.{operation}", hook)
