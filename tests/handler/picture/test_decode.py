"""JPEGs of which a part is missing, with an end all the same: refused, no other."""

import contextlib
import random
from itertools import product

import pytest
from PIL import Image
from support.pictures import encoded, landscape, large, photo
from support.rows import rows

from handler.errors import ImageRejected
from handler.picture import jpeg
from handler.picture.render import make_thumbnail, thumbnail

END = b"\xff\xd9"
KINDS = [
    {},
    {"optimize": True},
    {"quality": 100, "subsampling": "4:4:4"},
    {"subsampling": "4:2:2"},
    {"restart_marker_blocks": 1},
    {"restart_marker_rows": 1},
]
SIZE = (320, 240)
BOXES = [20, 40, 80, 320]  # decoded at 1/8, 1/4, 1/2 and in full


def scan_data(data, number=0):
    """Return where a scan's coded data begins, and where it ends."""
    segments = jpeg.walk(data)
    at = [segment.marker for segment in segments].index(jpeg.START_OF_SCAN)
    places = [
        (segment.body, following.start)
        for segment, following in zip(segments[at:], segments[at + 1 :], strict=False)
        if segment.marker == jpeg.START_OF_SCAN
    ]
    return places[number]


def cuts(start, end, many=8):
    """Return places from a scan's first byte to near its end."""
    return range(start, end - 200, (end - 200 - start) // many)


@pytest.mark.parametrize("mode", rows(["RGB", "CMYK", "L"]))
def test_cut_with_an_end(mode):
    for options in KINDS:
        data = encoded(photo(SIZE).convert(mode), **options)
        for at, box in product(cuts(*scan_data(data)), BOXES):
            with pytest.raises(ImageRejected, match="truncated"):
                make_thumbnail(data[:at] + END, box)


def test_cut_with_anything_after_it():
    data = encoded(photo())
    noise = random.Random(1).randbytes(200).replace(b"\xff", b"")
    start, end = scan_data(data)
    for tail in (noise, bytes(200), data[2:600], data):
        for at in cuts(start, end - 2000):
            with pytest.raises(ImageRejected):
                make_thumbnail(data[:at] + tail + END)


def test_cut_in_a_progressive_scan():
    data = encoded(landscape((640, 480)), progressive=True)
    for number in range(10):
        start, end = scan_data(data, number)
        for at, rest in product(cuts(start, end, 3), (END, data[end:])):
            with pytest.raises(ImageRejected, match="truncated"):
                make_thumbnail(data[:at] + rest, 640)


def test_bytes_missing_in_the_middle():
    data = encoded(photo())
    start, end = scan_data(data)
    half = (start + end) // 2
    with pytest.raises(ImageRejected, match="truncated"):
        make_thumbnail(data[:half] + data[half + 1000 :])


@pytest.mark.parametrize("marker", [b"\xff\xd0", b"\xff\x01", b"\xff\xc4\0\x02"])
def test_marker_in_coded_data(marker):
    data = encoded(photo())
    half = sum(scan_data(data)) // 2
    with pytest.raises(ImageRejected, match="truncated"):
        make_thumbnail(data[:half] + marker + data[half:])


def made(data):
    with contextlib.suppress(ImageRejected):
        return make_thumbnail(data, 40)
    return None


def test_damage_is_found_without_a_walk_as_with_it():
    """Of a file with one byte behind its end, nothing is presumed."""
    chance = random.Random(5)
    data = encoded(photo((100, 80)))
    start, end = scan_data(data)
    whole, different = made(data), 0
    for _ in range(150):
        at = chance.choice([chance.randrange(start, end), end - chance.randrange(90)])
        cut = chance.choice([0, 0, 1, 3, 20])
        put = chance.choice(
            [b"", b"\xff", chance.randbytes(3), b"\xff\xd9", b"\0" * 80]
        )
        put = chance.choice([put, b"\xff" + bytes([chance.randrange(1, 255)])])
        damaged = data[:at] + put + data[min(at + cut, end) :]
        found = made(damaged)
        assert found == made(damaged + b"\0"), (at, cut, put)
        different += found != whole
    assert different > 100


def test_no_scan():
    data = encoded(photo())
    with pytest.raises(ImageRejected, match="broken JPEG"):
        make_thumbnail(data[: data.index(b"\xff\xda")] + END)


# Never refused


SIZES = [(33, 17), (1, 1), (8, 8), (2049, 40), (700, 500)]


@pytest.mark.parametrize(("size",), rows([(size,) for size in SIZES], quick=3))
def test_whole(size):
    pictures = landscape(size), Image.new("RGB", size, (9, 99, 200))
    for image, progressive, options in product(pictures, (False, True), KINDS):
        data = encoded(image, progressive=progressive, **options)
        for box in (3, 64, 2049):
            assert thumbnail(data, box).source_size == size


@pytest.mark.parametrize("progressive", [False, True])
def test_padding_of_coded_data(progressive):
    data = encoded(photo(SIZE), progressive=progressive)
    made = make_thumbnail(data)
    for padding in (b"\0", b"\xff", bytes(5000), b"\xff" * 999, b"ab"):
        assert make_thumbnail(data[:-2] + padding + END) == made


def test_restart_after_the_last_data():
    data = encoded(photo(), restart_marker_rows=1)
    assert make_thumbnail(data[:-2] + b"\xff\xd0" + END) == make_thumbnail(data)


# Not told


def test_last_block_is_not_missed():
    data = encoded(photo().convert("L"), restart_marker_blocks=1)
    assert thumbnail(data[:-30] + END).size == (256, 192)


def test_cut_between_two_scans():
    data = encoded(photo(), progressive=True)
    assert thumbnail(data[: scan_data(data, 5)[1]] + END).size == (256, 192)


def test_cut_at_a_restart_of_a_progressive_scan():
    data = encoded(photo(), progressive=True, restart_marker_blocks=1)
    start, end = scan_data(data, 5)
    half = data.index(b"\xff\xd0", (start + end) // 2)
    assert thumbnail(data[:half] + END, 640).size == (640, 480)


def test_cut_that_changes_no_pixel():
    data = large()
    start, end = scan_data(data, -1)
    short = data[: (start + end) // 2] + END
    assert make_thumbnail(short, 100) == make_thumbnail(data, 100)


def test_damage_that_keeps_the_amount():
    data = encoded(photo((32, 24)))
    made = set()
    for at in range(scan_data(data)[0], len(data) - 2, 4):
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with contextlib.suppress(ImageRejected):
            made.add(make_thumbnail(flipped))
    assert len(made) > 1


def test_arithmetic_coding_is_not_looked_into():
    data = encoded(photo()).replace(b"\xff\xc0", b"\xff\xc9")
    assert thumbnail(data).size == (256, 192)


def test_a_channel_without_its_first_scan_is_no_picture():
    data = encoded(photo(), progressive=True, subsampling="4:4:4")
    starts = [part for part in jpeg.walk(data) if part.marker == jpeg.START_OF_SCAN]
    means, detail = starts[:2]
    with pytest.raises(ImageRejected, match="a first scan is missing"):
        make_thumbnail(data[: means.start] + data[detail.start :])
