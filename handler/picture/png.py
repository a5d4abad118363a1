"""A walk over a PNG's chunks, without decoding: what a thumbnail needs, nothing else.

Text, private chunks, an animation's further frames and whatever follows the end never
reach Pillow, so none of it can bomb, warn or leak.
www.w3.org/TR/png-3/#5DataRep

And PNGs of 16 bits a channel that name one colour as transparent (tRNS): Pillow keeps 8
bits of each channel, and compares those with all 16 of the colour; so none would be
transparent, and of the upper 8 alone too many would be.
"""

import itertools
import re
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from PIL import Image, ImageChops, ImageFile, PngImagePlugin

from handler.errors import ImageRejected
from handler.picture import bands, icc, kinds

SIGNATURE = kinds.PNG
MAX_CHUNKS = 100_000  # 25 MB in the 8 KB pieces that libpng writes are 3,200
MAX_PROFILE = 4 * 1024 * 1024  # the largest printers' profiles are 3 MB

_COLOUR_TYPE = len(SIGNATURE) + 17  # its place, in the first chunk
_PALETTE = 3  # that colour type
_SINGLE = {b"IHDR": "headers", b"PLTE": "palettes"}
_CLEAR = {0: 2, 2: 6}  # bytes that name a transparent grey, or a colour
_COLOURS = {b"cICP", b"gAMA"}
# What is read of a PNG beside its pixels, and how it has to look.
_EXTRA = {
    b"eXIf": re.compile(rb"(?!Exif\0)"),  # which stands before it in a JPEG
    b"iCCP": re.compile(b""),
    b"sRGB": re.compile(rb"[\0-\3]\Z"),  # the intents
    b"cHRM": re.compile(rb".{32}\Z", re.DOTALL),
    b"gAMA": re.compile(rb"(?!\0{4}).{4}\Z", re.DOTALL),
    b"cICP": re.compile(rb".{4}\Z", re.DOTALL),
    b"cLLI": re.compile(rb".{8}\Z", re.DOTALL),
    b"mDCV": re.compile(rb".{24}\Z", re.DOTALL),
}
FRAMING = 12  # length, name and checksum: four bytes each
_CRITICAL = ~0x20  # a critical chunk's name begins with a capital

_RAWMODE = "RGB;16B"
_LOWER = "RGB;16L"  # the same pairs of bytes, taken the other way round

_BAND_PIXELS = 1_000_000

Colour = tuple[int, ...]


class Png(NamedTuple):
    """A PNG with only the chunks that pixels are made from, and what it says of them.

    ``exif`` and ``profile`` are not checked, and None where there is none. ``clear`` is
    what tRNS holds.
    """

    data: bytes
    exif: bytes | None
    profile: bytes | None
    clear: bytes


def walk(data: bytes) -> Png:
    """Return the still picture in a PNG; an animation's is the one all viewers show.

    As in browsers, a chunk that can be left out is, where its checksum is wrong, EXIF
    counts before the pixels only, and nothing has to follow those: Pillow refuses what
    lacks rows. Raises ``ImageRejected`` for damage and for too many chunks.
    """
    view = memoryview(data)  # its slices are no copies
    kept: list[bytes] = []
    extra: dict[bytes, bytes] = {}
    began = False  # whether the pixels have
    kind = _colour_type(data)
    palette, clear = 0, b""  # bytes
    tail = b""  # what comes after all that is kept
    single = dict(_SINGLE)
    at = since = stop = 0
    end = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        at = end
        name = data[at + 4 : at + 8]
        end = at + FRAMING + int.from_bytes(data[at : at + 4])
        if name == b"IEND" and end <= len(data):
            stop = at
            break
        if len(name) < 4 or end > len(data):
            stop = at
            if name == b"IDAT":  # of which all but the checksum may be there
                began, tail = True, chunk(name, data[at + 8 : end - 4])
            break
        checksum = int.from_bytes(view[end - 4 : end])
        right = zlib.crc32(view[at + 4 : end - 4]) == checksum
        critical = name[0] & _CRITICAL == name[0]
        if critical and not right:  # Pillow does not look at those of pixels
            if name == b"IDAT" or not began:
                raise ImageRejected("broken PNG: a checksum is wrong")
            stop = at  # damage behind the pixels
            break
        began = began or name == b"IDAT"
        size = end - at - FRAMING
        palette = palette or size * (name == b"PLTE" and not began)
        counts = right and not began
        if counts and name == b"tRNS" and not clear and _is_clear(kind, size, palette):
            clear = data[at + 8 : end - 4]
            continue
        if critical:
            _check_single(name, single, began=began)
            continue
        if counts:
            _note(extra, name, view[at + 8 : end - 4], palette)
        # One slice for all between two chunks that are left out: IDATs are many.
        kept.append(data[since:at])
        since = end
    else:
        raise ImageRejected(f"a PNG of more than {MAX_CHUNKS} chunks")
    _check_chunks(kind, palette, began=began)
    if since or end != len(data):  # else no copy is made of a large file
        data = b"".join([*kept, data[since:stop], tail, chunk(b"IEND", b"")])
    profile = _colours(extra, grey=kind in (0, 4))
    return Png(data, extra.get(b"eXIf"), profile, clear)


def _colour_type(data: bytes) -> int:
    """Return the kind of picture that the first chunk says."""
    start = data[len(SIGNATURE) : _COLOUR_TYPE + 1]
    if start[4:8] == b"CgBI":
        raise ImageRejected(
            "a PNG that Xcode made for iPhones: take the one before that"
        )
    if start[4:8] != b"IHDR" or len(start) <= _COLOUR_TYPE - len(SIGNATURE):
        raise ImageRejected("broken PNG: it does not begin with its header")
    return start[-1]


def _check_single(name: bytes, left: dict[bytes, str], *, began: bool) -> None:
    """Refuse a second header or palette, which no browser takes for the first."""
    if name in _SINGLE and not began and not left.pop(name, None):
        raise ImageRejected(f"broken PNG: it has two {_SINGLE[name]}")


def _check_chunks(kind: int, palette: int, *, began: bool) -> None:
    if not began:
        raise ImageRejected("broken PNG: truncated, it has no pixels")
    if kind == _PALETTE and not palette:
        raise ImageRejected("broken PNG: it has no palette")


def _is_clear(kind: int, size: int, palette: int) -> bool:
    """Tell whether a tRNS chunk counts: else browsers leave it out."""
    if kind == _PALETTE:
        return 0 < size <= 256 and palette > 0
    return size == _CLEAR.get(kind)


def _note(
    extra: dict[bytes, bytes], name: bytes, body: memoryview, palette: int
) -> None:
    """Keep what the first chunk of a name says that is as it has to be."""
    late = palette and name == b"cICP"
    if name in _EXTRA and not late and _EXTRA[name].match(body):
        extra.setdefault(name, bytes(body))


def chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk, framed."""
    checksum = zlib.crc32(name + body).to_bytes(4)
    return len(body).to_bytes(4) + name + body + checksum


def _colours(extra: dict[bytes, bytes], *, grey: bool) -> bytes | None:
    """Return the profile that the chunks hold, or that they amount to."""
    embedded = _profile(extra.get(b"iCCP", b""))
    if extra.keys().isdisjoint(_COLOURS) and not icc.numbers(embedded):
        return embedded
    from handler.picture import colours  # for the few pictures that need it

    return colours.profile(extra, embedded, grey=grey)


def _profile(chunk: bytes) -> bytes | None:
    """Inflate a profile, as far as a profile may go; a broken one is none."""
    name, _, packed = chunk.partition(b"\0")
    if not 1 <= len(name) <= 80 or packed[:1] != b"\0":  # the one method there is
        return None
    inflate = zlib.decompressobj()
    try:
        profile = inflate.decompress(packed[1:], MAX_PROFILE)
    except zlib.error:
        return None
    return icc.readable(profile, any_space=True) if inflate.eof else None


def names_a_colour(image: ImageFile.ImageFile) -> bool:
    """Tell whether a PNG that was opened, but not loaded, is one of these."""
    deep = bool(image.tile) and image.tile[0].args == _RAWMODE
    return deep and "transparency" in image.info


def load(
    image: ImageFile.ImageFile, again: Callable[[], PngImagePlugin.PngImageFile]
) -> None:
    """Load the picture, and put in the alpha that its transparent colour means.

    ``again`` opens the same PNG once more, for the lower bytes; those are decoded
    first, so that the two large pictures never stand side by side.
    """
    colour: Colour = image.info.pop("transparency")
    lower = again()
    lower.tile = [lower.tile[0]._replace(args=_LOWER)]
    bands.load_whole(lower)
    matches = Image.new("L", image.size)
    for box in _bands(image.size):
        matches.paste(_equal(lower.crop(box), [value & 255 for value in colour]), box)
    del lower
    bands.load_whole(image)
    for box in _bands(image.size):
        same = _equal(image.crop(box), [value >> 8 for value in colour])
        same = ImageChops.darker(same, matches.crop(box))
        matches.paste(ImageChops.invert(same), box)
    image.putalpha(matches)


def _bands(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    across = min(size[0], _BAND_PIXELS)  # a row can have millions of pixels
    rows = _BAND_PIXELS // across
    for top, left in itertools.product(
        range(0, size[1], rows), range(0, size[0], across)
    ):
        yield left, top, min(left + across, size[0]), min(top + rows, size[1])


def _equal(band: Image.Image, colour: list[int]) -> Image.Image:
    """Return 255 where all three channels are the colour's, and 0 elsewhere."""
    table = [255 * (value == wanted) for wanted in colour for value in range(256)]
    red, green, blue = band.point(table).split()
    return ImageChops.darker(ImageChops.darker(red, green), blue)
