"""The lighthouse: a headland at sunset, in portrait format."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import paint
from paint import calc, mask
from PIL import Image, ImageChops, ImageDraw, ImageFilter

WIDE, HIGH, HORIZON = 3000, 4000, 2700
HALF = (WIDE // 2, HIGH // 2)
SUN = (640, 2560)


def evening(rng: Random) -> Image.Image:
    """The sky after the storm: violet above, fire along the horizon."""
    picture = paint.sky(
        HALF,
        paint.ramp(
            "#1e2c5c, #444e8a 22%, #9474a0 42%, #e29084 56%, #ffbc76 64%, "
            "#ffdea0 68%, #ffdea0"
        ),
    )
    high = paint.noise(rng, HALF, 2.4, 7, gain=0.54, stretch=2.6)
    low = paint.noise(rng, HALF, 2.0, 7, gain=0.5, stretch=7)
    for wisps, floor, top in ((high, 0.50, 0.76), (low, 0.52, 0.72)):
        body = mask(wisps, floor, top).point(lambda v: v * 215 // 255)
        lit = paint.relief(wisps, 4, -14, 5)  # from below, where the sun is
        colours = paint.ramp("#423e70, #966286 45%, #f89670 70%, #ffd696")
        picture.paste(paint.tint(lit, colours), (0, 0), body)
    centre = (SUN[0] / 2, SUN[1] / 2)
    picture = paint.light(picture, (255, 150, 70), paint.glow(HALF, centre, 1150, 1.7))
    picture = paint.light(picture, (255, 214, 150), paint.glow(HALF, centre, 330, 1.6))
    disc = paint.glow(HALF, centre, 60, 0.4).point(lambda v: min(255, v * 3))
    return paint.light(picture, (255, 232, 176), disc)


def sea(rng: Random, heaven: Image.Image) -> Image.Image:
    """Waves up to the horizon, with the sun's road across them."""
    size = (WIDE, HIGH - HORIZON)
    swell = paint.noise(rng, (5200, 2400), 64, 4, gain=0.62, stretch=2.4)
    ripple = paint.noise(rng, size, 14, 6, gain=0.72, stretch=5)
    flow = calc(lambda a, b: a * 0.7 + b * 0.3, paint.plane(swell, size, 7), ripple)
    mirror = heaven.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirror = mirror.crop((0, HALF[1] - HORIZON // 2, HALF[0], HALF[1]))
    mirror = mirror.resize(size).filter(ImageFilter.GaussianBlur(24))
    deep = paint.sky(size, paint.ramp("#966874, #364668 25%, #0e243e"))
    facing = mask(flow, 0.36, 0.66)
    water = Image.composite(mirror, deep, facing.point(lambda v: 20 + v * 3 // 4))
    slope = paint.relief(flow, 0, 4, 7)
    shade = paint.tint(slope, paint.ramp("#606c8a, #dedee6, #ffffff"))
    water = ImageChops.multiply(water, shade)
    road = Image.new("L", (300, size[1] // 10))
    pen = ImageDraw.Draw(road)
    pen.polygon([(56, 0), (72, 0), (118, road.height), (8, road.height)], fill=235)
    road = paint.blur(road, 9).resize(size)
    spark = mask(flow, 0.49, 0.58)
    water = paint.light(water, (255, 176, 96), ImageChops.multiply(road, spark))
    hot = ImageChops.multiply(road, mask(flow, 0.54, 0.62))
    return paint.light(water, (255, 226, 170), hot)


def headland(rng: Random, picture: Image.Image) -> Image.Image:
    """Rocks lit from the left, grass on their back, foam at their feet."""
    size = (WIDE, HIGH)
    bumps = paint.curve(rng, 101, 5, 6, 0.55)
    cliff = paint.points(
        "900,3420 985,3250 1090,3160 1130,3000 1240,2930 1300,2760 "
        "1400,2690 1460,2590 1620,2560 2000,2520 2400,2470 2700,2380 "
        "3100,2310"
    )
    edge = []
    for (x0, y0), (x1, y1) in pairwise(cliff):
        for t in (step / 12 for step in range(12)):
            x = x0 + (x1 - x0) * t + rng.uniform(-9, 9)
            edge.append((x, y0 + (y1 - y0) * t + rng.uniform(-9, 9)))
    foot = paint.points(
        "3200,3920 2600,3850 2280,3770 1900,3740 1560,3640 1300,3610 1080,3520"
    )
    foot = [(x + 30 * bumps[i], y + 46 * bumps[-i]) for i, (x, y) in enumerate(foot)]
    solid = paint.shape(size, [*edge, (3200, 2300), *foot], fine=1, soft=1.2)
    crags = paint.noise(rng, HALF, 9, 8, gain=0.6, ridged=True)
    big = paint.noise(rng, HALF, 4, 5, gain=0.5)
    form = calc(lambda a, b: a * 0.35 + b * 1.6, crags, big)
    broad = paint.relief(form, 26, 12, 1.5)
    lit = ImageChops.add(paint.relief(form, 3, 2, 7), broad, 2)
    stone = paint.tint(
        lit, paint.ramp("#0e1020 20%, #3e3244 45%, #966258 60%, #ffc48a 85%")
    )
    stone = paint.enlarge(stone, size)
    right = Image.linear_gradient("L").rotate(90).resize(size)  # the far side is dark
    right = right.point(lambda v: 235 - v * 120 // 255)
    stone = paint.darken(stone, right)
    # Grass: wherever the land is within some way of its upper edge.
    back = [(x, y) for x, y in edge if x > 1380]
    turf = []
    for x, y in back:
        deep = y + 36 + max(0, x - 1400) * 0.20
        turf.append((x, deep + 26 * math.sin(x / 53) + 18 * math.sin(x / 19)))
    green = paint.shape(size, [*back, *turf[::-1]], fine=1, soft=7)
    knolls = paint.relief(big, 20, 10, 2.2).resize(size)
    grass = paint.tint(knolls, paint.ramp("#1e2428 20%, #4a4834, #b2884e 80%"))
    stone.paste(grass, (0, 0), green)
    picture.paste(stone, (0, 0), solid)
    foam = paint.noise(rng, size, 34, 6, gain=0.66, stretch=2.2)
    line = Image.new("L", size)
    surf = [(2999, 3880), *foot, (880, 3440), (820, 3430)]
    ImageDraw.Draw(line).line(surf, 255, 90, "curve")
    line = paint.blur(line.resize((300, 400)), 5).resize(size)
    spray = ImageChops.multiply(line, mask(foam, 0.40, 0.62))
    picture.paste((238, 214, 208), (0, 0), spray)
    meadow(rng, picture, green, range(2300, 2600, 5))
    return green


def meadow(rng: Random, picture: Image.Image, green: Image.Image, rows: range) -> None:
    """Blades of grass wherever the mask is green, row after row, to the front."""
    pen, there, under = ImageDraw.Draw(picture), green.load(), picture.load()
    for y in rows:
        for _ in range(330):
            x = rng.uniform(1300, WIDE - 1)
            if there[x, y] < 128:
                continue
            tall, bow = rng.uniform(10, 34), rng.uniform(-6, 14)
            tone = paint.mix(under[x, y][:3], (236, 178, 104), rng.random() ** 2 * 0.7)
            tone = paint.mix(tone, (24, 26, 34), rng.random() * 0.4)
            blade = (x, y + 8, x + bow * 0.3, y - tall * 0.5, x + bow, y - tall)
            pen.line(blade, tone, 3)


def pillar(size, x, top, base, half_top, half_base) -> tuple[Image.Image, Image.Image]:
    """A round tower: where it is, and how its side catches the light."""
    left = [(x - half_base, base), (x - half_top, top)]
    solid = paint.shape(size, [*left, (x + half_top, top), (x + half_base, base)])
    wide = round(half_base * 2)
    column = Image.new("L", (wide, 1))
    tones = []
    for i in range(wide):
        place = i / wide * 2 - 1
        front = max(0.0, math.cos(math.asin(max(-1, min(1, place))) + 0.95))
        tones.append(round(70 + 185 * front**0.8 + 26 * max(0, place) ** 4))
    column.putdata([min(255, tone) for tone in tones])
    sheet = Image.new("L", size, 70)
    sheet.paste(column.resize((wide, size[1])), (round(x - half_base), 0))
    return solid, sheet


def banded(part: Image.Image, x: int, top: int, base: int) -> None:
    """The tower's wall, red and white."""
    size = part.size
    solid, lit = pillar(size, x, top, base, 122, 190)
    white = paint.tint(lit, paint.ramp("#343658, #967c8e 45%, #ffecd0"))
    red = paint.tint(lit, paint.ramp("#2c0e20, #8c242c 45%, #f6603e"))
    bands = Image.new("L", size)
    pen = ImageDraw.Draw(bands)
    for low in (top, top + 620, top + 1240):
        pen.rectangle((0, low, size[0], low + 310), fill=255)
        pen.ellipse((x - 190, low + 284, x + 190, low + 336), fill=255)
    for low in (top + 310, top + 930):
        pen.ellipse((x - 190, low + 284, x + 190, low + 336), fill=0)
    part.paste(Image.composite(red, white, bands), (0, 0), solid)


def tower(picture: Image.Image) -> None:
    """The lighthouse and the keeper's cottage."""
    box = (1300, 500, 2700, 2700)
    part = picture.crop(box)
    x, top = 640, 560
    banded(part, x, top, 2110)
    fine = Image.new("RGBA", (part.width * 2, part.height * 2))
    pen = ImageDraw.Draw(fine)

    def rect(x0, y0, x1, y1, fill, draw=pen.rectangle, **more):
        draw((x0 * 2, y0 * 2, x1 * 2, y1 * 2), fill=fill, **more)

    def outline(text, fill):
        pen.polygon(paint.scaled(paint.points(text), 2), fill=fill)

    for y in (820, 1140, 1460, 1780):  # windows up the stairs
        rounded = pen.rounded_rectangle
        rect(x - 34, y, x + 10, y + 78, (40, 34, 56), rounded, radius=40)
        rect(x - 27, y + 9, x + 5, y + 74, (255, 206, 120), rounded, radius=30)
    dark, edge = (30, 28, 48), (236, 150, 104)
    rect(x - 176, top - 22, x + 176, top + 20, dark)  # the gallery
    rect(x - 176, top - 22, x - 60, top - 12, edge)
    for post in range(-170, 171, 34):
        rect(x + post - 3, top - 104, x + post + 3, top - 20, dark)
    rect(x - 174, top - 110, x + 174, top - 100, dark)
    rect(x - 174, top - 68, x + 174, top - 62, dark)
    rect(x - 92, top - 250, x + 92, top - 22, (255, 226, 150))  # the lamp room
    for bar in (-92, -46, 0, 46, 84):
        rect(x + bar - 2, top - 250, x + bar + 8, top - 22, dark)
    rect(x - 92, top - 150, x + 92, top - 144, dark)
    rect(x - 116, top - 270, x + 116, top - 246, dark)
    roof = (x - 104, top - 366, x + 104, top - 172)
    rect(*roof, (126, 30, 42), pen.pieslice, start=180, end=360)
    rect(x - 5, top - 440, x + 5, top - 360, dark)
    rect(x - 16, top - 398, x + 16, top - 366, dark, pen.ellipse)
    # The cottage beside it: walls, gable and roof.
    left, right = 800, 1190
    rect(left, 1880, right, 2090, (116, 92, 112))
    outline("800,1880 800,2090 730,2090 730,1900", (250, 204, 166))
    outline("708,1914 766,1750 810,1886", (244, 190, 150))
    outline("766,1742 1166,1742 1224,1894 814,1894", (92, 34, 46))
    ridge = paint.points("704,1914 766,1742 1166,1742")
    pen.line(paint.scaled(ridge, 2), (240, 120, 84), 14)
    rect(right - 130, 1680, right - 80, 1790, (104, 62, 72))
    rect(right - 130, 1680, right - 118, 1790, (230, 140, 104))
    for w in (left + 70, left + 200, left + 310):
        rect(w, 1945, w + 56, 2020, (60, 44, 60))
        rect(w + 6, 1951, w + 50, 2014, (255, 208, 124))
        rect(w + 26, 1951, w + 30, 2014, (60, 44, 60))
    fine = fine.reduce(2)
    part.paste(fine.convert("RGB"), (0, 0), fine.getchannel("A"))
    picture.paste(part, box[:2])


def lighthouse() -> Image.Image:
    """A lighthouse on its headland as the sun goes down, 12 megapixels."""
    rng = Random(1886)
    heaven = evening(rng)
    picture = paint.enlarge(heaven, (WIDE, HIGH))
    lamp = (1940, 920)
    small = (750, 1000)
    left = paint.points("485,224 0,96 0,236 485,236")
    right = paint.points("485,224 760,170 760,252 485,236")
    beams = paint.shape(small, left, right, soft=7)
    fade = paint.glow(small, (lamp[0] / 4, lamp[1] / 4), 620, 1.2)
    beams = ImageChops.multiply(beams, fade).resize((WIDE, HIGH))
    picture = paint.light(picture, (255, 232, 176), beams.point(lambda v: v * 3 // 4))
    picture.paste(sea(rng, heaven), (0, HORIZON))
    haze = Image.new("L", (300, 400))
    ImageDraw.Draw(haze).rectangle((0, 262, 300, 274), fill=150)
    haze = paint.blur(haze, 4).resize((WIDE, HIGH))
    picture.paste((255, 200, 150), (0, 0), haze)
    green = headland(rng, picture)
    tower(picture)
    meadow(rng, picture, green, range(2598, 2700, 5))
    pen = ImageDraw.Draw(picture)
    gulls = paint.points("820,1500 1060,1390 560,1720 1180,1640 420,1330")
    for (x, y), span in zip(gulls, (92, 66, 58, 44, 50), strict=True):
        for side in (-span, span):
            wing = [(x, y), (x + side * 0.5, y - span * 0.42)]
            wing += [(x + side, y - span * 0.16), (x + side * 0.5, y - span * 0.30)]
            pen.polygon(paint.blob(wing, 8), fill=(52, 44, 74))
    shine = paint.glow(picture.size, lamp, 420, 1.8)
    picture = paint.light(picture, (255, 220, 150), shine)
    sun = paint.glow(picture.size, SUN, 2300, 2.4).point(lambda v: v // 3)
    picture = paint.light(picture, (255, 120, 50), sun)
    return paint.grain(paint.vignette(picture, 0.25), rng, 0.11)
