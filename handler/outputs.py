"""All outputs of one upload, side by side: none can take another down.

Each is idempotent and keeps the order of uploads by itself, so a retry after one has
failed only does what is missing.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

from handler.config import Config
from handler.events import Upload, target_key
from handler.picture import memory, render
from handler.picture.rendition import Plan, Rendition
from handler.report import Output
from handler.storage import Source, Storage

_SHARE = 3  # a third of the function's timeout to decode, the rest to read and write

# All pixels in one thread: glibc gives each thread memory of its own, and keeps what a
# picture took for the next one in that thread. Taking turns in several, ten pictures of
# 50 megapixels came to 1,393 MB; in one, to 433.
_PIXELS = ThreadPoolExecutor(1, "pixels")

Made = list[render.Thumbnail | Exception]
Work = tuple[Output, Callable[[Output], None]]


class OutOfTime(Exception):
    """Nothing is wrong with the upload: it needs an invocation with more time."""


class Turns(NamedTuple):
    """Turns at the memory, ``seconds`` each, until ``end`` (of ``time.monotonic``).

    S3 calls overlap, pixels pass one picture at a time: ``handler.picture.memory`` says
    why. A decoder that is stopped "well before the function's timeout" leaves time to
    say so: the upload ends as rejected, once, and not as three timeouts. The other way
    round, a picture must not be called slow for time that its neighbours took.

    Of several slow bombs in one event, two use up the time. The others end as failed,
    and come again: from SQS by themselves, since the answer names only them, so that
    every delivery ends two more. A queue's maxReceiveCount has to allow for that.
    """

    seconds: float = render.DECODE_SECONDS
    end: float = float("inf")

    @classmethod
    def of(cls, context: Any) -> Self:
        """Read the time that is left, at the beginning of an invocation.

        docs.aws.amazon.com/lambda/latest/dg/python-context.html
        """
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        if remaining is None:  # a notebook, a test
            return cls()
        left = remaining() / 1000
        return cls(left / _SHARE, time.monotonic() + left)

    def check(self) -> None:
        """Raise ``OutOfTime`` if one more picture could run into the timeout."""
        if time.monotonic() + self.seconds * 1.5 > self.end:
            raise OutOfTime("no time was left for this one: tried again by itself")


def plan(config: Config, name: str | None = None) -> Plan:
    """Return what an upload gets: by the recipe of a name, or without a name.

    Without any recipe it is a thumbnail, and none of the recipes' modules is imported.
    Raises ``ImageRejected`` for a name that no recipe has, ``ConfigError`` for a recipe
    that is wrong.
    """
    if not config.recipe:
        box = config.box
        thumbnail = Rendition(width=box, height=box, quality=config.quality)
        return Plan((thumbnail,), (config.thumbnail_prefix,))
    from handler.recipe import parse

    return parse.choose(config, name)


def folders(config: Config) -> list[str]:
    """List every folder that a result of an upload may be in, whichever its recipe."""
    plans: Iterable[Plan] = [plan(config)]
    if config.recipe:
        from handler.recipe import parse

        plans = parse.plans(config).values()
    every = (folder for found in plans for folder in found.folders)
    return list(dict.fromkeys(every))


def make(
    storage: Storage, upload: Upload, source: Source, turns: Turns
) -> list[Output]:
    """Make every output of an upload, and return how each ended.

    Raises ``ImageRejected`` where its uploader asks for a recipe that there is not.
    """
    job = _Job(storage, upload, source, turns, plan(storage.config, source.recipe))
    works = job.works()
    if len(works) == 1:
        return [_end(*works[0])]
    with ThreadPoolExecutor(len(works), "outputs") as pool:
        return [*pool.map(_end, *zip(*works, strict=True))]


def _end(output: Output, work: Callable[[Output], None]) -> Output:
    """Take one output to its end, whichever that is."""
    with output.ending():
        work(output)
    return output


class _Job:
    """What the outputs of an upload share: its bytes, its pictures, its labels."""

    def __init__(
        self,
        storage: Storage,
        upload: Upload,
        source: Source,
        turns: Turns,
        plan: Plan,
    ) -> None:
        self.storage, self.upload, self.source = storage, upload, source
        self.turns, self.plan = turns, plan
        self.labels = Output("labels") if plan.labels else None
        self.labelled = threading.Event()
        self.pictures = _PIXELS.submit(self.draw)

    def works(self) -> list[Work]:
        """Return each output with what makes it, to be done side by side."""
        renditions = enumerate(self.plan.renditions)
        works: list[Work] = [
            (Output(rendition.name), functools.partial(self.write, number))
            for number, rendition in renditions
        ]
        if self.labels:
            works.append((self.labels, self.find_labels))
        if self.plan.backup:
            works.append((Output("backup"), self.back_up))
        return works

    def draw(self) -> Made:
        """Render all in one turn; what goes wrong there goes wrong for each."""
        wanted = list(self.plan.renditions)
        if self.plan.labels:
            from handler.recipe.labels import RENDITIONS

            wanted.append(RENDITIONS[self.plan.labels["by"]])
        config = self.storage.config
        try:
            self.turns.check()
            return render.render(
                self.source.data,
                wanted,
                max_megapixels=config.max_megapixels,
                room=memory.for_pixels(config.memory_mb, config.max_bytes),
                seconds=self.turns.seconds,
            )
        except Exception as error:
            # Without its traceback, which holds on to the picture.
            return [error.with_traceback(None)] * len(wanted)

    def picture(self, number: int) -> render.Thumbnail:
        """Wait for a rendition; raise what came between."""
        made = self.pictures.result()[number]
        if isinstance(made, Exception):
            raise made
        return made

    def write(self, number: int, output: Output) -> None:
        """Write a rendition. On the thumbnail stand the labels, if there are any."""
        picture = self.picture(number)
        if self.labels and number == 0:
            self.labelled.wait()
            output.metadata = self.labels.metadata
        key = target_key(self.upload.key, self.plan.folders[number])
        started = time.perf_counter()
        self.storage.write(
            key,
            picture.data,
            picture.content_type,
            self.storage.config.cache_control,
            self.upload,
            self.source.etag,
            output.metadata,
        )
        output.source_size, output.size = picture.source_size, picture.size
        output.target, output.bytes = key, len(picture.data)
        output.ms = picture.ms + _since(started)

    def find_labels(self, output: Output) -> None:
        """Find out what is on the picture. The thumbnail waits for it."""
        from handler.recipe import labels

        try:
            picture = self.picture(len(self.plan.renditions))
            started = time.perf_counter()
            found = labels.label(picture.data, (self.plan.labels or {})["by"])
            output.metadata = {"labels": labels.in_metadata(found)}
        finally:
            self.labelled.set()
        output.target = target_key(self.upload.key, self.plan.folders[0])
        output.ms = picture.ms + _since(started)

    def back_up(self, output: Output) -> None:
        """Let S3 copy the source."""
        from handler import backup

        started = time.perf_counter()
        given = (self.storage, self.upload, self.source)
        output.target = backup.clone(*given, **(self.plan.backup or {}))
        output.bytes, output.ms = len(self.source.data), _since(started)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
