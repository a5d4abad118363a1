import pytest

from deploy import rules, stack

BOTH = [rules.Rule("", ".jpg"), rules.Rule("", ".png")]


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("a.JPG", ".jpg"), ("a.jpeg", ".jpg"), ("a.PNG", ".png"), ("a.pngx", ".png")],
)
def test_nearest_rule(key, nearest):
    assert f"no rule matches; nearest is {nearest}" in rules.unmatched(key, BOTH)


@pytest.mark.parametrize("key", ["a.jpg", "b/c.png", ".jpg"])
def test_a_rule_matches(key):
    assert rules.unmatched(key, BOTH) is None


def test_prefixes_count(settings):
    assert not rules.Rule("photos/", ".jpg").matches("a.jpg")
    assert str(rules.Rule("photos/", ".jpg")) == "photos/*.jpg"


def test_events():
    rule = rules.Rule("", "", ("s3:ObjectCreated:Put",))
    assert rule.covers("s3:ObjectCreated:Put")
    assert not rule.covers("s3:ObjectCreated:Copy")
    assert rules.Rule("", "").covers("s3:ObjectCreated:Copy")


def test_no_rule_yet(cloud, settings):
    assert rules.rules(cloud, settings) == []
    assert "06_trigger" in rules.unmatched("a.jpg", [])


def test_rules_are_the_buckets_own(cloud, settings):
    stack.up(cloud, settings)
    found = rules.rules(cloud, settings)
    assert [str(rule) for rule in found] == [".jpg", ".png"]
    assert {rule.target for rule in found} == {settings.function_arn}


def test_rules_of_other_targets_are_read():
    one = {"QueueArn": "arn:aws:sqs:eu-west-1:1:q", "Events": ["s3:ObjectCreated:*"]}
    (rule,) = rules.read({"QueueConfigurations": [one]})
    assert rule.target == one["QueueArn"]
    assert rule.matches("anything")
