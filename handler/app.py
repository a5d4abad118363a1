"""The Lambda function: event in, uploads handled concurrently, one log line each."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from handler import images, report
from handler.client import s3_client
from handler.config import Config
from handler.errors import ImageRejected, Stale
from handler.events import Upload, parse, target_key
from handler.report import Result
from handler.storage import Storage

# Of 512 MB: the runtime with boto3 and Pillow takes about 100, the worst picture of 50
# megapixels another 210 (RGBA; measured), and 4 sources of at most 26 MB 105. That
# leaves 97 for what S3's streams and the allocator hold back.
SOURCES_HELD = 4

_first = True  # until this environment has answered its first event


def lambda_handler(
    event: Any,
    context: Any = None,
    *,
    client: Any = None,
    env: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make a thumbnail of every upload in the event.

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
        _run(_process_all(uploads, storage, finish))
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
    uploads: list[Upload], storage: Storage, finish: Callable[[Result], None]
) -> None:
    """Process every upload: S3 calls overlap, pixels pass one picture at a time."""
    held = asyncio.Semaphore(SOURCES_HELD)
    pixels = asyncio.Lock()

    async def process(upload: Upload) -> None:
        result = Result(upload, upload.item_id)
        try:
            await _make(result, upload, storage, held, pixels)
        except Stale as error:
            result.end("stale", str(error))
        except Exception as error:  # its neighbours still have to be tried
            result.error = error
            result.end("failed", f"{type(error).__name__}: {error}")
        finish(result)

    await asyncio.gather(*(process(upload) for upload in uploads))


async def _make(
    result: Result,
    upload: Upload,
    storage: Storage,
    held: asyncio.Semaphore,
    pixels: asyncio.Lock,
) -> None:
    """Take one upload to "made" or "rejected"; every other end is an error."""
    config = storage.config
    etag, reason = upload.etag, None
    try:
        async with held:
            result.started = time.perf_counter()
            source = await asyncio.to_thread(storage.read, upload)
            etag, result.source_bytes = source.etag, len(source.data)
            async with pixels:
                made = await asyncio.to_thread(
                    images.thumbnail,
                    source.data,
                    config.box,
                    quality=config.quality,
                    max_megapixels=config.max_megapixels,
                )
    except ImageRejected as error:
        # Only noted here: as long as it is handled, the error holds on to the picture.
        reason = error.reason
    source = None  # let go before the next one is let in
    if reason is not None:
        target = target_key(upload.key, config.reject_prefix, ".json")
        record = report.reject_record(upload, etag, reason)
        await asyncio.to_thread(
            storage.write, target, record, "application/json", "no-store", upload, etag
        )
        result.target = target
        result.end("rejected", reason)
        return
    target = target_key(upload.key, config.thumbnail_prefix)
    await asyncio.to_thread(
        storage.write,
        target,
        made.data,
        made.content_type,
        config.cache_control,
        upload,
        etag,
    )
    result.target = target
    result.source_size, result.thumbnail_size = made.source_size, made.size
    result.thumbnail_bytes = len(made.data)
    result.end("made")
