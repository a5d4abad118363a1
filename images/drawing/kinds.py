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

import paint
from paint import Colour, Size, mask
from PIL import Image, ImageChops, ImageDraw, ImageFilter

LABELLED = Path(__file__).resolve().parents[1] / "labelled"

#: An hour: the sky's ramp from above to the horizon, and what its light does to things.
HOURS: dict[str, tuple[paint.Stops, Colour]] = {
    "noon": ([(0, (70, 132, 204)), (1, (206, 226, 240))], (255, 255, 250)),
    "morning": ([(0, (128, 158, 198)), (1, (250, 224, 192))], (255, 240, 220)),
    "evening": (
        [(0, (58, 62, 118)), (0.6, (204, 120, 122)), (1, (255, 196, 120))],
        (246, 190, 160),
    ),
    "grey": ([(0, (150, 158, 170)), (1, (214, 218, 222))], (214, 220, 228)),
    "dusk": ([(0, (18, 24, 58)), (1, (96, 92, 140))], (132, 134, 178)),
}


#: The same for drawings: what they are drawn on.
PAPERS = {
    "noon": (255, 255, 255),
    "morning": (248, 244, 234),
    "evening": (196, 212, 222),
    "grey": (232, 236, 242),
    "dusk": (30, 34, 44),
}


def heaven(rng: Random, size: Size, hour: str) -> Image.Image:
    """A sky of an hour, with clouds or without."""
    stops, light = HOURS[hour]
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
    return ImageChops.multiply(picture, Image.new("RGB", picture.size, HOURS[hour][1]))


def ridge(rng: Random, size: Size, level: float, swing: float, waves: float):
    """The outline of what stands below a line that wanders."""
    width, height = size
    line = paint.curve(rng, width + 1, waves, 6, 0.5)
    edge = [(x, level + swing * line[x]) for x in range(width + 1)]
    return [(0, height), *edge, (width, height)]


def coast(rng: Random, size: Size, hour: str) -> Image.Image:
    """The sea up to the horizon, and a beach or a cliff."""
    width, height = size
    horizon = round(height * rng.uniform(0.35, 0.6))
    picture = heaven(rng, size, hour)
    deep = rng.choice([(22, 74, 112), (30, 96, 118), (36, 70, 92)])
    far = paint.at(HOURS[hour][0], 1)
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
            [(0, (196, 166, 124)), (1, (238, 216, 174))],
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
        sand = paint.tint(
            paint.relief(crags, 3, 3, 4),
            [
                (0, paint.mix(stone, (20, 20, 30), 0.7)),
                (1, paint.mix(stone, (255, 240, 210), 0.5)),
            ],
        )
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
    bloom = rng.sample(
        [
            (226, 52, 40),
            (250, 250, 244),
            (92, 98, 206),
            (250, 208, 58),
            (202, 116, 196),
        ],
        rng.randrange(1, 4),
    )
    often = rng.uniform(0.01, 0.12)
    y = horizon
    while y < height + 40:
        near = (y - horizon) / (height - horizon)
        for _ in range(int(320 / (1 + 3 * near))):
            x, tall = rng.uniform(-9, width + 9), (4 + 52 * near) * rng.uniform(0.5, 1)
            tone = paint.mix(
                green, rng.choice([(24, 46, 20), (206, 206, 110)]), rng.random() * 0.7
            )
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
    far = paint.at(HOURS[hour][0], 0.8)
    count, snow = rng.randrange(2, 5), rng.uniform(0.2, 0.75)
    foot = height * rng.uniform(0.62, 0.95)
    for row in range(count):
        haze = 0.6 * (1 - row / count)
        level = height * (0.30 + 0.30 * row / count) + rng.uniform(-9, 9)
        outline = ridge(
            rng, size, level, height * rng.uniform(0.1, 0.2), rng.uniform(2, 5)
        )
        crags = paint.noise(rng, size, 6, 7, gain=0.55, ridged=True)
        form = paint.relief(crags, 4, 3, 4)
        stone = [(0, (44, 50, 70)), (0.5, (104, 98, 104)), (1, (206, 184, 166))]
        rock = paint.tint(form, stone)
        white = paint.tint(form, [(0, (122, 142, 182)), (1, (255, 250, 244))])
        depth = paint.sky(size, [(0, (255,) * 3), (snow, (140,) * 3), (1, (0,) * 3)])
        cover = ImageChops.add(depth.convert("L"), mask(crags, 0.2, 0.8), 2)
        rock.paste(white, (0, 0), cover.point([255 * (v > 128) for v in range(256)]))
        rock = Image.blend(lit(rock, hour), Image.new("RGB", size, far), haze)
        picture.paste(rock, (0, 0), paint.shape(size, outline, soft=0.6))
    if rng.random() < 0.5:  # a lake
        wet = (width, height - round(foot))
        mirror = picture.crop((0, round(foot) - wet[1], width, round(foot)))
        mirror = mirror.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        water = ImageChops.multiply(mirror, Image.new("RGB", wet, (150, 176, 188)))
        picture.paste(water.filter(ImageFilter.BoxBlur(2)), (0, round(foot)))
    else:
        floor = paint.mix((34, 52, 40), (110, 116, 66), rng.random())
        outline = ridge(rng, size, foot, 9, 4)
        picture.paste(paint.mix(floor, far, 0.15), (0, 0), paint.shape(size, outline))
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.choice([0, 40, 90])):  # spruces
        x, y = rng.uniform(0, width), foot + rng.uniform(-2, 0.3 * (height - foot))
        tall = rng.uniform(14, 44)
        tone = paint.mix((18, 34, 34), (60, 80, 58), rng.random())
        pen.polygon(
            [(x - tall * 0.2, y), (x, y - tall), (x + tall * 0.2, y)], fill=tone
        )
    return picture


def city(rng: Random, size: Size, hour: str) -> Image.Image:
    """Rows of houses by day or by night, along a street or a river."""
    width, height = size
    night = hour in ("dusk", "evening")
    picture = heaven(rng, size, hour)
    pen = ImageDraw.Draw(picture)
    ground = round(height * rng.uniform(0.72, 0.96))
    far = paint.at(HOURS[hour][0], 1)
    walls = [
        (124, 116, 122),
        (168, 150, 136),
        (96, 104, 122),
        (150, 104, 92),
        (196, 190, 182),
    ]
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
    wet = (width, height - ground)
    if rng.random() < 0.5:
        mirror = picture.crop((0, ground - wet[1], width, ground))
        mirror = mirror.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        water = ImageChops.multiply(mirror, Image.new("RGB", wet, (130, 140, 170)))
        picture.paste(water.filter(ImageFilter.BoxBlur(1.5)), (0, ground))
    else:
        tar = (34, 34, 46) if night else (112, 112, 116)
        pen.rectangle((0, ground, width, height), fill=tar)
        for x in range(0, width, 56):
            pen.rectangle(
                (x, ground + wet[1] // 2, x + 28, ground + wet[1] // 2 + 3), "white"
            )
    return picture


def animal(rng: Random, size: Size, hour: str) -> Image.Image:
    """A furry face that looks at you, before a wood, sand or snow out of focus."""
    width, height = size
    behind = rng.choice(
        [
            [(172, 196, 128), (52, 92, 66)],
            [(96, 120, 92), (30, 48, 46)],
            [(206, 190, 150), (128, 104, 76)],
            [(222, 228, 234), (160, 174, 190)],
        ]
    )
    picture = paint.sky(size, [(0, behind[0]), (1, behind[1])])
    pen = ImageDraw.Draw(picture)
    for _ in range(40):
        spot = (rng.uniform(0, width), rng.uniform(0, height))
        tone = paint.mix(*behind, rng.random())
        pen.circle(spot, rng.uniform(10, 60), tone)
    picture = picture.filter(ImageFilter.GaussianBlur(9))
    coat = rng.choice(
        [
            [(112, 44, 20), (198, 92, 36), (240, 170, 96)],
            [(70, 52, 40), (132, 100, 74), (200, 170, 136)],
            [(60, 60, 64), (128, 126, 128), (206, 204, 202)],
            [(150, 112, 64), (206, 170, 108), (246, 222, 176)],
            [(24, 20, 22), (62, 54, 52), (120, 106, 98)],
        ]
    )
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
    head = [
        (
            x + reach * math.cos(k / 6 * math.pi),
            y + reach * 0.86 * math.sin(k / 6 * math.pi),
        )
        for k in range(12)
    ]
    fur(picture, rng, paint.blob(head), coat, (x, y), reach)
    muzzle = [
        (x + 0.4 * reach * a, y + reach * (0.42 + 0.32 * b))
        for a, b in ((-1, 0), (0, -1), (1, 0), (0, 1))
    ]
    fur(
        picture,
        rng,
        paint.blob(muzzle),
        [coat[2], (240, 226, 206), (255, 250, 240)],
        (x, y),
        reach,
    )
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
    paper = PAPERS[hour]
    dark = sum(paper) < 300
    ink = (226, 230, 236) if dark else (38, 50, 64)
    colours = [
        (47, 111, 178),
        (46, 139, 87),
        (240, 180, 41),
        (214, 69, 65),
        (126, 87, 160),
    ]
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
            pen.text(
                (40, 84 + 34 * k), f"folder {k}", (38, 50, 64), paint.font(18), "lm"
            )
            left = 170 + 140 * (k % 2)
            box = (left, 74 + 90 * (k // 2), left + 120, 144 + 90 * (k // 2))
            pen.rectangle(box, colours[k % 5])
    elif sort == "page":
        for y in range(50, height - 30, 26):
            words = " ".join("m" * rng.randrange(1, 8) for _ in range(9))
            pen.text((50, y), words[: rng.randrange(20, 38)], ink, paint.font(16), "lm")
    else:
        for k in range(rng.randrange(3, 7)):
            x, y, far = (
                rng.uniform(60, width - 60),
                rng.uniform(60, height - 60),
                rng.uniform(30, 90),
            )
            sides = rng.choice([3, 4, 6, 60])
            pen.regular_polygon(
                (x, y, far), sides, rng.uniform(0, 90), colours[k % 5], ink
            )
    return picture


KINDS: dict[str, Callable[[Random, Size, str], Image.Image]] = {
    "animal": animal,
    "city": city,
    "coast": coast,
    "drawing": drawing,
    "meadow": meadow,
    "mountains": mountains,
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
