"""Recipes: what is refused before anything is deployed, and what the others plan."""

import io
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.pictures import chart, encoded

from handler.config import Config
from handler.errors import ConfigError, ImageRejected
from handler.outputs import plan
from handler.picture import render
from handler.recipe import dry_run, parse
from handler.recipe.effects import EFFECTS

CONFIG = Config("thumbs")
SMALL = {"width": 64, "height": 36}


def check(given, files=None, config=CONFIG):
    text = given if isinstance(given, str) else json.dumps(given)
    return dry_run.check(text, config, files, source_bucket="photos")


@pytest.mark.parametrize("name", ["thumbnail", "backup", "labels"])
def test_names_of_other_outputs_are_taken(name):
    for at, recipe in (("", {}), ("named.a.", {"named": {"a": {}}})):
        where = recipe["named"]["a"] if at else recipe
        where["renditions"] = {name: SMALL}
        match = f"recipe's {at}renditions.{name} needs another name: thumbnail, backup"
        with pytest.raises(ConfigError, match=match):
            check(recipe)


def test_public_folders_stay_apart_from_private_ones():
    for folder in ("re*/", "*/", "?ejected/", "${a}/", 'a"/', "/a/", "a"):
        with pytest.raises(ConfigError, match=r"renditions\.a\.folder is .* a folder"):
            check({"renditions": {"a": SMALL | {"folder": folder}}})
    for folder in ("batch/", "layers/a/", ".thumbnail-workbook/", "rejected/"):
        with pytest.raises(ConfigError, match=r"collide: .* are one folder"):
            check({"renditions": {"a": SMALL | {"folder": folder}}})
    check({"renditions": {"a": SMALL | {"folder": "batches/"}}})


def finished(**given):
    """Plan a thumbnail with effects or a watermark, and return it of a grey picture."""
    [rendition] = check({"thumbnail": given})[None].renditions
    return rendition.finish(Image.new("RGB", (256, 256), "grey"))


REFUSED = [
    ("{", "is no JSON"),
    ("[]", "outermost object is [], and should be an object"),
    ({"bakup": {}}, "has no field 'bakup'; it has named, thumbnail, renditions"),
    ({"thumbnail": {"effects": [{"effect": "sharpen"}]}}, "effect 'sharpen', and"),
    ({"thumbnail": {"effects": ["blur"]}}, "effects[0] has the effect None"),
    ({"thumbnail": {"effects": "blur"}}, "should be a list of at most 8"),
    (
        {"thumbnail": {"effects": [{"effect": "blur", "radius": 99}]}},
        "effects[0].radius is 99, and should be a number from 0.1 to 25",
    ),
    (
        {"thumbnail": {"effects": [{"effect": "blur", "radius": True}]}},
        "should be a number",
    ),
    (
        {"thumbnail": {"effects": [{"effect": "colorize", "dark": "red"}]}},
        'should be a colour, such as "#ff8800"',
    ),
    ({"thumbnail": {"effects": [{"effect": "text"}]}}, "needs the field 'text'"),
    (
        {"thumbnail": {"effects": [{"effect": "text", "text": "日本"}]}},
        "the font has no 日 (U+65E5), 本 (U+672C): give a font file",
    ),
    (
        {"thumbnail": {"effects": [{"effect": "text", "text": "long " * 20}]}},
        "thumbnail cannot be made: it does not fit: it takes",
    ),
    (
        {"thumbnail": {"watermark": {"text": "long " * 20, "width": 0.1}}},
        "thumbnail cannot be made: the text does not fit",
    ),
    ({"thumbnail": {"watermark": {}}}, "needs either a text or a picture"),
    (
        {"thumbnail": {"watermark": {"picture": "logo.png"}}},
        "watermark.picture is 'logo.png', and no such file is in the zip",
    ),
    (
        {"thumbnail": {"watermark": {"text": "a", "font": "a.ttf"}}},
        "watermark.font is 'a.ttf', and no such file is in the zip",
    ),
    (
        {"thumbnail": {"watermark": {"picture": "../logo.png"}}},
        "should be the name of a file",
    ),
    ({"renditions": {"A b": SMALL}}, "has 'A b': names are of a-z"),
    ({"renditions": {"a": {"width": 64}}}, "renditions.a needs the field 'height'"),
    ({"renditions": {"a": SMALL | {"width": 6.5}}}, "should be a whole number"),
    ({"renditions": {"a": SMALL | {"format": "GIF"}}}, "should be one of JPEG, PNG"),
    (
        {"renditions": {"a": SMALL, "b": SMALL | {"folder": "renditions/a/x/"}}},
        "collide: 'renditions/a/' and 'renditions/a/x/'",
    ),
    ({"renditions": {"a": SMALL | {"folder": "thumbnails/"}}}, "collide"),
    ({"renditions": {"a": SMALL | {"folder": "rejected/a/"}}}, "collide"),
    ({"renditions": {f"a{n}": SMALL for n in range(11)}}, "are 11, and 10 is the most"),
    ({"renditions": {"a": {"width": 4000, "height": 4000}}}, "could take 61 MB"),
    (
        {"renditions": {"a": {"width": 1920, "height": 1080}}},
        "a function of 512 MB has 260: give it 576 MB",
    ),
    ({"backup": {}}, "backup needs the field 'bucket'"),
    ({"backup": {"bucket": "photos"}}, "is the source bucket"),
    ({"backup": {"bucket": "thumbs"}}, "is the target bucket, whose thumbnails are"),
    ({"backup": {"bucket": "b-b", "storage_class": "COLD"}}, "one of STANDARD, "),
    ({"labels": {"by": "magic"}}, "one of model, rekognition"),
    ({"named": {"x": {"backup": {"bucket": "photos"}}}}, "named.x.backup.bucket is"),
    ({"named": {"x": {"named": {}}}}, "named.x has no field 'named'"),
    (" " * 3001, "the recipe has 3001 bytes, and 3000 is the most"),
    (json.dumps({"é" * 1500: 1}, ensure_ascii=False), "has 3007 bytes, and 3000 is"),
    ("[" * 3000, "is no JSON"),
    ({"thumbnail": {"effects": [{"effect": ["blur"]}]}}, "the effect ['blur'], and"),
]


@pytest.mark.parametrize(("given", "said"), REFUSED)
def test_refused(given, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        check(given)


def test_broken_watermark_file():
    with pytest.raises(ConfigError, match=r"watermark\.picture is no JPEG or PNG"):
        check({"thumbnail": {"watermark": {"picture": "a.png"}}}, {"a.png": b"?"})


def test_watermark_from_the_files():
    mark = encoded(Image.new("RGBA", (8, 8), "red"), "PNG")
    given = {"watermark": {"picture": "a.png", "opacity": 1, "place": "centre"}}
    [thumbnail] = check({"thumbnail": given}, {"a.png": mark})[None].renditions
    made = thumbnail.finish(Image.new("RGB", (100, 100)))
    assert made.getpixel((50, 50)) == (255, 0, 0)


def test_effects_in_the_order_given():
    both = [{"effect": "grayscale"}, {"effect": "colorize", "light": "#ff0000"}]
    coloured, grey = finished(effects=both), finished(effects=both[::-1])
    assert (coloured.mode, grey.mode) == ("RGB", "L")
    assert coloured.getpixel((9, 9)) == (128, 0, 0)


def test_more_memory_takes_larger_renditions():
    given = {"renditions": {"a": {"width": 1920, "height": 1080}}}
    plan = check(given, config=replace(CONFIG, memory_mb=576))[None]
    assert plan.folders == ("thumbnails/", "renditions/a/")


def test_without_recipe():
    [thumbnail] = plan(CONFIG).renditions
    assert (thumbnail.width, thumbnail.height, thumbnail.finish) == (256, 256, None)
    assert plan(CONFIG, "any name") == plan(CONFIG)


def test_named():
    text = json.dumps({"named": {"wide": {"renditions": {"wide": SMALL}}}})
    config = replace(CONFIG, recipe=text)
    assert len(plan(config).renditions) == 1
    assert [one.name for one in plan(config, "wide").renditions] == [
        "thumbnail",
        "wide",
    ]
    with pytest.raises(ImageRejected, match="no recipe is named 'other': wide"):
        plan(config, "other")


@pytest.mark.parametrize(
    ("part", "needs"),
    [({"watermark": {"text": "a"}}, True), ({"effects": [{"effect": "blur"}]}, False)],
)
def test_needs_text(part, needs):
    assert dry_run.needs_text({"renditions": {"a": SMALL | part}}) is needs


# Renditions, of real pictures

SIDES = st.integers(16, 300)


@settings(max_examples=30)
@given(SIDES, SIDES, SIDES, SIDES, st.booleans(), st.sampled_from(range(1, 9)))
def test_frame(width, height, across, down, cover, turn):
    fit = "cover" if cover else "inside"
    given = {"width": width, "height": height, "fit": fit, "format": "PNG"}
    plan = parse.parse(json.dumps({"renditions": {"a": given}}), CONFIG, {})[None]
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = Image.new("RGB", (across, down), "red")
    _, made = render.render(encoded(stored, exif=exif), plan.renditions)
    upright = (down, across) if turn > 4 else (across, down)
    assert made.size[0] <= min(width, upright[0])
    assert made.size[1] <= min(height, upright[1])
    if cover and upright[0] >= width and upright[1] >= height:
        assert made.size == (width, height)
    if not cover:
        full = made.size[0] == min(width, upright[0])
        assert full or made.size[1] == min(height, upright[1])


def test_cover_shows_the_middle():
    picture = Image.new("RGB", (300, 100), "red")
    picture.paste("blue", (100, 0, 200, 100))
    text = {"renditions": {"a": {"width": 50, "height": 50, "fit": "cover"}}}
    plan = parse.parse(json.dumps(text), CONFIG, {})[None]
    _, made = render.render(encoded(picture, "PNG"), plan.renditions)
    found = Image.open(io.BytesIO(made.data)).convert("RGB")
    assert found.size == (50, 50)
    assert found.crop((3, 0, 47, 50)).getcolors() == [(44 * 50, (0, 0, 255))]
    # LANCZOS looks across the edge, as it would in a picture that is cut afterwards.
    assert max(red for _, (red, _, _) in found.getcolors()) < 20


def test_png_to_jpeg_on_white():
    clear = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    text = {"renditions": {"a": SMALL | {"format": "JPEG"}}}
    plan = parse.parse(json.dumps(text), CONFIG, {})[None]
    thumbnail, made = render.render(encoded(clear, "PNG"), plan.renditions)
    assert Image.open(io.BytesIO(made.data)).getpixel((9, 9)) == (255, 255, 255)
    assert (thumbnail.content_type, made.content_type) == ("image/png", "image/jpeg")


def test_thumbnail_is_the_same_beside_smaller_ones():
    photo = encoded(chart((1600, 1200)))
    text = {"renditions": {"a": SMALL}}
    plan = parse.parse(json.dumps(text), CONFIG, {})[None]
    beside, _ = render.render(photo, plan.renditions)
    assert beside.data == render.make_thumbnail(photo)


@settings(max_examples=20)
@given(st.recursive(st.none() | st.booleans() | st.text(max_size=9), st.lists))
def test_anything_is_refused_in_words(value):
    name = next(iter(EFFECTS))
    for wrong in (value, {"thumbnail": value}, {"renditions": {"a": value}}):
        with pytest.raises(ConfigError, match=r"the recipe"):
            check(json.dumps(wrong))
    with pytest.raises(ConfigError, match=r"the recipe"):
        check(json.dumps({"thumbnail": {"effects": [{"effect": name, "x": value}]}}))
