"""Who may come in: no web page, and no one by MiniStack's own addresses.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

import os
from typing import Any

PORT = os.environ["GATEWAY_PORT"]
HOSTS = {f"127.0.0.1:{PORT}", f"localhost:{PORT}"}

Scope = dict[str, Any]


def is_closed(scope: Scope) -> bool:
    """Whether it is one of MiniStack's own addresses; Lambda's links to zips are not.

    GetFunction and GetLayerVersion answer such a link, on AWS a presigned one of S3's.
    """
    zips = ("/_ministack/lambda-code/", "/_ministack/lambda-layers/")
    if scope["method"] == "GET" and scope["path"].startswith(zips):
        return False
    return scope["path"].startswith(("/_ministack", "/_localstack", "/_aws"))


def refusal(headers: dict[str, bytes]) -> str:
    """Why a request is none of ours: a page in the learner's browser sent it."""
    if "origin" in headers:
        return "requests of web pages are refused"
    if headers.get("sec-fetch-site", b"none") != b"none":
        return "requests of web pages are refused"
    if headers.get("host", b"").decode("latin-1").lower() not in HOSTS:
        return "this is not the host that was asked for"
    return ""
