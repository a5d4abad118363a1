"""What a class left: listed by its tag, swept by name, nothing else touched."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from support.moto_cloud import REGION, here
from support.programs import python
from support.rows import rows
from workbook import SAMPLES, checks
from workbook.__main__ import main
from workbook.classroom import collect, standing

from deploy import pipeline, trace
from deploy.errors import DeployError, SettingsError
from deploy.logs import wait_for
from deploy.steps import buckets, role

AWS = ("--cloud", "aws", "--region", REGION)
#: What a notebook of a learner does, in a process of its own.
LEARN = """
from pathlib import Path
from deploy import connect, up
from workbook import SAMPLES, score, upload
cloud = connect(say=lambda line: None)
settings = up(cloud, say=lambda line: None).settings
photo = Path({photo!r})
photo.write_bytes((SAMPLES / "mountain-lake.jpg").read_bytes())
assert upload(cloud, settings, photo)[0].outcome == "made"
score({file!r})
"""


def stand(cloud, name, **options):
    """Build the parts of a pipeline that cost no time."""
    settings = here(cloud, name=name, **options)
    buckets.create(cloud, settings)
    role.create(cloud, settings)
    return settings


def names(found):
    return [each.name for each in found.pipelines]


def test_a_report_lists_a_prefix_and_no_more(cloud):
    for name in ("ws-anna", "ws-bob", "photos", "wsanna"):
        stand(cloud, name)
    found = standing.report(cloud, "ws-")
    assert names(found) == ["ws-anna", "ws-bob"]
    assert "role ws-anna-thumbnailer-role" in found.pipelines[0].ours
    assert found.now - found.pipelines[0].since < timedelta(minutes=5)


def test_a_pipeline_that_up_built_is_listed_whole(cloud):
    settings = here(cloud, name="ws-anna", reliable=True)
    pipeline.up(cloud, settings, say=lambda line: None)
    (found,) = standing.report(cloud, "ws-").pipelines
    assert found.ours == [each.what for each in pipeline.claims(cloud, settings)[0]]
    assert "$0.0" in repr(standing.report(cloud, "ws-"))
    swept = standing.sweep(cloud, "ws-")
    assert swept.deleted == ("ws-anna",) and not swept.left


def test_what_pictures_cost_is_counted(cloud):
    settings = stand(cloud, "ws-anna")
    cloud.s3.put_object(Bucket=settings.source_bucket, Key="a.jpg", Body=b"1" * 2**20)
    (found,) = standing.report(cloud, "ws-").pipelines
    assert found.usd_a_day == pytest.approx(0.023 / 1024 / 30)


@pytest.mark.slow
@pytest.mark.parametrize("left", ["failure_queue", "log_group", "role"])
def test_one_leftover_is_found(cloud, left):
    settings = here(cloud, name="ws-anna", reliable=True)
    if left == "role":
        role.create(cloud, settings)
    elif left == "failure_queue":
        failures_queue = {"QueueName": settings.failure_queue, "tags": settings.tags}
        cloud.sqs.create_queue(**failures_queue)
    else:
        cloud.logs.create_log_group(logGroupName=settings.log_group, tags=settings.tags)
    assert len(standing.report(cloud, "ws-").pipelines[0].ours) == 1
    swept = standing.sweep(cloud, "ws-")
    assert swept.deleted == ("ws-anna",) and not swept.left


@pytest.mark.parametrize("many", rows([5, 30]))
def test_all_names_go_and_a_foreign_twin_stays(cloud, many):
    for number in range(many):
        stand(cloud, f"ws-{number:02}")
    other = stand(cloud, "photos")
    twin = here(cloud, name="ws-twin")
    trust = json.dumps(role.trust_policy())
    cloud.iam.create_role(RoleName=twin.role_name, AssumeRolePolicyDocument=trust)
    where = {"LocationConstraint": REGION}
    cloud.s3.create_bucket(Bucket=twin.source_bucket, CreateBucketConfiguration=where)
    swept = standing.sweep(cloud, "ws-")
    assert len(swept.deleted) == many and not swept.left
    assert "ws-twin" not in swept.deleted
    assert sum("was left alone" in note for note in swept.notes) == 2
    stands = {each["Name"] for each in cloud.s3.list_buckets()["Buckets"]}
    assert stands == {twin.source_bucket, other.source_bucket, other.target_bucket}
    roles = {each["RoleName"] for each in cloud.iam.list_roles()["Roles"]}
    assert roles == {twin.role_name, other.role_name}


def test_a_half_foreign_name_loses_its_own_alone(cloud):
    settings = here(cloud, name="ws-anna")
    buckets.create(cloud, settings)
    cloud.sqs.create_queue(QueueName=settings.failure_queue)
    swept = standing.sweep(cloud, "ws-")
    assert swept.deleted == ("ws-anna",) and not swept.left
    assert any("ws-anna-failures was left alone" in note for note in swept.notes)
    assert cloud.sqs.list_queues()["QueueUrls"]


def test_backups_go_too(cloud):
    settings = stand(cloud, "ws-anna", backup=True)
    cloud.s3.put_object(Bucket=settings.backup_bucket, Key="a.jpg", Body=b"1")
    assert not standing.sweep(cloud, "ws-").left
    assert cloud.s3.list_buckets()["Buckets"] == []


def test_a_bucket_of_another_name_is_named_and_stays(cloud):
    plain = here(cloud, name="ws-anna")
    settings = dataclasses.replace(plain, source_bucket="a-bucket-of-my-own")
    buckets.create(cloud, settings)
    swept = standing.sweep(cloud, "ws-")
    assert len(swept.left) == 1 and "a-bucket-of-my-own" in swept.left[0]


def test_what_cannot_be_deleted_is_told_and_the_rest_goes(cloud, wire, no_delays):
    for name in ("ws-anna", "ws-bob"):
        stand(cloud, name)
    wire.fail("DeleteRole", "AccessDenied", status=403, times=1)
    swept = standing.sweep(cloud, "ws-")
    assert swept.left == ("role ws-anna-thumbnailer-role",)
    assert swept.deleted == ("ws-bob",)


@pytest.mark.parametrize("prefix", ["", "WS-", "-", "a b"])
def test_what_begins_no_name_is_refused(cloud, prefix):
    with pytest.raises(SettingsError, match="begins no name"):
        standing.report(cloud, prefix)


def test_who_says_no_keeps_everything(cloud):
    stand(cloud, "ws-anna")

    def no(found):
        raise DeployError("no")

    with pytest.raises(DeployError, match="no"):
        standing.sweep(cloud, "ws-", no)
    assert names(standing.report(cloud, "ws-")) == ["ws-anna"]


def test_the_commands(cloud, capsys):
    stand(cloud, "ws-anna")
    assert main(["class", "report", "ws-", *AWS]) == 0
    assert "1 pipeline under 'ws-' on " in capsys.readouterr().out
    assert main(["class", "sweep", "ws-", *AWS]) == 1
    said = capsys.readouterr()
    assert "ws-anna" in said.out and "Say --yes" in said.err
    assert main(["class", "sweep", "ws-", "--yes", *AWS]) == 0
    assert "Deleted: ws-anna.\nLooked again: nothing" in capsys.readouterr().out


def test_ages_in_words():
    ages = [timedelta(minutes=119), timedelta(hours=47), timedelta(days=3)]
    assert [standing.in_words(age) for age in ages] == ["119 min", "47 h", "3 days"]


@pytest.mark.slow
def test_two_learners_at_once_on_one_local_cloud(local, tmp_path):
    """Two processes, as two notebooks: each name has its own resources and score."""

    def learn(name):
        known = os.environ | {"WORKBOOK_NAME": name}
        photo, file = str(tmp_path / f"{name}.jpg"), str(tmp_path / f"{name}.json")
        script = LEARN.format(photo=photo, file=file)
        done = python("-c", script, env=known)
        assert done.returncode == 0, done.stderr

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(learn, ("two-anna", "two-bob")))
    found = collect.collect(tmp_path)
    assert [each.name for each in found.learners] == ["two-anna", "two-bob"]
    assert len({each.points for each in found.learners}) == 1
    for each in standing.report(local, "two-").pipelines:
        settings = here(local, name=each.name)
        (kept,) = local.s3.list_objects_v2(Bucket=settings.source_bucket)["Contents"]
        assert kept["Key"] == f"{each.name}.jpg"
    swept = standing.sweep(local, "two-a")
    assert swept.deleted == ("two-anna",)
    assert names(standing.report(local, "two-")) == ["two-bob"]
    bob = here(local, name="two-bob")
    assert pipeline.status(local, bob).ready
    assert not trace("two-bob.jpg", local, bob).broken
    assert not standing.sweep(local, "two-").left


@pytest.mark.slow
def test_thirty_learners_on_one_local_cloud(local):
    """Up, upload, score and sweep, with the times that TEACHING.md tells."""
    learners = [f"ws-{number:02}" for number in range(30)]
    started = time.perf_counter()

    def lap(what):
        print(f"{what}: {time.perf_counter() - started:.1f} s")

    def build(name):
        return pipeline.up(local, name=name, say=lambda line: None).settings

    def upload(settings):
        picture = (SAMPLES / "mountain-lake.jpg").read_bytes()
        local.s3.put_object(Bucket=settings.source_bucket, Key="lake.jpg", Body=picture)

    with ThreadPoolExecutor(4) as pool:
        every = list(pool.map(build, learners))
        lap("30 × up, four at once")
        since = datetime.now(UTC)
        list(pool.map(upload, every))
    for settings in every:
        (run,) = wait_for(local, settings, ["lake.jpg"], since)
        assert run.outcome == "made"
    lap("30 uploads → thumbnails")
    for settings in every:
        assert all(checks.look(step, local, settings).ok for step in (2, 3, 4, 5, 6))
    lap("30 × five steps checked")
    found = standing.report(local, "ws-")
    assert names(found) == learners and not found.foreign
    lap("report")
    swept = standing.sweep(local, "ws-")
    assert swept.deleted == tuple(learners) and not swept.left
    lap("sweep")
    assert standing.report(local, "ws-").pipelines == ()
