import pytest

from deploy import notifications, pipeline, policies
from deploy.notifications import Rule
from handler.events import parse

PUT, COPY = "s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"
EVERY, REMOVED = "s3:ObjectCreated:*", "s3:ObjectRemoved:*"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:f"

BOTH = [notifications.Rule("", ".jpg"), notifications.Rule("", ".png")]


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        *(("a.JPG", ".jpg"), ("a.jpeg", ".jpg"), ("a.PNG", ".png"), ("a.pngx", ".png")),
        *(("a.jpg", None), ("b/c.png", None), (".jpg", None)),
    ],
)
def test_a_rule_matches_or_the_nearest_is_named(key, nearest):
    said = notifications.unmatched(key, BOTH)
    assert (said is None) == (nearest is None)
    assert nearest is None or f"no rule matches; nearest is {nearest}" in said


def test_a_rules_prefix_and_its_events_count():
    assert not notifications.Rule("photos/", ".jpg").matches("a.jpg")
    assert str(notifications.Rule("photos/", ".jpg")) == "photos/*.jpg"
    rule = notifications.Rule("", "", ("s3:ObjectCreated:Put",))
    assert rule.covers("s3:ObjectCreated:Put")
    assert not rule.covers("s3:ObjectCreated:Copy")
    assert notifications.Rule("", "").covers("s3:ObjectCreated:Copy")


def test_rules_are_the_buckets_own(cloud, settings):
    assert notifications.rules(cloud, settings) == []
    assert "06_trigger" in notifications.unmatched("a.jpg", [])
    pipeline.up(cloud, settings)
    found = notifications.rules(cloud, settings)
    assert [str(rule) for rule in found] == [".jpg", ".png"]
    assert {rule.target for rule in found} == {settings.function_arn}


def test_rules_of_other_targets_are_read():
    one = {"QueueArn": "arn:aws:sqs:eu-west-1:1:q", "Events": ["s3:ObjectCreated:*"]}
    (rule,) = notifications.read({"QueueConfigurations": [one]})
    assert rule.target == one["QueueArn"]
    assert rule.matches("anything")


def test_a_rule_is_read_as_s3_writes_it():
    filters = [{"Name": "Suffix", "Value": ".jpg"}, {"Name": "prefix"}]
    written = {
        "Id": "one",
        "LambdaFunctionArn": FUNCTION,
        "Events": [PUT, COPY],
        "Filter": {"Key": {"FilterRules": filters}},
    }
    assert notifications.rule(written) == Rule("", ".jpg", (COPY, PUT), FUNCTION, "one")


@pytest.mark.parametrize(
    ("rule", "other", "overlap"),
    [
        (Rule("", ".jpg"), Rule("", ".png"), False),
        (Rule("", ".jpg"), Rule("", ".gif"), False),
        (Rule("", ".jpg"), Rule("", ".jpg"), True),
        (Rule("", ".jpg"), Rule("", "g"), True),
        (Rule("", ".jpg"), Rule("", ""), True),
        (Rule("", ".jpg"), Rule("in/", ""), True),
        (Rule("in/", ".jpg"), Rule("out/", ".jpg"), False),
        (Rule("in/", ".jpg"), Rule("in/a", "jpg"), True),
        (Rule("", ".jpg", (PUT,)), Rule("", ".jpg", (REMOVED,)), False),
        (Rule("", ".jpg", (PUT,)), Rule("", ".jpg", (EVERY,)), True),
        (Rule("", ".jpg", (PUT,)), Rule("", ".jpg", (COPY,)), False),
        (Rule("", ".jpg", (PUT, COPY)), Rule("", ".jpg", (COPY,)), True),
    ],
)
def test_overlap(rule, other, overlap):
    assert rule.overlaps(other) is overlap
    assert other.overlaps(rule) is overlap


def test_overlap_with_a_queue(settings):
    everything = {"QueueArn": "arn", "Events": [EVERY]}
    written = {"LambdaFunctionArn": FUNCTION, "Events": [PUT]}
    pair = notifications.overlap(
        {"LambdaFunctionConfigurations": [written], "QueueConfigurations": [everything]}
    )
    assert [rule.target for rule in pair] == [FUNCTION, "arn"]


def invoker(principal=None, action="lambda:InvokeFunction", **condition):
    who = principal or {"Service": "s3.amazonaws.com"}
    return policies.document(
        policies.statement(action, FUNCTION, principal=who, condition=condition)
    )


BUCKETS = {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::pho*"}}


@pytest.mark.parametrize(
    ("policy", "may"),
    [
        (invoker(), True),
        (invoker(**BUCKETS), True),
        (invoker(ArnEquals={"aws:SourceArn": ["arn:aws:s3:::photos"]}), True),
        (invoker(StringEquals={"aws:SourceArn": "arn:aws:s3:::pho*"}), False),
        (invoker(StringEquals={"AWS:SourceAccount": "123456789012"}), True),
        (invoker(StringEquals={"AWS:SourceAccount": "1"}), False),
        (invoker(**BUCKETS, StringEquals={"AWS:SourceAccount": "1"}), False),
        (invoker("*", "lambda:*"), True),
        ({}, False),
        ("", False),
    ],
)
def test_who_is_let_in(policy, may):
    decision = notifications.may_call(policy, FUNCTION, "photos", "123456789012")
    assert bool(decision) is may


def test_a_condition_that_cannot_be_judged():
    policy = invoker(StringEquals={"aws:SourceOrgID": "o-1"})
    call = (policy, FUNCTION, "photos", "123456789012")
    assert not notifications.may_call(*call)
    assert notifications.may_call(*call, trusting=True)


def test_an_event_is_written_as_s3_writes_it():
    event = notifications.event("b", "a b+ü.jpg", region="eu-west-1", etag="e", size=3)
    (upload,) = parse(event)
    assert (upload.bucket, upload.key, upload.etag) == ("b", "a b+ü.jpg", "e")
