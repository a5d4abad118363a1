"""Clone an upload to a backup bucket: S3 copies it, and what landed is verified.

The bytes do not pass through here, the version that fired is named, and its ETag is a
condition; so what is kept is what the event told of, with its metadata, or nothing.
Uploads of over 5 GB would have to be copied in parts; MAX_BYTES ends at 10, and what is
larger than MAX_BYTES is rejected before it gets here.
docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

import base64
import hashlib
from typing import Any

from botocore.exceptions import ClientError

from handler.errors import ConfigError, Stale
from handler.events import Upload, target_key
from handler.storage import Source, Storage, error_code

ATTEMPTS = 5
_GONE = ("NoSuchKey", "NoSuchVersion")
_RACE = ("PreconditionFailed", "ConditionalRequestConflict")
_CONDITIONS = {"IfMatch", "IfNoneMatch"}


class BackupDiffers(Exception):
    """What landed in the backup bucket is not what was read."""


def clone(
    storage: Storage,
    upload: Upload,
    source: Source,
    *,
    bucket: str,
    folder: str = "",
    storage_class: str = "STANDARD_IA",
) -> str:
    """Copy an upload, verify it, and return the key it has in the backup bucket.

    The tags are not copied: that would take two more permissions. When ``ordered``, an
    older upload never replaces a newer one. Raises ``Stale`` for one that is gone.
    """
    if bucket in (upload.bucket, storage.config.target_bucket):
        raise ConfigError(f"the backup bucket is the source or target, {bucket}")
    key = target_key(upload.key, folder)
    place = {"Bucket": bucket, "Key": key} | storage.owner
    origin = {"Bucket": upload.bucket, "Key": upload.key}
    if storage.config.ordered and upload.version_id:
        origin["VersionId"] = upload.version_id
    request = place | {
        "CopySource": origin,
        "CopySourceIfMatch": f'"{source.etag}"',
        "StorageClass": storage_class,
        "ChecksumAlgorithm": "SHA256",
        "TaggingDirective": "REPLACE",
    }
    if storage.account:
        request["ExpectedSourceBucketOwner"] = storage.account
    if storage.config.ordered:
        landed = _in_order(storage, upload, source.etag, place, request)
    else:
        landed = _copied(storage, request)
    if landed is not None:
        _verify(landed, source, key)
    return key


def _copied(storage: Storage, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return storage.client.copy_object(**request)["CopyObjectResult"]
    except ClientError as error:
        if error_code(error) in _GONE:
            raise Stale("deleted before it was backed up") from error
        if error_code(error) == "PreconditionFailed" and not _CONDITIONS & {*request}:
            raise Stale("superseded by a newer upload") from error
        raise


def _in_order(
    storage: Storage,
    upload: Upload,
    etag: str,
    place: dict[str, str],
    request: dict[str, Any],
) -> dict[str, Any] | None:
    """Copy unless a newer upload has been; None where this very one stands already."""
    for _ in range(ATTEMPTS):
        try:
            standing = storage.client.head_object(**place)["ETag"]
            condition = {"IfMatch": standing}
        except ClientError as error:
            if error_code(error) not in ("403", "404"):
                raise
            standing, condition = None, {"IfNoneMatch": "*"}
        if standing == f'"{etag}"':
            return None
        if standing and not storage.is_current(upload, etag):
            raise Stale("superseded: the backup was made from another upload")
        try:
            return _copied(storage, request | condition)
        except ClientError as error:
            if error_code(error) not in _RACE:
                raise
            lost = error
            if not storage.is_current(upload, etag):
                raise Stale("superseded by a newer upload") from error
    raise lost


def _verify(landed: dict[str, Any], source: Source, key: str) -> None:
    """Compare S3's checksum of the copy with that of the bytes that were read."""
    ours = base64.b64encode(hashlib.sha256(source.data).digest()).decode()
    theirs = landed.get("ChecksumSHA256")
    if theirs is None:  # an emulator; there an ETag is the MD5 of the bytes …
        ours = hashlib.md5(source.data, usedforsecurity=False).hexdigest()
        theirs = landed["ETag"].strip('"')
        if "-" in theirs:  # … or, of what came in parts, that of the source
            ours = source.etag
    if theirs != ours:
        raise BackupDiffers(f"{key}: S3 has {theirs}, and what was read has {ours}")
