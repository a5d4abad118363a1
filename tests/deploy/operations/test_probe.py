"""The probe: it tells when uploads come through, says why not, and leaves nothing."""

import boto3
import pytest
from support.by_hand import notify, version
from support.matrix import quiet
from support.moto_cloud import here, hooked, made_at_the_third

from deploy import pipeline, probe
from deploy.__main__ import main
from deploy.configure import settings_for
from deploy.errors import DeployError


def held(cloud, settings):
    """Every object, version and marker in the buckets."""
    found = []
    for bucket in (settings.source_bucket, settings.target_bucket):
        page = cloud.s3.list_object_versions(Bucket=bucket)
        found += page.get("Versions", []) + page.get("DeleteMarkers", [])
    return [one["Key"] for one in found]


def test_a_live_trigger(local, capsys):
    settings = settings_for(local, name="probed")
    pipeline.up(local, settings, say=quiet)
    assert main(["probe", "--name", "probed"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Live: the probe came")
    assert held(local, settings) == []
    pipeline.down(local, settings)


def test_a_trigger_without_rules(built):
    cloud, settings = built
    notify(cloud, settings)
    found = probe(*built, timeout_s=0.1)
    assert not found.live and found.trace.broken.name == "rule"
    assert "First broken link: rule: " in repr(found)
    assert held(*built) == []


def test_all_versions_go(built):
    """Uploaded again until one comes through; here somebody else makes it."""
    cloud, settings = built
    version(cloud, settings.source_bucket)
    with made_at_the_third(*built) as uploads:
        found = probe(*built)
    assert found.sign == "thumbnail" and len(uploads) == 3
    assert 30 <= found.seconds < 45
    assert held(*built) == []


def test_what_a_recipe_makes_goes_too(cloud, settings):
    recipe = {
        "renditions": {"wide": {"width": 64, "height": 64}},
        "backup": {"folder": "kept/"},
    }
    settings = here(cloud, recipe=recipe, backup=True)
    pipeline.up(cloud, settings, say=quiet)
    places = {
        settings.target_bucket: ("thumbnails/", "renditions/wide/"),
        settings.backup_bucket: ("kept/",),
    }
    off_record = boto3.client("s3", settings.region)

    def make_all(params, **_):
        for bucket, folders in places.items():
            for folder in folders:
                off_record.put_object(Bucket=bucket, Key=folder + params["Key"])

    with hooked(cloud.s3, "provide-client-params.s3.PutObject", make_all):
        assert probe(cloud, settings).live
    assert held(cloud, settings) == []
    assert "Versions" not in cloud.s3.list_object_versions(
        Bucket=settings.backup_bucket
    )


@pytest.mark.parametrize("may_delete", [True, False])
def test_no_pipeline(cloud, settings, wire, may_delete):
    """A refused delete does not hide why it failed."""
    if not may_delete:
        wire.refuse("ListObjectVersions", "AccessDenied", "no", 403)
    with pytest.raises(DeployError, match=r"probe could not be uploaded \(NoSuchB"):
        probe(cloud, settings)


def test_up_on_aws_tells_of_the_probe_once(cloud, settings):
    said = []
    pipeline.up(cloud, settings, say=said.append)
    assert any("python -m deploy probe" in line for line in said)
    said.clear()
    pipeline.up(cloud, settings, say=said.append)
    assert not any("python -m deploy probe" in line for line in said)
