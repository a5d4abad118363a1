"""Memory: what is admitted fits the function, measured in processes of their own."""

import json
import os
import subprocess
import sys

import pytest
from PIL import Image
from support.peak_memory import KINDS, ROOT, SHAPES, peak
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

MIB = 2**20
LIMIT = 450  # of the 512 MB
SOURCES = 5 * 25  # of which four wait and one is copied

linux = pytest.mark.skipif(sys.platform != "linux", reason="peak RSS is Linux's")


@linux
@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_largest_admitted_picture_fits(name, record_property):
    mib, rejected = peak(KINDS[name]())
    print(f"{name}: {mib} MB")
    record_property("peak_mb", mib)
    assert rejected == ""
    # The sources that may wait are not in this process: leave them their place.
    assert mib + SOURCES < memory.DEFAULT_MB


@linux
@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_extreme_shapes_fit_or_are_rejected(name):
    mib, rejected = peak(SHAPES[name]())
    print(f"{name}: {mib} MB {rejected}")
    assert mib < LIMIT


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


@pytest.mark.parametrize(
    "size", rows([[20_000, 100], [20_000, 300], [3_000_001, 2], [2, 3_000_001]])
)
def test_tiles_are_averaged_as_a_whole_picture_is(size):
    whole = Image.linear_gradient("L").resize(size).convert("RGBA")
    whole.putalpha(Image.linear_gradient("L").rotate(90).resize(size))
    step = tuple(max(1, side // 768) for side in size)
    expected = whole.convert("RGBa").reduce(step)
    made = pixels.Averager(step)(whole, (0, 0, *size))
    assert made.size == expected.size
    assert made.tobytes() == expected.tobytes()


@pytest.fixture
def full():
    """RGBA of 50 megapixels in 25 MB."""
    picture = KINDS["PNG, RGBA"]()
    ballast = os.urandom(25 * MIB - len(picture) - 12)
    return after_ihdr(picture, chunk(b"prIv", ballast))


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
SIZES = [(700, 900), (1535, 1535), (2303, 2303), (1, 20_000), (20_000, 1), (3000, 900)]


@linux
@pytest.mark.slow
def test_eight_bits_of_any_size_add_little(tmp_path):
    for number, size in enumerate(SIZES):
        image = Image.effect_noise(size, 40)
        for mode in ("L", "RGB", "RGBA", "LA"):
            data = encoded(image.convert(mode), "PNG", compress_level=1)
            (tmp_path / f"{number} {mode}.png").write_bytes(data)
        data = encoded(image.convert("RGB").quantize(256), "PNG", compress_level=1)
        (tmp_path / f"{number} P.png").write_bytes(data)
    command = [sys.executable, "-c", ADDED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert max(map(int, done.stdout.split()[1:])) <= 6 * 1024


@linux
@pytest.mark.slow
def test_ten_uploads_of_25_mb_fit(full):
    mib, rejected = peak(full, uploads=10)
    print(f"ten uploads of 25 MB, 50 megapixels each: {mib} MB")
    assert rejected == "" and mib < LIMIT


# All that a recipe may ask of a function of 512 MB: 15 MB of pixels in four renditions.
LARGE = {
    "width": 1280,
    "height": 720,
    "fit": "cover",
    "effects": [{"effect": "blur"}, {"effect": "colorize", "dark": "#203040"}],
    "watermark": {"text": "Workbook"},
}
RECIPE = {"renditions": dict.fromkeys("abcd", LARGE), "labels": {"by": "model"}}


@linux
@pytest.mark.slow
def test_largest_recipe_fits(full):
    text = json.dumps(RECIPE)
    dry_run.check(text, Config("thumbs"))
    mib, rejected = peak(full, uploads=10, recipe=text)
    print(f"ten uploads of 25 MB, 50 megapixels each, by the largest recipe: {mib}")
    assert rejected == "" and mib < memory.DEFAULT_MB


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
