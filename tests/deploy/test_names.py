"""Two learners, two names, one account: neither meets the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy import down, logs, settings_for, status, trace, up
from deploy.cloud import connect

PHOTO = Path(__file__).parents[2] / "images" / "samples" / "this-side-up.jpg"


def learner(name: str):
    cloud = connect("local", say=lambda line: None)
    return cloud, settings_for(cloud, name=name)


def upload(cloud, settings) -> str:
    """Upload a photo and return what became of it."""
    since = datetime.now(UTC)
    cloud.s3.upload_file(str(PHOTO), settings.source_bucket, "photo.jpg")
    (run,) = logs.wait_for(cloud, settings, ["photo.jpg"], since, 60)
    return run.outcome


@pytest.fixture
def learners(local):
    """Anna and Bob, whose pipelines are built at the same time."""
    both = [learner("anna"), learner("bob")]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda each: up(*each), both))
    yield both
    for each in both:
        down(*each)


def test_two_names_at_once_on_one_cloud(learners):
    anna, bob = learners
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(lambda each: upload(*each), learners)) == ["made", "made"]
        found = list(pool.map(lambda each: trace("photo.jpg", *each), learners))
    assert not any(each.broken for each in found)
    assert not down(*anna).left
    assert status(*bob).ready
    assert upload(*bob) == "made"
    assert not trace("photo.jpg", *bob).broken


def test_the_environments_name_is_taken_everywhere(local, monkeypatch):
    monkeypatch.setenv("WORKBOOK_NAME", "clara")
    stack = up(connect("local", say=lambda line: None))
    assert stack.settings.function_name == "clara-thumbnailer"
    assert not down(local).left
