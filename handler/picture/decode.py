"""The decoder, held in: only two formats, a bounded size, and a time limit.

Of a JPEG it sees that all was there. Where coded data ends too early, libjpeg paints
the rest grey and only warns, and Pillow hides the warning. So the data of each scan is
handed over without the marker behind it, which would tell the decoder to stop waiting:
what it then still waits for is missing.

It reads up to 8 bytes ahead of what it decodes, so as many are put where the marker
was. They pass for a block or two, which are not missed at a scan's end. A file that
lacks its end is decoded once more, with other bytes there: what they change is missing.
These cannot be told, and are let through rather than a good photo refused:

- a few bytes at the end of a scan, where the file's end is there;
- too much data, since cameras pad theirs, and damage that leaves the amount as it was;
- a progressive JPEG cut between two scans, since a file may leave out the finest, cut
  at a restart marker, or in a scan that ``jpeg`` leaves out;
- arithmetic coding, which few browsers show: its decoder cannot wait.
"""

import contextlib
import functools
import io
import itertools
import math
import time
from collections.abc import Sequence
from typing import Any

from PIL import (
    Image,
    ImageChops,
    ImageFile,
    ImagePalette,
    JpegImagePlugin,
    PngImagePlugin,
)

from handler.errors import ImageRejected
from handler.picture import Area, Size, bands, exif, icc, jpeg, kinds, memory, png
from handler.picture.inflate import Unpacked

DRAFT = 1.5  # decode a JPEG to at least so many times the final size

_AHEAD = b"\xff\0" * 8  # eight bytes of ones, as coded: the least likely to be data
_OTHERS = b"\xb6" * 8  # in the tables of most files a large step
_PIECE = 1 << 18  # bytes handed over between two looks at the clock

_ICC = b"ICC_PROFILE\0"
_SCALES = {"1": 255, "L;2": 85, "L;4": 17}


class TooSlow(TimeoutError):
    """The picture's time is over, and it is still not decoded."""


class Reader(io.BytesIO):
    """Stops a decoder that takes too long: it has to come back here for more bytes.

    A limit from outside (``wait_for`` around a thread) would not: no thread can be
    ended, and the function would wait for it until its own timeout.
    """

    def __init__(self, data: bytes, deadline: float = math.inf) -> None:
        super().__init__(data)
        self.deadline = deadline

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, until the deadline."""
        self.check()
        return super().read(size)

    def check(self) -> None:
        """Raise ``TooSlow`` from the deadline on."""
        if time.monotonic() > self.deadline:
            raise TooSlow


class Jpeg(JpegImagePlugin.JpegImageFile):
    """Pillow's JPEG, which parses the frame only: other segments may be broken."""

    def _open(self) -> None:
        reader = _reader(self)
        data = reader.getvalue()
        self.layer, self.applist, self.icclist = [], [], []
        for marker, start, body in jpeg.each_segment(data):
            reader.seek(start + 2)
            if marker in jpeg.FRAMES:
                JpegImagePlugin.SOF(self, 0xFF00 | marker)
            elif marker & 0xF0 == 0xE0:
                self.applist.append((f"APP{marker & 15}", data[start + 4 : body]))
            elif marker == jpeg.START_OF_SCAN:
                rawmode = "CMYK;I" if self.mode == "CMYK" else self.mode
                box = (0, 0, *self.size)
                self.tile = [ImageFile._Tile("jpeg", box, 0, (rawmode, ""))]
                return


def open_image(data: bytes, seconds: float) -> ImageFile.ImageFile:
    """Read the header, and start the clock. Only these two parsers are ever reached.

    A phone's MPO is a JPEG with more pictures behind it; the first is the photo. Going
    round ``Image.open`` also goes round its process-wide limits: ours are arguments.
    """
    deadline = time.monotonic() + seconds
    if kinds.kind(data) == "JPEG":
        photo = Jpeg(Reader(data, deadline))
        photo.info["exif"] = _exif(photo.applist)
        profile = _profile(photo.applist)
        if icc.numbers(profile) and photo.mode != "CMYK":
            from handler.picture import colours  # for the few

            profile = colours.profile({}, profile, grey=photo.mode == "L")
        photo.info["icc_profile"] = profile
        return photo
    found = png.walk(data)
    image = PngImagePlugin.PngImageFile(Reader(found.data, deadline))
    image.info |= {"exif": found.exif, "icc_profile": found.profile}
    image.info["grey"] = image.tile[0].args == "LA;16B"  # whose mode is RGBA
    if found.clear and image.mode in ("1", "L"):
        # Of fewer bits Pillow scales the pixels, and not the shade that is clear.
        scale = _SCALES.get(str(image.tile[0].args), 1)
        image.info["transparency"] = found.clear[1] * scale
    if image.palette:
        _fill_palette(image, image.palette, found.clear)
    return image


def _fill_palette(image: ImageFile.ImageFile, palette: Any, clear: bytes) -> None:
    """Give the last colour to numbers that have none, as browsers do."""
    count = len(palette.palette) // 3
    rest = 256 - count
    colours = bytes(palette.palette[: 3 * count])
    image.palette = ImagePalette.raw("RGB", colours + colours[-3:] * rest)
    if clear:
        alphas = clear[:count].ljust(count, b"\xff")
        image.info["transparency"] = alphas + alphas[-1:] * rest


def _exif(segments: Sequence[tuple[str, bytes]]) -> bytes:
    """Return a JPEG's EXIF, in one piece. Pillow takes one kind of prefix only."""
    parts = [body for name, body in segments if name == "APP1"]
    parts = [body for body in parts if body.startswith(exif.MARK)]
    return b"".join([*parts[:1], *(part[exif.PREFIX :] for part in parts[1:])])


def _profile(segments: Sequence[tuple[str, bytes]]) -> bytes | None:
    """Return a JPEG's ICC profile; None where it is broken, or a part does not fit.

    As in browsers it is there with its last part, whatever comes then.
    """
    parts: dict[int, bytes] = {}
    counts = set()
    for name, body in segments:
        if name == "APP2" and body.startswith(_ICC) and len(body) > len(_ICC) + 2:
            number, count = body[len(_ICC) : len(_ICC) + 2]
            counts.add(count)
            if number in parts or not 1 <= number <= count or len(counts) > 1:
                return None
            parts[number] = body[len(_ICC) + 2 :]
            if len(parts) == count:
                return icc.readable(b"".join(parts[at] for at in sorted(parts)))
    return None


def decode(
    image: ImageFile.ImageFile,
    data: bytes,
    size: Size,
    room: int,
    finals: Sequence[memory.Final],
    step: Size = (1, 1),
    width: int | None = None,
) -> tuple[Image.Image, Area]:
    """Decode for a picture of ``size``; return it, and the area that the picture fills.

    ``finals`` are the sizes that it is brought to afterwards, which takes memory too.
    As many pixels as ``step`` says, across and down, may be averaged into one, and all
    may be brought to ``width`` where nothing else is wanted. Raises ``ImageRejected``
    beforehand if all takes more than ``room`` bytes.
    """
    if isinstance(image, Jpeg):
        whole = functools.partial(_decode_jpeg, data=data, size=size, room=room)
        if segments := jpeg.presumed(data):
            photo = Jpeg(Reader(data, _reader(image).deadline))
            photo.info = image.info
            with contextlib.suppress(ImageRejected, OSError):
                return photo, whole(photo, segments, finals, presumed=True)
        return image, whole(image, jpeg.walk(data), finals)
    # Of one that is not made smaller, bands would round what is nearly transparent.
    as_it_is = any(final == image.size for final, _ in finals)
    if bands.suits(image) and not as_it_is:
        area = (0.0, 0.0, width or image.width / step[0], image.height / step[1])
        averaged = math.ceil(area[2]), math.ceil(area[3])
        taken = bands.held(image, step, width) + memory.of_resizing(averaged, finals)
        _check_room(taken, room)
        return bands.load(image, Unpacked(_reader(image)), step, width), area
    names_a_colour = png.names_a_colour(image)
    taken = memory.of_pixels(image.size, image.mode)
    taken += memory.of_rows(bands.line(image))
    if names_a_colour:
        # One byte a pixel says what is transparent while the colours are decoded.
        taken += memory.of_pixels(image.size, "L")
    _check_room(taken + memory.of_resizing(image.size, finals), room)
    if names_a_colour:
        reader = _reader(image)
        again = Reader(reader.getvalue(), reader.deadline)
        png.load(image, lambda: PngImagePlugin.PngImageFile(again))
    else:
        bands.load_whole(image)
    return image, (0, 0, *image.size)


def _decode_jpeg(
    image: Jpeg,
    segments: list[jpeg.Segment],
    finals: Sequence[memory.Final],
    *,
    data: bytes,
    size: Size,
    room: int,
    presumed: bool = False,
) -> Area:
    """Decode no larger than need be, and no more scans than that takes."""
    cut = not data.startswith(jpeg.END, end := segments[-1].start)
    if cut:
        data = data[:end] + jpeg.END
        image.fp = Reader(data, _reader(image).deadline)
    full = image.size
    jpeg.check(data, segments, full)
    across, down = (max(1, int(DRAFT * side)) for side in size)
    drafted = image.draft(None, (across, down))
    if drafted is None:
        raise ImageRejected("broken JPEG: it is not in one piece")
    taken = memory.of_pixels(image.size, image.mode) * (3 if cut else 1)
    several = jpeg.keeps_coefficients(segments, data, image.layers)
    several = several or "progressive" in image.info
    if several:
        factors = [(layer[1], layer[2]) for layer in image.layer]
        taken += memory.of_coefficients(full, factors)
    _check_room(taken + memory.of_resizing(image.size, finals), room)
    if image.decoderconfig[0] == jpeg.EIGHTH:
        needed = jpeg.without_detail(data, segments)
        if needed is not data:
            image.fp = Reader(needed, _reader(image).deadline)
            segments = jpeg.walk(needed)
    reader = _reader(image)
    _load_whole(image, segments, several=several, presumed=presumed)
    if cut:
        again = Jpeg(Reader(reader.getvalue(), reader.deadline))
        again.draft(None, (across, down))
        _load_whole(again, segments, several=several, ahead=_OTHERS)
        if ImageChops.difference(image, again).getbbox():
            raise ImageRejected("broken JPEG: truncated, its end is missing")
    return drafted[1]


def _reader(image: ImageFile.ImageFile) -> Reader:
    if not isinstance(image.fp, Reader):
        raise TypeError("the picture was not opened here")
    return image.fp


def _check_room(taken: int, room: int) -> None:
    if taken > room:
        raise ImageRejected(
            f"decoding takes {taken // memory.MIB} MB of memory, more than the "
            f"{room // memory.MIB} there are for a picture (the setting memory_mb)"
        )


def _load_whole(
    image: JpegImagePlugin.JpegImageFile,
    segments: list[jpeg.Segment],
    *,
    several: bool,
    presumed: bool = False,
    ahead: bytes = _AHEAD,
) -> None:
    """Load a JPEG that was opened; ``several`` scans are gathered before any pixel.

    ``ahead`` is put behind each scan; where that was ``presumed``, nothing before its
    last bytes may look like an end. Raises ``ImageRejected`` if data is missing, and
    ``OSError`` if it is broken.
    """
    if jpeg.HUFFMAN.isdisjoint(part.marker for part in segments):
        image.load()
        return
    decoder = _Decoder(image)
    try:
        for scan, following in itertools.pairwise(segments):
            if scan.marker == jpeg.START_OF_SCAN and not decoder.done:
                if presumed:
                    decoder.read(following.start - jpeg.TAIL)
                    if decoder.done:
                        raise ImageRejected("broken JPEG: a marker in its data")
                decoder.read(following.start)
                decoder.take(ahead)
                if not (decoder.skips() if several else decoder.done):
                    raise ImageRejected("broken JPEG: truncated, a scan is cut short")
        decoder.read(segments[-1].body)
        if not decoder.done:
            raise ImageRejected("broken JPEG: truncated, it has no pixels")
    finally:
        decoder.close()
    # Pillow takes the picture for loaded when there is nothing left to decode.
    image.tile, image.fp = [], None


class _Decoder:
    """Pillow's decoder, fed by hand: ``Image.load`` does not tell what was taken.

    It is given views of the file: copies of 64 kB, as ``Image.load`` makes, take 3 %.
    """

    def __init__(self, image: JpegImagePlugin.JpegImageFile) -> None:
        (tile,) = image.tile
        image.load_prepare()
        self.reader = _reader(image)
        self.file = memoryview(self.reader.getvalue())
        self.end = tile.offset
        self.rest: bytes | memoryview = b""
        self.done = False
        self.decoder: Any = Image._getdecoder(
            image.mode, tile.codec_name, tile.args, image.decoderconfig
        )
        self.decoder.setimage(image.im, tile.extents)

    def read(self, end: int) -> None:
        """Hand over the file up to there."""
        while not self.done and self.end < end:
            self.reader.check()
            start, self.end = self.end - len(self.rest), min(end, self.end + _PIECE)
            self._hand_over(self.file[start : self.end])

    def take(self, data: bytes) -> None:
        """Hand over bytes that are not in the file, behind those up to here."""
        if not self.done:
            self._hand_over(bytes(self.rest) + data)

    def _hand_over(self, data: bytes | memoryview) -> None:
        """Decode; what the decoder has no use for yet is kept."""
        taken, error = self.decoder.decode(data)
        if error < 0:
            raise OSError("broken data stream")
        self.done = taken < 0
        self.rest = data[taken:]

    def skips(self) -> bool:
        """Tell whether the scan is at its end: then anything but a marker is skipped.

        Within a scan one byte is seldom enough, and so many in turn hardly ever: eight
        ones begin no code, and where zeros are a code the ones are not.
        """
        for byte in (b"\0", b"\xff\0") * 20:
            self.take(byte)
            if self.rest and not self.done:
                return False
        return True

    def close(self) -> None:
        """Let go of libjpeg's memory."""
        self.decoder.cleanup()
