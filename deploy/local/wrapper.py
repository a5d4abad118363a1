"""MiniStack behind a thin wrapper of ours. `launch.py` runs it in a process of its own.

What plain MiniStack lacks, and this adds (`FIDELITY.md` has the whole table):

- state is saved when it changed, and restored whole or not at all;
- about as many functions run at once as there are cores, the rest wait their turn,
  a throttled event keeps its attempts, one of a stopped function goes to the queue of
  failed events, and a retry runs the function as it is then;
- every request is signed with a key that is known, whoever says to be root; pages in
  a browser may do what AWS lets them do; hosts and addresses that are not ours, and
  web sockets, are closed;
- a missing key reads 403 to a caller without `s3:ListBucket`, as on AWS;
- a permission is asked for by AWS's name, and on the resource that AWS asks about;
- keys that XML cannot hold are listed, and no read fails because a function writes;
- a layer is found below `python/` alone, and an import error has AWS's words;
- a change of a function lets what runs end first;
- CloudFormation's buckets have their tags, and stay while they hold anything.

Runs in `.local-cloud/venv`, which has MiniStack and boto3 and nothing of ours, so
nothing here may import the rest of `deploy`. Its options come in environment
variables, set by `server.py`: MiniStack reads its own the same way.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

# Beside this file: `launch.py` is run as a script.
import credentials
import delivery
import guard
import listings
import ministack.app as ministack
import objects
import permissions
import saving
import signatures
import stacks
import steady
import workers
from hypercorn.asyncio import serve
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from places import around
from request import Request, TooLargeError, body_of, replayed

PORT = os.environ["GATEWAY_PORT"]
TOKEN = os.environ.pop("WORKBOOK_TOKEN")
#: What these put in MiniStack's places stands there since their import.
OURS = (credentials, delivery, guard, listings, objects, permissions, saving, stacks)

Scope = dict[str, Any]
Send = Callable[[dict], Awaitable[None]]


async def app(scope: Scope, receive: Callable, send: Send) -> None:
    """The ASGI application: our guard, our two addresses, then MiniStack."""
    if scope["type"] == "lifespan":
        await ministack.app(scope, receive, send)
    elif scope["type"] != "http":
        await guard.close(receive, send)
    else:
        await serve_request(Request(scope), receive, send)


async def serve_request(request: Request, receive: Callable, send: Send) -> None:
    """Serve one request, if it may come in."""
    if refusal := guard.refusal(request):
        await _answer(send, 403, {"refused": refusal})
    elif request.path.startswith("/_workbook/"):
        await serve_own_address(request, send)
    elif guard.is_closed(request):
        await ministack._send_response(send, *signatures.closed())
    else:
        try:
            await serve_signed(request, receive, send)
        except signatures.Refused as refused:
            is_head = request.method == "HEAD"
            await ministack._send_response(send, *refused.answer, head=is_head)


async def serve_own_address(request: Request, send: Send) -> None:
    """Say how it goes, or stop, which takes the token."""
    if guard.is_page(request):
        await _answer(send, 403, {"refused": guard.PAGE})
    elif request.path == "/_workbook/health":
        await _answer(send, 200, _health())
    elif request.path == "/_workbook/stop" and request.method == "POST":
        token = request.headers.get("x-workbook-token", "")
        allowed = hmac.compare_digest(token.encode(), TOKEN.encode())
        await _answer(send, 200 if allowed else 403, {"stopping": allowed})
        if allowed:
            saving.stopping.set()
    else:
        await ministack._send_response(send, *signatures.closed())


async def serve_signed(request: Request, receive: Callable, send: Send) -> None:
    """Let MiniStack answer, when the signature holds."""
    if not credentials.is_link(request):
        signatures.check_before_body(request)
        try:
            body = await body_of(receive, signatures.body_limit(request))
        except TooLargeError:
            raise signatures.too_large(request) from None
        if body is None:
            return  # the client left
        signatures.check_with_body(request, body)
        receive = replayed(body, receive)
    target = request.headers.get("x-amz-target", "").encode()
    if saving.may_change(request.method, target):
        send = saving.saving(send, request.scope)
    await ministack.app(request.scope, receive, send)


async def _answer(send: Send, status: int, body: dict) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def main() -> None:
    """Serve until told to stop."""
    steady.install()
    workers.install()
    saving.restore()
    delivery.dispatcher.start()
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
    await serve(app, config, shutdown_trigger=_stopped)
    saver.cancel()
    saving.ledger.close()


@around(TCPServer, "_read_data")
async def read_data(kept: Callable[..., Awaitable], connection: TCPServer) -> None:
    """Let a connection go that its client closed: Hypercorn would wait for more."""
    await kept(connection)
    await connection.idle_task.stop()


def _health() -> dict[str, Any]:
    waiting = delivery.dispatcher.waiting
    said = {"notice": saving.notice(), "full": saving.little_room()}
    return {"pid": os.getpid(), "waiting": waiting, **said}


async def _stopped() -> None:
    """Wait until told to stop, and until what runs has ended: it needs us for that."""
    await saving.stopping.wait()
    await asyncio.to_thread(delivery.dispatcher.stop, delivery.STOP_S)
