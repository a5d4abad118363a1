"""`connect()`: the only place that knows an endpoint."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from deploy import endpoints, signin, waiting
from deploy.arns import Arns
from deploy.aws_names import check_region
from deploy.errors import ConnectError

# Standard mode retries throttling and transient errors with backoff and jitter.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5})
# A proxy of the learner's cannot reach an address of this machine.
_HERE = _CONFIG.merge(Config(proxies={}))

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: A date of HTTP's has no parts of a second, and an answer takes its time.
_CLOCK_S = 5

Say = Callable[[str], None]


@dataclass(frozen=True)
class Cloud:
    """A boto3 session, its account and region, and where its calls go.

    Attributes:
        kind: "local" (ours), "aws", or "endpoint" (another emulator).
        endpoint: the URL that clients use; None on AWS.
        identity: the ARN of the caller.
    """

    session: boto3.Session = field(repr=False)
    account: str
    region: str
    kind: str
    endpoint: str | None = None
    identity: str = ""

    def client(self, service: str, more: Config | None = None) -> Any:
        """Make a boto3 client for a service ("s3", "lambda") on this cloud.

        `more` is configuration to add, as Config(signature_version=UNSIGNED).
        """
        config = _HERE if _is_loopback(self.endpoint) else _CONFIG
        if service == "s3":
            # Presigned links would still be signed the old way, which new regions
            # refuse. https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
            config = config.merge(Config(signature_version="s3v4"))
        if more is not None:
            config = config.merge(more)
        client = self.session.client(
            service, region_name=self.region, endpoint_url=self.endpoint, config=config
        )
        client.meta.events.register("needs-retry", waiting.again)
        return client

    # Made when they are first asked for; `lambda` is a word of Python's.
    s3 = cached_property(lambda cloud: cloud.client("s3"))
    s3control = cached_property(lambda cloud: cloud.client("s3control"))
    iam = cached_property(lambda cloud: cloud.client("iam"))
    awslambda = cached_property(lambda cloud: cloud.client("lambda"))
    logs = cached_property(lambda cloud: cloud.client("logs"))
    sqs = cached_property(lambda cloud: cloud.client("sqs"))
    cloudwatch = cached_property(lambda cloud: cloud.client("cloudwatch"))

    def __str__(self) -> str:
        """Say in one line where calls go."""
        names = {"local": "the local cloud", "aws": "AWS", "endpoint": "an emulator"}
        # Without its http://: as a link it would lead to nothing to be seen.
        where = f" at {urlsplit(self.endpoint).netloc}" if self.endpoint else ""
        account = f"account {self.account}, region {self.region}"
        return f"{names[self.kind]}{where} ({account})"


def connect(
    target: str | None = None,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    say: Say = print,
) -> Cloud:
    """Connect to the local cloud, to AWS ("aws"), or to another endpoint.

    With no argument it is the local cloud, started when it is not running, unless
    `WORKBOOK_CLOUD=aws` or `AWS_ENDPOINT_URL` says otherwise. AWS is never reached by
    accident, and account, region and identity are said before anything is done there.

    Raises:
        SettingsError: the region's name is none.
        ConnectError: unknown target, no credentials or region, an endpoint in the way.
        LocalCloudError: the local cloud could not be set up or started.
    """
    if region is not None:
        check_region(region)
    if target is None and endpoint is None:
        target = os.environ.get("WORKBOOK_CLOUD") or None
    from_environment = os.environ.get("AWS_ENDPOINT_URL")
    if target == "aws":
        if endpoint or from_environment:
            raise ConnectError(
                f"the endpoint {endpoint or from_environment} is set, so calls would "
                "not go to AWS",
                where='connect("aws")',
                todo="Unset AWS_ENDPOINT_URL, or leave out the endpoint.",
            )
        return _connect_aws(region, say)
    if target not in (None, "local"):
        raise ConnectError(
            f"there is no cloud called {target!r}",
            where="connect",
            todo='Use connect(), connect("aws") or connect(endpoint="http://…").',
        )
    if endpoint is not None:
        return _connect_endpoint(signin.checked(endpoint), region, say)
    if from_environment and target is None:
        if not _is_loopback(signin.checked(from_environment)):
            raise ConnectError(
                f"AWS_ENDPOINT_URL is {from_environment}, which is not this machine",
                where="connect",
                todo="Say connect(endpoint=…) if you mean it, or unset the variable.",
            )
        return _connect_endpoint(from_environment, region, say)
    return _connect_local(region, say)


def _is_loopback(endpoint: str | None) -> bool:
    return endpoint is not None and urlsplit(endpoint).hostname in _LOOPBACK


def _connect_local(region: str | None, say: Say) -> Cloud:
    from deploy.local import refusals, server  # not needed by those who deploy to AWS

    running = server.start(say=say)
    region = region or "us-east-1"
    plain = running.session(region)  # the rules look things up past themselves
    unruled = Cloud(plain, running.account, region, "local", running.url)
    session = running.session(region)
    refusals.attach(session, lookup=unruled.client, interpreter=running.runtime)
    identity = Arns(region, running.account).iam("root")
    return Cloud(session, running.account, region, "local", running.url, identity)


def _connect_endpoint(endpoint: str, region: str | None, say: Say) -> Cloud:
    with signin.explained(endpoint):
        session = boto3.Session(region_name=region)
        if session.get_credentials() is None:
            # Emulators take any key; without one botocore would not even sign.
            session = boto3.Session("test", "test", region_name=region)
        region = session.region_name or "us-east-1"
        check_region(region)
    cloud = _identified(session, region, "endpoint", endpoint, say)
    say(f"Using {cloud}.")
    if cloud.identity.endswith(":user/moto"):  # as it calls everybody
        say("This is moto's server: it keeps resources and runs no function.")
    return cloud


def _connect_aws(region: str | None, say: Say) -> Cloud:
    from deploy import cost

    with signin.explained("AWS"):
        session = boto3.Session(region_name=region)
        if session.region_name is None:
            raise signin.no_region()
        check_region(session.region_name)
        endpoints.check(session)
    cloud = _identified(session, session.region_name, "aws", None, say)
    say(f"AWS account {cloud.account}, region {cloud.region}, as {cloud.identity}.")
    say(cost.in_words())
    return cloud


def _identified(
    session: boto3.Session, region: str, kind: str, endpoint: str | None, say: Say
) -> Cloud:
    """Ask STS who we are: the cheapest call that proves credentials and reach."""
    probe = Cloud(session, "", region, kind, endpoint)
    with signin.explained(endpoint or "AWS", region, session.profile_name):
        caller = probe.client("sts").get_caller_identity()
        _check_clock(caller["ResponseMetadata"], say)
        return Cloud(session, caller["Account"], region, kind, endpoint, caller["Arn"])


def _check_clock(answer: dict[str, Any], say: Say) -> None:
    """Say that the clock is wrong: the log is read from now on, and not from then."""
    try:
        theirs = parsedate_to_datetime(answer["HTTPHeaders"]["date"])
        ahead = (datetime.now(UTC) - theirs).total_seconds()
    except (LookupError, TypeError, ValueError):
        return
    if abs(ahead) > _CLOCK_S:
        word = "ahead of" if ahead > 0 else "behind"
        say(
            f"This machine's clock is {abs(ahead):.0f} s {word} the cloud's: set it by "
            "network time, or uploads may seem to have no outcome."
        )
