"""PNG thumbnails: exactly their pixels, with a palette where that is less."""

import io
import random
import tracemalloc

import pytest
from PIL import Image, ImageDraw
from support.pictures import decoded, encoded, landscape

from handler.picture import palette, rendition


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


def test_the_pixels_of_a_large_drawing_are_not_held_as_tuples():
    image = drawing("RGB", 200, (1_000, 500))
    tracemalloc.start()
    try:
        assert palette.exact(image)
        assert tracemalloc.get_traced_memory()[1] < 12 * 1_000 * 500  # a tuple: 72
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [(256, 192), (64, 48), (1, 1)])
def test_photo_is_exact(size):
    image = landscape(size)
    assert decoded(rendition.encode(image, "PNG", 85)).tobytes() == image.tobytes()


def test_palette_weighs_less():
    image = drawing("RGB", 200)
    plain = encoded(image, "PNG", optimize=True)
    assert len(rendition.encode(image, "PNG", 85)) < len(plain)


def test_a_few_shades_more_are_brought_to_256():
    shades = bytes(range(256)) * 36
    image = Image.frombytes("L", (96, 96), shades).rotate(33).convert("RGB")
    image.paste((1, 2, 3), (0, 0, 9, 9))
    image.paste((4, 5, 6), (9, 0, 18, 9))
    made = palette.near(image)
    assert made is not None and made.mode == "P"
    assert len(image.getcolors(999)) == 258
    fitting = rendition.encode(image, "PNG", 85, most=1_000)
    with Image.open(io.BytesIO(fitting)) as kept:
        assert kept.mode == "P"


@pytest.mark.parametrize("size", [(400, 300), (1000, 800), (3000, 2048)])
def test_a_few_colours_of_a_picture_of_any_size_are_its_own(size):
    page = Image.new("RGB", size, "white")
    page.paste("red", (0, size[1] // 2, size[0], size[1] // 2 + 1))
    page.paste("blue", (size[0] // 2, 0, size[0] // 2 + 1, size[1]))
    assert palette.error(page, palette.fitted(page, 4)) == 0
