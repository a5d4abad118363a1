"""All S3 traffic: read a source, write a result, look at either."""

import contextlib
import functools
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from handler.client import error_code
from handler.config import Config
from handler.errors import ConfigError, ImageRejected, Stale
from handler.events import Upload
from handler.ordering import put_in_order, stamp


@dataclass(frozen=True)
class Source:
    """An image as it was read, and the ETag (unquoted) that says which bytes it is.

    ``recipe`` is the name that its uploader chose by ``x-amz-meta-recipe``.
    """

    data: bytes
    etag: str
    recipe: str | None = None


@dataclass(frozen=True)
class Storage:
    """Source and target buckets, through one client and under one configuration."""

    client: Any
    config: Config

    def read(self, upload: Upload) -> Source:
        """Return exactly the bytes that the event told of.

        Raises ``Stale`` when they are gone or replaced, ``ImageRejected`` when there
        are too many of them, ``ConfigError`` when the result would trigger itself, and
        botocore's own errors for everything else: a 403 has to be seen.
        """
        if upload.bucket == self.config.target_bucket:
            raise ConfigError(
                f"the source bucket is TARGET_BUCKET ({upload.bucket}), so each "
                "thumbnail would trigger the next: set it to another bucket."
            )
        self._check_size(upload.size)
        try:
            where = {"Bucket": upload.bucket, "Key": upload.key}
            response = self.client.get_object(**where, **self._pinned(upload))
        except ClientError as error:
            code = error_code(error)
            if code in ("NoSuchKey", "NoSuchVersion"):  # NoSuchBucket is no such case
                raise Stale("deleted before it was read") from error
            if code == "PreconditionFailed":
                raise Stale("superseded by a newer upload") from error
            raise
        with contextlib.closing(response["Body"]) as body:
            self._check_size(response["ContentLength"])
            # Bounded by the Content-Length just checked. Unlike read(n), and unlike
            # the body's own "with", this checks length and checksum of what came: a
            # cut connection must not pass for a cut picture.
            recipe = response.get("Metadata", {}).get("recipe")
            return Source(body.read(), response["ETag"].strip('"'), recipe)

    def write(
        self,
        key: str,
        body: bytes,
        content_type: str,
        cache_control: str,
        upload: Upload,
        etag: str | None,
        **said: str,
    ) -> None:
        """Put a result in the target bucket, with what it was made from on it.

        ``said`` is metadata of its own, such as labels.
        When ``ordered``, raises ``Stale`` if what stands there was made from a newer
        upload; else the last to write wins.
        docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        put = functools.partial(
            self.client.put_object,
            Bucket=self.config.target_bucket,
            Key=key,
            Body=body,
            ContentType=content_type,
            CacheControl=cache_control,
        )
        ours = stamp(upload, etag) | said
        if not self.config.ordered:
            put(Metadata=ours)
            return
        look = functools.partial(self._head, self.config.target_bucket, key)
        put_in_order(ours, put, look, lambda: self.is_current(upload, etag))

    def is_current(self, upload: Upload, etag: str | None) -> bool:
        """Tell whether the source still is what the result was made from."""
        try:
            current = self._head(upload.bucket, upload.key)
        except ClientError as error:
            if error_code(error) == "404":
                raise Stale("deleted while it was processed") from error
            raise
        return current["ETag"].strip('"') == etag

    def _head(self, bucket: str, key: str) -> dict[str, Any]:
        return self.client.head_object(Bucket=bucket, Key=key)

    def _check_size(self, size: int | None) -> None:
        if size == 0:
            raise ImageRejected("empty")
        if size and size > (limit := self.config.max_bytes):
            raise ImageRejected(f"{size} bytes, more than the {limit} allowed")

    def _pinned(self, upload: Upload) -> dict[str, str]:
        """Return the conditions under which the object still is the event's."""
        pinned = {"IfMatch": f'"{upload.etag}"'} if upload.etag else {}
        if self.config.ordered and upload.version_id:
            pinned["VersionId"] = upload.version_id  # needs s3:GetObjectVersion
        return pinned
