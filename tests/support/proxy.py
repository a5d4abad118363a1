"""A proxy in front of the local cloud, where requests get lost, late or refused."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support.moto_cloud import error_answer

from deploy.cloud import Cloud
from deploy.local import server

FAULTS = ("dropped before", "dropped after", "refused", "late", "held")
_READS = ("Get", "List", "Head", "Describe", "Filter", "Simulate")
_HOP = ("connection", "keep-alive", "transfer-encoding", "host", "expect")
#: Of an answer, what the proxy writes itself.
_OURS = (*_HOP, "content-length", "date", "server")


class Proxy:
    """Forwards to the local cloud, and spoils the changing requests it is told to.

    Attributes:
        fault: one of `FAULTS`: the line is cut before the request was forwarded, or
            after it was done; it is answered 503, or only after `late_s`; or it is
            done, and nobody answers until `release` is called.
        at: which changing request, by its number from 1, meets the fault.
        changes: the changing requests so far, as "s3 PUT /…?tagging", each try counted.
        held: set when a request is held.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()
        self._go_on = threading.Event()
        self.held = threading.Event()
        self.reset()
        proxy = self

        class Handler(_Handler):
            """One connection of a client's."""

            spoiled_by = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def reset(
        self, fault: str = "", at: Callable[[int], bool] = bool, late_s: float = 0
    ) -> None:
        """Forget what came by; from now on, spoil what `at` says."""
        self.release()
        self._go_on, self.held = threading.Event(), threading.Event()
        self.fault, self.at, self.late_s = fault, at, late_s
        self.changes: list[str] = []

    def release(self) -> None:
        """Let go of the request that is held: its line is cut."""
        self._go_on.set()

    def close(self) -> None:
        """Stop; what is still on its way is cut off."""
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def count(self, name: str) -> str:
        """Note a changing request, and say which fault it meets, if any."""
        with self._lock:
            self.changes.append(name)
            return self.fault if self.at(len(self.changes)) else ""

    def wait(self, seconds: float) -> None:
        """Answer nobody for a while."""
        self._go_on.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    spoiled_by: Proxy

    def _serve(self) -> None:
        proxy = self.spoiled_by
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        service, name, changes = _named(self, body)
        fault = proxy.count(f"{service} {name}") if changes and proxy.fault else ""
        if fault == "dropped before":
            self._cut()
        elif fault == "refused":
            code = "SlowDown" if service == "s3" else "ServiceUnavailable"
            headers, text = error_answer(service, code, "Please try again.")
            self._answer(503, list(headers.items()), text.encode())
        else:
            answer = self._forward(body)
            if fault == "late":
                proxy.wait(proxy.late_s)
            if fault == "held":
                proxy.held.set()
                proxy.wait(60)
            if fault in ("dropped after", "held", "late"):
                self._cut()
            else:
                self._answer(*answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _serve

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        onward = HTTPConnection(self.spoiled_by.upstream, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
        headers = signed_anew(
            self.command, f"http://{self.spoiled_by.upstream}{self.path}", headers, body
        )
        try:
            onward.request(self.command, self.path, body, headers)
            answer = onward.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            onward.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        length = str(len(body))
        if self.command == "HEAD":  # its length is that of what it does not send
            length = next((v for k, v in headers if k.lower() == "content-length"), "0")
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in _OURS:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

    def handle_expect_100(self) -> bool:
        """Take the body at once: botocore waits a second for nothing otherwise."""
        self.send_response_only(100)
        self.end_headers()
        return True

    def handle(self) -> None:
        """Serve, and let a client go that was killed."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def finish(self) -> None:
        """Close, also where nobody is left to hear it."""
        with suppress(OSError):
            super().finish()

    def _cut(self) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests say what they saw."""


def _named(request: BaseHTTPRequestHandler, body: bytes) -> tuple[str, str, bool]:
    """Tell a request's service and operation, and whether that changes anything."""
    signed = request.headers.get("Authorization", "")
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([a-z0-9-]+)/", signed)
    service = scope[1] if scope else ""
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    path, _, query = request.path.partition("?")
    if "/operation/" in path:
        target = path.rpartition("/")[2]
    if not target and request.command == "POST" and service in ("iam", "sts"):
        target = parse_qs(body.decode()).get("Action", [""])[0]
    if not target and body.startswith(b"Action="):
        target = parse_qs(body.decode()).get("Action", [""])[0]
    if target:
        return service, target, not target.startswith(_READS)
    part = query.partition("=")[0].partition("&")[0]
    shape = re.sub(r"(?<=/)[\w.-]*proxied[\w.-]*|(?<=versions/)\d+", "…", path)
    shown = f"{request.command} {shape}" + (f"?{part}" if part else "")
    return service, shown, request.command not in ("GET", "HEAD")


class _AsHashed(S3SigV4Auth):
    """Signs for the hash of the body that the client said."""

    def payload(self, request: AWSRequest) -> str:
        """Return that hash."""
        return request.headers.get("X-Amz-Content-SHA256") or super().payload(request)


def signed_anew(
    method: str, url: str, headers: dict[str, str], body: bytes
) -> dict[str, str]:
    """Sign a request for the local cloud's own host, which the signature holds, too.

    Returns its headers; those of a request that nobody signed stay as they are.
    """
    by = next((v for k, v in headers.items() if k.lower() == "authorization"), "")
    running = server.find()
    if not by or running is None:
        return headers
    _, _, region, service, _ = re.search(r"Credential=([^,]+)", by)[1].split("/")
    keys = Credentials(running.access_key, running.secret_key)
    request = AWSRequest(method, url, headers, body)
    signer = _AsHashed if service == "s3" else SigV4Auth
    signer(keys, service, region).add_auth(request)
    return dict(request.headers.items())


@pytest.fixture
def proxy(local: Cloud) -> Iterator[Proxy]:
    """A proxy in front of the shared local cloud."""
    proxy = Proxy(local.endpoint)
    yield proxy
    proxy.close()
