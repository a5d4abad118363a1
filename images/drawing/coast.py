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
        [
            (0, (30, 44, 92)),
            (0.22, (68, 78, 138)),
            (0.42, (148, 116, 160)),
            (0.56, (226, 144, 132)),
            (0.64, (255, 188, 118)),
            (0.68, (255, 222, 160)),
            (1, (255, 222, 160)),
        ],
    )
    high = paint.noise(rng, HALF, 2.4, 7, gain=0.54, stretch=2.6)
    low = paint.noise(rng, HALF, 2.0, 7, gain=0.5, stretch=7)
    for wisps, floor, top in ((high, 0.50, 0.76), (low, 0.52, 0.72)):
        body = mask(wisps, floor, top).point([v * 215 // 255 for v in range(256)])
        lit = paint.relief(wisps, 4, -14, 5)  # from below, where the sun is
        colours = [
            (0, (66, 62, 112)),
            (0.45, (150, 98, 134)),
            (0.7, (248, 150, 112)),
            (1, (255, 214, 150)),
        ]
        picture.paste(paint.tint(lit, colours), (0, 0), body)
    centre = (SUN[0] / 2, SUN[1] / 2)
    picture = paint.light(picture, (255, 150, 70), paint.glow(HALF, centre, 1150, 1.7))
    picture = paint.light(picture, (255, 214, 150), paint.glow(HALF, centre, 330, 1.6))
    disc = paint.glow(HALF, centre, 60, 0.4).point(
        [min(255, v * 3) for v in range(256)]
    )
    return paint.light(picture, (255, 232, 176), disc)


def sea(rng: Random, heaven: Image.Image) -> Image.Image:
    """Waves up to the horizon, with the sun's road across them."""
    size = (WIDE, HIGH - HORIZON)
    swell = paint.noise(rng, (5200, 2400), 64, 4, gain=0.62, stretch=2.4)
    ripple = paint.noise(rng, size, 14, 6, gain=0.72, stretch=5)
    flow = calc(lambda a, b: a * 0.7 + b * 0.3, a=paint.plane(swell, size, 7), b=ripple)
    mirror = heaven.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirror = mirror.crop((0, HALF[1] - HORIZON // 2, HALF[0], HALF[1]))
    mirror = mirror.resize(size).filter(ImageFilter.GaussianBlur(24))
    deep = paint.sky(
        size, [(0, (150, 104, 116)), (0.25, (54, 70, 104)), (1, (14, 36, 62))]
    )
    facing = mask(flow, 0.36, 0.66)
    water = Image.composite(
        mirror, deep, facing.point([20 + v * 3 // 4 for v in range(256)])
    )
    slope = paint.relief(flow, 0, 4, 7)
    shade = paint.tint(
        slope, [(0, (96, 108, 138)), (0.5, (222, 222, 230)), (1, (255, 255, 255))]
    )
    water = ImageChops.multiply(water, shade)
    road = Image.new("L", (300, size[1] // 10))
    pen = ImageDraw.Draw(road)
    pen.polygon([(56, 0), (72, 0), (118, road.height), (8, road.height)], fill=235)
    road = road.filter(ImageFilter.GaussianBlur(9)).resize(
        size, Image.Resampling.BICUBIC
    )
    spark = mask(flow, 0.49, 0.58)
    water = paint.light(water, (255, 176, 96), ImageChops.multiply(road, spark))
    hot = ImageChops.multiply(road, mask(flow, 0.54, 0.62))
    return paint.light(water, (255, 226, 170), hot)


def headland(rng: Random, picture: Image.Image) -> Image.Image:
    """Rocks lit from the left, grass on their back, foam at their feet."""
    size = (WIDE, HIGH)
    bumps = paint.curve(rng, 101, 5, 6, 0.55)
    cliff = [
        (900, 3420),
        (985, 3250),
        (1090, 3160),
        (1130, 3000),
        (1240, 2930),
        (1300, 2760),
        (1400, 2690),
        (1460, 2590),
        (1620, 2560),
        (2000, 2520),
        (2400, 2470),
        (2700, 2380),
        (3100, 2310),
    ]
    edge = []
    for (x0, y0), (x1, y1) in pairwise(cliff):
        for step in range(12):
            t = step / 12
            edge.append(
                (
                    x0 + (x1 - x0) * t + rng.uniform(-9, 9),
                    y0 + (y1 - y0) * t + rng.uniform(-9, 9),
                )
            )
    foot = [
        (3200, 3920),
        (2600, 3850),
        (2280, 3770),
        (1900, 3740),
        (1560, 3640),
        (1300, 3610),
        (1080, 3520),
    ]
    foot = [(x + 30 * bumps[i], y + 46 * bumps[-i]) for i, (x, y) in enumerate(foot)]
    solid = paint.shape(size, [*edge, (3200, 2300), *foot], fine=1, soft=1.2)
    half = HALF
    crags = paint.noise(rng, half, 9, 8, gain=0.6, ridged=True)
    big = paint.noise(rng, half, 4, 5, gain=0.5)
    form = calc(lambda a, b: a * 0.35 + b * 1.6, a=crags, b=big)
    broad = paint.relief(form, 26, 12, 1.5)
    lit = ImageChops.add(paint.relief(form, 3, 2, 7), broad, 2)
    stone = paint.tint(
        lit,
        [
            (0.2, (14, 16, 32)),
            (0.45, (62, 50, 68)),
            (0.6, (150, 98, 88)),
            (0.85, (255, 196, 138)),
        ],
    )
    stone = paint.enlarge(stone, size)
    right = Image.linear_gradient("L").rotate(90).resize(size)  # the far side is dark
    right = right.point([235 - v * 120 // 255 for v in range(256)])
    stone = ImageChops.multiply(stone, Image.merge("RGB", [right] * 3))
    # Grass: wherever the land is within some way of its upper edge.
    turf = [
        (
            x,
            y
            + 36
            + max(0, x - 1400) * 0.20
            + 26 * math.sin(x / 53)
            + 18 * math.sin(x / 19),
        )
        for x, y in edge
        if x > 1380
    ]
    green = paint.shape(
        size, [*[p for p in edge if p[0] > 1380], *turf[::-1]], fine=1, soft=7
    )
    knolls = paint.relief(big, 20, 10, 2.2).resize(size, Image.Resampling.BICUBIC)
    grass = paint.tint(
        knolls, [(0.2, (30, 36, 40)), (0.5, (74, 72, 52)), (0.8, (178, 136, 78))]
    )
    stone.paste(grass, (0, 0), green)
    picture.paste(stone, (0, 0), solid)
    foam = paint.noise(rng, size, 34, 6, gain=0.66, stretch=2.2)
    line = Image.new("L", size)
    pen = ImageDraw.Draw(line)
    pen.line(
        [(2999, 3880), *foot, (880, 3440), (820, 3430)],
        fill=255,
        width=90,
        joint="curve",
    )
    line = (
        line.resize((300, 400))
        .filter(ImageFilter.GaussianBlur(5))
        .resize(size, Image.Resampling.BICUBIC)
    )
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
            pen.line(
                (x, y + 8, x + bow * 0.3, y - tall * 0.5, x + bow, y - tall), tone, 3
            )


def pillar(size, x, top, base, half_top, half_base) -> tuple[Image.Image, Image.Image]:
    """A round tower: where it is, and how its side catches the light."""
    solid = paint.shape(
        size,
        [
            (x - half_top, top),
            (x + half_top, top),
            (x + half_base, base),
            (x - half_base, base),
        ],
    )
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


def tower(picture: Image.Image) -> None:
    """The lighthouse and the keeper's cottage."""
    box = (1300, 500, 2700, 2700)
    part = picture.crop(box)
    size = part.size
    x, top, base = 640, 560, 2110
    solid, lit = pillar(size, x, top, base, 122, 190)
    white = paint.tint(
        lit, [(0, (52, 54, 88)), (0.45, (150, 124, 142)), (1, (255, 236, 208))]
    )
    red = paint.tint(
        lit, [(0, (44, 14, 32)), (0.45, (140, 36, 44)), (1, (246, 96, 62))]
    )
    bands = Image.new("L", size)
    pen = ImageDraw.Draw(bands)
    for low in (top, top + 620, top + 1240):
        pen.rectangle((0, low, size[0], low + 310), fill=255)
        pen.ellipse((x - 190, low + 284, x + 190, low + 336), fill=255)
    for low in (top + 310, top + 930):
        pen.ellipse((x - 190, low + 284, x + 190, low + 336), fill=0)
    part.paste(Image.composite(red, white, bands), (0, 0), solid)
    fine = Image.new("RGBA", (size[0] * 2, size[1] * 2))
    pen = ImageDraw.Draw(fine)

    def rect(x0, y0, x1, y1, fill):
        pen.rectangle((x0 * 2, y0 * 2, x1 * 2, y1 * 2), fill=fill)

    for y in (820, 1140, 1460, 1780):  # windows up the stairs
        pen.rounded_rectangle(
            ((x - 34) * 2, y * 2, (x + 10) * 2, (y + 78) * 2), 40, (40, 34, 56)
        )
        pen.rounded_rectangle(
            ((x - 27) * 2, (y + 9) * 2, (x + 5) * 2, (y + 74) * 2), 30, (255, 206, 120)
        )
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
    pen.pieslice(
        ((x - 104) * 2, (top - 366) * 2, (x + 104) * 2, (top - 172) * 2),
        180,
        360,
        fill=(126, 30, 42),
    )
    rect(x - 5, top - 440, x + 5, top - 360, dark)
    pen.ellipse(
        ((x - 16) * 2, (top - 398) * 2, (x + 16) * 2, (top - 366) * 2), fill=dark
    )
    # The cottage beside it.
    left, right, eaves, ground = 800, 1190, 1880, 2090
    rect(left, eaves, right, ground, (116, 92, 112))
    pen.polygon(
        [
            (c[0] * 2, c[1] * 2)
            for c in [
                (left, eaves),
                (left, ground),
                (left - 70, ground),
                (left - 70, eaves + 20),
            ]
        ],
        fill=(250, 204, 166),
    )
    pen.polygon(
        [
            (c[0] * 2, c[1] * 2)
            for c in [
                (left - 92, eaves + 34),
                (left - 34, 1750),
                (left + 10, eaves + 6),
            ]
        ],
        fill=(244, 190, 150),
    )
    pen.polygon(
        [
            (c[0] * 2, c[1] * 2)
            for c in [
                (left - 34, 1742),
                (right - 24, 1742),
                (right + 34, eaves + 14),
                (left + 14, eaves + 14),
            ]
        ],
        fill=(92, 34, 46),
    )
    pen.line(
        [
            ((left - 96) * 2, (eaves + 34) * 2),
            ((left - 34) * 2, 1742 * 2),
            ((right - 24) * 2, 1742 * 2),
        ],
        fill=(240, 120, 84),
        width=14,
    )
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
    beams = paint.shape(
        (750, 1000),
        [
            (lamp[0] / 4, lamp[1] / 4 - 6),
            (0, 96),
            (0, 236),
            (lamp[0] / 4, lamp[1] / 4 + 6),
        ],
        [
            (lamp[0] / 4, lamp[1] / 4 - 6),
            (760, 170),
            (760, 252),
            (lamp[0] / 4, lamp[1] / 4 + 6),
        ],
        soft=7,
    )
    fade = paint.glow((750, 1000), (lamp[0] / 4, lamp[1] / 4), 620, 1.2)
    beams = ImageChops.multiply(beams, fade).resize(
        (WIDE, HIGH), Image.Resampling.BICUBIC
    )
    picture = paint.light(
        picture, (255, 232, 176), beams.point([v * 3 // 4 for v in range(256)])
    )
    picture.paste(sea(rng, heaven), (0, HORIZON))
    haze = Image.new("L", (300, 400))
    ImageDraw.Draw(haze).rectangle((0, 262, 300, 274), fill=150)
    haze = haze.filter(ImageFilter.GaussianBlur(4)).resize(
        (WIDE, HIGH), Image.Resampling.BICUBIC
    )
    picture.paste((255, 200, 150), (0, 0), haze)
    green = headland(rng, picture)
    tower(picture)
    meadow(rng, picture, green, range(2598, 2700, 5))
    pen = ImageDraw.Draw(picture)
    for x, y, span in (
        (820, 1500, 92),
        (1060, 1390, 66),
        (560, 1720, 58),
        (1180, 1640, 44),
        (420, 1330, 50),
    ):
        for side in (-1, 1):  # gulls
            wing = [
                (x, y),
                (x + side * span * 0.5, y - span * 0.42),
                (x + side * span, y - span * 0.16),
                (x + side * span * 0.5, y - span * 0.30),
            ]
            pen.polygon(paint.blob(wing, 8), fill=(52, 44, 74))
    picture = paint.light(
        picture, (255, 220, 150), paint.glow(picture.size, lamp, 420, 1.8)
    )
    picture = paint.light(
        picture,
        (255, 120, 50),
        paint.glow(picture.size, SUN, 2300, 2.4).point([v // 3 for v in range(256)]),
    )
    return paint.grain(paint.vignette(picture, 0.25), rng, 0.11)
