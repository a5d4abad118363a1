"""MiniStack behind a thin wrapper of ours. Run by `server.start()`, not imported.

What plain MiniStack lacks, and this adds (`FIDELITY.md` has the whole table):

- state is saved when it changed, and restored whole or not at all;
- about as many functions run at once as there are cores, the rest wait their turn,
  a throttled event keeps its attempts, one of a stopped function goes to the queue of
  failed events, and a retry runs the function as it is then;
- requests of web pages (a foreign Origin or Host) are refused;
- a missing key reads 403 to a caller without `s3:ListBucket`, as on AWS;
- a permission is asked for by AWS's name, and on the resource that AWS asks about;
- CloudFormation's buckets have their tags, and stay while they hold anything.

Runs in `.local-cloud/venv`, which has MiniStack and boto3 and nothing of ours, so
nothing here may import the rest of `deploy`. Its options come in environment
variables, set by `server.py`: MiniStack reads its own the same way.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ministack.app as ministack
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.core import iam_actions, persistence
from ministack.core.iam_evaluator import (
    EvalContext,
    enforce,
    evaluate_resource_policy,
)
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc, s3, sqs
from ministack.services.cloudformation import provisioners
from snapshot import Snapshot  # beside this file, which is run as a script

PORT = os.environ["GATEWAY_PORT"]
FOLDER = Path(os.environ["WORKBOOK_FOLDER"])
TOKEN = os.environ.pop("WORKBOOK_TOKEN")
OBJECTS = Path(os.environ["S3_DATA_DIR"])

SAVE_EVERY_S = 0.5
#: A throttled event waits this long at most, as on AWS (MaximumEventAgeInSeconds).
THROTTLED_FOR_S = 6 * 3600
HOSTS = {f"127.0.0.1:{PORT}", f"localhost:{PORT}"}

Scope = dict[str, Any]
Send = Callable[[dict], Awaitable[None]]

dirty = threading.Event()
stopping = asyncio.Event()
notice = ""

snapshot = Snapshot(
    FOLDER,
    f"ministack {version('ministack')}",
    persistence._json_default,
    persistence._json_object_hook,
)


# --- state ---------------------------------------------------------------------------


def save() -> None:
    """Save the state of every service that has one."""
    dirty.clear()
    snapshot.save(ministack._build_persistence_save_dict())


def restore() -> None:
    """Load the last consistent state; where it cannot be read, start empty."""
    global notice
    try:
        states = snapshot.load()
    except ValueError as error:
        notice = f"The local cloud's state was lost, it starts empty: {error}"
        print(notice, file=sys.stderr, flush=True)
        snapshot.path.replace(snapshot.path.with_suffix(".damaged"))
        states = {}
    ministack.load_state = states.get
    _load_persisted_state()
    for account, bucket in list(s3._buckets._data):
        # A bucket's folder is made before its creation is saved: half of a bucket.
        if not s3._buckets._data[(account, bucket)].get("saved"):
            del s3._buckets._data[(account, bucket)]
            shutil.rmtree(OBJECTS / account / bucket, ignore_errors=True)
    for record in lambda_svc._functions._data.values():
        # The thread that would have made it active died with the process.
        for config in (record["config"], *_version_configs(record)):
            config["State"], config["LastUpdateStatus"] = "Active", "Successful"


def _version_configs(record: dict) -> list[dict]:
    return [version["config"] for version in record.get("versions", {}).values()]


def s3_state() -> dict:
    """S3's state, every bucket marked as saved (see `restore`)."""
    for bucket in s3._buckets._data.values():
        bucket["saved"] = True
    return _s3_get_state()


async def save_regularly() -> None:
    """Save what functions, logs and queues changed; a large state less often."""
    while not stopping.is_set():
        await asyncio.sleep(max(SAVE_EVERY_S, 5 * snapshot.seconds))
        if dirty.is_set():
            save()


# --- functions -----------------------------------------------------------------------

asynchronous = contextvars.ContextVar("asynchronous", default=False)
slots = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


def invoke_async(func: dict, event: Any) -> None:
    """Mark the invocation as asynchronous; its thread inherits the mark."""
    token = asynchronous.set(True)
    try:
        _invoke_async(func, event)
    finally:
        asynchronous.reset(token)


def execute(func: dict, event: Any) -> dict:
    """Run a function; an asynchronous one when its turn comes."""
    dirty.set()
    try:
        if not asynchronous.get():
            return _execute(func, event)
        # The mark is taken off: a run may pass here again, on its way inside.
        token = asynchronous.set(False)
        try:
            return _execute_when_possible(func, event)
        finally:
            asynchronous.reset(token)
    finally:
        dirty.set()


def _execute_when_possible(func: dict, event: Any) -> dict:
    deadline = time.monotonic() + THROTTLED_FOR_S
    pause = 0.2
    while True:
        is_now = _current(func)
        if is_now.get("concurrency") == 0:
            _keep(is_now, event)
            return {}  # without an error, so MiniStack tries no more
        with slots:
            result = _execute(is_now, event)
        if not result.get("throttle") or time.monotonic() > deadline:
            return result
        time.sleep(pause)
        pause = min(pause * 2, 5)


def _keep(func: dict, event: Any) -> None:
    """Send an event of a stopped function to its on-failure queue, else lose it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    config = (func.get("event_invoke_config") or {}).get("DestinationConfig") or {}
    arn = (config.get("OnFailure") or {}).get("Destination", "")
    name = func["config"]["FunctionName"]
    if sqs._queue_by_arn(arn) is None:
        print(f"{name} is stopped: an event is lost", file=sys.stderr, flush=True)
        return
    record = {
        "requestContext": {
            "functionArn": func["config"]["FunctionArn"],
            "condition": "ZeroReservedConcurrency",
            "approximateInvokeCount": 0,
        },
        "requestPayload": event,
    }
    message = {"QueueUrl": arn.rpartition(":")[2], "MessageBody": json.dumps(record)}
    sqs._act_send_message(message, "")


def _current(func: dict) -> dict:
    """The function as it is now: a retry runs what was mended in between."""
    config = func["config"]
    record = lambda_svc._functions.get(config["FunctionName"])
    if record is None or config.get("Version", "$LATEST") != "$LATEST":
        return func
    return record


# --- S3 ------------------------------------------------------------------------------


def deliver_to_function(arn: str, event: dict, region: str) -> None:
    """Deliver an event only while the function's policy lets the bucket in, as on AWS.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    func, _, _ = lambda_svc._get_func_record_for_ref(arn)
    bucket = event["Records"][0]["s3"]["bucket"]
    owner = s3._bucket_owner_account(bucket["name"]) or ""
    caller = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=arn,
        region=region,
        service_context={"aws:sourcearn": bucket["arn"], "aws:sourceaccount": owner},
    )
    policy = (func or {}).get("policy") or {}
    found = evaluate_resource_policy(policy, caller, service="s3.amazonaws.com")
    if found.decision == "Allow":
        _deliver_to_function(arn, event, region)
    else:
        print(f"{bucket['name']} may not invoke {arn}", file=sys.stderr, flush=True)


def hide_missing_keys(read: Callable[..., tuple], method: str) -> Callable[..., tuple]:
    """Answer 403 for a missing key to a caller that may not list the bucket.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """

    def reading(bucket: str, key: str, headers: Any = None, query: Any = None) -> tuple:
        headers, query = headers or {}, query or {}
        answer = read(bucket, key, headers, query)
        if answer[0] != 404 or bucket not in s3._buckets:
            return answer
        caller = s3._request_access_key(method, key, headers, query, b"")
        arn = f"arn:aws:s3:::{bucket}"
        if caller and not enforce(caller, "s3:ListBucket", "s3", get_region(), arn):
            return answer
        return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")

    return reading


# --- CloudFormation ------------------------------------------------------------------


def create_bucket(logical_id: str, props: dict, stack_name: str) -> tuple[str, dict]:
    """Make a stack's bucket, and give it the tags that the template asks for."""
    name, attributes = _create_bucket(logical_id, props, stack_name)
    tags = {tag["Key"]: tag["Value"] for tag in props.get("Tags") or []}
    if tags:
        s3._bucket_tags[name] = tags
    return name, attributes


def delete_bucket(name: str, props: dict) -> None:
    """Delete a stack's bucket, unless it holds anything: AWS never does that."""
    if s3._buckets.get(name, {}).get("objects"):
        raise ValueError("The bucket you tried to delete is not empty")
    _delete_bucket(name, props)


def put_event_invoke_config(name: str, qualifier: str | None, data: dict) -> tuple:
    """Take $LATEST, which CloudFormation has to name, for the function itself."""
    return _put_event_invoke_config(
        name, None if qualifier == "$LATEST" else qualifier, data
    )


# --- permissions ---------------------------------------------------------------------


def action_of(service: str, method: str, path: str, *more: Any) -> str | None:
    """Name the permission that AWS asks for."""
    action = _extract_action(service, method, path, *more)
    if action == "lambda:ListLayers" and path.rstrip("/").endswith("/versions"):
        return "lambda:ListLayerVersions"
    return action


def resource_of(
    service: str, method: str, path: str, headers: dict, body: bytes, *more: Any
) -> str:
    """Name the resource that AWS asks about."""
    arn = _extract_resource(service, method, path, headers, body, *more)
    here = f"{get_region()}:{get_account_id()}"
    if service == "lambda" and path.rstrip("/").endswith("/functions") and body:
        return f"arn:aws:lambda:{here}:function:{json.loads(body)['FunctionName']}"
    if service == "monitoring" and arn == "*":
        return f"arn:aws:cloudwatch:{here}:alarm:*"
    if service == "logs" and "TagResource" not in headers.get("x-amz-target", ""):
        group = f"arn:aws:logs:{here}:log-group:" if arn == "*" else arn
        return f"{group.removesuffix(':*')}:log-stream:"
    return arn


# --- the wrapper ---------------------------------------------------------------------


async def app(scope: Scope, receive: Callable, send: Send) -> None:
    """The ASGI application: our guard, our two addresses, then MiniStack."""
    if scope["type"] != "http":
        await ministack.app(scope, receive, send)
        return
    headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
    if refusal := _refusal(headers):
        await _answer(send, 403, {"refused": refusal})
    elif scope["path"] == "/_workbook/health":
        await _answer(send, 200, {"pid": os.getpid(), "notice": notice})
    elif scope["path"] == "/_workbook/stop" and scope["method"] == "POST":
        allowed = headers.get("x-workbook-token", b"").decode("latin-1") == TOKEN
        await _answer(send, 200 if allowed else 403, {"stopping": allowed})
        if allowed:
            stopping.set()
    elif _is_closed(scope):
        await _answer(send, 404, {"refused": "not part of the local cloud"})
    else:
        changes = _may_change(scope["method"], headers.get("x-amz-target", b""))
        await ministack.app(scope, receive, _saving(send, scope) if changes else send)


def _is_closed(scope: Scope) -> bool:
    """Whether it is one of MiniStack's own addresses; Lambda's links to zips are not.

    GetFunction and GetLayerVersion answer such a link, on AWS a presigned one of S3's.
    """
    zips = ("/_ministack/lambda-code/", "/_ministack/lambda-layers/")
    if scope["method"] == "GET" and scope["path"].startswith(zips):
        return False
    return scope["path"].startswith(("/_ministack", "/_localstack", "/_aws"))


def _refusal(headers: dict[str, bytes]) -> str:
    """Why a request is none of ours: a page in the learner's browser sent it."""
    if "origin" in headers:
        return "requests of web pages are refused"
    if headers.get("sec-fetch-site", b"none") != b"none":
        return "requests of web pages are refused"
    if headers.get("host", b"").decode("latin-1").lower() not in HOSTS:
        return "this is not the host that was asked for"
    return ""


def _may_change(method: str, target: bytes) -> bool:
    """Whether a call may change state; JSON services post their reads, too."""
    operation = target.rpartition(b".")[2]
    reads = (b"Get", b"List", b"Describe", b"Filter")
    return method not in ("GET", "HEAD", "OPTIONS") and not operation.startswith(reads)


def _saving(send: Send, scope: Scope) -> Send:
    """Save before the answer leaves, so that what was acknowledged survives.

    Objects are on disk by then, and logs and queues can wait for the next round.
    """
    waits = _is_object_call(scope)

    async def saved(message: dict) -> None:
        if message["type"] == "http.response.start":
            dirty.set()
            if not waits:
                save()
        await send(message)

    return saved


def _is_object_call(scope: Scope) -> bool:
    """Whether the call is about an object's content: S3's path has a key in it."""
    headers = dict(scope["headers"])
    signed_for_s3 = b"/s3/aws4_request" in headers.get(b"authorization", b"")
    return signed_for_s3 and scope["path"].strip("/").count("/") >= 1


async def _answer(send: Send, status: int, body: dict) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def main() -> None:
    """Serve until told to stop."""
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT"):
        try:
            loop.add_signal_handler(getattr(signal, name), stopping.set)
        except NotImplementedError:  # Windows: the stop address is the way
            break
    config = Config()
    config.bind = [f"127.0.0.1:{PORT}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = "WARNING"
    saver = asyncio.create_task(save_regularly())
    await serve(app, config, shutdown_trigger=stopping.wait)
    saver.cancel()


# MiniStack's own functions, kept, and ours in their places.
_load_persisted_state = ministack._load_persisted_state
_s3_get_state = s3.get_state
_deliver_to_function = s3._deliver_event_to_lambda
_invoke_async = lambda_svc.invoke_async_with_retry
_execute = lambda_svc._execute_function
_extract_action = iam_actions.extract_iam_action
_extract_resource = iam_actions.extract_resource_arn

iam_actions.extract_iam_action = action_of
iam_actions.extract_resource_arn = resource_of
_put_event_invoke_config = lambda_svc._put_event_invoke_config
stack_buckets = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
_create_bucket, _delete_bucket = stack_buckets["create"], stack_buckets["delete"]

ministack._load_persisted_state = restore
ministack.save_all = lambda services: save()
s3.get_state = s3_state
s3._deliver_event_to_lambda = deliver_to_function
s3._get_object = hide_missing_keys(s3._get_object, "GET")
s3._head_object = hide_missing_keys(s3._head_object, "HEAD")
lambda_svc.invoke_async_with_retry = invoke_async
lambda_svc._execute_function = execute
lambda_svc._put_event_invoke_config = put_event_invoke_config
stack_buckets |= {"create": create_bucket, "delete": delete_bucket}
# So that a bucket gets CloudFormation's own tags, too.
provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")
# The snapshot keeps large bytes itself, once each.
lambda_svc._externalize_code_zip = lambda record, referenced: None
lambda_svc._prune_orphan_code_blobs = lambda referenced: None

if __name__ == "__main__":
    asyncio.run(main())
