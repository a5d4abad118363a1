"""Upload → thumbnail on a local cloud of its own, in a folder that is thrown away."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from unittest.mock import patch

from support.local_cloud import thumbnails

from deploy import Cloud, Settings, connect, logs, settings_for
from deploy import pipeline as stack
from deploy.local import server

BURST_S = 300


@dataclass(frozen=True)
class Uploads:
    """Milliseconds from the start of an upload to the thumbnail in its bucket.

    Attributes:
        put: of each warm one, until S3 had answered the upload.
        work: of each warm one, what the handler took, its S3 calls included.
    """

    warm: list[float]
    cold: list[float]
    put: list[float]
    work: list[float]
    burst: int
    burst_seconds: float
    lost: int

    @property
    def p95(self) -> float:
        """The 95th percentile of the warm ones."""
        return quantiles(self.warm, n=20, method="inclusive")[-1]

    @property
    def median(self) -> float:
        """The median of the warm ones."""
        return median(self.warm)


@dataclass(frozen=True)
class Upload:
    """One upload: milliseconds until done and until S3 answered, and the log's word."""

    elapsed: float
    put: float
    run: logs.Run


class Pipeline:
    """A deployed stack and what is done to it."""

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self.cloud, self.settings = cloud, settings

    def put(self, key: str, body: bytes) -> None:
        self.cloud.s3.put_object(Bucket=self.settings.source_bucket, Key=key, Body=body)

    def upload(self, key: str, body: bytes) -> Upload:
        """Upload and see what becomes of it."""
        started, start = datetime.now(UTC), time.perf_counter()
        self.put(key, body)
        put = (time.perf_counter() - start) * 1000
        time.sleep(0.15)  # asking for the log takes time from the function
        (run,) = logs.wait_for(self.cloud, self.settings, [key], started)
        if run.outcome != "made":
            raise RuntimeError(f"{key} was {run.outcome}: {run.reason}")
        return Upload((run.done - started).total_seconds() * 1000, put, run)

    def forget(self, number: int) -> None:
        """Change the function, so that the next upload finds a new environment."""
        name = self.settings.function_name
        variables = self.settings.environment | {"COLD_START": str(number)}
        self.cloud.awslambda.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )
        self.cloud.awslambda.get_waiter("function_updated_v2").wait(FunctionName=name)

    def thumbnails(self, prefix: str) -> int:
        """Count the thumbnails of the keys that begin with this."""
        made = thumbnails(self.cloud, self.settings)
        return sum(key.startswith(prefix) for key in made)


@contextmanager
def deployed() -> Iterator[Pipeline]:
    """Start a local cloud of our own, deploy to it, and leave nothing behind."""
    with (
        tempfile.TemporaryDirectory(prefix="workbook-bench-") as folder,
        patch.dict(os.environ, WORKBOOK_LOCAL_CLOUD=folder),
    ):
        try:
            cloud = connect("local", say=lambda line: None)
            settings = settings_for(cloud, name="bench")
            stack.up(cloud, settings)
            yield Pipeline(cloud, settings)
        finally:
            server.stop(Path(folder))


def measure(photo: Path, small: Path, *, quick: bool) -> Uploads:
    """Measure warm and cold uploads of the photo, and a burst of the small one."""
    body = photo.read_bytes()
    with deployed() as pipeline:
        _say("cold")
        cold = []
        for number in range(2 if quick else 5):
            pipeline.forget(number)
            upload = pipeline.upload(f"cold-{number}.jpg", body)
            if upload.run.cold:
                cold.append(upload.elapsed)
        _say("warm")
        pipeline.upload("warm-up.jpg", body)
        warm = [
            pipeline.upload(f"warm-{number}.jpg", body)
            for number in range(10 if quick else 30)
        ]
        _say("burst")
        count = 50 if quick else 200
        seconds, lost = _burst(pipeline, small.read_bytes(), count)
    return Uploads(
        warm=[upload.elapsed for upload in warm],
        cold=cold,
        put=[upload.put for upload in warm],
        work=[upload.run.ms for upload in warm],
        burst=count,
        burst_seconds=seconds,
        lost=lost,
    )


def _burst(pipeline: Pipeline, body: bytes, count: int) -> tuple[float, int]:
    """Upload many at once; return the seconds until all are done, and how many lack."""
    start = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        keys = [f"burst/{number:03}.jpg" for number in range(count)]
        list(pool.map(lambda key: pipeline.put(key, body), keys))
    found = _until(lambda: pipeline.thumbnails("burst/"), count, start + BURST_S)
    return time.perf_counter() - start, count - found


def _until(count: Callable[[], int], wanted: int, deadline: float) -> int:
    while (found := count()) < wanted and time.perf_counter() < deadline:
        time.sleep(0.1)
    return found


def _say(what: str) -> None:
    print(f"  {what} …", file=sys.stderr)
