"""Render the workbook's own sample pictures (Pillow and the standard library only).

    python images/drawing/render.py                all pictures, into images/samples
    python images/drawing/render.py lighthouse.jpg        one picture
    python images/drawing/render.py --to pictures         somewhere else

Each picture comes from a fixed seed and no clock is read, so that the same machine
writes the same bytes again.
"""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Callable
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).resolve().parents[1]
SAMPLES = IMAGES / "samples"

NOT_AN_IMAGE = """\
Dear reader,

my name ends in .jpg, but I am only a short text and no picture at all.
Names promise little: whoever opens a file has to look at what is inside.
So please do not be cross with the function that turned me away.

With kind regards (and an é and an ü for good measure),
the file not-an-image.jpg
"""


def camera(orientation: int = 1, place: bool = False) -> Image.Exif:
    """What a camera writes into a photo; the place is made up."""
    exif = Image.Exif()
    exif[0x010F] = exif[0x0110] = "Thumbnail Workbook"  # Make, Model
    exif[0x0112] = orientation
    exif[0x0131] = "images/render.py"  # Software; where it stood: kept, for the bytes
    exif[0x0132] = "2024:06:21 05:42:00"  # DateTime
    if place:
        # The Exif and GPS blocks: DateTimeOriginal, and 46°30'0" N 8°15'0" E.
        exif[0x8769] = {0x9003: "2024:06:21 05:42:00"}
        exif[0x8825] = {
            1: "N",
            2: (46.0, 30.0, 0.0),
            3: "E",
            4: (8.0, 15.0, 0.0),
            6: 1850.0,
        }
    return exif


def save(picture: Image.Image, path: Path, quality: int = 88, **more: object) -> None:
    """Write a picture as its name's ending asks."""
    if path.suffix == ".png":
        picture.save(path, optimize=True)
    else:
        picture.save(path, quality=quality, subsampling="4:2:0", optimize=True, **more)


def mountain_lake(path: Path) -> None:
    """A landscape of 12 megapixels whose metadata tells where it was 'taken'."""
    import mountains

    save(mountains.mountain_lake(), path, 89, exif=camera(place=True))


def lighthouse(path: Path) -> None:
    """A portrait of 12 megapixels, stored upright."""
    import coast

    save(coast.lighthouse(), path, 87, exif=camera())


def this_side_up(path: Path) -> None:
    """The orientation chart, stored lying down, with the tag that says so."""
    import objects

    save(objects.chart(), path, 90, exif=camera(orientation=6))


def paper_boat(path: Path) -> None:
    """A picture that is transparent in part."""
    import objects

    save(objects.paper_boat(), path)


def city_panorama(path: Path) -> None:
    """A picture much wider than high."""
    import city

    save(city.city_panorama(), path, 88, exif=camera())


def red_panda(path: Path) -> None:
    """A picture whose name has a space, a plus and an accent."""
    import animals

    save(animals.red_panda(), path, 90, exif=camera())


def meadow_large(path: Path) -> None:
    """24 megapixels and more than 8 MB, to be uploaded in parts."""
    import meadow

    save(meadow.meadow(), path, 93, exif=camera())


def screenshot(path: Path) -> None:
    """A PNG with a palette of few colours."""
    import objects

    save(objects.screenshot(), path)


def not_an_image(path: Path) -> None:
    """A text that pretends to be a picture."""
    path.write_text(NOT_AN_IMAGE, encoding="utf-8", newline="\n")


PICTURES: dict[str, Callable[[Path], None]] = {
    "mountain-lake.jpg": mountain_lake,
    "lighthouse.jpg": lighthouse,
    "this-side-up.jpg": this_side_up,
    "paper-boat.png": paper_boat,
    "city-panorama.jpg": city_panorama,
    "red panda+1 \u00e9.jpg": red_panda,
    "meadow-large.jpg": meadow_large,
    "screenshot.png": screenshot,
    "not-an-image.jpg": not_an_image,
}


def render(name: str, folder: Path = SAMPLES) -> Path:
    """Render one picture into a folder and return its path."""
    path = folder / name
    PICTURES[name](path)
    return path


def main() -> None:
    """Render the pictures named on the command line, or all, then the hero."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help="default: all")
    parser.add_argument("--to", type=Path, help="folder to write to")
    args = parser.parse_args()
    names = [unicodedata.normalize("NFC", name) for name in args.names]
    unknown = [name for name in names if name not in {*PICTURES, "hero.jpg"}]
    if unknown:
        parser.error(f"no such picture: {', '.join(unknown)}")
    folder = args.to or SAMPLES
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or PICTURES:
        if name != "hero.jpg":
            path = render(name, folder)
            print(f"{path.stat().st_size:>10,}  {name}")
    if not names or "hero.jpg" in names:
        import hero

        path = (args.to or IMAGES) / "hero.jpg"
        hero.hero(SAMPLES).save(path, quality=86, optimize=True, progressive=True)
        print(f"{path.stat().st_size:>10,}  hero.jpg")


if __name__ == "__main__":
    main()
