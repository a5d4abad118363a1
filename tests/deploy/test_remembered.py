"""A pipeline built with options is known by them when none is given."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.moto_cloud import ACCOUNT, REGION, here
from support.rows import rows

from deploy import connect, down, pipeline, remembered, status, up
from deploy.__main__ import main
from deploy.configure import recalled
from deploy.errors import DeployError, SettingsError
from deploy.settings import TAG, Settings

TITLE = {"thumbnail": {"watermark": {"text": "Workbook"}}}
#: Every option, with a value that is not its default.
OPTIONS = {
    "reliable": {"reliable": True},
    "queue": {"queue": True},
    "queue, sizes": {"queue": True, "batch_size": 5, "max_concurrency": 3},
    "private": {"public": False},
    "backup": {"backup": True},
    "recipe": {"recipe": TITLE},
    "sizes and names": {
        "box": 128,
        "quality": 70,
        "max_megapixels": 30,
        "max_bytes": 10_000_000,
        "memory_mb": 1024,
        "timeout_s": 60,
        "thumbnail_prefix": "small/",
        "reject_prefix": "refused/",
        "suffixes": (".jpg", ".JPG"),
        "log_retention_days": 30,
    },
    "boundary": {"permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/Boundary"},
    "alarm topic": {
        "reliable": True,
        "alarm_topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:us",
    },
}


@pytest.fixture
def machine(cloud):
    """What makes a layer for this machine, on "AWS"."""
    one = here(cloud)
    fields = ("runtime", "architecture", "runs_here")
    return {name: getattr(one, name) for name in fields}


@pytest.mark.parametrize("option", rows(OPTIONS, quick=6))
def test_no_command_has_to_be_told_twice(cloud, machine, wire, option):
    up(cloud, say=lambda line: None, **machine, **OPTIONS[option])
    found = status(cloud)
    assert found.ready
    assert {n: getattr(found.settings, n) for n in OPTIONS[option]} == {
        n: json.dumps(v, separators=(",", ":")) if n == "recipe" else v
        for n, v in OPTIONS[option].items()
    }
    wire.calls.clear()
    up(cloud, say=lambda line: None)
    assert wire.mutations == []


def test_up_says_first_what_changes(cloud, machine):
    said = []
    up(cloud, say=said.append, **machine)
    assert not [line for line in said if line.startswith("memory_mb")]
    up(cloud, say=said.append, memory_mb=1024, public=False)
    assert said.index("memory_mb: 512 → 1024") < said.index("public: yes → no")


def test_a_way_back(cloud, machine):
    up(cloud, say=lambda line: None, public=False, reliable=True, **machine)
    up(cloud, say=lambda line: None, public=True, reliable=False)
    found = status(cloud)
    assert found.ready and found.settings.public and not found.settings.reliable
    tags = cloud.s3.get_bucket_tagging(Bucket=found.settings.source_bucket)["TagSet"]
    kept = {tag["Key"] for tag in tags}
    assert kept == {TAG, *(f"{TAG}:{name}" for name in machine)}


def test_without_its_recipe_freetype_goes(cloud, machine):
    made = up(cloud, say=lambda line: None, recipe=TITLE, **machine)
    assert made.settings.text
    up(cloud, say=lambda line: None, recipe="")
    found = status(cloud)
    assert found.ready and found.settings.layer_name == "workbook-pillow"


def test_down_knows_of_the_backups(cloud, machine):
    made = up(cloud, say=lambda line: None, backup=True, **machine)
    kept = f"bucket {made.settings.backup_bucket} was left alone"
    report = down(cloud)
    assert report.left == () and kept in repr(report)
    assert repr(report).endswith("Nothing else is left.")
    assert repr(down(cloud, backup=True)) == "Nothing is left."
    assert cloud.s3.list_buckets()["Buckets"] == []


def test_what_is_not_ours_is_not_recalled(cloud, settings):
    request = {"Bucket": settings.source_bucket}
    where = {"LocationConstraint": REGION}
    cloud.s3.create_bucket(**request, CreateBucketConfiguration=where)
    tag = {"Key": f"{TAG}:public", "Value": "false"}
    cloud.s3.put_bucket_tagging(**request, Tagging={"TagSet": [tag]})
    assert recalled(cloud).public


def test_other_peoples_tags_stay(cloud, settings):
    pipeline.up(cloud, settings, say=lambda line: None)
    which = {"Bucket": settings.source_bucket}
    theirs = {"Key": "team", "Value": "photos"}
    tags = cloud.s3.get_bucket_tagging(**which)["TagSet"]
    cloud.s3.put_bucket_tagging(**which, Tagging={"TagSet": [*tags, theirs]})
    pipeline.up(cloud, settings, say=lambda line: None, memory_mb=256)
    assert theirs in cloud.s3.get_bucket_tagging(**which)["TagSet"]


def settings_with(**fields):
    return Settings(ACCOUNT, REGION, "workbook", **fields)


@given(
    st.text(max_size=2_000),
    st.lists(st.text(min_size=1, max_size=20), max_size=3).map(tuple),
)
def test_any_text_comes_back(text, events):
    written = remembered.tags(
        settings_with(recipe=json.dumps({"a": text}), events=events),
        settings_with(),
    )
    found = remembered.read(written)
    assert json.loads(found.get("recipe", "{}")) == {"a": text}
    assert found.get("events", settings_with().events) == events
    assert all(len(value) <= 256 for value in written.values())
    allowed = " +-=._:/@"
    assert all(c in allowed or (c.isascii() and c.isalnum()) for c in "".join(written))
    assert all(
        c in allowed or (c.isascii() and c.isalnum())
        for value in written.values()
        for c in value
    )


#: A tag by hand, or of a year ago → what is said of it.
SPOILED = {
    "runtime": ("python3.8", "'python3.8' is none that AWS takes"),
    "memory_mb": ("packed !", "'packed !' is out of range"),
    "public": ("maybe", "'maybe' is no yes or no"),
    "suffixes": ("5", "5 is no list of texts"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_kept_and_no_longer_taken_is_said_anew(cloud, machine, name):
    """Else not even `down` would run."""
    value, why = SPOILED[name]
    made = up(cloud, say=lambda line: None, **machine)
    which = {"Bucket": made.settings.source_bucket}
    found = cloud.s3.get_bucket_tagging(**which)["TagSet"]
    kept = [tag for tag in found if tag["Key"] != f"{TAG}:{name}"]
    kept.append({"Key": f"{TAG}:{name}", "Value": value})
    cloud.s3.put_bucket_tagging(**which, Tagging={"TagSet": kept})
    with pytest.raises(SettingsError, match=f"tags of bucket .*{why}.* anew"):
        status(cloud)
    anew = {name: getattr(made.settings, name)}
    assert up(cloud, say=lambda line: None, **anew).settings == made.settings
    assert status(cloud).ready
    cloud.s3.put_bucket_tagging(**which, Tagging={"TagSet": kept})
    assert down(cloud, **anew).left == ()


def test_a_setting_of_a_later_version_is_passed_over():
    assert remembered.read({f"{TAG}:sparkle": "true", "team": "x"}) == {}


@pytest.mark.slow
def test_on_the_local_cloud(local, capsys, monkeypatch):
    cloud = ["--name", "kept"]
    assert main(["up", *cloud, "--private", "--memory", "256"]) == 0
    assert main(["status", *cloud]) == 0
    out = capsys.readouterr().out
    assert "missing" not in out and "differs" not in out
    assert main(["up", *cloud]) == 0
    assert "→" not in capsys.readouterr().out
    where = recalled(connect("local", say=lambda line: None), name="kept")
    assert (where.public, where.memory_mb) == (False, 256)
    assert main(["down", *cloud]) == 0


def test_denied_to_look_is_no_crash(cloud, wire):
    wire.refuse("GetBucketTagging", "AccessDenied", "no", 403)
    assert recalled(cloud).public


def test_expired_credentials_are_a_sentence(cloud, wire):
    wire.refuse("GetBucketTagging", "ExpiredToken", "expired")
    with pytest.raises(DeployError, match="expired"):
        pipeline.status(cloud)
