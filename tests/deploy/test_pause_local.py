"""Faults on the local cloud: what really runs, really stops."""

from datetime import UTC, datetime

import pytest
from support.matrix import quiet
from support.pictures import encoded, photo

from deploy import logs, pipeline
from deploy.configure import settings_for
from deploy.operations.backfill import backfill
from deploy.operations.replay import replay
from deploy.steps import failures
from deploy.tracing import trace
from deploy.waiting import until


def put(cloud, settings):
    """Upload a picture."""
    cloud.s3.put_object(
        Bucket=settings.source_bucket, Key="a.jpg", Body=encoded(photo())
    )


def test_pause_loses_events_and_backfill_makes_up(local):
    settings = settings_for(local, name="paused")
    pipeline.up(local, settings, say=quiet)
    pipeline.pause(local, settings)
    assert "(paused, `resume`" in repr(pipeline.status(local, settings))
    since = datetime.now(UTC)
    put(local, settings)
    assert logs.runs(local, settings, since) == []
    finding = []
    pipeline.up(local, settings, say=finding.append)
    assert "it runs again" in finding[0] and "deploy backfill` makes" in finding[0]
    assert backfill(local, settings).missing == ("a.jpg",)
    (run,) = logs.wait_for(local, settings, ["a.jpg"], since)
    assert run.outcome == "made"
    assert pipeline.status(local, settings).ready
    assert pipeline.down(local, settings).left == ()


@pytest.mark.slow
def test_pause_keeps_events_for_replay(local):
    settings = settings_for(local, name="kept", reliable=True)
    pipeline.up(local, settings, say=quiet)
    pipeline.pause(local, settings)
    since = datetime.now(UTC)
    put(local, settings)
    until(lambda: failures.describe(local, settings).events, what="it", where="queue")
    finding = []
    assert pipeline.resume(local, settings, say=finding.append)
    assert "keeps 1 failed event: `python -m deploy replay`" in finding[0]
    assert "deploy replay" in trace("a.jpg", local, settings).broken.cure
    (line,) = replay(local, settings)
    (run,) = logs.wait_for(local, settings, ["a.jpg"], since)
    assert line.endswith("the function was stopped") and run.outcome == "made"
    assert pipeline.down(local, settings).left == ()


@pytest.mark.slow
def test_pause_lets_a_queue_wait(local):
    settings = settings_for(local, name="waits", queue=True, timeout_s=1)
    pipeline.up(local, settings, say=quiet)
    pipeline.pause(local, settings)
    since = datetime.now(UTC)
    put(local, settings)
    assert "Uploads wait" in trace("a.jpg", local, settings).broken.finding
    finding = []
    assert pipeline.resume(local, settings, say=finding.append)
    (run,) = logs.wait_for(local, settings, ["a.jpg"], since)
    assert "which it works on now" in finding[0] and run.outcome == "made"
    assert pipeline.down(local, settings).left == ()
