"""The picture that opens the README: photos, two buckets, a function, thumbnails."""

from __future__ import annotations

from pathlib import Path

import paint
from PIL import Image, ImageDraw

SIZE = (1600, 640)
INK, AMBER, TEAL, WHITE = (34, 48, 63), (217, 118, 10), (15, 118, 110), (255, 255, 255)
PANDA = "red panda+1 \u00e9.jpg"


def load(path: Path, longest: int) -> Image.Image:
    """A sample no larger than needed."""
    with Image.open(path) as picture:
        picture.draft("RGB", (longest, longest))
        small = picture.convert("RGB")
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return small


def lay(scene: Image.Image, photo: Image.Image, centre, turn: float, rim: int) -> None:
    """Lay a photo with a white rim and a soft shadow on the scene."""
    wide, high = photo.width + 2 * rim, photo.height + 2 * rim
    sheet = Image.new("RGBA", (wide, high), (*WHITE, 255))
    sheet.paste(photo, (rim, rim))
    if turn:
        sheet = sheet.resize((wide * 2, high * 2))
        sheet = sheet.rotate(turn, Image.Resampling.BICUBIC, expand=True).reduce(2)
    x, y = round(centre[0] - sheet.width / 2), round(centre[1] - sheet.height / 2)
    dark = Image.new("L", scene.size)
    dark.paste(sheet.getchannel("A"), (x + 3, y + 9))
    dark = paint.blur(dark, 11).point(lambda v: v * 3 // 8)
    scene.paste((24, 36, 54), (0, 0), dark)
    scene.paste(sheet.convert("RGB"), (x, y), sheet.getchannel("A"))


def bucket(pen: ImageDraw.ImageDraw, x: float, y: float, fill, f: int) -> None:
    """A bucket, as in the diagrams, whose rim is centred on a place."""
    body = [(x - 40, y), (x - 30, y + 72), (x + 30, y + 72), (x + 40, y)]
    pen.polygon(paint.scaled(body, f), fill=fill)
    pen.ellipse(((x - 30) * f, (y + 61) * f, (x + 30) * f, (y + 83) * f), fill=fill)
    pen.ellipse(((x - 42) * f, (y - 13) * f, (x + 42) * f, (y + 13) * f), fill=fill)
    pen.ellipse(((x - 37) * f, (y - 8) * f, (x + 37) * f, (y + 8) * f), fill=WHITE)


def arrow(pen: ImageDraw.ImageDraw, x0: float, x1: float, y: float, f: int) -> None:
    """An arrow from left to right."""
    pen.line((x0 * f, y * f, (x1 - 2) * f, y * f), fill=INK, width=4 * f)
    head = [(x1 - 11, y - 10), (x1, y), (x1 - 11, y + 10)]
    pen.line(paint.scaled(head, f), fill=INK, width=4 * f, joint="curve")
    for a, b in [*head, (x0, y)]:
        pen.circle((a * f, b * f), 2 * f, INK)


def pipeline(scene: Image.Image) -> None:
    """Bucket, function, bucket, and the arrows between them."""
    f = 4
    left, top, right, bottom = 612, 180, 1016, 460
    big = scene.crop((left, top, right, bottom))
    big = big.resize(((right - left) * f, (bottom - top) * f))
    pen = ImageDraw.Draw(big)
    y = 140
    arrow(pen, 10, 36, y, f)
    bucket(pen, 90, y - 36, AMBER, f)
    arrow(pen, 140, 162, y, f)
    pen.rounded_rectangle((172 * f, (y - 46) * f, 252 * f, (y + 46) * f), 18 * f, INK)
    # A lambda, drawn: the typeface that comes with Pillow need not have one.
    for text in ("194,-26 203,-26 232,27", "211,-9 193,27"):
        stroke = paint.points(text, y=y)
        pen.line(paint.scaled(stroke, f), WHITE, 7 * f, joint="curve")
    arrow(pen, 262, 284, y, f)
    bucket(pen, 334, y - 36, TEAL, f)
    arrow(pen, 384, 402, y, f)
    scene.paste(big.reduce(f), (left, top))


def hero(samples: Path) -> Image.Image:
    """Compose the samples: big photos on the left, their thumbnails on the right."""
    scene = paint.sky(SIZE, paint.ramp("#fafbfc, #e2e8ee"))
    for name, longest, centre, turn in (
        ("meadow-large.jpg", 346, (214, 178), 6.0),
        (PANDA, 300, (184, 450), -6.0),
        ("lighthouse.jpg", 340, (466, 214), -4.0),
        ("mountain-lake.jpg", 330, (418, 464), 3.0),
    ):
        lay(scene, load(samples / name, longest), centre, turn, 10)
    pipeline(scene)
    right = ["mountain-lake.jpg", "meadow-large.jpg", "city-panorama.jpg"]
    for x, names in ((1157, right), (1444, [PANDA, "lighthouse.jpg"])):
        thumbs = [load(samples / name, 256) for name in names]
        gap = 26
        y = (SIZE[1] - sum(t.height for t in thumbs) - gap * (len(thumbs) - 1)) / 2
        for thumb in thumbs:
            lay(scene, thumb, (x, y + thumb.height / 2), 0, 4)
            y += thumb.height + gap
    return scene
