"""JPEG scans: counted, bounded, and left out only where no pixel changes."""

import contextlib
import io
import random

import pytest
from PIL import Image
from support.pictures import (
    after_soi,
    chart,
    encoded,
    landscape,
    large,
    photo,
    scan_bomb,
    segment,
)
from support.rows import rows

from handler.errors import ImageRejected
from handler.picture import jpeg
from handler.picture.render import make_thumbnail, thumbnail

SUBSAMPLINGS = ["4:4:4", "4:2:2", "4:2:0"]


def left_out(data):
    return jpeg.without_detail(data, jpeg.walk(data))


def at_an_eighth(data):
    image = decoded_draft(data)
    return image.size, image.tobytes()


def decoded_draft(data):
    image = Image.open(io.BytesIO(data))
    image.draft(None, (1, 1))
    image.load()
    return image


def test_presumed_of_most_photos():
    for options in ({}, {"quality": 95, "subsampling": "4:4:4"}, {"optimize": True}):
        data = encoded(photo(), **options)
        assert jpeg.presumed(data) == jpeg.walk(data)


def test_presumed_of_no_other():
    usual = encoded(chart())
    body = jpeg.walk(usual)[-2].body
    several = after_soi(usual, segment(0xE2, b"MPF\0" + bytes(80)))
    others = [
        encoded(chart(), progressive=True),
        encoded(chart(), restart_marker_blocks=1),
        several,
        usual + b"film",
        usual[:-9] + b"\xff\xdc\0\x04\0\x80" + b"\xff\xd9",  # DNL
        usual[: body - 6] + b"\xff\xd9",
        usual[:2] + b"\xff\xe1\xff\xff" + usual[4:],
    ]
    for data in others:
        assert jpeg.presumed(data) == []


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_count(options):
    segments = jpeg.walk(encoded(chart(), **options))
    assert jpeg.count(segments) == (10 if options else 1)


def test_restarts_are_no_scans():
    data = encoded(photo(), restart_marker_blocks=1)
    assert data.count(b"\xff\xd0") > 100
    assert jpeg.count(jpeg.walk(data)) == 1


def test_scan_in_metadata_is_none():
    data = after_soi(encoded(chart()), segment(0xE1, b"\xff\xda\0\x02" * 900))
    assert jpeg.count(jpeg.walk(data)) == 1


def test_film_behind_a_photo_is_no_scan():
    data = encoded(chart()) + b"\xff\xda\0\x08" * 3000
    assert thumbnail(data).size == (256, 128)


def test_padding_before_a_marker():
    data = encoded(chart())
    padded = data[:2] + b"\xff" * 1_000_000 + data[2:]
    assert jpeg.count(jpeg.walk(padded)) == 1


@pytest.mark.parametrize("count", [100, 3000])
def test_scan_bomb(count):
    with pytest.raises(ImageRejected, match="more than 100 scans"):
        make_thumbnail(scan_bomb(count))


def test_scan_bomb_below_the_limit():
    assert thumbnail(scan_bomb(80)).size == (256, 128)


def test_segment_bomb():
    data = after_soi(encoded(chart()), segment(0xFE, b"") * 10_000)
    with pytest.raises(ImageRejected, match="more than 2000 segments"):
        make_thumbnail(data)


@pytest.mark.parametrize("scan", [0, 1, -2, -1])
def test_no_end_and_a_scan_less(scan):
    data = encoded(chart((800, 600)), progressive=True)
    scans = [part for part in jpeg.walk(data) if part.marker == jpeg.START_OF_SCAN]
    with pytest.raises(ImageRejected, match="truncated"):
        jpeg.walk(data[: scans[scan].start])


# What is left out


@pytest.mark.parametrize("size", [(801, 603), (808, 8), (17, 1000)])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("quality", [20, 95])
def test_same_pixels(size, subsampling, quality):
    image = landscape(size)
    data = encoded(image, progressive=True, subsampling=subsampling, quality=quality)
    shorter = left_out(data)
    assert jpeg.count(jpeg.walk(shorter)) <= jpeg.count(jpeg.walk(data))
    assert shorter != data
    assert at_an_eighth(shorter) == at_an_eighth(data)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_same_pixels_in_other_modes(mode):
    data = encoded(landscape((801, 603)).convert(mode), progressive=True)
    assert len(left_out(data)) < len(data) / 2
    assert at_an_eighth(left_out(data)) == at_an_eighth(data)


def test_same_pixels_with_restarts():
    data = encoded(landscape((800, 600)), progressive=True, restart_marker_blocks=7)
    assert len(left_out(data)) < len(data)
    assert at_an_eighth(left_out(data)) == at_an_eighth(data)


def test_halved_chroma_keeps_its_detail():
    data = encoded(photo((800, 600)), progressive=True, subsampling="4:2:0")
    # Of ten scans, four are detail of brightness; one says "no detail" in their place.
    assert jpeg.count(jpeg.walk(left_out(data))) == 10 - 4 + 1


def test_whole_thumbnail_is_the_same(monkeypatch):
    data = large()
    short = make_thumbnail(data)
    monkeypatch.setattr(jpeg, "EIGHTH", None)  # never taken
    assert make_thumbnail(data) == short


def test_baseline_is_left_as_it_is():
    data = encoded(photo())
    assert left_out(data) is data


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (9, 4),  # a channel more than there are
        (11, 0x00),  # no samples
        (11, 0x51),  # more than the standard has
        (13, 1),  # two channels of one number
    ],
)
def test_strange_frames_are_left_as_they_are(at, value):
    data = bytearray(encoded(photo(), progressive=True))
    data[data.index(b"\xff\xc2") + at] = value
    assert left_out(bytes(data)) == data


def test_two_frames_are_left_as_they_are():
    data = encoded(photo(), progressive=True)
    at = data.index(b"\xff\xc2")
    twice = data[: at + 19] + data[at : at + 19] + data[at + 19 :]
    assert left_out(twice) is twice


def test_truncated_large_picture():
    data = large()
    for percent in range(4, 100, 12):
        with pytest.raises(ImageRejected):
            make_thumbnail(data[: len(data) * percent // 100])


@pytest.mark.parametrize("seed", rows(range(20), quick=5))
def test_damage_never_escapes(seed):
    data = bytearray(encoded(photo((800, 600)), progressive=True))
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 30)):
        data[chance.randrange(len(data))] = chance.choice([0, 1, 0xDA, 0xC2, 0xFF])
    with contextlib.suppress(ImageRejected):
        assert thumbnail(bytes(data), 64).size[0] <= 64
