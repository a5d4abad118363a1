"""Colours that a PNG says in chunks come out as Chromium shows them."""

import base64
import shutil
import struct
import zlib

import pytest
from PIL import Image
from support.pictures import (
    after_ihdr,
    chunk,
    cmyk_profile,
    decoded,
    encoded,
    near,
    raw_png,
    wide_profile,
)

from handler.picture.colours import _written as written
from handler.picture.primaries import SRGB as SRGB_PRIMARIES
from handler.picture.render import make_thumbnail

VALUES = [(0, 0, 0), (20, 40, 60), (128, 128, 128), (234, 51, 35), (60, 200, 90)]
VALUES += [(30, 60, 220), (250, 240, 10), (200, 200, 200), (255, 255, 255)]
SIDE = 20


def gama(value):
    return chunk(b"gAMA", struct.pack(">I", value))


P3 = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
CHRM = chunk(b"cHRM", struct.pack(">8I", *P3))
ICCP = chunk(b"iCCP", b"p\0\0" + zlib.compress(wide_profile()))
SRGB = chunk(b"sRGB", b"\0")


def cicp(*values):
    return chunk(b"cICP", bytes(values))


def patches(mode="RGB"):
    image = Image.new("RGB", (SIDE * len(VALUES), SIDE))
    for number, value in enumerate(VALUES):
        image.paste(value, (SIDE * number, 0, SIDE * number + SIDE, SIDE))
    return image.convert(mode)


def colours(data):
    image = decoded(make_thumbnail(data)).convert("RGB")
    return [image.getpixel((SIDE * n + SIDE // 2, 10)) for n in range(len(VALUES))]


def shown(*chunks, mode="RGB"):
    return colours(after_ihdr(encoded(patches(mode), "PNG"), *chunks))


def close(ours, theirs, by):
    return all(near(a, b, by) for a, b in zip(ours, theirs, strict=True))


def test_display_p3():
    red = shown(cicp(12, 13, 0, 1))[3]
    assert red == pytest.approx((255, 0, 0), abs=8)
    assert close(shown(cicp(12, 13, 0, 1)), shown(ICCP), 1)
    assert close(shown(CHRM, gama(45455)), shown(ICCP), 12)  # 2.2 is not sRGB's curve
    assert shown(CHRM) == shown()


def test_greys_stay_greys():
    for chunks in (
        [CHRM, gama(45455)],
        [cicp(9, 16, 0, 1)],
        [gama(55556)],
        [cicp(9, 18, 0, 1)],
    ):
        made = shown(*chunks)
        for number in (0, 2, 7, 8):
            assert max(made[number]) - min(made[number]) <= 1
        assert made[0] == (0, 0, 0)


#: Coded value → what Chromium showed of it in BT.2020 with PQ, with HLG, and in P3 with
#: PQ (156, on an sRGB canvas).
BRIGHT = {
    (255, 0, 0): [(255, 0, 0), (255, 0, 0), (255, 0, 0)],
    (0, 0, 255): [(0, 0, 255), (0, 0, 249), (0, 0, 255)],
    (190, 60, 0): [(255, 0, 0), (207, 0, 0), (255, 0, 0)],
    (60, 190, 110): [(0, 255, 0), (0, 189, 78), (0, 255, 0)],
    (0, 110, 190): [(0, 60, 255), (0, 87, 168), (0, 63, 255)],
    (150, 150, 60): [(199, 194, 0), (125, 122, 25), (193, 193, 0)],
    (255, 190, 60): [(255, 0, 0), (255, 112, 0), (255, 76, 0)],
    (110, 0, 110): [(117, 0, 98), (94, 0, 78), (104, 0, 97)],
    (150, 110, 60): [(234, 69, 0), (134, 80, 36), (208, 86, 0)],
}


@pytest.mark.parametrize(
    ("number", "chunk"),
    [*enumerate([cicp(9, 16, 0, 1), cicp(9, 18, 0, 1), cicp(12, 16, 0, 1)])],
)
def test_saturated_colours_of_high_dynamic_range(number, chunk):
    image = Image.new("RGB", (len(BRIGHT) * SIDE, SIDE))
    for place, value in enumerate(BRIGHT):
        image.paste(value, (SIDE * place, 0, SIDE * place + SIDE, SIDE))
    made = decoded(make_thumbnail(after_ihdr(encoded(image, "PNG"), chunk)))
    for place, wanted in enumerate(BRIGHT.values()):
        ours = made.convert("RGB").getpixel((SIDE * place + SIDE // 2, 10))
        assert near(ours, wanted[number], 8)


def clli(most):
    return chunk(b"cLLI", struct.pack(">2I", most * 10_000, 0))


def mdcv(most):
    return chunk(b"mDCV", bytes(16) + struct.pack(">2I", most * 10_000, 1))


def shades(*chunks, mode="L"):
    image = Image.new("L", (4, 4))
    image.putdata([120, 150, 165, 195] * 4)
    made = make_thumbnail(after_ihdr(encoded(image.convert(mode), "PNG"), *chunks))
    return [decoded(made).convert("L").getpixel((x, 2)) for x in range(4)]


@pytest.mark.parametrize(
    ("chunks", "theirs"),
    [
        ([cicp(9, 16, 0, 1)], (114, 193, 221, 255)),
        ([cicp(9, 16, 0, 1), clli(0), mdcv(0)], (114, 193, 221, 255)),
        ([cicp(9, 16, 0, 1), mdcv(1000), clli(4000)], (114, 193, 206, 228)),
        ([clli(0), mdcv(600), cicp(9, 16, 0, 1)], (130, 218, 242, 255)),
        ([cicp(9, 16, 0, 1), clli(400)], (141, 235, 254, 255)),
        ([cicp(9, 18, 0, 1), clli(4000)], (92, 122, 142, 194)),
    ],
)
def test_how_bright_the_brightest_is(chunks, theirs):
    assert shades(*chunks) == pytest.approx(theirs, abs=4)


def test_how_bright_the_brightest_colour_is():
    chunks = cicp(9, 16, 0, 1), clli(4000)
    assert shades(*chunks, mode="RGB") == pytest.approx(shades(*chunks), abs=2)


def tagged(numbers, profile):
    """A profile with a tag more, that says its colours by numbers."""
    return written_with(profile, b"cicp", b"cicp" + bytes(4) + bytes(numbers))


@pytest.mark.parametrize("transfer", [16, 18])
def test_a_profile_of_high_dynamic_range(transfer):
    numbers, grey = (9, transfer, 0, 1), written(SRGB_PRIMARIES, 0, 1.0, True)
    for mode, profile in (("RGB", WIDE), ("L", WIDE), ("L", grey)):
        wanted = shades(cicp(*numbers), mode=mode)
        hdr = tagged(numbers, profile)
        assert shades(iccp(hdr), mode=mode) == wanted != shades(mode=mode)
        image = Image.new("L", (16, 16), 150).convert(mode)
        photo = decoded(make_thumbnail(encoded(image, icc_profile=hdr)))
        assert photo.convert("L").getpixel((8, 8)) == pytest.approx(wanted[1], abs=2)
    assert shades(iccp(tagged(numbers, grey)), mode="RGB") == shades(mode="RGB")
    odd = tagged((9, 1, 0, 1), WIDE)
    assert shades(iccp(odd), mode="RGB") == shades(iccp(WIDE), mode="RGB")


def test_full_is_not_always_white():
    image = Image.new("L", (4, 4), 255)
    data = after_ihdr(encoded(image, "PNG"), cicp(9, 18, 0, 1), clli(4000))
    assert decoded(make_thumbnail(data)).getpixel((2, 2)) == pytest.approx(225, abs=3)


def test_gamma():
    assert shown(gama(100_000))[2] == pytest.approx((188, 188, 188), abs=1)
    assert shown(gama(55556))[2][0] > 140
    assert shown(gama(22727))[2][0] < 70
    grey = shown(gama(55556), mode="L")
    assert grey[2] == pytest.approx(shown(gama(55556))[2], abs=1)


@pytest.mark.parametrize("extra", [gama(55556), cicp(1, 8, 0, 1), cicp(9, 16, 0, 1)])
def test_every_kind_of_grey(extra):
    """Of 16 bits with alpha, too, which Pillow keeps as colours."""
    shades = (0, 64, 128, 200, 255)
    row = b"\0" + bytes(part for shade in shades for part in [shade, shade, 255, 255])
    deep = raw_png((len(shades), 4), 16, 4, row * 4, extra=extra)
    grey = Image.new("L", (len(shades), 4))
    grey.putdata(shades * 4)
    wanted = decoded(make_thumbnail(after_ihdr(encoded(grey, "PNG"), extra)))
    made = decoded(make_thumbnail(deep))
    assert made.convert("RGB").tobytes() == wanted.convert("RGB").tobytes()
    assert wanted.tobytes() != grey.tobytes() and made.mode == "LA"


def test_the_order_of_the_standard():
    plain = shown()
    assert shown(SRGB, gama(22727), CHRM) == plain
    assert shown(ICCP, SRGB, gama(22727)) == shown(ICCP)
    assert shown(cicp(1, 13, 0, 1), ICCP, gama(22727)) == plain
    assert shown(cicp(12, 13, 0, 1), SRGB) == shown(cicp(12, 13, 0, 1))


@pytest.mark.parametrize(
    "broken",
    [
        cicp(12, 13, 1, 1),
        cicp(12, 13, 0, 0),
        cicp(2, 2, 0, 1),
        cicp(12, 13),
        gama(0),
        chunk(b"sRGB", b"\x09"),
        chunk(b"iCCP", b"p\0\1" + zlib.compress(wide_profile())),
        chunk(b"iCCP", b"\0\0" + zlib.compress(wide_profile())),
        chunk(b"iCCP", b"p" * 81 + b"\0\0" + zlib.compress(wide_profile())),
        chunk(b"iCCP", b"p\0\0"),
        chunk(b"gAMA", b"\1"),
        chunk(b"cHRM", bytes(32)),
        chunk(b"cHRM", b"\xff" * 32),
        chunk(b"cHRM", struct.pack(">8I", *[31270, 32900] * 4)),
        chunk(b"cHRM", b""),
    ],
)
def test_broken_chunks_are_ignored(broken):
    assert shown(broken) == shown()


def test_any_gamma_there_can_be():
    assert shown(gama(1))[2] == shown(gama(100))[2] == (0, 0, 0)
    for value in (2**31 - 1, 2**32 - 1):
        assert shown(gama(value))[2] == (255, 255, 255)


@pytest.mark.parametrize("wrong", [b"\x09", b"", b"\0\0"])
def test_a_wrong_srgb_chunk_hides_nothing(wrong):
    assert shown(chunk(b"sRGB", wrong), gama(22727)) == shown(gama(22727))


def test_impossible_primaries_take_the_gamma_with_them():
    same = chunk(b"cHRM", struct.pack(">8I", *[31270, 32900] * 4))
    assert shown(same, gama(100_000)) == shown()


def test_only_right_chunks_stand_for_their_name():
    for wrong in (gama(0), chunk(b"gAMA", b"\1"), chunk(b"sRGB", b"\x09")):
        assert shown(wrong, gama(100_000)) == shown(gama(100_000))
        assert shown(wrong, SRGB, gama(100_000)) == shown()
    assert shown(cicp(12, 13), cicp(12, 13, 0, 1)) == shown(cicp(12, 13, 0, 1))
    assert shown(cicp(2, 2, 0, 1), cicp(12, 13, 0, 1)) == shown()
    short = chunk(b"cHRM", bytes(31))
    assert shown(short, CHRM, gama(45455)) == shown(CHRM, gama(45455))


def test_numbered_colours_count_before_a_palette_only():
    data = encoded(patches("P"), "PNG")
    at = data.index(b"IDAT") - 4
    assert colours(data[:at] + cicp(12, 13, 0, 1) + data[at:]) == colours(data)
    assert colours(data[:at] + gama(22727) + data[at:]) != colours(data)
    assert shown(cicp(12, 13, 0, 1), mode="P") != colours(data)


def test_cinema_white_is_brighter_than_full():
    assert shown(cicp(1, 17, 0, 1))[3] == pytest.approx((240, 35, 18), abs=2)
    assert shown(cicp(1, 17, 0, 1), mode="L")[6] == pytest.approx((220,) * 3, abs=1)
    assert shown(cicp(6, 17, 0, 1))[8] == (255, 255, 255)


def test_every_number_is_taken():
    numbers = [(n, transfer) for n in range(25) for transfer in (8, 17, 19)]
    for primaries, transfer in [*numbers, (10, 18)]:  # of X, Y and Z: light below 0
        make_thumbnail(after_ihdr(DOT, cicp(primaries, transfer, 0, 1)))


DOT = encoded(Image.new("RGB", (2, 2), (0, 0, 255)), "PNG")


def iccp(profile):
    return chunk(b"iCCP", b"p\0\0" + zlib.compress(profile))


def changed(at, to, profile=None):
    """A profile with other bytes from there on."""
    profile = profile or wide_profile()
    return profile[:at] + to + profile[at + len(to) :]


def written_with(profile, name, content):
    """The profile with a tag more."""
    count = int.from_bytes(profile[128:132])
    entries = [
        (tag, at + 12, size)
        for tag, at, size in struct.iter_unpack(
            ">4sII", profile[132 : 132 + 12 * count]
        )
    ]
    entries.append((name, len(profile) + 12, len(content)))
    table = b"".join(struct.pack(">4sII", *entry) for entry in entries)
    head = profile[:128] + (count + 1).to_bytes(4)
    made = head + table + profile[132 + 12 * count :] + content
    return len(made).to_bytes(4) + made[4:]


WIDE = wide_profile()
TAGS = 132  # where their table begins: name, place, length
FIRST_PLACE = int.from_bytes(WIDE[TAGS + 4 : TAGS + 8])


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        WIDE[:131],
        changed(0, (len(WIDE) + 1).to_bytes(4)),
        changed(0, (len(WIDE) - 1).to_bytes(4)),  # a tag ends behind that
        changed(8, b"\5"),  # a version that is not known
        changed(20, b"RGB "),
        changed(36, b"acsq"),
        changed(68, bytes(4)),  # the light's X
        changed(128, b"\xff\xff\xff\xff"),
        changed(TAGS + 4, b"\0\xff\0\0"),  # its description is outside
        changed(TAGS + 8, b"\0\0\0\3"),
        WIDE.replace(b"rXYZ", b"none"),
        WIDE.replace(b"gTRC", b"none"),
        WIDE.replace(b"XYZ \0\0\0\0", b"\x17\xa5\5\xb8\0\0\0\0"),  # as Corbis wrote it
        changed(16, b"GRAY"),
    ],
)
def test_a_broken_profile_is_none(broken):
    assert shown(iccp(broken)) == shown()
    assert shown(iccp(broken), gama(22727)) == shown(gama(22727))


def printed(black):
    """A profile of greys only, by a table, of which the darkest is so light."""
    grid = b"".join(
        bytes([black + (255 - black) * corner.bit_count() // 3, 128, 128])
        for corner in range(8)
    )
    unit = struct.pack(">9i", *(65536 * one for one in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    curves = bytes(range(256)) * 3
    table = b"mft1" + bytes(4) + bytes([3, 3, 2, 0]) + unit + curves + grid + curves
    return written_with(changed(20, b"Lab "), b"A2B0", table)


def test_the_black_of_a_printer_is_grey():
    darkest = shown(iccp(printed(40)))[0]
    assert darkest == pytest.approx((39, 39, 39), abs=1)  # as Chromium showed it


@pytest.mark.parametrize("use", [b"link", b"abst", b"nmcl", b"spac", b"prtr", b"what"])
def test_what_a_profile_is_for_does_not_count(use):
    assert shown(iccp(changed(12, use))) == shown(iccp(WIDE)) != shown()


def test_a_profile_of_another_kind_is_ignored():
    grey = written(SRGB_PRIMARIES, 0, 1.0, True)
    assert shown(iccp(grey)) == shown()
    assert shown(iccp(cmyk_profile()), mode="L") == shown(mode="L")


@pytest.mark.parametrize("exponent", [1.0, 1.8, 2.2])
def test_greys_take_the_curve_of_a_profile_of_colours(exponent):
    profile = written(SRGB_PRIMARIES, 0, exponent, False)
    grey = patches("L")
    expected = colours(encoded(grey.convert("RGB"), "PNG", icc_profile=profile))
    for mode in ("L", "LA"):
        made = colours(encoded(grey.convert(mode), "PNG", icc_profile=profile))
        assert close(made, expected, 1)
    thumbnail = decoded(make_thumbnail(encoded(grey, icc_profile=profile, quality=95)))
    assert thumbnail.mode == "L"
    assert near(thumbnail.convert("RGB").getpixel((50, 10)), expected[2], 4)


_DRAW = """
const [src, done] = arguments, image = new Image();
image.onload = () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d", {colorSpace: "srgb"});
  context.drawImage(image, 0, 0);
  done([...context.getImageData(0, image.height / 2, image.width, 1).data]);
};
image.src = src;
"""


@pytest.fixture(scope="module")
def chromium():
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from support import browser_page

    options = Options()
    for flag in (*browser_page.FLAGS, "--force-color-profile=srgb"):
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium") or ""
    driver = shutil.which("chromedriver")
    browser = webdriver.Chrome(options=options, service=Service(driver))
    yield browser
    browser.quit()


def drawn(chromium, data):
    """Return the values of the row in the middle, as Chromium draws it."""
    src = "data:image/png;base64," + base64.b64encode(data).decode()
    return chromium.execute_async_script(_DRAW, src)


@pytest.mark.slow
@pytest.mark.parametrize("transfer", [16, 18])
def test_greys_of_high_dynamic_range_as_chromium_shows_them(chromium, transfer):
    image = Image.linear_gradient("L").rotate(90).convert("RGB")
    data = after_ihdr(encoded(image, "PNG"), cicp(9, transfer, 0, 1))
    theirs = drawn(chromium, data)[::4]
    ours = decoded(make_thumbnail(data)).convert("RGB")
    off = [abs(ours.getpixel((x, 128))[0] - theirs[x]) for x in range(256)]
    assert max(theirs) == 255 and max(off) <= 4


@pytest.mark.slow
@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("primaries", [1, 9, 12])
def test_all_colours_of_high_dynamic_range_as_chromium(chromium, primaries, transfer):
    levels = (0, 60, 110, 150, 190, 255)
    values = [(r, g, b) for r in levels for g in levels for b in levels]
    image = Image.new("RGB", (len(values), 1))
    image.putdata(values)
    data = after_ihdr(encoded(image, "PNG"), cicp(primaries, transfer, 0, 1))
    row = drawn(chromium, data)
    ours = decoded(make_thumbnail(data)).convert("RGB")
    for place in range(len(values)):
        theirs = tuple(row[4 * place : 4 * place + 3])
        assert near(ours.getpixel((place, 0)), theirs, 8), values[place]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chunks", "by"),
    [
        ([], 0),
        ([cicp(12, 13, 0, 1)], 4),
        ([cicp(9, 13, 0, 1)], 4),
        ([cicp(9, 1, 0, 1)], 4),
        ([gama(55556)], 4),
        ([gama(22727)], 4),
        ([gama(45455)], 4),
        ([CHRM], 4),
        ([CHRM, gama(55556)], 4),
        ([CHRM, gama(45455)], 4),
        ([gama(45000)], 4),
        ([gama(100_000)], 4),
        ([cicp(1, 1, 0, 1)], 4),
        ([cicp(1, 4, 0, 1)], 4),
        ([cicp(1, 8, 0, 1)], 4),
        ([cicp(5, 6, 0, 1)], 4),
        ([cicp(6, 6, 0, 1)], 4),
        ([cicp(9, 14, 0, 1)], 4),
        ([cicp(8, 13, 0, 1)], 4),
        ([cicp(9, 7, 0, 1)], 4),
        ([cicp(9, 11, 0, 1)], 4),
        ([cicp(10, 13, 0, 1)], 4),
        ([cicp(11, 13, 0, 1)], 4),
        ([cicp(22, 13, 0, 1)], 4),
        ([gama(1)], 4),
        ([gama(1000)], 4),
        ([gama(2_000_000)], 4),
        ([gama(2**32 - 1)], 4),
        ([chunk(b"sRGB", b"\x09"), gama(22727)], 4),
        ([chunk(b"cHRM", struct.pack(">8I", *[31270, 32900] * 4)), gama(22727)], 4),
        ([cicp(12, 13, 0, 0)], 4),
        ([SRGB, gama(22727)], 4),
        ([ICCP, gama(22727)], 4),
        ([cicp(7, 17, 0, 1)], 4),
        ([gama(0), gama(22727)], 4),
        ([iccp(changed(12, b"link"))], 4),
        ([iccp(changed(8, b"\5")), gama(22727)], 4),
        ([iccp(WIDE[:-20]), gama(22727)], 4),
        ([cicp(9, 16, 0, 1), clli(4000)], 8),
        ([cicp(9, 16, 0, 1), mdcv(600)], 8),
        ([iccp(tagged((12, 16, 0, 1), WIDE))], 8),
        ([iccp(printed(40))], 4),
        ([iccp(WIDE.replace(b"XYZ \0\0\0\0", b"\x17\xa5\5\xb8\0\0\0\0"))], 4),
    ],
)
def test_as_chromium_shows_it(chromium, chunks, by):
    data = after_ihdr(encoded(patches(), "PNG"), *chunks)
    row = drawn(chromium, data)
    theirs = [tuple(row[4 * (SIDE * n + SIDE // 2) :][:3]) for n in range(len(VALUES))]
    ours = colours(data)
    print(ours, theirs, sep="\n")
    assert close(ours, theirs, by)
