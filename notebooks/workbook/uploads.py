"""Upload pictures and wait for what the function says of them."""

from __future__ import annotations

import mimetypes
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from deploy import logs, notifications, probe
from deploy.cloud import Cloud
from deploy.errors import NotReadyError
from deploy.home import in_utf8
from deploy.settings import Settings
from deploy.waiting import looks
from workbook import photos
from workbook.errors import messages

SAMPLES = Path(__file__).resolve().parents[2] / "images" / "samples"
PATIENCE_S = 60

#: When S3 had each upload whole, by bucket and key: the log does not tell.
_arrived: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
#: A bar counts files, and goes when all are done.
_BAR: dict[str, Any] = {"leave": False, "unit": "file"}


def until_heard(
    cloud: Cloud, settings: Settings, suffix: str = "", *, copied: bool = False
) -> None:
    """Wait on AWS until a new rule holds: until a probe comes through.

    With `copied` the probe comes by a copy. Elsewhere a rule holds at once.
    """
    if cloud.kind != "aws":
        return
    suffixes = (suffix,) if suffix else settings.suffixes
    found = probe(cloud, replace(settings, suffixes=suffixes), copied=copied)
    if not found.live:
        print(found)


def until_forgotten(cloud: Cloud) -> None:
    """Wait on AWS until S3 goes by no rule any more that was taken away."""
    if cloud.kind != "aws":
        return
    hold = notifications.RULES_HOLD_S
    with tqdm(total=hold, leave=False, unit="s") as bar:
        bar.set_description("Waiting until S3 forgets the rules of before")
        for passed in looks(hold):
            bar.update(round(passed - bar.n, 1))


def upload(
    cloud: Cloud,
    settings: Settings,
    files: Iterable[Path | str] | Path | str,
    *,
    rename: bool = False,
) -> list[logs.Run]:
    """Upload files under their own names and wait for the outcome of each.

    A name that no rule matches is uploaded, too, and said: nothing will happen to it.
    With `rename`, a photo gets a name and a format that start the function: `IMG.JPG`
    goes up as `IMG.jpg`, a WebP as a JPEG.

    Raises:
        WorkbookError: a file cannot be read, or two would have one name; nothing was
            uploaded then.
        NotReadyError: the function logged nothing about a key in time.
    """
    names: Iterable[Any] = [files]
    if isinstance(files, Iterable) and not isinstance(files, str | bytes | Path):
        names = files
    paths = [messages.check_file(name) for name in names]
    named = [(in_utf8(path.name), path) for path in paths]
    started = datetime.now(UTC)
    if rename:
        pictures = [photos.ready(key, path.read_bytes()) for key, path in named]
        _check_names([key for key, _ in pictures], paths)
        for key, content in tqdm(pictures, "Uploading", **_BAR):
            put(cloud, settings, key, content)
        return outcomes(cloud, settings, [key for key, _ in pictures], started)
    _check_names([key for key, _ in named], paths)
    for key, path in tqdm(named, "Uploading", **_BAR):
        cloud.s3.upload_file(
            str(path),
            settings.source_bucket,
            key,
            ExtraArgs={"ContentType": content_type(key)},
        )
        _note(settings, key)
    contents = {key: path.read_bytes() for key, path in named}
    return outcomes(cloud, settings, [*contents], started, contents)


def _check_names(keys: Sequence[str], paths: Sequence[Path]) -> None:
    """Refuse two files under one name: the second would replace the first, unsaid."""
    first: dict[str, Path] = {}
    for key, path in zip(keys, paths, strict=True):
        if not first.setdefault(key, path).samefile(path):
            raise messages.WorkbookError(
                f"{first[key]} and {path} would both be called {key}, and the second "
                "would replace the first",
                where="this notebook",
                todo="Rename one of them.",
            )


def put(cloud: Cloud, settings: Settings, key: str, content: bytes) -> None:
    """Upload bytes under a name."""
    cloud.s3.put_object(
        Bucket=settings.source_bucket,
        Key=key,
        Body=content,
        ContentType=content_type(key),
    )
    _note(settings, key)


def outcomes(
    cloud: Cloud,
    settings: Settings,
    keys: list[str],
    since: datetime,
    contents: Mapping[str, bytes] | None = None,
) -> list[logs.Run]:
    """Wait for the outcome of each key, showing progress; say what never starts.

    Where contents are given, it is said of a photo what to do.
    """
    present = notifications.rules(cloud, settings)
    expected = []
    for key in dict.fromkeys(keys):
        if why := notifications.unmatched(key, present):
            content = (contents or {}).get(key)
            told = content and photos.advice(key, content, settings.suffixes)
            print(told or why)
        else:
            expected.append(key)
    if not expected:
        return []
    runs = wait(cloud, settings, expected, since)
    bar = tqdm(runs, "Thumbnails", len(expected), **_BAR)
    done = {run.key: run for run in bar}
    return [done[key] for key in expected]


def wait(
    cloud: Cloud, settings: Settings, keys: list[str], since: datetime
) -> Iterator[logs.Run]:
    """Yield each key's final outcome; at the end the failures that are tried again.

    Raises:
        NotReadyError: the function logged nothing about a key in time.
    """
    seen = set()
    try:
        for run in logs.wait_for(cloud, settings, keys, since, PATIENCE_S):
            seen.add(run.key)
            yield run
    except NotReadyError as error:
        # Lambda tries again after a minute or two: what failed so far is told.
        late = {run.key: run for run in logs.runs(cloud, settings, since)}
        if not set(keys) <= seen | late.keys():
            raise NotReadyError(
                error.what,
                where=error.where,
                todo="check(3), check(5) and check(6) say which part is wrong.",
            ) from error
        yield from (late[key] for key in keys if key not in seen)


def arrived(run: logs.Run) -> datetime | None:
    """Return when S3 had this upload whole, if it went up from this notebook."""
    moments = _arrived.get((run.bucket, run.key), [])
    return max((moment for moment in moments if moment <= run.done), default=None)


def content_type(name: str) -> str:
    """Guess the content type from a name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _note(settings: Settings, key: str) -> None:
    _arrived[settings.source_bucket, key].append(datetime.now(UTC))
