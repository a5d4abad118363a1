"""Is a learner's own mend of a lab right? If not, what is still wrong, in a sentence.

Each judge looks at the resources through AWS calls alone. What the checks of the
notebooks see is taken from them; here stand the mistakes that only a lab has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy import notifications
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import buckets, failures, function
from deploy.tracing.facts import Facts
from deploy.waiting import NO_OBJECT, if_there
from workbook import checks
from workbook.checks.function import LAYER
from workbook.labs import mistakes

#: Says what is still wrong; nothing where the mend is right.
Judge = Callable[[Cloud, Settings], str]


@dataclass(frozen=True)
class Mend:
    """How a lab's mend is judged.

    Attributes:
        wrong: looks at the resources.
        unproved: what it mostly is when they are right and no thumbnail is made.
        asks_again: whether the upload is made again for the proof; else the learner's
            own upload, or what was kept, has to show it.
    """

    wrong: Judge
    unproved: str = ""
    asks_again: bool = True


def seen_by(step: int, *lines: str) -> Judge:
    """Take the first thing that a check says is to be mended, of these lines if any."""

    def wrong(cloud: Cloud, settings: Settings) -> str:
        findings = checks.look(step, cloud, settings).findings
        red = [each for each in findings if each.state == "mend"]
        return next((f.mend for f in red if not lines or f.name in lines), "")

    return wrong


def within(field: str, least: int, most: int, too_little: str, too_much: str) -> Judge:
    """Judge a number of the configuration: more than the least, and no open end."""

    def wrong(cloud: Cloud, settings: Settings) -> str:
        value = _configuration(cloud, settings)[field]
        told = too_little if value <= least else too_much if value > most else ""
        return told.format(value=value, settings=settings)

    return wrong


def other_code(cloud: Cloud, settings: Settings) -> str:
    """Look whether the code that takes keys as they stand is still deployed."""
    faulty = function.code_sha256(mistakes.with_raw_keys(settings))
    if _configuration(cloud, settings)["CodeSha256"] != faulty:
        return ""
    return (
        "The function still has the code that takes a key as it stands in the event. "
        "`update_function_code` deploys another zip, and `function.package(settings)` "
        "is one that decodes keys. Another name for one photo mends nothing."
    )


def another_name(cloud: Cloud, settings: Settings) -> str:
    """Look for the camera's photo under a name that a rule matches."""
    if gone := seen_by(6)(cloud, settings):
        return gone
    if camera_photo(cloud, settings):
        return ""
    return (
        f"No rule matches {mistakes.CAMERA}, and since then no upload had a "
        "name that a rule matches. Copy it to such a name (`copy_object`), or put a "
        "third rule beside the two (06_trigger) and upload it again."
    )


def camera_photo(cloud: Cloud, settings: Settings) -> str:
    """Name the upload that shows the camera's photo mended; nothing without one."""
    present = notifications.rules(cloud, settings)
    every = {
        each["Key"]: each
        for each in buckets.objects(cloud, settings.source_bucket)
        if not notifications.unmatched(each["Key"], present)
    }
    if mistakes.CAMERA in every:
        return mistakes.CAMERA
    head = _head(cloud, settings, mistakes.CAMERA)
    copies = [
        key
        for key, each in every.items()
        if head
        and each["ETag"] == head["ETag"]
        and each["LastModified"] >= head["LastModified"]
    ]
    moved = "" if head else mistakes.CAMERA.lower()
    return next(iter(copies), moved if moved in every else "")


def a_picture(cloud: Cloud, settings: Settings) -> str:
    """Look whether a picture stands where the customer put a text."""
    key = mistakes.POISON
    if touched := _touched(cloud, settings):
        return touched
    head = _head(cloud, settings, key)
    if head is None:
        return f"{key} is gone, and the customer has no thumbnail: upload a picture."
    if head["ETag"].strip('"') == mistakes.etag("not-an-image.jpg"):
        return (
            f"{key} still holds the text, and a text stays one, however often it is "
            "tried: upload a picture under this name."
        )
    return ""


def the_newer(cloud: Cloud, settings: Settings) -> str:
    """Look whether the newer photo is still the one that stands."""
    if touched := _touched(cloud, settings):
        return touched
    head = _head(cloud, settings, mistakes.OVERWRITTEN)
    if head is None or head["ETag"].strip('"') != mistakes.etag("lighthouse.jpg"):
        return (
            "Now the newer photo, the lighthouse, is gone from the source, and nothing "
            "was to be mended: upload it again."
        )
    return ""


def running_and_replayed(cloud: Cloud, settings: Settings) -> str:
    """Look whether the function may run, without a cap, and nothing waits."""
    limit = cloud.awslambda.get_function_concurrency(
        FunctionName=settings.function_name
    ).get("ReservedConcurrentExecutions")
    lift = "`delete_function_concurrency` takes the limit away"
    if limit == 0:
        return (
            "Its reserved concurrency, the number of runs that it may have at once, is "
            f"0, so it never runs: {lift}."
        )
    if limit is not None:
        return f"It runs, {limit} at a time at most, and had no limit before: {lift}."
    found = failures.describe(cloud, settings)
    if not (found and found.events):
        return ""
    kept = Facts(cloud, settings, key="").every_kept
    of_lab = sum(map(failures.was_stopped, kept))
    events = "events wait" if found.events > 1 else "event waits"
    return (
        f"It runs again, and {found.events} {events} in {settings.failure_queue}, "
        f"{of_lab} of them from this lab: `replay(cloud, settings)` sends all. A new "
        "upload does not."
    )


def _touched(cloud: Cloud, settings: Settings) -> str:
    """Say what was changed in a pipeline that was right."""
    found = (seen_by(step)(cloud, settings) for step in (2, 3, 5, 6))
    wrong = next(filter(None, found), "")
    return wrong and f"The pipeline was right, and now it is not. {wrong}"


def _configuration(cloud: Cloud, settings: Settings) -> dict[str, Any]:
    name = settings.function_name
    return cloud.awslambda.get_function_configuration(FunctionName=name)


def _head(cloud: Cloud, settings: Settings, key: str) -> dict[str, Any] | None:
    place = {"Bucket": settings.source_bucket, "Key": key}
    return if_there(cloud.s3.head_object, *NO_OBJECT, **place)


#: A fault's name in `faults.FAULTS` → how its mend is judged.
MENDS: dict[str, Mend] = {
    "no-layer": Mend(seen_by(5, LAYER)),
    "wrong-layer": Mend(seen_by(5, LAYER)),
    "bucket-not-objects": Mend(seen_by(3)),
    "capitals": Mend(
        another_name,
        "S3 sends an event for an upload that comes after its rule, and none for one "
        "before: upload it again.",
        asks_again=False,
    ),
    "timeout": Mend(
        within(
            "Timeout",
            3,  # as long as the mistake sleeps
            60,
            "Timeout is {value} s, and the run needs more than 3 s: set Timeout to "
            "{settings.timeout_s} (05_function). More memory does not make S3 quicker.",
            "Timeout is {value} s: a run that hangs would be paid for as long. "
            "{settings.timeout_s} s are enough.",
        )
    ),
    "uninvited": Mend(seen_by(6)),
    "raw-key": Mend(
        other_code,
        "Your code asks for a name that no object has. `unquote` leaves a + as it is; "
        "`unquote_plus` makes a space of it.",
    ),
    "memory": Mend(
        within(
            "MemorySize",
            128,
            1024,
            "MemorySize is {value} MB. Decoding needs 30 MB: 24 MB of pixels, two "
            "bytes each, and work space. Of {value} MB, Python, its libraries and the "
            "file leave about 16. Raise MemorySize (05_function). A longer Timeout "
            "gives no memory.",
            "MemorySize is {value} MB, and each second is paid by the megabyte: "
            "{settings.memory_mb} MB are enough.",
        )
    ),
    "blocked": Mend(seen_by(2)),
    "poison": Mend(a_picture, asks_again=False),
    "late-event": Mend(the_newer, asks_again=False),
    "stopped": Mend(running_and_replayed, asks_again=False),
}
