"""What comes in: photos alone, under names of ours, through us or straight to S3."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config

from deploy import notifications
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.waiting import if_there
from handler.picture import kinds
from workbook.errors.messages import WorkbookError

#: Folder of the source bucket that photos go to.
PREFIX = "wall/"
#: How long a form for one photo is good for.
FORM_S = 120
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png"}
#: The name of our rule among the source bucket's CORS rules.
_RULE = "thumbnail-workbook-wall"


class NotTaken(Exception):
    """A file that is no photo; its text is the sentence for who sent it."""


def new_key(start: bytes) -> str:
    """Name a photo by time, chance and its first bytes; the sender's name is unknown.

    Raises:
        NotTaken: these are not the first bytes of a JPEG or PNG.
    """
    kind = kinds.kind(start)
    if kind is None:
        raise NotTaken(f"Not taken: this is {kinds.refusal(start)}.")
    now = datetime.now(UTC)
    return f"{before(now)}-{secrets.token_hex(8)}{_SUFFIXES[kind]}"


def before(moment: datetime) -> str:
    """Write what all keys made from a moment on come after."""
    return f"{PREFIX}{moment:%Y%m%dT%H%M%S.%f}"


def too_large(most: int) -> str:
    """Write the sentence for a file that is too large."""
    return f"Not taken: it is larger than {most / 2**20:.0f} MB. Send a smaller photo."


def require_rule(cloud: Cloud, settings: Settings) -> None:
    """See that what comes in starts the function.

    Raises:
        WorkbookError: no pipeline stands, or its rules are for other names.
    """
    present = notifications.rules(cloud, settings)
    reasons = (
        notifications.unmatched(f"{PREFIX}photo{suffix}", present)
        for suffix in _SUFFIXES.values()
    )
    if why := next(filter(None, reasons), None):
        raise WorkbookError(
            why.rstrip("."),
            where="the wall",
            todo="`thumbnail-workbook up` builds the pipeline; then open the wall.",
        )


@dataclass(frozen=True)
class Form:
    """A presigned POST: where to, and the fields that go before the file."""

    url: str
    fields: dict[str, str]


class Direct:
    """The way on AWS: a form for each photo, which the phone sends to S3 itself."""

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        # boto3 would write the global host, which redirects for new buckets.
        virtual = Config(s3={"addressing_style": "virtual"})
        self._s3 = cloud.client("s3", virtual if cloud.kind == "aws" else None)
        self._bucket = settings.source_bucket
        parts = urlsplit(self.form(f"{PREFIX}none.jpg", 1).url)
        #: Where forms are sent, as a page's policy names it.
        self.origin = f"{parts.scheme}://{parts.netloc}"

    def form(self, key: str, size: int) -> Form:
        """Sign a form for one key, one type and one size in bytes, for two minutes.

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
        """
        kind = "image/png" if key.endswith(".png") else "image/jpeg"
        signed = self._s3.generate_presigned_post(
            self._bucket,
            key,
            Fields={"Content-Type": kind},
            Conditions=[{"Content-Type": kind}, ["content-length-range", size, size]],
            ExpiresIn=FORM_S,
        )
        return Form(signed["url"], signed["fields"])


@contextmanager
def page_allowed(cloud: Cloud, settings: Settings, origin: str) -> Iterator[None]:
    """Let pages of one origin post to the source; afterwards it is as it was.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
    """
    rule = {
        "ID": _RULE,
        "AllowedOrigins": [origin],
        "AllowedMethods": ["POST"],
        "MaxAgeSeconds": FORM_S,
    }
    _write_rules(cloud, settings, [*_others(cloud, settings), rule])
    try:
        yield
    finally:
        _write_rules(cloud, settings, _others(cloud, settings))


def _others(cloud: Cloud, settings: Settings) -> list[dict[str, Any]]:
    """Read the bucket's CORS rules without ours: a killed wall may have left it."""
    found = if_there(
        cloud.s3.get_bucket_cors,
        "NoSuchCORSConfiguration",
        Bucket=settings.source_bucket,
    )
    rules = found["CORSRules"] if found else []
    return [rule for rule in rules if rule.get("ID") != _RULE]


def _write_rules(cloud: Cloud, settings: Settings, rules: list[dict[str, Any]]) -> None:
    if rules:
        cloud.s3.put_bucket_cors(
            Bucket=settings.source_bucket, CORSConfiguration={"CORSRules": rules}
        )
    else:
        cloud.s3.delete_bucket_cors(Bucket=settings.source_bucket)
