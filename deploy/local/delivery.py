"""Events reach their function as on AWS: in turn, tried again, kept when it is stopped.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

import contextvars
import json
import os
import sys
import threading
import time
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.services import lambda_svc, s3, sqs
from saving import dirty  # beside this file

#: A throttled event waits this long at most, as on AWS (MaximumEventAgeInSeconds).
THROTTLED_FOR_S = 6 * 3600

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


# MiniStack's own functions, kept.
_deliver_to_function = s3._deliver_event_to_lambda
_invoke_async = lambda_svc.invoke_async_with_retry
_execute = lambda_svc._execute_function


def install() -> None:
    """Put ours in their places."""
    s3._deliver_event_to_lambda = deliver_to_function
    lambda_svc.invoke_async_with_retry = invoke_async
    lambda_svc._execute_function = execute
