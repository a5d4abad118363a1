import json

import pytest
from support.moto_cloud import here, sent, standing

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
    steps = (buckets, role, layer, function)
    standing("reliable", lambda: [step.create(cloud, settings) for step in steps])
    return settings


def url(cloud, settings):
    return cloud.sqs.get_queue_url(QueueName=settings.failure_queue)["QueueUrl"]


def fail(cloud, settings, body=RECORD):
    cloud.sqs.send_message(QueueUrl=url(cloud, settings), MessageBody=json.dumps(body))


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
        QueueUrl=url(cloud, reliable), AttributeNames=["MessageRetentionPeriod"]
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


def test_replay_sends_the_event_again(cloud, reliable, wire):
    failures.create(cloud, reliable)
    fail(cloud, reliable)
    with sent(cloud.awslambda, "Invoke") as requests:
        lines = replay(cloud, reliable)
    assert lines == ["photos/a.jpg: AccessDenied"]
    assert json.loads(requests[0]["Payload"]) == EVENT
    assert requests[0]["InvocationType"] == "Event"


def test_replay_empties_the_queue(cloud, reliable):
    failures.create(cloud, reliable)
    for _ in range(3):
        fail(cloud, reliable)
    assert len(replay(cloud, reliable)) == 3
    assert held(cloud, reliable) == 0


def test_replay_deletes_after_the_invoke(cloud, reliable, wire):
    failures.create(cloud, reliable)
    fail(cloud, reliable)
    wire.calls.clear()
    replay(cloud, reliable)
    assert wire.calls.index("Invoke") < wire.calls.index("DeleteMessage")


def test_refused_event_stays(cloud, reliable, wire):
    failures.create(cloud, reliable)
    fail(cloud, reliable)
    wire.refuse("Invoke", "TooManyRequestsException", "Rate exceeded", 429)
    with pytest.raises(DeployError, match="Rate exceeded"):
        replay(cloud, reliable)
    assert held(cloud, reliable) == 1


def test_other_messages_stay(cloud, reliable):
    failures.create(cloud, reliable)
    fail(cloud, reliable, body="hello")
    assert replay(cloud, reliable) == []
    assert held(cloud, reliable) == 1


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
    ],
)
def test_in_words(record, line):
    assert failures.in_words(record) == line


def test_a_failed_list_of_pipes_is_read_like_its_records():
    part = {"s3": {"bucket": {"name": "b"}, "object": {"key": "a.jpg"}}}
    record = {"requestPayload": [part], "responsePayload": {"errorMessage": "why"}}
    assert failures.payload_of(record) == {"Records": [part]}
    assert failures.in_words(record) == "b/a.jpg: why"
