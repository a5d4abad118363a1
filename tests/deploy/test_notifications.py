import pytest

from deploy import notifications, pipeline

BOTH = [notifications.Rule("", ".jpg"), notifications.Rule("", ".png")]


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("a.JPG", ".jpg"), ("a.jpeg", ".jpg"), ("a.PNG", ".png"), ("a.pngx", ".png")],
)
def test_nearest_rule(key, nearest):
    assert f"no rule matches; nearest is {nearest}" in notifications.unmatched(
        key, BOTH
    )


@pytest.mark.parametrize("key", ["a.jpg", "b/c.png", ".jpg"])
def test_a_rule_matches(key):
    assert notifications.unmatched(key, BOTH) is None


def test_prefixes_count(settings):
    assert not notifications.Rule("photos/", ".jpg").matches("a.jpg")
    assert str(notifications.Rule("photos/", ".jpg")) == "photos/*.jpg"


def test_events():
    rule = notifications.Rule("", "", ("s3:ObjectCreated:Put",))
    assert rule.covers("s3:ObjectCreated:Put")
    assert not rule.covers("s3:ObjectCreated:Copy")
    assert notifications.Rule("", "").covers("s3:ObjectCreated:Copy")


def test_no_rule_yet(cloud, settings):
    assert notifications.rules(cloud, settings) == []
    assert "06_trigger" in notifications.unmatched("a.jpg", [])


def test_rules_are_the_buckets_own(cloud, settings):
    pipeline.up(cloud, settings)
    found = notifications.rules(cloud, settings)
    assert [str(rule) for rule in found] == [".jpg", ".png"]
    assert {rule.target for rule in found} == {settings.function_arn}


def test_rules_of_other_targets_are_read():
    one = {"QueueArn": "arn:aws:sqs:eu-west-1:1:q", "Events": ["s3:ObjectCreated:*"]}
    (rule,) = notifications.read({"QueueConfigurations": [one]})
    assert rule.target == one["QueueArn"]
    assert rule.matches("anything")
