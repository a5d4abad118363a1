"""Check 7: a photo became a thumbnail, and the log says so."""

from __future__ import annotations

from collections.abc import Iterator

from deploy import logs
from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.checks import buckets
from workbook.checks.findings import Finding, judged, waiting

_NAMES = (
    "the source holds a photo",
    "its thumbnail stands in the target",
    "the log says that it was made",
)


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look for a source, its thumbnail, and the function's word on it."""
    sources = buckets.objects(cloud, settings.source_bucket) or ()
    keys = {item["Key"] for item in sources}
    photos = {key for key in keys if key.endswith(settings.suffixes)}
    yield judged(
        _NAMES[0],
        bool(photos),
        "No upload ends in " + " or ".join(settings.suffixes) + ". Upload one with "
        "`upload(cloud, settings, …)` (07_watch).",
    )
    if not photos:
        yield from waiting("an upload", *_NAMES[1:])
        return
    prefix = settings.thumbnail_prefix
    thumbnails = buckets.objects(cloud, settings.target_bucket, prefix) or ()
    made = photos & {item["Key"].removeprefix(prefix) for item in thumbnails}
    yield judged(
        _NAMES[1],
        bool(made),
        f"None of the {len(photos)} photos has a thumbnail. check(2) to check(6) say "
        "which part is wrong; then upload again (07_watch).",
    )
    if not made:
        yield from waiting("a thumbnail", _NAMES[2])
        return
    reported = {run.key for run in logs.runs(cloud, settings) if run.outcome == "made"}
    yield judged(
        _NAMES[2],
        bool(made & reported),
        "A thumbnail is there, and the log has no word of it: its lines were deleted, "
        "or the role may not write them (check(3)). Upload again (07_watch).",
    )
