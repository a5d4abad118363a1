"""Events reach their function as on AWS: in turn, tried again, kept when it is stopped.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

import contextvars
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import saving  # beside this file, as the next
from dispatch import Dispatcher, Event
from ministack.core import lambda_runtime
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.services import cloudwatch_logs, lambda_svc, s3, sqs
from places import around, instead_of

#: MiniStack's and our own waits last this many times as long; tests set less than 1.
PACE = float(os.environ.get("WORKBOOK_PACE") or 1)
#: A throttled event comes again after this many seconds, at first and at most.
THROTTLED_S = (0.2 * PACE, 5.0 * PACE)
#: The last event of a stopped cloud has this long to end.
STOP_S = 3.0
#: What Lambda does unless it is told otherwise.
_RETRIES, _MAX_AGE_S = 2, 6 * 3600


@instead_of(lambda_svc, "invoke_async_with_retry")
def invoke_async(func: dict, payload: Any) -> None:
    """Keep an event, then let it wait its turn."""
    config = func.get("config") or func
    arn, version = config["FunctionArn"], config.get("Version", "$LATEST")
    if version != "$LATEST" and not arn.endswith(f":{version}"):
        arn = f"{arn}:{version}"
    try:
        dispatcher.add(Event(arn, payload))
    except OSError as error:
        saving.refuse(error)  # who sent it must hear of it, and MiniStack is mute
        raise


@around(lambda_svc, "_execute_function")
def execute(kept: Callable[..., dict], func: dict, payload: Any) -> dict:
    """Run a function; its log lines and messages are kept soon."""
    try:
        return kept(func, payload)
    finally:
        saving.dirty.set()


def run(event: Event) -> tuple[Event, float] | None:
    """Run an event; return it and the seconds until it runs again, unless it ended."""
    return contextvars.Context().run(_run, event)


def _run(event: Event) -> tuple[Event, float] | None:
    account, region = lambda_runtime._lambda_function_account_region_from_arn(
        event.function
    )
    lambda_svc._request_account_id.set(account)
    lambda_svc._request_region.set(region)
    # As it is now: a retry runs what was mended in between.
    record, config, name = lambda_svc._get_func_record_for_ref(event.function)
    if record is None or config is None:
        print(f"{name} is gone: an event is lost", file=sys.stderr, flush=True)
        return None
    func = lambda_svc._execution_record_for_config(record, config)
    if func.get("concurrency") == 0:
        _keep(func, event.payload)
        return None
    result = execute(func, event.payload)
    if result.get("error") and saving.is_full():
        result = {"throttle": True}  # no fault of the event's: it waits for room
    return _after(func, event, result)


def _after(func: dict, event: Event, result: dict) -> tuple[Event, float] | None:
    """What follows from a run: nothing more, another try, or the on-failure queue.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    if not result.get("error") and not result.get("throttle"):
        return None
    options = func.get("event_invoke_config") or (
        func.get("event_invoke_configs") or {}
    ).get("$LATEST", {})
    if result.get("throttle"):  # no try of its own
        first, longest = THROTTLED_S
        pause = min(max(first, 2 * event.pause), longest)
        again = replace(event, pause=pause)
    else:
        again = replace(event, tries=event.tries + 1)
        base = lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS
        pause = min(base * 2**event.tries, lambda_svc._LAMBDA_ASYNC_RETRY_MAX_SECONDS)
    oldest = (
        time.time() + pause - int(options.get("MaximumEventAgeInSeconds", _MAX_AGE_S))
    )
    retries = options.get("MaximumRetryAttempts")
    if again.tries <= (_RETRIES if retries is None else retries) and (
        event.sent >= oldest
    ):
        return again, pause
    _fail(func, options, event, result)
    return None


def _fail(func: dict, options: dict, event: Event, result: dict) -> None:
    """Send an event that failed for good to where the function's failures go."""
    destination = (options.get("DestinationConfig") or {}).get("OnFailure") or {}
    letters = func["config"].get("DeadLetterConfig") or {}
    arn = destination.get("Destination") or letters.get("TargetArn")
    if arn:
        name = func["config"]["FunctionName"]
        lambda_svc._route_async_failure(arn, name, event.payload, result)
        saving.growing.messages.keep_new()


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
    sqs._HANDLERS["SendMessage"](message, "")
    saving.growing.messages.keep_new()


@around(s3, "_deliver_event_to_lambda")
def deliver_to_function(kept: Callable, arn: str, event: dict, region: str) -> None:
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
        kept(arn, event, region)
    else:
        print(f"{bucket['name']} may not invoke {arn}", file=sys.stderr, flush=True)


@around(s3, "_deliver_event_to_sqs")
def deliver_to_queue(kept: Callable, *event: Any, **names: str) -> None:
    """Send an event to a queue, and keep it before the upload is acknowledged."""
    with saving.grown.lock:  # a mapping's thread may just put a new list in its place
        kept(*event, **names)
    saving.growing.messages.keep_new()


@instead_of(s3, "_fire_s3_event_async")
def fire_with_answer(*args: Any, **options: Any) -> None:
    """Let an event of S3 leave when its call is done, and before it is answered.

    MiniStack's own thread would race the object's way to the disk, and a kill.
    """
    bucket, _, name = args[:3]
    if bucket not in s3._bucket_notifications:
        return
    options["sequencer"] = s3._next_event_sequencer(name)
    context = contextvars.copy_context()
    saving.with_answer(lambda: context.run(s3._fire_s3_event, *args, **options))


@around(lambda_svc, "_emit_lambda_logs")
def write_logs(kept: Callable, func: dict, *args: Any, **options: Any) -> None:
    """Write a run's lines, but make no log group anew for a function that is gone.

    On AWS the role that would allow it was deleted, too.
    """
    config = func.get("config") or func
    group = config.get("LoggingConfig", {}).get("LogGroup")
    group = group or f"/aws/lambda/{config['FunctionName']}"
    stands = config["FunctionName"] in lambda_svc._functions
    if stands or group in cloudwatch_logs._log_groups:
        kept(func, *args, **options)


dispatcher = Dispatcher(run, saving.ledger, max(2, os.cpu_count() or 2))

lambda_svc._LAMBDA_STATE_TRANSITION_DELAY *= PACE
lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS *= PACE
lambda_svc._ESM_BACKOFF_SECONDS *= PACE
