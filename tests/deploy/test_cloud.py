import re
from datetime import datetime, timedelta

import boto3
import pytest

from deploy import connect, endpoints
from deploy.cloud import Cloud
from deploy.errors import ConnectError, SettingsError


@pytest.fixture
def said():
    return []


def test_the_local_cloud_is_the_default(local_folder, monkeypatch, said):
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(local_folder))
    assert connect(say=said.append).kind == "local"


def test_local_rules_are_attached(local):
    with pytest.raises(local.s3.exceptions.ClientError, match="InvalidBucketName"):
        local.s3.create_bucket(Bucket="xn--name")


def test_aws_says_account_region_identity_and_cost_first(account, said):
    cloud = connect("aws", say=said.append)
    assert (cloud.kind, cloud.account) == ("aws", "123456789012")
    assert "123456789012" in said[0] and "eu-west-1" in said[0] and "arn:" in said[0]
    assert "cost" in said[1] and "$" in said[1]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(3, r"clock is 18\d s ahead of"), (-3, r"clock is 1[78]\d s behind"), (0, "^AWS")],
)
def test_a_clock_that_is_wrong_is_said(account, said, monkeypatch, minutes, words):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(minutes=minutes)

    monkeypatch.setattr("deploy.cloud.datetime", Clock)
    connect("aws", say=said.append)
    assert re.search(words, said[0])


def test_aws_by_environment(account, monkeypatch, said):
    monkeypatch.setenv("WORKBOOK_CLOUD", "aws")
    assert connect(say=said.append).kind == "aws"


def test_a_region_given_counts_over_the_profiles(account, said):
    assert connect("aws", region="us-west-2", say=said.append).region == "us-west-2"


@pytest.mark.parametrize("region", ["", "ä", "EU-WEST-1", "0", "eu-west-1\n", "../x"])
@pytest.mark.parametrize(
    "where", [{}, {"target": "aws"}, {"endpoint": "http://127.0.0.1:1"}]
)
def test_a_region_that_is_none_is_refused_first(where, region):
    with pytest.raises(SettingsError, match=r"is no region.*as eu-west-1"):
        connect(**where, region=region)


def test_a_region_of_the_environment_that_is_none(account, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "Ireland")
    with pytest.raises(SettingsError, match=r"AWS_DEFAULT_REGION.*: 'Ireland' is no"):
        connect("aws")


@pytest.fixture
def sink(site, monkeypatch):
    """A server that must not hear of us."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    return site


NOBODY = "http://127.0.0.1:9"
PROFILE = "[default]\nregion = eu-west-1\nendpoint_url = {}\n"
SECTION = (
    "[default]\nregion = eu-west-1\nservices = mine\n"
    "[services mine]\nsts =\n  endpoint_url = {}\n"
)


@pytest.mark.parametrize("service", ["STS", "S3", "S3_CONTROL", "LAMBDA", "SSO_OIDC"])
def test_no_variable_gets_a_signed_request(sink, service, monkeypatch):
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", sink.url)
    with pytest.raises(ConnectError, match=f"AWS_ENDPOINT_URL_{service} sends"):
        connect("aws", region="eu-west-1")
    assert sink.asked == []


@pytest.mark.parametrize("text", [PROFILE, SECTION])
def test_no_profile_gets_a_signed_request(sink, text, tmp_path, monkeypatch):
    (tmp_path / "config").write_text(text.format(sink.url))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(ConnectError, match="the profile 'default' sends") as caught:
        connect("aws")
    assert str(tmp_path / "config") in str(caught.value) and sink.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sts.eu-west-1.amazonaws.com",
        "https://abcd.execute-api.eu-west-1.amazonaws.com",
        "https://sts.eu-west-1.amazonaws.com.evil.example",
        "https://sts.eu-west-1.amazonaws.com@evil.example",
        "https://bucket.s3.amazonaws.com",
        "https://sts.cn-north-1.amazonaws.com.cn",
        "https://abcd.lambda-url.eu-west-1.on.aws",
    ],
)
def test_only_awss_own_host_of_the_service_counts(account, monkeypatch, url):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
    with pytest.raises(ConnectError, match="which is not AWS"):
        connect("aws", say=lambda line: None)


@pytest.mark.parametrize(
    ("region", "variable", "value"),
    [
        ("us-east-1", "USE_DUALSTACK_ENDPOINT", "true"),
        ("eu-west-1", "USE_DUALSTACK_ENDPOINT", "true"),
        ("us-gov-west-1", "USE_DUALSTACK_ENDPOINT", "true"),
        ("cn-north-1", "USE_DUALSTACK_ENDPOINT", "true"),
        ("us-east-1", "USE_FIPS_ENDPOINT", "true"),
        ("us-east-1", "ENDPOINT_URL_STS", "https://sts.us-east-1.amazonaws.com"),
        ("us-east-1", "ENDPOINT_URL_LAMBDA", "https://lambda.us-east-1.api.aws"),
        ("us-east-1", "ENDPOINT_URL_S3", "https://s3-fips.us-east-1.amazonaws.com/"),
    ],
)
def test_awss_other_endpoints_count(account, monkeypatch, region, variable, value):
    monkeypatch.setenv(f"AWS_{variable}", value)
    endpoints.check(boto3.Session(region_name=region))


def test_another_emulator_is_named_when_used(local, monkeypatch, said):
    monkeypatch.setenv("AWS_ENDPOINT_URL", local.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "LOCALCLOUD")
    secret = local.session.get_credentials().secret_key
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    cloud = connect(say=said.append)
    host = local.endpoint.removeprefix("http://")
    assert cloud.kind == "endpoint" and f"an emulator at {host} " in said[0]


@pytest.mark.parametrize(
    ("target", "endpoint", "words"),
    [
        ({"target": "aws"}, "http://localhost:4566", "Unset AWS_ENDPOINT_URL"),
        ({"target": "aws"}, None, "no region is set"),
        (
            {"target": "aws", "region": "us-east-1"},
            None,
            "credentials.*the local cloud",
        ),
        ({}, "http://example.com:4566", "not this machine"),
        (
            {"endpoint": NOBODY, "region": "us-east-1"},
            None,
            f"{NOBODY}: nobody answers",
        ),
        ({"target": "azure"}, None, "no cloud called 'azure'"),
    ],
)
def test_a_cloud_that_cannot_be_had_is_said(monkeypatch, target, endpoint, words):
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(ConnectError, match=words):
        connect(**target)


def test_a_cloud_says_where_calls_go():
    cloud = Cloud(None, "123456789012", "eu-west-1", "aws")
    assert str(cloud) == "AWS (account 123456789012, region eu-west-1)"
