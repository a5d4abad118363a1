"""Memory: what is admitted fits the function, measured in processes of their own."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image
from support.pictures import (
    after_ihdr,
    chart,
    chunk,
    deep_colours,
    encoded,
    interlaced,
    raw_png,
)
from support.rows import rows

from handler.config import Config
from handler.errors import ConfigError, ImageRejected
from handler.picture import memory, pixels
from handler.picture.render import thumbnail
from handler.recipe import dry_run

ROOT = Path(__file__).parents[3]
MIB = 2**20
LARGEST = (8165, 6123)  # 49.99 megapixels
LIMIT = 450  # of the 512 MB
SOURCES = 5 * 25  # of which four wait and one is copied

# A fresh process with the runtime's imports. VmHWM, since getrusage's ru_maxrss starts
# at the size of the process that started this one.
MEASURE = """
import sys
from pathlib import Path
import boto3
client = boto3.client("s3", region_name="us-east-1", endpoint_url=sys.argv[2] or None)
from handler import lambda_handler
from handler.errors import ImageRejected
from handler.picture import render
if sys.argv[2]:
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    event = {"Records": [
        record | {"s3": {"bucket": {"name": "photos"}, "object": {"key": f"{n}.png"}}}
        for n in range(10)
    ]}
    env = {"TARGET_BUCKET": "thumbs", "RECIPE": sys.argv[3]}
    lambda_handler(event, client=client, env=env)
else:
    try:
        render.thumbnail(Path(sys.argv[1]).read_bytes())
    except ImageRejected as error:
        print(error)
[peak] = [
    line.split()[1]
    for line in Path("/proc/self/status").read_text().splitlines()
    if line.startswith("VmHWM")
]
print(int(peak) // 1024)
"""


def peak_mb(path="", endpoint="", recipe=""):
    if sys.platform != "linux":
        pytest.skip("peak RSS is read from Linux")
    # As the function has it: with glibc's own number of arenas.
    env = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")} | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        MEASURE,
        str(path),
        endpoint,
        recipe,
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return int(done.stdout.splitlines()[-1])


def gradient(mode, size=LARGEST):
    return Image.linear_gradient("L").resize(size).convert(mode)


def plain_rows(bits):
    """Return the rows of the largest PNG, ``bits`` a pixel, as zeros."""
    return bytes(1 + -(-LARGEST[0] * bits // 8)) * LARGEST[1]


def clear(count):
    return chunk(b"tRNS", bytes(count))


PICTURES = {
    "1": lambda: encoded(gradient("1"), "PNG", compress_level=1),
    "L": lambda: encoded(gradient("L"), "PNG", compress_level=1),
    "L, one colour transparent": lambda: raw_png(
        LARGEST, 8, 0, plain_rows(8), extra=clear(2)
    ),
    "P": lambda: encoded(gradient("P"), "PNG", compress_level=1),
    "P, transparent": lambda: encoded(
        gradient("P"), "PNG", compress_level=1, transparency=bytes(range(256))
    ),
    "LA": lambda: encoded(gradient("LA"), "PNG", compress_level=1),
    "RGB": lambda: encoded(gradient("RGB"), "PNG", compress_level=1),
    "RGB, one colour transparent": lambda: raw_png(
        LARGEST, 8, 2, plain_rows(24), extra=clear(6)
    ),
    "RGBA": lambda: encoded(gradient("RGBA"), "PNG", compress_level=1),
    "grey, 16 bits": lambda: raw_png(LARGEST, 16, 0, plain_rows(16)),
    "grey, 16 bits, one transparent": lambda: raw_png(
        LARGEST, 16, 0, plain_rows(16), extra=clear(2)
    ),
    "RGB, 16 bits": lambda: raw_png(LARGEST, 16, 2, plain_rows(48)),
    "RGB, 16 bits, one transparent": lambda: raw_png(
        LARGEST, 16, 2, plain_rows(48), extra=clear(6)
    ),
    "RGBA, 16 bits": lambda: raw_png(LARGEST, 16, 6, plain_rows(64)),
    "JPEG": lambda: encoded(gradient("RGB")),
    "JPEG, CMYK": lambda: encoded(gradient("CMYK")),
    "progressive, 4:2:0": lambda: encoded(
        gradient("RGB"), progressive=True, subsampling="4:2:0"
    ),
    "progressive, 4:4:4": lambda: encoded(
        gradient("RGB", (7000, 6200)), progressive=True, subsampling="4:4:4"
    ),
    "progressive, CMYK": lambda: encoded(
        gradient("CMYK", (6300, 5100)), progressive=True
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_largest_admitted_picture_fits(name, tmp_path, record_property):
    file = tmp_path / "picture"
    file.write_bytes(PICTURES[name]())
    peak = peak_mb(file)
    print(f"{name}: {peak} MB")
    record_property("peak_mb", peak)
    # The sources that may wait are not in this process: leave them their place.
    assert peak + SOURCES < memory.DEFAULT_MB


# In their few bytes, all of which a row or a column is.
EXTREMES = {
    "RGBA, 50,000,000 × 1": ((50_000_000, 1), 6, 4),
    "L, 50,000,000 × 1": ((50_000_000, 1), 0, 1),
    "RGBA, 25,000,000 × 2": ((25_000_000, 2), 6, 4),
    "RGBA, 1,000,000 × 50": ((1_000_000, 50), 6, 4),
    "RGBA, 65,535 × 762": ((65_535, 762), 6, 4),
    "RGBA, 50 × 1,000,000": ((50, 1_000_000), 6, 4),
    "RGBA, 1 × 50,000,000": ((1, 50_000_000), 6, 4),
}


def extreme(name):
    size, colour, channels = EXTREMES[name]
    return raw_png(size, 8, colour, bytes(1 + channels * size[0]) * size[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_shapes_fit_or_are_rejected(name, tmp_path):
    file = tmp_path / "picture"
    file.write_bytes(extreme(name))
    peak = peak_mb(file)
    print(f"{name}: {peak} MB")
    assert peak < LIMIT


def test_rows_are_counted():
    data = raw_png((1_000_000, 1), 8, 6, bytes(4_000_001))
    assert thumbnail(data, room=20 * MIB).size == (256, 1)
    with pytest.raises(ImageRejected, match="decoding takes"):
        thumbnail(data, room=8 * MIB)


def test_columns_are_counted():
    data = raw_png((1, 1_000_000), 16, 0, bytes(3) * 1_000_000)
    assert thumbnail(data, room=16 * MIB).size == (1, 256)
    with pytest.raises(ImageRejected, match="decoding takes 9 MB"):
        thumbnail(data, room=8 * MIB)


@pytest.mark.parametrize("size", rows([[20_000, 300], [3_000_001, 2], [2, 3_000_001]]))
def test_tiles_are_averaged_as_a_whole_picture_is(size):
    whole = Image.linear_gradient("L").resize(size).convert("RGBA")
    whole.putalpha(Image.linear_gradient("L").rotate(90).resize(size))
    step = tuple(max(1, side // 768) for side in size)
    expected = whole.convert("RGBa").reduce(step)
    made = pixels.Averager(step)(whole, (0, 0, *size))
    assert made.size == expected.size
    assert made.tobytes() == expected.tobytes()


class _Bucket(BaseHTTPRequestHandler):
    """An S3 that has one picture under every key, and keeps nothing."""

    body = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(self.body)

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("ETag", '"2"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def endpoint():
    picture = raw_png(LARGEST, 8, 6, plain_rows(32))
    ballast = os.urandom(25 * MIB - len(picture) - 12)
    _Bucket.body = after_ihdr(picture, chunk(b"prIv", ballast))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Bucket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


# What each adds to a process that has the file, and has made a thumbnail before.
ADDED = """
import gc, sys
from pathlib import Path
from handler import make_thumbnail
status = Path("/proc/self/status")
def kilobytes(field):
    lines = status.read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(field)))
files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
for data in [files[0], *files]:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = kilobytes("VmRSS")
    make_thumbnail(data)
    print(kilobytes("VmHWM") - before)
"""
#: A step of averaging begins at 1,536 and at 2,304 pixels: just below most is held.
SHAPES = [(700, 900), (1535, 1535), (2303, 2303), (1, 20_000), (20_000, 1), (3000, 900)]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak RSS is read from Linux")
def test_eight_bits_of_any_size_add_little(tmp_path):
    for number, size in enumerate(SHAPES):
        image = Image.effect_noise(size, 40)
        for mode in ("L", "RGB", "RGBA", "LA"):
            data = encoded(image.convert(mode), "PNG", compress_level=1)
            (tmp_path / f"{number} {mode}.png").write_bytes(data)
        data = encoded(image.convert("RGB").quantize(256), "PNG", compress_level=1)
        (tmp_path / f"{number} P.png").write_bytes(data)
    command = [sys.executable, "-c", ADDED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert max(map(int, done.stdout.split()[1:])) <= 6 * 1024


@pytest.mark.slow
def test_ten_uploads_of_25_mb_fit(endpoint):
    peak = peak_mb(endpoint=endpoint)
    print(f"ten uploads of 25 MB, 50 megapixels each: {peak} MB")
    assert peak < LIMIT


# All that a recipe may ask of a function of 512 MB: 15 MB of pixels in four renditions.
LARGE = {
    "width": 1280,
    "height": 720,
    "fit": "cover",
    "effects": [{"effect": "blur"}, {"effect": "colorize", "dark": "#203040"}],
    "watermark": {"text": "Workbook"},
}
RECIPE = {"renditions": dict.fromkeys("abcd", LARGE), "labels": {"by": "model"}}


@pytest.mark.slow
def test_largest_recipe_fits(endpoint):
    text = json.dumps(RECIPE)
    dry_run.check(text, Config("thumbs"))
    peak = peak_mb(endpoint=endpoint, recipe=text)
    print(f"ten uploads of 25 MB, 50 megapixels each, by the largest recipe: {peak}")
    assert peak < memory.DEFAULT_MB


def test_recipe_too_large():
    wrong = {"renditions": dict.fromkeys("abcde", LARGE)}
    with pytest.raises(ConfigError, match="could take 17 MB, and 16 is the most"):
        dry_run.check(json.dumps(wrong), Config("thumbs"))


# The arithmetic


@pytest.mark.parametrize(
    ("memory_mb", "room_mb"), [(128, 16), (256, 79), (512, 260), (1769, 1517)]
)
def test_room(memory_mb, room_mb):
    assert memory.for_pixels(memory_mb, 25 * MIB) == room_mb * MIB


def test_sources_held():
    assert [memory.sources_held(mb) for mb in (128, 256, 512, 1769)] == [1, 1, 4, 4]
    assert [memory.sources_held(mb, recipe=True) for mb in (256, 512)] == [1, 1]


@pytest.mark.parametrize(
    "write",
    [
        lambda: encoded(chart((1000, 1000)), "PNG"),
        lambda: encoded(chart((1000, 1000)), progressive=True),
        lambda: interlaced(chart((500, 500))),
        lambda: deep_colours([(1, 2, 3)], (1, 2, 3), side=600),
    ],
    ids=["whole", "progressive", "interlaced", "deep"],
)
def test_what_does_not_fit_is_rejected(write):
    with pytest.raises(ImageRejected, match="decoding takes"):
        thumbnail(write(), room=MIB)


def test_scan_of_one_channel_is_counted():
    data = encoded(chart((1000, 1000)))
    assert thumbnail(data, room=4 * MIB).size == (256, 256)
    at = data.rindex(b"\xff\xda")
    one = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"
    with pytest.raises(ImageRejected, match="decoding takes"):
        thumbnail(data[:at] + one + data[at + 14 :], room=4 * MIB)


def test_baseline_jpeg_needs_no_room():
    data = encoded(chart((4000, 3000)))
    assert thumbnail(data, 64, room=2 * MIB).size == (64, 48)
