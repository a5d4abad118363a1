"""What is shown in a notebook: photos for it, runs to tell of, pictures in its page."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image
from support.log_lines import NOW
from support.pictures import encoded

from deploy.cloud import Cloud
from deploy.logs import Run


def jpeg(size=(400, 300), colour="red", **more: object) -> bytes:
    """Write a JPEG of one colour."""
    return encoded(Image.new("RGB", size, colour), **more)


def run_of(key: str, **more: object) -> Run:
    values = dict.fromkeys(Run.__dataclass_fields__)
    values |= {"bucket": "b", "key": key, "outcome": "made", "ms": 12.5, "cold": True}
    return Run(**values | {"request_id": "1", "done": NOW} | more)


def put(cloud: Cloud, bucket: str, key: str, labels: str = "", **photo: Any) -> None:
    """Store a picture, with labels as the function writes them."""
    metadata = {"labels": labels} if labels else {}
    body = jpeg(**photo)
    cloud.s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata)


def content(html: str) -> bytes:
    """The bytes of a page's first picture."""
    encoded = html.split("base64,")[1].split('"')[0]
    return base64.b64decode(encoded)


def embedded(html: str) -> Image.Image:
    """The first picture of a page."""
    return Image.open(io.BytesIO(content(html)))
