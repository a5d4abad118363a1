"""What `down` has deleted stays gone, whatever was still on its way."""

import time

import pytest
from support.bench import until
from support.by_hand import without_policy
from support.shown import jpeg

from deploy import pipeline
from deploy.configure import settings_for
from deploy.local import server


@pytest.mark.slow
@pytest.mark.parametrize("pause_s", [0.05, 0.3, 0.6])
def test_a_retry_makes_no_log_group_anew(local, monkeypatch, pause_s):
    settings = settings_for(local, name="gone")
    pipeline.up(local, settings, say=lambda line: None)
    without_policy("thumbnails")(local, settings)
    local.s3.put_object(Bucket=settings.source_bucket, Key="a.jpg", Body=jpeg())
    time.sleep(pause_s)  # its first run, or a retry, is under way
    assert pipeline.down(local, settings).left == ()
    until(lambda: server.waiting() == 0)  # no run and no retry is left
    groups = local.logs.describe_log_groups(logGroupNamePrefix=settings.log_group)
    assert groups["logGroups"] == []
