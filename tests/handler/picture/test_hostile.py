"""Rare and hostile pictures: the rows of the handler's contract, one by one.

What is tested where, row by row (format and size are in test_render.py):

- format by content: wrong suffix, test_app.py; ``test_polyglot_*`` here
- empty, oversize: test_render.py, test_storage.py
- pixel bomb, scans: test_render.py, test_jpeg.py; memory: test_memory.py
- truncated, corrupt: ``test_cut_*`` and ``test_flipped_bits``; with an end all the
  same, and what of it cannot be told: test_decode.py
- orientation: test_render.py; ``test_orientation_*`` here
- ICC: ``test_wide_gamut``, ``test_cmyk_*``, ``test_*_profile``
- metadata and its bombs: ``test_no_byte_of_*``, ``test_*_bomb``
- CMYK, 16 bits, transparency, LA, interlaced: ``test_cmyk_*``, ``test_deep_*``,
  ``test_interlaced``; the common ones in test_render.py
- animated: ``test_animation_*``
- time: ``test_too_slow``, and test_app.py
"""

import contextlib
import io
import struct
import time
import zipfile
import zlib

import pytest
from PIL import Image, PngImagePlugin
from support.pictures import (
    BLUE,
    GREEN,
    RED,
    SECRET,
    WHITE,
    after_ihdr,
    after_soi,
    chart,
    chunk,
    cmyk_profile,
    corners,
    decoded,
    deep_colours,
    encoded,
    exif_of,
    interlaced,
    landscape,
    near,
    photo,
    raw_png,
    scan_bomb,
    segment,
    swapped_profile,
    tiff,
    wide_profile,
    without_adobe,
    zeros,
)
from support.rows import rows

from handler.errors import ImageRejected
from handler.picture.exif import orientation
from handler.picture.png import MAX_CHUNKS
from handler.picture.render import make_thumbnail, thumbnail

CHART = (RED, GREEN, BLUE, WHITE)


# Orientation


@pytest.mark.parametrize(("order", "start"), [("<", b"II*\0"), (">", b"MM\0*")])
def test_orientation_in_both_byte_orders(order, start):
    for value in range(1, 9):
        entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, value, 0)
        directory = struct.pack(f"{order}H", 1) + entry + bytes(4)
        exif = start + struct.pack(f"{order}I", 8) + directory
        assert orientation(exif) == orientation(b"Exif\0\0" + exif) == value


def test_orientation_of_a_wrong_type_or_count():
    for kind in (0, 1, 2, 4, 5, 7, 9, 10, 11, 12, 13, 65535):
        assert orientation(tiff(kind=kind)) == 1
    for count in (0, 2, 2**32 - 1):
        assert orientation(tiff(count=count)) == 1


def test_orientation_of_every_prefix():
    whole = tiff()
    assert orientation(whole) == 6
    assert {orientation(whole[:end]) for end in range(len(whole) - 6)} == {1}
    assert orientation(None) == 1


def test_orientation_after_many_tags():
    entries = b"".join(struct.pack("<HHII", tag, 3, 1, 0) for tag in range(200))
    exif = b"II*\0\x08\0\0\0" + struct.pack("<H", 201) + entries + tiff()[16:]
    assert orientation(exif) == 6


def test_orientation_of_a_phones_pictures():
    options = {"save_all": True, "append_images": [photo((400, 200))]}
    for value in range(1, 9):
        data = encoded(chart(), "MPO", exif=exif_of(value), **options)
        assert thumbnail(data).size == ((256, 128) if value < 5 else (128, 256))


# Colours


def test_cmyk_without_adobe_marker():
    # Chromium shows both alike, inverted (looked at in 2026), whatever the marker says.
    data = encoded(chart().convert("CMYK"))
    assert make_thumbnail(without_adobe(data)) == make_thumbnail(data)
    assert all(map(near, corners(decoded(make_thumbnail(without_adobe(data)))), CHART))


@pytest.mark.parametrize("adobe", [True, False])
@pytest.mark.parametrize("progressive", [True, False])
def test_cmyk_through_its_profile(adobe, progressive):
    # This profile's cyan ink prints as magenta, and its magenta ink as cyan.
    image = Image.new("CMYK", (1000, 500), (255, 0, 0, 0))
    data = encoded(image, icc_profile=cmyk_profile(), progressive=progressive)
    made = decoded(make_thumbnail(data if adobe else without_adobe(data)))
    assert (made.mode, made.size) == ("RGB", (256, 128))
    assert near(made.getpixel((50, 50)), (255, 0, 255))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_wide_gamut(kind):
    image = Image.new("RGB", (300, 300), (200, 80, 80))
    data = encoded(image, kind, icc_profile=wide_profile())
    made = decoded(make_thumbnail(data))
    # Display P3's reds are stronger than the same numbers in sRGB.
    assert near(made.getpixel((99, 99)), (216, 69, 75), by=4)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"name",
        b"name\0",
        b"name\0\1" + zlib.compress(swapped_profile())[:50],
        b"name\0\0" + zlib.compress(swapped_profile())[:-5],
        b"name\0\0" + zeros(),
        b"name\0\0" + zlib.compress(b"no profile"),
    ],
    ids=["empty", "no end", "no body", "other method", "cut", "huge", "no profile"],
)
def test_broken_png_profile(body):
    data = encoded(chart(), "PNG")
    assert make_thumbnail(after_ihdr(data, chunk(b"iCCP", body))) == make_thumbnail(
        data
    )


@pytest.mark.parametrize("parts", [(1, 3), (2, 2), (0, 0), (255, 9)])
def test_broken_jpeg_profile(parts):
    data = encoded(chart())
    body = b"ICC_PROFILE\0" + bytes(parts) + swapped_profile()
    assert make_thumbnail(after_soi(data, segment(0xE2, body))) == make_thumbnail(data)


def test_huge_jpeg_profile():
    data = encoded(chart(), icc_profile=swapped_profile() + bytes(2_000_000))
    assert thumbnail(data).size == (256, 128)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_interlaced(mode):
    image = chart((200, 160)).convert(mode)
    made, expected = (
        decoded(make_thumbnail(data))
        for data in (interlaced(image), encoded(image, "PNG"))
    )
    assert made.convert(mode).tobytes() == expected.convert(mode).tobytes()


def test_deep_colours():
    # All alike in their upper bytes; only the third is the one named.
    named = (0x0102, 0x0304, 0x0506)
    pixels = [(0x0102, 0x0304, 0x0507), (0x0202, 0x0304, 0x0506), named]
    made = decoded(make_thumbnail(deep_colours(pixels, named), 300))
    assert made.mode == "RGBA"
    assert [made.getpixel((x, 50))[3] for x in (50, 150, 250)] == [255, 255, 0]
    assert near(made.getpixel((50, 50))[:3], (1, 3, 5), by=1)


def test_deep_colours_of_many_bands():
    pixels = [(65535, 0, 0), (0, 65535, 0)]
    made = decoded(make_thumbnail(deep_colours(pixels, pixels[0], side=1000)))
    assert made.getpixel((64, 64))[3] == 0
    assert near(made.getpixel((192, 64)), (*GREEN, 255), by=2)


def test_deep_colours_without_transparency():
    line = b"\0" + struct.pack(">3H", 65535, 32768, 0) * 50
    made = decoded(make_thumbnail(raw_png((50, 50), 16, 2, line * 50)))
    assert (made.mode, made.getpixel((9, 9))) == ("RGB", (255, 128, 0))


def test_deep_alpha():
    line = b"\0" + struct.pack(">4H", 65535, 0, 0, 32768) * 50
    made = decoded(make_thumbnail(raw_png((50, 50), 16, 6, line * 50)))
    assert made.getpixel((9, 9)) == (255, 0, 0, 128)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_shallow_grey(depth):
    rows = (b"\0" + b"\xff" * (8 * depth) + bytes(8 * depth)) * 128
    made = decoded(make_thumbnail(raw_png((128, 128), depth, 0, rows)))
    assert corners(made.convert("L")) == [255, 0, 255, 0]


def test_palette_of_many_alphas():
    image = chart().quantize(4)
    alphas = bytes([40, 90, 140, 190])
    made = decoded(make_thumbnail(encoded(image, "PNG", transparency=alphas)))
    found = sorted(pixel[3] for pixel in corners(made))
    assert found == pytest.approx(list(alphas), abs=1)


def test_one_bit_with_transparency():
    image = Image.new("1", (200, 200))
    image.paste(1, (0, 0, 100, 200))
    made = decoded(make_thumbnail(encoded(image, "PNG", transparency=0)))
    expected = [(255, 255), (0, 0), (255, 255), (0, 0)]
    assert corners(made.convert("LA")) == expected


# Animated


def animation():
    frames = [photo((400, 200)), photo((400, 200))]
    return encoded(chart(), "PNG", save_all=True, append_images=frames)


def test_animation_is_its_first_frame():
    assert make_thumbnail(animation()) == make_thumbnail(encoded(chart(), "PNG"))


@pytest.mark.parametrize(
    "broken",
    [
        chunk(b"acTL", b""),
        chunk(b"acTL", bytes(8)),  # no frames: Pillow warns
        chunk(b"acTL", struct.pack(">II", 2, 0)) * 2,  # twice: Pillow warns
        chunk(b"acTL", b"\xff" * 8),
        chunk(b"fcTL", bytes(26)) * 3,  # numbers out of order
        chunk(b"fdAT", b""),
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 9999, 9999, 0, 0, 1, 1, 0, 0)),
    ],
)
def test_animation_that_is_broken(broken):
    data = encoded(chart(), "PNG")
    assert make_thumbnail(after_ihdr(data, broken)) == make_thumbnail(data)


# No byte of a payload


PAYLOAD = b"<script>alert(1)</script>" + SECRET


def as_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("payload", PAYLOAD)
    return file.getvalue()


def survives(made):
    return [part for part in (PAYLOAD, SECRET, b"<script", b"PK\3\4") if part in made]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("tail", [as_zip(), b"<html>" + PAYLOAD, bytes(1_000_000)])
def test_polyglot_behind_the_end(kind, tail):
    data = encoded(chart(), kind)
    made = make_thumbnail(data + tail)
    assert made == make_thumbnail(data)
    assert survives(made) == []


@pytest.mark.parametrize("marker", [0xFE, *range(0xE0, 0xF0)])
def test_no_byte_of_a_jpegs_segments(marker):
    for start in (b"", b"Exif\0\0", b"JFIF\0", b"Photoshop 3.0\0", b"MPF\0"):
        data = after_soi(encoded(chart()), segment(marker, start + PAYLOAD))
        try:
            assert survives(make_thumbnail(data)) == []
        except ImageRejected:
            assert marker in (0xE0, 0xED, 0xEE)


@pytest.mark.parametrize(
    "name",
    [
        *(b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"gAMA", b"cHRM", b"sRGB"),
        *(b"pHYs", b"tIME", b"bKGD", b"hIST", b"sPLT", b"sBIT", b"prIv"),
    ],
)
def test_no_byte_of_a_pngs_chunks(name):
    data = encoded(chart(), "PNG")
    made = make_thumbnail(after_ihdr(data, chunk(name, PAYLOAD)))
    assert made == make_thumbnail(data)


def test_no_byte_of_a_palette():
    colours = (PAYLOAD * 9)[:96]
    rows = bytes(101) * 100
    data = raw_png((100, 100), 8, 3, rows, extra=chunk(b"PLTE", colours))
    assert survives(make_thumbnail(data)) == []


@pytest.mark.parametrize(
    "data",
    [b"GIF89a" + PAYLOAD, b"%PDF-1.7", b"<svg/>", as_zip(), b"\xff\xd8\n"],
)
def test_polyglot_of_another_format(data):
    with pytest.raises(ImageRejected, match="not a JPEG or PNG"):
        make_thumbnail(data + encoded(chart()))


# Bombs


@pytest.mark.parametrize("name", rows([b"zTXt", b"iTXt", b"iCCP"]))
def test_png_text_bomb(name):
    flags = {b"iTXt": b"\0\1\0\0\0"}.get(name, b"\0\0")
    bomb = chunk(name, b"k" + flags + zeros())
    data = encoded(chart(), "PNG")
    assert make_thumbnail(after_ihdr(data, *[bomb] * 50)) == make_thumbnail(data)


def test_text_behind_the_pixels():
    bomb = chunk(b"zTXt", b"k\0\0" + zeros())
    data = encoded(chart(), "PNG")
    assert make_thumbnail(data[:-12] + bomb * 50 + data[-12:]) == make_thumbnail(data)


def test_chunk_bomb():
    data = encoded(chart(), "PNG")
    with pytest.raises(ImageRejected, match=f"more than {MAX_CHUNKS} chunks"):
        make_thumbnail(after_ihdr(data, chunk(b"prIv", b"") * MAX_CHUNKS))


EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"


@pytest.mark.parametrize(
    ("start", "count"), rows([(EXIF, 90), (EXIF, 300), (XMP, 300)])
)
def test_huge_jpeg_metadata(start, count):
    data = encoded(chart())
    bodies = [segment(0xE1, start + b"II*\0\x08\0\0\0" + b"\xff" * 60_000)] * count
    assert thumbnail(after_soi(data, *bodies)).size == (256, 128)


def test_huge_png_exif():
    data = encoded(chart(), "PNG")
    exif = chunk(b"eXIf", b"II*\0\x08\0\0\0" + b"\xff" * 10_000_000)
    assert make_thumbnail(after_ihdr(data, exif)) == make_thumbnail(data)


def test_too_slow():
    bomb = scan_bomb(90, landscape((2000, 1500)))
    began = time.monotonic()
    with pytest.raises(ImageRejected, match=r"too slow: not decoded within 0\.05 sec"):
        thumbnail(bomb, 1500, seconds=0.05)  # so large that no scan is left out
    assert time.monotonic() - began < 2


def test_too_slow_by_its_header():
    bomb = scan_bomb(90, Image.new("RGB", (4000, 3000)))
    with pytest.raises(ImageRejected, match=r"too slow: \d+ scans"):
        make_thumbnail(bomb)


# Cut and damaged


@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})]
)
def test_cut_in_its_last_bytes(kind, options):
    # What stands behind the pixels may be missing: test_lenient has it.
    data = encoded(photo((100, 80)), kind, **options)
    behind = {"JPEG": 20, "PNG": 26}[kind]
    for missing in (*range(behind, 50), 100, 1000):
        with pytest.raises(ImageRejected, match="truncated"):
            make_thumbnail(data[:-missing])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_cut_anywhere(kind):
    data = encoded(photo((24, 16)), kind, exif=exif_of(6))
    behind = {"JPEG": 5, "PNG": 22}[kind]
    for end in range(len(data) - behind):
        with pytest.raises(ImageRejected):
            make_thumbnail(data[:end])


def test_cut_behind_its_preview():
    # The end of the small picture inside EXIF must not pass for that of the photo.
    preview = segment(0xE1, b"Exif\0\0" + encoded(chart((80, 40))))
    data = after_soi(encoded(photo()), preview)
    with pytest.raises(ImageRejected, match="truncated"):
        make_thumbnail(data[: len(data) // 2])


def test_pixels_missing_before_the_end():
    data = encoded(photo((100, 80)), "PNG")
    at = data.index(b"IDAT") - 4
    half = chunk(b"IDAT", data[at + 8 : at + 4000])
    with pytest.raises(ImageRejected, match="broken PNG"):
        make_thumbnail(data[:at] + half + data[-12:])


def test_flipped_bits_of_a_jpeg():
    data = encoded(photo((24, 16)))
    for bit in range(0, len(data) * 8, 13):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        try:
            made = make_thumbnail(bytes(broken))
        except ImageRejected:
            continue
        assert max(decoded(made).size) <= 256


@pytest.mark.parametrize(("mode", "step"), rows([("P", 3), ("P", 1), ("RGB", 1)]))
def test_flipped_bits_of_a_png(mode, step):
    clear = 3 if mode == "P" else (1, 1, 1)
    image = chart((24, 16)).convert(mode)
    data = encoded(image, "PNG", transparency=clear, exif=exif_of(6))
    # Damage takes transparency or EXIF away, or an end that nobody needs. Any other
    # picture than these would be a wrong one.
    right = {
        make_thumbnail(encoded(image, "PNG", **options))
        for options in (
            {"transparency": clear, "exif": exif_of(6)},
            {"transparency": clear},
            {"exif": exif_of(6)},
        )
    }
    made = 0
    bits = range(0, len(data) * 8, step)
    for bit in bits:
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        with contextlib.suppress(ImageRejected):
            assert make_thumbnail(bytes(broken)) in right
            made += 1
    assert 0 < made < len(bits) / 2


def test_text_from_pillow_itself():
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode(), zip=True)
    assert thumbnail(encoded(chart(), "PNG", pnginfo=text)).size == (256, 128)
