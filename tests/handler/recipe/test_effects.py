"""Effects: pixels before and after, alpha kept, text that the font and picture take."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handler.errors import ConfigError
from handler.recipe import effects, text

MODES = ["L", "LA", "RGB", "RGBA"]


def half(mode="RGB", size=(60, 40)):
    """A picture whose left half is black, and whose right half is white."""
    picture = Image.new("RGB", size)
    picture.paste("white", (size[0] // 2, 0, *size))
    if mode in ("LA", "RGBA"):
        picture.putalpha(Image.linear_gradient("L").resize(size))
    return picture.convert(mode)


def test_grayscale():
    grey = effects.grayscale(Image.new("RGB", (4, 4), "red"))
    assert (grey.mode, grey.getpixel((0, 0))) == ("L", 76)


def test_colorize():
    made = effects.colorize(half(), dark=(16, 32, 64), light=(255, 200, 100))
    assert made.getpixel((0, 0)) == (16, 32, 64)
    assert made.getpixel((59, 0)) == (255, 200, 100)


def test_blur_softens_the_edge():
    made = effects.blur(half(), radius=5)
    across = [made.getpixel((x, 20))[0] for x in range(60)]
    assert across == sorted(across)
    assert 100 < across[30] < 155


def test_blur_is_relative_to_the_size():
    small, large = (effects.blur(half(size=(n * 60, n * 40))) for n in (1, 4))
    ratio = [p.getpixel((p.width * 9 // 20, 5))[0] for p in (small, large)]
    assert ratio[0] == pytest.approx(ratio[1], abs=12)


def test_colour_of_the_transparent_does_not_bleed():
    picture = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (20, 0, 40, 40))
    red, _, blue, alpha = effects.blur(picture, radius=8).getpixel((18, 20))
    assert (red, alpha > 50, blue > 250) == (0, True, True)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", effects.EFFECTS)
def test_alpha_and_size_are_kept(name, mode):
    given = {"text": "Hi", "size": 0.3} if name == "text" else {}
    made = effects.apply(half(mode), name, **given)
    assert made.size == (60, 40)
    assert ("A" in made.mode) == ("A" in mode)
    if name in ("grayscale", "colorize") and "A" in mode:
        before = half(mode).getchannel("A")
        assert made.getchannel("A").tobytes() == before.tobytes()


def test_text_is_drawn_where_it_should_be():
    black = Image.new("RGB", (200, 100))
    made = effects.text(black, text="Hello", place="bottom-right", colour=(255, 0, 0))
    left, top, right, bottom = made.getbbox()
    assert left > 100 < right <= 200 - 8 + 1
    assert top > 75 < bottom <= 100 - 8 + 1
    assert made.getchannel("B").getextrema() == (0, 0)


def test_size_of_text_is_a_share_of_the_height():
    boxes = [
        effects.text(Image.new("RGB", (400, 200)), text="H", size=size).getbbox()
        for size in (0.2, 0.4)
    ]
    heights = [bottom - top for _, top, _, bottom in boxes]
    assert heights[1] == pytest.approx(2 * heights[0], abs=3)


@pytest.mark.parametrize(
    ("size", "said"), [((40, 100), "takes .* 40 × 100"), ((400, 30), "3 pixels high")]
)
def test_text_that_does_not_fit(size, said):
    with pytest.raises(text.DoesNotFit, match=said):
        effects.text(Image.new("RGB", size), text="A rather long line")


@pytest.mark.parametrize("sign", ["é", "日", "😀", "ا"])
def test_sign_that_the_font_has_not(sign):
    with pytest.raises(ConfigError, match=f"the font has no {sign} .*give a font file"):
        effects.text(half(size=(200, 200)), text=f"a{sign}")


def test_signs_that_the_font_has():
    text.check("".join(map(chr, range(32, 127))) + "©™°±«»‘’“”…·")


def test_font_file_that_is_none():
    with pytest.raises(ConfigError, match="the font file cannot be read"):
        effects.text(half(size=(200, 200)), text="a", font=b"no font")


@settings(max_examples=50)
@given(
    st.sampled_from(MODES),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from(["grayscale", "colorize", "blur"]),
)
def test_any_small_picture(mode, size, name):
    assert effects.apply(half(mode, size), name).size == size
