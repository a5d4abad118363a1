"""Calls to AWS go to AWS: checked before the first signed request leaves.

A variable or a profile may send a service elsewhere, with the learner's signature and
session token. Only the hosts that botocore itself would choose are let through.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

from __future__ import annotations

import os
from itertools import product

import boto3
from botocore.config import Config
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import BotoCoreError

from deploy.errors import ConnectError

#: What a pipeline uses, and, at the end, where a profile's credentials come from.
# fmt: off
SERVICES = (
    "sts", "s3", "s3control", "iam", "lambda", "logs", "sqs", "cloudwatch",
    "cloudformation", "sso", "sso-oidc", "signin",
)
# fmt: on
_NO_ONE = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}


def check(session: boto3.Session) -> None:
    """See that every service's calls go to a host of AWS's for it, by https.

    Raises:
        ConnectError: a variable or the profile sends them elsewhere.
    """
    for service in sorted({*SERVICES} & {*session.get_available_services()}):
        url = _configured(session, service)
        if url and url.rstrip("/") not in _own_urls(session, service):
            raise _elsewhere(session, service, url)


def _configured(session: boto3.Session, service: str) -> str | None:
    """Read where a variable or the profile sends a service, if any does."""
    core = session._session
    if core.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    return ConfiguredEndpointProvider(
        core.full_config, core.get_scoped_config(), service
    ).provide()


def _own_urls(session: boto3.Session, service: str) -> set[str]:
    """List AWS's endpoints: plain, FIPS, dual-stack, both; S3's two of us-east-1."""
    found = set()
    for fips, dual, s3 in product((False, True), (False, True), ("legacy", "regional")):
        kind = Config(
            ignore_configured_endpoint_urls=True,
            use_fips_endpoint=fips,
            use_dualstack_endpoint=dual,
            s3={"us_east_1_regional_endpoint": s3},
        )
        try:
            # With no one's credentials: it is only asked for its endpoint.
            client = session.client(service, config=kind, **_NO_ONE)
        except BotoCoreError:
            continue  # the service has none of that kind in this region
        found.add(client.meta.endpoint_url)
    return found


def _elsewhere(session: boto3.Session, service: str, url: str) -> ConnectError:
    """Say who sends the calls where: a variable goes before the profile."""
    service_id = session._session.get_service_model(service).service_id
    own = f"AWS_ENDPOINT_URL_{service_id.replace(' ', '_').upper()}"
    for name in (own, "AWS_ENDPOINT_URL"):
        if os.environ.get(name):
            return ConnectError(
                f"{name} sends {service} calls to {url}, which is not AWS",
                where='connect("aws")',
                todo=f"Unset {name}.",
            )
    return ConnectError(
        f"the profile {session.profile_name!r} sends {service} calls to {url}, which "
        "is not AWS",
        where='connect("aws")',
        todo="Remove endpoint_url (it may stand in a services section) from it: "
        f"{os.environ.get('AWS_CONFIG_FILE') or '~/.aws/config'}.",
    )
