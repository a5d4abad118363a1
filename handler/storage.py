"""All S3 traffic: read a source, write a result, and never over a newer one."""

import contextlib
import functools
import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import boto3
import botocore.config
from botocore.exceptions import ClientError

from handler.config import Config
from handler.errors import ConfigError, Gone, ImageRejected, Stale
from handler.events import Upload
from handler.picture import memory

ATTEMPTS = 5  # a lost race means that another writer won one, so this is plenty

# Somebody else's write came between our look and our own.
_RACE = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")

Stamp = dict[str, str]
#: How the reason of a reject begins whose object has to be restored first.
ARCHIVED = "archived"
#: The metadata of which every result has some.
MADE_FROM = {"source-mark", "source-etag", "source-sequencer"}
Verdict = Literal["newer", "older", "repeat", "same", "unknown"]


def account_of(context: Any) -> str:
    """Read the account from the function's own ARN; empty without a context."""
    arn = getattr(context, "invoked_function_arn", None) or ""
    return "".join(arn.split(":")[4:5])


@functools.cache
def s3_client() -> Any:
    """Return the one client of this environment; boto3's clients are thread-safe.

    Three attempts of at most 2 + 5 seconds each end before the function's 30 do.
    """
    config = botocore.config.Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return boto3.client("s3", config=config)


def error_code(error: ClientError) -> str:
    """Return S3's name for an error; a HEAD has no body, and so only its number."""
    return error.response.get("Error", {}).get("Code", "")


class Source(NamedTuple):
    """An image as it was read, and the ETag (unquoted) that says which bytes it is.

    ``recipe`` is the name that its uploader chose by ``x-amz-meta-recipe``.
    """

    data: bytes
    etag: str
    recipe: str | None = None


class Storage(NamedTuple):
    """Source and target buckets, through one client and under one configuration."""

    client: Any
    config: Config
    #: The account that both buckets must be of: a name that was given up may be taken
    #: by a stranger. Empty where nobody knows it, as in a notebook.
    #: docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
    account: str = ""

    @property
    def owner(self) -> dict[str, str]:
        """The condition on whose the bucket is; S3 answers any other with 403."""
        return {"ExpectedBucketOwner": self.account} if self.account else {}

    def read(self, upload: Upload) -> Source:
        """Return exactly the bytes that the event told of.

        Raises ``Stale`` when they are gone or replaced, ``ImageRejected`` when there
        are too many of them, ``ConfigError`` when the result would trigger itself, and
        botocore's own errors for everything else: a 403 has to be seen.
        The course's lab "each third" wraps this method.
        """
        if upload.bucket == self.config.target_bucket:
            raise ConfigError(
                f"the source bucket is TARGET_BUCKET ({upload.bucket}), so each "
                "thumbnail would trigger the next: set it to another bucket."
            )
        self._check_size(upload.size)
        try:
            where = {"Bucket": upload.bucket, "Key": upload.key} | self.owner
            response = self.client.get_object(**where, **self._pinned(upload))
        except ClientError as error:
            code = error_code(error)
            if code in ("NoSuchKey", "NoSuchVersion"):  # NoSuchBucket is no such case
                raise Gone("deleted before it was read") from error
            if code == "PreconditionFailed":
                raise Stale("superseded by a newer upload") from error
            if reason := _permanent(code, str(error)):
                raise ImageRejected(reason) from error
            raise
        with contextlib.closing(response["Body"]) as body:
            etag = response["ETag"].strip('"')
            self._check_size(response["ContentLength"], etag)
            # Bounded by the Content-Length just checked. Unlike read(n), and unlike
            # the body's own "with", this checks length and checksum of what came: a
            # cut connection must not pass for a cut picture.
            recipe = response.get("Metadata", {}).get("recipe")
            return Source(body.read(), etag, recipe)

    def write(
        self,
        key: str,
        body: bytes,
        content_type: str,
        cache_control: str,
        upload: Upload,
        etag: str | None,
        metadata: Stamp | None = None,
    ) -> None:
        """Put a result in the target bucket, with what it was made from on it.

        ``metadata`` is its own, such as labels. When ``ordered``, raises ``Stale`` if
        what stands there was made from a newer upload; else the last to write wins.
        docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        result = {
            "Bucket": self.config.target_bucket,
            "Key": key,
            "Body": body,
            "ContentType": content_type,
            "CacheControl": cache_control,
            "Metadata": stamp(upload, etag) | (metadata or {}),
        } | self.owner
        if self.config.ordered:
            self._write_in_order(result, upload, etag)
        else:
            self.client.put_object(**result)

    def is_current(self, upload: Upload, etag: str | None) -> bool:
        """Tell whether the source still is what the result was made from.

        Without an ETag, as of an event that has none, nothing speaks against it.
        """
        current = self.current(upload)
        if current is None:
            raise Stale("deleted while it was processed")
        return etag is None or current == etag

    def current(self, upload: Upload) -> str | None:
        """Return the ETag (unquoted) of what the source holds now; None for nothing."""
        try:
            etag: str = self._head(upload.bucket, upload.key)["ETag"]
        except ClientError as error:
            if error_code(error) == "404":
                return None
            raise
        return etag.strip('"')

    def delete(self, keys: Iterable[str]) -> None:
        """Delete results; those that are not there are no matter."""
        for key in keys:
            where = {"Bucket": self.config.target_bucket, "Key": key}
            self.client.delete_object(**where, **self.owner)

    def _write_in_order(
        self, result: dict[str, Any], upload: Upload, etag: str | None
    ) -> None:
        """Write a result unless the one that stands was made from a newer upload.

        Each write is on condition that nothing has changed since the look before it;
        when it has, the next round looks again. Raises ``Stale``, or the last round's
        error.
        """
        condition = {"IfNoneMatch": "*"}
        for _ in range(ATTEMPTS):
            try:
                self.client.put_object(**result, **condition)
                return
            except ClientError as error:
                if error_code(error) not in _RACE:
                    raise
                lost = error
            try:
                standing = self._head(result["Bucket"], result["Key"])
            except ClientError as error:
                # Deleted since, which reads 403 without s3:ListBucket. Where it is the
                # policy instead, every round ends here, and the 403 is raised below.
                if error_code(error) not in ("403", "404"):
                    raise
                lost = error if error_code(error) == "403" else lost
                condition = {"IfNoneMatch": "*"}
                continue
            ours, theirs = result["Metadata"], standing["Metadata"]
            same_bytes = is_made_from(theirs, upload.bucket, upload.key, etag)
            verdict = compare(ours, theirs, same_bytes=same_bytes)
            if verdict == "repeat" and ours.items() <= theirs.items():
                return  # else it adds something: labels that failed the first time
            if verdict == "older" or (
                verdict == "unknown" and not self.is_current(upload, etag)
            ):
                raise Stale("superseded: the target was made from a newer upload")
            if verdict == "same":
                theirs.pop("source-etag", None)
                result["Metadata"] = theirs | ours  # keep its place in the order
            condition = {"IfMatch": standing["ETag"]}
        raise lost

    def _head(self, bucket: str, key: str) -> dict[str, Any]:
        return self.client.head_object(Bucket=bucket, Key=key, **self.owner)

    def _check_size(self, size: int | None, etag: str | None = None) -> None:
        if size == 0:
            raise ImageRejected("empty", etag)
        if size and size > (limit := self.config.max_bytes):
            raise ImageRejected(
                f"{_megabytes(size)}, more than the {_megabytes(limit)} allowed "
                "(the setting max_bytes)",
                etag,
            )

    def _pinned(self, upload: Upload) -> dict[str, str]:
        """Return the conditions under which the object still is the event's."""
        pinned = {"IfMatch": f'"{upload.etag}"'} if upload.etag else {}
        if self.config.ordered and upload.version_id:
            pinned["VersionId"] = upload.version_id  # needs s3:GetObjectVersion
        return pinned


def _megabytes(size: int) -> str:
    """Write a size as MB, of which what is a little larger is not the same."""
    if size < memory.MIB:
        return f"{size} bytes"
    return f"{math.ceil(size * 100 / memory.MIB) / 100:g} MB"


def stamp(upload: Upload, etag: str | None) -> Stamp:
    """Return what a result was made from, as the metadata to keep on it.

    Metadata travels in headers, which take ASCII only.
    """
    made_from = {
        "source-mark": source_mark(upload.bucket, upload.key, etag) if etag else None,
        "source-sequencer": upload.sequencer,
        "source-version": upload.version_id,
    }
    return {name: quote(text, "/+") for name, text in made_from.items() if text}


def source_mark(bucket: str, key: str, etag: str) -> str:
    """Return what a result says of its source's bytes, and does not tell anyone.

    An ETag is the MD5 of a private photo, and thumbnails are public: as it is, it would
    tell which known file that was, wherever it turns up.
    """
    source = f"{bucket}\n{etag}\n{key}".encode(errors="surrogatepass")
    return hashlib.sha256(source).hexdigest()


def is_made_from(
    metadata: Mapping[str, str], bucket: str, key: str, etag: str | None
) -> bool:
    """Tell by a result's metadata whether it was made from these very bytes.

    ``etag`` is unquoted. Results that were made before there were marks have the ETag
    itself, as ``source-etag``.
    """
    if etag is None:
        return not {"source-mark", "source-etag"} & metadata.keys()
    if "source-mark" in metadata:
        return metadata["source-mark"] == source_mark(bucket, key, etag)
    return metadata.get("source-etag") == quote(etag, "/+")


def compare(ours: Stamp, theirs: Stamp, *, same_bytes: bool) -> Verdict:
    """Say what our upload is to the one that the standing result was made from.

    "repeat" is the same event again, "same" the same bytes without an event to order
    them by (a backfill), "unknown" needs a look at the source itself.
    """
    our_place, their_place = (s.get("source-sequencer", "") for s in (ours, theirs))
    if our_place and their_place:
        # The shorter is padded with zeros on its right, then they compare as text:
        # AmazonS3/latest/userguide/notification-content-structure.html
        width = max(len(our_place), len(their_place))
        our_place = our_place.ljust(width, "0")
        their_place = their_place.ljust(width, "0")
        if our_place != their_place:
            return "newer" if our_place > their_place else "older"
    if not same_bytes:
        return "unknown"
    return "repeat" if our_place and their_place else "same"


def _permanent(code: str, message: str) -> str | None:
    """Say why an object can never be read as it is; None where a retry may help."""
    if code == "InvalidObjectState":
        return f"{ARCHIVED}: restore it first, or upload it in another storage class"
    if code == "InvalidRequest" and "Server Side Encryption" in message:
        return "encrypted with a key of its uploader's (SSE-C): upload it without"
    return None
