"""Check 9: each output was made once, and nothing of a recipe is left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import buckets, role
from deploy.waiting import (
    DENIED,
    NO_BUCKET,
    NO_ENTITY,
    NO_OBJECT,
    NO_RESOURCE,
    if_there,
)
from handler.recipe.parse import FOLDER
from workbook.checks import buckets as bucket_check
from workbook.checks import role as role_check
from workbook.checks.findings import Finding, judged, waiting

_RENDITION = "a rendition stands beside the thumbnails"
_LABEL = "a thumbnail carries labels"
_CLONE = "a clone has its source's bytes"
_PRIVATE = "the clones are private"
_PLAIN = "the function has no recipe any more"
_ROLE = "the role may do no more than before"
_GONE = (*NO_BUCKET, *NO_OBJECT, *DENIED)


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at what the recipes left in three buckets, at the function and its role."""
    thumbnails = bucket_check.objects(
        cloud, settings.target_bucket, settings.thumbnail_prefix
    )
    if thumbnails is None:
        yield from waiting("the buckets (02_buckets)", _RENDITION, _LABEL)
    else:
        renditions = bucket_check.objects(cloud, settings.target_bucket, FOLDER)
        mend = "There is none. Upload with a recipe that names one (09_effects)."
        yield judged(_RENDITION, bool(renditions), mend)
        yield judged(
            _LABEL,
            any(_labels(cloud, settings.target_bucket, each) for each in thumbnails),
            'None does. Upload with {"labels": {"by": "model"}} (09_effects).',
        )
    yield from _backup(cloud, settings)
    yield _plain(cloud, settings)
    policies = if_there(lambda: role.inside(cloud, settings), NO_ENTITY)
    if policies is None:
        yield from waiting("the role (03_role)", _ROLE)
        return
    wide = role_check.too_wide(cloud, settings)
    if role.RECIPE in policies:
        wide.append(
            f"the policy {role.RECIPE!r} of a recipe, which "
            '`up(cloud, recipe="")` takes off'
        )
    refused = next(filter(None, role_check.refusals(cloud, settings)), "")
    mend = f"Too wide: it has {'; '.join(wide)}." if wide else refused
    yield judged(_ROLE, not mend, f"{mend} `check(3)` says what to mend.")


def _backup(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Compare the clones with their sources; look whether anyone may see them."""
    bucket = settings.backup_bucket
    clones = bucket_check.objects(cloud, bucket)
    if clones is None:
        mend = "There is no backup bucket. `up(cloud, backup=True)` makes it."
        yield judged(_CLONE, False, f"{mend} (09_effects)")
        yield from waiting("the backup bucket", _PRIVATE)
        return
    sources = {
        each["Key"]: each
        for each in bucket_check.objects(cloud, settings.source_bucket) or ()
    }
    same = any(_alike(sources.get(each["Key"]), each) for each in clones)
    mend = "None has. Upload once more with `backup=True` (09_effects)."
    yield judged(_CLONE, same, mend)
    wanted = buckets.public_access_block(public_policy=False)
    yield judged(
        _PRIVATE,
        bucket_check.public_access_block(cloud, bucket) == wanted,
        "Block Public Access is not all on. `up(cloud, backup=True)` mends it.",
    )


def _alike(source: dict[str, Any] | None, clone: dict[str, Any]) -> bool:
    """Compare ETags, or sizes of what came in parts: its copy has another ETag."""
    if source is None:
        return False
    by = "Size" if "-" in source["ETag"] else "ETag"
    return source[by] == clone[by]


def _plain(cloud: Cloud, settings: Settings) -> Finding:
    found = if_there(
        cloud.awslambda.get_function_configuration,
        NO_RESOURCE,
        FunctionName=settings.function_name,
    )
    if found is None:
        return waiting("the function (05_function)", _PLAIN)[0]
    recipe = found.get("Environment", {}).get("Variables", {}).get("RECIPE")
    named = ", ".join(json.loads(recipe)) if recipe else ""
    plain = '`up(cloud, recipe="")` makes it plain again (09_effects).'
    mend = f"It still makes {named}. {plain}"
    return judged(_PLAIN, not recipe, mend)


def _labels(cloud: Cloud, bucket: str, item: dict[str, Any]) -> str:
    head = if_there(cloud.s3.head_object, *_GONE, Bucket=bucket, Key=item["Key"])
    return head["Metadata"].get("labels", "") if head else ""
