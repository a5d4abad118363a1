"""`up --mirror`: what is deleted in the source is deleted in the target, too."""

import time

import pytest
from support.bench import until
from support.moto_cloud import here
from support.pictures import encoded, photo

from deploy import connect, pipeline
from deploy.configure import recalled, settings_for
from deploy.steps import buckets, queue, trigger

UPLOADS = ["s3:ObjectCreated:*", "s3:ObjectRestore:Completed"]
REMOVALS = ["s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]


def test_rules_tell_of_deletions_only_when_asked(cloud):
    for mirror in (False, True):
        for rule in trigger.rules(here(cloud, mirror=mirror)):
            assert rule["Events"][:2] == UPLOADS
            assert rule["Events"][2:] == (REMOVALS if mirror else [])


def test_it_goes_up_stays_and_goes(cloud, settings):
    pipeline.up(cloud, here(cloud, mirror=True, name="mirror"), say=lambda line: None)
    kept = recalled(cloud, name="mirror")
    assert kept.mirror
    assert pipeline.status(cloud, here(cloud, mirror=True, name="mirror")).ready
    drifted = pipeline.status(cloud, here(cloud, name="mirror"))
    assert {i.step for i in drifted.items if i.state == "differs"} == {
        *("role", "function", "trigger")
    }


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"queue": True, "reliable": True}, {}])
def test_deletes_during_processing_leave_no_orphan(local_folder, monkeypatch, options):
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(local_folder))
    cloud = connect("local", say=lambda line: None)
    settings = settings_for(cloud, name="mirror", mirror=True, **options)
    pipeline.up(cloud, settings, say=lambda line: None)
    body = encoded(photo((64, 64)))
    where = {"Bucket": settings.source_bucket}
    for number in range(30):
        cloud.s3.put_object(**where, Key=f"{number}.jpg", Body=body)
        if number >= 10:  # soon after, so that its picture is in work, or waits
            cloud.s3.delete_object(**where, Key=f"{number - 10}.jpg")
    for number in range(20, 29):
        cloud.s3.delete_object(**where, Key=f"{number}.jpg")
    if settings.queue:
        url = queue.require(cloud, settings)
        assert queue.wait_until_empty(cloud, url, quiet_s=1, timeout_s=60)
    wanted = ["thumbnails/29.jpg"]
    until(lambda: made(cloud, settings) == wanted, 20)
    time.sleep(1)  # and it stays so
    assert made(cloud, settings) == wanted
    assert pipeline.down(cloud, settings).left == ()


def made(cloud, settings):
    return [item["Key"] for item in buckets.objects(cloud, settings.target_bucket)]
