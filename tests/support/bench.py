"""Buckets, roles and functions of one test's own on the shared local cloud."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from deploy import policies, runtimes, zips
from deploy.cloud import Cloud
from deploy.local import server
from deploy.steps import role

TRUST = role.trust_policy()
ECHO = "import json\ndef handler(event, context):\n    print(json.dumps(event))\n"


class Bench:
    """Makes buckets, roles and functions of its own, quickly."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.name = f"bench-{uuid4().hex[:12]}"

    def bucket(self) -> str:
        name = f"b-{uuid4().hex}"
        self.cloud.s3.create_bucket(Bucket=name)
        return name

    def open_bucket(self) -> str:
        """A bucket whose policy lets anyone do anything, with one object."""
        name = self.bucket()
        self.cloud.s3.delete_public_access_block(Bucket=name)
        resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        anyone = policies.statement("s3:*", resources, principal="*")
        document = json.dumps(policies.document(anyone))
        self.cloud.s3.put_bucket_policy(Bucket=name, Policy=document)
        self.put(name, "a.txt", b"hello")
        return name

    def put(self, bucket: str, key: str, body: bytes = b"x") -> dict:
        return self.cloud.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def role(self, *statements: dict, trust: dict = TRUST) -> str:
        name = f"r-{uuid4().hex}"
        role = self.cloud.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps(trust)
        )
        if statements:
            document = json.dumps(policies.document(*statements))
            self.cloud.iam.put_role_policy(
                RoleName=name, PolicyName="p", PolicyDocument=document
            )
        return role["Role"]["Arn"]

    def user(self, *statements: dict) -> tuple[str, str]:
        """A user who may do so: access key and secret."""
        name, iam = f"u-{uuid4().hex}", self.cloud.iam
        document = json.dumps(policies.document(*statements))
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def function(self, code: str = ECHO, role: str = "", **options: Any) -> str:
        name = f"f-{uuid4().hex}"
        defaults = {
            "Runtime": runtimes.machine_runtime(),
            "Handler": "index.handler",
            "Role": role or self.role(),
            "Code": {"ZipFile": zipped(code)},
            "Timeout": 10,
        }
        client = self.cloud.awslambda
        client.create_function(FunctionName=name, **defaults | options)
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        return name

    def invoke(self, name: str, event: object = None) -> Any:
        answer = self.cloud.awslambda.invoke(
            FunctionName=name, Payload=json.dumps(event)
        )
        return json.loads(answer["Payload"].read())

    def send(self, name: str, event: object) -> None:
        """Invoke a function without waiting for it."""
        payload = json.dumps(event).encode()
        self.cloud.awslambda.invoke(
            FunctionName=name, InvocationType="Event", Payload=payload
        )

    def layer(self, content: bytes, **options: Any) -> Any:
        return self.cloud.awslambda.publish_layer_version(
            LayerName=f"l-{uuid4().hex}", Content={"ZipFile": content}, **options
        )

    def queue(self, **attributes: str) -> tuple[str, str]:
        """A queue: its URL and its ARN."""
        name, sqs = f"q-{uuid4().hex}", self.cloud.sqs
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    def allow(self, function: str, bucket: str) -> None:
        self.cloud.awslambda.add_permission(
            FunctionName=function,
            StatementId="s3",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::{bucket}",
        )

    def notify(
        self, bucket: str, function: str, *suffixes: str, events: tuple[str, ...] = ()
    ) -> None:
        arn = self.cloud.awslambda.get_function(FunctionName=function)
        arn = arn["Configuration"]["FunctionArn"]
        rules = [rule(arn, suffix, *events) for suffix in suffixes or ("",)]
        self.cloud.s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={"LambdaFunctionConfigurations": rules},
        )

    def watched(self, *events: str) -> tuple[str, str]:
        """A bucket whose every event a function prints."""
        bucket, function = self.bucket(), self.function()
        self.allow(function, bucket)
        self.notify(bucket, function, events=events)
        return bucket, function

    def lines(self, function: str) -> list[str]:
        try:
            answer = self.cloud.logs.filter_log_events(
                logGroupName=f"/aws/lambda/{function}"
            )
        except self.cloud.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in answer["events"]]

    def records(self, function: str, count: int = 1) -> list[dict]:
        """Wait for as many event records as the function printed."""

        def seen() -> list[dict]:
            lines = [line for line in self.lines(function) if line.startswith("{")]
            return [record for line in lines for record in json.loads(line)["Records"]]

        until(lambda: len(seen()) >= count)
        return seen()


def rule(arn: str, suffix: str, *events: str) -> dict:
    filters = [{"Name": "suffix", "Value": suffix}] if suffix else []
    return {
        "LambdaFunctionArn": arn,
        "Events": list(events or ("s3:ObjectCreated:*",)),
        "Filter": {"Key": {"FilterRules": filters}},
    }


def zipped(code: str, name: str = "index.py") -> bytes:
    return zips.zipped({name: code.encode()}, mode=0o644)


def until(true: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def fetch(
    url: str, body: bytes | None = None, method: str | None = None, **headers: str
) -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with opener.open(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


@pytest.fixture
def bench(local: Cloud) -> Bench:
    return Bench(local)


@pytest.fixture
def running(local: Cloud) -> server.Running:
    """The process of the shared local cloud."""
    return server.find()
