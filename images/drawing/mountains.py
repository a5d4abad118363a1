"""The mountain lake: a landscape of heights, lit by a low sun and walked by rays."""

from __future__ import annotations

import math
from array import array
from random import Random

import paint
from paint import Size, calc, mask
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

MAP = 1400  # cells along each side of the map of heights
SHORE = 1.0  # distance of the far shore
FAR = 3.6  # distance of the last ridge
HAZE = (186, 203, 224)


def peaks() -> Image.Image:
    """How high the land may be: lake in front, foothills, then the great peaks."""
    side = 100
    summits = [  # across, away, height, width
        (0.60, 0.60, 1.00, 0.15),
        (0.70, 0.52, 0.45, 0.09),
        (0.36, 0.74, 0.80, 0.14),
        (0.16, 0.50, 0.52, 0.16),
        (0.92, 0.44, 0.50, 0.13),
        (0.05, 0.85, 0.80, 0.20),
        (0.82, 0.90, 0.75, 0.18),
    ]
    values = array("f")
    for row in range(side):
        away = 1 - row / (side - 1)
        for column in range(side):
            across = column / (side - 1)
            high = sum(
                h * math.exp(-((across - x) ** 2 + (away - z) ** 2) / (2 * w * w))
                for x, z, h, w in summits
            )
            valley = math.exp(-(((across - 0.46) / 0.10) ** 2)) * max(0, 0.6 - away)
            rise = min(1, max(0, away - 0.01) / 0.22)
            values.append(rise * (0.10 + high) * (1 - valley) - 0.004)
    return paint.field_of(values, (side, side)).resize((MAP, MAP))


def shadows(heights: Image.Image, slope: float) -> Image.Image:
    """Shadows that the land casts on itself, the sun standing low on the left."""
    values, dark = paint.floats(heights), array("f")
    for row in range(0, MAP * MAP, MAP):
        edge = -1.0
        for high in values[row : row + MAP]:
            edge = max(edge - slope, high)
            dark.append(min(1.0, (edge - high) * 60))
    return paint.blur(mask(paint.field_of(dark, heights.size)), 1)


def land(rng: Random) -> tuple[Image.Image, Image.Image]:
    """The map of heights and the picture that lies on it, near rows at the bottom."""
    size = (MAP, MAP)
    crags = paint.noise(rng, size, 6, 8, gain=0.46, ridged=True)
    rough = paint.noise(rng, size, 60, 4, gain=0.6)
    heights = calc(
        lambda e, c, r: e * (0.24 + 0.72 * c) + (r - 0.5) * 0.012 * (e > 0.02),
        peaks(),
        crags,
        rough,
    )
    steep = MAP * 0.6  # cells per unit of distance, so slopes come out true
    right, below = paint.shift(heights, 1, 0), paint.shift(heights, 0, -1)
    slopes = [
        calc(lambda a, b: (a - b) * steep, *pair)
        for pair in ((heights, right), (below, heights))
    ]
    lit = calc(
        lambda x, y: (0.80 * x + 0.10 * y + 0.42) / (x * x + y * y + 1) ** 0.5, *slopes
    )
    flat = calc(lambda x, y: 1 / (x * x + y * y + 1) ** 0.5, *slopes)
    shade = ImageChops.invert(shadows(heights, 0.0008))
    day = ImageChops.multiply(mask(lit, -0.15, 0.85), shade)
    rock = paint.tint(day, paint.ramp("#303a54, #62585c 40%, #ecbe96"))
    snow = paint.tint(day, paint.ramp("#7088b6, #b0bad4 40%, #fff4e2"))
    wood = paint.tint(day, paint.ramp("#122026, #22342c, #5c6238"))
    cover = (heights, flat, rough)
    snowy = calc(
        lambda h, f, r: (h - 0.215 + (r - 0.5) * 0.2) * 4.2 + (f - 0.66) * 3.2, *cover
    )
    woody = calc(
        lambda h, f, r: (0.185 - h + (r - 0.5) * 0.17) * 11 + (f - 0.5) * 0.6, *cover
    )
    picture = Image.composite(snow, rock, mask(snowy, 0.1, 0.6))
    picture = Image.composite(wood, picture, mask(woody))
    haze = Image.linear_gradient("L").rotate(180).resize(size)
    haze = haze.point(lambda v: int(v * 0.62))
    return heights, Image.composite(Image.new("RGB", size, HAZE), picture, haze)


def walk(heights: Image.Image, colours: Image.Image, size: Size, horizon: int):
    """Look across the land: each column of the picture walks away from the eye."""
    width = size[0]
    view = Image.new("RGBA", size)
    pen = ImageDraw.Draw(view)
    high, texel = paint.floats(heights), colours.load()
    top = [horizon + 4] * width
    eye, lens = 0.035, width * 0.62
    away = SHORE
    while away < FAR:
        row = int((1 - (away - SHORE) / (FAR - SHORE)) * (MAP - 1))
        base = row * MAP
        spread = away / FAR / 2  # half of the map that is seen at this distance
        left, step = (0.5 - spread) * (MAP - 1), 2 * spread * (MAP - 1) / width
        scale = lens / away * 1.15
        for x in range(width):
            cell = left + x * step
            column = int(cell)
            rest = cell - column
            up = high[base + column] * (1 - rest) + high[base + column + 1] * rest
            y = int(horizon - (up - eye) * scale)
            if y < top[x]:
                pen.line((x, y, x, top[x]), fill=texel[column, row])
                top[x] = y
        away += 0.0016 * away
    return view


def pine(pen: ImageDraw.ImageDraw, rng: Random, x: float, y: float, tall: float, fill):
    """A spruce, from its tip down, with ragged branches."""
    tiers = min(max(6, int(tall / 8)), 46)
    half = tall * 0.012
    pen.polygon([(x - half, y), (x, y - tall), (x + half, y)], fill=fill)
    for tier in range(tiers):
        share = (tier + 1) / tiers
        reach = tall * 0.19 * share**0.85 * rng.uniform(0.72, 1.12)
        level = y - tall * (1 - share * 0.93)
        drop = tall * min(0.05, 0.8 / tiers) * (0.5 + share)
        for side in (-1, 1):
            out = reach * side * rng.uniform(0.8, 1.1)
            bough = [(x, level - drop), (x + out * 0.5, level - drop * 0.1)]
            bough += [(x + out, level + drop * rng.uniform(0.5, 1.1))]
            bough += [(x + out * 0.45, level + drop * 0.55), (x, level + drop * 0.5)]
            pen.polygon(bough, fill=fill)


def clouds(rng: Random, size: Size) -> Image.Image:
    """A morning sky with a few lit clouds."""
    picture = paint.sky(
        size, paint.ramp("#3e68a8, #7aa0ce 30%, #d6d6d6 52%, #fadebc 62%, #fadebc")
    )
    wisps = paint.noise(rng, size, 2.2, 7, gain=0.55, stretch=3.2)
    body = mask(wisps, 0.50, 0.78)
    lean = paint.shift(wisps, 9, 9)
    shade = mask(calc(lambda a, b: (a - b) * 6 + 0.6, wisps, lean))
    lit = paint.tint(shade, paint.ramp("#b0b2c8, #f6e2d0 60%, #fff6e8"))
    picture.paste(lit, (0, 0), body)
    sun = paint.glow(size, (size[0] * 0.06, size[1] * 0.36), size[0] * 0.62, 1.6)
    return paint.light(picture, (255, 206, 140), sun)


def lake(rng: Random, above: Image.Image, depth: int) -> Image.Image:
    """The mirror image of what lies above, stirred by ripples, darker up close."""
    width, height = above.size
    mirror = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirror = mirror.resize((width, int(height * 0.92))).crop((0, 0, width, depth))
    waves = paint.curve(rng, depth, 40, 4, 0.7)
    stirred = mirror.copy()
    for y in range(depth):
        swing = waves[y] * (1 + 34 * y / depth)
        source = min(max(int(y + swing), 0), depth - 1)
        stirred.paste(mirror.crop((0, source, width, source + 1)), (0, y))
    gusts = paint.noise(rng, (width, depth), 3, 6, gain=0.62, stretch=9)
    water = Image.composite(stirred, mirror, mask(gusts, 0.36, 0.60))
    water = water.filter(ImageFilter.BoxBlur(1))
    fade = paint.sky((width, depth), paint.ramp("#e2e6ec, #bacad4, #54707e"))
    water = ImageChops.multiply(water, fade)
    fine = paint.noise(rng, (width, depth), 22, 5, gain=0.8, stretch=12)
    near = Image.linear_gradient("L").resize((width, depth))
    bright = near.point(lambda v: 90 + v // 3)
    glints = ImageChops.multiply(mask(fine, 0.54, 0.86), bright)
    water = paint.light(water, (120, 138, 160), glints)
    dips = ImageChops.multiply(mask(fine, 0.46, 0.24), near)
    water.paste((16, 44, 60), (0, 0), dips.point(lambda v: v // 2))
    return water


def mountain_lake() -> Image.Image:
    """Peaks in the morning sun above a lake, 12 megapixels."""
    rng = Random(20_16)
    size, shore = (2000, 1500), 850
    above = clouds(rng, size).crop((0, 0, 2000, shore))
    ridge = walk(*land(rng), (2000, shore), shore - 6)
    solid = ridge.getchannel("A").filter(ImageFilter.MinFilter(3))
    solid = paint.blur(solid, 0.8)
    above.paste(ridge.convert("RGB"), (0, 0), solid)
    sun = paint.glow(above.size, (0, 420), 1500, 1.5)
    above = paint.light(above, (150, 92, 30), sun)
    # The far shore: a belt of spruces in the mist.
    pen = ImageDraw.Draw(above)
    for x in range(-10, 2010, 5):
        belt = 1 + 0.6 * math.sin(x / 170) + 0.5 * math.sin(x / 61)
        tone = paint.mix((44, 62, 62), (96, 104, 74), rng.random() * (1 - x / 2600))
        left = x + rng.uniform(-3, 3)
        pine(pen, rng, left, shore, max(16, rng.uniform(18, 40) * belt), tone)
    mist = paint.noise(rng, above.size, 2, 5, stretch=7)
    low = Image.linear_gradient("L").resize((2000, 190))
    strip = Image.new("L", above.size)
    strip.paste(low.point(lambda v: int(255 * (v / 255) ** 2)), (0, shore - 190))
    strip = ImageChops.multiply(strip, mask(mist, 0.36, 0.95))
    above.paste((236, 226, 220), (0, 0), strip)
    view = Image.new("RGB", size)
    view.paste(above, (0, 0))
    view.paste(lake(rng, above, size[1] - shore), (0, shore))
    bank = Image.new("L", size)
    ImageDraw.Draw(bank).rectangle((0, shore - 2, 2000, shore + 2), fill=150)
    view.paste((34, 46, 48), (0, 0), paint.blur(bank, 1.5))
    big = paint.enlarge(view, (4000, 3000))
    foreground(big, rng)
    big = ImageEnhance.Color(big).enhance(1.12)
    return paint.grain(paint.vignette(big, 0.28), rng, 0.11)


def foreground(big: Image.Image, rng: Random) -> None:
    """Tall dark spruces that frame the view, and the near bank."""
    pen = ImageDraw.Draw(big)
    stand = [
        (3830, 3010, 2250),
        (3620, 3010, 1500),
        (3980, 3010, 1800),
        (3440, 3020, 820),
        (60, 3010, 1050),
        (250, 3020, 640),
        (-20, 3010, 1500),
    ]
    for x, y, tall in stand:
        for _ in range(3):
            pine(pen, rng, x, y, tall, (14, 24, 28))
        for _ in range(2):
            pine(pen, rng, x - tall * 0.012, y, tall * 0.97, (24, 36, 34))
    line = paint.curve(rng, 401, 6, 5)
    edge = []
    for i in range(401):
        edge.append((i * 10, 2895 + 40 * line[i] - 90 * abs(i / 200 - 1) ** 3))
    pen.polygon([(0, 3000), *edge, (4000, 3000)], fill=(15, 22, 24))
    for x, y in edge:
        for _ in range(7):
            root = x + rng.uniform(-6, 6)
            tall = rng.uniform(14, 70)
            blade = (root, y + 12, root + rng.uniform(-18, 18), y - tall)
            pen.line(blade, fill=(18, 27, 26), width=3)
