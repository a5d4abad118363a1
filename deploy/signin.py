"""Why a cloud does not say who we are: each cause, and what to do about it, once.

Sources: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from deploy.errors import ConnectError

#: How to sign in, AWS's own recommendation first.
LOGIN = "`aws login`, or `aws sso login --profile NAME` where your organization has it"
_LOCAL = "connect() alone uses the local cloud, which needs no sign-in."
_ADMIN = "Who looks after the account or its organization can change that. "
# When the request was signed, and when it came, as in 20261126T120000Z.
_TIMES = re.compile(r"(\d{8}T\d{6}Z) is .*\((\d{8}T\d{6}Z) [+-]")


@dataclass(frozen=True)
class Cause:
    """A cause, by AWS's codes or Python's error types and by what the message says.

    `what` and `todo` may name {profile}, {region}, {files} and {skew}.
    """

    what: str
    todo: str
    codes: tuple[str, ...] = ()
    says: str = ""

    def fits(self, code: str, message: str) -> bool:
        """Tell whether this is why."""
        return code in (self.codes or (code,)) and bool(re.search(self.says, message))


#: The first that fits counts.
CAUSES = (
    Cause(
        "this machine's clock is {skew}, and AWS takes 15 minutes at most",
        "Set the clock (by network time), then try again.",
        says=r"Signature (expired|not yet current)",
    ),
    Cause(
        "this machine's clock differs from AWS's",
        "Set the clock (by network time), then try again.",
        ("RequestTimeTooSkewed", "RequestExpired"),
    ),
    Cause(
        "a service control policy of the organization forbids it",
        _ADMIN,
        says="service control policy",
    ),
    Cause(
        "STS is switched off in {region} for this account",
        "An administrator turns it on (IAM, Account settings), or use another region. ",
        ("RegionDisabledException",),
    ),
    Cause(
        "AWS does not know these keys in {region}",
        "Is the region enabled for the account (Account, AWS Regions)? Are the keys "
        "of another partition (China, GovCloud), or deleted? " + f"Else {LOGIN}.",
        ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"),
    ),
    Cause(
        "the account is not ready to be used",
        "A new account is verified within a day: finish its sign-up in the console.",
        ("OptInRequired", "SubscriptionRequiredException", "PendingVerification"),
    ),
    Cause(
        "the temporary credentials of profile {profile!r} have run out",
        f"Sign in again: {LOGIN}.",
        ("ExpiredToken", "ExpiredTokenException"),
    ),
    Cause(
        "the secret key does not belong to the key id",
        f"Copy both again, or sign in: {LOGIN}.",
        ("SignatureDoesNotMatch",),
    ),
    Cause(
        "the caller is not allowed to",
        _ADMIN,
        ("AccessDenied", "AccessDeniedException"),
    ),
    Cause(
        "the organization's sign-in of profile {profile!r} is missing or has run out",
        "Run `aws sso login --profile {profile}`. ",
        (
            *("SSOTokenLoadError", "UnauthorizedSSOTokenError", "SSOError"),
            *("TokenRetrievalError", "PendingAuthorizationExpiredError"),
        ),
    ),
    Cause(
        "the console session of profile {profile!r} may not be used for this",
        _ADMIN,
        ("LoginInsufficientPermissions",),
    ),
    Cause(
        "the sign-in of profile {profile!r} is missing or has run out",
        "Run `aws login --profile {profile}`.",
        (
            *("LoginRefreshRequired", "LoginTokenLoadError", "LoginError"),
            "LoginAuthorizationCodeError",
        ),
    ),
    Cause(
        "a package that signing in needs is missing",
        "Run `pip install 'botocore[crt]'`.",
        ("MissingDependencyException",),
    ),
    Cause(
        "there is no profile {profile!r}",
        "`aws configure list-profiles` lists those of {files}: correct AWS_PROFILE.",
        ("ProfileNotFound",),
    ),
    Cause(
        "the AWS configuration cannot be read",
        "Mend that file: a section in brackets, then lines of `name = value`.",
        ("ConfigParseError",),
    ),
    Cause(
        "a setting of AWS's has a value that it cannot have",
        "Correct or remove it: it is an AWS_… variable, or stands in {files}.",
        (
            *("InvalidChecksumConfigError", "InvalidConfigError"),
            *("InvalidDefaultsMode", "InvalidEndpointConfigurationError"),
            *("InvalidEndpointDiscoveryConfigurationError", "InvalidRetryModeError"),
            *("InvalidMaxRetryAttemptsError", "InvalidRetryConfigurationError"),
            *("InvalidProxiesConfigError", "InvalidS3AddressingStyleError"),
            "InvalidS3UsEast1RegionalEndpointConfigError",
            "InvalidSTSRegionalEndpointsConfigError",
        ),
    ),
    Cause(
        "profile {profile!r} asks for an MFA code, and there is no terminal to ask in",
        "Sign in first in a terminal: `aws login`, or a session token in the profile.",
        ("EOFError",),
    ),
    Cause(
        "there are no credentials",
        f"Sign in: {LOGIN}.",
        ("NoCredentialsError", "PartialCredentialsError"),
    ),
    Cause(
        "profile {profile!r} gets its credentials from a program, and that failed",
        "Run its credential_process in a terminal: it may ask you to sign in.",
        (
            *("CredentialRetrievalError", "JSONDecodeError", "UnicodeDecodeError"),
            *("FileNotFoundError", "PermissionError"),
        ),
    ),
    Cause(
        "the answer is not AWS's, but a web page's or a program's",
        "Check the endpoint; without any, a proxy in between may have answered "
        "(HTTPS_PROXY, or your network's sign-in page).",
        ("ResponseParserError", "KeyError", "HTTPClientError", "404", "405"),
    ),
    Cause(
        "the answer is not AWS's, but a web page's or a program's",
        "Sign in to the network, or let AWS's addresses past the proxy.",
        says=r"(?i)<html|<!doctype",
    ),
    Cause(
        "the certificate is not one that this machine trusts",
        "Behind a proxy that reads along, AWS_CA_BUNDLE names its certificate.",
        ("SSLError",),
    ),
    Cause(
        "nobody answers",
        "Check the endpoint, the region and the network (HTTPS_PROXY).",
        (
            *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"),
            *("ProxyConnectionError", "ConnectionClosedError"),
        ),
    ),
    Cause(
        "the server failed",
        "Look at its log, or try again later.",
        ("500", "502", "503", "InternalError", "InternalFailure", "ServiceUnavailable"),
    ),
    Cause("the sign-in failed", f"Check the profile {{profile!r}}, or use {LOGIN}."),
)


#: What botocore passes on of a terminal, a program or a file of credentials.
_PLAIN = (EOFError, ValueError, OSError)


@contextmanager
def explained(where: str, region: str = "", profile: str = "") -> Iterator[None]:
    """Turn what goes wrong while signing in into one sentence, AWS's own quoted.

    Raises:
        ConnectError: with the cause and its cure.
    """
    try:
        yield
    except ClientError as error:
        answer = error.response["Error"]
        code, message = str(answer.get("Code", "")), answer.get("Message") or ""
        raise _refused(code, message, where, region, profile) from error
    except (BotoCoreError, ResponseParserError, LookupError, *_PLAIN) as error:
        code = type(error).__name__
        raise _refused(code, str(error), where, region, profile) from error


def checked(endpoint: str) -> str:
    """Return an endpoint that has a scheme and a host.

    Raises:
        ConnectError: it has not.
    """
    try:
        parts = urlsplit(endpoint)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return endpoint
    except ValueError:  # a port that is no number
        pass
    raise ConnectError(
        f"{endpoint!r} is no address",
        where="the endpoint",
        todo="Write it with http:// or https:// before the host, as in "
        "http://localhost:4566.",
    )


def no_region() -> ConnectError:
    """Say that no region is set, and why a variable does not count."""
    what, named = "no region is set", os.environ.get("AWS_REGION")
    if named:
        what += f": AWS_REGION is {named}, and boto3 reads AWS_DEFAULT_REGION alone"
    return ConnectError(
        what,
        where='connect("aws")',
        todo=f'Say connect("aws", region="{named or "eu-west-1"}") or --region '
        f"{named or 'eu-west-1'}, or set AWS_DEFAULT_REGION.",
    )


def _refused(
    code: str, message: str, where: str, region: str, profile: str
) -> ConnectError:
    cause = next(cause for cause in CAUSES if cause.fits(code, message))
    words = {
        "profile": profile or os.environ.get("AWS_PROFILE") or "default",
        "region": region or "this region",
        "files": f"{_file('CONFIG')} and {_file('SHARED_CREDENTIALS')}",
        "skew": _skew(message),
    }
    text = _one_line(message)
    return ConnectError(
        cause.what.format(**words) + f" ({code}{': ' if text else ''}{text})",
        where=where,
        todo=f"{cause.todo.format(**words).strip()} {_LOCAL}",
    )


def _file(kind: str) -> str:
    own = {"CONFIG": "~/.aws/config", "SHARED_CREDENTIALS": "~/.aws/credentials"}
    return os.environ.get(f"AWS_{kind}_FILE") or own[kind]


def _skew(message: str) -> str:
    """Compare the two times in AWS's sentence: when we signed, and when it came."""
    if not (found := _TIMES.search(message)):
        return "wrong"
    signed, came = (datetime.strptime(t, "%Y%m%dT%H%M%S%z") for t in found.groups())
    minutes = (came - signed).total_seconds() / 60
    side = "behind" if minutes > 0 else "ahead"
    return f"about {abs(minutes):.0f} minutes {side}"


def _one_line(message: str) -> str:
    """Keep the beginning of what was said, without markup and line ends."""
    text = " ".join(re.sub(r"<[^>]*>", " ", message).split()).rstrip(".")
    return text if len(text) <= 300 else f"{text[:300]}…"
