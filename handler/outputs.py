"""All outputs of one upload, side by side: none can take another down.

Each is idempotent and keeps the order of uploads by itself, so a retry after one has
failed only does what is missing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from handler.errors import ImageRejected, Stale
from handler.events import Upload, target_key
from handler.picture.render import Thumbnail
from handler.picture.rendition import Plan, Rendition
from handler.storage import Source, Storage

Made = list[Thumbnail | Exception]
Render = Callable[[bytes, Sequence[Rendition]], Awaitable[Made]]


@dataclass
class Output:
    """How one output ended; ``bytes`` is what was written, ``ms`` its own time."""

    name: str
    outcome: str = "made"
    target: str | None = None
    ms: float = 0.0
    bytes: int | None = None
    reason: str | None = None
    error: Exception | None = None
    picture: Thumbnail | None = None
    said: dict[str, str] = field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """Return what the log line says of it."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "target": self.target,
            "reason": self.reason,
            "bytes": self.bytes,
            "ms": round(self.ms, 1),
        }


async def make(
    storage: Storage, upload: Upload, source: Source, plan: Plan, render: Render
) -> list[Output]:
    """Make every output of an upload, and return how each ended. Never raises."""
    job = _Job(storage, upload, source, plan)
    job.pictures = asyncio.create_task(job.render(render))
    backup = [_end(Output("backup"), job.backup)] if plan.backup else []
    if plan.labels:
        job.labels = asyncio.create_task(_end(Output("labels"), job.find_labels))
    renditions = [
        _end(Output(one.name), job.write, number)
        for number, one in enumerate(plan.renditions)
    ]
    labels = [job.labels] if job.labels else []
    return await asyncio.gather(*renditions, *labels, *backup)


async def _end(output: Output, work: Callable[..., Any], *given: Any) -> Output:
    """Take one output to its end, whichever that is."""
    try:
        await work(output, *given)
    except Stale as error:
        output.outcome, output.reason = "stale", str(error)
    except ImageRejected as error:
        output.outcome, output.reason = "rejected", error.reason
    except Exception as error:  # the others still have to be made
        output.outcome, output.reason = "failed", f"{type(error).__name__}: {error}"
        output.error = error
    return output


@dataclass
class _Job:
    """What the outputs of an upload share: its bytes, its pictures, its labels."""

    storage: Storage
    upload: Upload
    source: Source
    plan: Plan
    pictures: asyncio.Task[Made] | None = None
    labels: asyncio.Task[Output] | None = None

    async def render(self, render: Render) -> Made:
        """Render all in one turn; what goes wrong there goes wrong for each."""
        wanted = list(self.plan.renditions)
        if self.plan.labels:
            from handler.recipe.labels import RENDITIONS

            wanted.append(RENDITIONS[self.plan.labels["by"]])
        try:
            return await render(self.source.data, wanted)
        except Exception as error:
            # Without its traceback, which holds on to the picture.
            return [error.with_traceback(None)] * len(wanted)

    async def picture(self, number: int) -> Thumbnail:
        """Wait for a rendition; raise what came between."""
        made = (await self.pictures)[number]
        if isinstance(made, Exception):
            raise made
        return made

    async def write(self, output: Output, number: int) -> None:
        """Write a rendition. On the thumbnail stand the labels, if there are any."""
        picture = await self.picture(number)
        said = (await self.labels).said if self.labels and number == 0 else {}
        key = target_key(self.upload.key, self.plan.folders[number])
        cache = self.storage.config.cache_control
        place = (key, picture.data, picture.content_type, cache)
        started = time.perf_counter()
        await asyncio.to_thread(
            self.storage.write, *place, self.upload, self.source.etag, **said
        )
        output.picture, output.target, output.bytes = picture, key, len(picture.data)
        output.ms = picture.ms + _since(started)

    async def find_labels(self, output: Output) -> None:
        """Find out what is on the picture. The thumbnail waits for it."""
        from handler.recipe import labels

        picture = await self.picture(len(self.plan.renditions))
        started = time.perf_counter()
        by = self.plan.labels["by"]
        found = await asyncio.to_thread(labels.label, picture.data, by)
        output.said = {"labels": labels.in_metadata(found)}
        output.target = target_key(self.upload.key, self.plan.folders[0])
        output.ms = picture.ms + _since(started)

    async def backup(self, output: Output) -> None:
        """Let S3 copy the source."""
        from handler import backup

        started = time.perf_counter()
        given = (self.storage, self.upload, self.source)
        key = await asyncio.to_thread(backup.clone, *given, **self.plan.backup)
        output.target, output.bytes = key, len(self.source.data)
        output.ms = _since(started)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
