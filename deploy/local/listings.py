"""Keys that XML cannot hold come through: in a listing url-encoded, else escaped.

A key may have any character, and XML 1.0 has not all of them: MiniStack writes them as
they are, no client can read that, and a carriage return becomes a line feed.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

from __future__ import annotations

import contextvars
import re
from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from ministack.services import s3
from places import around

_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_ENCODED = {"Key", "Prefix", "Delimiter", "KeyMarker", "NextKeyMarker"}

#: Whether the listing that is made now was asked for with encoding-type=url.
encodes = contextvars.ContextVar("encodes", default=False)


@around(s3, "_xml_body")
def xml_body(kept: Callable[..., bytes], root: Element) -> bytes:
    """Write an answer as S3 does."""
    if encodes.get():
        SubElement(root, "EncodingType").text = "url"
        for element in root.iter():
            if element.tag in _ENCODED and element.text:
                element.text = s3._url_encode(element.text)
    text = kept(root).decode()
    return _UNWRITABLE.sub(lambda found: f"&#{ord(found[0])};", text).encode()


@around(s3, "_list_object_versions")
def list_versions(kept: Callable[..., tuple], bucket: str, query: dict) -> tuple:
    """Encode keys when asked to: MiniStack does so in the other two listings alone."""
    token = encodes.set(s3._qp(query, "encoding-type", "") == "url")
    try:
        return kept(bucket, query)
    finally:
        encodes.reset(token)
