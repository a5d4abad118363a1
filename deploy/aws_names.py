"""Names that AWS would refuse, refused before anything is asked of it."""

from __future__ import annotations

import ipaddress
import re
import unicodedata

from deploy import arns
from deploy.errors import SettingsError

_PIPELINE_NAME = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
# As many letters leave room in a bucket's name for account and region, anywhere.
_SHORT = 25
# Of every partition, as in us-gov-west-1.
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-[0-9]+")
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def check_name(name: str) -> None:
    """Refuse what no pipeline can be called, and suggest the nearest name that can."""
    if not _PIPELINE_NAME.fullmatch(name):
        raise SettingsError(
            f"{name!r} is no name for a pipeline",
            where="--name, WORKBOOK_NAME or Settings.name",
            todo="Use lower-case letters, digits and hyphens, a letter first and no "
            f"hyphen last: {nearest_name(name)!r} would do.",
        )


def nearest_name(name: str) -> str:
    """Spell a person's name as a pipeline can be called: "José M." → "jose-m"."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    words = re.sub(r"[^a-z0-9]+", "-", plain).lstrip("-0123456789")
    short = words[:_SHORT].strip("-")
    return short if len(short) > 1 else f"{short or 'learner'}-1"


def check_region(name: str) -> None:
    """Refuse what no region is called."""
    if not _REGION.fullmatch(name):
        raise SettingsError(
            f"{name!r} is no region",
            where="--region, AWS_DEFAULT_REGION or Settings.region",
            todo="Write it as eu-west-1.",
        )


def check_length(name: str, limit: int, what: str) -> None:
    """Refuse a role's or a function's name that is longer than AWS takes."""
    if len(name) > limit:
        raise SettingsError(
            f"the {what} would be called {name!r}, which has {len(name)} characters, "
            f"and AWS takes {limit}",
            where="Settings.name",
            todo="Choose a shorter one.",
        )


def check_bucket_name(name: str) -> None:
    """Refuse a bucket name that S3 refuses, saying which rule it breaks.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    broken = ""
    if not 3 <= len(name) <= 63:
        broken = f"it has {len(name)} characters, and S3 takes 3 to 63"
    elif not _BUCKET_NAME.fullmatch(name):
        broken = (
            "S3 takes lower-case letters, digits, dots and hyphens, "
            "with a letter or digit at both ends"
        )
    elif ".." in name:
        broken = "two dots stand side by side"
    elif _is_ip_address(name):
        broken = "it looks like an IP address"
    elif name.startswith(("xn--", "sthree-", "amzn-s3-demo-")):
        broken = "S3 keeps that beginning for itself"
    elif name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")):
        broken = "S3 keeps that ending for itself"
    if broken:
        raise SettingsError(
            f"{name!r} is no bucket name: {broken}",
            where="Settings",
            todo="Choose another name, or a shorter Settings.name.",
        )


def check_role_arn(arn: str, home: arns.Arns) -> None:
    """Refuse a role that is no role's ARN, or is another account's.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    match, account = arns.ROLE.fullmatch(arn), home.account
    todo = f"Write it as {home.iam('role/<name>')}; IAM shows it."
    if match is None:
        raise SettingsError(
            f"{arn!r} is no role's ARN", where="Settings.execution_role", todo=todo
        )
    if match[1] != account:
        raise SettingsError(
            f"the role {arn} is of account {match[1]}, and Lambda takes only roles of "
            "the function's own account",
            where="Settings.execution_role",
            todo=todo,
        )


def check_topic_arn(arn: str, home: arns.Arns) -> None:
    """Refuse a topic that is no topic's ARN, or is in another region than its alarms.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    match = arns.TOPIC.fullmatch(arn)
    if match is None or match[1] != home.region:
        what = "is no topic's ARN" if match is None else f"is not in {home.region}"
        raise SettingsError(
            f"{arn!r} {what}",
            where="Settings.alarm_topic",
            todo=f"Write it as {home.of('sns', '<name>')}; SNS shows it.",
        )


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
