import json

import pytest

from deploy import policies
from deploy.steps import role

PHOTO = "arn:aws:s3:::photos/a.jpg"
S3 = {"Service": "s3.amazonaws.com"}
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:f"


def allow(action, resource, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


document = policies.document


def reads(*statements, **more):
    return policies.allowed(document(*statements), "s3:GetObject", PHOTO, **more)


def test_our_role_reads_and_writes(settings):
    ours = role.thumbnails_policy(settings)
    source = f"arn:aws:s3:::{settings.source_bucket}/a b.jpg"
    assert policies.allowed(ours, "s3:GetObject", source)
    assert not policies.allowed(ours, "s3:PutObject", source)


def test_the_deciding_statement_is_named():
    statement = allow("s3:GetObject", "arn:aws:s3:::photos/*")
    assert reads(statement).statement == statement


def test_bucket_is_not_its_objects():
    found = reads(statement := allow("s3:GetObject", "arn:aws:s3:::photos"))
    assert not found
    assert found.near == (statement,)


def test_nothing_speaks_of_it():
    assert reads(allow("s3:PutObject", "*")) == policies.Decision(False)


def test_deny_wins():
    no = allow("s3:*", "*") | {"Effect": "Deny"}
    found = reads(allow("*", "*"), no)
    assert found.denied
    assert found.statement == no


@pytest.mark.parametrize("action", ["S3:getobject", "s3:Get*", "s3:*", "*", ["a", "*"]])
def test_actions_fold_case_and_take_wildcards(action):
    assert reads(allow(action, PHOTO))


def test_resources_do_not_fold_case():
    assert not reads(allow("*", PHOTO.replace("a.jpg", "A.jpg")))


def test_not_action_and_not_resource():
    all_but_write = {"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": "x"}
    assert reads(all_but_write)
    assert not reads(all_but_write | {"NotAction": "s3:Get*"})


@pytest.mark.parametrize(
    ("written", "is_allowed"),
    [
        ([json.dumps(document()), document(allow("*", "*"))], True),
        ({"Statement": allow("*", "*")}, True),  # a bare one
        ("no json", False),
    ],
)
def test_a_policy_is_read_however_it_is_written(written, is_allowed):
    assert bool(policies.allowed(written, "s3:GetObject", PHOTO)) is is_allowed


@pytest.mark.parametrize(
    ("principal", "who"),
    [
        ("*", {"AWS": "arn:aws:iam::1:user/a"}),
        ({"AWS": "*"}, {"AWS": "anyone"}),
        ({"AWS": "arn:aws:iam::1:root"}, {"AWS": "arn:aws:iam::1:user/a"}),
        ({"Service": ["x", "s3.amazonaws.com"]}, S3),
    ],
)
def test_principals(principal, who):
    statement = allow("*", "*", Principal=principal)
    assert reads(statement, principal=who)
    assert not reads(statement | {"Principal": {"AWS": "other"}}, principal=who)


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ({"StringNotEquals": {"aws:x": "b"}}, True),
        ({"StringNotEquals": {"aws:x": ["a", "b"]}}, False),
        ({"StringLikeIfExists": {"aws:x": "a*"}}, True),
        ({"StringEqualsIgnoreCase": {"aws:x": "A"}}, True),
        ({"Bool": {"aws:securetransport": True}}, True),
    ],
)
def test_conditions(condition, verdict):
    facts = {"aws:x": "a", "aws:securetransport": "true"}
    statement = allow("*", "*", Condition=condition)
    assert bool(reads(statement, context=facts)) is verdict


@pytest.mark.parametrize("condition", ["StringEquals", "IpAddress"])
def test_unknown_conditions_are_not_met(condition):
    found = reads(allow("*", "*", Condition={condition: {"aws:y": "1"}}))
    assert not found and found.near


def test_patterns():
    assert policies.matches("arn:aws:s3:::a?c*", "arn:aws:s3:::abc/d")
    assert policies.matches("a[b]*", "a[b]\nc")
    assert not policies.matches("a.c", "abc")
    assert not policies.matches("a[b]", "ab")


def test_many_stars_do_not_take_for_ever():
    """With backtracking ten stars on sixty characters took minutes; this has forty."""
    assert not policies.matches("*a" * 40 + "b", "a" * 20_000)


LAMBDA = {"Service": policies.LAMBDA}


def taken(**changes):
    return policies.statement("sts:AssumeRole", principal=LAMBDA) | changes


@pytest.mark.parametrize(
    ("statements", "trusted"),
    [
        ([taken()], True),
        ([taken(Principal="*", Action="sts:*")], True),
        ([taken(Principal={"Service": ["ec2.amazonaws.com", policies.LAMBDA]})], True),
        ([taken(Action=["sts:TagSession", "sts:AssumeRole"])], True),
        ([taken(Condition={"StringEquals": {"aws:SourceAccount": "1"}})], True),
        ([taken(), taken()], True),
        ([], False),
        ([taken(), taken(Effect="Deny")], False),
        ([taken(Principal={"Service": "edgelambda.amazonaws.com"})], False),
        ([taken(Principal={"AWS": "*"})], False),
        ([taken(Action="sts:Tag*")], False),
    ],
)
def test_whom_a_role_trusts(statements, trusted):
    assert policies.trusts(document(*statements), policies.LAMBDA) is trusted
    assert (
        policies.trusts(json.dumps(document(*statements)), policies.LAMBDA) is trusted
    )


@pytest.mark.parametrize(
    ("statement", "everybody"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": ["1", "*"]}}, True),
        ({"NotPrincipal": {"AWS": "1"}}, True),
        ({"Principal": {"AWS": "1"}}, False),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, False),
        ({}, False),
    ],
)
def test_what_is_for_anyone(statement, everybody):
    assert policies.is_for_anyone(statement) is everybody


def test_conditions_are_read_in_one_case():
    both = {"ArnLike": {"AWS:SourceArn": ["a", "b"]}, "Bool": {"aws:x": True}}
    found = list(policies.conditions({"Condition": both}))
    assert found == [("aws:sourcearn", "a"), ("aws:sourcearn", "b"), ("aws:x", "True")]
