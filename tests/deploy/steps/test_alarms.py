import pytest
from support.by_hand import fail
from support.moto_cloud import here

from deploy import pipeline
from deploy.steps import alarms


@pytest.fixture
def reliable(cloud):
    return here(cloud, reliable=True)


def stored(cloud, settings):
    return cloud.cloudwatch.describe_alarms()["MetricAlarms"]


def ring(cloud, settings, what, state="ALARM"):
    cloud.cloudwatch.set_alarm_state(
        AlarmName=settings.alarm_name(what), StateValue=state, StateReason="a test"
    )


def test_create(cloud, reliable):
    names = alarms.create(cloud, reliable).split(", ")
    assert names == [alarm["AlarmName"] for alarm in stored(cloud, reliable)]
    assert alarms.describe(cloud, reliable).drift == {}
    assert not any(alarm["AlarmActions"] for alarm in stored(cloud, reliable))


def test_each_watches_what_is_ours_and_takes_silence_for_no_alarm(reliable):
    every = alarms.alarms(reliable)
    watched = {
        (alarm["Namespace"], part["Name"], part["Value"])
        for alarm in every
        for part in alarm["Dimensions"]
    }
    assert watched == {
        ("AWS/Lambda", "FunctionName", reliable.function_name),
        ("AWS/SQS", "QueueName", reliable.failure_queue),
    }
    assert {alarm["TreatMissingData"] for alarm in every} == {"notBreaching"}


def test_topic_is_told(cloud):
    topic = "arn:aws:sns:eu-west-1:123456789012:oncall"
    told = here(cloud, reliable=True, alarm_topic=topic)
    alarms.create(cloud, told)
    actions = [alarm["AlarmActions"] for alarm in stored(cloud, told)]
    assert actions == [[topic]] * len(alarms.RULES)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("ALARM", "ALARM: errors, kept"),
        ("OK", "all quiet"),
        ("INSUFFICIENT_DATA", "no data yet"),
    ],
)
def test_status_says_what_rings(cloud, reliable, state, says):
    pipeline.up(cloud, reliable)
    for what in alarms.RULES:
        known = state != "INSUFFICIENT_DATA" and what not in ("errors", "kept")
        ring(cloud, reliable, what, "OK" if known else state)
    assert f"({says})" in repr(pipeline.status(cloud, reliable))


def test_status_says_what_waits(cloud, reliable):
    pipeline.up(cloud, reliable)
    fail(cloud, reliable, times=3)
    status = pipeline.status(cloud, reliable)
    assert "(3 events wait)" in repr(status) and status.ready
