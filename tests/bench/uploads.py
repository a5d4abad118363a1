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

from deploy import Cloud, Settings, connect, logs, settings_for, stack
from deploy.local import server

BURST_S = 300


@dataclass(frozen=True)
class Uploads:
    """Milliseconds from the start of an upload to the thumbnail in its bucket."""

    warm: list[float]
    cold: list[float]
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


class Pipeline:
    """A deployed stack and what is done to it."""

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self.cloud, self.settings = cloud, settings

    def put(self, key: str, body: bytes) -> None:
        self.cloud.s3.put_object(Bucket=self.settings.source_bucket, Key=key, Body=body)

    def upload(self, key: str, body: bytes) -> tuple[float, logs.Run]:
        """Upload and return the milliseconds until the thumbnail was stored."""
        started = datetime.now(UTC)
        self.put(key, body)
        time.sleep(0.15)  # asking for the log takes time from the function
        (run,) = logs.wait_for(self.cloud, self.settings, [key], started)
        if run.outcome != "made":
            raise RuntimeError(f"{key} was {run.outcome}: {run.reason}")
        return (run.done - started).total_seconds() * 1000, run

    def forget(self, number: int) -> None:
        """Change the function, so that the next upload finds a new environment."""
        name = self.settings.function_name
        self.cloud.awslambda.update_function_configuration(
            FunctionName=name, Description=f"cold start {number}"
        )
        self.cloud.awslambda.get_waiter("function_updated_v2").wait(FunctionName=name)

    def thumbnails(self, prefix: str) -> int:
        """Count the thumbnails of the keys that begin with this."""
        pages = self.cloud.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.settings.target_bucket,
            Prefix=self.settings.thumbnail_prefix + prefix,
        )
        return sum(page["KeyCount"] for page in pages)


@contextmanager
def deployed() -> Iterator[Pipeline]:
    """Start a local cloud of our own, deploy to it, and leave nothing behind."""
    before = os.environ.get("WORKBOOK_LOCAL_CLOUD")
    with tempfile.TemporaryDirectory(prefix="workbook-bench-") as folder:
        os.environ["WORKBOOK_LOCAL_CLOUD"] = folder
        try:
            cloud = connect("local", say=lambda line: None)
            settings = settings_for(cloud, name="bench")
            stack.up(cloud, settings)
            yield Pipeline(cloud, settings)
        finally:
            server.stop(Path(folder))
            os.environ.pop("WORKBOOK_LOCAL_CLOUD")
            if before is not None:
                os.environ["WORKBOOK_LOCAL_CLOUD"] = before


def measure(photo: Path, small: Path, *, quick: bool) -> Uploads:
    """Measure warm and cold uploads of the photo, and a burst of the small one."""
    body = photo.read_bytes()
    say = _say
    with deployed() as pipeline:
        say("cold")
        cold = []
        for number in range(2 if quick else 5):
            pipeline.forget(number)
            elapsed, run = pipeline.upload(f"cold-{number}.jpg", body)
            if run.cold:
                cold.append(elapsed)
        say("warm")
        pipeline.upload("warm-up.jpg", body)
        warm = [
            pipeline.upload(f"warm-{number}.jpg", body)
            for number in range(10 if quick else 30)
        ]
        say("burst")
        count = 50 if quick else 200
        seconds, lost = _burst(pipeline, small.read_bytes(), count)
    work = [run.ms for _, run in warm]
    return Uploads([ms for ms, _ in warm], cold, work, count, seconds, lost)


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
