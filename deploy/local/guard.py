"""Who may come in: by which host, from which page, to which address.

A web page may do what AWS lets it do: show an object that a policy or a presigned link
opens, and, where the bucket has a CORS rule for it, what that rule allows.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import credentials
import ministack.app as ministack
from ministack.services import s3
from places import instead_of
from request import Request

PORT = os.environ["GATEWAY_PORT"]
HOSTS = {f"127.0.0.1:{PORT}", f"localhost:{PORT}"}
#: A bucket as part of the host, as most clients of S3 have it.
BUCKET_HOST = re.compile(rf"([a-z0-9][a-z0-9-]{{1,61}}[a-z0-9])\.localhost(:{PORT})?")

PAGE = "requests of web pages are refused, but for what the bucket's CORS rules allow"


def refusal(request: Request) -> str:
    """Why nothing is to be done for whoever asks, in words; "" if that is not so."""
    host = request.headers.get("host", "").lower()
    if host not in HOSTS and not BUCKET_HOST.fullmatch(host):
        return "this is not the host that was asked for"
    if is_page(request) and not _is_what_aws_lets_pages_do(request):
        return PAGE
    return ""


def is_page(request: Request) -> bool:
    """Whether a page in the learner's browser sent it: no page can hide that."""
    site = request.headers.get("sec-fetch-site", "none")
    return "origin" in request.headers or site != "none"


def _is_what_aws_lets_pages_do(request: Request) -> bool:
    """Whether the page shows something, or the bucket's CORS rules know its origin.

    A preflight is answered by S3, from the same rules.
    """
    bucket, _ = request.bucket_and_key
    if not bucket or request.service != "s3":
        return False
    if request.method == "OPTIONS":
        return "origin" in request.headers
    if "origin" in request.headers:
        return bool(s3.cors_response_headers(bucket, request.method, request.headers))
    # A link that was clicked, or a picture: neither brings headers of the page's own.
    is_shown = request.method in ("GET", "HEAD")
    return is_shown and "authorization" not in request.headers


def is_closed(request: Request) -> bool:
    """Whether it is one of MiniStack's own addresses; links to zips are not.

    GetFunction and GetLayerVersion answer such a link, on AWS a presigned one of S3's.
    """
    if credentials.is_link(request):
        return False
    return request.path.startswith(("/_ministack", "/_localstack", "/_aws"))


async def close(receive: Callable, send: Callable) -> None:
    """Close a web socket before it is open: no service of ours has any."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})


# --- MiniStack's side doors ----------------------------------------------------------


@instead_of(ministack, "_extract_s3_vhost_bucket")
def bucket_of_host(host: str) -> str | None:
    """Name the bucket that stands in a host, as in BUCKET.localhost."""
    found = BUCKET_HOST.fullmatch(host.lower())
    return found[1] if found else None


@instead_of(ministack, "_handle_pre_body_request")
async def before_body(
    method: str, path: str, headers: dict, query: dict, request_id: str
) -> tuple | None:
    """Answer preflights and links to zips; MiniStack answers eleven services more."""
    return ministack._handle_options_request(
        method, path, headers, query, request_id
    ) or ministack._handle_lambda_download_request(path, method)


@instead_of(ministack, "_handle_post_body_shortcuts")
async def after_body(*request: object) -> None:
    """Answer none of what MiniStack answers unsigned."""


@instead_of(ministack, "_handle_special_data_plane_request")
async def special(
    method: str,
    path: str,
    headers: dict,
    body: bytes,
    query: dict,
    request_id: str,
    **more: object,
) -> tuple | None:
    """Answer S3's two other addresses; MiniStack has ten services' here."""
    answer = await ministack._handle_s3_control_request(
        path, method, body, query, request_id, headers
    )
    if answer:
        return answer
    host = headers.get("host", "")
    answer = await ministack._handle_s3_vhost_request(
        host, path, method, headers, body, query
    )
    if answer and (target := ministack._s3_cors_target(host, path, path_style=False)):
        answer[1].update(s3.cors_response_headers(target[0], method, headers))
    return ministack._with_data_plane_headers(
        answer, request_id, include_s3_id=True, wildcard_cors=False
    )
