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
from typing import NamedTuple

import animals
import city
import coast
import hero
import meadow
import mountains
import objects
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
        exif[0x8825] = {1: "N", 2: (46.0, 30.0, 0.0), 3: "E", 4: (8.0, 15.0, 0.0)}
        exif[0x8825][6] = 1850.0  # metres above the sea
    return exif


class Photo(NamedTuple):
    """A JPEG that is drawn: by what, at which quality, with which metadata."""

    draw: Callable[[], Image.Image]
    quality: int
    exif: Image.Exif


#: What writes each picture: a photo, a drawing to be kept as PNG, or a text.
PICTURES: dict[str, Photo | Callable[[], Image.Image] | str] = {
    # Its metadata tell where it was "taken".
    "mountain-lake.jpg": Photo(mountains.mountain_lake, 89, camera(place=True)),
    "lighthouse.jpg": Photo(coast.lighthouse, 87, camera()),  # stored upright
    # Stored lying down, with the tag that says so.
    "this-side-up.jpg": Photo(objects.chart, 90, camera(orientation=6)),
    "paper-boat.png": objects.paper_boat,  # transparent in part
    "city-panorama.jpg": Photo(city.city_panorama, 88, camera()),
    # A name with a space, a plus and an accent.
    "red panda+1 \u00e9.jpg": Photo(animals.red_panda, 90, camera()),
    # More than 8 MB, to be uploaded in parts.
    "meadow-large.jpg": Photo(meadow.meadow, 93, camera()),
    "screenshot.png": objects.screenshot,  # a palette of few colours
    "not-an-image.jpg": NOT_AN_IMAGE,
}


def render(name: str, folder: Path = SAMPLES) -> Path:
    """Render one picture into a folder and return its path."""
    path, picture = folder / name, PICTURES[name]
    if isinstance(picture, str):
        path.write_text(picture, encoding="utf-8", newline="\n")
    elif isinstance(picture, Photo):
        how = {"quality": picture.quality, "subsampling": "4:2:0", "exif": picture.exif}
        picture.draw().save(path, optimize=True, **how)
    else:
        picture().save(path, optimize=True)
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
        path = (args.to or IMAGES) / "hero.jpg"
        hero.hero(SAMPLES).save(path, quality=86, optimize=True, progressive=True)
        print(f"{path.stat().st_size:>10,}  hero.jpg")


if __name__ == "__main__":
    main()
