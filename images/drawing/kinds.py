"""Small pictures of six kinds, each different: what labels are learned and tested on.

A kind takes a seed, and from it the hour, the weather, the place of things and their
colours. None repeats a sample: they share the brushes of ``paint``, not the scene.

    python images/drawing/kinds.py            all of them, into images/labelled
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import paint
from paint import Colour, Size, mask
from PIL import Image, ImageChops, ImageDraw, ImageFilter

LABELLED = Path(__file__).resolve().parents[1] / "labelled"


class Hour(NamedTuple):
    """The sky from above to the horizon, its light on things, and drawings' paper."""

    sky: paint.Stops
    light: Colour
    paper: Colour


HOURS = {
    "noon": Hour(paint.ramp("#4684cc, #cee2f0"), (255, 255, 250), (255, 255, 255)),
    "morning": Hour(paint.ramp("#809ec6, #fae0c0"), (255, 240, 220), (248, 244, 234)),
    "evening": Hour(
        paint.ramp("#3a3e76, #cc787a 60%, #ffc478"), (246, 190, 160), (196, 212, 222)
    ),
    "grey": Hour(paint.ramp("#969eaa, #d6dade"), (214, 220, 228), (232, 236, 242)),
    "dusk": Hour(paint.ramp("#12183a, #605c8c"), (132, 134, 178), (30, 34, 44)),
}


def heaven(rng: Random, size: Size, hour: str) -> Image.Image:
    """A sky of an hour, with clouds or without."""
    stops, light, _ = HOURS[hour]
    picture = paint.sky(size, stops)
    clouds = paint.noise(rng, size, rng.uniform(1.5, 4), 5, stretch=rng.uniform(1.8, 5))
    start = rng.uniform(0.42, 0.62)
    shade = paint.relief(clouds, 3, 5, 4)
    dark = paint.mix(stops[0][1], light, 0.4)
    picture.paste(
        paint.tint(shade, [(0, dark), (1, light)]),
        (0, 0),
        mask(clouds, start, start + 0.16),
    )
    return picture


def lit(picture: Image.Image, hour: str) -> Image.Image:
    """The picture in the light of an hour."""
    return ImageChops.multiply(
        picture, Image.new("RGB", picture.size, HOURS[hour].light)
    )


def ridge(rng: Random, size: Size, level: float, swing: float, waves: float):
    """The outline of what stands below a line that wanders."""
    width, height = size
    line = paint.curve(rng, width + 1, waves, 6, 0.5)
    edge = [(x, level + swing * line[x]) for x in range(width + 1)]
    return [(0, height), *edge, (width, height)]


def mirrored(picture: Image.Image, level: int, tone: Colour, soft: float) -> None:
    """Put the mirror image of what stands above a level below it."""
    wet = (picture.width, picture.height - level)
    mirror = picture.crop((0, level - wet[1], picture.width, level))
    mirror = mirror.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    water = ImageChops.multiply(mirror, Image.new("RGB", wet, tone))
    picture.paste(water.filter(ImageFilter.BoxBlur(soft)), (0, level))


def coast(rng: Random, size: Size, hour: str) -> Image.Image:
    """The sea up to the horizon, and a beach or a cliff."""
    width, height = size
    horizon = round(height * rng.uniform(0.35, 0.6))
    picture = heaven(rng, size, hour)
    deep = rng.choice([(22, 74, 112), (30, 96, 118), (36, 70, 92)])
    far = paint.at(HOURS[hour].sky, 1)
    wet = (width, height - horizon)
    water = paint.sky(wet, [(0, paint.mix(deep, far, 0.5)), (1, deep)])
    waves = paint.noise(rng, wet, 10, 5, gain=0.7, stretch=rng.uniform(4, 8))
    water = paint.light(
        water, paint.mix(far, (255, 255, 255), 0.4), mask(waves, 0.5, 0.8)
    )
    picture.paste(lit(water, hour), (0, horizon))
    if hour == "evening":
        spot = (width * rng.uniform(0.2, 0.8), horizon - 8)
        picture = paint.light(
            picture, (255, 190, 110), paint.glow(size, spot, 160, 1.6)
        )
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.randrange(4)):  # sails
        x, y, tall = rng.uniform(60, width - 60), horizon + 8, rng.uniform(14, 40)
        pen.polygon([(x, y), (x, y - tall), (x + tall * 0.5, y)], fill=(240, 238, 232))
    if rng.random() < 0.5:  # a beach in front
        start = height * rng.uniform(0.72, 0.86)
        tilt = rng.uniform(-0.15, 0.15)
        line = paint.curve(rng, width + 1, 3, 3)
        edge = [(x, start + tilt * (x - width / 2) + 9 * line[x]) for x in range(width)]
        sand = paint.tint(
            mask(paint.noise(rng, size, 50, 3), 0.2, 0.8),
            paint.ramp("#c4a67c, #eed8ae"),
        )
        foam = [(x, y - 9) for x, y in edge]
        picture.paste((240, 244, 244), (0, 0), paint.shape(size, [*foam, *edge[::-1]]))
        land = [(0, height), *edge, (width, height)]
    else:  # a cliff on one side
        side, high = rng.choice([-1, 1]), horizon - height * rng.uniform(0.06, 0.28)
        line = paint.curve(rng, 201, 6, 5)
        reach = width * rng.uniform(0.3, 0.55)
        land = [(-20, high)]
        for step in range(201):
            t = step / 200
            drop = high + (height * 0.96 - high) * t**2.2
            land.append((reach * (0.45 + 0.6 * t) + 22 * line[step], drop))
        land += [(-20, height)]
        if side > 0:
            land = [(width - x, y) for x, y in land]
        crags = paint.noise(rng, size, 7, 6, gain=0.6, ridged=True)
        stone = rng.choice([(116, 100, 88), (150, 138, 120), (88, 84, 90)])
        dark = paint.mix(stone, (20, 20, 30), 0.7)
        bright = paint.mix(stone, (255, 240, 210), 0.5)
        sand = paint.tint(paint.relief(crags, 3, 3, 4), [(0, dark), (1, bright)])
    picture.paste(lit(sand, hour), (0, 0), paint.shape(size, land, soft=0.8))
    return picture


def meadow(rng: Random, size: Size, hour: str) -> Image.Image:
    """Grass and flowers, below hills or up to the upper edge."""
    width, height = size
    horizon = height * rng.uniform(0.12, 0.55)
    picture = heaven(rng, size, hour)
    green = rng.choice([(98, 140, 48), (122, 150, 62), (70, 118, 44), (150, 152, 70)])
    for row in range(rng.randrange(1, 4)):
        tone = paint.mix((132, 160, 178), green, row * 0.35)
        outline = ridge(rng, size, horizon - 22 + row * 9, 12, 3)
        ImageDraw.Draw(picture).polygon(outline, fill=tone)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, horizon, width, height), fill=paint.mix(green, (30, 50, 20), 0.3))
    blooms = paint.colours("#e23428 #fafaf4 #5c62ce #fad03a #ca74c4")
    bloom = rng.sample(blooms, rng.randrange(1, 4))
    often = rng.uniform(0.01, 0.12)
    y = horizon
    while y < height + 40:
        near = (y - horizon) / (height - horizon)
        for _ in range(int(320 / (1 + 3 * near))):
            x, tall = rng.uniform(-9, width + 9), (4 + 52 * near) * rng.uniform(0.5, 1)
            tip = rng.choice([(24, 46, 20), (206, 206, 110)])
            tone = paint.mix(green, tip, rng.random() * 0.7)
            lean = rng.gauss(0.1, 0.25) * tall
            pen.line((x, y, x + lean, y - tall), tone, round(1 + 2 * near))
            if rng.random() < often:
                pen.circle((x + lean, y - tall), 1.5 + 8 * near, rng.choice(bloom))
        y += 1.5 + 9 * near
    if rng.random() < 0.4:
        x, y, tall = rng.uniform(90, width - 90), horizon + 12, rng.uniform(60, 130)
        pen.rectangle((x - 5, y - tall * 0.5, x + 5, y), fill=(66, 52, 40))
        for _ in range(300):
            turn, far = rng.uniform(0, math.tau), rng.random() ** 0.5 * tall * 0.4
            spot = (x + far * math.cos(turn), y - tall * 0.7 + far * math.sin(turn))
            tone = paint.mix((34, 62, 30), (120, 150, 64), rng.random())
            pen.circle(spot, rng.uniform(3, 7), tone)
    return lit(picture, hour)


def mountains(rng: Random, size: Size, hour: str) -> Image.Image:
    """Peaks one behind the other, with snow or without, above woods or a lake."""
    width, height = size
    picture = heaven(rng, size, hour)
    far = paint.at(HOURS[hour].sky, 0.8)
    count, snow = rng.randrange(2, 5), rng.uniform(0.2, 0.75)
    foot = height * rng.uniform(0.62, 0.95)
    for row in range(count):
        haze = 0.6 * (1 - row / count)
        level = height * (0.30 + 0.30 * row / count) + rng.uniform(-9, 9)
        swing = height * rng.uniform(0.1, 0.2)
        outline = ridge(rng, size, level, swing, rng.uniform(2, 5))
        crags = paint.noise(rng, size, 6, 7, gain=0.55, ridged=True)
        form = paint.relief(crags, 4, 3, 4)
        rock = paint.tint(form, paint.ramp("#2c3246, #686268, #ceb8a6"))
        white = paint.tint(form, paint.ramp("#7a8eb6, #fffaf4"))
        depth = paint.sky(size, [(0, (255,) * 3), (snow, (140,) * 3), (1, (0,) * 3)])
        cover = ImageChops.add(depth.convert("L"), mask(crags, 0.2, 0.8), 2)
        rock.paste(white, (0, 0), cover.point(lambda v: 255 * (v > 128)))
        rock = Image.blend(lit(rock, hour), Image.new("RGB", size, far), haze)
        picture.paste(rock, (0, 0), paint.shape(size, outline, soft=0.6))
    if rng.random() < 0.5:  # a lake
        mirrored(picture, round(foot), (150, 176, 188), 2)
    else:
        floor = paint.mix((34, 52, 40), (110, 116, 66), rng.random())
        outline = ridge(rng, size, foot, 9, 4)
        picture.paste(paint.mix(floor, far, 0.15), (0, 0), paint.shape(size, outline))
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.choice([0, 40, 90])):  # spruces
        x, y = rng.uniform(0, width), foot + rng.uniform(-2, 0.3 * (height - foot))
        tall = rng.uniform(14, 44)
        tone = paint.mix((18, 34, 34), (60, 80, 58), rng.random())
        spruce = [(x - tall * 0.2, y), (x, y - tall), (x + tall * 0.2, y)]
        pen.polygon(spruce, fill=tone)
    return picture


def city(rng: Random, size: Size, hour: str) -> Image.Image:
    """Rows of houses by day or by night, along a street or a river."""
    width, height = size
    night = hour in ("dusk", "evening")
    picture = heaven(rng, size, hour)
    pen = ImageDraw.Draw(picture)
    ground = round(height * rng.uniform(0.72, 0.96))
    far = paint.at(HOURS[hour].sky, 1)
    walls = paint.colours("#7c747a #a89688 #60687a #96685c #c4beb6")
    rows = rng.randrange(2, 5)
    for row in range(rows):
        x, haze = -rng.uniform(0, 30), 0.65 * (1 - (row + 1) / rows)
        cell = rng.choice([7, 8, 10, 12])
        while x < width:
            wide = rng.uniform(28, 92)
            tall = height * rng.uniform(0.14, 0.62 - 0.08 * row)
            wall = paint.mix(rng.choice(walls), (20, 22, 46), 0.75 if night else 0.1)
            tone = paint.mix(wall, far, haze)
            pen.rectangle((x, ground - tall, x + wide, ground), fill=tone)
            shade = paint.mix(tone, (20, 20, 36), 0.3)
            pen.rectangle((x, ground - tall, x + wide * 0.15, ground), fill=shade)
            for up in range(int(tall / (cell * 1.3))):
                for along in range(int(wide * 0.8 / cell)):
                    glass = paint.mix(tone, (40, 52, 74), 0.7)
                    if night:
                        lamp = rng.choice([(255, 214, 140), (206, 224, 255)])
                        glass = lamp if rng.random() < 0.4 else tone
                    left = x + wide * 0.18 + along * cell
                    top = ground - tall + cell * 0.5 + up * cell * 1.3
                    box = (left, top, left + cell * 0.5, top + cell * 0.7)
                    pen.rectangle(box, fill=paint.mix(glass, far, haze * 0.6))
            x += wide + rng.choice([0, 0, 4, 12])
    if rng.random() < 0.5:
        mirrored(picture, ground, (130, 140, 170), 1.5)
    else:
        tar = (34, 34, 46) if night else (112, 112, 116)
        pen.rectangle((0, ground, width, height), fill=tar)
        middle = ground + (height - ground) // 2
        for x in range(0, width, 56):
            pen.rectangle((x, middle, x + 28, middle + 3), "white")
    return picture


#: What is behind an animal, above and below, and its coat from dark to bright.
BACKGROUNDS = [
    paint.colours(pair)
    for pair in (
        "#acc480 #345c42",
        "#60785c #1e302e",
        "#cebe96 #80684c",
        "#dee4ea #a0aebe",
    )
]
COATS = [
    paint.colours(coat)
    for coat in (
        "#702c14 #c65c24 #f0aa60",
        "#463428 #84644a #c8aa88",
        "#3c3c40 #807e80 #ceccca",
        "#967040 #ceaa6c #f6deb0",
        "#181416 #3e3634 #786a62",
    )
]


def animal(rng: Random, size: Size, hour: str) -> Image.Image:
    """A furry face that looks at you, before a wood, sand or snow out of focus."""
    width, height = size
    near, far = rng.choice(BACKGROUNDS)
    picture = paint.sky(size, [(0, near), (1, far)])
    pen = ImageDraw.Draw(picture)
    for _ in range(40):
        spot = (rng.uniform(0, width), rng.uniform(0, height))
        tone = paint.mix(near, far, rng.random())
        pen.circle(spot, rng.uniform(10, 60), tone)
    picture = paint.blur(picture, 9)
    coat = rng.choice(COATS)
    x, y = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.38, 0.52)
    reach = height * rng.uniform(0.24, 0.36)
    body = [(x - reach, height + 40), (x - reach * 1.1, y + reach), (x, y)]
    body += [(x + reach * 1.1, y + reach), (x + reach, height + 40)]
    fur(picture, rng, paint.blob(body), coat, (x, y), reach)
    pointed = rng.choice([1.1, 1.5])
    for side in (-1, 1):
        ear = [(0.25, -0.7), (0.7, -pointed), (0.95, -0.4)]
        ear = paint.blob([(x + side * a * reach, y + b * reach) for a, b in ear])
        fur(picture, rng, ear, [coat[0], coat[0], coat[1]], (x, y), reach)
    head = []
    for turn in (k / 6 * math.pi for k in range(12)):
        head.append((x + reach * math.cos(turn), y + reach * 0.86 * math.sin(turn)))
    fur(picture, rng, paint.blob(head), coat, (x, y), reach)
    muzzle = [
        (x + 0.4 * reach * a, y + reach * (0.42 + 0.32 * b))
        for a, b in ((-1, 0), (0, -1), (1, 0), (0, 1))
    ]
    pale = [coat[2], (240, 226, 206), (255, 250, 240)]
    fur(picture, rng, paint.blob(muzzle), pale, (x, y), reach)
    pen = ImageDraw.Draw(picture)
    for side in (-1, 1):
        eye = (x + side * reach * 0.4, y - reach * 0.06)
        pen.circle(eye, reach * 0.15, (24, 16, 14))
        pen.circle((eye[0] - 4, eye[1] - 5), reach * 0.04, "white")
    nose = (x - reach * 0.15, y + reach * 0.24, x + reach * 0.15, y + reach * 0.42)
    pen.ellipse(nose, fill=(30, 20, 22))
    return picture


def fur(picture, rng: Random, outline, tones, middle, reach: float) -> None:
    """Fill an outline with hairs that point away from the middle of the face."""
    there = paint.shape(picture.size, outline, fine=1)
    picture.paste(tones[0], (0, 0), there)
    pen, inside = ImageDraw.Draw(picture), there.load()
    box = there.getbbox()
    for _ in range((box[2] - box[0]) * (box[3] - box[1]) // 8):
        x, y = rng.randrange(box[0], box[2]), rng.randrange(box[1], box[3])
        if inside[x, y] < 128:
            continue
        angle = math.atan2(y - middle[1], x - middle[0]) + rng.gauss(0, 0.25)
        bright = 0.5 - (x - middle[0] + y - middle[1]) / reach * 0.2 + rng.gauss(0, 0.2)
        tone = paint.at([(0, tones[0]), (0.5, tones[1]), (1, tones[2])], max(0, bright))
        tip = (x + 12 * math.cos(angle), y + 12 * math.sin(angle))
        pen.line((x, y, *tip), fill=tone, width=2)


def drawing(rng: Random, size: Size, hour: str) -> Image.Image:
    """A chart, a window, a page of text or a few flat shapes."""
    width, height = size
    paper = HOURS[hour].paper
    dark = sum(paper) < 300
    ink = (226, 230, 236) if dark else (38, 50, 64)
    colours = paint.colours("#2f6fb2 #2e8b57 #f0b429 #d64541 #7e57a0")
    rng.shuffle(colours)
    picture = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(picture)
    sort = rng.choice(["bars", "lines", "window", "page", "shapes"])
    if sort in ("bars", "lines"):
        pen.line((60, 30, 60, height - 50, width - 30, height - 50), ink, 3)
        pen.text((width / 2, 24), "Pictures a day", ink, paint.font(22), "mm")
        number = rng.randrange(4, 9)
        step = (width - 110) / number
        points = [(80 + step * k, rng.uniform(60, height - 80)) for k in range(number)]
        for k, (x, y) in enumerate(points):
            if sort == "bars":
                pen.rectangle((x, y, x + step * 0.7, height - 52), colours[k % 2])
            pen.text((x, height - 34), str(k + 1), ink, paint.font(18), "mm")
        if sort == "lines":
            pen.line(points, colours[0], 5, "curve")
            pen.line([(x, height - 20 - y) for x, y in points], colours[1], 5, "curve")
    elif sort == "window":
        pen.rectangle((20, 20, width - 20, height - 20), (250, 250, 250), ink, 2)
        pen.rectangle((20, 20, width - 20, 54), colours[0])
        for k in range(rng.randrange(4, 10)):
            place = (40, 84 + 34 * k)
            pen.text(place, f"folder {k}", (38, 50, 64), paint.font(18), "lm")
            left = 170 + 140 * (k % 2)
            box = (left, 74 + 90 * (k // 2), left + 120, 144 + 90 * (k // 2))
            pen.rectangle(box, colours[k % 5])
    elif sort == "page":
        for y in range(50, height - 30, 26):
            words = " ".join("m" * rng.randrange(1, 8) for _ in range(9))
            pen.text((50, y), words[: rng.randrange(20, 38)], ink, paint.font(16), "lm")
    else:
        for k in range(rng.randrange(3, 7)):
            x, y = rng.uniform(60, width - 60), rng.uniform(60, height - 60)
            far, sides = rng.uniform(30, 90), rng.choice([3, 4, 6, 60])
            turn, fill = rng.uniform(0, 90), colours[k % 5]
            pen.regular_polygon((x, y, far), sides, turn, fill, ink)
    return picture


KINDS: dict[str, Callable[[Random, Size, str], Image.Image]] = {
    view.__name__: view for view in (animal, city, coast, drawing, meadow, mountains)
}
#: How many pictures of each kind: what is learned from, and what is only tested on.
FOLDERS = {"training": 8, "held-out": 5}


def picture(kind: str, folder: str, number: int) -> Image.Image:
    """One picture of a kind, 256 pixels along its longer side; each hour in turn."""
    rng = Random(f"{kind} {folder} {number}")
    size = rng.choice([(640, 480), (640, 480), (480, 640), (640, 400)])
    hour = list(HOURS)[(number + list(KINDS).index(kind)) % len(HOURS)]
    view = KINDS[kind](rng, size, hour)
    if kind != "drawing":
        view = paint.grain(paint.vignette(view, 0.2), rng, 0.05)
    view.thumbnail((256, 256), Image.Resampling.LANCZOS)
    return view


def render(kind: str, part: str, number: int, folder: Path = LABELLED) -> Path:
    """Write one picture of a kind, below a folder."""
    path = folder / part / f"{kind}-{number}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(kind, part, number).save(path, quality=66, optimize=True)
    return path


if __name__ == "__main__":
    for part, count in FOLDERS.items():
        for kind in KINDS:
            for number in range(1, count + 1):
                render(kind, part, number)
