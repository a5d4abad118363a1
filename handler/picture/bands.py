"""A PNG of 8 bits a channel, decoded and averaged a band of rows at a time.

What is worked on stays in the processor's cache, and the whole picture is never held.
Pillow undoes the rows' filters: each band is a picture of its own to it, with the row
above in front, without a filter, since that is what the next row may refer to. The rows
are handed over in blocks that are not compressed, which cost zlib a copy.
www.rfc-editor.org/rfc/rfc1951#section-3.2.4
"""

import struct
from collections.abc import Iterable
from typing import Any

from PIL import Image

from handler.picture import Size, memory, pixels
from handler.picture.inflate import PART, Unpacked

_CHANNELS = {"L": 1, "P": 1, "LA": 2, "RGB": 3, "RGBA": 4}
_ZLIB = b"\x78\x01"  # the header of a stream
_UNFILTERED = b"\0"
_BROKEN = "broken data stream when reading image file"


def suits(image: Any) -> bool:
    """Tell whether a PNG that was opened has 8 bits a channel, and rows in order.

    Of 16 bits Pillow loses those that the next band would refer to.
    """
    [tile] = image.tile
    plain = tile.args == image.mode and image.mode in _CHANNELS
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


def line(image: Any) -> int:
    """Return the bytes of a row as it is filtered."""
    return 1 + int(image.width) * _CHANNELS[image.mode]


def _rows(image: Any, step: Size) -> int:
    """Return the rows of a band, which are averaged without a rest."""
    rows = max(1, pixels.BAND_PIXELS // image.width // step[1]) * step[1]
    return min(rows, int(image.height))


class _Band:
    """Rows of a picture, and above them the last of those before."""

    def __init__(self, image: Any) -> None:
        self._image = image
        self._above = b""
        self._picture = Image.new("1", (1, 1))

    def next(
        self, parts: Iterable[bytes], count: int
    ) -> tuple[Image.Image, tuple[int, int, int, int]]:
        """Return a picture, good until the next one, and where in it the rows are."""
        start = 1 if self._above else 0
        size = self._image.width, start + count
        if self._picture.size != size:
            self._picture = self._new(size)
        self._decode(parts, size)
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

    def _decode(self, parts: Iterable[bytes], size: Size) -> None:
        mode = self._picture.mode
        decoder: Any = Image._getdecoder(mode, "zip", (mode,), ())
        decoder.setimage(self._picture.im, (0, 0, *size))
        taken = error = 0
        try:
            decoder.decode(_ZLIB)
            for at in range(0, len(self._above), PART):
                _store(decoder, self._above[at : at + PART])
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
