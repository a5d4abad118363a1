"""What each step's verbs keep to: twice is once, and of nothing there is nothing."""

import pytest
from support.moto_cloud import here, standing

from deploy import pipeline

each_step = pytest.mark.parametrize("step", pipeline.STEPS, ids=lambda step: step.name)


@pytest.fixture(params=[False, True], ids=["", "queue"])
def whole(cloud, request):
    """Settings of a reliable pipeline that stands, with the queue or without."""
    settings = here(cloud, reliable=True, queue=request.param)
    standing(settings, lambda: pipeline.up(cloud, settings, say=lambda line: None))
    return settings


@each_step
def test_create_twice_changes_nothing(cloud, whole, wire, step):
    wire.calls.clear()
    made = step.module.create(cloud, whole)
    assert bool(made) == step.wanted(whole) and wire.mutations == []


@each_step
def test_describe_nothing(cloud, settings, step):
    assert step.module.describe(cloud, settings) is None


@each_step
def test_delete_nothing(cloud, settings, wire, step):
    assert step.module.delete(cloud, settings) == []
    assert wire.mutations == []
