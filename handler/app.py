"""The Lambda function: event in, uploads handled concurrently, one log line each."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from handler import outputs, report
from handler.clock import Clock
from handler.config import Config
from handler.errors import ImageRejected, Stale
from handler.events import Upload, parse, target_key
from handler.picture import memory, render
from handler.picture.rendition import Rendition
from handler.result import Result
from handler.storage import Storage, s3_client

_first = True  # until this environment has answered its first event


def lambda_handler(
    event: Any,
    context: Any = None,
    *,
    client: Any = None,
    env: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make a thumbnail of every upload in the event, and what its recipe adds.

    Lambda passes event and context. ``client`` and ``env`` stand in for the S3 client
    and the environment variables, for a notebook or a test. Raises ``UploadsFailed``
    after all were tried (SQS and S3 Batch Operations are answered instead), and
    ``ConfigError`` for a wrong setting.
    docs.aws.amazon.com/lambda/latest/dg/python-handler.html
    """
    global _first
    cold, _first = _first, False
    request_id = getattr(context, "aws_request_id", None)

    results: list[Result] = []

    def finish(result: Result) -> None:
        # At once, so that a timeout later on takes no line away.
        report.log(result.line(request_id, cold))
        results.append(result)

    entries = parse(event)
    uploads = [entry for entry in entries if isinstance(entry, Upload)]
    for part in entries:
        if not isinstance(part, Upload):
            finish(Result.of(part))
    if uploads:
        storage = Storage(client or s3_client(), Config.from_environment(env))
        _run(_process_all(uploads, _Worker(storage, Clock.of(context)), finish))
    return report.answer(event, results)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, also where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
    else:
        with ThreadPoolExecutor(max_workers=1) as helper:
            helper.submit(asyncio.run, work).result()


async def _process_all(
    uploads: list[Upload], worker: "_Worker", finish: Callable[[Result], None]
) -> None:
    """Process every upload, and finish each as soon as it ends."""

    async def process(upload: Upload) -> None:
        finish(await worker.process(upload))

    await asyncio.gather(*map(process, uploads))


@dataclass
class _Worker:
    """What the uploads of an event share: S3, the time, and turns at the memory.

    S3 calls overlap, pixels pass one picture at a time: ``handler.picture.memory`` says
    why.
    """

    storage: Storage
    clock: Clock
    held: asyncio.Semaphore = field(init=False)
    pixels: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        config = self.storage.config
        held = memory.sources_held(config.memory_mb, recipe=bool(config.recipe))
        self.held = asyncio.Semaphore(held)

    async def process(self, upload: Upload) -> Result:
        """Take one upload to its end, whichever that is. Never raises."""
        result = Result(upload, upload.item_id)
        try:
            await self._make(result, upload)
        except Stale as error:
            result.end("stale", str(error))
        except Exception as error:  # its neighbours still have to be tried
            result.error = error
            result.end("failed", f"{type(error).__name__}: {error}")
        return result

    async def _make(self, result: Result, upload: Upload) -> None:
        """Make what the recipe says; write a record of what never can be made."""
        etag = upload.etag
        try:
            async with self.held:
                result.started = time.perf_counter()
                source = await asyncio.to_thread(self.storage.read, upload)
                etag, result.source_bytes = source.etag, len(source.data)
                plan = self.storage.config.plan(source.recipe)
                made = (self.storage, upload, source, plan, self._render)
                result.sum_up(await outputs.make(*made))
        except ImageRejected as error:
            result.end("rejected", error.reason)
        if result.rejected:
            key = target_key(upload.key, self.storage.config.reject_prefix, ".json")
            record = report.reject_record(upload, etag, result.rejected)
            headers = ("application/json", "no-store")
            write = self.storage.write
            await asyncio.to_thread(write, key, record, *headers, upload, etag)
            result.target = key

    async def _render(
        self, data: bytes, wanted: Sequence[Rendition]
    ) -> list[render.Thumbnail | Exception]:
        """Wait for a turn at the memory, then make the pictures."""
        config = self.storage.config
        async with self.pixels:
            self.clock.check()
            return await asyncio.to_thread(
                render.render,
                data,
                wanted,
                max_megapixels=config.max_megapixels,
                room=memory.for_pixels(config.memory_mb, config.max_bytes),
                seconds=self.clock.seconds,
            )
