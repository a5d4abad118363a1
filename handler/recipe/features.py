"""What a picture looks like, in numbers: what the model of ``labels`` decides on."""

from itertools import pairwise

from PIL import Image, ImageChops

SIDE = 64


def features(picture: Image.Image) -> list[float]:
    """Describe a picture in 64 numbers of 0 to 1: colours, light, edges.

    Hues are left out: they tell the hour of the day rather than what there is.
    """
    fine = _on_white(picture, SIDE)
    small = fine.resize((SIDE // 2, SIDE // 2), Image.Resampling.BOX)
    _, saturation, value = small.convert("HSV").split()
    found = _shares(saturation, (64, 128, 192, 256)) + _shares(
        value, (64, 128, 192, 256)
    )
    # Four bands from sky to ground: how much redder than green, greener than blue.
    red, green, blue = (
        band.tobytes() for band in small.resize((1, 4), Image.Resampling.BOX).split()
    )
    found += [0.5 + (a - b) / 510 for a, b in zip(red, green, strict=True)]
    found += [0.5 + (a - b) / 510 for a, b in zip(green, blue, strict=True)]
    grey = fine.convert("L")
    for step in ((1, 0), (0, 1), (1, 1)):  # upright, level and slanting edges
        edges = _edges(grey, *step)
        found += _means(edges, (3, 3), 4) + _shares(edges, (2, 8, 24, 64))
    coarse = grey.resize((SIDE // 4, SIDE // 4), Image.Resampling.BOX)
    for step in ((1, 0), (0, 1)):
        found += _means(_edges(coarse, *step), (1, 4), 3)
    colours = len(small.getcolors(SIDE**2 // 4))
    return [*found, min(1.0, colours / 64)]  # few only in what is plain


def _on_white(picture: Image.Image, side: int) -> Image.Image:
    small = picture.convert("RGBA").resize((side, side), Image.Resampling.BOX)
    flat = Image.new("RGB", small.size, "white")
    flat.paste(small, mask=small.getchannel("A"))
    return flat


def _shares(grey: Image.Image, ends: tuple[int, ...]) -> list[float]:
    """Tell the share of the levels below each end and not below the one before."""
    counts = grey.histogram()
    starts = (0, *ends)
    return [sum(counts[a:b]) / sum(counts) for a, b in pairwise(starts)]


def _edges(grey: Image.Image, dx: int, dy: int) -> Image.Image:
    """Tell how much each pixel differs from the one `dx` beside and `dy` below it."""
    width, height = grey.size
    one = grey.crop((dx, dy, width, height))
    return ImageChops.difference(one, grey.crop((0, 0, width - dx, height - dy)))


def _means(edges: Image.Image, cells: tuple[int, int], gain: float) -> list[float]:
    """Tell the mean of each cell of a grid, brought to about 0 to 1."""
    levels = edges.resize(cells, Image.Resampling.BOX).tobytes()
    return [min(1.0, gain * level / 255) for level in levels]
