"""The meadow: 24 megapixels of grass and flowers on a summer's day."""

from __future__ import annotations

import math
from random import Random

import paint
from paint import mask
from PIL import Image, ImageChops, ImageDraw, ImageFilter

WIDE, HIGH, HORIZON = 6000, 4000, 1660
GREENS = [(70, 104, 34), (98, 134, 42), (126, 156, 54), (158, 176, 74), (52, 88, 38)]
BLOOMS = [  # petals, heart, how often
    ((226, 52, 40), (40, 22, 26), 5),
    ((250, 250, 244), (246, 196, 52), 5),
    ((74, 98, 206), (52, 50, 132), 3),
    ((250, 208, 58), (222, 156, 36), 4),
    ((202, 116, 196), (150, 72, 150), 2),
]


def summer_sky(rng: Random) -> Image.Image:
    """Heaps of white cloud on blue."""
    size = (1500, 430)
    picture = paint.sky(
        size, [(0, (56, 118, 196)), (0.6, (134, 184, 228)), (1, (216, 230, 236))]
    )
    heaps = paint.noise(rng, size, 4.2, 8, gain=0.5, stretch=1.9)
    body = mask(heaps, 0.515, 0.62)
    lit = paint.relief(heaps, 9, 13, 2.6)
    colours = [
        (0, (138, 156, 184)),
        (0.45, (216, 224, 234)),
        (0.7, (255, 253, 246)),
        (1, (255, 255, 252)),
    ]
    picture.paste(
        paint.tint(lit.filter(ImageFilter.GaussianBlur(1)), colours), (0, 0), body
    )
    sun = paint.glow(size, (160, 20), 800, 1.6).point([v // 2 for v in range(256)])
    return paint.light(picture, (255, 236, 190), sun).resize(
        (WIDE, 1720), Image.Resampling.BICUBIC
    )


def tree(pen, rng: Random, x: float, y: float, size: float, haze: float) -> None:
    """A broad tree: leaves in clumps, lit from the upper left."""
    far = (170, 196, 210)
    trunk = paint.mix((66, 52, 40), far, haze)
    pen.polygon(
        [
            (x - size * 0.05, y),
            (x - size * 0.03, y - size * 0.6),
            (x + size * 0.03, y - size * 0.6),
            (x + size * 0.06, y),
        ],
        fill=trunk,
    )
    clumps = []
    for _ in range(52):
        angle, reach = rng.uniform(0, math.tau), rng.random() ** 0.5
        clumps.append(
            (
                x + math.cos(angle) * reach * size * 0.45,
                y - size * 0.64 + math.sin(angle) * reach * size * 0.32,
                size * rng.uniform(0.06, 0.14),
            )
        )
    clumps.sort(key=lambda c: -c[1])
    count = int(min(420, 12 + size / 3))
    for cx, cy, radius in clumps:
        pen.circle((cx, cy), radius * 0.9, paint.mix((34, 58, 30), far, haze))
    for _ in range(3):
        for cx, cy, radius in clumps:
            for _ in range(count // 3):
                angle, reach = (
                    rng.uniform(0, math.tau),
                    rng.random() ** 0.5 * radius * 1.15,
                )
                px, py = cx + math.cos(angle) * reach, cy + math.sin(angle) * reach
                sunny = (
                    0.5
                    - ((px - cx) * 0.6 + (py - cy)) / radius * 0.34
                    - ((px - x) * 0.5 + (py - y + size * 0.66)) / size * 0.7
                )
                tone = paint.at(
                    [(0, (28, 50, 28)), (0.5, (66, 98, 40)), (1, (168, 184, 84))],
                    sunny + rng.uniform(-0.22, 0.22),
                )
                leaf = max(1.5, size * 0.0062 * rng.uniform(0.7, 1.5))
                pen.ellipse(
                    (px - leaf * 1.3, py - leaf * 0.8, px + leaf, py + leaf),
                    paint.mix(tone, far, haze),
                )


def hills(rng: Random, picture: Image.Image) -> None:
    """Blue hills far off, fields and woods nearer by."""
    rows = [
        (1395, 110, (142, 172, 200), 3),
        (1485, 80, (122, 158, 168), 4),
        (1560, 62, (112, 150, 112), 4),
        (1622, 40, (116, 150, 78), 3),
    ]
    pen = ImageDraw.Draw(picture)
    for number, (level, swing, tone, waves) in enumerate(rows):
        line = paint.curve(rng, 601, waves, 5, 0.42)
        edge = [(i * 10, level + swing * line[i]) for i in range(601)]
        pen.polygon([(0, 1900), *edge, (6000, 1900)], fill=tone)
        for x, y in edge:
            if number == 1:
                for _ in range(5):
                    spot = (x + rng.uniform(-9, 9), y + rng.uniform(-4, 22))
                    pen.circle(
                        spot,
                        rng.uniform(5, 13),
                        paint.mix((84, 124, 130), (128, 162, 156), rng.random()),
                    )
            if (
                number > 1
                and math.sin(x / 310 + number * 2) + math.sin(x / 97) > 0.5
                and rng.random() < 0.4
            ):
                tree(
                    pen,
                    rng,
                    x,
                    y + 14,
                    rng.uniform(60, 120) * (number - 1) ** 0.5,
                    0.42 - number * 0.08,
                )
    mist = (
        Image.linear_gradient("L")
        .resize((WIDE, 420))
        .point([v * 70 // 255 for v in range(256)])
    )
    picture.paste((226, 232, 214), (0, 1270), mist)


def flower(pen, rng: Random, x: float, y: float, size: float, kind) -> None:
    """A bloom seen a little from above."""
    petals, heart, _ = kind
    turn, count = (
        rng.uniform(0, 1),
        5 if petals[0] in (226, 250) and petals[2] < 100 else 9,
    )
    if size > 7:
        for petal in range(count):
            angle = (petal / count + turn) * math.tau
            px, py = (
                x + math.cos(angle) * size * 0.62,
                y + math.sin(angle) * size * 0.40,
            )
            fat = size * (0.52 if count == 5 else 0.27)
            sunny = 0.5 - math.sin(angle + 0.6) * 0.5
            tone = paint.mix(tuple(int(c * 0.72) for c in petals), petals, sunny + 0.25)
            pen.ellipse((px - fat, py - fat * 0.72, px + fat, py + fat * 0.72), tone)
        pen.ellipse(
            (x - size * 0.26, y - size * 0.20, x + size * 0.26, y + size * 0.18), heart
        )
    else:
        pen.ellipse((x - size, y - size * 0.7, x + size, y + size * 0.6), petals)


def turf(rng: Random, picture: Image.Image, oak: float) -> None:
    """Grass and flowers from the horizon to the eye; the oak stands in its row."""
    pen = ImageDraw.Draw(picture)
    kinds = [kind for kind in BLOOMS for _ in range(kind[2])]
    drifts = paint.noise(rng, (600, 400), 5, 3, stretch=2.5).load()
    shine = paint.noise(rng, (600, 400), 3, 4, stretch=4).load()
    y = HORIZON + 6.0
    while y < HIGH + 520:
        if oak and y > oak:
            tree(pen, rng, 4850, oak, 1250, 0.0)
            oak = 0
        near = (y - HORIZON) / (HIGH - HORIZON)
        tall = 10 + 440 * near**1.25
        width = max(1, int(2 + 13 * near))
        number = int(1900 / (1 + 9 * near))
        for _ in range(number):
            x = rng.uniform(-60, WIDE + 60)
            spot = min(599, max(0, int(x / 10))), min(399, int(y / 10))
            size = tall * rng.uniform(0.45, 1)
            lean = rng.gauss(0.16, 0.22) * size
            sunny = (shine[spot] - 0.32) * 2.2
            tone = paint.mix(
                rng.choice(GREENS), (24, 46, 24), rng.random() * 0.6 * near
            )
            tone = paint.mix(
                tone, (222, 214, 108), max(0, sunny * 0.5) + 0.24 * (1 - near)
            )
            half = width * rng.uniform(0.35, 0.8)
            bend = (x + lean * 0.35, y - size * 0.6)
            pen.polygon(
                [
                    (x - half, y),
                    (bend[0] - half * 0.7, bend[1]),
                    (x + lean, y - size),
                    (bend[0] + half * 0.7, bend[1]),
                    (x + half, y),
                ],
                fill=tone,
            )
            if rng.random() < 0.05 + 0.5 * max(0, drifts[spot] - 0.5):
                kind = kinds[(int(drifts[spot] * 40) + rng.randrange(9)) % len(kinds)]
                head = y - size * rng.uniform(0.8, 1.15)
                pen.line(
                    (x, y, x + lean * 0.3, head),
                    fill=(78, 112, 44),
                    width=max(1, width // 3),
                )
                flower(
                    pen,
                    rng,
                    x + lean * 0.3,
                    head,
                    (3 + 58 * near) * rng.uniform(0.7, 1.15),
                    kind,
                )
        y += 5 + 44 * near


def meadow() -> Image.Image:
    """A summer meadow below white clouds, fine enough to fill ten megabytes."""
    rng = Random(24)
    picture = Image.new("RGB", (WIDE, HIGH), (92, 124, 46))
    picture.paste(summer_sky(rng), (0, 0))
    hills(rng, picture)
    ground = paint.sky(
        (WIDE, HIGH - HORIZON),
        [(0, (150, 170, 84)), (0.2, (108, 136, 52)), (1, (30, 48, 20))],
    )
    picture.paste(ground, (0, HORIZON))
    shadow = Image.new("L", (750, 500))
    ImageDraw.Draw(shadow).ellipse((520, 205, 730, 236), fill=170)
    turf(rng, picture, 1790)
    shadow = shadow.filter(ImageFilter.GaussianBlur(5)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    dark = ImageChops.multiply(picture, Image.new("RGB", picture.size, (96, 112, 120)))
    picture.paste(dark, (0, 0), shadow)
    drift = paint.noise(rng, (750, 500), 2, 3, stretch=3)  # shadows of the clouds
    shade = mask(drift, 0.52, 0.68).point([v * 90 // 255 for v in range(256)])
    shade.paste(0, (0, 0, 750, HORIZON // 8 - 20))
    shade = shade.filter(ImageFilter.GaussianBlur(8)).resize(
        picture.size, Image.Resampling.BICUBIC
    )
    picture.paste(dark, (0, 0), shade)
    sun = paint.glow((1500, 1000), (100, 0), 1500, 1.8).point(
        [v // 4 for v in range(256)]
    )
    picture = paint.light(picture, (255, 224, 150), sun.resize(picture.size))
    return paint.grain(paint.vignette(picture, 0.22), rng, 0.09)
