"""The sample pictures are what the lessons say they are."""

import sys
import unicodedata
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat, UnidentifiedImageError

IMAGES = Path(__file__).resolve().parent.parent / "images"
SAMPLES = IMAGES / "samples"
PANDA = "red panda+1 \u00e9.jpg"


def look(name, folder=SAMPLES):
    """The loaded picture (loading it lets go of the file)."""
    picture = Image.open(folder / name)
    picture.load()
    return picture


def size(name):
    with Image.open(SAMPLES / name) as picture:
        return picture.size


def exif(name):
    with Image.open(SAMPLES / name) as picture:
        return picture.getexif()


def near(one, two, slack=12):
    return all(abs(a - b) <= slack for a, b in zip(one, two, strict=True))


@pytest.fixture
def render(monkeypatch):
    monkeypatch.syspath_prepend(str(IMAGES / "drawing"))
    before = set(sys.modules)
    import render

    yield render
    for name in set(sys.modules) - before:  # leave no module called "paint" behind
        if str(IMAGES) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def test_every_sample_is_here(render):
    there = {unicodedata.normalize("NFC", path.name) for path in SAMPLES.iterdir()}
    assert there == set(render.PICTURES)


def test_samples_stay_below_25_mb():
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 25_000_000


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mountain-lake.jpg", (4000, 3000)),
        ("lighthouse.jpg", (3000, 4000)),
        ("this-side-up.jpg", (1200, 1600)),
        ("paper-boat.png", (1600, 1200)),
        ("city-panorama.jpg", (8000, 1500)),
        (PANDA, (2000, 1500)),
        ("meadow-large.jpg", (6000, 4000)),
        ("screenshot.png", (1280, 800)),
    ],
)
def test_sizes(name, shape):
    assert size(name) == shape


def test_lake_tells_where_it_was_taken():
    with Image.open(SAMPLES / "mountain-lake.jpg") as lake:
        tags = lake.getexif()
        assert tags[0x010F] == tags[0x0110] == "Thumbnail Workbook"
        assert tags.get_ifd(0x8825)[1] == "N"


def test_lighthouse_is_stored_upright():
    assert exif("lighthouse.jpg")[0x0112] == 1


def test_chart_lies_down_until_transposed(render):
    import objects

    chart = look("this-side-up.jpg")
    assert chart.getexif()[0x0112] == 6
    upright = ImageOps.exif_transpose(chart)
    assert upright.size == (1600, 1200)
    for name, colour, (column, row) in objects.CORNERS:
        corner = upright.getpixel((20 + column * 1559, 20 + row * 1159))
        assert near(corner, colour), name


def test_boat_is_transparent_with_soft_edges():
    boat = look("paper-boat.png")
    assert boat.mode == "RGBA"
    shares = boat.getchannel("A").histogram()
    assert shares[0] > 500_000 and shares[255] > 300_000
    assert sum(shares[1:255]) > 50_000


def test_screenshot_has_a_palette():
    assert look("screenshot.png").mode == "P"


def test_meadow_is_large_enough_for_parts():
    assert 8 * 1024**2 < (SAMPLES / "meadow-large.jpg").stat().st_size < 11_000_000


def test_accent_is_one_character():
    names = [path.name for path in SAMPLES.glob("red panda*")]
    assert names == [PANDA]
    assert unicodedata.is_normalized("NFC", names[0])


def test_text_is_no_picture():
    path = SAMPLES / "not-an-image.jpg"
    assert "no picture" in path.read_text(encoding="utf-8")
    with pytest.raises(UnidentifiedImageError):
        Image.open(path)


def test_hero_is_light():
    assert (IMAGES / "hero.jpg").stat().st_size < 350_000
    assert look("hero.jpg", IMAGES).width == 1600


def test_rendering_twice_gives_the_same(render, tmp_path):
    name = "this-side-up.jpg"
    first = render.render(name, tmp_path).read_bytes()
    second = render.render(name, tmp_path).read_bytes()
    assert first == second


@pytest.mark.parametrize("name", ["this-side-up.jpg", "screenshot.png"])
def test_committed_pictures_come_from_the_renderer(render, tmp_path, name):
    render.render(name, tmp_path)
    fresh, kept = look(name, tmp_path).convert("RGB"), look(name).convert("RGB")
    assert max(ImageStat.Stat(ImageChops.difference(fresh, kept)).mean) < 1


def test_labelled_pictures_come_from_the_renderer(render, tmp_path):
    import kinds

    for kind in kinds.KINDS:
        fresh = Image.open(kinds.render(kind, "held-out", 3, tmp_path))
        kept = look(f"{kind}-3.jpg", kinds.LABELLED / "held-out")
        with fresh:
            differs = ImageStat.Stat(ImageChops.difference(fresh, kept))
        assert max(differs.mean) < 1, kind


def test_labelled_pictures_are_small(render):
    import kinds

    for folder, count in kinds.FOLDERS.items():
        paths = list((kinds.LABELLED / folder).iterdir())
        assert len(paths) == count * len(kinds.KINDS)
        assert max(path.stat().st_size for path in paths) < 15_000


def test_brushes_are_seeded(render):
    from random import Random

    import paint

    one, two = (paint.noise(Random(3), (64, 48), 4, 3).tobytes() for _ in range(2))
    assert one == two


def test_diagrams_are_up_to_date(render):
    import diagrams

    for part in (None, *diagrams.PARTS):
        name = f"pipeline-{part}.svg" if part else "pipeline.svg"
        drawn = (diagrams.FOLDER / name).read_text(encoding="utf-8")
        assert drawn == diagrams.diagram(part), name
