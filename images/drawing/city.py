"""The panorama: a city by the river at dusk."""

from __future__ import annotations

import math
from random import Random

import paint
from paint import mask
from PIL import Image, ImageChops, ImageDraw

WIDE, HIGH, QUAY = 8000, 1500, 1130
WARM = [(255, 214, 140), (255, 196, 112), (255, 230, 180), (248, 180, 96)]
COOL = [(206, 224, 255), (180, 210, 246)]


def dusk(rng: Random) -> Image.Image:
    """The last light behind the roofs, the first stars above."""
    size = (WIDE // 4, QUAY // 4)
    picture = paint.sky(
        size, paint.ramp("#141c46, #383e7e 35%, #8a6294 62%, #ec8c78 82%, #ffce8c")
    )
    wisps = paint.noise(rng, size, 5, 6, gain=0.52, stretch=6)
    lit = paint.relief(wisps, 2, -5, 5)
    colours = paint.ramp("#3e3668, #aa6686, #ffb482")
    body = mask(wisps, 0.52, 0.78).point(lambda v: v * 200 // 255)
    picture.paste(paint.tint(lit, colours), (0, 0), body)
    sun = paint.glow(size, (size[0] * 0.30, size[1] * 1.0), size[0] * 0.34, 1.6)
    picture = paint.light(picture, (255, 150, 70), sun)
    picture = paint.enlarge(picture, (WIDE, QUAY))
    pen = ImageDraw.Draw(picture)
    for _ in range(420):
        x, y = rng.uniform(0, WIDE), rng.uniform(0, 1) ** 2 * 330
        shine = rng.uniform(0.3, 1) * (1 - y / 400)
        tone = paint.mix(picture.getpixel((x, y)), (236, 236, 255), shine)
        pen.circle((x, y), rng.uniform(1, 2.4), tone)
    moon = (6350, 250)
    halo = paint.glow(picture.size, moon, 420, 2)
    picture = paint.light(picture, (150, 160, 200), halo)
    full = Image.new("L", (240, 240))
    pen = ImageDraw.Draw(full)
    pen.circle((120, 120), 84, 255)
    pen.circle((86, 96), 76, 0)
    crescent = paint.blur(full, 1.5)
    picture.paste((250, 244, 226), (moon[0] - 120, moon[1] - 120), crescent)
    return picture


def block(
    pen, lamps, rng: Random, x: int, wide: int, tall: int, tone, lit: float, cell: int
):
    """One building: body, lit side, roof and windows."""
    top = QUAY - tall
    pen.rectangle((x, top, x + wide, QUAY), fill=tone)
    side = max(6, wide // 6)
    pen.rectangle((x, top, x + side, QUAY), fill=paint.mix(tone, (250, 160, 120), 0.20))
    edge = paint.mix(tone, (255, 190, 150), 0.35)
    pen.line((x, top, x + wide, top), fill=edge, width=3)
    roof, middle = rng.random(), x + wide / 2
    if tall > 330 and roof < 0.30:  # a spire
        peak = (middle, top - wide * 0.9)
        pen.polygon([(x + wide * 0.3, top), peak, (x + wide * 0.7, top)], fill=tone)
        pen.line((middle, top - wide * 0.8, middle, top - wide * 1.5), tone, 4)
        lamps.circle((middle, top - wide * 1.5), 5, (255, 80, 70))
    elif tall > 330 and roof < 0.55:  # steps
        for step, share in ((40, 0.16), (78, 0.30)):
            right = x + wide * (1 - share)
            pen.rectangle((x + wide * share, top - step, right, top), fill=tone)
    elif roof < 0.8:  # tanks and masts
        pen.rectangle((x + wide * 0.55, top - 22, x + wide * 0.8, top), fill=tone)
        pen.line((x + wide * 0.3, top - 56, x + wide * 0.3, top), fill=tone, width=3)
    else:  # a gable
        gable = [(x, top), (middle, top - wide * 0.35), (x + wide, top)]
        pen.polygon(gable, fill=tone)
    columns = (wide - side - cell) // cell
    style = rng.random()
    office = rng.choice(COOL) if style < 0.25 else None
    for row in range(int((tall - cell) // (cell * 1.35))):
        y = top + cell * 0.8 + row * cell * 1.35
        whole = office and rng.random() < 0.22
        for column in range(columns):
            if not whole and rng.random() > lit:
                continue
            at_x = x + side + cell * 0.6 + column * cell
            colour = office or rng.choice(WARM)
            colour = paint.mix(tone, colour, rng.uniform(0.45, 1))
            lamps.rectangle((at_x, y, at_x + cell * 0.5, y + cell * 0.72), colour)


def skyline(rng: Random, picture: Image.Image) -> None:
    """Rows of buildings from the hazy distance to the quay."""
    rows = [  # tone, lowest, highest, narrowest, widest, lit, window, haze after
        ((166, 118, 146), 150, 470, 60, 150, 0.10, 11, 46),
        ((112, 86, 130), 140, 700, 80, 180, 0.30, 13, 42),
        ((68, 58, 104), 120, 600, 100, 220, 0.42, 15, 30),
        ((40, 40, 76), 90, 400, 120, 260, 0.44, 18, 16),
        ((22, 24, 50), 60, 200, 130, 300, 0.46, 20, 0),
    ]
    for tone, low, high, slim, broad, lit, cell, haze in rows:
        glass = Image.new("RGB", picture.size)
        pen, lamps = ImageDraw.Draw(picture), ImageDraw.Draw(glass)
        x = -rng.randrange(slim)
        while x < WIDE:
            wide = rng.randrange(slim, broad)
            centre = math.exp(-(((x - 4700) / 1500) ** 2))
            centre += 0.55 * math.exp(-(((x - 1500) / 800) ** 2))
            tall = low + (high - low) * rng.random() ** 1.6 * (0.34 + 1.0 * centre)
            shade = paint.mix(tone, (18, 20, 44), rng.random() * 0.22)
            block(pen, lamps, rng, x, wide, int(tall), shade, lit, cell)
            x += wide + int(rng.random() ** 3 * 60) - 4
        full = ImageChops.lighter(picture, glass)
        bright = paint.blur(glass.reduce(8), 2.2)
        picture.paste(ImageChops.screen(full, bright.resize(picture.size)))
        if haze:
            mist = Image.linear_gradient("L").resize((WIDE, 620))
            mist = mist.point(lambda v, haze=haze: v * haze // 100)
            picture.paste((240, 156, 138), (0, QUAY - 620), mist)


def bridge(picture: Image.Image) -> None:
    """A suspension bridge across the river on the left, its lamps lit."""
    pen = ImageDraw.Draw(picture)
    deck, dark = QUAY - 70, (24, 22, 48)
    lamps = []
    for x in (420, 1980):
        tower = f"-34,{QUAY} -24,{QUAY - 560} 24,{QUAY - 560} 34,{QUAY}"
        pen.polygon(paint.points(tower, x), fill=dark)
        pen.rectangle((x - 34, QUAY - 575, x + 34, QUAY - 550), fill=dark)
        lamps.append((x, QUAY - 590, 9, (255, 90, 80)))
    spans = [
        (-360, deck, 420, QUAY - 560, 0),
        (420, QUAY - 560, 1980, QUAY - 560, 430),
        (1980, QUAY - 560, 2760, deck, 0),
    ]
    for x0, y0, x1, y1, sag in spans:
        line = []
        for t in (step / 60 for step in range(61)):
            hang = 4 * (sag or 60) * t * (1 - t)
            line.append((x0 + (x1 - x0) * t, y0 + (y1 - y0) * t + hang))
        pen.line(line, fill=dark, width=9)
        for x, y in line[::2]:
            pen.line((x, y, x, deck), fill=dark, width=3)
            lamps.append((x, y, 4, (255, 226, 170)))
    pen.rectangle((0, deck, 2760, deck + 20), fill=dark)
    for x in range(30, 2760, 78):
        lamps.append((x, deck - 26, 5, (255, 206, 130)))
        pen.line((x, deck - 24, x, deck), fill=dark, width=3)
    for x, y, size, colour in lamps:
        pen.circle((x, y), size, colour)


def city_panorama() -> Image.Image:
    """A skyline with lit windows above a river at dusk, wide as a banner."""
    rng = Random(1881)
    picture = Image.new("RGB", (WIDE, HIGH))
    above = dusk(rng)
    skyline(rng, above)
    pen = ImageDraw.Draw(above)
    pen.rectangle((0, QUAY - 18, WIDE, QUAY), fill=(16, 17, 36))
    for x in range(40, WIDE, 96):  # lamps and trees along the quay
        pen.line((x, QUAY - 66, x, QUAY - 18), fill=(16, 17, 36), width=4)
        pen.circle((x, QUAY - 68), 7, (255, 220, 150))
        for _ in range(9):
            spot = (x + 48 + rng.uniform(-24, 24), QUAY - 42 + rng.uniform(-20, 14))
            radius = rng.uniform(9, 18)
            tone = paint.mix((20, 26, 40), (52, 44, 54), rng.random())
            pen.circle(spot, radius, tone)
    bridge(above)
    lamps = above.reduce(8).point(lambda v: max(0, v - 190) * 3)
    shine = paint.blur(lamps, 5).resize(above.size)
    above = ImageChops.screen(above, shine.point(lambda v: v // 2))
    picture.paste(above, (0, 0))
    deep = HIGH - QUAY
    mirror = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirror = mirror.resize((WIDE, QUAY * 3 // 4))
    mirror = mirror.crop((0, 0, WIDE, deep))
    tall = mirror.resize((WIDE, deep // 14)).resize((WIDE, deep))
    mirror = Image.blend(mirror, tall, 0.7)
    waves = paint.noise(rng, (WIDE // 2, deep), 60, 5, gain=0.7, stretch=9)
    waves = waves.resize((WIDE, deep))
    swing = paint.curve(rng, deep, 26, 3, 0.7)
    for y in range(deep):
        row = mirror.crop((0, y, WIDE, y + 1))
        mirror.paste(ImageChops.offset(row, int(swing[y] * (3 + y / 16)), 0), (0, y))
    fade = paint.sky(mirror.size, paint.ramp("#bebccc, #5c6284"))
    water = ImageChops.multiply(mirror, fade)
    shade = mask(waves, 0.60, 0.40).point(lambda v: v * 140 // 255)
    water.paste((14, 18, 46), (0, 0), shade)
    water = paint.light(water, (110, 88, 116), mask(waves, 0.56, 0.82))
    picture.paste(water, (0, QUAY))
    return paint.grain(picture, rng, 0.09)
