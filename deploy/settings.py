"""Every name and number of the pipeline, once, in one frozen dataclass."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields
from itertools import permutations
from typing import Any

from deploy import runtimes
from deploy.arns import POLICY, Arns
from deploy.aws_names import (
    check_bucket_name,
    check_length,
    check_name,
    check_region,
    check_role_arn,
    check_topic_arn,
)
from deploy.errors import SettingsError
from handler.config import Config
from handler.errors import ConfigError

Recipe = dict[str, Any]

#: The tag on everything we make; its value is `Settings.name`.
TAG = "thumbnail-workbook"

#: CloudFormation's own tag on what it makes; its value is the stack's name.
STACK_TAG = "aws:cloudformation:stack-name"

# A prefix of the regions that had no account-regional namespace when this was written.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
_NO_ACCOUNT_NAMESPACE = ("me-south-1", "me-central-1")


def default_name() -> str:
    """Return what a pipeline is called that is given no name: `WORKBOOK_NAME`."""
    return os.environ.get("WORKBOOK_NAME") or "workbook"


# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
# Lambda's own limits are wider for the time (1,800 s) and for a batch: no picture needs
# as long, and ten pictures fit in the memory.
LIMITS = {
    "memory_mb": (128, 10_240),
    "timeout_s": (1, 900),
    "batch_size": (1, 10),
    "max_concurrency": (2, 1000),
}
_ENVIRONMENT_BYTES = 4096
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_FilterRule.html
_SUFFIX_BYTES = 1024
#: A field's type → what it is called, and how it is written.
_PLAIN = {
    "bool": (bool, "yes or no", "Write True or False."),
    "str": (str, "text", "Write it in quotes."),
}
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_KNOWN: dict[str, Collection[Any]] = {
    "runtime": runtimes.RUNTIMES,
    "architecture": ("arm64", "x86_64"),
    "log_retention_days": _DAYS,
}


@dataclass(frozen=True)
class Settings:
    """The names and numbers of one pipeline in one account and region.

    Everything is derived from `name`, `account` and `region` unless given: build one
    with `settings_for(cloud, name=..., memory_mb=...)`. Units stand in the names.

    Raises:
        SettingsError: AWS or the handler would refuse it, and so every upload.
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
    #: A sanity bound; what decoding takes is counted beside it.
    max_megapixels: int = 250
    #: Larger uploads are rejected unread. At most five are held at once.
    max_bytes: int = 25 * 1024 * 1024
    #: The second policy, the on-failure queue, ordered writes and replay.
    reliable: bool = False
    #: S3 → SQS → Lambda with a cap on concurrency, in place of S3 → Lambda.
    queue: bool = False
    #: What is deleted in the source is deleted in the target, too (handler/mirror.py).
    mirror: bool = False
    #: Messages that one invocation takes, 1 to 10, and invocations at once.
    batch_size: int = 10
    max_concurrency: int = 10
    #: False keeps the target private: thumbnails are then seen by presigned links.
    public: bool = True
    #: Buckets refuse plain http. False where the cloud itself speaks nothing else.
    tls_only: bool = True
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
    #: Each kind of upload: a PUT, a browser's form, a copy or rename, one in parts;
    #: and a picture that an archive gave back, which could not be read before.
    events: tuple[str, ...] = ("s3:ObjectCreated:*", "s3:ObjectRestore:Completed")
    log_retention_days: int = 14
    #: The ARN of the policy that bounds our role, where every role must have one.
    #: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    permissions_boundary: str = ""
    #: The caller's partition, where the region's name does not tell it ("aws-cn").
    partition: str = ""
    #: The ARN of an SNS topic that the alarms of `reliable=True` tell; empty for none.
    alarm_topic: str = ""

    def __post_init__(self) -> None:
        """Derive the bucket names and refuse what AWS would refuse."""
        self._check_types()
        check_name(self.name)
        check_region(self.region)
        for role in ("source", "target"):
            if not getattr(self, f"{role}_bucket"):
                object.__setattr__(self, f"{role}_bucket", self._bucket(role))
            check_bucket_name(getattr(self, f"{role}_bucket"))
        if self.source_bucket == self.target_bucket:
            raise SettingsError(
                f"source and target are one bucket, {self.source_bucket!r}: every "
                "thumbnail would start the function again, until Lambda stops it",
                where="Settings.target_bucket",
                todo="Give the thumbnails a bucket of their own.",
            )
        for texts in ("assets", "suffixes", "events"):
            self._check_texts(texts)
        self._check_suffixes()
        for number, limits in LIMITS.items():
            self._check_number(number, *limits)
        for word, known in _KNOWN.items():
            own = self.runs_here and self.runtime == runtimes.machine_runtime()
            if not (own and word == "runtime"):
                self._check_known(word, known)
        self._check_arns()
        check_length(self.role_name, 64, "role")
        check_length(self.function_name, 64, "function")
        object.__setattr__(self, "recipe", as_text(self.recipe))
        if self.backup:
            check_bucket_name(self.backup_bucket)
        self._check_environment()

    def _check_arns(self) -> None:
        if self.alarm_topic:
            check_topic_arn(self.alarm_topic, self.arns)
        if self.execution_role:
            check_role_arn(self.execution_role, self.arns)
        if self.permissions_boundary and not POLICY.fullmatch(
            self.permissions_boundary
        ):
            raise SettingsError(
                f"{self.permissions_boundary!r} is no policy's ARN",
                where="Settings.permissions_boundary",
                todo=f"Write it as {self.arns.iam('policy/<name>')}; IAM shows it.",
            )

    def _check_types(self) -> None:
        for each in fields(self):
            value, kind = getattr(self, each.name), _PLAIN.get(str(each.type))
            if kind and each.name != "recipe" and not isinstance(value, kind[0]):
                raise SettingsError(
                    f"{value!r} is no {kind[1]}",
                    where=f"Settings.{each.name}",
                    todo=kind[2],
                )

    def _check_texts(self, name: str) -> None:
        value = getattr(self, name)
        many = isinstance(value, Iterable) and not isinstance(value, str)
        if not many or not all(isinstance(one, str) for one in value):
            raise SettingsError(
                f"{value!r} is no list of texts",
                where=f"Settings.{name}",
                todo=f"Write ({value!r},), with the comma.",
            )
        object.__setattr__(self, name, tuple(value))

    def _check_suffixes(self) -> None:
        """Refuse what S3 refuses in rules, or what would match one upload twice."""
        what = todo = ""
        for one in self.suffixes:
            if not one.isprintable() or len(one.encode()) > _SUFFIX_BYTES:
                what = f"{one[:60]!r} is no end of a name"
                todo = f"Use visible characters, {_SUFFIX_BYTES:,} bytes at most."
        for one, other in permutations(self.suffixes, 2):
            if one.endswith(other):
                what = f"what ends in {one!r} ends in {other!r}, too"
                todo = "S3 takes no two rules that match one upload: leave one out."
        if what:
            raise SettingsError(what, where="Settings.suffixes", todo=todo)

    def _check_number(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if type(value) is not int or not low <= value <= high:
            raise SettingsError(
                f"{value!r} is out of range",
                where=f"Settings.{name}",
                todo=f"Choose a whole number from {low} to {high}.",
            )

    def _check_known(self, name: str, known: Collection[Any]) -> None:
        if (value := getattr(self, name)) not in known:
            raise SettingsError(
                f"{value!r} is none that AWS takes for a new pipeline",
                where=f"Settings.{name}",
                todo=f"Choose one of {', '.join(map(str, known))}.",
            )

    def _check_environment(self) -> None:
        """Let the handler judge what it will be given; a recipe has its own trial."""
        environment = self.environment
        held = sum(len(f"{key}{value}".encode()) for key, value in environment.items())
        if held > _ENVIRONMENT_BYTES:
            raise SettingsError(
                f"the function's environment would have {held:,} bytes, and Lambda "
                f"takes {_ENVIRONMENT_BYTES:,}",
                where="Settings.recipe",
                todo="Write a shorter recipe.",
            )
        try:
            Config.from_environment(environment | {"RECIPE": ""})
        except ConfigError as error:
            what = str(error).rstrip(".")
            raise SettingsError(what, where="Settings") from error

    def _bucket(self, role: str) -> str:
        end = "" if self.region in _NO_ACCOUNT_NAMESPACE else "-an"
        return f"{self.name}-{role}-{self.account}-{self.region}{end}"

    @property
    def arns(self) -> Arns:
        """What writes the ARNs of this account and region."""
        return Arns(self.region, self.account, self.partition)

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
        return self.arns.iam(f"role/{self.role_name}")

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
        return self.arns.of("lambda", f"function:{self.function_name}")

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
        return self.arns.of("sqs", self.queue_name)

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
        return self.arns.of("sqs", self.failure_queue)

    def alarm_name(self, what: str) -> str:
        """Name the alarm that watches something (`reliable=True`)."""
        return f"{self.name}-{what}"

    @property
    def tags(self) -> dict[str, str]:
        """The tags that everything we make carries."""
        return {TAG: self.name}

    @property
    def whole_recipe(self) -> Recipe:
        """The recipe as the handler gets it: with the backup bucket's name in it.

        Raises:
            SettingsError: it is no JSON object, or its backup is none.
        """
        recipe = _object(self.recipe or "{}", "the recipe")
        if not self.backup:
            return recipe
        kept = _object(recipe.get("backup") or {}, "the recipe's part 'backup'")
        return recipe | {"backup": kept | {"bucket": self.backup_bucket}}

    @property
    def environment(self) -> dict[str, str]:
        """The function's environment variables, as `handler.config` reads them."""
        recipe = self.whole_recipe
        return {
            "TARGET_BUCKET": self.target_bucket,
            "BOX": str(self.box),
            "QUALITY": str(self.quality),
            "MAX_MEGAPIXELS": str(self.max_megapixels),
            "MAX_BYTES": str(self.max_bytes),
            "THUMBNAIL_PREFIX": self.thumbnail_prefix,
            "REJECT_PREFIX": self.reject_prefix,
            "ORDERED": str(self.reliable).lower(),
            **({"MIRROR": "true"} if self.mirror else {}),
            **({"RECIPE": as_text(recipe)} if recipe else {}),
        }


def as_text(recipe: Recipe | str) -> str:
    """Write a recipe as the JSON that the function's environment takes."""
    if isinstance(recipe, str):
        return recipe
    return json.dumps(recipe, separators=(",", ":"))


def _object(value: Any, what: str) -> Recipe:
    """Read a part of a recipe that has to be a JSON object."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SettingsError(
            f"{what} is no JSON object: {as_text(value)[:60]!r}",
            where="Settings.recipe",
            todo='Write it as a dict, such as {"labels": {"by": "model"}}.',
        )
    return found
