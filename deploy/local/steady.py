"""No call fails because functions write logs and metrics while it reads them.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

TRIES = 50
PAUSE_S = 0.002

Handler = Callable[..., Awaitable[Any]]


def steady(handler: Handler) -> Handler:
    """Let a service read again when a thread wrote in the middle of it.

    What it was about to change is not done twice: only reads are repeated.
    """

    @wraps(handler)
    async def again(
        method: str, path: str, headers: dict, body: bytes, query: dict
    ) -> Any:
        tries = TRIES if is_read(method, path, headers, body) else 1
        for _ in range(tries - 1):
            try:
                return await handler(method, path, headers, body, query)
            except RuntimeError as error:
                if "during iteration" not in str(error):
                    raise
            await asyncio.sleep(PAUSE_S)
        return await handler(method, path, headers, body, query)

    return again


def is_read(method: str, path: str, headers: dict, body: bytes) -> bool:
    """Whether a call only reads; most of AWS's protocols post their reads, too."""
    if method != "POST":
        return method in ("GET", "HEAD")
    name = headers.get("x-amz-target", "").rpartition(".")[2]
    name = name or path.partition("/operation/")[2]
    if not name and (action := re.search(rb"(?:^|&)Action=(\w+)", body[:1000])):
        name = action[1].decode()
    return name.startswith(("Get", "List", "Describe", "Filter"))


def install() -> None:
    """Make every service so."""
    import ministack.app as ministack

    for name, handler in ministack.SERVICE_HANDLERS.items():
        ministack.SERVICE_HANDLERS[name] = steady(handler)
