"""The smaller pictures: an orientation chart, a paper boat and a screenshot."""

from __future__ import annotations

import math
from random import Random

import paint
from PIL import Image, ImageChops, ImageDraw, ImageFilter

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
    width, height, fine = 1600, 1200, 2
    big = Image.new("RGB", (width * fine, height * fine), (250, 246, 236))
    pen = ImageDraw.Draw(big)
    for x in range(0, width + 1, 50):
        pen.line((x * fine, 0, x * fine, height * fine), fill=(236, 230, 216), width=2)
    for y in range(0, height + 1, 50):
        pen.line((0, y * fine, width * fine, y * fine), fill=(236, 230, 216), width=2)
    side = 300 * fine
    for name, colour, (column, row) in CORNERS:
        x, y = column * (width * fine - side), row * (height * fine - side)
        round_at = [False] * 4
        round_at[{(0, 0): 2, (1, 0): 3, (0, 1): 1, (1, 1): 0}[column, row]] = True
        pen.rounded_rectangle(
            (x, y, x + side, y + side), 120 * fine, colour, corners=tuple(round_at)
        )
        words = name.replace(" ", "\n").upper()
        pen.multiline_text(
            (x + side / 2, y + side / 2),
            words,
            fill="white",
            font=paint.font(44 * fine),
            anchor="mm",
            align="center",
            spacing=10 * fine,
        )
    middle = width * fine / 2
    arrow = [
        (0, 120),
        (190, 330),
        (84, 330),
        (84, 600),
        (-84, 600),
        (-84, 330),
        (-190, 330),
    ]
    outline = [(middle + x * fine, y * fine) for x, y in arrow]
    pen.polygon(outline, fill=INK)
    pen.line([*outline, outline[0]], fill=INK, width=26 * fine, joint="curve")
    for x, y in outline:
        pen.circle((x, y), 13 * fine, fill=INK)
    pen.text((middle, 760 * fine), "THIS SIDE UP", INK, paint.font(150 * fine), "mm")
    pen.text(
        (middle, 880 * fine),
        "stored lying down · Orientation 6",
        (110, 118, 128),
        paint.font(46 * fine),
        "mm",
    )
    step = 60 * fine
    for number in range(9):  # a grey scale, dark to light
        x = middle + (number - 4.5) * step
        grey = 255 * number // 8
        pen.rectangle((x, 1010 * fine, x + step, 1080 * fine), (grey,) * 3)
    pen.rectangle(
        (middle - 4.5 * step, 1010 * fine, middle + 4.5 * step, 1080 * fine),
        outline=INK,
        width=2 * fine,
    )
    return big.reduce(fine)


def chart() -> Image.Image:
    """The chart as it is stored: a quarter turn off, which the tag (6) sets right."""
    return chart_upright().transpose(Image.Transpose.ROTATE_90)


def paper(size: paint.Size, outline, dark, bright, start, end) -> Image.Image:
    """One sheet of folded paper: a ramp of light across an outline."""
    (x0, y0), (x1, y1) = start, end
    span = math.hypot(x1 - x0, y1 - y0)
    cos, sin = (x1 - x0) / span, (y1 - y0) / span
    ramp = Image.linear_gradient("L").transform(
        size,
        Image.Transform.AFFINE,
        (
            0,
            0,
            128,
            cos * 255 / span,
            sin * 255 / span,
            -(x0 * cos + y0 * sin) * 255 / span,
        ),
        Image.Resampling.BILINEAR,
        fillcolor=255,
    )
    sheet = paint.tint(ramp, [(0, dark), (1, bright)])
    sheet.putalpha(paint.shape(size, outline, fine=3))
    return sheet


def paper_boat() -> Image.Image:
    """A folded boat with a soft shadow and a few ripples, on nothing at all."""
    size, rng = (1600, 1200), Random(1)
    scene = Image.new("RGBA", size)
    for ring, (wide, tall, see) in enumerate(
        [(760, 118, 60), (640, 88, 90), (520, 60, 120)]
    ):
        box = (790 - wide, 905 + ring * 4 - tall, 790 + wide, 905 + ring * 4 + tall)
        line = Image.new("L", size)
        ImageDraw.Draw(line).ellipse(box, outline=see, width=9)
        line = line.filter(ImageFilter.GaussianBlur(3.5))
        wave = Image.new("RGBA", size, (92, 158, 196, 0))
        wave.putalpha(line)
        scene.alpha_composite(wave)
    dark = paint.shape(
        size,
        paint.blob(
            [(330, 900), (800, 860), (1300, 905), (1180, 965), (780, 985), (420, 962)]
        ),
        soft=34,
    )
    shadow = Image.new("RGBA", size, (20, 48, 74, 0))
    shadow.putalpha(dark.point([v * 150 // 255 for v in range(256)]))
    scene.alpha_composite(shadow)

    bow, stern = (180, 500), (1420, 470)
    keel_l, keel_r, tip = (455, 925), (1160, 915), (800, 170)
    mid, rim = (806, 930), (800, 640)
    sheets = [
        # The far wall, the sail's two halves, then the near wall in two folds.
        (
            [bow, (560, 560), (800, 600), (1050, 548), stern, (1060, 640), (560, 660)],
            (168, 182, 200),
            (206, 216, 228),
            (180, 500),
            (1420, 640),
        ),
        (
            [tip, (800, 700), (520, 690)],
            (228, 234, 240),
            (255, 255, 255),
            (560, 690),
            (790, 300),
        ),
        (
            [tip, (800, 700), (1090, 680)],
            (176, 190, 208),
            (222, 230, 238),
            (1090, 680),
            (800, 260),
        ),
        (
            [bow, rim, mid, keel_l],
            (244, 246, 246),
            (214, 222, 232),
            (330, 560),
            (800, 920),
        ),
        (
            [stern, rim, mid, keel_r],
            (226, 232, 238),
            (172, 186, 206),
            (1240, 540),
            (820, 930),
        ),
    ]
    for number, sheet in enumerate(sheets):
        layer = paper(size, *sheet)
        if number in (1, 3):  # what stands in front shades what is behind
            near = paint.shape(
                size, sheet[0], *(s[0] for s in sheets[number + 1 : number + 2])
            )
            soft = ImageChops.offset(near, -6, -10).filter(ImageFilter.GaussianBlur(22))
            shade = Image.new("RGBA", size, (40, 60, 90, 0))
            shade.putalpha(
                ImageChops.multiply(
                    soft.point([v * 90 // 255 for v in range(256)]),
                    scene.getchannel("A"),
                )
            )
            scene.alpha_composite(shade)
        scene.alpha_composite(layer)
    pen = ImageDraw.Draw(scene)
    pen.line([bow, rim, stern], (255, 255, 255, 235), 4, joint="curve")
    pen.line([rim, mid], (150, 166, 190, 150), 3)
    pen.line([tip, (800, 640)], (186, 198, 214, 160), 3)
    # The red stripe along the wall, as a child would paint it.
    stripe = paint.shape(
        size,
        [(258, 622), (802, 742), (803, 800), (300, 694)],
        [(803, 742), (1352, 584), (1322, 656), (804, 800)],
        fine=3,
    )
    red = Image.new("RGBA", size, (222, 72, 58, 0))
    wear = paint.mask(paint.noise(rng, size, 40, 4), 0.25, 0.6)
    red.putalpha(
        ImageChops.multiply(
            stripe, wear.point([150 + v * 100 // 255 for v in range(256)])
        )
    )
    scene.alpha_composite(red)
    fibres = paint.noise(rng, size, 180, 3, gain=0.8)
    alpha = scene.getchannel("A")
    body = paint.grain(scene.convert("RGB"), rng, 0.03)
    tone = paint.mask(fibres, -1.2, 0.9).point(
        [205 + v * 50 // 255 for v in range(256)]
    )
    body = ImageChops.multiply(body, Image.merge("RGB", [tone] * 3))
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
    colours = [
        blue,
        (46, 139, 87),
        (240, 180, 41),
        (214, 69, 65),
        (126, 87, 160),
        (64, 164, 172),
    ]
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
