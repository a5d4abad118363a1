"""A PNG's rows, unpacked by us and unfiltered by Pillow; none may be missing.

One of 8 bits a channel is decoded and averaged a band of rows at a time: what is worked
on stays in the processor's cache, and the whole picture is never held. Each band is a
picture of its own to Pillow, with the row above in front, without a filter, since that
is what the next row may refer to. The rows are handed over in blocks that are not
compressed, which cost zlib a copy.
www.rfc-editor.org/rfc/rfc1951#section-3.2.4
"""

import itertools
import struct
from collections.abc import Iterable
from typing import Any

from PIL import Image

from handler.picture import Size, memory, pixels
from handler.picture.inflate import PART, Unpacked

_MODES = {"L", "P", "LA", "RGB", "RGBA"}
# Where each of the seven passes of an interlaced picture begins, and its steps: x, y.
_PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4)]
_PASSES += [(1, 0, 2, 2), (0, 1, 1, 2)]
_ZLIB = b"\x78\x01"  # the header of a stream
_UNFILTERED = b"\0"
_BROKEN = "broken data stream when reading image file"


def suits(image: Any) -> bool:
    """Tell whether a PNG that was opened has 8 bits a channel, and rows in order.

    Of 16 bits Pillow loses those that the next band would refer to.
    """
    [tile] = image.tile
    plain = tile.args == image.mode and image.mode in _MODES
    return plain and not image.info.get("interlace")


def held(image: Any, step: Size, width: int | None = None) -> int:
    """Return the bytes that are held of a picture while it is decoded in bands."""
    rows = _rows(image, step)
    several = rows < image.height
    taken = memory.of_rows(line(image)) + 2 * several * line(image)
    taken += memory.of_pixels((image.width, rows + several), image.mode)
    tile = min(image.width * rows, pixels.BAND_PIXELS)
    averaged = width or -(-image.width // step[0]), -(-image.height // step[1])
    return taken + 3 * 4 * tile + memory.of_pixels(averaged, "RGBA")


def load(
    image: Any, packed: Unpacked, step: Size, width: int | None = None
) -> Image.Image:
    """Return a PNG that was opened, with ``step`` pixels, across and down, as one.

    It is L, La, RGB or RGBa, and has no more than its pixels and a profile. With a
    ``width`` it is as wide as that already: LANCZOS goes across before it goes down, so
    of pixels in whole rows the same comes of it in bands, and less is held.
    """
    final, (width, height) = width, image.size
    rows, row = _rows(image, step), line(image)
    band, average = _Band(image), pixels.Averager(step)
    whole = None
    for top in range(0, height, rows):
        count = min(rows, height - top)
        picture, area = band.next(packed.read(count * row), count)
        averaged = average(picture, area)
        if final:
            box = (0, 0, width / step[0], averaged.height)
            size = final, averaged.height
            averaged = averaged.resize(size, Image.Resampling.LANCZOS, box)
        if whole is None:
            size = averaged.width, -(-height // step[1])
            whole = Image.new(averaged.mode, size)
        whole.paste(averaged, (0, top // step[1]))
    if whole is None:
        raise ValueError("no pixels")
    whole.info["icc_profile"] = image.info.get("icc_profile")
    return whole


def load_whole(image: Any) -> None:
    """Load a PNG that was opened, of any kind."""
    packed = Unpacked(image.fp)
    [tile] = image.tile
    image.load_prepare()
    _decode(image, tile.args, packed.read(unpacked(image)), image.decoderconfig)
    image.tile = []  # which Pillow takes for loaded
    image.readonly = 0  # so that it is changed in place, not in a copy


def unpacked(image: Any) -> int:
    """Return the bytes of all rows of a PNG that was opened, as they are filtered."""
    sizes = [image.size]
    if image.info.get("interlace"):
        sizes = [
            (-(-(image.width - x) // across), -(-(image.height - y) // down))
            for x, y, across, down in _PASSES
        ]
    return sum(height * line(image, width) for width, height in sizes if width > 0)


def line(image: Any, width: int | None = None) -> int:
    """Return the bytes of a row, or of one so wide, as it is filtered."""
    rawmode = image.tile[0].args  # such as "RGB;16B"
    channels, _, depth = rawmode.partition(";")
    bits = 1 if rawmode == "1" else len(channels) * int(depth.rstrip("BL") or 8)
    return 1 + -(-int(width or image.width) * bits // 8)


def _rows(image: Any, step: Size) -> int:
    """Return the rows of a band, which are averaged without a rest."""
    rows = max(1, pixels.BAND_PIXELS // image.width // step[1]) * step[1]
    return min(rows, int(image.height))


class _Band:
    """Rows of a picture, and above them the last of those before."""

    def __init__(self, image: Any) -> None:
        self._image = image
        self._above = b""
        self._picture = self._new((1, 1))

    def next(
        self, parts: Iterable[bytes], count: int
    ) -> tuple[Image.Image, tuple[int, int, int, int]]:
        """Return a picture, good until the next one, and where in it the rows are."""
        start = 1 if self._above else 0
        size = self._image.width, start + count
        if self._picture.size != size:
            self._picture = self._new(size)
        above = (self._above[at : at + PART] for at in range(0, len(self._above), PART))
        rows = itertools.chain(above, parts)
        _decode(self._picture, self._picture.mode, rows)
        last = self._picture.crop((0, size[1] - 1, *size))
        self._above = _UNFILTERED + last.tobytes()
        return self._picture, (0, start, *size)

    def _new(self, size: Size) -> Image.Image:
        picture = Image.new(self._image.mode, size)
        if self._image.palette:
            picture.palette = self._image.palette.copy()
        if "transparency" in self._image.info:
            picture.info["transparency"] = self._image.info["transparency"]
        return picture


def _decode(
    picture: Any, rawmode: str, parts: Iterable[bytes], config: tuple[int, ...] = ()
) -> None:
    """Have Pillow undo the filters of a picture's rows."""
    decoder: Any = Image._getdecoder(picture.mode, "zip", (rawmode,), config)
    decoder.setimage(picture.im, (0, 0, *picture.size))
    taken = error = 0
    try:
        decoder.decode(_ZLIB)
        for part in parts:
            taken, error = _store(decoder, part)
            if error:
                break
    finally:
        decoder.cleanup()
    if error or taken >= 0:  # it would wait for more
        raise OSError(_BROKEN)


def _store(decoder: Any, part: bytes) -> tuple[int, int]:
    """Hand over a block; return what the decoder took, below 0 at the end, and why."""
    size = len(part)
    decoder.decode(struct.pack("<BHH", 0, size, size ^ 0xFFFF))
    taken, error = decoder.decode(part)
    return taken, error
