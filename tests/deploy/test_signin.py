"""Whatever keeps a caller from signing in is one sentence: cause, AWS's words, cure.

The answers are put in where botocore sends its requests.
"""

import subprocess
import sys

import botocore.handlers
import pytest
from botocore.awsrequest import AWSResponse
from support.programs import python

from deploy import connect, environment
from deploy.__main__ import main
from deploy.errors import ConnectError

PROFILES = """
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Dev
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile login]
login_session = arn:aws:iam::123456789012:user/me
[profile mfa]
role_arn = arn:aws:iam::123456789012:role/admin
mfa_serial = arn:aws:iam::123456789012:mfa/me
source_profile = base
[profile base]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
aws_secret_access_key = secret
[profile half]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
[profile program]
credential_process = {python} -c "raise SystemExit('sign in first')"
[profile chatty]
credential_process = echo Welcome
[profile binary]
credential_process = {python} -c "import os; os.write(1, bytes([255, 254]))"
[profile uninstalled]
credential_process = /nonexistent/sign-in
"""
PAGE = "<!DOCTYPE html><html><head><title>Sign in</title><body><p>to Café<br>Wi-Fi"
EARLY = (
    "Signature expired: 20261126T120000Z is now earlier than 20261126T121500Z "
    "(20261126T123000Z - 15 min.)"
)
LATE = (
    "Signature not yet current: 20261126T130000Z is still later than 20261126T123500Z "
    "(20261126T122000Z + 15 min.)"
)
SCP = (
    "User: arn:aws:iam::123456789012:user/me is not authorized to perform: "
    "sts:GetCallerIdentity with an explicit deny in a service control policy"
)


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def sts_answers(keys, monkeypatch):
    """Let STS answer this, whatever it is asked."""

    def answer(status, body):
        def respond(request, **_):
            response = AWSResponse(request.url, status, {}, None)
            response._content = body.encode()
            return response

        handlers = [*botocore.handlers.BUILTIN_HANDLERS, ("before-send.sts", respond)]
        monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", handlers)

    return answer


def error(code, message):
    return (
        "<ErrorResponse><Error><Type>Sender</Type>"
        f"<Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    )


def refusal(region="eu-west-1", **where):
    target = [] if where else ["aws"]
    with pytest.raises(ConnectError) as caught:
        connect(*target, region=region, say=lambda line: None, **where)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "message", "region", "words"),
    [
        ("SignatureDoesNotMatch", EARLY, "eu-west-1", "about 30 minutes behind"),
        ("SignatureDoesNotMatch", LATE, "eu-west-1", "about 40 minutes ahead"),
        ("SignatureDoesNotMatch", "It does not match.", "eu-west-1", "secret key"),
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            "af-south-1",
            "in af-south-1",
        ),
        ("AccessDenied", SCP, "eu-west-1", "its organization can change"),
        ("AccessDenied", "no", "eu-west-1", "Who looks after the account"),
        (
            "RegionDisabledException",
            "STS is not activated in this region for account:123456789012.",
            "eu-west-1",
            "An administrator turns it on",
        ),
        ("ExpiredToken", "The security token is expired", "eu-west-1", "`aws login`"),
        ("OptInRequired", "Sign up first.", "eu-west-1", "verified within a day"),
        ("Brandnew", "Something else.", "eu-west-1", "`aws login`"),
    ],
)
def test_the_cure_follows_the_cause(sts_answers, code, message, region, words):
    sts_answers(403, error(code, message))
    said = refusal(region)
    assert words in said and code in said and message.rstrip(".") in said
    assert "Set the clock" in said or "Signature" not in message


def test_a_region_that_is_off_and_keys_of_elsewhere_are_both_named(sts_answers):
    sts_answers(403, error("InvalidClientTokenId", "The token is invalid."))
    said = refusal("af-south-1")
    assert "region enabled for the account" in said and "another partition" in said


WELL_FORMED = "<html><body>Welcome</body></html>"


@pytest.mark.parametrize(
    ("status", "page"),
    [(200, PAGE), (200, WELL_FORMED), (403, PAGE), (407, PAGE), (502, PAGE)],
)
def test_a_proxys_page_is_no_traceback(sts_answers, status, page):
    sts_answers(status, page)
    said = refusal()
    assert "not AWS's" in said or (status == 502 and "the server failed" in said)
    assert "<" not in said


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    """Profiles of every kind, and a home without any sign-in."""
    config = tmp_path / "config"
    config.write_text(PROFILES.format(python=sys.executable), "utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    return config


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("sso", "`aws sso login --profile sso`"),
        ("login", "`aws login --profile login`"),
        ("nonexistent", "there is no profile 'nonexistent'"),
        ("half", "there are no credentials"),
        ("program", "Run its credential_process"),
        ("chatty", "Run its credential_process"),
        ("binary", "Run its credential_process"),
        ("uninstalled", "Run its credential_process"),
    ],
)
def test_each_kind_of_profile_has_its_own_cure(profiles, monkeypatch, profile, words):
    monkeypatch.setenv("AWS_PROFILE", profile)
    assert words in refusal()


def test_a_missing_profile_names_the_files(profiles, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nonexistent")
    said = refusal()
    assert str(profiles) in said and "`aws configure list-profiles`" in said


def test_what_aws_login_writes_is_read(profiles, monkeypatch):
    """`boto3[crt]` is installed: boto3 looks for the session, and lacks no package."""
    monkeypatch.setenv("AWS_PROFILE", "login")
    assert "LoginTokenLoadError" in refusal()
    required = environment.ROOT / "pyproject.toml"
    assert '"boto3[crt]==' in required.read_text("utf-8")


def test_a_config_that_cannot_be_parsed_is_named(profiles):
    profiles.write_text("region = eu-west-1\n[oops\n", "utf-8")
    said = refusal()
    assert "cannot be read" in said and str(profiles) in said


@pytest.mark.parametrize(
    "variable",
    [
        "AWS_REQUEST_CHECKSUM_CALCULATION",
        "AWS_DEFAULTS_MODE",
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
        "AWS_STS_REGIONAL_ENDPOINTS",
    ],
)
def test_a_setting_that_is_no_value_is_not_the_sign_in(keys, monkeypatch, variable):
    monkeypatch.setenv(variable, "nonsense")
    said = refusal()
    assert "nonsense" in said and "it is an AWS_… variable" in said
    assert "the sign-in failed" not in said


def test_mfa_without_a_terminal_is_one_sentence(profiles, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mfa")
    words = ["-m", "deploy", "status", "--cloud", "aws", "--region", "eu-west-1"]
    no_terminal = {"stdin": subprocess.DEVNULL, "start_new_session": True}
    done = python(*words, cwd=environment.ROOT, **no_terminal)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "asks for an MFA code, and there is no terminal" in done.stderr


def test_aws_region_is_named_where_boto3_does_not_read_it(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    said = refusal(region=None)
    assert "AWS_REGION is eu-west-1, and boto3 reads AWS_DEFAULT_REGION" in said
    assert "--region eu-west-1" in said


@pytest.mark.parametrize("verb", ["up", "status", "probe", "down"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, PAGE), "not AWS's"),
        ((404, PAGE), "not AWS's"),
        ((500, error("InternalError", "it broke")), "the server failed"),
    ],
)
def test_an_endpoint_that_is_no_emulator(site, keys, capsys, verb, answer, words):
    site.answer = answer
    assert main([verb, "--endpoint", site.url, "--region", "us-east-1"]) == 1
    said = capsys.readouterr().err
    assert words in said and site.url in said and said.count("\n") == 1


@pytest.mark.parametrize(
    "endpoint", ["localhost:4566", "", "ftp://localhost", "http://", "http://h:port"]
)
def test_an_endpoint_has_a_scheme_and_a_host(endpoint, monkeypatch):
    assert f"{endpoint!r} is no address" in refusal(endpoint=endpoint)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        with pytest.raises(ConnectError, match="is no address"):
            connect()


def test_the_local_cloud_needs_no_configuration_that_can_be_read(
    profiles, local_folder, monkeypatch
):
    profiles.write_text("[oops\n", "utf-8")
    monkeypatch.setenv("AWS_PROFILE", "nonexistent")
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(local_folder))
    assert connect(say=lambda line: None).kind == "local"
