"""Who signs wrongly is refused: every service, every way, every key."""

import hashlib
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from botocore import auth
from support.bench import ECHO, zipped
from support.raw_requests import CALLS, WAYS, Call, send, send_signed

from deploy import connect, policies
from deploy.local import server

#: What AWS's services answer, each in its own words.
WRONG = r"SignatureDoesNotMatch|InvalidSignatureException"
UNKNOWN = r"InvalidAccessKeyId|InvalidClientTokenId|UnrecognizedClientException"
OLD = r"IncompleteSignature|InvalidRequest|not part of the local cloud"
NO_ONE = r"MissingAuthenticationToken|AccessDenied"

S3 = CALLS[0]
STS = next(call for call in CALLS if call.service == "sts")
SQS = next(call for call in CALLS if call.service == "sqs")


@pytest.fixture
def host(running):
    return f"127.0.0.1:{running.port}"


@pytest.fixture
def user(bench):
    """A user that may do everything: key and secret."""
    return bench.user(policies.statement("*", "*"))


def is_for(way, call):
    """Whether a call can be signed so: a query has no body but on S3, SigV2 is S3's."""
    return "sigv2" not in way or call.service == "s3"


def test_right_signatures_pass(running, host, user):
    for key, secret in ((running.access_key, running.secret_key), user):
        for call in CALLS:
            for way in filter(lambda way: is_for(way, call), WAYS):
                signed = call.signed(way, key, secret, host)
                status, body, _ = send_signed(running.port, signed)
                assert status == 200, (call.service, way, key, body)


def test_made_up_signatures_are_refused(running, host, user):
    known = {running.access_key, user[0]}
    strangers = {"test", "000000000000", "111111111111", "AKIAIOSFODNN7EXAMPLE"}
    create = Call("lambda", "POST", "/2015-03-31/functions", b"{}")
    for key in known | strangers:
        for call in [*CALLS, create]:
            for way in WAYS:
                signed = call.signed(way, key, "a wrong secret", host)
                status, body, _ = send_signed(running.port, signed)
                code = OLD if not is_for(way, call) else WRONG
                code = code if key in known or code == OLD else UNKNOWN
                assert status in (400, 403, 404), (call.service, way, key, body)
                assert re.search(code, body.decode()), (call.service, way, key, body)


def test_the_folders_secret_makes_no_other_key_roots(running, host):
    for key in ("test", "000000000000", running.account):
        signed = Call("s3", "GET", "/").signed("header", key, running.secret_key, host)
        assert send_signed(running.port, signed)[0] == 403


def test_unsigned_calls_are_refused(running, host):
    for call in CALLS:
        target = call.path
        if b"Action=" in call.body:
            target += "?" + call.body.decode()
        for method, where in ((call.method, call.path), ("GET", target)):
            status, body, _ = send(running.port, method, where, call.headers, call.body)
            assert status in (400, 403), (call.service, body)
            assert re.search(NO_ONE, body.decode()), (call.service, body)


#: What nobody may do without a signature, not even there.
CLOSED = [
    ("PUT", "/any-new-name"),
    ("GET", "/any-new-name"),
    ("GET", "/BUCKET"),
    ("GET", "/BUCKET?list-type=2"),
    ("HEAD", "/BUCKET"),
    ("GET", "/BUCKET?policy"),
    ("GET", "/BUCKET/a.txt?acl"),
    ("GET", "/BUCKET/a.txt?tagging"),
    ("PUT", "/BUCKET/a.txt"),
    ("DELETE", "/BUCKET/a.txt"),
    ("POST", "/BUCKET/a.txt?uploads"),
    ("POST", "/BUCKET?delete"),
    ("DELETE", "/BUCKET"),
    ("OPTIONS", "/"),
]


def test_anyone_may_read_what_a_policy_opens_and_nothing_else(bench, local, running):
    bucket = bench.open_bucket()
    for method, target in CLOSED:
        assert send(running.port, "GET", f"/{bucket}/a.txt")[:2] == (200, b"hello")
        assert send(running.port, "HEAD", f"/{bucket}/a.txt")[0] == 200
        assert send(running.port, "GET", f"/{bucket}/a.txt?v=2")[0] == 200
        status = send(running.port, method, target.replace("BUCKET", bucket))[0]
        assert status == 403, (method, target)
        names = [found["Name"] for found in local.s3.list_buckets()["Buckets"]]
        assert bucket in names and "any-new-name" not in names, (method, target)


def test_a_signature_of_another_time_is_refused(running, host, monkeypatch):
    owner = running.access_key, running.secret_key
    late = datetime.now(UTC) - timedelta(minutes=16)
    stamp = format_datetime(late, usegmt=True)
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_, **__: late)
    monkeypatch.setattr(auth, "formatdate", lambda *_, **__: stamp)
    for call, way, says in (
        (STS, "header", b"Signature expired"),
        (S3, "header", b"RequestTimeTooSkewed"),
        (S3, "sigv2 header", b"RequestTimeTooSkewed"),
    ):
        assert says in send_signed(running.port, call.signed(way, *owner, host))[1]


def test_a_body_that_was_not_signed_is_refused(bench, running, host):
    bucket = bench.open_bucket()
    put = Call("s3", "PUT", f"/{bucket}/b.txt", b"signed")
    signed = put.signed("header", running.access_key, running.secret_key, host)
    signed.data = b"forged"
    status, body, _ = send_signed(running.port, signed)
    assert status == 400 and b"XAmzContentSHA256Mismatch" in body
    listed = Call("sqs", "POST", "/", b"{}", SQS.headers)
    signed = listed.signed("header", running.access_key, running.secret_key, host)
    signed.data = b'{"a": 1}'
    assert re.search(WRONG, send_signed(running.port, signed)[1].decode())


class Streaming(auth.SigV4Auth):
    """Signs the headers of a body that comes in signed pieces."""

    def payload(self, request):
        return request.headers["X-Amz-Content-SHA256"]


def test_a_chunk_with_a_made_up_signature_is_refused(bench, running, host):
    bucket = bench.open_bucket()
    chunk = b"5;chunk-signature=" + b"0" * 64 + b"\r\nhello\r\n"
    body = chunk + b"0;chunk-signature=" + b"0" * 64 + b"\r\n\r\n"
    headers = {
        "X-Amz-Content-SHA256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "X-Amz-Decoded-Content-Length": "5",
        "Content-Encoding": "aws-chunked",
    }
    call = Call("s3", "PUT", f"/{bucket}/c.txt", body, headers)

    owner = running.access_key, running.secret_key
    request = call.signed_by(Streaming, *owner, host)
    status, answer, _ = send_signed(running.port, request)
    assert (status, b"SignatureDoesNotMatch" in answer) == (403, True), answer
    assert send(running.port, "GET", f"/{bucket}/c.txt")[0] in (403, 404)


def test_two_signatures_are_none(running, host):
    signed = S3.signed("query", running.access_key, running.secret_key, host)
    signed.headers["Authorization"] = "AWS test:AAAA"
    assert send_signed(running.port, signed)[0] in (400, 403)


@pytest.mark.parametrize("scheme", ["Basic dGVzdDo=", "Bearer x", "AWS4-ECDSA-P256-"])
def test_no_other_scheme_opens(running, scheme):
    for call in CALLS:
        headers = call.headers | {"Authorization": scheme}
        status, body, _ = send(running.port, call.method, call.path, headers, call.body)
        assert status in (400, 403, 404), (call.service, body)


def test_nobody_adds_headers_to_a_link(bench, local, running):
    bucket, private = bench.open_bucket(), bench.bucket()
    bench.put(private, "secret.txt", b"secret")
    link = local.s3.generate_presigned_url(
        "put_object", Params={"Bucket": bucket, "Key": "b.txt"}
    )
    target = link.partition(str(running.port))[2]
    source = {"x-amz-copy-source": f"/{private}/secret.txt"}
    assert send(running.port, "PUT", target, source)[0] == 403
    assert send(running.port, "PUT", target, {}, b"mine")[0] == 200


def test_an_s3_signature_opens_no_other_service(running, host):
    for call in CALLS[1:]:
        for way in ("header", "query"):
            foreign = Call("s3", call.method, call.path, call.body, call.headers)
            if not call.headers.get("X-Amz-Target") and way == "header":
                continue  # S3 it is, then
            signed = foreign.signed(way, running.access_key, running.secret_key, host)
            status, body, _ = send_signed(running.port, signed)
            assert status >= 400, (call.service, way, body)


def test_services_outside_the_list_are_closed(running, host):
    key, secret = running.access_key, running.secret_key
    for service in ("dynamodb", "ec2", "iotdevicegateway", "rds-data", "cognito-idp"):
        signed = Call(service, "POST", "/", b"{}").signed("header", key, secret, host)
        assert send_signed(running.port, signed)[0] == 404, service
    for path in ("/health", "/_ministack/health", "/oauth2/userInfo", "/_aws/ses"):
        assert send(running.port, "GET", path)[0] in (403, 404), path
    assert send(running.port, "POST", "/_ministack/reset")[0] == 404


def test_only_the_holder_of_the_token_stops_it(running):
    assert send(running.port, "POST", "/_workbook/stop")[0] == 403
    assert server.find() == running


# --- a function's own credentials, and links -----------------------------------------


def test_a_functions_credentials_come_from_no_public_name(bench, local, running, host):
    """As MiniStack makes them from the ARNs of function and role."""
    role = bench.role()
    name = bench.function(role=role)
    bench.invoke(name)
    arn = local.awslambda.get_function(FunctionName=name)["Configuration"][
        "FunctionArn"
    ]
    digest = hashlib.sha256(f"{arn}:{role}".encode()).hexdigest()
    key = f"ASIA{digest[:16].upper()}"
    token = hashlib.sha256(f"token:{digest}".encode()).hexdigest()
    secret = hashlib.sha256(f"secret:{digest}".encode()).hexdigest()
    call = Call("sts", "POST", "/", STS.body, dict(STS.headers))
    call.headers["X-Amz-Security-Token"] = token
    status, body, _ = send_signed(
        running.port, call.signed("header", key, secret, host)
    )
    assert status == 403 and b"InvalidClientTokenId" in body


def test_a_function_is_its_role(bench):
    code = (
        "import boto3\ndef handler(event, context):\n"
        "    return boto3.client('sts').get_caller_identity()['Arn']\n"
    )
    role = bench.role()
    answer = bench.invoke(bench.function(code, role))
    assert f":assumed-role/{role.rpartition('/')[2]}/" in answer


def test_links_to_zips_are_signed(bench, local, running):
    name = bench.function()
    function = local.awslambda.get_function(FunctionName=name)
    layer = bench.layer(zipped(ECHO))
    for link in (function["Code"]["Location"], layer["Content"]["Location"]):
        target = link.partition(str(running.port))[2]
        path, _, query = target.partition("?")
        status, body, _ = send(running.port, "GET", target)
        assert status == 200 and b"index.py" in body
        later = query.replace("made=", "made=9")
        of_another = path.replace(name, "other") + f"?{query}"
        for forged in (path, f"{path}?{later}", *([of_another] * (name in path))):
            assert send(running.port, "GET", forged)[0] == 404, forged


def test_the_learners_session_signs_with_the_folders_secret(local, running):
    credentials = connect("local", say=lambda line: None).session.get_credentials()
    assert credentials.secret_key == running.secret_key


#: Opens files and ends a process, as nobody.
STRANGER = """
import json, os, sys
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
pid, *files = sys.argv[1:]
tries = [lambda path=path: open(path, "rb").read() for path in files]
told = []
for act in [*tries, lambda: os.kill(int(pid), 9)]:
    try:
        told.append(str(act()))
    except OSError as error:
        told.append(type(error).__name__)
print(json.dumps(told))
"""


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0,
    reason="only root can become another user",
)
def test_another_user_gets_no_file_and_no_process(running, local_folder):
    """What nobody gets by a request, with any signature, host or page, is above."""
    names = ("secret", "server.json", "state.json", "server.log", "ledger.db")
    files = [local_folder / name for name in names]
    files += [f"/proc/{running.pid}/environ", f"/proc/{running.pid}/mem"]
    command = [sys.executable, "-I", "-c", STRANGER, str(running.pid), *map(str, files)]
    done = subprocess.run(command, cwd="/", env={}, capture_output=True, check=True)
    assert json.loads(done.stdout) == ["PermissionError"] * (len(files) + 1)
    assert server.find(local_folder) == running
