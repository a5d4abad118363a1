"""Faults on the local cloud: what really runs, really stops."""

from datetime import UTC, datetime

from pictures import encoded, photo

from deploy import logs, stack
from deploy.settings import settings_for


def quiet(line):
    """Say nothing."""


def test_pause_holds_uploads_back(local):
    settings = settings_for(local, name="paused")
    stack.up(local, settings, say=quiet)
    stack.pause(local, settings)
    assert "(paused)" in repr(stack.status(local, settings))
    since = datetime.now(UTC)
    local.s3.put_object(
        Bucket=settings.source_bucket, Key="a.jpg", Body=encoded(photo())
    )
    assert logs.runs(local, settings, since) == []
    said = []
    stack.up(local, settings, say=said.append)
    (run,) = logs.wait_for(local, settings, ["a.jpg"], since)
    assert said == ["The function was paused; it runs again."]
    assert run.outcome == "made" and stack.status(local, settings).ready
    assert stack.down(local, settings).left == ()
