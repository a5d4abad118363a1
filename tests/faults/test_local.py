"""Faults between a deployer and the local cloud, put there by a proxy.

What goes through the proxy connects as to any endpoint (`--endpoint`), so without the
strict rules; what looks afterwards, and the next run, are those of the local cloud.
"""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

import botocore.endpoint
import pytest
from support.matrix import Row, left, quiet
from support.moto_cloud import Clock
from support.pictures import encoded, photo

from deploy import cloud as connecting
from deploy import logs, pipeline
from deploy.configure import settings_for
from deploy.local import server

NAME = "proxied"
#: Of the 23 and about 16 changing requests of `up` and `down` with `reliable=True`.
KILLED_UP = (2, 5, 8, 11, 14, 16)
KILLED_DOWN = (3, 6, 9, 12)


@pytest.fixture
def settings(local):
    yield settings_for(local, name=NAME, reliable=True)
    pipeline.down(local, settings_for(local, name=NAME, reliable=True))


@pytest.fixture
def keys(local, monkeypatch):
    """The local cloud's keys, as a learner would set them for an endpoint."""
    running = server.find()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", running.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", running.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", local.region)


def becomes_a_thumbnail(cloud, settings):
    since = datetime.now(UTC) - timedelta(seconds=1)
    bucket, key = settings.source_bucket, f"{since.timestamp()}.jpg"
    cloud.s3.put_object(Bucket=bucket, Key=key, Body=encoded(photo()))
    (run,) = logs.wait_for(cloud, settings, [key], since)
    cloud.s3.head_object(Bucket=settings.target_bucket, Key=run.target)
    return run.outcome == "made"


def killed(proxy, verb, at):
    """Run a command in a process of its own, and kill it at that changing request."""
    proxy.reset("held", at=lambda number: number == at)
    command = [sys.executable, "-m", "deploy", verb, "--endpoint", proxy.url]
    more = ["--reliable"] if verb == "up" else ["--yes"]
    with subprocess.Popen(
        [*command, "--name", NAME, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert proxy.held.wait(60), (verb, at, process.poll(), proxy.changes)
        process.kill()
    proxy.release()
    return proxy.changes[-1]


@pytest.mark.slow
def test_a_killed_process(local, settings, proxy, keys, matrix):
    rows = []
    for at in KILLED_UP:
        call = killed(proxy, "up", at)
        remains = left(local, settings)
        pipeline.up(local, settings, say=quiet)
        assert pipeline.status(local, settings).ready
        assert becomes_a_thumbnail(local, settings)
        assert pipeline.down(local, settings).left == ()
        then = "`up`: ready, a photo becomes a thumbnail; `down`: nothing left"
        fault = f"`up` killed at change {at}: `{call}`"
        rows.append(Row(fault, "nothing: it is gone", remains, then))
    for at in KILLED_DOWN:
        pipeline.up(local, settings, say=quiet)
        call = killed(proxy, "down", at)
        remains = left(local, settings)
        assert pipeline.down(local, settings).left == ()
        fault = f"`down` killed at change {at}: `{call}`"
        rows.append(Row(fault, "nothing: it is gone", remains, "`down`: nothing left"))
    matrix("a process killed on the local cloud", rows)


#: Fault → in words, and how often. Where every other changing request meets it, that
#: is each call's first try.
SPOILED = {
    "dropped before": ("the line is cut before each change", 2),
    "dropped after": ("each change is done, and its answer gets lost", 2),
    "refused": ("503 (SlowDown, ServiceUnavailable) at each change", 2),
    "late": ("a change is done, and its answer comes too late", 8),
}


@pytest.mark.slow
def test_a_spoiled_line(local, settings, proxy, keys, matrix, monkeypatch):
    """What the network does to a change, botocore and our waits get over."""
    monkeypatch.setattr(botocore.endpoint, "time", Clock())  # it tries again at once
    rows = []
    for fault, (words, every) in SPOILED.items():
        if fault == "late":
            hasty = connecting._HERE.merge(connecting.Config(read_timeout=2))
            monkeypatch.setattr(connecting, "_HERE", hasty)
        spoil = partial(proxy.reset, fault, lambda n, e=every: n % e == 1, late_s=3)
        cloud = connecting.connect(endpoint=proxy.url, say=quiet)
        spoil()
        pipeline.up(cloud, settings, say=quiet)
        assert len(proxy.changes) > 23
        proxy.reset()
        assert pipeline.status(local, settings).ready
        assert becomes_a_thumbnail(local, settings)
        spoil()
        assert pipeline.down(cloud, settings).left == ()
        then = "the same run: ready, a photo becomes a thumbnail; then nothing left"
        rows.append(Row(words, "nothing: it takes longer", "all, then nothing", then))
    matrix("a bad line to the local cloud", rows)
