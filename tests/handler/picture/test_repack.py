"""PNGs that we write: with a source's own pixels alone, or with rows filtered alike."""

import io
import random
import zlib

import pytest
from PIL import Image
from support.pictures import (
    chunk,
    decoded,
    encoded,
    interlaced,
    landscape,
    noise,
    raw_png,
)

from handler.picture import repack
from handler.picture.render import make_thumbnail


def rows(image):
    return b"".join(
        b"\0" + image.crop((0, y, image.width, y + 1)).tobytes()
        for y in range(image.height)
    )


HIDDEN = b"SECRET: what no thumbnail may show"


@pytest.mark.parametrize(
    ("colour", "extra", "behind", "rest"),
    [
        (2, b"", b"", HIDDEN),  # behind the compressed pixels
        (2, b"", HIDDEN, b""),  # more rows than there are
        (2, chunk(b"PLTE", HIDDEN + b"!!"), b"", b""),  # colours that none has
        (2, chunk(b"tEXt", b"a\0" + HIDDEN), b"", b""),
        (3, chunk(b"PLTE", bytes(range(6)) + HIDDEN + b"!!"), b"", b""),
        (
            3,
            chunk(b"PLTE", bytes(range(6))) + chunk(b"tRNS", b"\xff\xff" + HIDDEN),
            b"",
            b"",
        ),
    ],
)
def test_nothing_hidden_is_taken_from_a_small_picture(colour, extra, behind, rest):
    shown = Image.new("RGB" if colour == 2 else "P", (9, 9), 1)
    pixels = zlib.compress(rows(shown) + behind, 0) + rest
    data = raw_png((9, 9), 8, colour, b"", extra=extra).replace(
        chunk(b"IDAT", zlib.compress(b"", 1)), chunk(b"IDAT", pixels)
    )
    assert HIDDEN in data
    shown = decoded(data).convert("RGB")
    assert HIDDEN not in (repack.bare(data, shown) or b"")
    assert HIDDEN not in make_thumbnail(data)


def test_a_wrong_checksum_is_put_right():
    shown = noise((9, 9))
    data = raw_png((9, 9), 8, 0, rows(shown))
    pixels = zlib.compress(rows(shown), 1)
    open_end = zlib.compressobj(1)
    unended = open_end.compress(rows(shown)) + open_end.flush(zlib.Z_SYNC_FLUSH)
    packed = (pixels, pixels[:-1] + b"\7", pixels[:-4])
    broken = (pixels[:-5], unended, unended + b"\7")
    right, *others = (
        data.replace(chunk(b"IDAT", pixels), chunk(b"IDAT", each))
        for each in packed + broken
    )
    assert [repack.bare(each, shown) for each in others] == [right] * 2 + [None] * 3


def test_of_another_part_or_a_longer_header_nothing_is_taken():
    shown = noise((9, 9))
    data = raw_png((9, 9), 8, 0, rows(shown))
    assert repack.bare(data, shown.crop((0, 0, 9, 5))) is None
    longer = chunk(b"IHDR", data[16:29] + HIDDEN)
    assert repack.bare(data[:8] + longer + data[33:], shown) == data


def test_what_alpha_hides_is_not_passed_on():
    hiding = landscape((30, 30)).convert("RGBA")
    hiding.putalpha(0)
    data = encoded(hiding, "PNG")
    assert repack.bare(data, Image.new("RGBA", (30, 30))) is None
    assert len(decoded(make_thumbnail(data)).convert("RGBA").getcolors()) == 1
    plain = Image.new("RGBA", (30, 30), (200, 30, 30, 255))
    plain.putalpha(Image.radial_gradient("L").resize((30, 30)))
    assert repack.bare(data := encoded(plain, "PNG"), plain) == data


def stripes(palette, alphas=b"", extra=b""):
    """Draw stripes of a palette's four colours, 8 across and down."""
    row = b"\0\x01\x23\x01\x23"
    extra += chunk(b"PLTE", palette) + (chunk(b"tRNS", alphas) if alphas else b"")
    return raw_png((8, 8), 4, 3, 8 * row, extra=extra)


SHADES = bytes.fromhex("102030 405060 708090 a0b0c0")


@pytest.mark.parametrize("alphas", [b"", bytes([0, 9, 200])])
def test_a_palette_has_what_the_colours_have_become(alphas):
    gamma = chunk(b"gAMA", (22727).to_bytes(4))
    data = stripes(SHADES, alphas, extra=gamma)
    shown = decoded(make_thumbnail(data))
    made = repack.bare(data, shown)
    assert len(made) == len(data) - len(gamma)
    assert decoded(made).tobytes() == shown.tobytes()
    assert decoded(made).tobytes() != decoded(stripes(SHADES, alphas)).tobytes()


def test_a_palette_keeps_only_what_is_seen():
    more = stripes(SHADES + HIDDEN + b"!!", b"\xff" * 4 + HIDDEN[:9])
    clear = stripes(HIDDEN[:12], b"\0\xff\xff\xff")
    two = stripes(HIDDEN[:12], b"\0\0\xff\xff")  # whose pattern is not seen
    made = (
        repack.bare(data, decoded(make_thumbnail(data))) for data in (more, clear, two)
    )
    black = stripes(b"\0\0\0" + HIDDEN[3:12], b"\0")
    assert list(made) == [stripes(SHADES), black, None]


def test_an_interlaced_picture_stays_as_it_is_packed():
    image = landscape((9, 9))
    data = interlaced(image)
    assert repack.bare(data, image) == data


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_shade_that_is_clear_is_clear_in_pillow_too(depth, value):
    packed = noise((8 * depth, 64))  # of which a row is 64 pixels
    clear = chunk(b"tRNS", value.to_bytes(2))
    data = raw_png((64, 64), depth, 0, rows(packed), extra=clear)
    made = decoded(make_thumbnail(data)).convert("RGBA")
    bits = "".join(f"{byte:08b}" for byte in packed.tobytes())
    shades = [int(bits[at : at + depth], 2) for at in range(0, len(bits), depth)]
    alphas = made.getchannel("A").get_flattened_data()
    assert list(alphas) == [255 * (shade != value) for shade in shades]


def test_16_bits_are_not_passed_on():
    clear = chunk(b"tRNS", b"\0\1")
    data = raw_png((9, 9), 16, 0, random.Random(1).randbytes(9 * 19), extra=clear)
    assert repack.bare(data, Image.new("LA", (9, 9))) is None


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (9, 1), (1, 9), (40, 30)])
def test_rows_that_are_filtered_alike_are_the_picture(mode, size):
    gradient = Image.linear_gradient("L").resize(size)
    for image in (gradient.convert(mode), landscape(size).convert(mode)):
        made = Image.open(io.BytesIO(repack.alike(image)))
        assert made.mode == mode and made.tobytes() == image.tobytes()


def test_drawings_and_gradients_pack_better_alike():
    row = random.Random(1).randbytes(64)
    steps = bytes(value + 100 * y & 255 for y in range(64) for value in row)
    points = noise((21, 21)).point(lambda value: 255 * (value > 127))
    for image in (Image.frombytes("L", (64, 64), steps), points.resize((63, 63), 0)):
        assert len(repack.alike(image)) < len(encoded(image, "PNG")) / 1.2
