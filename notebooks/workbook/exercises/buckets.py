"""The exercises of 02_buckets."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from deploy.cloud import Cloud
from deploy.settings import Settings
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


JUDGES: dict[str, Judge] = {"2a": _link}
