"""A picture with a palette: exactly the same, or as good as the same."""

from typing import Any

from PIL import Image, ImageChops, ImageStat

MOST = 256  # colours
PSNR_40_DB = 255**2 / 10**4  # the mean square of a difference that nobody sees


def exact(image: Image.Image) -> Image.Image | None:
    """Return the same pixels by number, or None where there are too many colours.

    Grey is one byte a pixel as it is.
    """
    counted: Any = image.getcolors(MOST)
    if counted is None or image.mode not in ("RGB", "RGBA"):
        return None
    colours = [colour for _, colour in counted]
    colours.sort(key=lambda colour: colour[3:])  # so that few have to have an alpha
    numbers = {colour: number for number, colour in enumerate(colours)}
    made = Image.new("P", image.size)
    made.putdata([numbers[pixel] for pixel in image.get_flattened_data()])
    made.putpalette(bytes(part for colour in colours for part in colour[:3]))
    if image.mode == "RGBA":
        made.info["transparency"] = bytes(colour[3] for colour in colours)
    return made


def near(image: Image.Image) -> Image.Image | None:
    """Return the picture with 256 colours, or None where somebody could see that."""
    if image.mode not in ("RGB", "RGBA"):  # grey has 256 shades at most
        return None
    made = fewer(image, MOST)
    difference = ImageChops.difference(image, made.convert(image.mode))
    errors = ImageStat.Stat(difference).sum2
    mean = sum(errors) / len(errors) / (image.width * image.height)
    return made if mean <= PSNR_40_DB else None


def fewer(image: Image.Image, colours: int) -> Image.Image:
    """Return the picture with so many colours at most, whatever that looks like."""
    counted: Any = image.getcolors(2)
    if image.mode == "L" and counted and {shade for _, shade in counted} <= {0, 255}:
        return image.convert("1", dither=Image.Dither.NONE)
    image = image.convert({"L": "RGB", "LA": "RGBA"}.get(image.mode, image.mode))
    octree, median = Image.Quantize.FASTOCTREE, Image.Quantize.MEDIANCUT
    method = octree if image.mode == "RGBA" else median
    return image.quantize(colours, method, dither=Image.Dither.NONE)
