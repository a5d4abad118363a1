"""What a reader does with results: failed events sent again, links signed."""

from __future__ import annotations

from typing import Any

from deploy.cloud import Cloud
from deploy.configure import resolved
from deploy.explained import STATUS, explained
from deploy.settings import Settings
from deploy.steps import failures


def replay(
    cloud: Cloud | None = None, settings: Settings | None = None, **overrides: Any
) -> list[str]:
    """Send the failed events to the function again; return one line for each.

    Raises:
        DeployError: there is no queue, or a call was refused.
    """
    cloud, settings = resolved(cloud, settings, overrides)
    with explained("replay", STATUS):
        return failures.replay(cloud, settings)


def link(
    key: str,
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    seconds: int = 3600,
    **overrides: Any,
) -> str:
    """Sign a link to a thumbnail ("thumbnails/cat.jpg"), good for some seconds.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
    """
    cloud, settings = resolved(cloud, settings, overrides)
    where = {"Bucket": settings.target_bucket, "Key": key}
    with explained("link", STATUS):
        return cloud.s3.generate_presigned_url("get_object", where, seconds)
