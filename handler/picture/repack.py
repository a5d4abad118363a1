"""PNGs that we write ourselves: their rows filtered alike, or as the source packs them.

Pillow takes another filter for each row, and of those little repeats.
www.w3.org/TR/png-3/#9Filters
"""

import io
import itertools
import math
import struct
import sys
import zlib
from collections.abc import Iterable

from PIL import Image, ImageChops

from handler.picture import bands, decode, palette, pixels, png

_KINDS = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
_PARTS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")  # of a picture, in their order
_BLACK, _CLEAR = palette.value((0, 0, 0)), palette.value((0, 0, 0, 0))
_IHDR = 13  # bytes of that chunk that count
_HEADER = 2  # bytes of a zlib stream
_SIZE = slice(16, 24)  # where the first chunk has it
_END = (b"IEND", b"")


def alike(image: Image.Image) -> bytes:
    """Return an L, LA, RGB or RGBA picture as a PNG whose rows all have one filter.

    Of three the one that packs best: drawings as they are, gradients by what is beside
    or above.
    """
    beside, above = (ImageChops.offset(image, *by) for by in ((1, 0), (0, 1)))
    beside.paste(0, (0, 0, 1, image.height))
    above.paste(0, (0, 0, image.width, 1))
    filtered = [image]
    filtered += [ImageChops.subtract_modulo(image, other) for other in (beside, above)]
    channels = "".join(image.getbands())
    row = image.width * len(channels)
    packed = []
    for number, values in enumerate(each.tobytes() for each in filtered):
        starts = range(0, len(values), row)
        rows = (bytes([number]) + values[start : start + row] for start in starts)
        packed.append(zlib.compress(b"".join(rows), 9))
    header = struct.pack(">2I5B", *image.size, 8, _KINDS[channels], 0, 0, 0)
    return _file([(b"IHDR", header), (b"IDAT", min(packed, key=len))])


def bare(data: bytes, image: Image.Image) -> bytes | None:
    """Return a PNG without all that is not the picture, its pixels packed as they are.

    In its palette stands what the colours have become. None where it shows anything
    else, or may hold more than it shows: lower bytes, more rows, or several colours for
    what is clear.
    """
    if struct.pack(">2I", *image.size) != data[_SIZE]:
        return None
    data = png.walk(data).data
    own = decode.open_image(data, math.inf)
    if "16" in str(own.tile[0].args):
        return None
    chunks = _bodies(data)
    chunks[b"IHDR"] = chunks[b"IHDR"][:_IHDR]
    packed, size = chunks[b"IDAT"], bands.unpacked(own)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        rows = inflate.decompress(packed[_HEADER:], size + 1)
    except zlib.error:  # behind the rows
        return None
    if len(rows) != size or not inflate.eof:
        return None
    packed = packed[: len(packed) - len(inflate.unused_data)]
    chunks[b"IDAT"] = packed + zlib.adler32(rows).to_bytes(4)
    bands.load_whole(own)
    chunks.pop(b"PLTE", None)  # of colours that are none of its own, a suggestion
    colours = {}
    if own.mode == "P":
        colours = dict(zip(own.tobytes(), palette.values(image), strict=True))
        chunks |= _palette(colours)
    made = _file((name, chunks[name]) for name in _PARTS if chunks.get(name))
    return None if _hides(own, colours) or not _shows(made, image) else made


def _palette(colours: dict[int, int]) -> dict[bytes, bytes]:
    """Return the chunks that give each number its colour, and black to all others."""
    each = [
        colours.get(number, _BLACK).to_bytes(4, sys.byteorder)
        for number in range(max(colours) + 1)
    ]
    alphas = bytes(colour[3] for colour in each).rstrip(b"\xff")
    return {b"PLTE": b"".join(colour[:3] for colour in each), b"tRNS": alphas}


def _hides(own: Image.Image, colours: dict[int, int]) -> bool:
    """Tell whether there are several numbers, or colours, for what is clear."""
    if own.mode in ("LA", "RGBA"):
        own = own.convert("RGBA")
        seen = own.getchannel("A").point([0] + [255] * 255)
        own.paste((0, 0, 0, 255), mask=seen)
        return own.getcolors(2) is None
    return list(colours.values()).count(_CLEAR) > 1


def _shows(made: bytes, image: Image.Image) -> bool:
    """Tell whether it is, in Pillow too, which misreads some shades that are clear."""
    with Image.open(io.BytesIO(made), formats=["PNG"]) as shown:
        again = pixels.shrink(shown, (0, 0, *image.size), image.size)
    return again.convert(image.mode).tobytes() == image.tobytes()


def _file(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    return png.SIGNATURE + b"".join(itertools.starmap(png.chunk, (*chunks, _END)))


def _bodies(data: bytes) -> dict[bytes, bytes]:
    """Return what the chunks before the end hold, by their names."""
    bodies: dict[bytes, list[bytes]] = {}
    at = len(png.SIGNATURE)
    while (name := data[at + 4 : at + 8]) != b"IEND":
        end = at + png.FRAMING + int.from_bytes(data[at : at + 4])
        bodies.setdefault(name, []).append(data[at + 8 : end - 4])
        at = end
    return {name: b"".join(parts) for name, parts in bodies.items()}
