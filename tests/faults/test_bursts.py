"""A stop or a kill in the middle of a burst of uploads: none is lost, by itself."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from support.bench import until
from support.local_cloud import kill, thumbnails
from support.matrix import quiet

from deploy import connect, pipeline, settings_for
from deploy.cloud import Cloud
from deploy.local import server

SAMPLE = Path(__file__).parents[2] / "images" / "samples" / "this-side-up.jpg"
UPLOADS = 160
#: The end comes in the middle, when so many are acknowledged.
NEARLY = 140


def upload(cloud: Cloud, bucket: str, end: threading.Event) -> set[str]:
    """Upload from eight clients; say when nearly all are acknowledged."""
    acknowledged: set[str] = set()
    body = SAMPLE.read_bytes()

    def put(number: int) -> None:
        with contextlib.suppress(ClientError, BotoCoreError):
            cloud.s3.put_object(Bucket=bucket, Key=f"{number}.jpg", Body=body)
            acknowledged.add(f"{number}.jpg")
        if len(acknowledged) >= NEARLY:
            end.set()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(UPLOADS)))
    return acknowledged


@pytest.mark.slow
@pytest.mark.parametrize("end", [kill, server.stop])
@pytest.mark.parametrize("mode", ["plain", "reliable", "queue"])
def test_a_burst_loses_none(own_folder, mode, end):
    cloud = connect("local", say=quiet)
    overrides = {} if mode == "plain" else {mode: True}
    settings = settings_for(cloud, name="burst", **overrides)
    pipeline.up(cloud, settings, say=quiet)
    now = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        uploads = pool.submit(upload, cloud, settings.source_bucket, now)
        assert now.wait(120)
        end()
        acknowledged = uploads.result()
    assert len(acknowledged) >= NEARLY
    server.start(say=quiet)
    until(lambda: acknowledged <= thumbnails(cloud, settings), 120)
