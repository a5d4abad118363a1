"""The exercises of 11_cleanup."""

from __future__ import annotations

from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.waiting import NO_BUCKET, if_there
from workbook.exercises.verdict import Judge

BOAT = "paper-boat.png"


def _bill(answer: tuple[float, float], cloud: Cloud, settings: Settings) -> str:
    uploads, seconds = answer
    if uploads != 3_000_000:
        return f"{uploads:,} uploads are not 3 million."
    if seconds != 1:
        return f"Each photo needs 1 second, and {seconds:g} s is calculated."
    return ""


def _by_version(key: str, cloud: Cloud, settings: Settings) -> str:
    """Look whether any version of a key, or any marker, is left."""
    if key != BOAT:
        return f"The picture to delete is `{BOAT}`."
    found = if_there(
        cloud.s3.list_object_versions,
        *NO_BUCKET,
        Bucket=settings.source_bucket,
        Prefix=key,
    )
    if found is None:
        return "The bucket is gone already: run the notebook again from its first cell."
    markers = len(found.get("DeleteMarkers", []))
    if versions := len(found.get("Versions", [])):
        return (
            f"Of {key} are left: versions {versions}, markers {markers}. A call that "
            "names no VersionId only adds a marker."
        )
    if markers:
        return f"Delete markers left: {markers}. Delete them by VersionId, too."
    return ""


JUDGES: dict[str, Judge] = {"11a": _bill, "11b": _by_version}
