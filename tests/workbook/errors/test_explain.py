"""No row of `errors.table` without the real error: provoked, or AWS's own words.

Three ways, the first where it can be had: the call itself, refused by moto, by our
strict rules, by the handler or by Python; AWS's answer put on the wire in its exact
words; a line of a log as AWS wrote it.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email.message import Message
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from IPython.core.getipython import get_ipython
from IPython.testing.globalipapp import start_ipython
from PIL import Image
from support.log_lines import line
from workbook import SAMPLES, checks, explain, launcher, session, try_recipe
from workbook.errors import messages, table
from workbook.errors.explain import Explanation, Reply, in_result

from deploy import logs, waiting
from deploy.errors import DeployError
from deploy.steps import buckets, function, layer, role, trigger
from handler import lambda_handler, make_thumbnail

PROVOKED: dict[str, list[Callable[..., Any]]] = {}


PHOTO = SAMPLES / "lighthouse.jpg"


def row(name: str) -> Callable:
    """Say which row an error, provoked by a function, must find."""

    def add(provoke: Callable[..., Any]) -> Callable[..., Any]:
        PROVOKED.setdefault(name, []).append(provoke)
        return provoke

    return add


def error_of(call: Callable[[], Any]) -> BaseException:
    """The error that a call ends in."""
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def on_the_wire(
    name: str, call: str, code: str, message: str, status: int = 400
) -> None:
    """AWS's answer in its own words, put on the wire of a call that is made."""

    def provoke(cloud, settings, wire, tmp_path):
        wire.refuse(call, code, message, status)
        return error_of(lambda: CALLS[call](cloud, settings))

    row(name)(provoke)


def logged(name: str, text: str) -> None:
    """A line as a log has it."""
    row(name)(lambda cloud, settings, wire, tmp_path: text)


def quoted(name: str, call: str, code: str, message: str) -> None:
    """An error of a call, in AWS's own words, as people have quoted them."""
    row(name)(lambda cloud, settings, wire, tmp_path: refused(code, message, call))


def refused(code: str, message: str = "No.", call: str = "PutThing") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, call)


def unpacked(runs: list[Any]) -> list[Any]:
    (only,) = runs
    return [only]


def python(code: str, *options: str) -> str:
    """Run Python as Lambda would, and return what it says at the end."""
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "AWS_DEFAULT_REGION"},
    )
    return done.stderr.strip().splitlines()[-1]


CALLS: dict[str, Callable[..., Any]] = {
    "CreateFunction": lambda c, s: function.create(c, s),
    "CreateRole": lambda c, s: c.iam.create_role(
        RoleName="r", AssumeRolePolicyDocument=json.dumps(role.trust_policy())
    ),
    "CreateBucket": lambda c, s: c.s3.create_bucket(Bucket="somebody-has-this"),
    "GetLayerVersion": lambda c, s: c.awslambda.get_layer_version(
        LayerName="arn:aws:lambda:eu-west-1:770693421928:layer:Klayers", VersionNumber=1
    ),
    "PublishLayerVersion": lambda c, s: c.awslambda.publish_layer_version(
        LayerName="l", Content={"ZipFile": b"zip"}
    ),
    "UpdateFunctionConfiguration": (
        lambda c, s: c.awslambda.update_function_configuration(
            FunctionName=s.function_name, MemorySize=1024
        )
    ),
    "PutObjectAcl": lambda c, s: c.s3.put_object_acl(
        Bucket=s.source_bucket, Key="a", ACL="public-read"
    ),
    "GetObject": lambda c, s: c.s3.get_object(Bucket=s.source_bucket, Key="a.jpg"),
    "PutObject": lambda c, s: c.s3.put_object(Bucket=s.source_bucket, Key="a.jpg"),
    "CreateQueue": lambda c, s: c.sqs.create_queue(QueueName="q"),
    "ListBuckets": lambda c, s: c.s3.list_buckets(),
    "DeleteFunction": lambda c, s: c.awslambda.delete_function(FunctionName="f"),
    "Invoke": lambda c, s: c.awslambda.invoke(FunctionName="f"),
}


# Pillow and the layer


@row("pillow-for-another-machine")
def its_compiled_part_is_not_ours(cloud, settings, wire, tmp_path):
    with zipfile.ZipFile(layer.build(settings).path) as ours:
        for entry in ours.infolist():
            name = entry.filename.replace("cpython-3", "cpython-2")
            if not entry.is_dir():
                target = tmp_path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(ours.read(entry))
    return python(
        f"import sys; sys.path.insert(0, {str(tmp_path / 'python')!r}); "
        "from PIL import Image",
        "-S",
        "-W",
        "ignore",
    )


@row("pillow-is-missing")
def a_python_without_pillow(cloud, settings, wire, tmp_path):
    return python("from PIL import Image", "-I", "-S")


logged(
    "pillow-is-missing",
    "[ERROR] Runtime.ImportModuleError: Unable to import module 'handler.app': "
    "No module named 'PIL'",
)
logged(
    "handler-not-found",
    "[ERROR] Runtime.ImportModuleError: Unable to import module 'handler.app': "
    "No module named 'handler'",
)
logged(
    "handler-not-found",
    "[ERROR] Runtime.HandlerNotFound: Handler 'lambda_handle' missing on module "
    "'handler.app'",
)
logged(
    "code-is-no-python",
    "[ERROR] Runtime.UserCodeSyntaxError: Syntax error in module 'handler.app': "
    "invalid syntax (app.py, line 3)",
)
on_the_wire(
    "layer-of-others",
    "GetLayerVersion",
    "AccessDeniedException",
    "User: arn:aws:iam::123456789012:user/me is not authorized to perform: "
    "lambda:GetLayerVersion on resource: arn:aws:lambda:eu-west-1:770693421928:layer:"
    "Klayers:1 because no resource-based policy allows the lambda:GetLayerVersion "
    "action",
    403,
)
on_the_wire(
    "too-large",
    "PublishLayerVersion",
    "InvalidParameterValueException",
    "Unzipped size must be smaller than 262144000 bytes",
)


# The role


@row("role-not-assumable")
def a_role_for_somebody_else(cloud, settings, wire, tmp_path):
    trust = json.dumps(role.trust_policy()).replace("lambda.", "ec2.")
    made = cloud.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    return error_of(
        lambda: cloud.awslambda.create_function(
            FunctionName="f",
            Role=made["Role"]["Arn"],
            Runtime=settings.runtime,
            Handler="a.b",
            Code={"ZipFile": b""},
        )
    )


on_the_wire(
    "may-not-make-roles",
    "CreateRole",
    "AccessDenied",
    "User: arn:aws:sts::123456789012:assumed-role/voclabs/user1 is not authorized to "
    "perform: iam:CreateRole on resource: arn:aws:iam::123456789012:role/r because no "
    "identity-based policy allows the iam:CreateRole action",
    403,
)


# Public access, buckets, objects


@row("public-policy-blocked")
def a_public_policy(cloud, settings, wire, tmp_path):
    buckets.create(cloud, settings)
    policy = json.dumps(buckets.merged(None, buckets.public_read(settings)))
    closed = buckets.public_access_block(public_policy=False)
    cloud.s3.put_public_access_block(
        Bucket=settings.target_bucket, PublicAccessBlockConfiguration=closed
    )
    return error_of(
        lambda: cloud.s3.put_bucket_policy(Bucket=settings.target_bucket, Policy=policy)
    )


on_the_wire(
    "acls-are-off",
    "PutObjectAcl",
    "AccessControlListNotSupported",
    "The bucket does not allow ACLs",
)
on_the_wire("function-may-not", "GetObject", "AccessDenied", "Access Denied", 403)
on_the_wire(
    "function-may-not",
    "PutObject",
    "AccessDenied",
    "User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: "
    's3:PutObject on resource: "arn:aws:s3:::b/a.jpg" because no identity-based policy '
    "allows the s3:PutObject action",
    403,
)


@row("no-such-key")
def a_key_that_is_not_there(cloud, settings, wire, tmp_path):
    buckets.create(cloud, settings)
    return error_of(lambda: CALLS["GetObject"](cloud, settings))


@row("no-such-bucket")
def a_bucket_that_is_not_there(cloud, settings, wire, tmp_path):
    return error_of(lambda: CALLS["GetObject"](cloud, settings))


@row("no-such-bucket")
def an_upload_into_no_bucket(cloud, settings, wire, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"photo")
    return error_of(lambda: cloud.s3.upload_file(str(tmp_path / "a.jpg"), "no", "a"))


on_the_wire(
    "bucket-name-taken",
    "CreateBucket",
    "BucketAlreadyExists",
    "The requested bucket name is not available. The bucket namespace is shared by all "
    "users of the system. Please select a different name and try again.",
    409,
)


def bucket(cloud, name="my-own-bucket", where=None):
    place = {"LocationConstraint": where or cloud.region}
    return cloud.s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)


@row("bucket-is-yours")
def the_same_bucket_twice(cloud, settings, wire, tmp_path):
    bucket(cloud)
    return error_of(lambda: bucket(cloud))


@row("location-constraint")
def no_region_named(cloud, settings, wire, tmp_path):
    return error_of(lambda: cloud.s3.create_bucket(Bucket="no-region-named"))


@row("bucket-name-illegal")
def capitals_in_a_bucket_name(cloud, settings, wire, tmp_path):
    return error_of(lambda: bucket(cloud, "a..b"))


@row("bucket-not-empty")
def a_bucket_with_a_photo(cloud, settings, wire, tmp_path):
    bucket(cloud)
    cloud.s3.put_object(Bucket="my-own-bucket", Key="a", Body=b"a")
    return error_of(lambda: cloud.s3.delete_bucket(Bucket="my-own-bucket"))


@row("superseded")
def a_write_that_came_second(cloud, settings, wire, tmp_path):
    bucket(cloud)
    place = {"Bucket": "my-own-bucket", "Key": "a", "Body": b"a"}
    cloud.s3.put_object(**place)
    return error_of(lambda: cloud.s3.put_object(**place, IfNoneMatch="*"))


# The trigger


def put_rules(cloud, settings, *rules):
    cloud.s3.put_bucket_notification_configuration(
        Bucket=settings.source_bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": list(rules)},
    )


@row("destination-not-validated")
def a_rule_before_its_permission(cloud, settings, wire, tmp_path):
    buckets.create(cloud, settings)
    return error_of(lambda: put_rules(cloud, settings, *trigger.rules(settings)))


@row("rules-overlap")
def two_rules_for_one_upload(cloud, settings, wire, tmp_path):
    buckets.create(cloud, settings)
    one, other = trigger.rules(settings)
    other["Filter"] = one["Filter"]
    return error_of(lambda: put_rules(cloud, settings, one, other))


def built(cloud, settings):
    for step in (role, layer, function):
        step.create(cloud, settings)


on_the_wire(
    "statement-exists",
    "UpdateFunctionConfiguration",
    "ResourceConflictException",
    "The statement id (source-bucket-may-invoke) provided already exists. Please "
    "provide a new statement id, or remove the existing statement.",
    409,
)


# The queue and storage classes


def put_mapping(cloud, settings, seconds):
    built(cloud, settings)
    queue = cloud.sqs.create_queue(
        QueueName=settings.queue_name, Attributes={"VisibilityTimeout": seconds}
    )
    assert queue["QueueUrl"]
    cloud.awslambda.create_event_source_mapping(
        EventSourceArn=settings.queue_arn, FunctionName=settings.function_name
    )


@row("role-may-not-take-from-the-queue")
def a_mapping_before_its_policy(cloud, settings, wire, tmp_path):
    return error_of(lambda: put_mapping(cloud, settings, "180"))


@row("queue-hides-too-short")
def a_queue_shorter_than_the_function(cloud, settings, wire, tmp_path):
    queued = dataclasses.replace(settings, queue=True)
    return error_of(lambda: put_mapping(cloud, queued, "5"))


@row("two-rules-one-id")
def two_lifecycle_rules_of_one_name(cloud, settings, wire, tmp_path):
    buckets.create(cloud, settings)
    move = {"Days": 7, "StorageClass": "STANDARD_IA"}
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}}
    rule |= {"Transitions": [move]}
    return error_of(
        lambda: cloud.s3.put_bucket_lifecycle_configuration(
            Bucket=settings.source_bucket,
            LifecycleConfiguration={"Rules": [rule, rule]},
        )
    )


# The function

on_the_wire(
    "update-in-progress",
    "UpdateFunctionConfiguration",
    "ResourceConflictException",
    "The operation cannot be performed at this time. An update is in progress for "
    "resource: arn:aws:lambda:eu-west-1:123456789012:function:f",
    409,
)


@row("function-exists")
def the_same_function_twice(cloud, settings, wire, tmp_path):
    built(cloud, settings)
    found = cloud.awslambda.get_function_configuration(
        FunctionName=settings.function_name
    )
    return error_of(
        lambda: cloud.awslambda.create_function(
            FunctionName=settings.function_name,
            Role=found["Role"],
            Runtime=settings.runtime,
            Handler="a.b",
            Code={"ZipFile": function.package(settings)},
        )
    )


@row("entity-exists")
def the_same_role_twice(cloud, settings, wire, tmp_path):
    CALLS["CreateRole"](cloud, settings)
    return error_of(lambda: CALLS["CreateRole"](cloud, settings))


def a_function(cloud, **options):
    trust = json.dumps(role.trust_policy())
    made = cloud.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    return cloud.awslambda.create_function(
        FunctionName="f",
        Role=made["Role"]["Arn"],
        Handler="a.b",
        Code={"ZipFile": b""},
        **options,
    )


@row("runtime-retired")
def python_of_2019(cloud, settings, wire, tmp_path):
    return error_of(lambda: a_function(cloud, Runtime="python3.8"))


@row("no-such-function")
def a_function_that_is_not_there(cloud, settings, wire, tmp_path):
    return error_of(
        lambda: cloud.awslambda.get_function(FunctionName=settings.function_name)
    )


@row("no-such-function")
def a_role_that_is_not_there(cloud, settings, wire, tmp_path):
    return error_of(lambda: cloud.iam.get_role(RoleName=settings.role_name))


logged(
    "timed-out",
    "2026-11-23T12:00:03.000Z 4fee85d1-e0a3-44eb-a7f9-f2dd70fc6cc1 Task timed out "
    "after 3.00 seconds",
)
logged(
    "timed-out",
    "REPORT RequestId: 4fee85d1-e0a3-44eb-a7f9-f2dd70fc6cc1\tDuration: 3000.00 ms\t"
    "Billed Duration: 3000 ms\tMemory Size: 512 MB\tMax Memory Used: 97 MB\t"
    "Status: timeout",
)
logged(
    "out-of-memory",
    "REPORT RequestId: 4fee85d1-e0a3-44eb-a7f9-f2dd70fc6cc1\tDuration: 912.44 ms\t"
    "Billed Duration: 913 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t"
    "Status: error\tError Type: Runtime.OutOfMemory",
)
# Recorded on AWS: https://gist.github.com/a-h/5760e3f9599a880794bb69c2d0ab4aa2
logged(
    "out-of-memory",
    "REPORT RequestId: 16f8d3a2-26fc-11e8-bca6-73dbc61c39e7\tDuration: 24792.85 ms\t"
    "Billed Duration: 24800 ms\tMemory Size: 128 MB\tMax Memory Used: 129 MB",
)
logged(
    "out-of-memory",
    "RequestId: 4fee85d1-e0a3-44eb-a7f9-f2dd70fc6cc1 Error: Runtime exited with error: "
    "signal: killed",
)

EVENT = {
    "Records": [
        {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "bucket": {"name": "photos"},
                "object": {"key": "a.jpg", "size": 9, "sequencer": "01"},
            },
        }
    ]
}


@row("recipe")
def a_recipe_with_a_misspelt_field(cloud, settings, wire, tmp_path):
    return error_of(lambda: try_recipe(PHOTO, {"renditons": {}}))


@row("not-run-yet")
def a_name_of_a_cell_that_has_not_run(cloud, settings, wire, tmp_path):
    return error_of(lambda: eval("settings_of_nobody"))


@row("not-as-expected")
def a_result_that_was_not_awaited(cloud, settings, wire, tmp_path):
    def cell():
        assert settings.name == "another", "the name is another"

    return error_of(cell)


@row("settings-missing")
def no_target_named(cloud, settings, wire, tmp_path):
    return error_of(lambda: lambda_handler(EVENT, client=cloud.s3, env={}))


@row("same-bucket")
def a_target_that_is_the_source(cloud, settings, wire, tmp_path):
    env = {"TARGET_BUCKET": "photos"}
    return error_of(lambda: lambda_handler(EVENT, client=cloud.s3, env=env))


@row("no-such-bucket")
def the_handler_without_its_source(cloud, settings, wire, tmp_path):
    env = {"TARGET_BUCKET": "thumbnails"}
    return error_of(lambda: lambda_handler(EVENT, client=cloud.s3, env=env))


# Pictures


@row("alpha-into-jpeg")
def a_jpeg_with_holes(cloud, settings, wire, tmp_path):
    picture = Image.new("RGBA", (4, 4))
    return error_of(lambda: picture.save(io.BytesIO(), "JPEG"))


@row("rejected")
def a_text_file(cloud, settings, wire, tmp_path):
    return error_of(lambda: make_thumbnail(b"not a picture"))


@row("rejected")
def a_text_file_for_pillow(cloud, settings, wire, tmp_path):
    return error_of(lambda: Image.open(io.BytesIO(b"not a picture")))


logged("rejected-in-the-log", line("a.jpg", "rejected", reason="not a JPEG or PNG"))


# Reaching the cloud


@row("no-credentials")
def nobody_signs(cloud, settings, wire, tmp_path):
    session = boto3.Session(region_name="eu-west-1")
    session._session.register_component("credential_provider", NoKeys())
    return error_of(lambda: session.client("sts").get_caller_identity())


class NoKeys:
    """A machine that has no credentials anywhere."""

    def load_credentials(self) -> None:
        """Find none."""


on_the_wire(
    "credentials-expired",
    "ListBuckets",
    "ExpiredToken",
    "The provided token has expired.",
)


@row("no-region")
def nowhere(cloud, settings, wire, tmp_path):
    return python("import boto3; boto3.client('sqs')")


@row("no-answer")
def a_port_where_nobody_is(cloud, settings, wire, tmp_path):
    once = Config(retries={"total_max_attempts": 1}, proxies={})
    client = boto3.client(
        "lambda",
        endpoint_url="http://127.0.0.1:9",
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=once,
    )
    return error_of(client.list_functions)


on_the_wire(
    "role-made-anew",
    "Invoke",
    "KMSAccessDeniedException",
    "Lambda was unable to decrypt the environment variables because KMS access was "
    "denied. Please check the function's AWS KMS key settings. KMS Exception: "
    "UnrecognizedClientExceptionKMS Message: The security token included in the "
    "request is invalid.",
    502,
)


@row("wrong-arguments")
def a_misspelt_parameter(cloud, settings, wire, tmp_path):
    return error_of(lambda: cloud.s3.get_object(Buckit="a", Key="b"))


on_the_wire(
    "queue-name-reserved",
    "CreateQueue",
    "AWS.SimpleQueueService.QueueDeletedRecently",
    "You must wait 60 seconds after deleting a queue before you can create another "
    "with the same name.",
)


@row("no-such-queue")
def a_queue_that_is_not_there(cloud, settings, wire, tmp_path):
    return error_of(lambda: cloud.sqs.get_queue_url(QueueName="none"))


@row("still-in-use")
def a_role_with_a_policy(cloud, settings, wire, tmp_path):
    role.create(cloud, settings)
    return error_of(lambda: cloud.iam.delete_role(RoleName=settings.role_name))


# What passes


on_the_wire(
    "throttled", "DeleteFunction", "TooManyRequestsException", "Rate exceeded", 429
)
on_the_wire(
    "throttled", "PutObject", "SlowDown", "Please reduce your request rate.", 503
)
on_the_wire(
    "aws-is-busy",
    "PutObject",
    "InternalError",
    "We encountered an internal error. Please try again.",
    500,
)
on_the_wire(
    "aws-is-busy",
    "DeleteFunction",
    "ServiceException",
    "An error occurred and the request cannot be processed.",
    500,
)
on_the_wire(
    "changing-now",
    "CreateBucket",
    "OperationAborted",
    "A conflicting conditional operation is currently in progress against this "
    "resource. Please try again.",
    409,
)
on_the_wire(
    "you-may-not",
    "DeleteFunction",
    "AccessDeniedException",
    "User: arn:aws:iam::123456789012:user/me is not authorized to perform: "
    "lambda:DeleteFunction on resource: arn:aws:lambda:eu-west-1:123456789012:"
    "function:f because no identity-based policy allows the lambda:DeleteFunction "
    "action",
    403,
)


#: Provoked on the local cloud, below: moto runs nothing, and any runtime.
ELSEWHERE = {"runtime-not-here"}


def test_runtime_not_here(local):
    arn = local.iam.create_role(
        RoleName="explain-runtime",
        AssumeRolePolicyDocument=json.dumps(role.trust_policy()),
    )["Role"]["Arn"]
    failed = error_of(
        lambda: local.awslambda.create_function(
            FunctionName="explain-runtime",
            Role=arn,
            Runtime="python3.99",
            Handler="a.b",
            Code={"ZipFile": b""},
        )
    )
    local.iam.delete_role(RoleName="explain-runtime")
    assert explain(failed).row.name == "runtime-not-here"


# AWS in its own words, as people have quoted them

logged(
    "archived",
    "An error occurred (InvalidObjectState) when calling the GetObject "
    "operation: The operation is not valid for the object's storage class",
)
logged(
    "key-of-the-uploader",
    "An error occurred (InvalidRequest) when calling the HeadObject "
    "operation: The object was stored using a form of Server Side "
    "Encryption. The correct parameters must be provided to retrieve the "
    "object.",
)
logged(
    "key-of-the-uploader",
    "An error occurred (NoSuchKey) when calling the GetObject operation: "
    "The specified key needs SSE-C",
)
logged(
    "kms-key-is-off",
    "An error occurred (KMS.DisabledException) when calling the GetObject "
    "operation: arn:aws:kms:eu-west-1:123456789012:key/a is disabled.",
)
logged(
    "kms-denied",
    "An error occurred (AccessDenied) when calling the GetObject operation:"
    " User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to"
    " perform: kms:Decrypt on the resource",
)
logged(
    "another-region",
    "An error occurred (PermanentRedirect) when calling the ListObjectsV2 "
    "operation: The bucket you are attempting to access must be addressed "
    "using the specified endpoint.",
)
logged(
    "another-region",
    "An error occurred (AuthorizationHeaderMalformed) when calling the "
    "PutObject operation: The authorization header is malformed; the region"
    " 'us-east-1' is wrong; expecting 'eu-west-1'",
)
logged(
    "clock-is-wrong",
    "An error occurred (RequestTimeTooSkewed) when calling the ListBuckets "
    "operation: The difference between the request time and the current "
    "time is too large.",
)
logged(
    "too-many-buckets",
    "An error occurred (TooManyBuckets) when calling the CreateBucket "
    "operation: You have attempted to create more buckets than allowed",
)
logged(
    "malformed-xml",
    "An error occurred (MalformedXML) when calling the DeleteObjects "
    "operation: The XML you provided was not well-formed or did not "
    "validate against our published schema",
)
logged(
    "another-partition",
    "An error occurred (InvalidInput) when calling the AttachRolePolicy "
    'operation: Partition "aws" is not valid for resource '
    '"arn:aws:iam::aws:policy/p".',
)
logged(
    "certificate-not-trusted",
    "SSLError: SSL validation failed for https://sts.amazonaws.com/ [SSL: "
    "CERTIFICATE_VERIFY_FAILED] certificate verify failed",
)
logged(
    "no-such-profile",
    "ProfileNotFound: The config profile (class) could not be found",
)
logged(
    "runs-in-a-loop",
    "An error occurred (RecursiveInvocationException) when calling the "
    "Invoke operation: Lambda has detected your function being invoked in a"
    " recursive loop",
)
logged(
    "malformed-policy",
    "An error occurred (MalformedPolicyDocument) when calling the "
    "CreateRole operation: Syntax errors in policy.",
)
logged(
    "zip-cannot-be-read",
    "An error occurred (InvalidParameterValueException) when calling the "
    "CreateFunction operation: Could not unzip uploaded file. Please check "
    "your file, then try to upload again.",
)
logged(
    "credentials-expired",
    "LoginRefreshRequired",
)
logged(
    "no-way-to-s3",
    "ConnectTimeoutError: Connect timeout on endpoint URL: "
    '"https://s3.eu-west-1.amazonaws.com/photos/a.jpg"',
)
logged(
    "no-way-to-s3",
    'botocore.exceptions.ConnectTimeoutError: Connect timeout on endpoint URL: "https:'
    '//photos.s3.cn-north-1.amazonaws.com.cn/a.jpg"',
)
logged(
    "no-way-to-s3",
    "ConnectTimeoutError: Connect timeout on endpoint URL: "
    '"https://photos.s3.eu-west-1.amazonaws.com/a.jpg"',
)


quoted(
    "malformed-policy",
    "PutRolePolicy",
    "MalformedPolicyDocument",
    "Syntax errors in policy.",
)
quoted(
    "malformed-policy",
    "PutBucketPolicy",
    "MalformedPolicy",
    "Missing required field Principal",
)
quoted(
    "zip-cannot-be-read",
    "PublishLayerVersion",
    "InvalidParameterValueException",
    "Could not unzip uploaded file. Please check your file, then try to upload again.",
)
quoted(
    "value-out-of-range",
    "UpdateFunctionConfiguration",
    "ValidationException",
    "1 validation error detected: Value '901' at 'timeout' failed to satisfy "
    "constraint: Member must have value less than or equal to 900",
)
quoted(
    "rule-has-another-filter",
    "PutBucketNotificationConfiguration",
    "InvalidArgument",
    "filter rule name must be either prefix or suffix",
)
quoted(
    "too-early-for-infrequent-access",
    "PutBucketLifecycleConfiguration",
    "InvalidArgument",
    "'Days' in Transition action must be greater than or equal to 30 for storageClass "
    "'STANDARD_IA'",
)
quoted(
    "no-such-storage-class",
    "PutObject",
    "InvalidStorageClass",
    "The storage class you specified is not valid",
)
quoted(
    "too-little-left-for-others",
    "PutFunctionConcurrency",
    "InvalidParameterValueException",
    "Specified ReservedConcurrentExecutions for function decreases account's "
    "UnreservedConcurrentExecution below its minimum value of [50].",
)
quoted(
    "payload-is-no-json",
    "Invoke",
    "InvalidRequestContentException",
    "Could not parse request body into json: Unexpected character",
)
quoted(
    "no-such-version",
    "GetObject",
    "NoSuchVersion",
    "The specified version does not exist.",
)


@row("no-such-key")
def a_key_that_head_does_not_find(cloud, settings, wire, tmp_path):
    buckets.create(cloud, settings)
    place = {"Bucket": settings.source_bucket, "Key": "none.jpg"}
    return error_of(lambda: cloud.s3.head_object(**place))


@row("no-such-bucket")
def a_bucket_that_head_does_not_find(cloud, settings, wire, tmp_path):
    return error_of(lambda: cloud.s3.head_bucket(Bucket="nobody-made-this"))


@row("none-was-put")
def a_policy_that_was_never_put(cloud, settings, wire, tmp_path):
    buckets.create(cloud, settings)
    source = settings.source_bucket
    return error_of(lambda: cloud.s3.get_bucket_lifecycle_configuration(Bucket=source))


@row("recipe")
def a_text_wider_than_the_picture(cloud, settings, wire, tmp_path):
    wide = {"effect": "text", "text": "W" * 60}
    return error_of(lambda: try_recipe(PHOTO, {"thumbnail": {"effects": [wide]}}))


@row("recipe")
def a_letter_that_the_font_lacks(cloud, settings, wire, tmp_path):
    text = {"effect": "text", "text": "é"}
    return error_of(lambda: try_recipe(PHOTO, {"thumbnail": {"effects": [text]}}))


@row("bytes-are-asked-for")
def a_name_in_place_of_bytes(cloud, settings, wire, tmp_path):
    return error_of(lambda: make_thumbnail("photo.jpg"))


@row("the-answer-has-no-such-field")
def the_list_of_an_empty_bucket(cloud, settings, wire, tmp_path):
    buckets.create(cloud, settings)
    answer = cloud.s3.list_objects_v2(Bucket=settings.source_bucket)
    return error_of(lambda: answer["Contents"])


@row("the-list-is-empty")
def an_item_of_nothing(cloud, settings, wire, tmp_path):
    return error_of(lambda: [][0])


@row("the-list-is-empty")
def one_run_of_none(cloud, settings, wire, tmp_path):
    return error_of(lambda: (lambda only: only)(*unpacked([])))


@row("the-text-is-no-json")
def a_policy_cut_off(cloud, settings, wire, tmp_path):
    return error_of(lambda: json.loads('{"Version": '))


for status, name in ((403, "not-for-everybody"), (404, "nothing-at-that-link")):
    row(name)(
        lambda cloud, settings, wire, tmp_path, status=status: HTTPError(
            "https://a", status, "", Message(), None
        )
    )


@row("no-such-file")
def a_file_that_is_elsewhere(cloud, settings, wire, tmp_path):
    return error_of(lambda: (tmp_path / "photo.jpg").read_bytes())


@row("no-such-import")
def a_name_misspelt(cloud, settings, wire, tmp_path):
    return error_of(lambda: importlib.import_module("workbok"))


CASES = [
    pytest.param(name, provoke, id=f"{name}-{number}")
    for name, every in PROVOKED.items()
    for number, provoke in enumerate(every)
]


@pytest.mark.parametrize(("name", "provoke"), CASES)
def test_the_real_error_finds_its_row(
    name, provoke, cloud, settings, wire, tmp_path, no_delays
):
    found = explain(provoke(cloud, settings, wire, tmp_path))
    assert found.row is not None and found.row.name == name, repr(found)


def test_no_row_without_the_real_error():
    assert {row.name for row in table.ROWS} == set(PROVOKED) | ELSEWHERE


# --- what every row owes -------------------------------------------------------------


def test_every_cure_names_what_there_is():
    for row in table.ROWS:
        places = re.findall(r"\b\d\d_\w+", row.cure)
        steps = {int(number) for number in re.findall(r"check\((\d+)\)", row.cure)}
        assert set(places) <= set(session.NOTEBOOKS.values()), row.name
        assert steps <= set(checks.LOOKS), row.name


def test_every_row_says_all_three():
    """In words of its own: shown as the explanation of what finds this very row."""
    for row in table.ROWS:
        text = repr(Explanation(Reply(*row.codes[:1] or [""], ""), row))
        labels = re.findall(r"^[\w?]+(?=:)", text, re.M)
        assert labels == ["Means", "Mend", "Again?"], row.name
        assert all(words in text for words in (row.means, row.cure, row.again))
        assert row.codes or row.says, row.name


def codes_that_deploy_waits_for():
    every = [*waiting.PASSING.values(), *waiting.LOOKED_INTO.values()]
    every += waiting.BUSY.values()
    return sorted({one.code for group in every for one in group})


def test_what_deploy_waits_for_is_known():
    known = {code for row in table.ROWS for code in row.codes}
    said_by_message = {"InvalidParameterValueException", "InvalidArgument"}
    assert set(codes_that_deploy_waits_for()) <= known | said_by_message


def test_names_are_once():
    assert len({one.name for one in table.ROWS}) == len(table.ROWS)


# --- what can be asked ---------------------------------------------------------------


def test_what_is_not_known_is_said_honestly():
    finding = repr(explain(refused("Nope", "We cannot.")))
    assert "not one of the errors" in finding
    assert "Nope: We cannot. PutThing was called." in finding


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("SlowDown", "throttled"),
        ("503", "aws-is-busy"),
        ("ImageRejected: truncated", "rejected"),
        (
            "AccessDenied: An error occurred (AccessDenied) when calling the GetObject "
            "operation: Access Denied",
            "function-may-not",
        ),
        (line("a.jpg", "failed", reason="SlowDown: slower"), "throttled"),
        ('{"errorMessage": "No module named \'PIL\'"}', "pillow-is-missing"),
        (logs.Run, "throttled"),
    ],
)
def test_a_line_of_a_log_is_understood(what, name):
    if what is logs.Run:
        what = run("failed", "SlowDown: Please reduce your request rate.")
    assert explain(what).row.name == name


def run(outcome, reason=None):
    (found,) = logs.read([line("a.jpg", outcome, reason=reason)])
    return found


def test_a_row_of_calls_is_not_for_others():
    assert explain(refused("AccessDenied", call="GetUser")).row.name == ("you-may-not")


def test_an_error_of_ours_is_not_explained_twice():
    shown = explain(DeployError("it broke", todo="Mend it."))
    assert repr(shown) == "it broke. Mend it."


def test_html_says_what_the_text_says():
    shown = explain("NoSuchKey")
    assert "unquote_plus" in shown.data and "unquote_plus" in repr(shown)
    assert "<script" not in explain("<script>alert(1)</script>").data


# --- under a cell --------------------------------------------------------------------


@pytest.fixture(scope="module")
def shell():
    shell = start_ipython() or get_ipython()
    messages.install(shell)
    return shell


def finding(shell, capsys, cell, **names):
    shell.user_ns.update(names)
    capsys.readouterr()
    shell.run_cell(cell)
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_a_refusal_is_explained_below(shell, capsys):
    text = finding(shell, capsys, "raise it", it=refused("NoSuchBucket"))
    assert "PutThing was refused (NoSuchBucket)" in text
    assert text.index("was refused") < text.index("02_buckets")


def test_an_error_with_a_remedy_is_left_alone(shell, capsys):
    text = finding(shell, capsys, "raise it", it=DeployError("it broke", todo="Mend."))
    assert "it broke. Mend." in text and "Again?" not in text


def test_a_name_of_a_cell_not_run_is_explained_below(shell, capsys):
    text = finding(shell, capsys, "nobody_made_this")
    assert text.index("NameError") < text.index("Run ▸ Run All Above Selected Cell")


def test_an_error_before_begin_is_explained_once(shell, capsys):
    """The launcher's kernels know how from their start; begin() takes it over."""
    callbacks = shell.events.callbacks["post_run_cell"]
    shell.events.callbacks["post_run_cell"] = []
    startup = launcher.CONFIGURATION / "startup.py"
    shell.safe_execfile(str(startup), shell.user_ns, raise_exceptions=True)
    assert finding(shell, capsys, "nobody_made_this").count("Again?") == 1
    messages.install(shell)
    assert finding(shell, capsys, "nobody_made_this").count("Again?") == 1
    shell.events.callbacks["post_run_cell"] = callbacks


def test_any_error_with_a_row_is_explained_below_and_no_other(shell, capsys):
    text = finding(shell, capsys, "{}['Contents']")
    assert text.index("KeyError") < text.index("AWS leaves a list out")
    assert "Again?" not in finding(shell, capsys, "1 / 0")


def test_a_failed_assertion_is_explained_below(shell, capsys):
    text = finding(shell, capsys, "assert 1 == 2, 'one is not two'")
    assert text.index("one is not two") < text.index("Look at what you changed")


@pytest.mark.parametrize(
    "recipe",
    [
        "{",
        {"renditons": {}},
        {"labels": {"by": "me"}},
        {"renditions": {"a": {"widht": 3}}},
        {"renditions": {"a": {"width": 3}}},
    ],
)
def test_a_mistake_in_a_recipe_is_explained_as_one(recipe, shell, capsys):
    names = {"try_recipe": try_recipe, "photo": PHOTO, "recipe": recipe}
    text = finding(shell, capsys, "try_recipe(photo, recipe)", **names)
    assert "the recipe's " in text and "09_effects" in text
    assert "environment" not in text


def test_a_failed_run_is_explained_below(shell, capsys):
    failed = [run("made"), run("failed", "SlowDown: x"), run("failed", "SlowDown: y")]
    text = finding(shell, capsys, "failed", failed=failed)
    assert text.count("Again?") == 1 and "passes by itself" in text


def test_a_report_of_a_failure_is_explained_below(shell, capsys):
    lines = ["START", "REPORT RequestId: 1 Duration: 1.0 ms Status: timeout"]
    assert "05_function" in finding(shell, capsys, "lines", lines=lines)


@pytest.mark.parametrize("result", [None, 3, "all is well", [run("made")], ["START"]])
def test_what_did_not_fail_is_left_alone(result, capsys):
    in_result(result)
    assert capsys.readouterr().out == ""


def test_begin_again_explains_once(shell, capsys):
    messages.install(shell)
    messages.install(shell)
    lines = ["Task timed out after 3.00 seconds"]
    assert finding(shell, capsys, "lines", lines=lines).count("Again?") == 1
