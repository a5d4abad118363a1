"""No thumbnail is heavier than its source, whatever that takes, or what is not seen."""

import io
import random

import pytest
import segno
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageOps
from support.pictures import (
    after_ihdr,
    chunk,
    decoded,
    encoded,
    landscape,
    near,
    noise,
)

from handler.picture import palette
from handler.picture.lighter import lighter
from handler.picture.render import make_thumbnail, render, thumbnail
from handler.picture.rendition import Rendition, encode

MODES = ["1", "L", "P", "LA", "RGB", "RGBA", "JPEG"]


def drawing(size):
    """Draw circles and squares, which compress to next to nothing."""
    chance = random.Random(3)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        shape = chance.choice([draw.ellipse, draw.rectangle])
        shape((x, y, x + 40, y + 40), tuple(chance.randbytes(3)))
    return image


def gradient(size):
    up = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (up, up.rotate(90, expand=False), up))


def code(scale):
    file = io.BytesIO()
    segno.make("https://example.com/a/class/42").save(file, kind="png", scale=scale)
    return file.getvalue()


def source(image, mode):
    if mode == "JPEG":
        return encoded(image, quality=15, optimize=True)
    image = image.quantize(16) if mode == "P" else image.convert(mode)
    return encoded(image, "PNG", optimize=True)


def lightened(image, kind, data, size):
    return lighter(image, encode(image, kind, 85), kind, 85, data, (0, 0, *size))


@pytest.mark.parametrize("draw", [drawing, landscape, gradient])
@pytest.mark.parametrize("mode", MODES)
def test_no_heavier_than_its_source(draw, mode):
    for size in ((1, 1), (8, 7), (32, 24), (33, 32), (35, 33), (45, 46), (100, 75)):
        data = source(draw(size), mode)
        assert len(make_thumbnail(data, 32)) <= len(data), size


@pytest.mark.slow
@pytest.mark.parametrize("quality", [3, 5, 15, 30, 60, 95])
def test_no_heavier_than_a_jpeg_of_any_quality(quality):
    for side in (257, 300, 640, 1280):
        for picture in (drawing, landscape, gradient, noise):
            data = encoded(picture((side, side * 3 // 4)), quality=quality)
            assert len(make_thumbnail(data)) <= len(data), (side, picture)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES[:-1])
def test_no_heavier_than_a_png_of_any_size(mode):
    for side in (31, 256, 257, 300, 640):
        for picture in (drawing, landscape, gradient, noise):
            data = source(picture((side, side * 3 // 4)), mode)
            assert len(make_thumbnail(data)) <= len(data), (side, picture)


@pytest.mark.parametrize("mode", MODES[:-1])
def test_a_picture_that_is_small_already_loses_nothing(mode):
    picture = landscape((60, 44))
    data = source(picture, mode)
    made = decoded(make_thumbnail(data))
    wanted = "LA" if mode == "LA" else "RGBA" if mode == "RGBA" else "RGB"
    assert made.convert(wanted).tobytes() == decoded(data).convert(wanted).tobytes()


def gradient_of_alpha(mode):
    image = landscape((30, 30)).convert(mode)
    image.putalpha(Image.linear_gradient("L").resize((30, 30)))
    return image


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_small_pictures_alpha_rounds_no_colour(mode):
    image = gradient_of_alpha(mode)
    made = decoded(make_thumbnail(encoded(image, "PNG")))
    shown, own = made.get_flattened_data(), image.get_flattened_data()
    assert shown == tuple(pixel if pixel[-1] else (0,) * len(mode) for pixel in own)


def test_colours_that_had_to_change_lose_nothing_that_is_seen():
    levels = (0, 60, 110, 150, 190, 255)
    image = Image.new("RGB", (216, 1))
    image.putdata([(r, g, b) for r in levels for g in levels for b in levels])
    colours = chunk(b"cICP", bytes([1, 16, 0, 1]))
    data = after_ihdr(encoded(image, "PNG"), colours)
    exact = decoded(make_thumbnail(data + bytes(99_999)))
    made = decoded(make_thumbnail(data))
    assert made.size == exact.size == (216, 1)
    difference = ImageChops.difference(made.convert("RGB"), exact.convert("RGB"))
    assert max(most for _, most in difference.getextrema()) <= 4


@pytest.mark.parametrize("side", [64, 300])
def test_a_bit_that_nobody_sees_goes_first(side):
    image = landscape((side, side))
    data = encoded(image, "PNG", optimize=True)
    gamma = chunk(b"gAMA", (40000).to_bytes(4))
    pure = decoded(make_thumbnail(after_ihdr(data, gamma) + bytes(999_999), side))
    made = make_thumbnail(after_ihdr(data, gamma), side)
    assert len(made) <= len(data) + len(gamma)
    difference = ImageChops.difference(pure, decoded(made))
    assert 1 <= max(most for _, most in difference.getextrema()) <= 2


def test_a_code_is_an_exact_half_or_third():
    for scale, part in ((9, 3), (10, 2), (14, 2)):
        data = code(scale)
        made = thumbnail(data)
        assert len(made.data) <= len(data)
        whole = decoded(data).convert("L")
        assert made.size == (whole.width // part, whole.height // part)
        half = whole.resize(made.size, Image.Resampling.NEAREST)
        assert decoded(made.data).convert("L").tobytes() == half.tobytes()


def test_a_drawing_keeps_its_colours():
    picture = drawing((640, 480))
    made = decoded(make_thumbnail(source(picture, "P"))).convert("RGB")
    theirs = {colour for _, colour in picture.quantize(16).convert("RGB").getcolors()}
    assert made.size == (256, 192)
    commonest = sorted(made.getcolors(), reverse=True)[:8]
    assert {colour for _, colour in commonest} <= theirs


def test_a_page_of_text_stays_as_large_as_it_can_be():
    page = Image.new("RGB", (130, 98), "white")
    words = "The quick brown fox jumps over the lazy dog, 0123456789"
    for line in range(7):
        ImageDraw.Draw(page).text((4, 14 * line), words[line:], (20, 20, 30))
    data = encoded(page, "PNG", optimize=True)
    thumbnail = make_thumbnail(data, 128)
    made = decoded(thumbnail).convert("RGB")
    assert made.size == (128, 96) and len(thumbnail) <= len(data)
    smooth = page.resize(made.size, Image.Resampling.LANCZOS)
    assert palette.error(smooth, made) < 255**2 / 10**2.5  # 25 dB
    assert made.getpixel((1, 48)) == (255, 255, 255)


@pytest.mark.parametrize("background", ["white", "#c9c9c9", (0, 0, 0, 0)])
@pytest.mark.parametrize("words", ["Hello World!", "400 × 300"])
def test_a_few_thin_words_are_not_lost(words, background):
    mode = "RGBA" if isinstance(background, tuple) else "RGB"
    page = Image.new(mode, (300, 150), background)
    ImageDraw.Draw(page).text((20, 60), words, "#e09650")
    data = encoded(page, "PNG", optimize=True)
    thumbnail = make_thumbnail(data)
    made = decoded(thumbnail).convert(mode).resize((256, 128))
    smooth = page.resize(made.size, Image.Resampling.LANCZOS)
    assert len(thumbnail) <= len(data)
    assert palette.error(smooth, made) < palette.contrast(smooth) / 2


def test_a_gradient_stays_one():
    picture = Image.radial_gradient("L").resize((270, 270))
    data = encoded(picture, "PNG", optimize=True)
    made = decoded(make_thumbnail(data))
    assert made.size == (256, 256)
    smooth = picture.resize(made.size, Image.Resampling.LANCZOS)
    assert palette.error(smooth, made) < palette.PSNR_40_DB


def test_what_would_be_spoilt_is_made_smaller():
    image = drawing((280, 210)).resize((256, 192))
    least = encoded(Image.new("1", (1, 1)), "PNG")
    for most, colours in ((600, 8), (400, 3)):  # of 256 pixels only 2 would fit
        data = least + bytes(most - len(least))
        smaller, made = lightened(image, "PNG", data, (280, 210))
        assert smaller.size == decoded(made).size == (93, 70)
        assert len(made) <= most and len(decoded(made).getcolors()) >= colours


@pytest.mark.parametrize("contrast", [1, 0.05])
def test_a_jpeg_loses_quality_before_anything_else(contrast):
    noisy = ImageEnhance.Contrast(landscape((200, 150))).enhance(contrast)
    data = encoded(noisy, quality=10)
    smaller, made = lightened(noisy, "JPEG", data, (200, 150))
    assert smaller is noisy and len(data) // 2 < len(made) <= len(data)


def test_what_cannot_be_lighter_ends_at_a_pixel():
    for kind in ("JPEG", "PNG"):
        least = encoded(Image.new("1", (1, 1)), "PNG")[:-9]
        one, made = lightened(landscape((99, 70)), kind, least, (198, 140))
        assert one.size == decoded(made).size == (1, 1)


def test_a_dot_keeps_its_colour():
    dot = encoded(Image.new("RGB", (1, 1), (10, 200, 30)), quality=95, optimize=True)
    assert near(decoded(make_thumbnail(dot[:-2])).getpixel((0, 0)), (10, 200, 30))


def test_effects_keep_their_quality():
    data = encoded(landscape((300, 280)), quality=20)
    wanted = [Rendition(), Rendition(finish=ImageOps.invert)]
    plain, inverted = render(data, wanted)
    assert len(plain.data) <= len(data) < len(inverted.data)


def test_effects_lose_nothing_that_is_seen():
    picture = landscape((256, 256))
    kept = decoded(encode(picture, "PNG", 85, most=9_000))
    assert palette.error(picture, kept) <= palette.PSNR_40_DB
