"""`probe()`: is the trigger live yet? Uploads a picture of its own, and waits for it.

A rule that was just written takes a while to hold on AWS, usually five minutes, and an
upload before that starts nothing, then or later. So the picture is uploaded again and
again until one comes through; what was uploaded and what came of it is deleted.

How long AWS takes stands in `notifications.RULES_HOLD_S`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from tqdm.auto import tqdm

from deploy import logs, recipes
from deploy.cloud import Cloud
from deploy.configure import resolved
from deploy.errors import DeployError
from deploy.explained import STATUS, explained
from deploy.notifications import RULES_HOLD_S
from deploy.settings import Settings
from deploy.steps import buckets
from deploy.tracing import Trace, trace
from deploy.waiting import afterwards, code, if_there, looks
from handler.events import target_key

#: Where probes go in the source bucket; no picture of anybody's is there.
FOLDER = ".thumbnail-workbook/"
_AGAIN_S = 15.0
_Send = Callable[[Cloud, Settings, str, bytes], None]


@dataclass(frozen=True, repr=False)
class Probe:
    """What became of a probe.

    Attributes:
        seconds: from the first upload to the first sign of life.
        sign: what was seen: "thumbnail", or the log's "made", "rejected", "failed";
            None where nothing was, in time.
        trace: of a probe that came to nothing, or whose run failed: why.
    """

    seconds: float
    sign: str | None
    trace: Trace | None = None

    @property
    def live(self) -> bool:
        """Whether an upload starts the function."""
        return self.sign is not None

    def __repr__(self) -> str:
        """Say in a line whether it is live; below it, the first broken link."""
        text = f"Live: the probe came through after {self.seconds:.1f} s ({self.sign})."
        if not self.live:
            text = f"Nothing came of the probe in {self.seconds:.0f} s."
        if self.trace is None:
            return text
        link = self.trace.broken
        if link is None:
            return f"{text}\nNo link is broken; a new rule may take longer: try again."
        cure = f"\n  Cure: {link.cure}" if link.cure else ""
        return f"{text}\nFirst broken link: {link.name}: {link.finding}{cure}"


def probe(
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    timeout_s: float = RULES_HOLD_S,
    copied: bool = False,
    **overrides: Any,
) -> Probe:
    """Upload a small picture until one comes through; then delete it and its results.

    With `copied` it comes by a copy, which a rule for PUT alone does not hear.

    Raises:
        DeployError: there is no source bucket, or you may not upload to it.
    """
    cloud, settings = resolved(cloud, settings, overrides)
    send = _copy if copied else _upload
    name = f"probe-{datetime.now(UTC):%Y%m%dT%H%M%S%f}{settings.suffixes[0]}"
    key = f"{FOLDER}{name}"
    with explained("probe", STATUS), afterwards(lambda: _clean(cloud, settings, key)):
        seconds, sign = _wait(cloud, settings, key, timeout_s, send)
        # Before it is deleted: the trace follows what is there.
        why = trace(key, cloud, settings) if sign in (None, "failed") else None
    return Probe(seconds, sign, why)


def picture(suffix: str) -> bytes:
    """Draw the probe: 16 × 16 grey pixels, in the format of its suffix."""
    from PIL import Image  # which deploying does not need

    file = io.BytesIO()
    kind = "PNG" if suffix.lower().endswith("png") else "JPEG"
    Image.new("RGB", (16, 16), "grey").save(file, kind)
    return file.getvalue()


def _wait(
    cloud: Cloud, settings: Settings, key: str, timeout_s: float, send: _Send
) -> tuple[float, str | None]:
    """Upload, look, and upload again; return the seconds and the sign that was seen."""
    body = picture(settings.suffixes[0])
    since, uploads = datetime.now(UTC), 0
    with tqdm(total=timeout_s, leave=False, disable=None, unit="s") as bar:
        bar.set_description("Waiting for the probe")
        for passed in looks(timeout_s):
            bar.update(round(passed - bar.n, 1))
            if passed >= uploads * _AGAIN_S:
                send(cloud, settings, key, body)
                uploads += 1
            if sign := _sign(cloud, settings, key, since):
                break
            logs.check_room(cloud)
    return passed, sign


def _upload(cloud: Cloud, settings: Settings, key: str, body: bytes) -> None:
    try:
        cloud.s3.put_object(Bucket=settings.source_bucket, Key=key, Body=body)
    except ClientError as error:
        raise DeployError(
            f"the probe could not be uploaded ({code(error)})",
            where=f"bucket {settings.source_bucket}",
            todo=STATUS,
        ) from error


def _copy(cloud: Cloud, settings: Settings, key: str, body: bytes) -> None:
    """Upload the probe under a name that no rule matches, and copy it."""
    _upload(cloud, settings, f"{key}.part", body)
    place = {"Bucket": settings.source_bucket, "Key": key}
    cloud.s3.copy_object(**place, CopySource=place | {"Key": f"{key}.part"})


def _sign(cloud: Cloud, settings: Settings, key: str, since: datetime) -> str | None:
    """Look for the thumbnail, then for a log line: a log is seconds behind on AWS."""
    thumbnail = target_key(key, settings.thumbnail_prefix)
    try:
        cloud.s3.head_object(Bucket=settings.target_bucket, Key=thumbnail)
    except ClientError:  # none, or not to be seen by you
        ours = [run for run in logs.runs(cloud, settings, since) if run.key == key]
        return ours[-1].outcome if ours else None
    return "thumbnail"


def _clean(cloud: Cloud, settings: Settings, key: str) -> None:
    """Delete the probe, first, so that a late run finds nothing; then its results."""
    for bucket, start in _places(settings, key):
        place: dict[str, Any] = {"cloud": cloud, "name": bucket, "prefix": start}
        if doomed := if_there(buckets.versions, "NoSuchBucket", **place):
            cloud.s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed})


def _places(settings: Settings, key: str) -> Iterator[tuple[str, str]]:
    """Name where the probe and its results may be: (bucket, beginning of the key)."""
    names = buckets.names(settings)
    yield names["source"], key
    for folder in (*recipes.public_folders(settings), settings.reject_prefix):
        yield names["target"], folder + key
    backup = settings.whole_recipe.get("backup") or {}
    # Whether it is asked for or not: it may be there from an earlier `up`.
    yield settings.backup_bucket, backup.get("folder", "") + key
