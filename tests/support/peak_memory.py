"""Peak memory of the function as deployed, and the pictures that take the most of it.

A fresh process with the runtime's imports, glibc's own number of arenas and 512 MB,
against an S3 that has one picture under every key. VmHWM, since getrusage's ru_maxrss
starts at the size of the process that started this one, and RLIMIT_AS and VmPeak count
addresses, which threads and allocators reserve by the gigabyte.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from support.pictures import chunk, encoded, flat_jpeg, plain_interlaced, raw_png
from support.programs import python

ROOT = Path(__file__).parents[2]
FULL = (8165, 6123)  # 49.99 megapixels

FUNCTION = """
import json, sys
import boto3
endpoint, recipe, *events = sys.argv[1:]
client = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint)
from handler import lambda_handler
record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
for uploads in events:
    event = {"Records": [
        record | {"s3": {"bucket": {"name": "photos"}, "object": {"key": f"{n}.png"}}}
        for n in range(int(uploads))
    ]}
    env = {"TARGET_BUCKET": "thumbs", "RECIPE": recipe}
    lambda_handler(event, client=client, env=env)
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    print(json.dumps({"peak_kb": int(fields["VmHWM"].split()[0])}))
"""


class Peak(NamedTuple):
    """The whole process at its peak, in MiB, and why its pictures were rejected."""

    mib: int
    rejected: str


class _Bucket(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # else a PUT waits a second for "100 Continue"

    def do_GET(self) -> None:
        self._answer('"1"', self.server.picture)  # type: ignore[attr-defined]

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer('"2"', b"")

    def _answer(self, etag: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def _bucket(picture: bytes) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Bucket) as server:
        server.picture = picture  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def peak(picture: bytes, uploads: int = 1, recipe: str = "") -> Peak:
    """Measure one event of so many uploads of a picture."""
    (found,) = peaks(picture, uploads, recipe=recipe)
    return found


def peaks(picture: bytes, *uploads: int, recipe: str = "") -> list[Peak]:
    """Measure events of so many uploads, one after the other in one process."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    env |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with _bucket(picture) as endpoint:
        event = (endpoint, recipe, *map(str, uploads))
        command = ("-W", "error", "-c", FUNCTION, *event)
        done = python(*command, cwd=ROOT, env=env, check=True)
    found: list[Peak] = []
    reasons: set[str] = set()
    for line in map(json.loads, done.stdout.splitlines()):
        if "peak_kb" in line:
            found.append(Peak(line["peak_kb"] // 1024, "; ".join(sorted(reasons))))
            reasons = set()
        elif line["outcome"] != "made":
            reasons.add(line["reason"])
    return found


def _png(mode: str, **options: Any) -> Callable[[], bytes]:
    return lambda: encoded(_gradient(mode), "PNG", compress_level=1, **options)


def _jpeg(
    mode: str, size: tuple[int, int] = FULL, **options: Any
) -> Callable[[], bytes]:
    return lambda: encoded(_gradient(mode, size), **options)


def _gradient(mode: str, size: tuple[int, int] = FULL) -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert(mode)


def _plain(
    depth: int, colour: int, channels: int, size: tuple[int, int] = FULL, clear: int = 0
) -> Callable[[], bytes]:
    """A PNG of zeros, whose transparent colour takes so many bytes."""
    row = bytes(1 + channels * depth // 8 * size[0])
    extra = chunk(b"tRNS", bytes(clear)) if clear else b""
    return lambda: raw_png(size, depth, colour, row * size[1], extra=extra)


#: The largest that is let in of every kind: 50 megapixels, or what there is room for.
KINDS: dict[str, Callable[[], bytes]] = {
    "PNG, 1": _png("1"),
    "PNG, L": _png("L"),
    "PNG, L, one colour transparent": _plain(8, 0, 1, clear=2),
    "PNG, LA": _png("LA"),
    "PNG, P": _png("P"),
    "PNG, P, transparent": _png("P", transparency=bytes(range(256))),
    "PNG, RGB": _png("RGB"),
    "PNG, RGB, one colour transparent": _plain(8, 2, 3, clear=6),
    "PNG, RGBA": _png("RGBA"),
    "PNG, grey, 16 bits": _plain(16, 0, 1),
    "PNG, grey, 16 bits, one transparent": _plain(16, 0, 1, clear=2),
    "PNG, RGB, 16 bits": _plain(16, 2, 3),
    "PNG, RGB, 16 bits, one transparent": _plain(16, 2, 3, clear=6),
    "PNG, RGBA, 16 bits": _plain(16, 6, 4),
    "PNG, interlaced, RGB": lambda: plain_interlaced(FULL, "RGB"),
    "PNG, interlaced, RGBA": lambda: plain_interlaced(FULL, "RGBA"),
    "JPEG": _jpeg("RGB"),
    "JPEG, 4:4:4": _jpeg("RGB", subsampling="4:4:4"),
    "JPEG, grey": _jpeg("L"),
    "JPEG, CMYK": _jpeg("CMYK"),
    "JPEG, progressive, 4:2:0": _jpeg("RGB", progressive=True, subsampling="4:2:0"),
    "JPEG, progressive, 4:4:4": _jpeg(
        "RGB", (7000, 6200), progressive=True, subsampling="4:4:4"
    ),
    "JPEG, progressive, grey": _jpeg("L", progressive=True),
    "JPEG, progressive, CMYK": _jpeg("CMYK", (6300, 5100), progressive=True),
}

#: Let in or rejected, they must not end the function.
SHAPES: dict[str, Callable[[], bytes]] = {
    "PNG, RGBA, 50,000,000 × 1": _plain(8, 6, 4, (50_000_000, 1)),
    "PNG, L, 50,000,000 × 1": _plain(8, 0, 1, (50_000_000, 1)),
    "PNG, RGBA, 25,000,000 × 2": _plain(8, 6, 4, (25_000_000, 2)),
    "PNG, RGBA, 1,000,000 × 50": _plain(8, 6, 4, (1_000_000, 50)),
    "PNG, RGBA, 65,535 × 762": _plain(8, 6, 4, (65_535, 762)),
    "PNG, RGBA, 50 × 1,000,000": _plain(8, 6, 4, (50, 1_000_000)),
    "PNG, RGBA, 1 × 50,000,000": _plain(8, 6, 4, (1, 50_000_000)),
    "JPEG, 8160 × 6144": lambda: flat_jpeg((8160, 6144), "RGB"),
    "JPEG, 16382 × 3628": lambda: flat_jpeg((16382, 3628), "RGB"),
    "JPEG, 16320 × 12240": lambda: flat_jpeg((16320, 12240), "RGB"),
    "JPEG, progressive, 4:4:4, 50 MP": _jpeg(
        "RGB", progressive=True, subsampling="4:4:4"
    ),
}
