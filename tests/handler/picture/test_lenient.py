"""What every browser shows is made; what lacks picture data stays rejected."""

import zlib

import pytest
from PIL import Image
from support.pictures import (
    BLUE,
    RED,
    after_ihdr,
    after_soi,
    chart,
    chunk,
    corners,
    decoded,
    encoded,
    landscape,
    near,
    photo,
    raw_png,
    segment,
    swapped_profile,
    tiff,
)
from support.rows import rows

from handler.errors import ImageRejected
from handler.picture import jpeg
from handler.picture.render import make_thumbnail

IEND = 12  # bytes
CHECKSUMS = 4 + 4  # IDAT's, and the one of the zlib stream in it


def damaged(name, body=b"\0"):
    made = chunk(name, body)
    return made[:-1] + bytes([made[-1] ^ 1])


@pytest.mark.parametrize("name", [b"iCCP", b"gAMA", b"tEXt", b"eXIf", b"tRNS", b"prIv"])
def test_wrong_checksum_of_what_can_be_left_out(name):
    data = encoded(chart(), "PNG")
    assert make_thumbnail(after_ihdr(data, damaged(name))) == make_thumbnail(data)


@pytest.mark.parametrize("name", [b"IDAT", b"PLTE", b"PRIV"])
def test_wrong_checksum_of_what_cannot(name):
    data = encoded(chart(), "PNG")
    with pytest.raises(ImageRejected, match="checksum"):
        make_thumbnail(after_ihdr(data, damaged(name)))


@pytest.mark.parametrize(
    "image", rows([photo((90, 60)), chart(), landscape((300, 200))])
)
def test_png_without_what_follows_its_pixels(image):
    data = encoded(image, "PNG")
    made = make_thumbnail(data)
    for missing in range(IEND + CHECKSUMS + 1):
        assert make_thumbnail(data[: len(data) - missing]) == made
    assert make_thumbnail(data[:-IEND] + damaged(b"IEND", b"")) == made
    assert make_thumbnail(data[:-IEND] + b"\xff\0\0\0what") == made


@pytest.mark.parametrize("first", [chunk(b"gAMA", bytes(4)), chunk(b"CgBI", bytes(4))])
def test_png_that_begins_with_something_else(first):
    data = encoded(chart(), "PNG")
    with pytest.raises(ImageRejected, match=r"its header|Xcode"):
        make_thumbnail(data[:8] + first + data[8:])


def test_png_with_damage_behind_its_pixels():
    data = encoded(landscape((40, 30)), "PNG")
    made, pixels = make_thumbnail(data), data[:-IEND]
    for zeros in range(1, IEND + 1):
        assert make_thumbnail(data[:-zeros] + bytes(zeros)) == made
    for name in (b"PRIV", b"PLTE", b"IEND"):
        assert make_thumbnail(pixels + damaged(name) + data[-IEND:]) == made
    with pytest.raises(ImageRejected, match="checksum"):
        make_thumbnail(pixels + damaged(b"IDAT") + data[-IEND:])


TAILS = {
    "JPEG": {},
    "JPEG 4:4:4": {"subsampling": "4:4:4"},
    "JPEG, restarts": {"restart_marker_rows": 2},
    "JPEG, progressive": {"progressive": True},
    "JPEG, L": {"mode": "L", "quality": 95},  # no lighter than its thumbnail
    "JPEG, CMYK": {"mode": "CMYK"},
    "PNG": {"format": "PNG"},
    "PNG, P": {"format": "PNG", "mode": "P"},
    "PNG, RGBA": {"format": "PNG", "mode": "RGBA"},
    "PNG, 16 bits": {"format": "PNG", "mode": "I;16"},
}


@pytest.mark.parametrize("name", rows(TAILS))
def test_tails(name):
    options = dict(TAILS[name])
    kind, mode = options.pop("format", "JPEG"), options.pop("mode", "RGB")
    image = landscape((160, 120))
    if mode == "I;16":
        image = image.convert("L").convert("I")
    data = encoded(image.convert(mode), kind, **options)
    made = make_thumbnail(data)
    for count in range(1, 20):
        for tail in (b"\0", b"\xff", b"\xd9", b"x"):
            assert make_thumbnail(data + tail * count) == made
    whole = 2 if kind == "JPEG" else IEND + CHECKSUMS
    for missing in range(1, 40):
        if missing <= whole:
            assert make_thumbnail(data[:-missing]) == made
        elif kind == "JPEG" or missing > whole + 2:  # deflate pads its last byte or two
            with pytest.raises(ImageRejected, match="truncated"):
                make_thumbnail(data[:-missing])


def test_png_that_lacks_rows():
    data = encoded(photo((90, 60)), "PNG")
    for end in range(33, len(data) - IEND - CHECKSUMS - 40, 97):
        for rest in (b"", data[-IEND:]):
            with pytest.raises(ImageRejected):
                make_thumbnail(data[:end] + rest)


@pytest.mark.parametrize("tail", [b"", chunk(b"IEND", b""), chunk(b"tEXt", b"a\0b")])
def test_png_without_pixels(tail):
    header = encoded(chart(), "PNG")[:33]
    with pytest.raises(ImageRejected, match="it has no pixels"):
        make_thumbnail(header + tail)


CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (8, 2), (16, 2), (1, 3), (4, 3)]
KINDS += [(8, 3), (8, 4), (16, 4), (8, 6), (16, 6)]
SEVEN = [(2, 2), (1, 2), (3, 1), (2, 3), (5, 2), (4, 5), (9, 4)]  # passes of 9 × 9


def seen(data):
    """Return the pixels, times their alpha: of a clear one no colour is seen."""
    return decoded(data).convert("RGBA").convert("RGBa").tobytes()


@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize("adam7", [False, True])
@pytest.mark.parametrize(("depth", "colour"), KINDS)
def test_every_byte_of_every_kind_of_png_has_to_be_there(depth, colour, adam7, clear):
    bits = depth * CHANNELS[colour]
    sizes = SEVEN if adam7 else [(9, 9)]
    rows = b"".join((b"\0" + b"\1" * -(-w * bits // 8)) * h for w, h in sizes)
    extra = chunk(b"PLTE", bytes(6)) if colour == 3 else b""
    if clear and colour in (0, 2, 3):
        extra += chunk(b"tRNS", bytes({0: 2, 2: 6, 3: 1}[colour]))
    kind = {"interlaced": adam7, "extra": extra}
    data = raw_png((9, 9), depth, colour, rows, **kind)
    pixels = seen(make_thumbnail(data))
    for missing in (1, len(rows) // 2, len(rows)):
        with pytest.raises(ImageRejected, match="truncated"):
            make_thumbnail(raw_png((9, 9), depth, colour, rows[:-missing], **kind))
    end = len(data) - IEND - CHECKSUMS
    assert seen(make_thumbnail(data[:end])) == pixels
    with pytest.raises(ImageRejected, match="truncated"):
        make_thumbnail(data[: end - 3])  # deflate pads its last byte or two


@pytest.mark.parametrize(
    ("colour", "pixel", "shown"),
    [
        (0, b"\x22", (34, 34, 34, 255)),
        (2, b"\xb1\x65\x22", (177, 101, 34, 255)),
        (3, b"\1", (0, 0, 255, 255)),
        (4, b"\x62\x22", (98, 98, 98, 34)),
        (6, b"\xf8\xb4\x62\x22", (248, 180, 98, 34)),
    ],
)
def test_one_pixel(colour, pixel, shown):
    extra = PALETTE if colour == 3 else b""
    for size in ((1, 1), (1, 2), (2, 1)):
        rows = (b"\0" + pixel * size[0]) * size[1]
        made = make_thumbnail(raw_png(size, 8, colour, rows, extra=extra))
        assert near(decoded(made).convert("RGBA").getpixel((0, 0)), shown, 2)


PALETTE = chunk(b"PLTE", bytes([255, 0, 0, 0, 0, 255]))
CLEAR = chunk(b"tRNS", b"\0\xff")


@pytest.mark.parametrize(
    ("extra", "alpha"),
    [
        (PALETTE + CLEAR, 0),
        (CLEAR + PALETTE, 255),  # before there is a palette it is of
        (PALETTE + chunk(b"tRNS", bytes(3)), 0),  # of more colours than there are
        (PALETTE + chunk(b"tRNS", bytes(257)), 255),  # of more than there can be
        (PALETTE + chunk(b"tRNS", b""), 255),
        (PALETTE + CLEAR + chunk(b"tRNS", b"\xff"), 0),  # the first counts
        (PALETTE + damaged(b"tRNS") + CLEAR, 0),
    ],
)
def test_transparency_that_counts(extra, alpha):
    data = raw_png((8, 8), 8, 3, bytes(9) * 8, extra=extra)
    assert decoded(make_thumbnail(data)).convert("RGBA").getpixel((4, 4))[3] == alpha


def test_colours_behind_the_pixels_do_not_count():
    data = raw_png((8, 8), 8, 3, bytes(9) * 8, extra=PALETTE)
    assert seen(make_thumbnail(data[:-IEND] + CLEAR + data[-IEND:])) == seen(data)
    data = data.replace(PALETTE, b"")
    with pytest.raises(ImageRejected, match="no palette"):
        make_thumbnail(data[:-IEND] + PALETTE + data[-IEND:])


@pytest.mark.parametrize("colour", [0, 3])
def test_of_headers_and_palettes_there_is_one(colour):
    data = raw_png((8, 8), 8, colour, bytes(9) * 8, extra=PALETTE)
    for behind in (raw_png((8, 8), 8, 3, b"")[8:33], PALETTE):
        with pytest.raises(ImageRejected, match="it has two "):
            make_thumbnail(data.replace(PALETTE, PALETTE + behind))
        late = data[:-IEND] + behind + data[-IEND:]
        assert seen(make_thumbnail(late)) == seen(data)


def clear(shade):
    return chunk(b"tRNS", shade.to_bytes(2))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_shade_of_few_bits_is_transparent(bits):
    row = b"\0" + (b"\xff" * bits) + (b"\0" * bits)  # eight pixels white, eight black
    data = raw_png((16, 16), bits, 0, row * 16, extra=clear(2**bits - 1))
    made = decoded(make_thumbnail(data)).convert("RGBA")
    assert made.getpixel((3, 8))[3] == 0
    assert made.getpixel((12, 8)) == (0, 0, 0, 255)


@pytest.mark.parametrize(
    ("shade", "white", "black"),
    [(1, 0, 255), (0, 255, 0), (255, 255, 255), (256, 255, 0)],
)
def test_a_shade_that_is_neither_black_nor_white(shade, white, black):
    data = raw_png((16, 16), 1, 0, b"\0\xff\0" * 16, extra=clear(shade))
    made = decoded(make_thumbnail(data)).convert("RGBA")
    assert [made.getpixel((x, 8))[3] for x in (3, 12)] == [white, black]


@pytest.mark.parametrize(
    ("alphas", "last"),
    [(b"", 255), (b"\0", 255), (b"\xff\x50", 80), (b"\x50" * 9, 80), (b"\0\n", 10)],
)
def test_numbers_without_a_colour_have_the_last(alphas, last):
    extra = PALETTE + (chunk(b"tRNS", alphas) if alphas else b"")
    data = raw_png((8, 8), 8, 3, (b"\0" + bytes([2] * 4 + [255] * 4)) * 8, extra=extra)
    made = decoded(make_thumbnail(data)).convert("RGBA")
    assert made.getpixel((1, 4)) == made.getpixel((6, 4)) == (0, 0, 255, last)


def test_palette_is_no_chunk_that_can_be_left_out():
    with pytest.raises(ImageRejected, match="broken PNG"):
        make_thumbnail(raw_png((8, 8), 8, 3, bytes(9) * 8, extra=damaged(b"pLTE")))


@pytest.mark.parametrize(
    "options", [{}, {"restart_marker_rows": 1}, {"progressive": True}]
)
@pytest.mark.parametrize("mode", rows(["RGB", "L", "CMYK"]))
def test_jpeg_without_its_end(mode, options):
    data = encoded(photo((320, 240)).convert(mode), **options)
    made = make_thumbnail(data)
    assert make_thumbnail(data[:-1]) == make_thumbnail(data[:-2]) == made
    assert make_thumbnail(data[:-2] + b"\xff\xff") == made
    assert make_thumbnail(data[:-2] + b"\xff\xfe\xff\xffcut") == made


@pytest.mark.parametrize(
    "options", [{}, {"restart_marker_rows": 1}, {"progressive": True}]
)
def test_jpeg_that_lacks_data(options):
    data = encoded(photo((320, 240)), **options)
    scan = [part for part in jpeg.walk(data) if part.marker == jpeg.START_OF_SCAN][-1]
    for end in range(scan.body, len(data) - 300, (len(data) - scan.body) // 60):
        with pytest.raises(ImageRejected, match="truncated"):
            make_thumbnail(data[:end], 128)


def test_progressive_jpeg_cut_between_scans_has_no_end():
    data = encoded(landscape((640, 480)), progressive=True)
    for part in jpeg.walk(data)[1:-1]:
        with pytest.raises(ImageRejected, match="broken JPEG"):
            make_thumbnail(data[: part.start])


@pytest.mark.parametrize(
    "between",
    [
        segment(0xE0, b"JFIF"),
        segment(0xEE, b"Adobe"),
        segment(0xED, b"Photoshop 3.0\0008BIM\4\4"),
        segment(0xED, b"Photoshop 3.0\0008BIM\3\xed\0\0\0\0\0\x10a"),
        segment(0xE2, b"ICC_PROFILE\0\1"),
        segment(0xE1, b"Exif\0\0II*\0"),
        segment(0xFE, b""),
        b"\xff\0",
        b"\xff\xff\0\0\r\n",
    ],
)
@pytest.mark.parametrize("place", [b"\xff\xdb", b"\xff\xc4", b"\xff\xda"])
def test_jpeg_with_broken_segments(between, place):
    data = encoded(photo((80, 60)))
    at = data.index(place)
    assert make_thumbnail(data[:at] + between + data[at:]) == make_thumbnail(data)


# EXIF, as Chromium reads it


@pytest.mark.parametrize("byte", [b"\0", b"\xff", b"x"])
def test_exif_after_any_sixth_byte(byte):
    exif = b"Exif\0" + byte + tiff()[6:]
    data = after_soi(encoded(chart()), segment(0xE1, exif))
    made = decoded(make_thumbnail(data))
    assert made.size == (128, 256)
    assert near(corners(made)[0], BLUE) and near(corners(made)[1], RED)


def entry(value, kind=3, count=1):
    return tiff(kind, count, bytes([value, 0, 0, 0]))[-16:-4]


@pytest.mark.parametrize(
    ("entries", "turned"),
    [
        ([entry(6), entry(1)], True),
        ([entry(1), entry(6)], False),
        ([entry(0), entry(6)], True),
        ([entry(9), entry(6)], True),
        ([entry(1, kind=4), entry(6)], True),
        ([entry(1, count=2), entry(6)], True),
        ([entry(6)[:-1]], False),
    ],
)
def test_the_first_orientation_that_can_be(entries, turned):
    exif = b"Exif\0\0II*\0\x08\0\0\0" + bytes([len(entries), 0]) + b"".join(entries)
    made = decoded(make_thumbnail(after_soi(encoded(chart()), segment(0xE1, exif))))
    assert made.size == ((128, 256) if turned else (256, 128))


def test_exif_of_a_png_has_no_prefix():
    data = after_ihdr(encoded(chart(), "PNG"), chunk(b"eXIf", tiff()))
    assert decoded(make_thumbnail(data)).size == (256, 128)


def test_exif_behind_the_pixels_of_a_png():
    data = encoded(chart(), "PNG")
    exif = chunk(b"eXIf", tiff()[6:])
    assert decoded(make_thumbnail(after_ihdr(data, exif))).size == (128, 256)
    behind = data[:-IEND] + exif + data[-IEND:]
    assert decoded(make_thumbnail(behind)).size == (256, 128)


# ICC profiles, as Chromium reads them


def in_parts(*parts):
    """A flat JPEG with parts of a profile, each with its number and the count."""
    data = encoded(Image.new("RGB", (64, 48), RED), quality=95)
    segments = (
        segment(0xE2, b"ICC_PROFILE\0" + bytes([number, count]) + part)
        for number, count, part in parts
    )
    return after_soi(data, *segments)


def is_applied(data):
    return near(decoded(make_thumbnail(data)).getpixel((30, 20)), BLUE)


WHOLE = swapped_profile()
FIRST, LAST = WHOLE[:300], WHOLE[300:]


@pytest.mark.parametrize(
    ("parts", "applied"),
    [
        ([(1, 1, WHOLE)], True),
        ([(1, 1, WHOLE + b"behind")], True),
        ([(2, 2, LAST), (1, 2, FIRST)], True),
        ([(1, 1, WHOLE), (1, 1, FIRST)], True),
        ([(1, 1, WHOLE), (1, 2, FIRST)], True),
        ([(1, 2, FIRST), (1, 2, FIRST), (2, 2, LAST)], False),
        ([(0, 1, WHOLE)], False),
        ([(1, 0, WHOLE)], False),
        ([(2, 1, WHOLE)], False),
        ([(2, 2, WHOLE)], False),
        ([(1, 2, FIRST), (2, 3, LAST)], False),
        *(([(1, 1, WHOLE[:-cut])], False) for cut in (1, 2, 4, 6, 20)),
    ],
)
def test_parts_of_a_profile(parts, applied):
    assert is_applied(in_parts(*parts)) == applied


@pytest.mark.parametrize("cut", [0, 1, 2, 4, 6, 20])
def test_a_cut_profile_of_a_png(cut):
    profile = chunk(b"iCCP", b"p\0\0" + zlib.compress(WHOLE[: len(WHOLE) - cut]))
    data = encoded(Image.new("RGB", (64, 48), RED), "PNG")
    assert is_applied(after_ihdr(data, profile)) == (cut == 0)


# What no browser shows


def test_kinds_of_jpeg_that_are_refused():
    data = encoded(chart())
    frame = data.index(b"\xff\xc0")
    later = data[: frame + 5] + b"\0\0" + data[frame + 7 : -2]  # its height, in DNL
    for refused, why in (
        (later + segment(0xDC, (400).to_bytes(2)) + data[-2:], "names no size"),
        (data[: frame + 4] + b"\x0c" + data[frame + 5 :], "12-bit"),
        (data[: frame + 1] + b"\xc3" + data[frame + 2 :], "lossless"),
    ):
        with pytest.raises(ImageRejected, match=why):
            make_thumbnail(refused)


@pytest.mark.parametrize("first", [0, 1])
def test_the_first_exif_counts_wherever_it_stands(first):
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
    exifs = [segment(0xE1, tiff()), segment(0xE1, tiff(value=b"\x01\0\0\0"))]
    data = after_soi(encoded(chart()), xmp, exifs[first], exifs[1 - first])
    assert decoded(make_thumbnail(data)).size == [(128, 256), (256, 128)][first]
