"""The exercises of 03_role."""

from __future__ import annotations

from typing import Any

from deploy import policies
from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.exercises.verdict import Judge

_LIST = "s3:ListBucket"


def _narrow(statement: dict[str, Any], cloud: Cloud, settings: Settings) -> str:
    target = settings.arns.bucket(settings.target_bucket)
    document = policies.document(statement)

    def may(call: str, key: str) -> bool:
        return bool(policies.allowed(document, call, f"{target}/{key}"))

    if not f"{statement['Resource']}".startswith(f"{target}/"):
        return f"That is no ARN of objects in the target: it begins with `{target}/`."
    if not may("s3:PutObject", "thumbnails/any/photo.jpg"):
        return "Thumbnails may not be written: end the ARN in `/thumbnails/*`."
    if may("s3:PutObject", "rejected/photo.json"):
        return "`rejected/photo.json` may still be written."
    if may("s3:PutObject", "thumbnails.jpg") or may("s3:GetObject", "thumbnails/a.jpg"):
        return "It allows more than writing below `thumbnails/`."
    return ""


def _listing(statement: dict[str, Any], cloud: Cloud, settings: Settings) -> str:
    source = settings.arns.bucket(settings.source_bucket)
    document = policies.document(statement)
    resources = policies.listed(statement.get("Resource", ""))
    if f"{source}/*" in resources:
        return "`/*` names the objects; listing acts on the bucket, so leave it out."
    if not policies.allowed(document, "s3:ListBucket", source):
        return f"Listing is not allowed: the bucket's ARN is `{source}`."
    if resources != [source] or policies.listed(statement["Action"]) != [_LIST]:
        return f"It allows more than `{_LIST}` on the source."
    return ""


JUDGES: dict[str, Judge] = {"3a": _narrow, "3b": _listing}
