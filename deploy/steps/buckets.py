"""Source and target: one bucket for uploads, one whose thumbnails anyone may see.

Both keep S3's defaults of 2023: no ACLs, Block Public Access on. On the target, and
only there, the two settings that refuse a public *policy* are lifted, and the policy
opens `thumbnails/` alone; reject records beside it stay private. With `public=False`
the target stays as closed as the source: presigned links show its thumbnails.

With `tls_only` a statement on each bucket refuses plain http, as AWS advises; a private
pipeline does without it where the deployer may write no bucket policy:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from deploy import configure, policies, recipes, remembered, tags
from deploy.cloud import Cloud
from deploy.errors import DeployError, ForeignResourceError, SettingsError
from deploy.report import Claim, Drift, Found, left_alone
from deploy.settings import TAG, Settings
from deploy.waiting import DENIED, NO_BUCKET, code, if_there, is_denied, retry

Tags = dict[str, str]
PUBLIC_READ_SID = "PublicReadThumbnails"
TLS_ONLY_SID = "DenyPlainHttp"

#: What PutBucketTagging answers where attribute-based access is on.
_BY_TAGS = (*DENIED, "MethodNotAllowed", "InvalidRequest", "OperationNotPermitted")
_BLOCK = ("BlockPublicAcls", "IgnorePublicAcls")
_BLOCK_POLICY = ("BlockPublicPolicy", "RestrictPublicBuckets")


def public_read(settings: Settings) -> dict[str, Any]:
    """Write the statement that lets anyone read thumbnails, and nothing else.

    The renditions of a recipe are thumbnails of other sizes.
    """
    folders = [
        settings.arns.bucket(settings.target_bucket, f"{folder}*")
        for folder in recipes.public_folders(settings)
    ]
    return policies.statement(
        "s3:GetObject",
        folders[0] if len(folders) == 1 else folders,
        sid=PUBLIC_READ_SID,
        principal="*",
    )


def tls_only(settings: Settings, name: str) -> dict[str, Any]:
    """Write the statement that refuses whoever comes to a bucket over plain http."""
    arn = settings.arns.bucket(name)
    return policies.statement(
        "s3:*",
        [arn, f"{arn}/*"],
        sid=TLS_ONLY_SID,
        principal="*",
        condition={"Bool": {"aws:SecureTransport": "false"}},
        effect="Deny",
    )


def policy(
    settings: Settings, part: str, before: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """Write a bucket's policy: what others wrote, and ours; None where it has none."""
    ours: dict[str, dict[str, Any] | None] = {}
    if part == "target":
        ours[PUBLIC_READ_SID] = public_read(settings) if settings.public else None
    name = names(settings)[part]
    ours[TLS_ONLY_SID] = tls_only(settings, name) if settings.tls_only else None
    for sid, statement in ours.items():
        before = merged(before, statement) if statement else without(before, sid)
    return before


def merged(policy: dict[str, Any] | None, statement: dict[str, Any]) -> dict[str, Any]:
    """Put a statement into a bucket policy in place of the one with the same Sid."""
    policy = policy or policies.document()
    others = policies.listed(policy.get("Statement", []))
    if statement in others:
        return policy
    kept = [other for other in others if other.get("Sid") != statement["Sid"]]
    return policy | {"Statement": [*kept, statement]}


def without(policy: dict[str, Any] | None, sid: str) -> dict[str, Any] | None:
    """Take a statement out of a bucket policy; None when no other is left."""
    others = policies.listed((policy or {}).get("Statement", []))
    kept = [other for other in others if other.get("Sid") != sid]
    if policy is None or len(kept) == len(others):
        return policy
    return policy | {"Statement": kept} if kept else None


def public_access_block(*, public_policy: bool) -> dict[str, bool]:
    """Write a bucket's Block Public Access: ACLs blocked, policies as asked."""
    return dict.fromkeys(_BLOCK, True) | dict.fromkeys(_BLOCK_POLICY, not public_policy)


def bucket_request(name: str, account: str, region: str) -> dict[str, Any]:
    """Write the arguments of CreateBucket, whose rules differ by region and name.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
    """
    request: dict[str, Any] = {"Bucket": name}
    if region != "us-east-1":  # the one region that refuses to be named
        request["CreateBucketConfiguration"] = {"LocationConstraint": region}
    if name.endswith(f"-{account}-{region}-an"):
        request["BucketNamespace"] = "account-regional"
    return request


def create(cloud: Cloud, settings: Settings) -> str:
    """Make both buckets, open the target's thumbnails if asked; return the source.

    A policy that lets nobody new in comes before the block: what else others may have
    made public must not meet it.

    With `backup=True` a third: private, and versioned, so that nothing in it is lost.
    """
    for part, name in names(settings).items():
        ensure_bucket(cloud, settings, name)
        opened = part == "target" and settings.public
        if opened:
            _ensure_block(cloud, name, public_policy=True)
        _ensure_policy(cloud, settings, part)
        if not opened:
            _ensure_block(cloud, name, public_policy=False)
    if settings.backup:
        _ensure_versions(cloud, settings.backup_bucket)
    return settings.source_bucket


def ensure_bucket(cloud: Cloud, settings: Settings, name: str) -> None:
    """Make a bucket that is ours, or take up one that already is.

    Ours means: in this account and region, and tagged `thumbnail-workbook=<name>`. A
    bucket of this account that is empty and has no such tag is taken up (an earlier
    run may have been cut off before it tagged the bucket).

    Raises:
        ForeignResourceError: somebody else's, another pipeline's, or not empty.
    """
    ours = dict(settings.tags)
    if name == settings.source_bucket:
        ours |= configure.to_remember(cloud, settings)
    if not _exists(cloud, settings, name):
        _make(cloud, settings, name, ours)
    _check_ours(cloud, settings, name)
    found = _tags(cloud, name)
    wanted = remembered.others(found) | ours
    if wanted != found:
        _tag(cloud, settings, name, found, wanted)


def describe(cloud: Cloud, settings: Settings) -> Found | None:
    """Describe the buckets and where they differ from the settings; None for none.

    Raises:
        ForeignResourceError: a bucket of that name is not ours.
    """
    found = {
        part: name
        for part, name in names(settings).items()
        if _exists(cloud, settings, name) and _check_ours(cloud, settings, name)
    }
    return Found(drift=_drift(cloud, settings, found)) if found else None


def claims(cloud: Cloud, settings: Settings) -> list[Claim]:
    """List the buckets that stand, and say whose each is; a backup waits for a word."""
    found = []
    for part, name in _every_name(settings).items():
        what, kept, holds = f"bucket {name}", "", False
        try:
            if not _exists(cloud, settings, name):
                continue
            if not tags.ours(_tags(cloud, name), settings):
                kept = f"it has no tag {TAG}={settings.name}, so it is not ours"
            elif part == "backup" and not settings.backup:
                kept = "it holds the backups, and `down --backup` deletes it"
            else:
                holds = not _is_empty(cloud, name)
        except ForeignResourceError as error:
            kept = error.what
        found.append(Claim(what, kept, holds))
    return found


def delete(cloud: Cloud, settings: Settings) -> list[str]:
    """Empty and delete our buckets, the backups only with `backup=True`, and last."""
    stands = claims(cloud, settings)
    notes = left_alone(stands)
    for name in (claim.what.split()[1] for claim in stands if not claim.kept):
        try:
            _remove(cloud, name)
        except ClientError as error:
            if code(error) not in NO_BUCKET:  # deleted by someone else meanwhile
                notes.append(f"bucket {name} is still there: {error}")
    return notes


def empty(cloud: Cloud, name: str) -> None:
    """Delete all objects, versions, delete markers and unfinished uploads.

    Raises:
        DeployError: S3 kept some of them (an Object Lock, a denying policy).
    """
    # From the start each time: what a page listed is gone before the next is asked for.
    before: list[dict[str, str]] = []
    while doomed := versions(cloud, name):
        if doomed == before:
            raise _stuck(name, len(doomed), doomed[0]["Key"], "no reason given")
        _delete_objects(cloud, name, doomed)
        before = doomed
    while uploads := cloud.s3.list_multipart_uploads(Bucket=name).get("Uploads"):
        for upload in uploads:
            cloud.s3.abort_multipart_upload(
                Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
            )


def objects(cloud: Cloud, name: str, prefix: str = "") -> Iterator[dict[str, Any]]:
    """List a bucket's objects, as ListObjectsV2 describes them."""
    pages = cloud.s3.get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=name, Prefix=prefix):
        yield from page.get("Contents", [])


def _remove(cloud: Cloud, name: str) -> None:
    """Empty and delete, again if a run that was still going wrote in between."""

    def remove() -> None:
        empty(cloud, name)
        cloud.s3.delete_bucket(Bucket=name)

    retry(remove, message="BucketNotEmpty", tries=6)


def versions(cloud: Cloud, name: str, prefix: str = "") -> list[dict[str, str]]:
    """List a page of versions and delete markers, as DeleteObjects takes them."""
    page = cloud.s3.list_object_versions(Bucket=name, Prefix=prefix)
    entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
    return [{"Key": e["Key"], "VersionId": e["VersionId"]} for e in entries]


def _delete_objects(cloud: Cloud, name: str, doomed: list[dict[str, str]]) -> None:
    try:
        answer = cloud.s3.delete_objects(
            Bucket=name, Delete={"Objects": doomed, "Quiet": True}
        )
    except ClientError as error:
        if code(error) != "MalformedXML":
            raise
        # Some key has a character that XML has not: in a path it can stand.
        for version in doomed:
            cloud.s3.delete_object(Bucket=name, **version)
        return
    if errors := answer.get("Errors"):
        first = errors[0]
        reason = f"{first['Code']}: {first.get('Message', '')}"
        raise _stuck(name, len(errors), first["Key"], reason)


def _stuck(name: str, count: int, key: str, reason: str) -> DeployError:
    return DeployError(
        f"{count} objects could not be deleted, the first {key!r} ({reason})",
        where=f"bucket {name}",
        todo="Look for an Object Lock or a policy that denies, then try again.",
    )


def names(settings: Settings) -> dict[str, str]:
    """Name the buckets by what they are for."""
    names = {"source": settings.source_bucket, "target": settings.target_bucket}
    return names | ({"backup": settings.backup_bucket} if settings.backup else {})


def _every_name(settings: Settings) -> dict[str, str]:
    """Name every bucket that may stand, one of backups among them if it can."""
    try:
        return names(dataclasses.replace(settings, backup=True))
    except SettingsError:  # too long with "backup" in it
        return names(settings)


def _exists(cloud: Cloud, settings: Settings, name: str) -> bool:
    """Look for a bucket of this account; somebody else's is an error."""
    try:
        head = cloud.s3.head_bucket(Bucket=name, ExpectedBucketOwner=settings.account)
    except ClientError as error:
        if code(error) in NO_BUCKET:
            return False
        if is_denied(error):
            raise ForeignResourceError(
                "it exists and belongs to another account, or you may not see it",
                where=f"bucket {name}",
                todo="Choose another Settings.name, or ask for s3:ListBucket on it.",
            ) from error
        raise
    region = head.get("BucketRegion") or settings.region
    if region != settings.region:
        raise ForeignResourceError(
            f"it exists in region {region}, and the function would be in "
            f"{settings.region}: S3 starts functions of its own region only",
            where=f"bucket {name}",
            todo=f"Connect to region {region}, or choose another name.",
        )
    return True


def _make(cloud: Cloud, settings: Settings, name: str, ours: Tags) -> None:
    request = bucket_request(name, settings.account, settings.region)
    place = request.get("CreateBucketConfiguration", {})
    # In the call itself, so that accounts that go by tags let it pass.
    tagged = {"CreateBucketConfiguration": place | {"Tags": tags.listed(ours)}}
    try:
        try:
            cloud.s3.create_bucket(**request | tagged)
        except ClientError as error:
            if not is_denied(error):
                raise
            cloud.s3.create_bucket(**request)  # without s3:TagResource
    except ClientError as error:
        if code(error) == "BucketAlreadyExists":
            raise ForeignResourceError(
                "another account has this name, and outside your account's own "
                "namespace bucket names are shared by all of AWS",
                where=f"bucket {name}",
                todo="Choose another Settings.name, or leave the bucket names out.",
            ) from error
        if code(error) != "BucketAlreadyOwnedByYou":
            raise
    cloud.s3.get_waiter("bucket_exists").wait(Bucket=name)


def _tag(
    cloud: Cloud, settings: Settings, name: str, found: Tags, wanted: Tags
) -> None:
    """Write a bucket's tags, by the newer calls where the bucket goes by its tags.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/buckets-tagging-enable-abac.html
    """
    pairs = tags.listed(wanted)
    try:
        cloud.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs})
    except ClientError as error:
        if cloud.kind != "aws" or code(error) not in _BY_TAGS:
            raise
        arn = settings.arns.bucket(name)
        where = {"AccountId": settings.account, "ResourceArn": arn}
        if gone := sorted(found.keys() - wanted.keys()):
            cloud.s3control.untag_resource(**where, TagKeys=gone)
        cloud.s3control.tag_resource(**where, Tags=pairs)


def _tags(cloud: Cloud, name: str) -> Tags:
    found = if_there(cloud.s3.get_bucket_tagging, "NoSuchTagSet", Bucket=name)
    return tags.read(found["TagSet"]) if found else {}


def _is_empty(cloud: Cloud, name: str) -> bool:
    page = cloud.s3.list_object_versions(Bucket=name, MaxKeys=1)
    return not page.get("Versions") and not page.get("DeleteMarkers")


def _check_ours(cloud: Cloud, settings: Settings, name: str) -> bool:
    """Say yes to a bucket with our tag, or to one an earlier run could not tag."""
    found, where = _tags(cloud, name), f"bucket {name}"
    if (owner := found.get(TAG, settings.name)) != settings.name:
        raise ForeignResourceError(
            f"it belongs to the pipeline {owner!r}",
            where=where,
            todo=f"Use name={owner!r}, or another bucket.",
        )
    if TAG in found or not _is_empty(cloud, name):
        tags.require_ours(found, settings, where, "it holds objects")
    return True


def block_of(cloud: Cloud, name: str) -> dict[str, bool] | None:
    """Read a bucket's Block Public Access; None where it has none."""
    none = "NoSuchPublicAccessBlockConfiguration"
    found = if_there(cloud.s3.get_public_access_block, none, Bucket=name)
    return found and found["PublicAccessBlockConfiguration"]


def _ensure_block(cloud: Cloud, name: str, *, public_policy: bool) -> None:
    wanted = public_access_block(public_policy=public_policy)
    if block_of(cloud, name) != wanted:
        cloud.s3.put_public_access_block(
            Bucket=name, PublicAccessBlockConfiguration=wanted
        )


def policy_of(cloud: Cloud, name: str) -> dict[str, Any] | None:
    """Read a bucket's policy; None where it has none."""
    found = if_there(cloud.s3.get_bucket_policy, "NoSuchBucketPolicy", Bucket=name)
    return policies.read(found["Policy"]) if found else None


def _ensure_versions(cloud: Cloud, name: str) -> None:
    """Let a bucket keep what is overwritten or deleted, as a backup should."""
    if cloud.s3.get_bucket_versioning(Bucket=name).get("Status") != "Enabled":
        cloud.s3.put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": "Enabled"}
        )


def _ensure_policy(cloud: Cloud, settings: Settings, part: str) -> None:
    name = names(settings)[part]
    before = policy_of(cloud, name)
    wanted = policy(settings, part, before)
    if wanted == before:
        return
    if wanted is None:
        cloud.s3.delete_bucket_policy(Bucket=name)
        return
    try:
        # A block that was just lifted may hold for a moment longer.
        retry(
            lambda: cloud.s3.put_bucket_policy(Bucket=name, Policy=json.dumps(wanted)),
            message="BlockPublicPolicy",
            tries=4,
        )
    except ClientError as error:
        spared = not settings.public and without(wanted, TLS_ONLY_SID) == before
        if is_denied(error) and spared:
            return
        if not (is_denied(error) and settings.public and part == "target"):
            raise
        raise DeployError(
            "the policy that makes thumbnails public was refused; the bucket's own "
            "block is lifted, so Block Public Access of the whole account or of its "
            "organization is on, or you lack s3:PutBucketPolicy",
            where=f"bucket {settings.target_bucket}",
            todo="Build with --private, or up(public=False): thumbnails are then seen "
            "by presigned links. Or ask who owns the account, or the organization, to "
            "allow it.",
        ) from error


def _drift(cloud: Cloud, settings: Settings, found: dict[str, str]) -> Drift:
    """Compare what exists with what `create` would leave: field → (is, should be)."""
    drift: Drift = {}
    for part, name in names(settings).items():
        if part not in found:
            drift[f"{part} bucket"] = (None, name)
            continue
        owner = _tags(cloud, name).get(TAG)
        if owner != settings.name:
            drift[f"{part} tag"] = (owner, settings.name)
        opened = part == "target" and settings.public
        block = public_access_block(public_policy=opened)
        if (is_block := block_of(cloud, name)) != block:
            drift[f"{part} public access block"] = (is_block, block)
        is_policy = policy_of(cloud, name)
        if is_policy != (wanted := policy(settings, part, is_policy)):
            drift[f"{part} policy"] = (is_policy, wanted)
    if "backup" in found:
        kept = cloud.s3.get_bucket_versioning(Bucket=found["backup"]).get("Status")
        if kept != "Enabled":
            drift["backup versions"] = (kept, "Enabled")
    return drift
