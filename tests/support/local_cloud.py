"""A local cloud of the tests' own, in a folder that goes with them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy import pipeline, settings_for
from deploy.cloud import Cloud, connect
from deploy.local import server
from deploy.settings import Settings

#: Retries after 0.2 and 0.4 seconds, where a learner's local cloud takes 1 and 2.
PACE = "0.2"


@pytest.fixture(scope="session")
def local_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of one local cloud that many tests share."""
    folder = tmp_path_factory.mktemp("local-cloud")
    yield folder
    server.stop(folder)


@pytest.fixture(scope="session")
def _local(local_folder: Path) -> Cloud:
    """The shared local cloud's clients: to make them takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBOOK_LOCAL_CLOUD", str(local_folder))
        patch.setenv("WORKBOOK_PACE", PACE)
        return connect("local", say=lambda line: None)


@pytest.fixture
def local(local_folder: Path, _local: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The shared local cloud, whatever the machine's AWS configuration is."""
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(local_folder))
    monkeypatch.setenv("WORKBOOK_PACE", PACE)
    server.start(say=lambda line: None)  # a test may have stopped it
    return _local


@contextmanager
def shared_pipeline(folder: Path, **overrides: Any) -> Iterator[tuple[Cloud, Settings]]:
    """Build a pipeline on the shared local cloud, for a module's tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBOOK_LOCAL_CLOUD", str(folder))
        cloud = connect("local", say=lambda line: None)
        settings = settings_for(cloud, **overrides)
        pipeline.up(cloud, settings, say=lambda line: None)
        yield cloud, settings
        pipeline.down(cloud, settings)


def listed(cloud: Cloud, bucket: str, prefix: str = "") -> set[str]:
    """The keys of a bucket, without the prefix that they have."""
    pages = cloud.s3.get_paginator("list_objects_v2")
    return {
        item["Key"].removeprefix(prefix)
        for page in pages.paginate(Bucket=bucket, Prefix=prefix)
        for item in page.get("Contents", [])
    }


def thumbnails(cloud: Cloud, settings: Settings) -> set[str]:
    """The uploads that have a thumbnail."""
    return listed(cloud, settings.target_bucket, settings.thumbnail_prefix)


def kill(folder: Path | None = None) -> None:
    """End a local cloud as a power cut would."""
    running = server.find(folder)
    assert running is not None
    process = psutil.Process(running.pid)
    process.kill()
    process.wait(10)


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """For the test, a user to whom root's files are closed."""
    if os.name == "nt" or os.geteuid():
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a local cloud of one test's own, to kill and to damage."""
    folder = tmp_path / "cloud"
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(folder))
    monkeypatch.setenv("WORKBOOK_PACE", PACE)
    monkeypatch.delenv("WORKBOOK_PORT", raising=False)
    yield folder
    server.stop(folder)


@pytest.fixture
def small_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """A cloud on a disk of its own, 24 MB large; what is yielded frees some of it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    may = os.name != "nt" and os.geteuid() == 0
    if not may or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(disk / "cloud"))
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(4_000_000))
    yield ballast.unlink
    server.stop()
    deadline = time.monotonic() + 10  # the functions' processes end a moment later
    while subprocess.run(["umount", str(disk)], capture_output=True).returncode:
        assert time.monotonic() < deadline, "the disk stays in use"
        time.sleep(0.1)
