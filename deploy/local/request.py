"""A request as it arrived: what the guard and the signature's check read of it.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, quote

import ministack.app as ministack
from ministack.core.router import detect_service
from ministack.core.sigv4 import decode_header_value

Scope = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One HTTP request, without its body."""

    scope: Scope

    @property
    def method(self) -> str:
        """GET, PUT, …"""
        return self.scope["method"]

    @property
    def path(self) -> str:
        """The path, decoded."""
        return self.scope["path"]

    @property
    def raw_path(self) -> str:
        """The path as it was sent, and so as it was signed."""
        sent = self.scope.get("raw_path") or quote(self.path).encode()
        return sent.decode("latin-1")

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The query's values by name."""
        text = self.scope.get("query_string", b"").decode("utf-8", "replace")
        return parse_qs(text, keep_blank_values=True)

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers by name in small letters; a repeated one's values with commas."""
        found: dict[str, str] = {}
        for name, value in self.scope["headers"]:
            key, text = name.decode("latin-1").lower(), decode_header_value(value)
            found[key] = f"{found[key]},{text}" if key in found else text
        return found

    @cached_property
    def service(self) -> str:
        """The service that MiniStack would hand it to, by its own name."""
        return detect_service(self.method, self.path, self.headers, self.query)

    @cached_property
    def bucket_and_key(self) -> tuple[str, str]:
        """What S3 reads of host and path; ("", "") where there is no such bucket."""
        host = self.headers.get("host", "")
        return ministack._s3_cors_target(host, self.path) or ("", "")

    def parameter(self, name: str) -> str:
        """A query parameter's first value, "" without one."""
        return self.query.get(name, [""])[0]


class TooLargeError(Exception):
    """A body passes the limit."""


async def body_of(receive: Callable, limit: int | None = None) -> bytes | None:
    """Read a request's body; None when the client left.

    Raises:
        TooLargeError: it passes the limit; the rest is not read.
    """
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if limit is not None and size > limit:
            raise TooLargeError
        if not message.get("more_body"):
            return b"".join(chunks)


def replayed(body: bytes, receive: Callable) -> Callable:
    """Hand a body that was read to the next reader, and then what comes after it."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> dict:
        return waiting.pop() if waiting else await receive()

    return again
