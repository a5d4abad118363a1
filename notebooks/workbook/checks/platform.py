"""Check 10: one way for an upload, the right storage classes, and nothing missing."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.cloud import Cloud
from deploy.errors import ForeignResourceError
from deploy.operations import backfill
from deploy.settings import Settings
from deploy.steps import queue, trigger
from deploy.waiting import DENIED, NO_BUCKET, if_there
from workbook.checks import buckets
from workbook.checks.findings import Finding, judged, waiting

_NAMES = (
    "an upload has one way to the function",
    "the queue works, or is gone",
    "a source is kept in Infrequent Access",
    "every thumbnail is kept in Standard",
    "no picture lacks its thumbnail",
)
_GONE = (*NO_BUCKET, *DENIED)


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at the rules, the queue, both buckets' storage classes, and compare them."""
    ways = _ways(cloud, settings)
    yield judged(_NAMES[0], len(ways) == 1, _way_to_mend(ways))
    wrong = _queue_fault(cloud, settings)
    if ways or wrong:
        yield judged(_NAMES[1], not wrong, wrong)
    else:  # no queue is right only where something else takes the uploads
        yield from waiting("the rules (06_trigger)", _NAMES[1])
    sources = buckets.objects(cloud, settings.source_bucket)
    if sources is None:
        yield from waiting("the buckets (02_buckets)", *_NAMES[2:])
        return
    yield judged(
        _NAMES[2],
        any(item.get("StorageClass") == "STANDARD_IA" for item in sources),
        'Put one with StorageClass="STANDARD_IA" (10_platform).',
    )
    thumbnails = buckets.objects(
        cloud, settings.target_bucket, settings.thumbnail_prefix
    )
    rare = [
        item["Key"]
        for item in thumbnails or ()
        if item.get("StorageClass", "STANDARD") != "STANDARD"
    ]
    yield judged(
        _NAMES[3],
        not rare,
        f"{len(rare)} of them are not, as {rare[:1]}: small and read often, they cost "
        "more there. Delete them and run `backfill` (10_platform).",
    )
    every = backfill.pictures(cloud, settings)
    missing = if_there(lambda: backfill.missing(cloud, settings, every), *_GONE)
    count = "All" if missing is None else len(missing)
    yield judged(
        _NAMES[4],
        missing == [],
        f"{count} of them do. Run `backfill(cloud, settings)` (10_platform).",
    )


def _ways(cloud: Cloud, settings: Settings) -> set[str]:
    """Name where our rules send an upload: the function, the queue, or both."""
    found = trigger.describe(cloud, settings)
    rules = found.rules if found else ()
    return {"queue" if "QueueArn" in rule else "function" for rule in rules}


def _way_to_mend(ways: set[str]) -> str:
    if not ways:
        return "It has none: no rule of ours is on the bucket. Run `up(cloud)`."
    return (
        "Some rules name the queue and some the function. `up(cloud, queue=False)` "
        "turns all to the function, `up(cloud, queue=True)` all to the queue."
    )


def _queue_fault(cloud: Cloud, settings: Settings) -> str:
    """Say what is wrong with the queue of uploads, or nothing."""
    try:
        found = queue.describe(cloud, settings)
    except ForeignResourceError as error:
        return str(error)
    if found is None:
        return ""
    mapping = found.mapping
    if mapping is None or mapping["State"] in ("Disabled", "Disabling"):
        return (
            f"Nothing takes its {found.events} messages out. Run "
            "`up(cloud, queue=True)`, or `up(cloud, queue=False)` to do without it."
        )
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or ()):
        return (
            "Its mapping does not ask which messages failed, so one failure repeats "
            "the whole batch. Run `up(cloud, queue=True)`."
        )
    return ""
