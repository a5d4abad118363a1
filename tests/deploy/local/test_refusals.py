import json

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from moto import mock_aws
from support.bench import TRUST, zipped
from support.moto_cloud import close_new_buckets

from deploy.local import refusals

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:thumbnailer"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
UNVALIDATED = "Unable to validate the following destination configurations"
AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two "
    "rules if the prefixes are overlapping for the same event type."
)


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield new_session()


@pytest.fixture
def ruled(plain):
    return attached(plain)


def new_session():
    return boto3.Session("test", "test", region_name="us-east-1")


def attached(plain, interpreter=None):
    session = new_session()
    refusals.attach(session, plain.client, interpreter)
    close_new_buckets(session, plain.client)
    return session


def refusal(call, **arguments):
    """Make the call and return its error's code, message, operation and status."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], error["Message"], caught.value.operation_name, status


def document(**statement):
    statement = {"Effect": "Allow", **statement}
    return {"Version": "2012-10-17", "Statement": [statement]}


def make_role(session, policy=TRUST):
    session.client("iam").create_role(
        RoleName="worker", AssumeRolePolicyDocument=json.dumps(policy)
    )


def make_function(session, **arguments):
    wanted = {
        "FunctionName": "thumbnailer",
        "Runtime": "python3.14",
        "Handler": "app.handler",
        "Role": ROLE,
        "Code": {"ZipFile": zipped("", "app.py")},
    }
    return session.client("lambda").create_function(**wanted | arguments)


def make_function_and_bucket(session):
    make_role(session)
    make_function(session)
    session.client("s3").create_bucket(Bucket="photos")


def permit(session, **arguments):
    wanted = {
        "FunctionName": "thumbnailer",
        "StatementId": "s3",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::photos",
        "SourceAccount": ACCOUNT,
    }
    session.client("lambda").add_permission(**wanted | arguments)


def fires(suffix=None, prefix=None, events=("s3:ObjectCreated:Put",)):
    filters = [
        {"Name": name, "Value": value}
        for name, value in (("Prefix", prefix), ("suffix", suffix))
        if value is not None
    ]
    rule = {"LambdaFunctionArn": FUNCTION, "Events": list(events)}
    return rule | ({"Filter": {"Key": {"FilterRules": filters}}} if filters else {})


def notify(session, *rules, **arguments):
    return session.client("s3").put_bucket_notification_configuration(
        Bucket="photos",
        NotificationConfiguration={"LambdaFunctionConfigurations": list(rules)},
        **arguments,
    )


# The role

UNASSUMABLE = (
    "InvalidParameterValueException",
    "The role defined for the function cannot be assumed by Lambda.",
    "CreateFunction",
    400,
)


def test_missing_role_and_one_that_trusts_another_service(ruled):
    assert refusal(make_function, session=ruled) == UNASSUMABLE
    ec2 = {"Service": "ec2.amazonaws.com"}
    make_role(ruled, document(Principal=ec2, Action="sts:AssumeRole"))
    assert refusal(make_function, session=ruled) == UNASSUMABLE


def test_role_with_a_path(ruled, plain):
    plain.client("iam").create_role(
        RoleName="deep", Path="/a/b/", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    assert make_function(ruled, Role=f"arn:aws:iam::{ACCOUNT}:role/a/b/deep")


def test_update_to_a_missing_role_and_of_the_memory_alone(ruled):
    make_role(ruled)
    make_function(ruled)
    update = ruled.client("lambda").update_function_configuration
    answer = refusal(update, FunctionName="thumbnailer", Role=ROLE + "-gone")
    assert answer == (*UNASSUMABLE[:2], "UpdateFunctionConfiguration", 400)
    assert update(FunctionName="thumbnailer", MemorySize=512)["MemorySize"] == 512


def test_the_refusal_is_the_clients_own_exception(ruled):
    awslambda = ruled.client("lambda")
    with pytest.raises(awslambda.exceptions.InvalidParameterValueException):
        awslambda.create_function(
            FunctionName="f", Role=ROLE, Code={"ZipFile": b""}, Runtime="python3.14"
        )


def test_botocores_validation_comes_first(ruled):
    with pytest.raises(ParamValidationError):
        ruled.client("lambda").create_function(FunctionName="f", Role=ROLE)


# The runtime


def test_retired_runtime(ruled):
    make_role(ruled)
    assert refusal(make_function, session=ruled, Runtime="python3.8") == (
        "InvalidParameterValueException",
        "The runtime parameter of python3.8 is no longer supported for creating or "
        "updating AWS Lambda functions. We recommend you use a supported runtime "
        "while creating or updating functions.",
        "CreateFunction",
        400,
    )


def test_runtime_that_is_here_and_one_that_is_not(plain):
    ruled = attached(plain, interpreter="python3.13")
    make_role(ruled)
    assert make_function(ruled, Runtime="python3.13")["Runtime"] == "python3.13"
    code, message, operation, _ = refusal(make_function, session=ruled)
    assert (code, operation) == ("InvalidParameterValueException", "CreateFunction")
    assert "limit of the local cloud" in message
    assert "Runtime=python3.13 and not python3.14" in message


# Who may invoke the function


def refused_notification(session, *rules):
    with pytest.raises(ClientError) as caught:
        notify(session, *rules)
    assert caught.value.operation_name == "PutBucketNotificationConfiguration"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return caught.value.response["Error"]


def test_notification_without_permission(ruled):
    make_function_and_bucket(ruled)
    error = refused_notification(ruled, fires())
    assert (error["Code"], error["Message"]) == ("InvalidArgument", UNVALIDATED)
    assert error["ArgumentName1"] == f"{FUNCTION}, null"


def test_notification_to_no_function(ruled):
    ruled.client("s3").create_bucket(Bucket="photos")
    assert refused_notification(ruled, fires())["Message"] == UNVALIDATED


def test_notification_with_permission(ruled):
    make_function_and_bucket(ruled)
    permit(ruled)
    notify(ruled, fires(".jpg"), fires(".png"))
    s3 = ruled.client("s3")
    rules = s3.get_bucket_notification_configuration(Bucket="photos")
    assert len(rules["LambdaFunctionConfigurations"]) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"SourceArn": "arn:aws:s3:::other"},
        {"SourceAccount": "999999999999"},
        {"Principal": "sns.amazonaws.com"},
        {"Action": "lambda:GetFunction"},
    ],
)
def test_permission_for_something_else(ruled, wrong):
    make_function_and_bucket(ruled)
    permit(ruled, **wrong)
    assert refused_notification(ruled, fires())["Message"] == UNVALIDATED


def test_function_in_another_region(ruled):
    make_function_and_bucket(ruled)
    permit(ruled)
    rule = fires() | {"LambdaFunctionArn": FUNCTION.replace("us-east-1", "eu-west-1")}
    assert refused_notification(ruled, rule)["Message"] == UNVALIDATED


def test_every_dead_target_is_named(ruled):
    make_function_and_bucket(ruled)
    permit(ruled)
    gone = [fires(s) | {"LambdaFunctionArn": FUNCTION + s[1:]} for s in (".a", ".b")]
    error = refused_notification(ruled, fires(".jpg"), *gone)
    assert error["ArgumentName1"] == f"{FUNCTION}a, null"
    assert error["ArgumentName2"] == f"{FUNCTION}b, null"


def test_validation_can_be_skipped_as_on_aws(plain):
    rule = refusals.functions_may_be_invoked
    configuration = {"LambdaFunctionConfigurations": [fires()]}
    params = {"Bucket": "photos", "NotificationConfiguration": configuration}
    params["SkipDestinationValidation"] = True
    assert rule(params, refusals.World(plain.client)) is None


def test_missing_bucket_is_named_by_the_call_itself(ruled):
    assert refusal(notify, session=ruled)[0] == "NoSuchBucket"


def test_notifications_can_be_emptied(ruled):
    ruled.client("s3").create_bucket(Bucket="photos")
    assert notify(ruled)["ResponseMetadata"]["HTTPStatusCode"] == 200


# Overlapping rules


def test_overlap_inside_one_request(ruled):
    make_function_and_bucket(ruled)
    permit(ruled)
    error = refused_notification(ruled, fires(".jpg"), fires("g"))
    assert (error["Code"], error["Message"]) == ("InvalidArgument", AMBIGUOUS)


def test_overlap_without_filters(ruled):
    make_function_and_bucket(ruled)
    permit(ruled)
    message = refused_notification(ruled, fires(), fires())["Message"]
    assert message.startswith("Configurations overlap.")


# Buckets


READ = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/*"}
OPEN = document(Principal="*", **READ)
CLOSED = document(Principal={"AWS": ACCOUNT}, **READ)
FROM_HERE = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}


@pytest.fixture
def s3(ruled):
    """S3 with one new bucket."""
    client = ruled.client("s3")
    client.create_bucket(Bucket="photos")
    return client


def put_policy(session, policy=OPEN):
    return session.client("s3").put_bucket_policy(
        Bucket="photos", Policy=json.dumps(policy)
    )


def test_public_policy_on_a_new_bucket(ruled, s3):
    code, message, operation, status = refusal(put_policy, session=ruled)
    assert (code, operation, status) == ("AccessDenied", "PutBucketPolicy", 403)
    assert message.endswith("by the BlockPublicPolicy block public access setting.")


def test_public_policy_with_the_blocks_lifted(ruled, s3):
    lifted = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
    lifted |= {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    s3.put_public_access_block(Bucket="photos", PublicAccessBlockConfiguration=lifted)
    put_policy(ruled)
    assert json.loads(s3.get_bucket_policy(Bucket="photos")["Policy"]) == OPEN


def test_public_policy_with_the_blocks_deleted(ruled, s3):
    s3.delete_public_access_block(Bucket="photos")
    assert put_policy(ruled)


def test_policy_that_is_not_public(ruled, s3):
    assert put_policy(ruled, CLOSED)


def test_new_buckets_are_closed_as_on_aws(s3):
    block = s3.get_public_access_block(Bucket="photos")
    assert all(block["PublicAccessBlockConfiguration"].values())


def test_a_bucket_made_twice_stays_as_it_is(s3):
    off = {"BlockPublicPolicy": False}
    s3.put_public_access_block(Bucket="photos", PublicAccessBlockConfiguration=off)
    s3.create_bucket(Bucket="photos")
    block = s3.get_public_access_block(Bucket="photos")
    assert not block["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]


@pytest.mark.parametrize(
    ("policy", "public"),
    [
        (OPEN, True),
        (document(Principal={"AWS": ["*"]}, **READ), True),
        (document(NotPrincipal={"AWS": ACCOUNT}, **READ), True),
        (CLOSED, False),
        (document(Principal="*", Effect="Deny", **READ), False),
        (document(Principal="*", Condition=FROM_HERE, **READ), False),
        (document(Principal="*", Condition={"Bool": {"a:b": "true"}}, **READ), True),
        ("not json", False),
    ],
)
def test_public(policy, public):
    assert refusals.is_public(policy) is public


@pytest.mark.parametrize(
    "name", ["Photos", "a..b", "192.168.0.1", "sthree-x", "photos-s3alias", "photos-"]
)
def test_illegal_bucket_name(ruled, name):
    assert refusal(ruled.client("s3").create_bucket, Bucket=name) == (
        "InvalidBucketName",
        "The specified bucket is not valid.",
        "CreateBucket",
        400,
    )


def test_other_calls_pass(ruled):
    assert ruled.client("s3").list_buckets()["Buckets"] == []
