"""Every name and number of the pipeline, once, in one frozen dataclass."""

from __future__ import annotations

import ipaddress
import os
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy import recipes, runtimes
from deploy.errors import SettingsError

if TYPE_CHECKING:
    from deploy.cloud import Cloud

#: The tag on everything we make; its value is `Settings.name`.
TAG = "thumbnail-workbook"

#: CloudFormation's own tag on what it makes; its value is the stack's name.
STACK_TAG = "aws:cloudformation:stack-name"

# A prefix of the regions that had no account-regional namespace when this was written.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
_NO_ACCOUNT_NAMESPACE = ("me-south-1", "me-central-1")

_BUCKET_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_STACK_NAME = re.compile(r"^[a-z][a-z0-9-]*[a-z0-9]$")
# As many letters leave room in a bucket's name for account and region, anywhere.
_SHORT = 25
# A path may stand before the name: role/service-role/…
_ROLE_ARN = re.compile(r"^arn:aws:iam::(\d{12}):role/(?:[\x21-\x7e]+/)?[\w+=,.@-]+$")


def default_name() -> str:
    """Return what a pipeline is called that is given no name: `WORKBOOK_NAME`."""
    return os.environ.get("WORKBOOK_NAME") or "workbook"


@dataclass(frozen=True)
class Settings:
    """The names and numbers of one pipeline in one account and region.

    Everything is derived from `name`, `account` and `region` unless given: build one
    with `settings_for(cloud, name=..., memory_mb=...)`. Units stand in the names.

    Raises:
        SettingsError: a name that AWS would refuse, or source and target the same.
    """

    account: str
    region: str
    name: str = field(default_factory=default_name)
    source_bucket: str = ""
    target_bucket: str = ""

    runtime: str = runtimes.DEFAULT_RUNTIME
    architecture: str = runtimes.DEFAULT_ARCHITECTURE
    #: True where functions run on this machine's own Python (the local cloud).
    runs_here: bool = False
    #: Adds FreeType to the layer, for effects that write text.
    text: bool = False
    handler: str = "handler.app.lambda_handler"
    memory_mb: int = 512
    timeout_s: int = 30

    box: int = 256
    quality: int = 85
    max_megapixels: int = 50
    #: The second policy, the on-failure queue, ordered writes and replay.
    reliable: bool = False
    #: S3 → SQS → Lambda with a cap on concurrency, in place of S3 → Lambda.
    queue: bool = False
    #: Messages that one invocation takes, 1 to 10, and invocations at once.
    batch_size: int = 10
    max_concurrency: int = 10
    #: False keeps the target private: thumbnails are then seen by presigned links.
    public: bool = True
    #: The ARN of a role that stands, where you may not make one (lab accounts).
    execution_role: str = ""

    #: What an upload gets besides its thumbnail (handler/recipe/parse.py), as a dict
    #: or JSON.
    recipe: str = ""
    #: Files that the recipe names (a font, a watermark), to go into the function's zip.
    assets: tuple[str, ...] = ()
    #: A bucket for clones of what is uploaded, and the recipe's part that fills it.
    backup: bool = False

    thumbnail_prefix: str = "thumbnails/"
    reject_prefix: str = "rejected/"
    suffixes: tuple[str, ...] = (".jpg", ".png")
    #: Put alone would miss what SDKs upload in parts (over 8 MB with boto3).
    events: tuple[str, ...] = (
        "s3:ObjectCreated:Put",
        "s3:ObjectCreated:CompleteMultipartUpload",
    )
    log_retention_days: int = 14
    #: The ARN of an SNS topic that the alarms of `reliable=True` tell; empty for none.
    alarm_topic: str = ""

    def __post_init__(self) -> None:
        """Derive the bucket names and refuse what AWS would refuse."""
        check_name(self.name)
        for role in ("source", "target"):
            if not getattr(self, f"{role}_bucket"):
                object.__setattr__(self, f"{role}_bucket", self._bucket(role))
            check_bucket_name(getattr(self, f"{role}_bucket"))
        self._check_queue()
        if self.source_bucket == self.target_bucket:
            raise SettingsError(
                f"source and target are one bucket, {self.source_bucket!r}: every "
                "thumbnail would start the function again, for ever",
                where="Settings.target_bucket",
                todo="Give the thumbnails a bucket of their own.",
            )
        if self.execution_role:
            check_role_arn(self.execution_role, self.account)
        object.__setattr__(self, "recipe", recipes.as_text(self.recipe))
        if self.backup:
            check_bucket_name(self.backup_bucket)
        if self.recipe or self.backup:
            recipes.check(self)

    def _check_queue(self) -> None:
        """Refuse what an event source mapping would.

        https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
        """
        limits = {"batch_size": (1, 10), "max_concurrency": (2, 1000)}
        for number, (low, high) in limits.items():
            if not low <= getattr(self, number) <= high:
                raise SettingsError(
                    f"{getattr(self, number)} is out of range: Lambda takes "
                    f"{low} to {high}",
                    where=f"Settings.{number}",
                    todo="Choose a number between them.",
                )

    def _bucket(self, role: str) -> str:
        end = "" if self.region in _NO_ACCOUNT_NAMESPACE else "-an"
        return f"{self.name}-{role}-{self.account}-{self.region}{end}"

    @property
    def backup_bucket(self) -> str:
        """The backup bucket's name (`backup=True`)."""
        return self._bucket("backup")

    @property
    def role_name(self) -> str:
        """The execution role's name; of a given role's ARN, what stands last."""
        if self.execution_role:
            return self.execution_role.rpartition("/")[2]
        return f"{self.name}-thumbnailer-role"

    @property
    def role_arn(self) -> str:
        """The execution role's ARN."""
        if self.execution_role:
            return self.execution_role
        return f"arn:aws:iam::{self.account}:role/{self.role_name}"

    @property
    def layer_name(self) -> str:
        """The Pillow layer's name; with FreeType it is another layer."""
        return f"{self.name}-pillow{'-text' if self.text else ''}"

    @property
    def function_name(self) -> str:
        """The function's name."""
        return f"{self.name}-thumbnailer"

    @property
    def function_arn(self) -> str:
        """The function's ARN, unqualified."""
        where = f"{self.region}:{self.account}"
        return f"arn:aws:lambda:{where}:function:{self.function_name}"

    @property
    def log_group(self) -> str:
        """The log group that Lambda writes to."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def queue_name(self) -> str:
        """The name of the queue of uploads (`queue=True`)."""
        return f"{self.name}-uploads"

    @property
    def queue_arn(self) -> str:
        """The ARN of the queue of uploads."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.queue_name}"

    @property
    def keeps_failures(self) -> bool:
        """Whether there is an on-failure queue: both options need one."""
        return self.reliable or self.queue

    @property
    def failure_queue(self) -> str:
        """The name of the on-failure queue (`reliable=True` or `queue=True`)."""
        return f"{self.name}-failures"

    @property
    def failure_queue_arn(self) -> str:
        """The ARN of the on-failure queue."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.failure_queue}"

    def alarm_name(self, what: str) -> str:
        """Name the alarm that watches something (`reliable=True`)."""
        return f"{self.name}-{what}"

    @property
    def tags(self) -> dict[str, str]:
        """The tags that everything we make carries."""
        return {TAG: self.name}

    @property
    def environment(self) -> dict[str, str]:
        """The function's environment variables, as `handler.config` reads them."""
        recipe = recipes.completed(self)
        return {
            "TARGET_BUCKET": self.target_bucket,
            "BOX": str(self.box),
            "QUALITY": str(self.quality),
            "MAX_MEGAPIXELS": str(self.max_megapixels),
            "THUMBNAIL_PREFIX": self.thumbnail_prefix,
            "REJECT_PREFIX": self.reject_prefix,
            "ORDERED": str(self.reliable).lower(),
        } | ({"RECIPE": recipe} if recipe else {})


def settings_for(cloud: Cloud, **overrides: Any) -> Settings:
    """Build the settings of a pipeline in this cloud's account and region.

    A cloud that is not AWS runs functions on this machine, so the function gets this
    machine's Python and processor; on AWS it gets a current runtime on arm64.
    """
    defaults: dict[str, Any] = {"account": cloud.account, "region": cloud.region}
    if cloud.kind != "aws":
        defaults |= {
            "runtime": runtimes.machine_runtime(),
            "architecture": runtimes.machine_architecture(),
            "runs_here": True,
        }
    return Settings(**defaults | with_text(overrides))


def with_text(overrides: dict[str, Any]) -> dict[str, Any]:
    """Add the layer for text to settings whose recipe draws text."""
    if overrides.get("recipe") and recipes.draws_text(overrides["recipe"]):
        return {"text": True} | overrides
    return overrides


def check_name(name: str) -> None:
    """Refuse what no pipeline can be called, and suggest the nearest name that can."""
    if not _STACK_NAME.fullmatch(name):
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


def check_bucket_name(name: str) -> None:
    """Refuse a bucket name that S3 refuses, saying which rule it breaks.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    broken = ""
    if not 3 <= len(name) <= 63:
        broken = f"it has {len(name)} characters, and S3 takes 3 to 63"
    elif not _BUCKET_NAME.match(name):
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


def check_role_arn(arn: str, account: str) -> None:
    """Refuse a role that is no role's ARN, or is another account's.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    match = _ROLE_ARN.match(arn)
    todo = f"Write it as arn:aws:iam::{account}:role/<name>; IAM shows it."
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


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
