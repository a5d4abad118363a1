"""PNG thumbnails: exactly their pixels, and not heavier than their source."""

import io
import random
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageOps
from support.pictures import chart, decoded, encoded, landscape, near

from handler.picture import palette, rendition
from handler.picture.render import make_thumbnail, render

SAMPLES = Path(__file__).parents[3] / "images" / "samples"


def drawing(mode, colours, size=(200, 150)):
    chance = random.Random(1)
    image = Image.new(mode, size)
    draw = ImageDraw.Draw(image)
    for _ in range(colours):
        colour = tuple(chance.randbytes(len(image.getbands())))
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        draw.rectangle((x, y, x + 9, y + 9), colour if len(colour) > 1 else colour[0])
    return image


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("colours", [1, 2, 9, 200, 250, 900])
def test_encoded_pixels_are_exact(mode, colours):
    image = drawing(mode, colours)
    before = image.tobytes()
    made = decoded(rendition.encode(image, "PNG", 85))
    assert made.convert(mode).tobytes() == before
    few = palette.exact(image)
    assert few is None or few.convert(mode).tobytes() == before
    assert (few is None) == (mode in ("L", "LA") or image.getcolors(256) is None)


@pytest.mark.parametrize("size", [(256, 192), (64, 48), (1, 1)])
def test_photo_is_exact(size):
    image = landscape(size)
    assert decoded(rendition.encode(image, "PNG", 85)).tobytes() == image.tobytes()


def test_palette_weighs_less():
    image = drawing("RGB", 200)
    plain = encoded(image, "PNG", optimize=True)
    assert len(rendition.encode(image, "PNG", 85)) < len(plain)


def test_screenshot_weighs_no_more_than_its_source():
    source = (SAMPLES / "screenshot.png").read_bytes()
    made = make_thumbnail(source)
    assert len(made) <= len(source)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(30, 20), (256, 200), (1280, 800)])
def test_no_heavier_than_its_source(mode, size):
    source = encoded(chart(size).convert(mode), "PNG", optimize=True)
    assert len(make_thumbnail(source)) <= len(source) + 12  # a palette's chunk


def test_colours_are_lost_as_far_as_the_source_weighs_less():
    noise = Image.frombytes("RGB", (99, 99), random.Random(2).randbytes(99 * 99 * 3))
    assert palette.near(noise) is None
    whole = rendition.encode(noise, "PNG", 85, most=30_000)
    assert decoded(whole).tobytes() == noise.tobytes()
    for most, colours in ((11_000, 256), (6_000, 16), (100, 2)):
        made = rendition.encode(noise, "PNG", 85, most=most)
        assert len(decoded(made).getcolors()) <= colours
        assert len(made) <= max(most, 2_048)


def test_a_small_picture_loses_nothing():
    greys = Image.linear_gradient("L").resize((60, 60))
    for image in (greys, greys.convert("RGB"), greys.point(lambda x: x & 0x80)):
        made = decoded(rendition.encode(image, "PNG", 85, most=50))
        assert made.convert("L").tobytes() == image.convert("L").tobytes()
    dot = encoded(Image.new("RGB", (1, 1), (10, 200, 30)), quality=95, optimize=True)
    assert near(decoded(make_thumbnail(dot[:-2])).getpixel((0, 0)), (10, 200, 30))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "JPEG"])
@pytest.mark.parametrize("size", [(1, 1), (64, 64), (70, 66)])
def test_no_heavier_than_a_source_of_few_bytes(mode, size):
    image = landscape(size)
    if mode == "JPEG":
        source = encoded(image, quality=20, optimize=True)
    elif mode == "P":
        source = encoded(image.quantize(8), "PNG", optimize=True)
    else:
        source = encoded(image.convert(mode), "PNG", optimize=True)
    made = make_thumbnail(source, 64)
    assert len(made) <= max(len(source) + 12, 2_048)  # below nothing is given up
    assert decoded(made).size == ((64, 60) if size[0] > 64 else size)


@pytest.mark.parametrize(("wanted", "least"), [(85, 30), (31, 30), (20, 20)])
def test_quality_has_an_end(wanted, least):
    noisy = landscape((200, 150))
    made = rendition.encode(noisy, "JPEG", wanted, most=1)
    assert made == rendition.encode(noisy, "JPEG", least)


def test_effects_keep_their_quality():
    source = encoded(landscape((300, 280)), quality=20)
    wanted = [rendition.Rendition(), rendition.Rendition(finish=ImageOps.invert)]
    plain, inverted = render(source, wanted)
    assert len(plain.data) <= len(source) < len(inverted.data)


def test_effects_lose_nothing_that_is_seen():
    source = (SAMPLES / "screenshot.png").read_bytes()
    finished = rendition.Rendition(finish=ImageOps.mirror)
    [made] = render(source, [finished])
    assert len(made.data) <= len(source)
    noisy = landscape((256, 256))
    kept = rendition.encode(noisy, "PNG", 85, most=9_000, firm=False)
    assert ImageChops.difference(Image.open(io.BytesIO(kept)), noisy).getbbox() is None


def test_a_few_shades_more_are_brought_to_256():
    image = Image.linear_gradient("L").convert("RGB")
    image.paste((1, 2, 3), (0, 0, 9, 9))
    made = palette.near(image)
    assert made is not None and made.mode == "P"
    assert Image.open(io.BytesIO(rendition.encode(image, "PNG", 85, most=9_000))).size
