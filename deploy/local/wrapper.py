"""MiniStack behind a thin wrapper of ours. `launch.py` runs it in a process of its own.

What plain MiniStack lacks, and this adds (`FIDELITY.md` has the whole table):

- state is saved when it changed, and restored whole or not at all;
- about as many functions run at once as there are cores, the rest wait their turn,
  a throttled event keeps its attempts, one of a stopped function goes to the queue of
  failed events, and a retry runs the function as it is then;
- requests of web pages (a foreign Origin or Host) are refused;
- a missing key reads 403 to a caller without `s3:ListBucket`, as on AWS;
- a permission is asked for by AWS's name, and on the resource that AWS asks about;
- CloudFormation's buckets have their tags, and stay while they hold anything.

Runs in `.local-cloud/venv`, which has MiniStack and boto3 and nothing of ours, so
nothing here may import the rest of `deploy`. Its options come in environment
variables, set by `server.py`: MiniStack reads its own the same way.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

# Beside this file: `launch.py` is run as a script.
import delivery
import guard
import ministack.app as ministack
import permissions
import saving
import stacks
from hypercorn.asyncio import serve
from hypercorn.config import Config

PORT = os.environ["GATEWAY_PORT"]
TOKEN = os.environ.pop("WORKBOOK_TOKEN")

Scope = dict[str, Any]
Send = Callable[[dict], Awaitable[None]]


async def app(scope: Scope, receive: Callable, send: Send) -> None:
    """The ASGI application: our guard, our two addresses, then MiniStack."""
    if scope["type"] != "http":
        await ministack.app(scope, receive, send)
        return
    headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
    if refusal := guard.refusal(headers):
        await _answer(send, 403, {"refused": refusal})
    elif scope["path"] == "/_workbook/health":
        await _answer(send, 200, {"pid": os.getpid(), "notice": saving.notice})
    elif scope["path"] == "/_workbook/stop" and scope["method"] == "POST":
        allowed = headers.get("x-workbook-token", b"").decode("latin-1") == TOKEN
        await _answer(send, 200 if allowed else 403, {"stopping": allowed})
        if allowed:
            saving.stopping.set()
    elif guard.is_closed(scope):
        await _answer(send, 404, {"refused": "not part of the local cloud"})
    else:
        changes = saving.may_change(scope["method"], headers.get("x-amz-target", b""))
        await ministack.app(
            scope, receive, saving.saving(send, scope) if changes else send
        )


async def _answer(send: Send, status: int, body: dict) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def main() -> None:
    """Serve until told to stop."""
    for module in (saving, delivery, permissions, stacks):
        module.install()
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT"):
        try:
            loop.add_signal_handler(getattr(signal, name), saving.stopping.set)
        except NotImplementedError:  # Windows: the stop address is the way
            break
    config = Config()
    config.bind = [f"127.0.0.1:{PORT}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = "WARNING"
    saver = asyncio.create_task(saving.save_regularly())
    await serve(app, config, shutdown_trigger=saving.stopping.wait)
    saver.cancel()
