"""What a class left in an account, by its tag, and how all of it goes.

Names are found in the lists of every service, as our names end ("anna-thumbnailer");
whose a resource is, its tag says, and `down` deletes nothing that has not the tag of
its own name. So a resource of somebody else's that is called like ours stays.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from tqdm.auto import tqdm

from deploy import cost, pipeline, tags
from deploy.aws_names import check_name
from deploy.cloud import Cloud
from deploy.configure import resolved, settings_for
from deploy.errors import DeployError, SettingsError
from deploy.explained import explained
from deploy.report import Claim
from deploy.settings import TAG, Settings
from deploy.steps import alarms, buckets
from deploy.waiting import at_once, code, is_denied

#: A name to derive the ends of all names from.
_ANY = "anybody"
#: Name → when the first of its resources was made, as far as a list tells.
Names = dict[str, datetime | None]


@dataclass(frozen=True)
class Standing:
    """What stands under one name.

    Attributes:
        since: when the first of it was made; None where no list tells.
        claims: every resource; those that are somebody else's say so.
        unread: why some of it could not be read.
        usd_a_day: what it costs while nobody uploads.
    """

    name: str
    since: datetime | None
    claims: tuple[Claim, ...]
    unread: tuple[str, ...]
    usd_a_day: float

    @property
    def ours(self) -> list[str]:
        """What goes in a sweep."""
        return [claim.what for claim in self.claims if not claim.kept]

    @property
    def others(self) -> list[str]:
        """What stays, and why."""
        return [claim.note for claim in self.claims if claim.kept]


@dataclass(frozen=True, repr=False)
class Class:
    """All that stands under a prefix, in one account and region."""

    prefix: str
    where: str
    pipelines: tuple[Standing, ...]
    foreign: tuple[str, ...]
    now: datetime

    @property
    def unread(self) -> list[str]:
        """Why some of it could not be read."""
        return [line for each in self.pipelines for line in each.unread]

    def __repr__(self) -> str:
        """Show a line for every name, then what is not ours and what all costs."""
        total = sum(each.usd_a_day for each in self.pipelines)
        some = f"{len(self.pipelines)} pipeline{'s' * (len(self.pipelines) != 1)}"
        lines = [f"{some} under {self.prefix!r} on {self.where}"]
        if self.pipelines:
            lines.append(f"  {'name':<25}  {'age':>9}  {'resources':>9}  a day")
        for each in self.pipelines:
            age = in_words(self.now - each.since) if each.since else "?"
            money = f"${each.usd_a_day:.4f}"
            lines.append(f"  {each.name:<25}  {age:>9}  {len(each.ours):>9}  {money}")
        lines += [f"Note: {line}." for line in (*self.foreign, *self.unread)]
        if self.pipelines:
            lines.append(
                f"Together ${total:.4f} a day while nobody uploads (us-east-1, prices "
                f"of {cost.PRICES_READ}; old versions of objects are not counted)."
            )
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class Swept:
    """What a sweep did, and what a second look found."""

    deleted: tuple[str, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        """Say that nothing is left, or list what is."""
        lines = [f"Note: {note}." for note in self.notes]
        lines.append(f"Deleted: {', '.join(self.deleted) or 'nothing'}.")
        if self.left:
            return "\n".join([*lines, "Left:", *(f"  {line}" for line in self.left)])
        return "\n".join([*lines, "Looked again: nothing is left under that prefix."])


def report(cloud: Cloud, prefix: str) -> Class:
    """List what stands under a prefix, and change nothing.

    Raises:
        SettingsError: no name begins like this.
        DeployError: a list cannot be read.
    """
    if not _is_name(f"{prefix}0") or not prefix:
        raise SettingsError(
            f"{prefix!r} begins no name",
            where="class",
            todo="Give what your learners' names begin with, as in ws-.",
        )
    with explained(f"names under {prefix!r}", "Try again."):
        tagged = _tagged(cloud)
        names = sorted(_names(cloud, prefix, tagged).items())
        found = [_standing(cloud, name, since, tagged) for name, since in names]
    pipelines = [each for each in found if each.ours or each.unread]
    foreign = [note for each in found for note in each.others]
    now = datetime.now(UTC)
    return Class(prefix, str(cloud), tuple(pipelines), tuple(foreign), now)


def sweep(
    cloud: Cloud, prefix: str, ask: Callable[[Class], None] | None = None
) -> Swept:
    """Take every pipeline under a prefix down, backups too, and look again.

    Args:
        cloud: where.
        prefix: what the names begin with.
        ask: is given all that stands before anything is deleted; to stop, it raises.
    """
    before = report(cloud, prefix)
    if ask is not None and before.pipelines:
        ask(before)
    notes, stuck = [*before.foreign], []
    for each in tqdm(before.pipelines, unit="name", leave=False, disable=None):
        try:
            notes += pipeline.down(cloud, name=each.name, backup=True).notes
        except DeployError as error:
            stuck.append(str(error).rstrip("."))
    after = report(cloud, prefix)
    left = [what for each in after.pipelines for what in each.ours]
    standing = {each.name for each in after.pipelines}
    gone = [each.name for each in before.pipelines if each.name not in standing]
    every = dict.fromkeys([*notes, *stuck])
    return Swept(tuple(gone), (*left, *after.unread), tuple(every))


def in_words(age: timedelta) -> str:
    """Say how old: in minutes, hours or days, whatever is read at a glance."""
    minutes = int(age.total_seconds() // 60)
    if minutes < 120:
        return f"{max(minutes, 0)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _standing(
    cloud: Cloud, name: str, since: datetime | None, tagged: dict[str, str]
) -> Standing:
    """Look at one name, its backups included."""
    cloud, settings = resolved(cloud, None, {"name": name})
    settings = dataclasses.replace(settings, backup=True)
    claims, unread = pipeline.claims(cloud, settings)
    ours = [claim.what for claim in claims if not claim.kept]
    held = [what.split()[1] for what in ours if what.startswith("bucket ")]
    usd = cost.a_day(
        _stored(cloud, held),
        alarms=sum(what.startswith("alarm ") for what in ours),
        queue=f"queue {settings.queue_name}" in ours,
    )
    odd = [
        f"bucket {bucket} is tagged as ours and has a name of its own; delete it with "
        "pipeline.down(cloud, settings), by the settings that it was made with"
        for bucket, owner in tagged.items()
        if owner == name and bucket not in held
    ]
    return Standing(name, since, claims, (*unread, *odd), usd)


def _stored(cloud: Cloud, names: Iterable[str]) -> dict[str, int]:
    """Add up bytes by storage class."""
    stored: Counter[str] = Counter()
    for name in names:
        for item in buckets.objects(cloud, name):
            stored[item.get("StorageClass", "STANDARD")] += item["Size"]
    return dict(stored)


def _names(cloud: Cloud, prefix: str, tagged: dict[str, str]) -> Names:
    """Find every name under a prefix that something is called by, or tagged with."""
    plain = settings_for(cloud, name=_ANY)
    found: Names = {}
    for resource, made in _listed(cloud, plain, prefix):
        for end in _ends(plain):
            name = resource.removesuffix(end)
            if name != resource and name.startswith(prefix) and _is_name(name):
                ages = [age for age in (found.get(name), made) if age]
                found[name] = min(ages, default=None)
    named = {name for name in tagged.values() if name.startswith(prefix)}
    return dict.fromkeys(filter(_is_name, named)) | found


def _ends(plain: Settings) -> list[str]:
    """List what our resources' names end in, after the pipeline's name."""
    text = dataclasses.replace(plain, text=True)
    every = [
        *(plain.source_bucket, plain.target_bucket, plain.backup_bucket),
        *(plain.function_name, plain.role_name, plain.layer_name, text.layer_name),
        *(plain.queue_name, plain.failure_queue),
        *map(plain.alarm_name, alarms.RULES),
    ]
    return [name.removeprefix(_ANY) for name in every]


def _listed(
    cloud: Cloud, plain: Settings, prefix: str
) -> Iterator[tuple[str, datetime | None]]:
    """List what every service has, with when it was made where the list tells."""
    for bucket in cloud.s3.list_buckets()["Buckets"]:
        yield bucket["Name"], bucket.get("CreationDate")
    for client, what, name in (
        (cloud.iam, "Roles", "RoleName"),
        (cloud.awslambda, "Functions", "FunctionName"),
        (cloud.awslambda, "Layers", "LayerName"),
    ):
        for found in _pages(client, f"list_{what.lower()}", what):
            yield found[name], found.get("CreateDate")
    start = plain.log_group.partition(_ANY)[0]
    under = {"logGroupNamePrefix": start + prefix}
    for group in _pages(cloud.logs, "describe_log_groups", "logGroups", **under):
        made = datetime.fromtimestamp(group["creationTime"] / 1000, UTC)
        yield group["logGroupName"].removeprefix(start), made
    for url in _pages(cloud.sqs, "list_queues", "QueueUrls", QueueNamePrefix=prefix):
        yield url.rpartition("/")[2], None
    under = {"AlarmNamePrefix": prefix}
    for alarm in _pages(cloud.cloudwatch, "describe_alarms", "MetricAlarms", **under):
        yield alarm["AlarmName"], None


def _pages(client: Any, operation: str, what: str, **arguments: str) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(what, ())


def _tagged(cloud: Cloud) -> dict[str, str]:
    """Map this region's buckets that have our tag, however called, to its value."""
    found = {}
    for bucket in cloud.s3.list_buckets()["Buckets"]:
        if bucket.get("BucketRegion", cloud.region) != cloud.region:
            continue
        with at_once():
            try:
                answer = cloud.s3.get_bucket_tagging(Bucket=bucket["Name"])
            except ClientError as error:
                if is_denied(error) or code(error) in ("NoSuchBucket", "NoSuchTagSet"):
                    continue  # somebody else's, or none of ours
                raise
        owner = tags.read(answer["TagSet"]).get(TAG)
        if owner is not None:
            found[bucket["Name"]] = owner
    return found


def _is_name(name: str) -> bool:
    try:
        check_name(name)
    except SettingsError:
        return False
    return True
