"""The meadow: 24 megapixels of grass and flowers on a summer's day."""

from __future__ import annotations

import math
from random import Random

import paint
from paint import mask
from PIL import Image, ImageChops, ImageDraw

WIDE, HIGH, HORIZON = 6000, 4000, 1660
GREENS = [(70, 104, 34), (98, 134, 42), (126, 156, 54), (158, 176, 74), (52, 88, 38)]
LEAVES = paint.ramp("#1c321c, #426228, #a8b854")
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
    picture = paint.sky(size, paint.ramp("#3876c4, #86b8e4 60%, #d8e6ec"))
    heaps = paint.noise(rng, size, 4.2, 8, gain=0.5, stretch=1.9)
    body = mask(heaps, 0.515, 0.62)
    lit = paint.relief(heaps, 9, 13, 2.6)
    colours = paint.ramp("#8a9cb8, #d8e0ea 45%, #fffdf6 70%, #fffffc")
    picture.paste(paint.tint(paint.blur(lit, 1), colours), (0, 0), body)
    sun = paint.glow(size, (160, 20), 800, 1.6).point(lambda v: v // 2)
    return paint.light(picture, (255, 236, 190), sun).resize((WIDE, 1720))


def tree(pen, rng: Random, x: float, y: float, size: float, haze: float) -> None:
    """A broad tree: leaves in clumps, lit from the upper left."""
    far = (170, 196, 210)
    trunk = paint.mix((66, 52, 40), far, haze)
    left = [(x - size * 0.05, y), (x - size * 0.03, y - size * 0.6)]
    right = [(x + size * 0.03, y - size * 0.6), (x + size * 0.06, y)]
    pen.polygon(left + right, fill=trunk)
    clumps = []
    for _ in range(52):
        angle, reach = rng.uniform(0, math.tau), rng.random() ** 0.5
        cx = x + math.cos(angle) * reach * size * 0.45
        cy = y - size * 0.64 + math.sin(angle) * reach * size * 0.32
        clumps.append((cx, cy, size * rng.uniform(0.06, 0.14)))
    clumps.sort(key=lambda c: -c[1])
    count = int(min(420, 12 + size / 3))
    for cx, cy, radius in clumps:
        pen.circle((cx, cy), radius * 0.9, paint.mix((34, 58, 30), far, haze))
    for _ in range(3):
        for cx, cy, radius in clumps:
            for _ in range(count // 3):
                angle = rng.uniform(0, math.tau)
                reach = rng.random() ** 0.5 * radius * 1.15
                px, py = cx + math.cos(angle) * reach, cy + math.sin(angle) * reach
                of_clump = ((px - cx) * 0.6 + (py - cy)) / radius * 0.34
                of_tree = ((px - x) * 0.5 + (py - y + size * 0.66)) / size * 0.7
                sunny = 0.5 - of_clump - of_tree
                tone = paint.at(LEAVES, sunny + rng.uniform(-0.22, 0.22))
                leaf = max(1.5, size * 0.0062 * rng.uniform(0.7, 1.5))
                box = (px - leaf * 1.3, py - leaf * 0.8, px + leaf, py + leaf)
                pen.ellipse(box, paint.mix(tone, far, haze))


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
                    radius = rng.uniform(5, 13)
                    tone = paint.mix((84, 124, 130), (128, 162, 156), rng.random())
                    pen.circle(spot, radius, tone)
            wooded = math.sin(x / 310 + number * 2) + math.sin(x / 97) > 0.5
            if number > 1 and wooded and rng.random() < 0.4:
                size = rng.uniform(60, 120) * (number - 1) ** 0.5
                tree(pen, rng, x, y + 14, size, 0.42 - number * 0.08)
    mist = Image.linear_gradient("L").resize((WIDE, 420)).point(lambda v: v * 70 // 255)
    picture.paste((226, 232, 214), (0, 1270), mist)


def flower(pen, rng: Random, x: float, y: float, size: float, kind) -> None:
    """A bloom seen a little from above."""
    petals, heart, _ = kind
    turn = rng.uniform(0, 1)
    count = 5 if petals[0] in (226, 250) and petals[2] < 100 else 9
    if size > 7:
        for petal in range(count):
            angle = (petal / count + turn) * math.tau
            px = x + math.cos(angle) * size * 0.62
            py = y + math.sin(angle) * size * 0.40
            fat = size * (0.52 if count == 5 else 0.27)
            sunny = 0.5 - math.sin(angle + 0.6) * 0.5
            tone = paint.mix(tuple(int(c * 0.72) for c in petals), petals, sunny + 0.25)
            pen.ellipse((px - fat, py - fat * 0.72, px + fat, py + fat * 0.72), tone)
        disc = (x - size * 0.26, y - size * 0.20, x + size * 0.26, y + size * 0.18)
        pen.ellipse(disc, heart)
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
        for _ in range(int(1900 / (1 + 9 * near))):
            x = rng.uniform(-60, WIDE + 60)
            spot = min(599, max(0, int(x / 10))), min(399, int(y / 10))
            size = tall * rng.uniform(0.45, 1)
            lean = rng.gauss(0.16, 0.22) * size
            sunny = (shine[spot] - 0.32) * 2.2
            dark, pale = rng.choice(GREENS), max(0, sunny * 0.5) + 0.24 * (1 - near)
            tone = paint.mix(dark, (24, 46, 24), rng.random() * 0.6 * near)
            tone = paint.mix(tone, (222, 214, 108), pale)
            half = width * rng.uniform(0.35, 0.8)
            bend, up = x + lean * 0.35, y - size * 0.6
            blade = [(x - half, y), (bend - half * 0.7, up), (x + lean, y - size)]
            blade += [(bend + half * 0.7, up), (x + half, y)]
            pen.polygon(blade, fill=tone)
            if rng.random() < 0.05 + 0.5 * max(0, drifts[spot] - 0.5):
                kind = kinds[(int(drifts[spot] * 40) + rng.randrange(9)) % len(kinds)]
                head = y - size * rng.uniform(0.8, 1.15)
                top = x + lean * 0.3
                pen.line((x, y, top, head), (78, 112, 44), max(1, width // 3))
                bloom = (3 + 58 * near) * rng.uniform(0.7, 1.15)
                flower(pen, rng, top, head, bloom, kind)
        y += 5 + 44 * near


def meadow() -> Image.Image:
    """A summer meadow below white clouds, fine enough to fill ten megabytes."""
    rng = Random(24)
    picture = Image.new("RGB", (WIDE, HIGH), (92, 124, 46))
    picture.paste(summer_sky(rng), (0, 0))
    hills(rng, picture)
    ground = paint.sky(
        (WIDE, HIGH - HORIZON), paint.ramp("#96aa54, #6c8834 20%, #1e3014")
    )
    picture.paste(ground, (0, HORIZON))
    shadow = Image.new("L", (750, 500))
    ImageDraw.Draw(shadow).ellipse((520, 205, 730, 236), fill=170)
    turf(rng, picture, 1790)
    shadow = paint.blur(shadow, 5).resize(picture.size)
    dark = ImageChops.multiply(picture, Image.new("RGB", picture.size, (96, 112, 120)))
    picture.paste(dark, (0, 0), shadow)
    drift = paint.noise(rng, (750, 500), 2, 3, stretch=3)  # shadows of the clouds
    shade = mask(drift, 0.52, 0.68).point(lambda v: v * 90 // 255)
    shade.paste(0, (0, 0, 750, HORIZON // 8 - 20))
    shade = paint.blur(shade, 8).resize(picture.size)
    picture.paste(dark, (0, 0), shade)
    sun = paint.glow((1500, 1000), (100, 0), 1500, 1.8).point(lambda v: v // 4)
    picture = paint.light(picture, (255, 224, 150), sun.resize(picture.size))
    return paint.grain(paint.vignette(picture, 0.22), rng, 0.09)
