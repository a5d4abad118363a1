"""The labs of sliders, and what they try: a thumbnail, and a recipe."""

from __future__ import annotations

import io

import pytest
import workbook
from PIL import Image
from support.pictures import png_bomb
from support.shown import embedded, jpeg
from workbook import SAMPLES

from deploy.errors import DeployError
from handler.errors import ConfigError, ImageRejected

HUGE = png_bomb(20_000, 15_000)


# --- the lab -------------------------------------------------------------------------


def test_try_thumbnail():
    made = workbook.try_thumbnail(jpeg(), box=128)
    assert made.size == (128, 96) and "quality 85" in repr(made)


def test_lower_quality_is_fewer_bytes():
    data = (SAMPLES / "lighthouse.jpg").read_bytes()
    fine, rough = (workbook.try_thumbnail(data, quality=q) for q in (90, 20))
    assert len(rough.content) < len(fine.content)


def test_png_stays_png():
    made = workbook.try_thumbnail(SAMPLES / "paper-boat.png", box=64)
    assert made.content.startswith(b"\x89PNG") and "quality" not in repr(made)


@pytest.mark.parametrize("name", ["nearest", "box", "bilinear", "bicubic", "lanczos"])
def test_every_filter(name):
    assert workbook.try_thumbnail(jpeg(), resample=name).size == (256, 192)


@pytest.mark.parametrize(
    "wrong", [{"resample": "magic"}, {"box": 0}, {"quality": 0}, {"quality": 101}]
)
def test_lab_refuses_in_a_sentence(wrong):
    with pytest.raises(DeployError, match="try_thumbnail: "):
        workbook.try_thumbnail(jpeg(), **wrong)


def test_lab_refuses_what_is_no_picture():
    with pytest.raises(ImageRejected, match="not a picture"):
        workbook.try_thumbnail(b"text")
    with pytest.raises(ImageRejected, match="more than 50 megapixels"):
        workbook.try_thumbnail(HUGE)


def test_lab_sliders_show_the_result():
    lab = workbook.thumbnail_lab(jpeg())
    (box, quality, resample), shown = lab.children[0].children, lab.children[1]
    assert "256 × 192 px" in shown.value
    box.value, quality.value, resample.value = 64, 20, "nearest"
    assert "box 64, nearest, quality 20" in shown.value
    assert embedded(shown.value).size == (64, 48)


def test_lab_of_a_png_has_no_quality():
    lab = workbook.thumbnail_lab(SAMPLES / "paper-boat.png")
    assert lab.children[0].children[1].disabled


# --- the lab of effects --------------------------------------------------------------


def test_try_recipe_shows_every_output():
    recipe = {"renditions": {"wide": {"width": 160, "height": 90, "fit": "cover"}}}
    tried = workbook.try_recipe(jpeg(), recipe)
    assert repr(tried) == "thumbnail: 256 × 192 px\nwide: 160 × 90 px"
    assert tried.data.count("base64,") == 3  # and the source


def test_try_recipe_is_what_the_handler_makes():
    blurred = {"thumbnail": {"effects": [{"effect": "grayscale"}]}}
    made = workbook.try_recipe(jpeg(), blurred).made["thumbnail"]
    assert Image.open(io.BytesIO(made.data)).mode == "L"


def test_try_recipe_with_a_picture():
    recipe = {"thumbnail": {"watermark": {"picture": "paper-boat.png"}}}
    tried = workbook.try_recipe(jpeg(), recipe, [SAMPLES / "paper-boat.png"])
    assert tried.made["thumbnail"].size == (256, 192)


@pytest.mark.parametrize(
    ("part", "kind", "said"),
    [
        ({"effects": [{"effect": "shine"}]}, ConfigError, "'shine', and there are"),
        ({"watermark": {"picture": "no.png"}}, ConfigError, "no such file is in"),
        ({"effects": [{"effect": "text", "text": "é"}]}, ConfigError, "font has no é"),
        (
            {"effects": [{"effect": "text", "text": "W" * 60}]},
            ImageRejected,
            "does not fit",
        ),
    ],
)
def test_try_recipe_refuses(part, kind, said):
    with pytest.raises(kind, match=said):
        workbook.try_recipe(jpeg(), {"thumbnail": part})


@pytest.fixture
def effects():
    """Its choice, its sliders, and what it shows."""
    lab = workbook.effects_lab(jpeg())
    return *lab.children[0].children, lab.children[1]


@pytest.mark.parametrize("name", ["grayscale", "colorize", "blur", "text", "watermark"])
def test_effects_lab_shows_every_effect(effects, name):
    which, sliders, shown = effects
    which.value = name
    assert shown.value.count("base64,") == 2 and name in shown.value
    assert bool(sliders.children) == (name != "grayscale")


def test_effects_lab_follows_its_sliders(effects):
    which, sliders, shown = effects
    which.value = "blur"
    before = shown.value
    sliders.children[0].value = 8.000000000000002
    assert "8.0}" in shown.value and shown.value != before


def test_effects_lab_tells_what_does_not_fit(effects):
    which, sliders, shown = effects
    which.value = "text"
    sliders.children[0].value = "Zoë"
    assert "font has no ë" in shown.value and "base64" not in shown.value


@pytest.mark.parametrize("data", [b"text", "nowhere.jpg", HUGE])
@pytest.mark.parametrize("lab", [workbook.thumbnail_lab, workbook.effects_lab])
def test_a_lab_tells_what_is_wrong(lab, data):
    (shown,) = lab(data).children
    assert "border-left" in shown.value and "base64" not in shown.value
