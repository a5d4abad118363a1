"""The exercises of 10_platform."""

from __future__ import annotations

from collections.abc import Collection

from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import buckets
from workbook.exercises.verdict import Judge

PER_SECOND, SECONDS = 40, 0.25


def _found_again(keys: Collection[str], cloud: Cloud, settings: Settings) -> str:
    """Judge what `backfill` found by what stands in both buckets now."""
    if not keys:
        return "Nothing was missing: let `lost` take some keys of `old`."

    def names(bucket: str, prefix: str = "") -> set[str]:
        found = buckets.objects(cloud, bucket, prefix)
        return {item["Key"].removeprefix(prefix) for item in found}

    if gone := set(keys) - names(settings.source_bucket):
        return f"{min(gone)} is no longer in the source: delete only the thumbnail."
    thumbnails = names(settings.target_bucket, settings.thumbnail_prefix)
    if missing := set(keys) - thumbnails:
        return f"{min(missing)} has no thumbnail yet: wait until the queue is empty."
    return ""


def _at_once(answer: float | None, cloud: Cloud, settings: Settings) -> str:
    """Judge Little's law: how many run at once."""
    if answer is None:
        return "Replace None by a number."
    if answer == PER_SECOND / SECONDS:
        return "That divides by the seconds, and Little's law multiplies."
    if answer == PER_SECOND:
        return "Each is done in a quarter of a second, so fewer are in work at once."
    if abs(answer - PER_SECOND * SECONDS) > 1e-6:
        return f"{answer:g} is not {PER_SECOND} arrivals a second × {SECONDS} s."
    return ""


JUDGES: dict[str, Judge] = {"10a": _at_once, "10b": _found_again}
