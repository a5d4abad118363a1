"""Watermarks: nine places, a share of the width, opacity, alpha of both pictures."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handler.recipe import text, watermark

BLACK = Image.new("RGB", (200, 100))
MARK = Image.new("RGBA", (50, 20), "white")


def put(**given):
    plain = {"mark": MARK, "width": 0.25, "margin": 0, "opacity": 1}
    return watermark.put(BLACK, **plain | given)


@pytest.mark.parametrize(
    ("place", "corner"),
    [
        ("top-left", (0, 0)),
        ("top", (75, 0)),
        ("top-right", (150, 0)),
        ("left", (0, 40)),
        ("centre", (75, 40)),
        ("right", (150, 40)),
        ("bottom-left", (0, 80)),
        ("bottom", (75, 80)),
        ("bottom-right", (150, 80)),
    ],
)
def test_nine_places(place, corner):
    assert put(place=place).getbbox() == (*corner, corner[0] + 50, corner[1] + 20)


@pytest.mark.parametrize("width", [0.1, 0.5, 1.0])
def test_share_of_the_width(width):
    left, _, right, _ = put(width=width, place="centre").getbbox()
    assert right - left == 200 * width


@pytest.mark.parametrize(("opacity", "grey"), [(1, 255), (0.5, 128), (0.1, 26)])
def test_opacity(opacity, grey):
    made = put(opacity=opacity, place="centre")
    assert made.getpixel((100, 50)) == (grey,) * 3


def test_margin():
    assert put(margin=0.05, place="bottom-right").getbbox() == (140, 70, 190, 90)


def test_alpha_of_the_mark_counts():
    mark = MARK.copy()
    mark.putalpha(Image.new("L", mark.size, 51))
    assert put(mark=mark, place="centre").getpixel((100, 50)) == (51, 51, 51)


def test_mark_is_not_changed():
    before = MARK.tobytes()
    put(opacity=0.3)
    assert MARK.tobytes() == before


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_alpha_of_the_picture_stays(mode):
    picture = Image.new("RGBA", (200, 100), (9, 9, 9, 0)).convert(mode)
    made = watermark.put(picture, mark=MARK, place="top-left")
    assert made.mode == ("RGBA" if "A" in mode else "RGB")
    if "A" in mode:
        assert made.getpixel((199, 99))[3] == 0 < made.getpixel((10, 10))[3]


def test_text():
    made = watermark.put(BLACK, text="© Workbook", width=0.5, opacity=1, place="centre")
    left, top, right, bottom = made.getbbox()
    assert right - left == pytest.approx(100, abs=8)
    assert 5 < bottom - top < 30


def test_text_too_small_to_read():
    with pytest.raises(text.DoesNotFit, match=r"letters would be \d pixels high"):
        watermark.put(BLACK, text="A line of many words", width=0.2)


def test_mark_higher_than_the_picture():
    tall = Image.new("RGBA", (10, 100), "white")
    with pytest.raises(text.DoesNotFit, match="takes 60 × 600 pixels"):
        put(mark=tall, width=0.3)


@settings(max_examples=50)
@given(
    st.sampled_from(watermark.PLACES),
    st.floats(0.02, 1),
    st.floats(0, 0.2),
    st.tuples(st.integers(20, 300), st.integers(31, 300)),
)
def test_always_inside(place, width, margin, size):
    mark = Image.new("RGBA", (40, 4), "white")
    made = watermark.put(
        Image.new("RGB", size), mark=mark, place=place, width=width, margin=margin
    )
    left, top, right, bottom = made.getbbox()
    assert right - left == max(1, round(size[0] * width))
    assert bottom - top == max(1, round((right - left) / 10))
