"""The exercises of 02_buckets."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from deploy import policies
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.waiting import NO_OBJECT, if_there
from workbook.checks import buckets
from workbook.exercises.verdict import Judge

HOUR_S = 3_600


def _link(link: str, cloud: Cloud, settings: Settings) -> str:
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    if settings.target_bucket not in parts.netloc + parts.path:
        return "The link opens the source bucket; the note is in the target bucket."
    if not unquote(parts.path).endswith("/rejected/example.json"):
        return "The link opens another key than `rejected/example.json`."
    seconds = int(query.get("X-Amz-Expires", ["0"])[0])
    if seconds != HOUR_S:
        return f"The link is good for {seconds} s; an hour has {HOUR_S:,}."
    return ""


def _published(key: str, cloud: Cloud, settings: Settings) -> str:
    prefix, bucket = settings.thumbnail_prefix, settings.target_bucket
    if key.lstrip("/").lower().startswith(prefix) and not key.startswith(prefix):
        return f"`{key}` is another key: keys begin with `{prefix}`, letter by letter."
    if not key.startswith(prefix):
        return f"`{key}` is not below `{prefix}`, and the policy opens nothing else."
    document = buckets.policy(cloud, bucket, "NoSuchBucket")
    object_arn = f"{settings.arns.bucket(bucket)}/{key}"
    anyone = {"AWS": "*"}
    if not policies.allowed(document, "s3:GetObject", object_arn, principal=anyone):
        return "The policy does not open it: run the cell that puts the policy."
    if if_there(cloud.s3.head_object, *NO_OBJECT, Bucket=bucket, Key=key) is None:
        return f"There is no object `{key}` in the target bucket."
    return ""


JUDGES: dict[str, Judge] = {"2a": _published, "2b": _link}
