"""Faults between a deployer and the local cloud, put where botocore sends and hears."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import boto3
import botocore.endpoint
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from moto.core.botocore_stubber import MockRawResponse
from support.matrix import Row, left, quiet
from support.moto_cloud import Clock, error_answer
from support.pictures import encoded, photo
from support.programs import python

from deploy import logs, pipeline
from deploy.cloud import connect
from deploy.configure import settings_for

NAME = "spoiled"
READS = ("Get", "List", "Head", "Describe", "Filter", "Simulate")
#: Of the 23 and about 16 changing calls of `up` and `down` with `reliable=True`.
KILLED_UP = (2, 5, 8, 11, 14, 16)
KILLED_DOWN = (3, 6, 9, 12)
#: Runs a command that dies as its changing call of a number was answered.
KILLED = f"""
import os, sys
from botocore.handlers import BUILTIN_HANDLERS
from deploy.__main__ import main

changes = []

def count(model, **_):
    if not model.name.startswith({READS}):
        changes.append(model.name)
    if len(changes) == int(sys.argv[1]):
        print(model.name, flush=True)
        os.kill(os.getpid(), 9)

BUILTIN_HANDLERS.append(("after-call", count))
main(sys.argv[2:])
"""


@pytest.fixture
def settings(local):
    yield settings_for(local, name=NAME, reliable=True)
    pipeline.down(local, settings_for(local, name=NAME, reliable=True))


def becomes_a_thumbnail(cloud, settings):
    since = datetime.now(UTC) - timedelta(seconds=1)
    bucket, key = settings.source_bucket, f"{since.timestamp()}.jpg"
    cloud.s3.put_object(Bucket=bucket, Key=key, Body=encoded(photo()))
    (run,) = logs.wait_for(cloud, settings, [key], since)
    cloud.s3.head_object(Bucket=settings.target_bucket, Key=run.target)
    return run.outcome == "made"


def killed(verb, at):
    """Run a command in a process of its own, until it is killed."""
    more = ["--reliable"] if verb == "up" else ["--yes"]
    command = [str(at), verb, "--cloud", "local", "--name", NAME, *more]
    done = python("-c", KILLED, *command)
    assert done.returncode == -signal.SIGKILL, (verb, at, done.stderr)
    return done.stdout.split()[-1]


@pytest.mark.slow
def test_a_killed_process(local, settings, matrix):
    rows = []
    for at in KILLED_UP:
        call = killed("up", at)
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
        call = killed("down", at)
        remains = left(local, settings)
        assert pipeline.down(local, settings).left == ()
        fault = f"`down` killed at change {at}: `{call}`"
        rows.append(Row(fault, "nothing: it is gone", remains, "`down`: nothing left"))
    matrix("a process killed on the local cloud", rows)


class Line:
    """Where botocore sends: a fault meets each changing call at its first try."""

    def __init__(self, session: boto3.Session) -> None:
        self.fault: Callable[[str, AWSPreparedRequest], AWSResponse] | None = None
        self.changes = 0
        session.events.register("before-send.*.*", self._send)

    def _send(self, event_name: str, request: AWSPreparedRequest, **_: object):
        _, service, operation = event_name.split(".")
        if self.fault is None or operation.startswith(READS):
            return None
        self.changes += 1
        return self.fault(service, request) if self.changes % 2 else None


def cut_before(service, request):
    raise ConnectionClosedError(endpoint_url=request.url)


def cut_after(service, request):
    URLLib3Session().send(request)
    raise ConnectionClosedError(endpoint_url=request.url)


def late(service, request):
    URLLib3Session().send(request)
    raise ReadTimeoutError(endpoint_url=request.url)


def refuse(service, request):
    code = "SlowDown" if service == "s3" else "ServiceUnavailable"
    headers, body = error_answer(service, code, "Please try again.")
    return AWSResponse(request.url, 503, headers, MockRawResponse(body.encode()))


#: What happens, in words → how.
SPOILED = {
    "the line is cut before each change": cut_before,
    "each change is done, and its answer gets lost": cut_after,
    "503 (SlowDown, ServiceUnavailable) at each change": refuse,
    "each change is done, and its answer comes too late": late,
}


@pytest.mark.slow
def test_a_spoiled_line(local, settings, matrix, monkeypatch):
    """What the network does to a change, botocore and our waits get over."""
    monkeypatch.setattr(botocore.endpoint, "time", Clock())  # it tries again at once
    cloud = connect("local", say=quiet)
    line, rows = Line(cloud.session), []
    for words, fault in SPOILED.items():
        line.fault, line.changes = fault, 0
        pipeline.up(cloud, settings, say=quiet)
        assert line.changes > 23
        line.fault = None
        assert pipeline.status(local, settings).ready
        assert becomes_a_thumbnail(local, settings)
        line.fault = fault
        assert pipeline.down(cloud, settings).left == ()
        then = "the same run: ready, a photo becomes a thumbnail; then nothing left"
        rows.append(Row(words, "nothing: it takes longer", "all, then nothing", then))
    matrix("a bad line to the local cloud", rows)
