"""ARNs and addresses as AWS writes them in the partition that a region is of.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# Beginning of a region's name → its partition, and the domain of its services.
# https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
_PARTITIONS = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "eu-isoe-": ("aws-iso-e", "cloud.adc-e.uk"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
    "": ("aws", "amazonaws.com"),
}
# A path may stand before a role's name: role/service-role/…
_IAM = r"arn:aws[a-z-]*:iam::"
#: A role's ARN; its group is the account.
ROLE = re.compile(rf"{_IAM}(\d{{12}}):role/(?:[\x21-\x7e]+/)?[\w+=,.@-]+")
#: A managed policy's ARN, the account's own or AWS's.
POLICY = re.compile(rf"{_IAM}(?:\d{{12}}|aws):policy/[\x21-\x7e]+")
#: A bucket's ARN or an object's; its group is the bucket.
BUCKET = re.compile(r"arn:aws[a-z-]*:s3:::([^/]*)(?:/.*)?", re.DOTALL)
#: A topic's ARN; its group is the region.
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[\w.-]{1,256}", re.ASCII)
#: Who calls, as STS says it: an account's root, a user or role, a role that was taken.
ROOT = re.compile(rf"{_IAM}\d+:root")
CALLER = re.compile(rf"{_IAM}\d+:(user|role)/.+")
ASSUMED_ROLE = re.compile(r"arn:aws[a-z-]*:sts::\d+:assumed-role/([^/]+)/.+")


@dataclass(frozen=True)
class Arns:
    """Writes the ARNs of an account in a region."""

    region: str
    account: str
    #: As the caller's identity says; left out, the region's.
    told: str = field(default="", compare=False)

    @property
    def partition(self) -> str:
        """The partition: "aws", "aws-cn", "aws-us-gov", "aws-eusc", …."""
        return self.told or _place(self.region)[0]

    def of(self, service: str, resource: str) -> str:
        """Write the ARN of a service's resource ("lambda", "function:f")."""
        where = f"{self.region}:{self.account}"
        return f"arn:{self.partition}:{service}:{where}:{resource}"

    def iam(self, resource: str) -> str:
        """Write the ARN of the account's "role/r"; IAM has no regions."""
        return f"arn:{self.partition}:iam::{self.account}:{resource}"

    def managed(self, policy: str) -> str:
        """Write the ARN of a policy that AWS looks after."""
        return f"arn:{self.partition}:iam::aws:policy/{policy}"

    def bucket(self, name: str, key: str = "") -> str:
        """Write the ARN of a bucket, or of what it holds: it names no account."""
        return f"arn:{self.partition}:s3:::{name}" + (f"/{key}" if key else "")

    def bucket_url(self, name: str) -> str:
        """Write where a bucket's objects are seen by a browser."""
        domain = dict(_PARTITIONS.values()).get(self.partition)
        return f"https://{name}.s3.{self.region}.{domain or _place(self.region)[1]}"


def of_call(arn: str) -> dict[str, str]:
    """Write what Lambda's calls name a function by: its name, and one version of it."""
    name, _, qualifier = arn.split(":function:", 1)[-1].partition(":")
    return {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})


def beside(arn: str) -> Arns:
    """Take the region and account of another ARN; of what is none, nothing."""
    _, partition, _, region, account, *_ = [*arn.split(":"), *5 * [""]]
    return Arns(region, account, partition)


def unlike(region: str, identity: str) -> str:
    """Read the partition of a caller's ARN, where the region's name tells another."""
    told = beside(identity).told
    return "" if told == Arns(region, "").partition else told


def _place(region: str) -> tuple[str, str]:
    return next(
        place for start, place in _PARTITIONS.items() if region.startswith(start)
    )
