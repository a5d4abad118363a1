"""What MiniStack makes from public names is mixed with the folder's secret.

A function's own credentials, and the links to its code and to layers: on AWS nobody
can guess either. Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc
from places import around, instead_of
from request import Request

HOST = f"127.0.0.1:{os.environ['GATEWAY_PORT']}"
#: As long as a link of AWS's to a zip.
LINK_LASTS_S = 600

_SECRET = os.environ["AWS_SECRET_ACCESS_KEY"].encode()


def _mixed(*texts: str) -> str:
    return hmac.new(_SECRET, "\n".join(texts).encode(), hashlib.sha256).hexdigest()


@instead_of(lambda_svc, "execution_credentials")
@around(lambda_runtime, "execution_credentials")
def execution_credentials(kept: Callable[..., dict], config: dict) -> dict[str, str]:
    """Make the credentials of a function's role for its session.

    MiniStack hashes the ARNs of function and role, and uses of the latter but the
    name: what stands before it here makes the hash one that nobody can guess.
    """
    role = config.get("Role", "")
    name = role.rpartition("/")[2]
    return kept(config | {"Role": f"{_mixed(role)}/{name}"})


@instead_of(lambda_svc, "_presigned_code_url")
def code_url(function: str) -> str:
    """Make the link to a function's code that GetFunction answers."""
    return _link(f"lambda-code/{get_account_id()}/{get_region()}/{function}")


@instead_of(lambda_svc, "_layer_content_url")
def layer_url(layer: str, version: int) -> str:
    """Make the link to a layer's contents."""
    where = f"{get_account_id()}/{get_region()}/{layer}/{version}"
    return _link(f"lambda-layers/{where}/content")


@around(lambda_svc, "_get_layer_version")
def get_layer_version(kept: Callable[..., tuple], layer: str, version: int) -> tuple:
    """Answer a link of now: the one that is kept was made with the version."""
    status, headers, body = kept(layer, version)
    answer: dict[str, Any] = json.loads(body)
    if "Content" in answer:
        name = answer["LayerArn"].rpartition(":")[2]
        answer["Content"]["Location"] = layer_url(name, version)
    return status, headers, json.dumps(answer).encode()


def _link(place: str) -> str:
    path, made = f"/_ministack/{place}", str(int(time.time()))
    query = urlencode({"made": made, "signature": _mixed(path, made)})
    return f"http://{HOST}{path}?{query}"


def is_link(request: Request) -> bool:
    """Whether a request follows such a link, and in time."""
    places = ("/_ministack/lambda-code/", "/_ministack/lambda-layers/")
    if request.method != "GET" or not request.path.startswith(places):
        return False
    made = request.parameter("made")
    if not made.isdecimal() or time.time() > int(made) + LINK_LASTS_S:
        return False
    signature = request.parameter("signature").encode()
    return hmac.compare_digest(signature, _mixed(request.path, made).encode())
