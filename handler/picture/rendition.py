"""What a picture is made into: how large, which part of it, how it is encoded."""

import io
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from PIL import Image

from handler.picture import Area, Size


class Rendition(NamedTuple):
    """A picture that fits in ``width`` × ``height``, or with ``cover`` fills it.

    Never larger than its source. ``kind`` is JPEG or PNG, and None keeps the source's.
    ``gap`` bounds what is averaged before the last step: less of it takes less memory.
    ``finish`` is what effects and watermark do with the small picture, in sRGB.
    """

    name: str = "thumbnail"
    width: int = 256
    height: int = 256
    cover: bool = False
    kind: str | None = None
    quality: int = 85
    gap: float = 3.0
    finish: Callable[[Image.Image], Image.Image] | None = None

    def frame(self, size: Size, *, lying: bool = False) -> tuple[Area, Size]:
        """Return the area of a source to show, and the size to show it at.

        ``lying`` says that it is stored on its side and turned upright afterwards.
        """
        if lying:
            (left, top, right, bottom), (width, height) = self.frame(size[::-1])
            return (top, left, bottom, right), (height, width)
        across, down = size
        if not self.cover:
            scale = min(1.0, self.width / across, self.height / down)
            return (0, 0, across, down), _scaled(across, down, scale)
        part_across = min(across, down * self.width / self.height)
        part_down = min(down, across * self.height / self.width)
        left, top = (across - part_across) / 2, (down - part_down) / 2
        scale = min(1.0, self.width / part_across)
        area = (left, top, left + part_across, top + part_down)
        return area, _scaled(part_across, part_down, scale)


class Plan(NamedTuple):
    """What an upload gets: renditions, the thumbnail first, and where each goes.

    ``folders`` are the prefixes of their keys. ``backup`` and ``labels`` hold the
    fields of the recipe's parts of that name, None where there is none.
    """

    renditions: tuple[Rendition, ...]
    folders: tuple[str, ...]
    backup: Mapping[str, Any] | None = None
    labels: Mapping[str, Any] | None = None


_LITTLE = 16_384  # bytes

Frame = tuple[Area, Size]


def decoded_size(size: Size, frames: Sequence[Frame]) -> Size:
    """Return how large the whole source has to be for the most demanding frame."""
    across = max(final[0] * size[0] / (area[2] - area[0]) for area, final in frames)
    down = max(final[1] * size[1] / (area[3] - area[1]) for area, final in frames)
    return int(across), int(down)


def common_step(frames: Sequence[Frame], gaps: Sequence[float]) -> Size:
    """Return how many pixels, across and down, no frame needs apart."""
    across, down = (
        min(
            int((area[axis + 2] - area[axis]) / final[axis] / gap)
            for (area, final), gap in zip(frames, gaps, strict=True)
        )
        for axis in (0, 1)
    )
    return max(1, across), max(1, down)


def encode(
    image: Image.Image, kind: str, quality: int, most: int = sys.maxsize
) -> bytes:
    """Return the picture as a JPEG or PNG, without any metadata.

    A PNG that would have more bytes than ``most`` has 256 colours, if nobody sees it.
    """
    image.info = {}  # Pillow copies a comment, a profile or transparency by itself
    if kind == "PNG":
        return _png(image, most)
    if image.mode in ("LA", "RGBA"):  # a JPEG has no alpha: white shows through
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image.convert("RGB"), mask=image.getchannel("A"))
        image = flat
    return saved(image, "JPEG", quality=quality, optimize=True)


def _png(image: Image.Image, most: int) -> bytes:
    """Return the smallest PNG that is worth looking for.

    Of a photo's filtered pixels hardly anything repeats but runs: to look for nothing
    else (Z_RLE) takes a quarter of the time and 1 % more bytes. Where it comes out
    small, as a drawing does, or larger than its source, a palette is worth its time.
    Only where there is none is looking further, which takes longer than that.
    """
    from handler.picture import palette

    quick = saved(image, "PNG", compress_type=zlib.Z_RLE)
    raw = image.width * image.height * len(image.getbands())
    if raw // 4 < len(quick) <= most:
        return quick
    drawing = palette.exact(image)
    if drawing is None and len(quick) > most:
        drawing = palette.near(image)
    made = [quick]
    if drawing:
        made.append(saved(drawing, "PNG", optimize=True))
    if drawing is None or raw < _LITTLE:  # of which a palette would be half
        made.append(saved(image, "PNG", optimize=len(quick) > most))
    return min(made, key=len)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return what Pillow writes to a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _scaled(across: float, down: float, scale: float) -> Size:
    return max(1, round(across * scale)), max(1, round(down * scale))
