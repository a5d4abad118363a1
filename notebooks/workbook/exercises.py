"""The exercises of the notebooks, each judged by a value or by what it left.

An exercise is named for its notebook, and for its place in it: `2a`, `2b`. Its judge
says nothing where it is right, else a sentence about what is not yet right.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import ParamValidationError

from deploy import layer, logs, notifications, policies
from deploy.cloud import Cloud
from deploy.errors import LayerError
from deploy.settings import Settings
from deploy.steps import buckets
from deploy.waiting import NO_BUCKET, NO_OBJECT, if_there
from handler import make_thumbnail
from workbook import html, labs, session
from workbook.checks import buckets as bucket_check
from workbook.errors.messages import WorkbookError
from workbook.html import Html
from workbook.uploads import SAMPLES

Judge = Callable[[Any, Cloud, Settings], str]

#: The name of an exercise → who judges it, in the course's order.
JUDGES: dict[str, Judge] = {}


class Verdict(Html):
    """What an answer is worth: right, or not yet, and why."""

    def __init__(self, name: str, wrong: str) -> None:
        self.name, self.right = name, not wrong
        notebook = session.NOTEBOOKS[step_of(name)]
        result = f"not yet. {wrong}" if wrong else "right."
        text = f"Exercise {name} of {notebook}: {result}"
        super().__init__(html.note(text, html.ORANGE if wrong else html.GREEN), text)


def judge(name: str, answer: Any, cloud: Cloud, settings: Settings) -> Verdict:
    """Judge the answer to an exercise, or what it left in the cloud.

    Raises:
        WorkbookError: there is no exercise of this name.
    """
    if name not in JUDGES:
        raise WorkbookError(
            f"there is no exercise {name!r}", todo=f"They are {', '.join(JUDGES)}."
        )
    try:
        wrong = JUDGES[name](answer, cloud, settings)
    except (AttributeError, LookupError, ParamValidationError, TypeError, ValueError):
        # What stands where a pair, a name or a number was asked for has no verdict.
        shown = reprlib.repr(answer)
        wrong = (
            f"`{shown}` does not have the form of the cell's own value: keep that form."
        )
    return Verdict(name, wrong)


def of(step: int) -> list[str]:
    """List the exercises of a notebook."""
    return [name for name in JUDGES if step_of(name) == step]


def step_of(name: str) -> int:
    """Return the notebook of an exercise: 2 for `2a`."""
    return int(name[:-1])


def _judges(name: str) -> Callable[[Judge], Judge]:
    """Let a function judge an exercise."""

    def note(judge: Judge) -> Judge:
        JUDGES[name] = judge
        return judge

    return note


def _members(answer: Collection[Any], kind: type) -> set[Any]:
    """Take the members of a set, and raise TypeError for a text or another kind."""
    if isinstance(answer, str) or not all(isinstance(each, kind) for each in answer):
        raise TypeError(f"a set of {kind.__name__} was asked for")
    return set(answer)


# 01_thumbnail

_BYTES = 5_000


@_judges("1a")
def _wide(size: tuple[int, int], cloud: Cloud, settings: Settings) -> str:
    width, height = size
    right = (settings.box, round(settings.box / 3))
    if width == height:
        return f"{width} × {height} is squashed: the photo is three times as wide."
    if (height, width) == right:
        return "Width and height are swapped: the photo is wide."
    if width == settings.box and height != right[1]:
        return f"The width is right. The height is a third of it, not {height}."
    if (width, height) != right:
        return f"The longer side fills the box: the width is {settings.box}."
    return ""


@_judges("1b")
def _quality(quality: int, cloud: Cloud, settings: Settings) -> str:
    data = (SAMPLES / "lighthouse.jpg").read_bytes()

    def weight(quality: int) -> int:
        return len(make_thumbnail(data, settings.box, quality=quality))

    if weight(quality) > _BYTES:
        return f"Quality {quality} takes {weight(quality):,} bytes: lower it."
    if quality < 95 and weight(quality + 1) <= _BYTES:
        return f"Quality {quality} fits, and a higher quality fits, too."
    return ""


# 02_buckets

_HOUR_S = 3_600


@_judges("2a")
def _published(key: str, cloud: Cloud, settings: Settings) -> str:
    prefix, bucket = settings.thumbnail_prefix, settings.target_bucket
    if key.lstrip("/").lower().startswith(prefix) and not key.startswith(prefix):
        return f"`{key}` is another key: keys begin with `{prefix}`, letter by letter."
    if not key.startswith(prefix):
        return f"`{key}` is not below `{prefix}`, and the policy opens nothing else."
    document = bucket_check.policy(cloud, bucket, "NoSuchBucket")
    object_arn = f"{settings.arns.bucket(bucket)}/{key}"
    anyone = {"AWS": "*"}
    if not policies.allowed(document, "s3:GetObject", object_arn, principal=anyone):
        return "The policy does not open it: run the cell that puts the policy."
    if if_there(cloud.s3.head_object, *NO_OBJECT, Bucket=bucket, Key=key) is None:
        return f"There is no object `{key}` in the target bucket."
    return ""


@_judges("2b")
def _link(link: str, cloud: Cloud, settings: Settings) -> str:
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    if settings.target_bucket not in parts.netloc + parts.path:
        return "The link opens another bucket; the note is in the target bucket."
    if not unquote(parts.path).endswith("/rejected/example.json"):
        return "The link opens another key, not `rejected/example.json`."
    seconds = int(query.get("X-Amz-Expires", ["0"])[0])
    if seconds != _HOUR_S:
        return f"The link is good for {seconds} s; an hour has {_HOUR_S:,}."
    return ""


# 03_role

_LIST = "s3:ListBucket"


@_judges("3a")
def _narrow(statement: dict[str, Any], cloud: Cloud, settings: Settings) -> str:
    target = settings.arns.bucket(settings.target_bucket)
    document = policies.document(statement)

    def may(call: str, key: str) -> bool:
        return bool(policies.allowed(document, call, f"{target}/{key}"))

    arns = policies.listed(statement["Resource"])
    if not all(f"{arn}".startswith(f"{target}/") for arn in arns):
        return f"The ARN of an object in the target begins with `{target}/`."
    if not may("s3:PutObject", "thumbnails/any/photo.jpg"):
        return "Thumbnails may not be written: end the ARN in `/thumbnails/*`."
    if may("s3:PutObject", "rejected/photo.json"):
        return "`rejected/photo.json` may still be written."
    if may("s3:PutObject", "thumbnails.jpg") or may("s3:GetObject", "thumbnails/a.jpg"):
        return "It allows more than writing below `thumbnails/`."
    return ""


@_judges("3b")
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


# 04_layer


@_judges("4a")
def _runtime(answer: tuple[Any, bool], cloud: Cloud, settings: Settings) -> str:
    runtime, loads = answer
    if runtime.name != "python3.11":
        return f"The runtime is {runtime.name}, and python3.11 was asked for."
    if not isinstance(loads, bool):
        raise TypeError("say True or False")
    if loads:
        have = ".".join(map(str, runtime.glibc))
        return f"Its glibc is {have}, older than 2.27: such a wheel does not load."
    return ""


@_judges("4b")
def _wheel(name: str, cloud: Cloud, settings: Settings) -> str:
    if not name.endswith(".whl"):
        return "The name of a wheel ends in `.whl`."
    python, abi = [*name.split("-"), "", "", ""][2:4]
    if (python, abi) != ("cp313", "cp313"):
        return f"It is for {python} and {abi}; python3.13 is `cp313`, twice."
    for arm in ("aarch64", "arm64"):
        if arm in name:
            return f"`{arm}` is ARM; the function runs on `x86_64`."
    wanted = Settings(
        settings.account, settings.region, runtime="python3.13", architecture="x86_64"
    )
    try:
        layer.check_tags(name, wanted)
    except LayerError as error:
        return f"{error}"
    return ""


# 05_function

#: How the lines begin that Lambda and the handler write themselves.
_LAMBDAS = ("START", "END", "REPORT", "INIT_START", '{"')


@_judges("5a")
def _rejected(answer: dict[str, Any], cloud: Cloud, settings: Settings) -> str:
    outcomes = answer.get("outcomes", {})
    if outcomes == {"rejected": 1}:
        return ""
    if "made" in outcomes:
        return "The thumbnail was made. Which size is pointless to read?"
    return (
        "The function did not reject the event, it failed or passed it over: change "
        "`size` alone, to another number."
    )


@_judges("5b")
def _line(answer: tuple[Any, str], cloud: Cloud, settings: Settings) -> str:
    result, log = answer
    if isinstance(result, dict) and "errorMessage" in result:
        return f"Your line stopped the function: {result['errorMessage']}."
    lines = [text for text in log.splitlines() if not text.startswith(_LAMBDAS)]
    if not any(text.strip() for text in lines):
        return (
            "The log has no line of yours: let `mine` be a text with a line of Python, "
            """such as `'print("…")'`. What it prints must not begin like a line of """
            "Lambda or the handler."
        )
    return ""


# 06_trigger

_FOLDER = "holiday/"


@_judges("6a")
def _spelling(answer: Any, cloud: Cloud, settings: Settings) -> str:
    """Look for a third suffix among the rules on the bucket."""
    found = {rule.suffix for rule in notifications.rules(cloud, settings)}
    if gone := [suffix for suffix in settings.suffixes if suffix not in found]:
        return f"The rule for {gone[0]} is gone: a suffix begins with its dot."
    new = found - set(settings.suffixes)
    if not new:
        return "The bucket still has only its two rules: change `suffix` to `.jpeg`."
    if ".jpeg" not in new:
        return f"There is a rule for {min(new)!r}, and `.jpeg` was asked for."
    return ""


@_judges("6b")
def _folder(answer: Any, cloud: Cloud, settings: Settings) -> str:
    """Judge the parts of a filter by the keys that it lets through."""
    filters = {"Key": {"FilterRules": answer}}
    rule = notifications.rule({"Filter": filters, "Events": []})
    if not rule.prefix:
        return "It has no prefix, so it takes every folder: add a second part."
    if rule.prefix.startswith("/"):
        return "A key begins without `/`, so no key begins with this prefix."
    if rule.matches("holidays.jpg"):
        return "`holidays.jpg` is not in the folder: end the prefix in `/`."
    if not rule.matches(f"{_FOLDER}beach.jpg"):
        return f"It does not take `{_FOLDER}beach.jpg`."
    if rule.matches(f"{_FOLDER}list.txt"):
        return "It takes every kind of file: keep the suffix beside the prefix."
    return ""


# 07_watch


@_judges("7a")
def _crowd(runs: list[Any], cloud: Cloud, settings: Settings) -> str:
    if len(runs) < 8:
        return f"Photos uploaded: {len(runs)}; 8 are asked for."
    if sum(run.cold for run in runs) < 2:
        return "Only one run was cold: run `fresh()` and all eight uploads again."
    return ""


@_judges("7b")
def _slowest(run: Any, cloud: Cloud, settings: Settings) -> str:
    """Compare a run with every other in the log."""
    duration = getattr(run, "duration_ms", None)
    if duration is None:
        return "Give a run, as `max(every, key=…)` returns it."
    durations = [each.duration_ms or 0 for each in logs.runs(cloud, settings)]
    if duration <= min(durations) < max(durations):
        return "That is the quickest run: `max` finds the slowest."
    if duration < max(durations):
        return f"{run.key} took {duration:.0f} ms, and a run of the log took longer."
    return ""


# 08_failures

#: The labs in which the pipeline did what it should.
_SOUND = frozenset({10, 11})

#: Why some labs do not count.
_UNCOUNTED = {
    "the text mends them": frozenset({1, 2}),
    "nothing is to be mended there": frozenset({11}),
}

#: How many of the others are mended by hand.
_ENOUGH = 3


@_judges("8a")
def _sound(numbers: Collection[int], cloud: Cloud, settings: Settings) -> str:
    named = _members(numbers, int)
    if not named:
        return "Name two labs: `{1, 2}` would be the first two."
    if 3 in named:
        return "In lab 3 the path is broken: no rule matches the name."
    if broken := sorted(named - _SOUND):
        return f"In lab {broken[0]} something is broken: `follow` says what."
    if _SOUND - named:
        return "That is right, and one more is missing."
    return ""


@_judges("8b")
def _by_hand(answer: object, cloud: Cloud, settings: Settings) -> str:
    """Count the labs that the learner mended."""
    mended = labs.by_hand()
    counted = mended.difference(*_UNCOUNTED.values())
    if len(counted) >= _ENOUGH:
        return ""
    done = f"{_named(counted)} ({len(counted)} of the {_ENOUGH} asked for)"
    if not counted:
        done = f"none of the {_ENOUGH} asked for"
    beside = "".join(
        f" Not counted: {_named(mended & numbers)}, as {why}."
        for why, numbers in _UNCOUNTED.items()
        if mended & numbers
    )
    return (
        f"Mended by hand so far: {done}.{beside} Mend each until `labs.verdict()` "
        "says right."
    )


def _named(numbers: Collection[int]) -> str:
    """Write "lab 3", or "labs 3 and 6"."""
    word = "lab" if len(numbers) == 1 else "labs"
    return f"{word} {' and '.join(map(str, sorted(numbers)))}"


# 09_effects

#: Wish → why the role needs no more for it.
_FREE = {
    "blur": "A blur is computed; no service is asked.",
    "watermark": "The watermark's picture is in the function's zip.",
    "renditions": "Renditions go to the target bucket, where the role may write.",
}

_MORE = frozenset({"backup", "rekognition"})


@_judges("9a")
def _cover(cover: dict[str, Any], cloud: Cloud, settings: Settings) -> str:
    effects = {each.get("effect"): each for each in cover.get("effects", ())}
    if cover.get("fit") != "cover" or cover.get("width") != cover.get("height"):
        return 'It is not square: `"fit": "cover"` fills the box.'
    if "grayscale" not in effects:
        return "It still has its colours: the effect is `grayscale`."
    if effects.get("text", {}).get("place") != "top":
        return 'Your name is not at the top: a `text` has `"place": "top"`.'
    return ""


@_judges("9b")
def _permissions(answer: Collection[str], cloud: Cloud, settings: Settings) -> str:
    named = _members(answer, str)
    if not named:
        return "Two of the five wishes need a statement more: put both into the set."
    for wish in sorted(named - _MORE):
        return _FREE.get(wish, f"{wish!r} is none of the five.")
    for wish in sorted(_MORE - named):
        return f"{wish!r} is missing: `added` shows its statement."
    return ""


# 10_platform


@_judges("10a")
def _at_once(answer: float | None, cloud: Cloud, settings: Settings) -> str:
    """Judge Little's law: how many run at once."""
    if answer is None:
        return "Replace None by a number."
    if answer == _PER_SECOND / _SECONDS:
        return "That divides by the seconds, and Little's law multiplies."
    if answer == _PER_SECOND:
        return "Each is done in a quarter of a second, so fewer are in work at once."
    if abs(answer - _PER_SECOND * _SECONDS) > 1e-6:
        return f"{answer:g} is not {_PER_SECOND} arrivals a second × {_SECONDS} s."
    return ""


_PER_SECOND, _SECONDS = 40, 0.25


@_judges("10b")
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


# 11_cleanup

_BOAT = "paper-boat.png"


@_judges("11a")
def _bill(answer: tuple[float, float], cloud: Cloud, settings: Settings) -> str:
    uploads, seconds = answer
    if uploads != 3_000_000:
        return f"{uploads:,} uploads are not 3 million."
    if seconds != 1:
        return f"Each photo needs 1 second, and {seconds:g} s is calculated."
    return ""


@_judges("11b")
def _by_version(key: str, cloud: Cloud, settings: Settings) -> str:
    """Look whether any version of a key, or any marker, is left."""
    if key != _BOAT:
        return f"The picture to delete is `{_BOAT}`."
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
