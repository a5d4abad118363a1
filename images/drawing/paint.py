"""Brushes for the sample pictures: seeded noise, light, ramps, masks and grain.

A *field* is an image of mode ``F`` with values of about 0 to 1; a *mask* is an image
of mode ``L``. Everything comes from a ``random.Random`` that the caller seeds, so a
picture is the same each time it is rendered.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from random import Random

from PIL import (
    Image,
    ImageChops,
    ImageColor,
    ImageDraw,
    ImageFilter,
    ImageFont,
    ImageMath,
)

Size = tuple[int, int]
Colour = tuple[int, int, int]
Stops = Sequence[tuple[float, Colour]]
Points = Sequence[tuple[float, float]]


def calc(formula: Callable[..., object], *fields: Image.Image) -> Image.Image:
    """Combine fields, pixel by pixel: ``calc(lambda a, b: a * b, one, two)``."""
    named = {f"field_{number}": field for number, field in enumerate(fields)}
    return ImageMath.lambda_eval(
        lambda args: args["float"](formula(*(args[name] for name in named))), **named
    )


def mask(field: Image.Image, low: float = 0.0, high: float = 1.0) -> Image.Image:
    """A mask that is black where the field is ``low``, white where it is ``high``."""
    scale = 255 / (high - low)
    return field.point(lambda v: v * scale - low * scale).convert("L")


def noise(
    rng: Random,
    size: Size,
    cells: float,
    octaves: int = 5,
    gain: float = 0.5,
    stretch: float = 1.0,
    ridged: bool = False,
) -> Image.Image:
    """A fractal field: ``cells`` waves across the width, finer ones in each octave.

    Each octave is turned by an angle of its own, so that no grid shows; one that is
    stretched sideways (clouds, water) stays level.
    """
    width, height = size
    total, weight, norm = None, 1.0, 0.0
    for octave in range(octaves):
        cell = width / (cells * 2**octave)
        reach = math.hypot(width, height * stretch) / cell
        side = min(int(reach) + 6, 6000)
        rows = side if stretch == 1.0 else int(height * stretch / cell) + 8
        grid = Image.frombytes("L", (side, rows), rng.randbytes(side * rows))
        angle = rng.uniform(0, math.tau) if stretch == 1.0 else 0.0
        cos, sin = math.cos(angle) / cell, math.sin(angle) / cell
        half_w, half_h = width / 2, height / 2
        layer = grid.convert("F").transform(
            size,
            Image.Transform.AFFINE,
            (
                cos,
                sin * stretch,
                side / 2 - cos * half_w - sin * stretch * half_h,
                -sin,
                cos * stretch,
                rows / 2 + sin * half_w - cos * stretch * half_h,
            ),
            Image.Resampling.BICUBIC,
        )
        scale = weight / 255
        if ridged:
            layer = calc(lambda n, k=weight: k * (1 - abs(n / 127.5 - 1)) ** 2, layer)
        else:
            layer = layer.point(lambda v, s=scale: v * s + 0)
        total = layer if total is None else calc(lambda a, b: a + b, total, layer)
        norm += weight
        weight *= gain
    return total.point(lambda v: v * (1 / norm) + 0)


def shift(field: Image.Image, dx: int, dy: int) -> Image.Image:
    """The field moved by some pixels; the edge that this bares stays as it was."""
    moved = field.copy()
    moved.paste(field, (dx, dy))
    return moved


def curve(rng: Random, count: int, waves: float, octaves: int, gain: float = 0.5):
    """``count`` values of about -1 to 1 that wander like the line of a hill."""
    values = [0.0] * count
    weight = 1.0
    for octave in range(octaves):
        step = count / (waves * 2**octave)
        knots = [rng.uniform(-1, 1) for _ in range(int(count / step) + 3)]
        for x in range(count):
            at = x / step
            left = int(at)
            ease = (1 - math.cos((at - left) * math.pi)) / 2
            values[x] += weight * (knots[left] * (1 - ease) + knots[left + 1] * ease)
        weight *= gain
    return values


def mix(one: Colour, two: Colour, share: float) -> Colour:
    """A colour between two others."""
    share = min(max(share, 0.0), 1.0)
    return tuple(round(a + (b - a) * share) for a, b in zip(one, two, strict=True))


def colours(text: str) -> list[Colour]:
    """Colours, written as in CSS: ``"#1e2c5c #444e8a"``."""
    return [ImageColor.getrgb(colour) for colour in text.split()]


def ramp(text: str) -> Stops:
    """Colours from 0 to 1, written as in CSS: ``"#1e2c5c, #444e8a 22%, #ffdea0"``."""
    parts = [stop.partition(" ") for stop in text.split(", ")]
    return [
        (
            float(place.rstrip("%")) / 100 if place else number / (len(parts) - 1),
            ImageColor.getrgb(colour),
        )
        for number, (colour, _, place) in enumerate(parts)
    ]


def at(stops: Stops, place: float) -> Colour:
    """The colour of a ramp at a place between 0 and 1."""
    before = stops[0]
    for after in stops:
        if place <= after[0]:
            span = after[0] - before[0]
            return mix(before[1], after[1], (place - before[0]) / span if span else 0)
        before = after
    return stops[-1][1]


def sky(size: Size, stops: Stops) -> Image.Image:
    """A ramp of colours from top to bottom."""
    height = size[1]
    column = Image.new("RGB", (1, height))
    column.putdata([at(stops, y / max(height - 1, 1)) for y in range(height)])
    return column.resize(size, Image.Resampling.NEAREST)


def tint(tones: Image.Image, stops: Stops) -> Image.Image:
    """Colour a mask by a ramp: black takes the first colour, white the last."""
    ramp = [at(stops, v / 255) for v in range(256)]
    bands = (tones.point([colour[band] for colour in ramp]) for band in range(3))
    return Image.merge("RGB", list(bands))


def glow(size: Size, centre: tuple[float, float], radius: float, power: float = 1.0):
    """A mask of light that falls off around a centre."""
    side = 256
    ball = ImageChops.invert(Image.radial_gradient("L")).point(
        lambda v: round(255 * (max(0, v / 255 - 0.29) / 0.71) ** power)
    )
    scale = side / (2 * radius)
    x, y = centre
    data = (scale, 0, side / 2 - x * scale, 0, scale, side / 2 - y * scale)
    return ball.transform(
        size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
    ).filter(ImageFilter.GaussianBlur(2))


def light(picture: Image.Image, colour: Colour, strength: Image.Image) -> Image.Image:
    """Add light of a colour where the mask says so (a screen, so nothing burns)."""
    lamp = Image.new("RGB", picture.size)
    lamp.paste(colour, (0, 0), strength)
    return ImageChops.screen(picture, lamp)


def darken(picture: Image.Image, shade: Image.Image) -> Image.Image:
    """Darken a picture where the mask is dark."""
    return ImageChops.multiply(picture, Image.merge("RGB", [shade] * 3))


def blur(image: Image.Image, radius: float) -> Image.Image:
    """The image out of focus."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def shape(size: Size, *outlines: Points, soft: float = 0.0, fine: int = 2):
    """A mask of filled polygons with smooth edges, softened if asked for."""
    width, height = size
    big = Image.new("L", (width * fine, height * fine))
    pen = ImageDraw.Draw(big)
    for outline in outlines:
        pen.polygon([(x * fine, y * fine) for x, y in outline], fill=255)
    small = big.reduce(fine) if fine > 1 else big
    return blur(small, soft) if soft else small


def points(text: str, x: float = 0, y: float = 0) -> list[tuple[float, float]]:
    """An outline around a place, written as in SVG: ``"0,142 -36,124 -68,92"``."""
    pairs = (pair.split(",") for pair in text.split())
    return [(x + float(across), y + float(down)) for across, down in pairs]


def scaled(outline: Points, times: float) -> list[tuple[float, float]]:
    """An outline drawn larger."""
    return [(x * times, y * times) for x, y in outline]


def blob(points: Points, steps: int = 14) -> list[tuple[float, float]]:
    """A closed smooth line (Catmull-Rom) through some points."""
    smooth, count = [], len(points)
    for i in range(count):
        p0, p1, p2, p3 = (points[(i + k - 1) % count] for k in range(4))
        for step in range(steps):
            t = step / steps
            smooth.append(
                tuple(
                    0.5
                    * (
                        2 * b
                        + (c - a) * t
                        + (2 * a - 5 * b + 4 * c - d) * t * t
                        + (3 * b - a - 3 * c + d) * t**3
                    )
                    for a, b, c, d in zip(p0, p1, p2, p3, strict=True)
                )
            )
    return smooth


def grain(picture: Image.Image, rng: Random, amount: float):
    """Add the fine noise of a camera's sensor."""
    width, height = picture.size
    level = [max(0, min(255, round(128 + (v - 127.5) * amount))) for v in range(256)]
    speck = Image.frombytes("L", picture.size, rng.randbytes(width * height))
    speck = blur(speck, 0.6).point(level)
    return ImageChops.add(picture, Image.merge("RGB", [speck] * 3), 1, -128)


def vignette(picture: Image.Image, strength: float = 0.35) -> Image.Image:
    """Darken the corners a little, as a lens does."""
    shade = Image.radial_gradient("L").point(
        lambda v: round(255 - 255 * strength * (v / 255) ** 2.5)
    )
    shade = shade.resize(picture.size)
    return darken(picture, shade)


def enlarge(picture: Image.Image, size: Size) -> Image.Image:
    """Scale up for the finishing touches."""
    return picture.resize(size, Image.Resampling.LANCZOS)


def floats(field: Image.Image) -> array:
    """The values of a field, row by row."""
    return array("f", field.tobytes())


def field_of(values: array, size: Size) -> Image.Image:
    """The field of some values, row by row."""
    return Image.frombytes("F", size, values.tobytes())


def font(size: float) -> ImageFont.FreeTypeFont:
    """The typeface that comes with Pillow."""
    return ImageFont.load_default(size=size)


def relief(field: Image.Image, dx: int, dy: int, gain: float) -> Image.Image:
    """A mask of the field seen as a surface: bright where it faces ``(-dx, -dy)``."""
    lit = mask(calc(lambda a, b: (a - b) * gain + 0.5, field, shift(field, dx, dy)))
    inner = (max(dx, 0), max(dy, 0), lit.width + min(dx, 0), lit.height + min(dy, 0))
    return lit.resize(lit.size, Image.Resampling.BILINEAR, inner)


def plane(texture: Image.Image, size: Size, tilt: float) -> Image.Image:
    """A texture laid on the ground, seen up to the horizon at the picture's top.

    The texture's whole width is seen at the horizon, a part of it, ``1 / (1 + tilt)``,
    at the bottom.
    """
    width, height = size
    start = height / tilt
    spread = texture.width / width * start * 0.998
    middle = texture.width / 2
    depth = texture.height * start
    data = (
        spread / start,
        middle / start,
        middle - spread * width / 2 / start,
        0,
        0,
        depth / start * 0.999,
        0,
        1 / start,
    )
    return texture.transform(
        size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BILINEAR
    )
