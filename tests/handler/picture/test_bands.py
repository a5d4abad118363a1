"""PNGs in bands: the same pixels as of a whole picture, in next to no memory."""

import io
import random
import zlib
from functools import cache

import pytest
from PIL import Image
from support.pictures import (
    IHDR_END,
    chunk,
    decoded,
    encoded,
    landscape,
    raw_png,
)
from support.rows import rows
from support.unpackers import without_isal

from handler.errors import ImageRejected
from handler.picture import bands, decode, inflate, pixels
from handler.picture.render import make_thumbnail, render
from handler.picture.rendition import Rendition

SIZE = (630, 490)  # three bands
STEPS = [(1, 1), (2, 3), (7, 5)]
CHANNELS = {"L": 1, "P": 1, "LA": 2, "RGB": 3, "RGBA": 4}


@pytest.fixture(params=["isal", "zlib"])
def unpacker(request):
    if request.param == "isal":
        pytest.importorskip("isal", reason="no wheel of ISA-L for this machine")
        yield inflate._isal().IgzipDecompressor
    else:
        with without_isal():
            yield inflate._Zlib


def hole(opaque):
    """A picture whose alpha runs from 0 to 255, below opaque rows."""
    image = landscape(SIZE).convert("RGBA")
    alpha = Image.linear_gradient("L").resize(SIZE)
    alpha.paste(255, (0, 0, SIZE[0], opaque))
    image.putalpha(alpha)
    return image


def of_a_palette():
    """A picture of 200 colours, none of which is like its neighbours."""
    image = landscape(SIZE).convert("L").point([shade % 200 for shade in range(256)])
    image.putpalette(random.Random(1).randbytes(3 * 200))
    return image


def png(image, **options):
    return encoded(image, "PNG", compress_level=1, **options)


PICTURES = {
    "L": lambda: png(landscape(SIZE).convert("L")),
    "L, one colour transparent": lambda: png(
        Image.linear_gradient("L").resize(SIZE), transparency=100
    ),
    "P": lambda: png(of_a_palette()),
    "P, transparent": lambda: png(of_a_palette(), transparency=bytes(range(200))),
    "LA": lambda: png(hole(0).convert("LA")),
    "RGB": lambda: png(landscape(SIZE)),
    "RGB, one colour transparent": lambda: png(
        landscape(SIZE), transparency=landscape(SIZE).getpixel((5, 5))
    ),
    "RGBA": lambda: png(hole(0)),
    "RGBA, opaque": lambda: png(landscape(SIZE).convert("RGBA")),
    "RGBA, opaque at first": lambda: png(hole(250)),
    "LA, opaque at first": lambda: png(hole(250).convert("LA")),
}
#: Each is drawn once.
PICTURES = {name: cache(draw) for name, draw in PICTURES.items()}


@pytest.mark.parametrize(("step",), rows([(step,) for step in STEPS]))
@pytest.mark.parametrize("name", PICTURES)
def test_as_of_a_whole_picture(name, step, unpacker):
    data = PICTURES[name]()
    opened = decode.open_image(data, 10)
    assert bands.suits(opened)
    assert isinstance(inflate.Unpacked(opened.fp)._inflate, unpacker)
    made = bands.load(opened, inflate.Unpacked(opened.fp), step)
    whole = Image.open(io.BytesIO(data))
    expected = pixels.Averager(step)(whole, (0, 0, *SIZE))
    assert (made.mode, made.size) == (expected.mode, expected.size)
    assert made.tobytes() == expected.tobytes()


@cache
def filtered(channels):
    """Rows of random bytes under random filters, of which any bytes are a picture."""
    dice = random.Random(channels)
    rows = (
        bytes([dice.randrange(5)]) + dice.randbytes(SIZE[0] * channels)
        for _ in range(SIZE[1])
    )
    return b"".join(rows)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_filter_over_the_edges_of_bands(mode, unpacker):
    colour = {"L": 0, "LA": 4, "RGB": 2, "RGBA": 6}[mode]
    data = raw_png(SIZE, 8, colour, filtered(CHANNELS[mode]))
    opened = decode.open_image(data, 10)
    made = bands.load(opened, inflate.Unpacked(opened.fp), (1, 1))
    whole = Image.open(io.BytesIO(data))
    multiplied = {"LA": "La", "RGBA": "RGBa"}.get(mode, mode)
    assert made.tobytes() == whole.convert(multiplied).tobytes()


def in_chunks(packed, size):
    """Write the pixels of a grey picture in chunks of so many bytes."""
    data = raw_png(SIZE, 8, 0, b"")
    parts = [packed[at : at + size] for at in range(0, len(packed), size)]
    chunks = b"".join(chunk(b"IDAT", part) for part in [b"", *parts])
    return data[:IHDR_END] + chunks + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_chunks_of_any_length(size, unpacker):
    rows = (b"\1" + b"\1" * 7 + bytes(SIZE[0] - 7)) * SIZE[1]
    made = make_thumbnail(in_chunks(zlib.compress(rows), size))
    assert made == make_thumbnail(raw_png(SIZE, 8, 0, rows))


@pytest.mark.parametrize("rows", [0, 1, SIZE[1] - 1])
def test_a_stream_that_ends_before_the_rows_do(rows, unpacker):
    data = raw_png(SIZE, 8, 0, bytes(1 + SIZE[0]) * rows)
    with pytest.raises(ImageRejected, match="truncated"):
        make_thumbnail(data)


def test_bytes_behind_the_last_row(unpacker):
    rows = bytes(1 + SIZE[0]) * SIZE[1]
    made = make_thumbnail(raw_png(SIZE, 8, 0, rows))
    assert make_thumbnail(raw_png(SIZE, 8, 0, rows + b"behind" * 10_000)) == made


@pytest.mark.parametrize("header", [b"", b"\x78", b"\x79\1", b"\x78\2", b"\x78\xbb"])
def test_no_header_of_zlibs(header, unpacker):
    with pytest.raises(ImageRejected, match="broken data stream"):
        make_thumbnail(in_chunks(header, 100))


def test_damage_in_the_middle(unpacker):
    packed = bytearray(zlib.compress(filtered(1)))
    packed[len(packed) // 2 :] = b"\xff" * (len(packed) // 2)
    with pytest.raises(ImageRejected, match="broken PNG"):
        make_thumbnail(in_chunks(bytes(packed), 8192))


def test_a_filter_that_there_is_not(unpacker):
    rows = bytes(1 + SIZE[0]) * 350 + b"\5" + bytes(SIZE[0])
    rows += bytes(1 + SIZE[0]) * (SIZE[1] - 351)
    with pytest.raises(ImageRejected, match="broken PNG"):
        make_thumbnail(raw_png(SIZE, 8, 0, rows))


def test_several_renditions_of_one_picture(unpacker):
    data = PICTURES["RGBA, opaque at first"]()
    wanted = [
        Rendition(width=64, height=64),
        Rendition(width=300, height=100, cover=True),
    ]
    small, wide = render(data, wanted)
    assert (small.size, wide.size) == ((64, 50), (300, 100))
    assert decoded(small.data).getpixel((32, 5))[3] == 255
    # The middle of it, of which the lower part is transparent to a degree.
    assert decoded(wide.data).getpixel((150, 5))[3] > 200


def test_the_clock_is_looked_at(unpacker):
    with pytest.raises(ImageRejected, match="too slow"):
        make_thumbnail(PICTURES["RGB"](), seconds=-1)


@pytest.mark.parametrize("side", rows([256, 40, 100, 450]))
@pytest.mark.parametrize("name", PICTURES)
def test_brought_to_its_width_in_bands(name, side):
    data = PICTURES[name]()
    alone = Rendition(width=side, height=side)
    [narrow] = render(data, [alone])
    # A second rendition needs the picture as wide as it is.
    whole, _ = render(data, [alone, alone])
    assert narrow.data == whole.data


def test_whole_picture_is_changed_in_place():
    image = decode.open_image(raw_png((8, 8), 16, 2, bytes(49) * 8), 5)
    bands.load_whole(image)
    core = image.im
    image.putalpha(Image.new("L", image.size))
    assert image.mode == "RGBA" and image.im is core  # a copy would not fit
