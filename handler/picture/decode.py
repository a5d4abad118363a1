"""The decoder, held in: only two formats, a bounded size, and a time limit."""

import io
import time
from collections.abc import Callable

from PIL import Image, JpegImagePlugin, PngImagePlugin

from handler.errors import ImageRejected
from handler.picture import deep, jpeg, memory, progressive, whole
from handler.picture import png as chunks

DRAFT = 1.5  # decode a JPEG to at least so many times the final size

Size = tuple[int, int]
Area = tuple[float, float, float, float]
Between = Callable[[Size], int]


class TooSlow(TimeoutError):
    """The picture's time is over, and it is still not decoded."""


class Reader(io.BytesIO):
    """Stops a decoder that takes too long: it has to come back here for more bytes.

    A limit from outside (``wait_for`` around a thread) would not: no thread can be
    ended, and the function would wait for it until its own timeout.
    """

    def __init__(self, data: bytes, deadline: float) -> None:
        super().__init__(data)
        self.deadline = deadline

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, until the deadline."""
        if time.monotonic() > self.deadline:
            raise TooSlow
        return super().read(size)


class Jpeg(JpegImagePlugin.JpegImageFile):
    """Pillow's JPEG, which leaves broken EXIF alone while it opens."""

    def _read_dpi_from_exif(self) -> None:
        """Do nothing: there is no use for the resolution, and parsing can fail."""


def kind(data: bytes) -> str | None:
    """Tell the format by content; names and content types are only claims."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    return "PNG" if data.startswith(chunks.SIGNATURE) else None


def open_image(data: bytes, seconds: float) -> Image.Image:
    """Read the header, and start the clock. Only these two parsers are ever reached.

    A phone's MPO is a JPEG with more pictures behind it; the first is the photo. Going
    round ``Image.open`` also goes round its process-wide limits: ours are arguments.
    """
    deadline = time.monotonic() + seconds
    if kind(data) == "JPEG":
        return Jpeg(Reader(data, deadline))
    png = chunks.walk(data)
    image = PngImagePlugin.PngImageFile(Reader(png.data, deadline))
    image.info |= {"exif": png.exif, "icc_profile": png.profile}
    return image


def decode(
    image: Image.Image, data: bytes, size: Size, room: int, between: Between
) -> Area:
    """Decode for a thumbnail of ``size``; return the area that the picture fills.

    ``between`` tells the bytes that resizing takes, from the size that was decoded.
    Raises ``ImageRejected`` beforehand if all takes more than ``room`` bytes.
    """
    if isinstance(image, Jpeg):
        return _decode_jpeg(image, data, size, room, between)
    several = deep.names_a_colour(image)
    # There, one byte a pixel says what is transparent while the colours are decoded.
    mask = memory.of_pixels(image.size, "L") if several else 0
    taken = memory.of_pixels(image.size, image.mode) + mask
    _check_room(taken + between(image.size), room)
    if several:
        deep.load(image, lambda: PngImagePlugin.PngImageFile(_rewound(image.fp)))
    else:
        image.load()
    return (0, 0, *image.size)


def _decode_jpeg(
    image: Jpeg, data: bytes, size: Size, room: int, between: Between
) -> Area:
    """Decode no larger than need be, and no more scans than that takes."""
    segments = jpeg.walk(data)
    full = image.size
    jpeg.check(segments, full)
    across, down = (max(1, int(DRAFT * side)) for side in size)
    _, area = image.draft(None, (across, down))
    taken = memory.of_pixels(image.size, image.mode)
    several = jpeg.keeps_coefficients(segments, data, image.layers)
    several = several or "progressive" in image.info
    if several:
        factors = [(layer[1], layer[2]) for layer in image.layer]
        taken += memory.of_coefficients(full, factors)
    _check_room(taken + between(image.size), room)
    if image.decoderconfig[0] == progressive.EIGHTH:
        needed = progressive.without_detail(data, segments)
        if needed is not data:
            image.fp = Reader(needed, image.fp.deadline)
            segments = jpeg.walk(needed)
    whole.load(image, segments, several=several)
    return area


def _rewound(reader: Reader) -> Reader:
    return Reader(reader.getvalue(), reader.deadline)


def _check_room(taken: int, room: int) -> None:
    if taken > room:
        raise ImageRejected(
            f"decoding takes {taken // memory.MIB} MB of memory, more than the "
            f"{room // memory.MIB} there are for a picture"
        )
