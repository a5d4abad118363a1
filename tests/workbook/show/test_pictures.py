"""What is shown of a picture, its bytes and its place; frames and their sizes."""

from __future__ import annotations

import io
import re

import pytest
import workbook
from PIL import Image
from support.pictures import png_bomb
from support.shown import embedded, jpeg, put, run_of
from workbook import SAMPLES

from deploy.steps import buckets
from handler.errors import ImageRejected


def test_preview_of_bytes():
    data = jpeg()
    shown = workbook.preview(data, "a photo")
    assert "data:image/jpeg;base64," in shown.data and "400 × 300 px" in shown.data
    assert repr(shown).startswith("a photo: 400 × 300 px") and shown.content == data


def test_preview_of_a_file_and_of_an_image():
    file = workbook.preview(SAMPLES / "lighthouse.jpg")
    image = workbook.preview(Image.new("RGBA", (300, 100)), "clear")
    assert file.size == (3000, 4000) or max(file.size) > 256
    assert "data:image/png" in image.data and "as PNG" in repr(image)


@pytest.mark.parametrize("name", ["lighthouse.jpg", "paper-boat.png", "screenshot.png"])
def test_preview_is_small(name):
    shown = embedded(workbook.preview(SAMPLES / name).data)
    assert max(shown.size) <= 256


def test_preview_stands_upright():
    shown = embedded(workbook.preview(SAMPLES / "this-side-up.jpg").data)
    assert shown.size == (256, 192)


def test_preview_hides_metadata():
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    shown = embedded(workbook.preview(jpeg((100, 100), exif=exif)).data)
    assert not shown.getexif()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"])
def test_preview_of_every_mode(mode):
    assert "base64," in workbook.preview(Image.new(mode, (300, 200))).data


def test_preview_of_a_palette_is_smooth():
    """It has colours between those of the palette."""
    shown = embedded(workbook.preview(SAMPLES / "screenshot.png").data)
    assert len(shown.convert("RGB").getcolors(256 * 256)) > 256


NO_PICTURES = [b"", b"text", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]
LARGE = png_bomb(20_000, 15_000)


@pytest.mark.parametrize(
    ("content", "said"),
    [*((each, "no picture") for each in NO_PICTURES), (LARGE, "too large to show")],
)
def test_preview_of_what_cannot_be_shown(content, said):
    shown = workbook.preview(content, "words")
    assert said in shown.data and "no picture" in repr(shown)


def test_captions_are_escaped():
    assert "<script>" not in workbook.preview(jpeg(), "<script>").data


def test_side_by_side_of_what_is_gone(cloud, settings):
    buckets.create(cloud, settings)
    run = run_of(
        "gone.jpg", bucket=settings.source_bucket, target="thumbnails/gone.jpg"
    )
    shown = workbook.side_by_side(cloud, settings, [run])
    assert "no picture" in shown.data and "no longer there" in shown.data


def test_side_by_side_of_nothing(cloud, settings):
    assert repr(workbook.side_by_side(cloud, settings, [])) == "no uploads"


def test_gallery(cloud, settings):
    buckets.create(cloud, settings)
    assert repr(workbook.gallery(cloud, settings)) == "no thumbnails yet"
    put(cloud, settings.target_bucket, "thumbnails/a.jpg", size=(99, 99))
    assert "base64," in workbook.gallery(cloud, settings).data
    assert "base64," in workbook.gallery(cloud, settings, ["a.jpg", "b.jpg"]).data


def test_nothing_links_to_this_machine(cloud, settings):
    for shown in (workbook.preview(jpeg()), workbook.make_sizes(jpeg())):
        assert "127.0.0.1" not in shown.data and "http" not in shown.data


def test_gallery_of_another_folder(cloud, settings):
    buckets.create(cloud, settings)
    for key in ("renditions/wide/a.jpg", "thumbnails/a.jpg"):
        put(cloud, settings.target_bucket, key, size=(640, 360))
    shown = workbook.gallery(cloud, settings, folder="renditions/")
    assert repr(shown).startswith("renditions/wide/a.jpg: ")
    assert embedded(shown.data).size == (256, 144)


def test_labels_are_shown(cloud, settings):
    buckets.create(cloud, settings)
    labels = "coast=0.81,city=0.12,meadow=0.05"
    put(cloud, settings.target_bucket, "thumbnails/a.jpg", labels)
    shown = workbook.gallery(cloud, settings)
    assert repr(shown).endswith(", label coast")
    assert "coast 0.81" in shown.data and "meadow" not in shown.data


# --- frames --------------------------------------------------------------------------


def test_frames_are_three_and_always_the_same():
    first, again = workbook.frames(), workbook.frames()
    assert first == again and len(set(first)) == 3
    assert {Image.open(io.BytesIO(f)).size for f in first} == {(1280, 720)}


def test_sizes():
    made = workbook.make_sizes(workbook.frames()[0], sizes=((320, 180), (100, 100)))
    assert repr(made).splitlines()[0].startswith("320 × 180 px: ")
    assert made.data.count("base64,") == 2


def drawn_at(shown):
    """How wide or high the page draws each picture, at most."""
    return [int(most) for most in re.findall(r"max-width:(\d+)px", shown.data)]


def test_pictures_are_drawn_to_one_scale():
    made = workbook.make_sizes(workbook.frames()[0])
    assert drawn_at(made) == [360, 180, 90, 47]  # 1280, 640, 320 and 168 pixels
    photo = Image.new("RGB", (3000, 4000))
    shown = workbook.to_scale({"photo": photo, "thumbnail": photo.resize((192, 256))})
    assert drawn_at(shown) == [360, 23] and embedded(shown.data).size == (270, 360)
    assert re.fullmatch(r"photo: 3000 × 4000 px · .*\nthumbnail: .*", repr(shown))


def test_sizes_of_no_picture():
    with pytest.raises(ImageRejected):
        workbook.make_sizes(b"text")


def test_a_click_picks_a_frame():
    widget = workbook.pick_frame(workbook.frames())
    assert widget.picked is None
    widget.buttons[1].click()
    assert widget.picked == 1 and "Frame 2" in widget.shown.value
    assert "1280 × 720 px" in widget.shown.value


def test_a_frame_that_is_no_picture_is_told():
    widget = workbook.pick_frame([b"text"])
    widget.buttons[0].click()
    assert "not a picture" in widget.shown.value
