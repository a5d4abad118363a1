"""What each step's verbs keep to: twice is once, and of nothing there is nothing."""

import pytest
from support.moto_cloud import here, standing

from deploy import pipeline

each_step = pytest.mark.parametrize("step", pipeline.STEPS, ids=lambda step: step.name)


KINDS = {
    "plain": {},
    "reliable": {"reliable": True},
    "queued": {"reliable": True, "queue": True},
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def built(cloud, request):
    """Settings of a pipeline that stands."""
    settings = here(cloud, **request.param)
    standing(settings, lambda: pipeline.up(cloud, settings, say=lambda line: None))
    return settings


@each_step
def test_create_twice_changes_nothing(cloud, built, wire, step):
    wire.calls.clear()
    made = step.module.create(cloud, built)
    assert bool(made) == step.wanted(built) and wire.mutations == []


def test_create_returns_a_name_or_an_arn(cloud, built):
    made = {step.name: step.module.create(cloud, built) for step in pipeline.STEPS}
    assert made["buckets"] == made["trigger"] == built.source_bucket
    assert made["role"] == built.role_arn
    assert made["function"] == built.function_arn
    assert made["failures"] == (built.failure_queue_arn if built.reliable else None)
    assert made["queue"] == (built.queue_arn if built.queue else None)


@each_step
def test_delete_leaves_nothing(cloud, built, step):
    assert step.module.delete(cloud, built) == []
    assert step.module.describe(cloud, built) is None


@each_step
def test_of_nothing_there_is_nothing(cloud, settings, wire, step):
    assert step.module.describe(cloud, settings) is None
    assert step.module.delete(cloud, settings) == []
    assert wire.mutations == []
