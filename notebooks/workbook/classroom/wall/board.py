"""What the wall shows: photos that arrived, and what became of each."""

from __future__ import annotations

import statistics
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy import logs
from deploy.cloud import Cloud
from deploy.logs import Run
from deploy.settings import Settings
from workbook import html
from workbook.classroom.wall import intake
from workbook.show import pictures

#: Photos that the page is told of; earlier ones stay in the buckets.
MOST = 48
#: Of the copy of a photo on the page.
_PIXELS = 720
#: A log's lines may come late, and a failed event is tried again for minutes.
_LOOKED_BACK = timedelta(minutes=5)


@dataclass
class Photo:
    """One photo, by its number on the wall; its copy is small and upright."""

    number: int
    key: str
    run: Run | None = None
    copy: bytes | None = None
    hidden: bool = False


class Board:
    """The photos since the wall was opened, from the bucket and the function's log."""

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self._cloud, self._settings = cloud, settings
        self._since = datetime.now(UTC)
        self._numbers: dict[str, int] = {}
        self._photos: dict[int, Photo] = {}
        self._lock = threading.Lock()

    def number(self, name: str) -> int:
        """Give what comes under a name its number on the wall, counted from 1."""
        with self._lock:
            return self._numbers.setdefault(name, len(self._numbers) + 1)

    def look(self) -> None:
        """Read what arrived since, and what the function said of it."""
        recently = datetime.now(UTC) - _LOOKED_BACK
        listed = self._cloud.s3.list_objects_v2(
            Bucket=self._settings.source_bucket,
            Prefix=intake.PREFIX,
            StartAfter=intake.before(max(self._since, recently)),
        )
        for item in listed.get("Contents", []):
            self._arrived(item["Key"], item["Key"])
        for run in logs.runs(self._cloud, self._settings, recently):
            if self._is_shown(run):
                self._ended(run)

    def state(self) -> dict[str, Any]:
        """Describe the newest photos for the page, newest first, and count all."""
        with self._lock:
            seen = [photo for photo in self._photos.values() if not photo.hidden]
        seen.sort(key=lambda photo: photo.number, reverse=True)
        made = [p.run.ms for p in seen if p.run and p.run.outcome == "made"]
        return {
            "photos": [_described(photo) for photo in seen[:MOST]],
            "count": len(seen),
            "median": round(statistics.median(made)) if made else None,
        }

    def photo(self, number: int) -> bytes | None:
        """Return a small copy of a photo as it was uploaded; None where none can be."""
        found = self._photos.get(number)
        if found is None or found.hidden:
            return None
        if found.copy is None:
            place = self._settings.source_bucket, found.key
            data, _ = pictures.stored(self._cloud, *place)
            found.copy = pictures.shrink(data, _PIXELS)[0]
        return found.copy

    def thumbnail(self, number: int) -> bytes | None:
        """Return a photo's thumbnail, the very bytes; None where there is none."""
        found = self._photos.get(number)
        if found is None or found.hidden or found.run is None:
            return None
        if found.run.outcome != "made" or not found.run.target:
            return None
        place = self._settings.target_bucket, found.run.target
        return pictures.stored(self._cloud, *place)[0]

    def hide(self, number: int) -> None:
        """Take a photo off the wall; one from a phone is deleted, with its thumbnail.

        One that the function is still at loses its thumbnail once it is made.
        """
        if found := self._photos.get(number):
            found.hidden, found.copy = True, None
            self._delete(found)

    def _is_shown(self, run: Run) -> bool:
        """Say yes to what came since the wall was opened, from a notebook too."""
        if run.bucket != self._settings.source_bucket:
            return False
        if run.key.startswith(intake.PREFIX):
            return run.key > intake.before(self._since)
        return run.done >= self._since

    def _arrived(self, name: str, key: str) -> Photo:
        number = self.number(name)
        with self._lock:
            return self._photos.setdefault(number, Photo(number, key))

    def _ended(self, run: Run) -> None:
        """Note an outcome; a notebook may upload one name again and again."""
        ours = run.key.startswith(intake.PREFIX)
        name = run.key if ours else f"{run.key}\n{run.request_id}"
        photo = self._arrived(name, run.key)
        is_news = photo.run is None or photo.run.done < run.done
        if is_news:
            photo.run = run
        if is_news and photo.hidden:
            self._delete(photo)

    def _delete(self, photo: Photo) -> None:
        if not photo.key.startswith(intake.PREFIX):
            return
        places = [(self._settings.source_bucket, photo.key)]
        if photo.run and photo.run.target:
            places.append((self._settings.target_bucket, photo.run.target))
        for bucket, key in places:
            self._cloud.s3.delete_object(Bucket=bucket, Key=key)


def _described(photo: Photo) -> dict[str, Any]:
    """Describe a photo in words that the page only sets."""
    run = photo.run
    described: dict[str, Any] = {"number": photo.number, "outcome": "waiting"}
    if run is None:
        return described
    return described | {
        "outcome": run.outcome,
        "ms": round(run.ms),
        "start": "cold" if run.cold else "warm",
        "reason": html.visible(run.reason or ""),
        "photo": _facts(run.source_size, run.source_bytes),
        "thumbnail": _facts(run.thumbnail_size, run.thumbnail_bytes),
    }


def _facts(size: tuple[int, int] | None, weight: int | None) -> str:
    return " · ".join(filter(None, (html.pixels(size), html.weight(weight))))
