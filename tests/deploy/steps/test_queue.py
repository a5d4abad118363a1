import contextlib
import json
import threading
from collections import Counter
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from support.by_hand import mapping, queue_url
from support.moto_cloud import ground, here
from support.pictures import encoded, photo
from support.rows import rows

from deploy import logs, notifications, pipeline
from deploy.configure import settings_for
from deploy.steps import buckets, failures, function, layer, queue, role, trigger


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(queue, "QUIET_S", 0.0)


@pytest.fixture
def queued(cloud):
    """Settings with a queue, and everything but the queue and the trigger."""
    settings = here(cloud, queue=True)
    ground(cloud, settings, buckets, role, layer, function, failures)
    return settings


def notification(cloud, settings):
    answer = cloud.s3.get_bucket_notification_configuration(
        Bucket=settings.source_bucket
    )
    return {
        kind: [rule["Id"] for rule in answer.get(kind, [])]
        for kind in ("LambdaFunctionConfigurations", "QueueConfigurations")
    }


def policies(cloud, settings):
    answer = cloud.iam.list_role_policies(RoleName=settings.role_name)
    return set(answer["PolicyNames"])


def test_the_queue_and_its_mapping(cloud, queued):
    """Batches, a cap, partial failures; hidden six timeouts, five tries."""
    queue.create(cloud, queued)
    found = mapping(cloud, queued)
    assert found["BatchSize"] == 10
    assert found["ScalingConfig"] == {"MaximumConcurrency": 10}
    assert found["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    url = queue_url(cloud, queued.queue_name)
    answer = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    assert answer["Attributes"]["VisibilityTimeout"] == "180"
    redrive = json.loads(answer["Attributes"]["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == queued.failure_queue_arn
    assert int(redrive["maxReceiveCount"]) == 5


def test_only_our_bucket_of_our_account_may_send(settings):
    (statement,) = queue.queue_policy(settings)["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{settings.source_bucket}"},
        "StringEquals": {"aws:SourceAccount": settings.account},
    }


def test_the_role_may_take_from_this_queue_alone(settings):
    (statement,) = role.queue_policy(settings)["Statement"]
    assert statement["Resource"] == settings.queue_arn
    assert len(statement["Action"]) == 3


@pytest.mark.parametrize(
    "busy", ["ResourceInUseException", "ResourceConflictException"]
)
def test_a_busy_mapping_is_waited_for(cloud, queued, wire, no_delays, busy):
    queue.create(cloud, queued)
    for call in ("UpdateEventSourceMapping", "DeleteEventSourceMapping"):
        wire.fail(call, busy, "Another operation is in progress.", 409, times=2)
    queue.create(cloud, here(cloud, queue=True, batch_size=4))
    assert mapping(cloud, queued)["BatchSize"] == 4
    queue.delete(cloud, queued)
    assert queue.describe(cloud, queued) is None


@pytest.mark.parametrize("times", [1, 4])
def test_unready_role_is_waited_for_and_then_told(
    cloud, queued, wire, no_delays, times
):
    code = "InvalidParameterValueException"
    words = "The provided execution role does not have permissions to call "
    words += "ReceiveMessage on SQS"
    wire.refuse("CreateEventSourceMapping", code, words, times=times)
    if times == 1:
        assert queue.create(cloud, queued)
    else:
        with pytest.raises(ClientError, match="ReceiveMessage"):
            queue.create(cloud, queued)


def test_up_turns_the_rules_to_the_queue_and_back(cloud, settings, wire):
    """All by one call, after the mapping; S3's permission outlives the change."""
    pipeline.up(cloud, settings)
    before = notification(cloud, settings)
    plan = pipeline.plan(cloud, settings, queue=True)
    states = {item.step: item.state for item in plan.items}
    assert states["queue"] == "create" and states["role"] == "update"
    assert f"policy 'queue' of {settings.role_name}" in plan.policies
    wire.calls.clear()
    pipeline.up(cloud, settings, queue=True)
    assert "RemovePermission" not in wire.calls
    assert wire.calls.count("PutBucketNotificationConfiguration") == 1
    queue_first = wire.calls.index("CreateEventSourceMapping")
    assert queue_first < wire.calls.index("PutBucketNotificationConfiguration")
    assert notification(cloud, settings) == {
        "LambdaFunctionConfigurations": [],
        "QueueConfigurations": ["workbook-jpg", "workbook-png"],
    }
    assert pipeline.status(cloud, settings, queue=True).ready
    wire.calls.clear()
    pipeline.up(cloud, settings)
    order = [
        *("PutBucketNotificationConfiguration", "DeleteEventSourceMapping"),
        *("DeleteQueue", "DeleteRolePolicy"),
    ]
    assert sorted(order, key=wire.calls.index) == order
    assert notification(cloud, settings) == before
    found = pipeline.status(cloud, settings)
    assert found.ready
    assert {item.step for item in found.items}.isdisjoint({"queue", "failures"})
    assert policies(cloud, settings) == {role.THUMBNAILS}


def test_the_queue_outlives_the_change_of_rules(cloud, settings, clock):
    """S3 may send by the old rules for about five minutes: the queue hears it."""
    pipeline.up(cloud, settings, queue=True)
    times = {}

    def note(model, **_):
        times[model.name] = clock.now()

    for client in (cloud.s3, cloud.sqs):
        client.meta.events.register("before-call.*.*", note)
    pipeline.up(cloud, settings)
    passed = times["DeleteQueue"] - times["PutBucketNotificationConfiguration"]
    assert passed >= notifications.RULES_HOLD_S >= 300


def test_a_queue_that_is_not_empty_stays_and_works(cloud, settings, monkeypatch):
    pipeline.up(cloud, settings, queue=True)
    monkeypatch.setattr(queue, "DELAYS", ())
    cloud.awslambda.update_event_source_mapping(
        UUID=mapping(cloud, settings)["UUID"], Enabled=False
    )
    url = queue_url(cloud, settings.queue_name)
    cloud.sqs.send_message(QueueUrl=url, MessageBody="{}")
    said = []
    pipeline.up(cloud, settings, say=said.append)
    assert "with 1 uploads" in said[-1]
    assert role.QUEUE in policies(cloud, settings)
    assert notification(cloud, settings)["QueueConfigurations"] == []


@pytest.mark.parametrize(
    ("stays", "kept"), [("reliable", role.RELIABLE), ("queue", role.QUEUE)]
)
def test_queue_and_reliable_come_and_go_alone(cloud, settings, stays, kept):
    pipeline.up(cloud, settings, queue=True, reliable=True)
    pipeline.up(cloud, settings, **{stays: True})
    assert pipeline.status(cloud, settings, **{stays: True}).ready
    assert policies(cloud, settings) == {role.THUMBNAILS, kept}


@pytest.mark.parametrize("at", rows((3, 1, 4, 6)))
def test_interrupted_change_back_goes_on(cloud, settings, wire, at):
    pipeline.up(cloud, settings, queue=True)
    wire.reset()
    wire.cut_after = at
    with contextlib.suppress(KeyboardInterrupt):
        pipeline.up(cloud, settings)
    wire.reset()
    pipeline.up(cloud, settings)
    assert pipeline.status(cloud, settings).ready
    assert pipeline.down(cloud, settings).left == ()


def test_other_rules_of_the_queue_kind_stay(settings, cloud):
    theirs = {"Id": "audit", "QueueArn": "arn:aws:sqs:::audit", "Events": []}
    ours = trigger.rules(here(cloud, queue=True))
    merged = trigger.merged({"QueueConfigurations": [theirs]}, ours, settings)
    assert trigger.merged(merged, [], settings) == {"QueueConfigurations": [theirs]}


# --- on the local cloud --------------------------------------------------------------


@pytest.mark.slow
def test_no_upload_is_lost_or_doubled_on_the_way_there_and_back(local, monkeypatch):
    """Uploads go on and on, while the queue comes and goes again."""
    monkeypatch.setattr(queue, "QUIET_S", 2.0)
    settings = settings_for(local, name="turns", max_concurrency=2)
    pipeline.up(local, settings)
    keys, stop, body = [], threading.Event(), encoded(photo())

    def upload() -> None:
        while not stop.is_set():
            key = f"{len(keys)}.jpg"
            local.s3.put_object(Bucket=settings.source_bucket, Key=key, Body=body)
            keys.append(key)
            stop.wait(0.05)

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        for on in (True, False, True):
            pipeline.up(local, settings, queue=on)
            stop.wait(1)
    finally:
        stop.set()
        thread.join()
    began = datetime.fromtimestamp(0, UTC)
    list(logs.wait_for(local, settings, keys, began))
    made = Counter(run.key for run in logs.runs(local, settings))
    assert made == Counter(keys) and len(keys) > 40
    assert pipeline.down(local, settings).left == ()
