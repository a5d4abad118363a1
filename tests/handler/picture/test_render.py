"""Pictures: size, mode, format and pixels of what comes out, and what is refused."""

import struct

import pytest
from PIL import Image, ImageChops, PngImagePlugin
from support.pictures import (
    BLUE,
    GREEN,
    RED,
    SECRET,
    WHITE,
    chart,
    chunk,
    corners,
    decoded,
    encoded,
    exif_of,
    flat_jpeg,
    near,
    photo,
    png_bomb,
    raw_png,
    swapped_profile,
    with_checksums,
    zeros,
)

from handler.errors import ImageRejected
from handler.picture.render import make_thumbnail, thumbnail

# Sizes and formats


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1600, 1200), (256, 192)),
        ((300, 1200), (64, 256)),
        ((256, 256), (256, 256)),
        ((100, 50), (100, 50)),
        ((1, 1), (1, 1)),
        ((1, 60000), (1, 256)),
        ((60000, 1), (256, 1)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_size(size, expected, kind):
    made = thumbnail(encoded(Image.new("RGB", size), kind))
    assert (made.source_size, made.size) == (size, expected)
    assert decoded(made.data).size == expected


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_same_format(kind):
    made = thumbnail(encoded(chart(), kind))
    assert made.content_type == f"image/{kind.lower()}"
    assert decoded(made.data).format == kind


def test_box_and_quality():
    data = encoded(photo())
    assert decoded(make_thumbnail(data, 64)).size == (64, 48)
    assert len(make_thumbnail(data, quality=95)) > len(make_thumbnail(data, quality=50))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_same_bytes_twice(kind):
    data = encoded(photo((320, 240)), kind)
    assert make_thumbnail(data) == make_thumbnail(data)


def test_first_of_a_phones_pictures():
    data = encoded(chart(), "MPO", save_all=True, append_images=[photo((400, 200))])
    assert decoded(data).format == "MPO"
    made = decoded(make_thumbnail(data))
    assert made.format == "JPEG"
    assert near(corners(made)[0], RED)


def test_first_frame():
    data = encoded(chart(), "PNG", save_all=True, append_images=[photo((400, 200))])
    made = decoded(make_thumbnail(data))
    assert getattr(made, "n_frames", 1) == 1
    assert near(corners(made)[0], RED)


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {}])
def test_kinds_of_jpeg(options):
    made = decoded(make_thumbnail(encoded(chart((2101, 1003)), **options)))
    assert all(map(near, corners(made), (RED, GREEN, BLUE, WHITE)))


def test_looks_like_a_plain_resize():
    source = Image.radial_gradient("L").resize((1024, 768)).convert("RGB")
    plain = source.resize((256, 192), Image.Resampling.LANCZOS)
    made = decoded(make_thumbnail(encoded(source, "PNG")))
    assert (made.mode, made.size) == (plain.mode, plain.size)
    off = ImageChops.difference(plain, made).getextrema()
    assert max(most for _, most in off) <= 2


# Orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, (RED, GREEN, BLUE, WHITE)),
        (2, (GREEN, RED, WHITE, BLUE)),
        (3, (WHITE, BLUE, GREEN, RED)),
        (4, (BLUE, WHITE, RED, GREEN)),
        (5, (RED, BLUE, GREEN, WHITE)),
        (6, (BLUE, RED, WHITE, GREEN)),
        (7, (WHITE, GREEN, BLUE, RED)),
        (8, (GREEN, WHITE, RED, BLUE)),
    ],
)
def test_orientation(kind, orientation, expected):
    made = thumbnail(encoded(chart(), kind, exif=exif_of(orientation)))
    assert made.size == ((256, 128) if orientation < 5 else (128, 256))
    assert all(map(near, corners(decoded(made.data)), expected))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_strange_orientation(kind, orientation):
    data = encoded(chart(), kind, exif=exif_of(orientation))
    assert thumbnail(data).size == (256, 128)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0no tiff header",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x02\0\0\x006\0" + bytes(6),
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x0b\0\x01\0\0\0\0\0\xc0\x40" + bytes(4),
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\xff\xff\xff\x06\0\0\0",
    ],
)
def test_broken_exif_rejects_nothing(kind, exif):
    assert thumbnail(encoded(chart(), kind, exif=exif)).size == (256, 128)


# Colours


@pytest.mark.parametrize("size", [(100, 80), (1600, 400)])
@pytest.mark.parametrize(("mode", "clear"), [("RGBA", (9, 8, 7, 0)), ("LA", (9, 0))])
def test_alpha_is_kept(mode, clear, size):
    image = chart(size).convert(mode)
    image.paste(clear, (0, 0, size[0] // 2, size[1] // 2))
    made = decoded(make_thumbnail(encoded(image, "PNG")))
    assert made.mode == mode
    assert [pixel[-1] for pixel in corners(made)] == [0, 255, 255, 255]


def test_clear_colour_does_not_bleed():
    image = Image.new("RGBA", (1024, 1024), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 515, 1024))
    made = decoded(make_thumbnail(encoded(image, "PNG"), 64))
    edge = [made.getpixel((x, 32)) for x in range(64)]
    assert all(near(pixel[:3], RED, by=4) for pixel in edge if pixel[3] > 32)


@pytest.mark.parametrize("size", [(100, 80), (1600, 400)])
def test_palette(size):
    made = decoded(make_thumbnail(encoded(chart(size).quantize(4), "PNG")))
    assert all(map(near, corners(made), (RED, GREEN, BLUE, WHITE)))


@pytest.mark.parametrize("size", [(100, 80), (1600, 400)])
def test_palette_with_transparency(size):
    image = chart(size).quantize(4)
    clear = image.getpixel((0, 0))
    made = decoded(make_thumbnail(encoded(image, "PNG", transparency=clear)))
    assert made.mode == "RGBA"
    assert [pixel[3] for pixel in corners(made)] == [0, 255, 255, 255]


@pytest.mark.parametrize(("mode", "clear"), [("RGB", RED), ("L", 76)])
def test_one_transparent_colour(mode, clear):
    data = encoded(chart().convert(mode), "PNG", transparency=clear)
    made = decoded(make_thumbnail(data))
    assert [pixel[-1] for pixel in corners(made)] == [0, 255, 255, 255]


def sixteen_bits(values=(0, 255, 32768, 65535), **options):
    quarter = [struct.pack("<H", value) * 100 for value in values]
    rows = [(quarter[0] + quarter[1]) * 100, (quarter[2] + quarter[3]) * 100]
    return encoded(
        Image.frombytes("I;16", (200, 200), b"".join(rows)), "PNG", **options
    )


def test_sixteen_bits():
    made = decoded(make_thumbnail(sixteen_bits()))
    assert (made.mode, corners(made)) == ("L", [0, 0, 128, 255])


def test_sixteen_bits_with_transparency():
    made = decoded(make_thumbnail(sixteen_bits(transparency=255)))
    assert [alpha for _, alpha in corners(made)] == [255, 0, 255, 255]


def test_one_bit():
    image = Image.new("1", (1000, 1000))
    image.paste(1, (0, 0, 500, 1000))
    made = decoded(make_thumbnail(encoded(image, "PNG")))
    assert corners(made) == [255, 0, 255, 0]


def test_grey_stays_grey():
    made = decoded(make_thumbnail(encoded(photo().convert("L"))))
    assert made.mode == "L"


def test_cmyk():
    made = decoded(make_thumbnail(encoded(chart().convert("CMYK"))))
    assert made.mode == "RGB"
    assert all(map(near, corners(made), (RED, GREEN, BLUE, WHITE)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_profile_is_applied_then_dropped(kind):
    data = encoded(
        Image.new("RGB", (300, 300), RED), kind, icc_profile=swapped_profile()
    )
    made = decoded(make_thumbnail(data))
    assert near(made.getpixel((99, 99)), BLUE)
    assert "icc_profile" not in made.info


def test_profile_leaves_alpha():
    image = Image.new("RGBA", (300, 300), (*RED, 100))
    data = encoded(image, "PNG", icc_profile=swapped_profile())
    assert near(decoded(make_thumbnail(data)).getpixel((9, 9)), (*BLUE, 100))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("profile", [b"x", bytes(200), swapped_profile()[:300]])
def test_broken_profile_is_ignored(mode, profile):
    data = encoded(Image.new(mode, (300, 300)), icc_profile=profile)
    assert thumbnail(data).size == (256, 256)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_profile_of_another_kind_is_ignored(mode):
    data = encoded(chart().convert(mode), icc_profile=swapped_profile())
    assert thumbnail(data).size == (256, 128)


# Nothing of the source but its pixels


def test_jpeg_metadata_is_gone():
    exif = exif_of(1)
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = SECRET.decode()
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + SECRET
    data = encoded(chart(), exif=exif, comment=SECRET, xmp=xmp) + SECRET
    assert data.count(SECRET) >= 4
    made = make_thumbnail(data)
    assert SECRET not in made
    assert set(decoded(made).info) == {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
    }


def test_png_metadata_is_gone():
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    text.add(b"prIv", SECRET)
    exif = exif_of(1)
    exif[0x010E] = SECRET.decode()
    data = encoded(chart(), "PNG", pnginfo=text, exif=exif, dpi=(72, 72)) + SECRET
    assert data.count(SECRET) == 5
    made = make_thumbnail(data)
    assert SECRET not in made
    assert decoded(made).info == {}


# Refused


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "not a JPEG or PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a JPEG or PNG"),
        (encoded(chart(), "GIF"), "not a JPEG or PNG"),
        (encoded(chart(), "TIFF"), "not a JPEG or PNG"),
        (encoded(chart(), "WEBP"), "not a JPEG or PNG"),
        (b"\xff\xd8\xff", "broken JPEG"),
        (b"\x89PNG\r\n\x1a\n", "broken PNG"),
    ],
)
def test_not_an_image(data, reason):
    with pytest.raises(ImageRejected, match=reason):
        make_thumbnail(data)


@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})]
)
def test_truncated(kind, options):
    data = encoded(photo((320, 240)), kind, **options)
    for percent in range(0, 100, 5):
        with pytest.raises(ImageRejected):
            make_thumbnail(data[: len(data) * percent // 100])


def test_cause_is_kept():
    data = encoded(photo((100, 80)), "PNG")
    with pytest.raises(ImageRejected, match="broken data stream") as caught:
        make_thumbnail(with_checksums(data[:50] + bytes(9) + data[59:]))
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_flipped_bytes(kind):
    data = bytearray(encoded(photo((32, 24)), kind))
    for at in range(0, len(data), 5):
        broken = data.copy()
        broken[at] ^= 0xFF
        try:
            made = make_thumbnail(bytes(broken))
        except ImageRejected:
            continue
        assert max(decoded(made).size) <= 256


@pytest.mark.parametrize("side", [15_812, 20_000, 2**31 - 1])
def test_pixel_bomb(side):
    with pytest.raises(ImageRejected, match=r"250 megapixels .*max_megapixels"):
        make_thumbnail(png_bomb(side, side))


def test_pixel_bomb_in_jpeg():
    data = bytearray(encoded(Image.new("RGB", (16, 16))))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 65500, 65500)
    with pytest.raises(ImageRejected, match="65500 × 65500"):
        make_thumbnail(bytes(data))


@pytest.mark.parametrize(
    "size", [(8160, 6144), (16382, 3628), (16320, 12240), (3, 65_500)]
)
def test_photos_of_many_megapixels(size):
    made = thumbnail(flat_jpeg(size))
    assert made.source_size == size
    assert max(made.size) == 256
    assert near(decoded(made.data).convert("RGB").getpixel((0, 0)), (128, 128, 128), 1)


@pytest.mark.parametrize("side", [8200, 15_800])
def test_bomb_below_the_cap_is_refused_for_its_memory(side):
    with pytest.raises(ImageRejected, match=r"decoding takes .*memory_mb"):
        make_thumbnail(raw_png((side, side), 16, 6, b""))


def test_pixel_cap_is_an_argument():
    data = encoded(Image.new("RGB", (1001, 1000)))
    assert thumbnail(data, max_megapixels=2).size == (256, 256)
    with pytest.raises(ImageRejected):
        make_thumbnail(data, max_megapixels=1)


def test_text_bomb():
    data = encoded(chart(), "PNG")
    bombs = chunk(b"zTXt", b"k\0\0" + zeros()) * 100
    assert make_thumbnail(data[:33] + bombs + data[33:]) == make_thumbnail(data)


def test_time_is_bounded():
    with pytest.raises(ImageRejected, match="too slow: not decoded within"):
        thumbnail(encoded(chart()), seconds=-1)


@pytest.mark.parametrize("clear", [None, 0, 255, 256, 40_000, 65_535])
def test_every_value_of_16_bits_of_grey(clear):
    values = [range(start, start + 256) for start in range(0, 65_536, 256)]
    rows = b"".join(b"\0" + struct.pack(">256H", *row) for row in values)
    extra = b"" if clear is None else chunk(b"tRNS", struct.pack(">H", clear))
    made = decoded(thumbnail(raw_png((256, 256), 16, 0, rows, extra=extra)).data)
    shown = [(value >> 8) * (value != clear) for row in values for value in row]
    assert made.getchannel(0).tobytes() == bytes(shown)
    alpha = [255 * (value != clear) for row in values for value in row]
    assert clear is None or made.getchannel("A").tobytes() == bytes(alpha)
