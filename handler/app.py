"""The Lambda function: event in, uploads handled concurrently, one log line each."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from handler import mirror, outputs, report
from handler.config import Config, mirrors
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

    uploads: list[Upload] = []
    removals: list[Upload] = []
    for part in parse(event):
        if isinstance(part, Upload):
            uploads.append(part)
        elif part.removed and mirrors(env):
            removals.append(part.removed)
        else:
            finish(Result.of(part))
    if uploads or removals:
        config = Config.from_environment(env)
        outputs.plan(config)  # so that a wrong recipe is told before anything is read
        storage = Storage(client or s3_client(), config, account_of(context))
        worker = _Worker(storage, outputs.Turns.of(context))
        works = [functools.partial(worker.process, upload) for upload in uploads]
        works += [functools.partial(worker.remove, removal) for removal in removals]
        for result in worker.ended(works):
            finish(result)
    return report.answer(event, results)


class _Worker:
    """What the uploads of an event share: S3, turns, and how many sources are held."""

    def __init__(self, storage: Storage, turns: outputs.Turns) -> None:
        self.storage, self.turns = storage, turns

    def ended(self, works: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """Yield every result as soon as it has ended.

        There are as many threads as sources may be held.
        """
        config = self.storage.config
        held = memory.sources_held(config.memory_mb, recipe=bool(config.recipe))
        with ThreadPoolExecutor(held, "uploads") as pool:
            for done in as_completed([pool.submit(work) for work in works]):
                yield done.result().end()

    def process(self, upload: Upload) -> Result:
        """Take one upload to its end, whichever that is. Never raises."""
        result = self._process(upload)
        if self.storage.config.mirror and result.outcome != "failed":
            result = mirror.follow(self.storage, upload, result, self._process)
        return result

    def remove(self, upload: Upload) -> Result:
        """Take away what was made of an upload that was deleted. Never raises."""
        return mirror.follow(self.storage, upload, None, self._process)

    def _process(self, upload: Upload) -> Result:
        result, etag = Result(upload, upload.item_id), upload.etag
        with (thumbnail := result.outputs[0]).ending():
            source = self.storage.read(upload)
            etag, result.source_bytes = source.etag, len(source.data)
            result.outputs = outputs.make(self.storage, upload, source, self.turns)
        if isinstance(thumbnail.error, ImageRejected):
            etag = etag or thumbnail.error.etag
        result.etag = etag
        if result.rejected:
            result.record = Output()
            with result.record.ending():
                result.record.target = self._reject(upload, etag, result.rejected)
        return result

    def _reject(self, upload: Upload, etag: str | None, reason: str) -> str:
        """Write a record of what never can be made, and return its key."""
        key = target_key(upload.key, self.storage.config.reject_prefix, ".json")
        record = report.reject_record(upload, etag, reason)
        headers = ("application/json", "no-store")
        self.storage.write(key, record, *headers, upload, etag)
        return key
