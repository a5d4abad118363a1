"""Whatever botocore lets through, a rule answers it: with None or with a refusal."""

import json

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from deploy.local import refusals

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:thumbnailer"
ROLE = "arn:aws:iam::123456789012:role/worker"
TRUST = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}

#: Names and ARNs, nearly right.
text = st.one_of(
    st.text(max_size=20),
    st.text("arn:aws3lmbdqiofucti/-*$\n0129", max_size=60),
    st.sampled_from([FUNCTION, FUNCTION + ":", FUNCTION[:-12], ROLE, ROLE[:-6], "*"]),
)
queue = st.one_of(text, st.builds("arn:aws:sqs:us-east-1:123456789012:{}".format, text))
json_value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)
    ),
    max_leaves=6,
)
statement = st.fixed_dictionaries(
    {},
    optional={
        "Effect": st.one_of(st.sampled_from(["Allow", "Deny"]), json_value),
        "Principal": st.one_of(st.sampled_from(["*", {"AWS": "*"}]), json_value),
        "Action": json_value,
        "Resource": json_value,
        "Condition": st.one_of(
            json_value,
            st.dictionaries(text, st.dictionaries(text, json_value), max_size=2),
        ),
    },
)
policy = st.one_of(
    text,
    json_value.map(json.dumps),
    st.one_of(statement, st.lists(statement, max_size=2)).map(
        lambda found: json.dumps({"Version": "2012-10-17", "Statement": found})
    ),
)


def some(**fields):
    """A structure of which every member may be left out."""
    return st.fixed_dictionaries({}, optional=fields)


filters = some(Key=some(FilterRules=st.lists(some(Name=text, Value=text), max_size=2)))


def kind(arn):
    known = {arn: text, "Events": st.lists(text, max_size=2)}
    rule = st.fixed_dictionaries(known, optional={"Id": text, "Filter": filters})
    return st.lists(rule, max_size=2)


SHAPES = {
    "lambda.CreateFunction": some(Role=text, Runtime=text, Timeout=st.integers()),
    "lambda.PublishLayerVersion": some(CompatibleRuntimes=st.lists(text, max_size=2)),
    "lambda.UpdateFunctionConfiguration": some(Role=text, MemorySize=st.integers()),
    "lambda.CreateEventSourceMapping": st.fixed_dictionaries(
        {"FunctionName": st.sampled_from(["made", "none", FUNCTION])},
        optional={"EventSourceArn": queue},
    ),
    "s3.CreateBucket": st.fixed_dictionaries({"Bucket": text}),
    "s3.PutBucketPolicy": st.fixed_dictionaries(
        {"Bucket": st.just("made"), "Policy": policy}
    ),
    "s3.PutBucketLifecycleConfiguration": some(
        LifecycleConfiguration=some(
            Rules=st.lists(
                some(
                    Status=st.sampled_from(["Enabled", "enabled"]),
                    Prefix=text,
                    Expiration=some(Days=st.integers()),
                    Transitions=st.lists(
                        some(StorageClass=text, Days=st.integers()), max_size=2
                    ),
                ),
                max_size=2,
            )
        )
    ),
    "s3.PutBucketNotificationConfiguration": st.fixed_dictionaries(
        {
            "Bucket": st.just("made"),
            "NotificationConfiguration": some(
                LambdaFunctionConfigurations=kind("LambdaFunctionArn"),
                QueueConfigurations=kind("QueueArn"),
                TopicConfigurations=kind("TopicArn"),
            ),
        }
    ),
}


@pytest.fixture(scope="module")
def world():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_CONFIG_FILE", "none")
        with mock_aws(config={"lambda": {"use_docker": False}}):
            session = boto3.Session("test", "test", region_name="us-east-1")
            session.client("s3").create_bucket(Bucket="made")
            document = json.dumps({"Version": "2012-10-17", "Statement": TRUST})
            session.client("iam").create_role(
                RoleName="worker", AssumeRolePolicyDocument=document
            )
            session.client("lambda").create_function(
                FunctionName="made",
                Role=ROLE,
                Runtime="python3.13",
                Handler="a.b",
                Code={"ZipFile": b"x"},
            )
            clients = {
                name: session.client(name)
                for name in ("s3", "iam", "lambda", "sqs", "sts")
            }
            yield refusals.World(clients.__getitem__, "python3.13")


def test_every_call_with_rules_has_shapes():
    assert set(SHAPES) == set(refusals.RULES)


@pytest.mark.parametrize("call", SHAPES)
def test_rules_survive_what_botocore_lets_through(world, call):
    @settings(max_examples=100, deadline=None, database=None)
    @given(SHAPES[call])
    def answered(params):
        for rule in refusals.RULES[call]:
            if (refusal := rule(params, world)) is not None:
                assert refusal.code and refusal.message and 400 <= refusal.status < 500
                return

    answered()


def refused(call, params, world):
    found = (rule(params, world) for rule in refusals.RULES[call])
    return next((refusal.code for refusal in found if refusal), None)


def notification(**rule):
    rule = {"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectCreated:*"]} | rule
    rules = {"LambdaFunctionConfigurations": [rule]}
    return {"Bucket": "made", "NotificationConfiguration": rules}


def filtered(**part):
    return notification(Filter={"Key": {"FilterRules": [part]}})


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (notification(LambdaFunctionArn="thumbnailer"), "InvalidArgument"),
        (notification(LambdaFunctionArn=FUNCTION[:-12]), "InvalidArgument"),
        (filtered(Name="suffix"), "MalformedXML"),
        (filtered(Value=".jpg"), "MalformedXML"),
        (filtered(Name="middle", Value=".jpg"), "InvalidArgument"),
    ],
)
def test_a_mistyped_notification_is_refused_as_on_aws(world, params, code):
    assert refused("s3.PutBucketNotificationConfiguration", params, world) == code


def test_a_transition_without_a_class_is_refused_as_on_aws(world):
    rules = {"Rules": [{"Transitions": [{"Days": 30}]}]}
    params = {"LifecycleConfiguration": rules}
    code = refused("s3.PutBucketLifecycleConfiguration", params, world)
    assert code == "MalformedXML"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"Statement": [{"Effect": "Allow", "Condition": []}]}']
)
def test_a_malformed_policy_is_refused_as_on_aws(world, text):
    params = {"Bucket": "made", "Policy": text}
    assert refused("s3.PutBucketPolicy", params, world) == "MalformedPolicy"


@pytest.mark.parametrize("role", ["", "worker", "arn:aws:iam::1:role/x"])
def test_what_is_no_roles_arn_is_refused_as_on_aws(world, role):
    code = refused("lambda.CreateFunction", {"Role": role}, world)
    assert code == "ValidationException"


HERE = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
HERE |= {"Resource": "arn:aws:s3:::made/*"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Principal": None}, "Missing required field Principal"),
        ({"Action": None}, "Missing required field Action"),
        ({"Resource": None}, "Missing required field Resource"),
        ({"Resource": "arn:aws:s3:::other/*"}, "Policy has invalid resource"),
        ({"Resource": "thumbnails/*"}, "Policy has invalid resource"),
        ({"Action": "lambda:InvokeFunction"}, "Policy has invalid action"),
        ({"Effect": "allow"}, "Invalid policy syntax"),
    ],
)
def test_a_statement_lacks_nothing_or_is_refused(world, change, words):
    parts = {name: part for name, part in (HERE | change).items() if part}
    for version, statement in (("2012-10-17", parts), ("2012-10-17", [HERE, parts])):
        text = json.dumps({"Version": version, "Statement": statement})
        params = {"Bucket": "made", "Policy": text}
        assert words in refusals.policy_is_well_formed(params, world).message


@pytest.mark.parametrize("version", ["2026-11-26", "", 2012])
def test_a_policys_version_is_one_of_two(world, version):
    params = {"Bucket": "made"}
    text = json.dumps({"Version": version, "Statement": [HERE]})
    refusal = refusals.policy_is_well_formed(params | {"Policy": text}, world)
    assert "valid version string" in refusal.message
    text = json.dumps({"Version": "2012-10-17", "Statement": [HERE]})
    assert refusals.policy_is_well_formed(params | {"Policy": text}, world) is None


MOVE = {"Days": 30, "StorageClass": "STANDARD_IA"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Status": "enabled"}, "MalformedXML"),
        ({"Filter": None}, "MalformedXML"),
        ({"Transitions": None}, "InvalidRequest"),
        ({"Expiration": {"Days": 30}}, "InvalidArgument"),
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Expiration": {"Days": 31}}, None),
        ({}, None),
    ],
)
def test_a_lifecycle_is_refused_as_on_aws(world, change, code):
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Transitions": [MOVE]}
    rule = {name: part for name, part in (rule | change).items() if part}
    params = {"LifecycleConfiguration": {"Rules": [rule]}}
    assert refused("s3.PutBucketLifecycleConfiguration", params, world) == code


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"Timeout": 901}, "Value '901' at 'timeout' failed"),
        ({"MemorySize": 64}, "Value '64' at 'memorySize' failed"),
        ({"MemorySize": 10_241}, "less than or equal to 10240"),
    ],
)
def test_numbers_out_of_range_are_refused(world, params, words):
    refusal = refusals.numbers_are_in_range(params, world)
    assert refusal.code == "ValidationException" and words in refusal.message


def test_a_layer_is_for_what_there_is(world):
    call = "lambda.PublishLayerVersion"
    for wrong in (
        {"CompatibleRuntimes": ["phyton3.13"]},
        {"CompatibleArchitectures": ["arm"]},
    ):
        assert refused(call, wrong, world) == "ValidationException"
    right = {"CompatibleRuntimes": ["python3.13"], "CompatibleArchitectures": ["arm64"]}
    assert refused(call, right, world) is None
