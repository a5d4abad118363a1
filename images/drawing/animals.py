"""The red panda on its branch, drawn hair by hair."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from random import Random

import paint
from paint import Colour, Points
from PIL import Image, ImageDraw, ImageFilter

SIZE = (2000, 1500)
RUST, DEEP, DARK = (198, 92, 36), (134, 48, 22), (44, 26, 24)
CREAM, WHITE, GOLD = (246, 224, 192), (255, 248, 236), (232, 152, 76)
LEAVES = [(30, 66, 52), (62, 110, 70), (140, 172, 96), (206, 206, 124)]
Flow = Callable[[float, float], float]
Tones = tuple[Colour, Colour, Colour]
#: On both sides of the face: outline, tones, flow on the left and right, hair, density.
Patch = tuple[str, Tones, tuple[Flow, Flow], float, float]


def forest(rng: Random) -> Image.Image:
    """A wood out of focus: green light, and round spots where the sun comes through."""
    size = (500, 375)
    picture = paint.sky(size, paint.ramp("#acc480, #608a5c, #22423a"))
    for count, low, high in ((26, 30, 80), (60, 10, 34)):
        layer = Image.new("RGBA", size)
        pen = ImageDraw.Draw(layer)
        for _ in range(count):
            x, y = rng.uniform(0, 500), rng.uniform(0, 375)
            radius, tone = rng.uniform(low, high), rng.choice(LEAVES)
            pen.circle((x, y), radius, (*tone, 70))
        there = paint.blur(layer.getchannel("A"), 3)
        picture.paste(layer.convert("RGB"), (0, 0), there)
        picture = paint.blur(picture, 7 if low > 20 else 2.5)
    picture = paint.blur(picture, 2).resize(SIZE)
    for _ in range(46):
        spot, radius = (rng.uniform(0, 2000), rng.uniform(0, 1100)), rng.uniform(24, 78)
        disc = Image.new("L", SIZE)
        ImageDraw.Draw(disc).circle(spot, radius, rng.randrange(26, 80))
        picture.paste((250, 244, 186), (0, 0), disc.filter(ImageFilter.BoxBlur(3)))
    sun = paint.glow(SIZE, (240, 60), 1500, 1.7).point(lambda v: v * 2 // 3)
    return paint.light(picture, (255, 236, 170), sun)


def fur(
    picture: Image.Image,
    rng: Random,
    outline: Points,
    tones: Tones,
    flow: Flow,
    hair: float = 46,
    light_from: tuple[float, float] = (-0.6, -0.8),
    density: float = 1.0,
) -> None:
    """Fill an outline with hairs: dark to bright tones, along the flow's angles."""
    xs, ys = [p[0] for p in outline], [p[1] for p in outline]
    x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
    inside = paint.shape(SIZE, outline, fine=1)
    there = inside.load()
    picture.paste(paint.mix(tones[0], tones[1], 0.5), (0, 0), inside)
    pen = ImageDraw.Draw(picture)
    middle, half = ((x0 + x1) / 2, (y0 + y1) / 2), max(x1 - x0, y1 - y0) / 2
    number = int((x1 - x0) * (y1 - y0) / 26 * density)
    strands = []
    for _ in range(number):
        x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
        if 0 <= x < SIZE[0] and 0 <= y < SIZE[1] and there[x, y] > 127:
            strands.append((x, y))
    strands.sort(key=lambda p: p[1] * 0.2 + rng.uniform(0, 60))
    for x, y in strands:
        angle = flow(x, y) + rng.gauss(0, 0.22)
        length = hair * rng.uniform(0.5, 1.1)
        facing = (
            (x - middle[0]) * light_from[0] + (y - middle[1]) * light_from[1]
        ) / half
        share = 0.5 + 0.42 * facing + rng.gauss(0, 0.16)
        tone = paint.at(
            [(0, tones[0]), (0.5, tones[1]), (1, tones[2])], min(max(share, 0), 1)
        )
        curl = rng.gauss(0, 0.25)
        bend = (x + math.cos(angle) * length * 0.5, y + math.sin(angle) * length * 0.5)
        tip = (
            bend[0] + math.cos(angle + curl) * length * 0.5,
            bend[1] + math.sin(angle + curl) * length * 0.5,
        )
        pen.line((x, y, *bend), fill=tone, width=3)
        pen.line((*bend, *tip), fill=tone, width=2)


def shade(picture: Image.Image, outline: Points, soft: float, strength: float) -> None:
    """A soft shadow of an outline on all that has been drawn so far."""
    dark = paint.shape(SIZE, outline, soft=soft, fine=1)
    picture.paste((26, 16, 18), (0, 0), dark.point(lambda v: int(v * strength)))


def away(x0: float, y0: float) -> Flow:
    """Hairs that point away from a place."""
    return lambda x, y: math.atan2(y - y0, x - x0)


def straight(angle: float) -> Flow:
    """Hairs that all point the same way."""
    return lambda x, y: angle


def tousled(rng: Random, angle: float, spread: float) -> Flow:
    """Hairs that point about the same way."""
    return lambda x, y: angle + rng.gauss(0, spread)


def branch(picture: Image.Image, rng: Random) -> None:
    """A mossy branch across the lower part of the picture."""
    line = paint.curve(rng, 201, 4, 4)
    top = [(i * 10, 1180 + 22 * line[i] + (i - 100) * -0.7) for i in range(201)]
    low = [(x, y + 190 + 16 * line[-i]) for i, (x, y) in enumerate(top)]
    shade(picture, [(x, y + 40) for x, y in top] + low[::-1], 30, 0.5)
    bark = ((38, 26, 24), (98, 72, 54), (176, 138, 98))
    flow = tousled(rng, 0, 0.06)
    fur(picture, rng, top + low[::-1], bark, flow, 70, (-0.02, -6.5))
    edge = [(x, y + 46 + 26 * line[i * 7 % 200]) for i, (x, y) in enumerate(top)]
    moss = [(x, y - 8) for x, y in top] + edge[::-1]
    greens = ((34, 56, 26), (92, 122, 44), (178, 192, 88))
    fur(picture, rng, moss, greens, straight(-1.4), 22, (-0.1, -4))


def face(picture: Image.Image, rng: Random, x: float, y: float) -> None:
    """Ears, cheeks, mask, eyes and nose around the middle of the face."""

    def put(outline: str) -> list[tuple[float, float]]:
        return paint.blob(paint.points(outline, x, y))

    def both(patches: list[Patch]) -> None:
        for flip in (False, True):
            for outline, tones, flows, hair, density in patches:
                there = [
                    (2 * x - px, py) if flip else (px, py) for px, py in put(outline)
                ]
                fur(picture, rng, there, tones, flows[flip], hair, density=density)

    ear = "-150,-190 -330,-350 -385,-330 -390,-190 -320,-40"
    inner = "-200,-190 -322,-296 -350,-280 -348,-190 -290,-90"
    tuft = "-215,-170 -300,-240 -318,-190 -290,-100"
    inside = ((60, 26, 20), (96, 42, 26), (140, 70, 40))
    up = (straight(-0.9 - math.pi / 2), straight(0.9 - math.pi / 2))
    both(
        [
            (ear, (WHITE, WHITE, WHITE), (away(x, y),) * 2, 46, 1),
            (inner, inside, up, 34, 1),
            (tuft, (CREAM, WHITE, WHITE), up, 60, 0.3),
        ]
    )
    head = put(
        "0,-258 -190,-232 -330,-90 -372,70 -300,196 -150,262 0,280 150,262 300,196 "
        "372,70 330,-90 190,-232"
    )
    fur(picture, rng, head, (DEEP, RUST, GOLD), away(x, y + 40), 52)
    cheek = "-150,60 -250,10 -345,60 -330,150 -240,215 -120,190"
    brow = "-72,-116 -130,-176 -214,-150 -226,-86 -160,-82"
    tear = "-140,26 -196,40 -216,130 -190,240 -122,258 -128,130"
    both(
        [
            (cheek, (CREAM, WHITE, WHITE), (away(x, y - 20),) * 2, 48, 1),
            (brow, (CREAM, WHITE, WHITE), (away(x, y + 60),) * 2, 34, 1),
            (tear, (DEEP, (166, 66, 28), RUST), (straight(1.9), straight(1.25)), 40, 1),
        ]
    )
    muzzle = put("0,6 -96,46 -146,130 -116,212 0,250 116,212 146,130 96,46")
    fur(picture, rng, muzzle, ((226, 206, 186), WHITE, WHITE), away(x, y + 70), 34)
    features(picture, x, y, put("0,142 -36,124 -68,92 -56,66 0,58 56,66 68,92 36,124"))


def features(picture: Image.Image, x: float, y: float, nose: Points) -> None:
    """Eyes, nose, mouth and whiskers, drawn twice as large."""
    fine = Image.new("RGBA", (SIZE[0] * 2, SIZE[1] * 2))
    pen = ImageDraw.Draw(fine)

    def oval(px, py, rx, ry, fill):
        left, top = (x + px - rx) * 2, (y + py - ry) * 2
        pen.ellipse((left, top, left + rx * 4, top + ry * 4), fill)

    for px in (-142, 142):
        oval(px, -12, 62, 64, (36, 18, 16, 255))
        oval(px, -12, 52, 55, (70, 38, 22, 255))
        oval(px, -12, 46, 49, (22, 12, 12, 255))
        oval(px, 12, 34, 20, (92, 54, 32, 160))
        oval(px - 16, -32, 17, 18, (255, 255, 255, 255))
        oval(px + 17, 12, 7, 8, (255, 255, 255, 200))
    pen.polygon(paint.scaled(nose, 2), (30, 20, 22, 255))
    oval(-18, 76, 26, 8, (140, 126, 130, 200))
    for flip in (-1, 1):
        smile = [(x, y + 130)]
        for k in range(12):
            turn = k / 12 * math.pi
            across = flip * (50 - 50 * math.cos(turn))
            smile.append((x + across, y + (164 + 27 * math.sin(turn))))
        pen.line(paint.scaled(smile, 2), (50, 28, 26, 255), 13, "curve")
        for k in range(5):
            x0, y0 = x + flip * 92, y + 116 + k * 14
            x1, y1 = x + flip * (300 + 22 * (k % 3)), y + 60 + k * 44
            whisker = [(x0, y0), ((x0 + x1) / 2, (y0 + y1) / 2 + 11), (x1, y1)]
            pen.line(paint.scaled(whisker, 2), (255, 250, 240, 190), 4)
    fine = fine.reduce(2)
    there = paint.blur(fine.getchannel("A"), 0.7)
    picture.paste(fine.convert("RGB"), (0, 0), there)


def tail(picture: Image.Image, rng: Random) -> None:
    """The ringed tail that hangs over the branch."""
    spine = paint.points(
        "1290,1060 1440,1090 1560,1150 1640,1250 1668,1360 1650,1470 1600,1590"
    )
    smooth = []
    for (x0, y0), (x1, y1) in pairwise(spine):
        for t in (k / 8 for k in range(8)):
            smooth.append((x0 * (1 - t) + x1 * t, y0 * (1 - t) + y1 * t))
    rings = [((176, 112, 66), (226, 172, 112), (250, 214, 160)), (DEEP, RUST, GOLD)]
    for number in reversed(range(0, len(smooth) - 4, 4)):
        (ax, ay), (bx, by) = smooth[number], smooth[number + 4]
        angle = math.atan2(by - ay, bx - ax)
        wide = 92 + 14 * math.sin(number / 12)
        nx, ny = -math.sin(angle) * wide, math.cos(angle) * wide
        ring = [(ax + nx, ay + ny), (bx + nx, by + ny)]
        ring += [(bx - nx, by - ny), (ax - nx, ay - ny)]
        tones = rings[number // 4 % 2 == 0]
        flow = tousled(rng, angle, 0.4)
        fur(picture, rng, ring, tones, flow, 56, (-0.5, -0.8), 1.3)


def red_panda() -> Image.Image:
    """A red panda that looks at you from a mossy branch."""
    rng = Random(1825)
    picture = forest(rng)
    x, y = 940, 560
    body = paint.blob(
        paint.points(
            "640,720 560,960 600,1180 760,1262 1040,1268 1290,1220 1370,1060 "
            "1280,820 1120,700"
        )
    )
    branch(picture, rng)
    shade(picture, [(px + 30, py + 40) for px, py in body], 40, 0.45)
    tail(picture, rng)
    fur(picture, rng, body, (DEEP, RUST, GOLD), away(x + 60, y + 100), 70)
    chest = "760,760 700,960 740,1150 880,1222 1030,1210 1130,1100 1140,920 1080,780"
    chest = paint.blob(paint.points(chest))
    shade(picture, chest, 26, 0.35)
    black = ((18, 12, 14), DARK, (92, 54, 44))
    fur(picture, rng, chest, black, lambda a, b: 1.57 + (a - x) / 700, 60)
    black = ((16, 10, 12), (50, 30, 28), (120, 74, 56))
    for paw in (700, 1080):
        arm = "-60,950 -96,1120 -92,1240 0,1290 92,1240 90,1110 60,950"
        arm = paint.blob(paint.points(arm, paw))
        shade(picture, [(a + 12, b + 14) for a, b in arm], 22, 0.6)
        fur(picture, rng, arm, black, straight(1.6), 46)
        pen = ImageDraw.Draw(picture)
        for x0 in (-48, -16, 16, 48):
            claw = paint.points("-7,1268 7,1268 2,1298 -2,1298", paw + x0)
            pen.polygon(paint.blob(claw, 5), fill=(222, 210, 196))
    chin = paint.blob(paint.points("-330,40 -270,250 0,330 270,250 330,40", x, y))
    shade(picture, chin, 34, 0.55)
    face(picture, rng, x, y)
    sun = paint.glow(SIZE, (200, 0), 1700, 2.0).point(lambda v: v // 3)
    picture = paint.light(picture, (255, 214, 140), sun)
    return paint.grain(paint.vignette(picture, 0.35), rng, 0.07)
