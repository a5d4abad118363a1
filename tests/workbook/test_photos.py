"""A photo of one's own: its name, its format, and what is said of both."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from workbook import photos
from workbook.errors.messages import WorkbookError

HEIC = b"\0\0\0\x18ftypheic" + bytes(40)
SUFFIXES = (".jpg", ".png")


def picture(kind, mode="RGB"):
    out = io.BytesIO()
    Image.new(mode, (40, 30), "#ff000080"[: 1 + 2 * len(mode)]).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "kind", "wanted"),
    [
        ("IMG_0001.JPG", "JPEG", "IMG_0001.jpg"),
        ("photo.jpeg", "JPEG", "photo.jpg"),
        ("chart.PNG", "PNG", "chart.png"),
        ("really a png.jpeg", "PNG", "really a png.png"),
    ],
)
def test_a_name_is_all_that_changes(name, kind, wanted):
    content = picture(kind)
    new, same = photos.ready(name, content)
    assert new == wanted and same is content
    said = photos.advice(name, content, SUFFIXES)
    assert "is stored" in said and f"rename=True)` uploads it as {wanted}" in said


@pytest.mark.parametrize(
    ("mode", "wanted", "kind"), [("RGB", "w.jpg", "JPEG"), ("RGBA", "w.png", "PNG")]
)
def test_webp_is_converted(mode, wanted, kind):
    content = picture("WEBP", mode)
    new, made = photos.ready("w.webp", content)
    assert new == wanted and Image.open(io.BytesIO(made)).format == kind
    assert "converted and" in photos.advice("w.webp", content, SUFFIXES)


@pytest.mark.parametrize(
    ("content", "said"), [(HEIC, "export it as JPEG"), (b"words", "No picture")]
)
def test_what_cannot_be_converted_is_told(content, said):
    with pytest.raises(WorkbookError, match=said):
        photos.ready("a.heic", content)
    assert said in photos.advice("a.heic", content, SUFFIXES)
