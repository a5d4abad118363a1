"""A permission is asked for by AWS's name, and on the resource AWS asks about.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.arn import Arn
from ministack.core.iam_evaluator import enforce
from ministack.core.responses import get_account_id, get_region
from ministack.services import s3
from places import around, instead_of


@around(iam_actions, "extract_iam_action")
def action_of(
    kept: Callable, service: str, method: str, path: str, *more: Any
) -> str | None:
    """Name the permission that AWS asks for."""
    action = kept(service, method, path, *more)
    if action == "lambda:ListLayers" and path.rstrip("/").endswith("/versions"):
        return "lambda:ListLayerVersions"
    return action


@around(iam_actions, "extract_resource_arn")
def resource_of(
    kept: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: dict,
    body: bytes,
    *more: Any,
) -> str:
    """Name the resource that AWS asks about."""
    arn = kept(service, method, path, headers, body, *more)
    if service == "lambda" and path.rstrip("/").endswith("/functions") and body:
        return _arn("lambda", f"function:{json.loads(body)['FunctionName']}")
    if service == "monitoring" and arn == "*":
        return _arn("cloudwatch", "alarm:*")
    if service == "logs" and "TagResource" not in headers.get("x-amz-target", ""):
        group = _arn("logs", "log-group:") if arn == "*" else arn
        return f"{group.removesuffix(':*')}:log-stream:"
    return arn


def _arn(service: str, resource: str) -> str:
    return str(Arn("aws", service, get_region(), get_account_id(), resource))


@instead_of(iam_evaluator, "_fnmatch_compile")
@lru_cache(maxsize=4096)
def pattern_of(wildcards: str, ignore_case: bool) -> re.Pattern:
    """Compile a policy's `*` and `?`, which match line feeds, too, as on AWS."""
    parts = re.split(r"(\*+|\?)", wildcards)
    text = "".join({"*": ".*", "?": "."}.get(p[:1], re.escape(p)) for p in parts)
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.compile(rf"{text}\Z", flags)


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
        arn = str(Arn("aws", "s3", "", "", bucket))
        if caller and not enforce(caller, "s3:ListBucket", "s3", get_region(), arn):
            return answer
        return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")

    return reading


@around(iam_actions, "access_denied_response")
def refusal(
    kept: Callable[..., tuple],
    service: str,
    action: str,
    caller: str,
    *more: Any,
    **options: Any,
) -> tuple:
    """Refuse by an identity-based policy in AWS's words, which name the resource.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    arn, denied = options.get("resource_arn", "*"), options.get("explicit_deny", False)
    by_resource = denied and options.get("resource_policy_arn")
    if arn != "*" and not (by_resource or options.get("message")):
        named = f'"{arn}"' if service == "s3" else arn
        words = iam_actions.identity_denial_message(action, caller, named, denied)
        options["message"] = words
    return kept(service, action, caller, *more, **options)


s3._get_object = hide_missing_keys(s3._get_object, "GET")
s3._head_object = hide_missing_keys(s3._head_object, "HEAD")
