"""The smaller pictures: an orientation chart, a paper boat and a screenshot."""

from __future__ import annotations

import math
from random import Random

import paint
from PIL import Image, ImageChops, ImageDraw

#: The chart's corners as they look upright: name, colour, place (column, row).
CORNERS = (
    ("top left", (214, 69, 65), (0, 0)),
    ("top right", (38, 128, 194), (1, 0)),
    ("bottom left", (240, 180, 41), (0, 1)),
    ("bottom right", (46, 139, 87), (1, 1)),
)
INK = (38, 50, 64)


def chart_upright() -> Image.Image:
    """The chart as a viewer that knows about orientation shows it."""
    big = Image.new("RGB", (3200, 2400), (250, 246, 236))
    pen = ImageDraw.Draw(big)
    for x in range(0, 3201, 100):
        pen.line((x, 0, x, 2400), (236, 230, 216), 2)
    for y in range(0, 2401, 100):
        pen.line((0, y, 3200, y), (236, 230, 216), 2)
    # Each corner's square is rounded where it points to the middle.
    for inner, (name, colour, (column, row)) in zip((2, 3, 1, 0), CORNERS, strict=True):
        x, y = column * 2600, row * 1800
        rounded = tuple(corner == inner for corner in range(4))
        pen.rounded_rectangle((x, y, x + 600, y + 600), 240, colour, corners=rounded)
        words, middle = name.replace(" ", "\n").upper(), (x + 300, y + 300)
        pen.multiline_text(middle, words, "white", paint.font(88), "mm", 20, "center")
    arrow = paint.points(
        "1600,240 1980,660 1768,660 1768,1200 1432,1200 1432,660 1220,660"
    )
    pen.polygon(arrow, fill=INK)
    pen.line([*arrow, arrow[0]], fill=INK, width=52, joint="curve")
    for spot in arrow:
        pen.circle(spot, 26, fill=INK)
    pen.text((1600, 1520), "THIS SIDE UP", INK, paint.font(300), "mm")
    words = "stored lying down · Orientation 6"
    pen.text((1600, 1760), words, (110, 118, 128), paint.font(92), "mm")
    for number in range(9):  # a grey scale, dark to light
        x = 1060 + number * 120
        pen.rectangle((x, 2020, x + 120, 2160), (255 * number // 8,) * 3)
    pen.rectangle((1060, 2020, 2140, 2160), outline=INK, width=4)
    return big.reduce(2)


def chart() -> Image.Image:
    """The chart as it is stored: a quarter turn off, which the tag (6) sets right."""
    return chart_upright().transpose(Image.Transpose.ROTATE_90)


def paper(size: paint.Size, outline, start, end, dark, bright) -> Image.Image:
    """One sheet of folded paper: a ramp of light across an outline."""
    (x0, y0), (x1, y1) = start, end
    span = math.hypot(x1 - x0, y1 - y0)
    cos, sin = (x1 - x0) / span, (y1 - y0) / span
    slope = (cos * 255 / span, sin * 255 / span, -(x0 * cos + y0 * sin) * 255 / span)
    how = (Image.Transform.AFFINE, (0, 0, 128, *slope), Image.Resampling.BILINEAR)
    ramp = Image.linear_gradient("L").transform(size, *how, fillcolor=255)
    sheet = paint.tint(ramp, [(0, dark), (1, bright)])
    sheet.putalpha(paint.shape(size, outline, fine=3))
    return sheet


def paper_boat() -> Image.Image:
    """A folded boat with a soft shadow and a few ripples, on nothing at all."""
    size, rng = (1600, 1200), Random(1)
    scene = Image.new("RGBA", size)

    def veil(colour: paint.Colour, there: Image.Image) -> None:
        layer = Image.new("RGBA", size, (*colour, 0))
        layer.putalpha(there)
        scene.alpha_composite(layer)

    for y, wide, tall, see in (
        (905, 760, 118, 60),
        (909, 640, 88, 90),
        (913, 520, 60, 120),
    ):
        line = Image.new("L", size)
        box = (790 - wide, y - tall, 790 + wide, y + tall)
        ImageDraw.Draw(line).ellipse(box, outline=see, width=9)
        veil((92, 158, 196), paint.blur(line, 3.5))
    puddle = paint.points("330,900 800,860 1300,905 1180,965 780,985 420,962")
    dark = paint.shape(size, paint.blob(puddle), soft=34)
    veil((20, 48, 74), dark.point(lambda v: v * 150 // 255))

    outlines = [  # the far wall, the sail's two halves, the near wall in two folds
        paint.points("180,500 560,560 800,600 1050,548 1420,470 1060,640 560,660"),
        paint.points("800,170 800,700 520,690"),
        paint.points("800,170 800,700 1090,680"),
        paint.points("180,500 800,640 806,930 455,925"),
        paint.points("1420,470 800,640 806,930 1160,915"),
    ]
    lights = [  # on each: from where to where, from which colour to which
        ((180, 500), (1420, 640), (168, 182, 200), (206, 216, 228)),
        ((560, 690), (790, 300), (228, 234, 240), (255, 255, 255)),
        ((1090, 680), (800, 260), (176, 190, 208), (222, 230, 238)),
        ((330, 560), (800, 920), (244, 246, 246), (214, 222, 232)),
        ((1240, 540), (820, 930), (226, 232, 238), (172, 186, 206)),
    ]
    for number, (outline, light) in enumerate(zip(outlines, lights, strict=True)):
        layer = paper(size, outline, *light)
        if number in (1, 3):  # what stands in front shades what is behind
            near = paint.shape(size, *outlines[number : number + 2])
            soft = paint.blur(ImageChops.offset(near, -6, -10), 22)
            soft = soft.point(lambda v: v * 90 // 255)
            veil((40, 60, 90), ImageChops.multiply(soft, scene.getchannel("A")))
        scene.alpha_composite(layer)
    pen = ImageDraw.Draw(scene)
    bow, rim, stern = paint.points("180,500 800,640 1420,470")
    pen.line([bow, rim, stern], (255, 255, 255, 235), 4, joint="curve")
    pen.line([rim, (806, 930)], (150, 166, 190, 150), 3)
    pen.line([(800, 170), rim], (186, 198, 214, 160), 3)
    # The red stripe along the wall, as a child would paint it.
    left = paint.points("258,622 802,742 803,800 300,694")
    right = paint.points("803,742 1352,584 1322,656 804,800")
    wear = paint.mask(paint.noise(rng, size, 40, 4), 0.25, 0.6)
    wear = wear.point(lambda v: 150 + v * 100 // 255)
    stripe = paint.shape(size, left, right, fine=3)
    veil((222, 72, 58), ImageChops.multiply(stripe, wear))
    fibres = paint.noise(rng, size, 180, 3, gain=0.8)
    alpha = scene.getchannel("A")
    body = paint.grain(scene.convert("RGB"), rng, 0.03)
    tone = paint.mask(fibres, -1.2, 0.9).point(lambda v: 205 + v * 50 // 255)
    body = paint.darken(body, tone)
    body.putalpha(alpha)
    return body


def screenshot() -> Image.Image:
    """A flat, crisp picture with few colours, as programs show them on a screen."""
    width, height = 1280, 800
    picture = Image.new("RGB", (width, height), (232, 236, 242))
    pen = ImageDraw.Draw(picture)
    blue, line, pale = (47, 111, 178), (208, 214, 224), (246, 248, 250)
    pen.rounded_rectangle((40, 40, 1240, 760), 14, "white", line, 2)
    pen.rounded_rectangle(
        (40, 40, 1240, 92), 14, INK, corners=(True, True, False, False)
    )
    for x, colour in ((68, (232, 92, 80)), (96, (240, 180, 41)), (124, (70, 168, 100))):
        pen.circle((x, 66), 9, colour)
    pen.text((640, 66), "My pictures", "white", paint.font(22), "mm")
    pen.rectangle((42, 93, 280, 758), pale)
    for row, label in enumerate(("All", "Holidays", "Animals", "City", "Bin")):
        y = 130 + row * 52
        if row == 1:
            pen.rounded_rectangle((56, y - 20, 266, y + 20), 8, blue)
        pen.circle((80, y), 7, "white" if row == 1 else blue)
        pen.text((102, y), label, "white" if row == 1 else INK, paint.font(20), "lm")
    colours = [blue, (46, 139, 87), (240, 180, 41), (214, 69, 65)]
    colours += [(126, 87, 160), (64, 164, 172)]
    for number, colour in enumerate(colours):
        x, y = 312 + number % 3 * 304, 124 + number // 3 * 306
        pen.rounded_rectangle((x, y, x + 280, y + 280), 10, pale, line, 2)
        pen.rounded_rectangle((x + 12, y + 12, x + 268, y + 200), 6, colour)
        pen.circle((x + 216, y + 58), 22, (255, 236, 170))
        pen.polygon([(x + 30, y + 188), (x + 106, y + 84), (x + 182, y + 188)], "white")
        pen.polygon([(x + 132, y + 188), (x + 186, y + 122), (x + 246, y + 188)], pale)
        pen.text(
            (x + 14, y + 228), f"picture-{number + 1}.jpg", INK, paint.font(20), "lm"
        )
        pen.text((x + 14, y + 256), "256 x 192", (120, 130, 144), paint.font(17), "lm")
    return picture.quantize(64, dither=Image.Dither.NONE)
