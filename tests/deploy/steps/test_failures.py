import json

import pytest
from support.by_hand import fail, queue_url
from support.moto_cloud import ground, here, sent

from deploy.errors import DeployError
from deploy.operations.replay import replay
from deploy.steps import buckets, failures, function, layer, role

EVENT = {
    "Records": [{"s3": {"bucket": {"name": "photos"}, "object": {"key": "a.jpg"}}}]
}
RECORD = {
    "version": "1.0",
    "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
    "requestPayload": EVENT,
    "responsePayload": {"errorMessage": "AccessDenied"},
}


@pytest.fixture
def reliable(cloud):
    """Reliable settings, and everything but the failures step."""
    settings = here(cloud, reliable=True)
    ground(cloud, settings, buckets, role, layer, function)
    return settings


def held(cloud, settings):
    return failures.describe(cloud, settings).events


def test_two_retries_then_the_queue(settings):
    assert failures.event_invoke_config(settings) == {
        "MaximumRetryAttempts": 2,
        "DestinationConfig": {"OnFailure": {"Destination": settings.failure_queue_arn}},
    }


def test_events_are_kept_two_weeks(cloud, reliable):
    failures.create(cloud, reliable)
    answer = cloud.sqs.get_queue_attributes(
        QueueUrl=queue_url(cloud, reliable.failure_queue),
        AttributeNames=["MessageRetentionPeriod"],
    )
    assert answer["Attributes"]["MessageRetentionPeriod"] == "1209600"


def test_foreign_destination_stays(cloud, reliable, settings):
    theirs = {
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:::theirs"}},
    }
    cloud.awslambda.put_function_event_invoke_config(
        FunctionName=settings.function_name, **theirs
    )
    failures.delete(cloud, settings)
    assert failures.describe(cloud, settings).config == theirs


def test_replay_sends_each_event_again_and_then_deletes_it(cloud, reliable, wire):
    failures.create(cloud, reliable)
    fail(cloud, reliable, RECORD, times=3)
    wire.calls.clear()
    with sent(cloud.awslambda, "Invoke") as requests:
        assert replay(cloud, reliable) == ["photos/a.jpg: AccessDenied"] * 3
    assert [json.loads(request["Payload"]) for request in requests] == [EVENT] * 3
    assert {request["InvocationType"] for request in requests} == {"Event"}
    assert wire.calls.index("Invoke") < wire.calls.index("DeleteMessage")
    assert held(cloud, reliable) == 0


def test_other_messages_and_a_refused_event_stay(cloud, reliable, wire):
    failures.create(cloud, reliable)
    fail(cloud, reliable, "hello")
    assert replay(cloud, reliable) == []
    fail(cloud, reliable, RECORD)
    wire.refuse("Invoke", "TooManyRequestsException", "Rate exceeded", 429)
    with pytest.raises(DeployError, match="Rate exceeded"):
        replay(cloud, reliable)
    assert held(cloud, reliable) == 2


def test_replay_without_a_queue(cloud, settings):
    with pytest.raises(DeployError, match="no queue of failed events"):
        replay(cloud, settings)


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (RECORD, "photos/a.jpg: AccessDenied"),
        (RECORD | {"responsePayload": None}, "photos/a.jpg: RetriesExhausted"),
        (
            {
                "requestPayload": EVENT,
                "requestContext": {"condition": failures.STOPPED},
            },
            "photos/a.jpg: not tried, the function was stopped",
        ),
        ({"requestPayload": {}}, "an event without uploads: unknown cause"),
        (EVENT, "photos/a.jpg: tried too often"),  # a message that the queue gave up
    ],
)
def test_in_words(record, line):
    assert failures.in_words(record) == line


def test_a_failed_list_of_pipes_is_read_like_its_records():
    part = {"s3": {"bucket": {"name": "b"}, "object": {"key": "a.jpg"}}}
    record = {"requestPayload": [part], "responsePayload": {"errorMessage": "why"}}
    assert failures.payload_of(record) == {"Records": [part]}
    assert failures.in_words(record) == "b/a.jpg: why"
    assert failures.payload_of(EVENT) == EVENT
