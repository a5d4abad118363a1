"""The Lambda function: event in, uploads handled concurrently, one log line each."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from handler import outputs, report
from handler.config import Config
from handler.errors import ImageRejected
from handler.events import Upload, parse, target_key
from handler.picture import memory
from handler.report import Output, Result
from handler.storage import Storage, account_of, s3_client

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
        config = Config.from_environment(env)
        outputs.plan(config)  # so that a wrong recipe is told before anything is read
        storage = Storage(client or s3_client(), config, account_of(context))
        _run(_process_all(uploads, _Worker(storage, outputs.Turns.of(context)), finish))
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
    """What the uploads of an event share: S3, turns, and how many sources are held."""

    storage: Storage
    turns: outputs.Turns
    held: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        config = self.storage.config
        held = memory.sources_held(config.memory_mb, recipe=bool(config.recipe))
        self.held = asyncio.Semaphore(held)

    async def process(self, upload: Upload) -> Result:
        """Take one upload to its end, whichever that is. Never raises."""
        result, etag = Result(upload, upload.item_id), upload.etag
        with (thumbnail := result.outputs[0]).ending():
            async with self.held:
                result.started = time.perf_counter()
                source = await asyncio.to_thread(self.storage.read, upload)
                etag, result.source_bytes = source.etag, len(source.data)
                made = outputs.make(self.storage, upload, source, self.turns)
                result.outputs = await made
        if isinstance(thumbnail.error, ImageRejected):
            etag = etag or thumbnail.error.etag
        if result.rejected:
            result.record = Output()
            with result.record.ending():
                write = asyncio.to_thread(self._reject, upload, etag, result.rejected)
                result.record.target = await write
        return result.end()

    def _reject(self, upload: Upload, etag: str | None, reason: str) -> str:
        """Write a record of what never can be made, and return its key."""
        key = target_key(upload.key, self.storage.config.reject_prefix, ".json")
        record = report.reject_record(upload, etag, reason)
        headers = ("application/json", "no-store")
        self.storage.write(key, record, *headers, upload, etag)
        return key
