import pytest
from support import moto_cloud
from support.by_hand import notify
from support.moto_cloud import here

from deploy.errors import DeployError
from deploy.steps import buckets, function, layer, role, trigger

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:audit"
THEIRS = {"Id": "audit", "QueueArn": QUEUE, "Events": ["s3:ObjectRemoved:*"]}
NOT_YET = "Unable to validate the following destination configurations"


@pytest.fixture
def ground(cloud, settings):
    """What the trigger stands on."""
    moto_cloud.ground(cloud, settings, buckets, role, layer, function)


def put(cloud, settings, **configuration):
    cloud.sqs.create_queue(QueueName="audit")
    notify(cloud, settings, **configuration)


def get(cloud, settings):
    answer = cloud.s3.get_bucket_notification_configuration(
        Bucket=settings.source_bucket
    )
    return {kind: value for kind, value in answer.items() if kind != "ResponseMetadata"}


def rule(suffix="", prefix="", events=("s3:ObjectCreated:*",), **more):
    rules = [{"Name": "prefix", "Value": prefix}, {"Name": "suffix", "Value": suffix}]
    wanted = [part for part in rules if part["Value"]]
    return {
        "Id": "other",
        "QueueArn": QUEUE,
        "Events": list(events),
        "Filter": {"Key": {"FilterRules": wanted}},
    } | more


def test_two_rules(settings):
    first, second = trigger.rules(settings)
    assert first == {
        "Id": "workbook-jpg",
        "LambdaFunctionArn": settings.function_arn,
        "Events": ["s3:ObjectCreated:*", "s3:ObjectRestore:Completed"],
        "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".jpg"}]}},
    }
    assert second["Id"] == "workbook-png"


def test_permission_names_bucket_and_account(settings):
    permission = trigger.permission(settings)
    assert permission["SourceArn"] == f"arn:aws:s3:::{settings.source_bucket}"
    assert permission["SourceAccount"] == settings.account


def test_merged_keeps_all_others(settings):
    others = {
        "QueueConfigurations": [THEIRS],
        "TopicConfigurations": [{"Id": "t", "TopicArn": "arn", "Events": []}],
        "EventBridgeConfiguration": {},
        "LambdaFunctionConfigurations": [
            {"Id": "theirs", "LambdaFunctionArn": "arn:other", "Events": []}
        ],
    }
    merged = trigger.merged(others, trigger.rules(settings), settings)
    assert trigger.merged(merged, [], settings) == others
    assert len(merged["LambdaFunctionConfigurations"]) == 3


def test_merged_drops_a_suffix_given_up(cloud, settings):
    before = trigger.merged({}, trigger.rules(settings), settings)
    fewer = here(cloud, suffixes=(".jpg",))
    after = trigger.merged(before, trigger.rules(fewer), fewer)
    ids = [rule["Id"] for rule in after["LambdaFunctionConfigurations"]]
    assert ids == ["workbook-jpg"]


def test_merged_reads_as_s3_writes(settings):
    (jpg, png) = trigger.rules(settings)
    answered = jpg | {
        "Events": jpg["Events"][::-1],
        "Filter": {"Key": {"FilterRules": [{"Name": "Suffix", "Value": ".jpg"}]}},
    }
    before = {"LambdaFunctionConfigurations": [answered, png]}
    assert trigger.merged(before, [jpg, png], settings) == before


def test_permission_comes_first(cloud, settings, ground, wire):
    trigger.create(cloud, settings)
    granted = wire.calls.index("AddPermission")
    put_at = wire.calls.index("PutBucketNotificationConfiguration")
    assert "GetPolicy" in wire.calls[granted:put_at]


def test_other_rules_survive(cloud, settings, ground):
    put(cloud, settings, QueueConfigurations=[THEIRS])
    trigger.create(cloud, settings)
    names = [rule["Id"] for rule in trigger.describe(cloud, settings).rules]
    assert names == ["workbook-jpg", "workbook-png"]
    assert get(cloud, settings)["QueueConfigurations"] == [THEIRS]
    trigger.delete(cloud, settings)
    assert get(cloud, settings) == {"QueueConfigurations": [THEIRS]}


def test_overlap_is_shown_before_the_call(cloud, settings, ground, wire):
    put(cloud, settings, QueueConfigurations=[rule(suffix=".jpg")])
    wire.calls.clear()
    with pytest.raises(DeployError, match=r"'workbook-jpg'.*; and rule 'other'"):
        trigger.create(cloud, settings)
    assert "PutBucketNotificationConfiguration" not in wire.calls


def test_dead_target_is_named(cloud, settings, ground, wire, no_delays):
    put(cloud, settings, QueueConfigurations=[THEIRS])
    call = "PutBucketNotificationConfiguration"
    wire.refuse(call, "InvalidArgument", NOT_YET, times=9)
    with pytest.raises(DeployError, match=QUEUE):
        trigger.create(cloud, settings)


def test_dead_function_is_not_waited_for(cloud, settings, ground, wire):
    gone = "arn:aws:lambda:eu-west-1:123456789012:function:gone"
    theirs = {"Id": "old", "LambdaFunctionArn": gone, "Events": ["s3:ObjectRemoved:*"]}
    notify(cloud, settings, LambdaFunctionConfigurations=[theirs])
    wire.calls.clear()
    with pytest.raises(DeployError, match=r"rule 'old' → .*function:gone \(Not auth"):
        trigger.create(cloud, settings)
    assert wire.calls.count("PutBucketNotificationConfiguration") == 1
