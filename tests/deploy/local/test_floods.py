"""Who is refused costs nothing: a body is not read first, a connection not kept."""

from __future__ import annotations

import os
import socket
import threading
import time

import psutil
import pytest
from support.raw_requests import REGION

from deploy.local import server

MB = 1_000_000
FLOOD_MB = 60


@pytest.fixture
def bucket(bench):
    return bench.bucket()


def flood(port: int, head: str) -> tuple[int, bytes]:
    """Send a request with a large body; return the MB that were taken, and status."""
    lines = [head, f"Host: 127.0.0.1:{port}", f"Content-Length: {FLOOD_MB * MB}"]
    taken = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        try:
            while taken < FLOOD_MB:
                connection.sendall(bytes(MB))
                taken += 1
        except OSError:  # the other side closed
            pass
        return taken, connection.recv(1000).split(b" ")[1]


def forged(service: str, *headers: str) -> str:
    """Headers with a made-up signature of the key that every local cloud has."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{server.ACCESS_KEY}/{now[:8]}/{REGION}/{service}/aws4_request"
    names = [header.partition(":")[0].lower() for header in headers]
    signed = ";".join(sorted(["host", "x-amz-date", *names]))
    signature = f"SignedHeaders={signed}, Signature={'0' * 64}"
    authorization = f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, {signature}"
    return "\r\n".join([*headers, f"X-Amz-Date: {now}", authorization])


STREAMED = "X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
HASHED = f"X-Amz-Content-Sha256: {'0' * 64}"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("PUT /BUCKET/key HTTP/1.1", b"403"),
        ("GET /BUCKET/key HTTP/1.1", b"400"),
        ("OPTIONS /BUCKET/key HTTP/1.1\r\nOrigin: http://app.example", b"400"),
        ("POST / HTTP/1.1\r\nX-Amz-Target: AmazonSQS.ListQueues", b"403"),
        ("PUT /BUCKET/key HTTP/1.1\r\n" + forged("s3", HASHED), b"403"),
        ("PUT /BUCKET/key HTTP/1.1\r\n" + forged("s3", STREAMED), b"403"),
        (
            "POST / HTTP/1.1\r\n" + forged("sqs", "X-Amz-Target: AmazonSQS.ListQueues"),
            b"403",
        ),
    ],
)
def test_a_body_is_refused_before_it_is_read(local, bucket, head, status):
    taken, answer = flood(server.find().port, head.replace("BUCKET", bucket))
    assert answer == status
    assert taken < FLOOD_MB / 2  # what lies in the sockets' buffers, and 5 MB at most


def test_a_real_client_hears_why_it_was_refused(local, bucket):
    client = type(local.session)(
        server.ACCESS_KEY, "a wrong secret", region_name=local.region
    ).client("s3", endpoint_url=local.endpoint)
    with pytest.raises(client.exceptions.ClientError, match="SignatureDoesNotMatch"):
        client.put_object(Bucket=bucket, Key="a", Body=bytes(20 * MB))


def test_a_large_upload_that_is_signed_comes_through(local, bucket):
    body = os.urandom(20 * MB)
    local.s3.put_object(Bucket=bucket, Key="a", Body=body)
    assert local.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == body


@pytest.mark.skipif(os.name == "nt", reason="POSIX descriptors")
def test_a_closed_connection_is_let_go(local):
    running = server.find()
    process, pause = psutil.Process(running.pid), threading.Event()
    before = process.num_fds()
    address = ("127.0.0.1", running.port)
    opened = [socket.create_connection(address) for _ in range(100)]
    for connection in opened:
        connection.close()
    deadline = time.monotonic() + 10
    while process.num_fds() > before + 20 and time.monotonic() < deadline:
        pause.wait(0.05)
    assert process.num_fds() <= before + 20
