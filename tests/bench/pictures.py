"""The pictures: made in code, the same on every machine, with the grain of a photo.

A JPEG's time depends on how much of it there is to decode, so the grain is set to give
what phones write: about a third of a byte for every pixel at quality 90.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x01\0\0\0\0\0\0"

PHOTO, LARGE, WEB = (4000, 3000), (6000, 4000), (1024, 768)


def photo(size: tuple[int, int], seed: int = 1) -> Image.Image:
    """Paint sky, ground, shapes at every scale, and sensor grain."""
    dice = random.Random(seed)
    image = Image.new("RGB", (1600, 1600 * size[1] // size[0]))
    draw = ImageDraw.Draw(image)
    width, height = image.size
    for y in range(height):
        part = y / height
        draw.line((0, y, width, y), (90 + int(90 * part), 150, 220 - int(150 * part)))
    for number in range(1200):
        side = dice.paretovariate(1.1) * 6
        x, y = dice.uniform(-50, width), dice.uniform(-50, height)
        colour = _muted(dice)
        shape = draw.ellipse if number % 2 else draw.rectangle
        shape((x, y, x + min(side, 300), y + min(side * 0.7, 300)), colour)
    soft = image.filter(ImageFilter.GaussianBlur(0.7))
    return _with_grain(soft.resize(size, Image.Resampling.BICUBIC), dice)


def _muted(dice: random.Random) -> tuple[int, ...]:
    """Pick a colour as photos have them: any brightness, little saturation."""
    brightness = dice.randint(30, 225)
    return tuple(brightness + dice.randint(-24, 24) for _ in range(3))


def _with_grain(image: Image.Image, dice: random.Random) -> Image.Image:
    """Add noise of a few levels to each colour, a little blurred, as sensors' is."""
    # As wide as the picture: deflate would find what repeats within a few rows.
    size = (image.width, 256)
    noise = Image.merge("RGB", [_noise(size, dice) for _ in "RGB"])
    tiled = Image.new("RGB", image.size)
    for y in range(0, image.height, size[1]):
        tiled.paste(noise, (0, y))
    return ImageChops.add(image, tiled, 1, -128)


def _noise(size: tuple[int, int], dice: random.Random) -> Image.Image:
    white = Image.frombytes("L", size, dice.randbytes(size[0] * size[1]))
    soft = white.filter(ImageFilter.GaussianBlur(0.8))
    return soft.point([128 + (value - 128) // 3 for value in range(256)])


def screenshot() -> Image.Image:
    """Draw windows, text and a picture: flat colours and sharp edges."""
    dice = random.Random(2)
    image = Image.new("RGB", (2560, 1440), (236, 238, 242))
    draw = ImageDraw.Draw(image)
    for left in (40, 880, 1720):
        draw.rectangle((left, 60, left + 780, 1400), "white", (190, 195, 205))
        draw.rectangle((left, 60, left + 780, 100), (70, 90, 140))
        for line in range(75):
            words = " ".join(
                "".join(dice.choices("etaoinshrdlu", k=dice.randint(2, 10)))
                for _ in range(12)
            )
            draw.text((left + 16, 112 + 17 * line), words[:110], (40, 44, 52))
    image.paste(photo((400, 300), 3), (1000, 800))
    return image


def cut_out(size: tuple[int, int]) -> Image.Image:
    """Make a photo whose edges fade out, as a PNG with transparency has."""
    image = photo(size)
    alpha = Image.radial_gradient("L").point(lambda v: max(0, min(255, 2 * (220 - v))))
    image.putalpha(alpha.resize(size))
    return image


def _jpeg(size: tuple[int, int], **options: object) -> Callable[[Path], None]:
    settings = {"quality": 90, "subsampling": "4:2:0", "exif": EXIF, **options}
    return lambda path: photo(size).save(path, "JPEG", **settings)


#: File name → what writes it.
PICTURES: dict[str, Callable[[Path], None]] = {
    "12 MP 4:2:0.jpg": _jpeg(PHOTO),
    "12 MP 4:4:4.jpg": _jpeg(PHOTO, subsampling="4:4:4"),
    "12 MP, quality 95.jpg": _jpeg(PHOTO, quality=95),
    "24 MP.jpg": _jpeg(LARGE),
    "1024 px.jpg": _jpeg(WEB),
    "12 MP progressive.jpg": _jpeg(PHOTO, progressive=True),
    "24 MP progressive.jpg": _jpeg(LARGE, progressive=True),
    "12 MP RGB.png": lambda path: photo(PHOTO).save(path),
    "12 MP RGBA.png": lambda path: cut_out(PHOTO).save(path),
    "12 MP RGBA, opaque.png": lambda path: photo(PHOTO).convert("RGBA").save(path),
    "12 MP grey.png": lambda path: photo(PHOTO).convert("L").save(path),
    "12 MP palette.png": lambda path: photo(PHOTO).quantize(256).save(path),
    "24 MP RGB.png": lambda path: photo(LARGE).save(path),
    "1024 px.png": lambda path: photo(WEB).save(path),
    "screenshot.png": lambda path: screenshot().save(path),
    "tiny.jpg": _jpeg((300, 200)),
    "tiny.png": lambda path: cut_out((300, 200)).save(path),
}


class Album:
    """The pictures on disk, each made when it is first asked for, and kept."""

    def __init__(self, folder: Path) -> None:
        recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
        self.folder = folder / f"pictures-{recipe}"
        for other in folder.glob("pictures-*"):
            if other != self.folder:  # of an older recipe
                shutil.rmtree(other)
        self.folder.mkdir(parents=True, exist_ok=True)

    def __getitem__(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            unfinished = path.with_name(f"unfinished {name}")
            PICTURES[name](unfinished)
            unfinished.replace(path)
        return path
