"""Pictures for the tests, all built in code: charts, photos, bombs and broken files."""

import io
import math
import random
import struct
import zlib
from functools import cache, lru_cache
from unittest import mock

from PIL import Image, ImageCms, ImageDraw, ImageFile

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
SECRET = b"SECRET-52.5200N-13.4050E"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
IHDR_END = 33


def encoded(image, kind="JPEG", **options):
    """Return the picture's bytes, with Pillow's buffer large enough for noise in 4:4:4.

    https://github.com/python-pillow/Pillow/issues/148
    """
    file = io.BytesIO()
    with mock.patch.object(ImageFile, "MAXBLOCK", 8 * 1024**2):
        image.save(file, kind, **options)
    return file.getvalue()


def decoded(data):
    """Return the picture; with its colours, where they stood in a palette."""
    image = Image.open(io.BytesIO(data))
    image.load()
    if image.mode == "P":
        kind = image.format
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        image.format = kind
    return image


def chart(size=(400, 200)):
    """Draw red, green, blue and white quarters, from the top left, row by row."""
    image = Image.new("RGB", size, WHITE)
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), RED)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height), BLUE)
    return image


def noise(size):
    """Draw grey noise, the same each time."""
    return Image.frombytes("L", size, random.Random(1).randbytes(size[0] * size[1]))


def photo(size=(640, 480)):
    """Draw noise around grey: detail in every block, and no two rows alike."""
    return _photo(size).copy()


def landscape(size):
    """Draw colours that run into each other, with grain, as in a photo."""
    return _landscape(size).copy()


@lru_cache(8)
def _photo(size):
    return Image.blend(Image.new("L", size, 128), noise(size), 0.6).convert("RGB")


@lru_cache(8)
def _landscape(size):
    grey = noise((size[0] // 8 + 1, size[1] // 8 + 1)).resize(size)
    falling = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (grey, falling, Image.blend(grey, falling, 0.5)))


@cache
def large():
    """Write a progressive JPEG, of which a thumbnail is decoded at an eighth."""
    return encoded(landscape((2400, 1800)), progressive=True)


@cache
def zeros():
    """Pack 60 MB of zeros: a bomb of 60 kB."""
    return zlib.compress(bytes(60_000_000))


def near(pixel, expected, by=12):
    pairs = zip(pixel, expected, strict=True)
    return all(abs(a - b) <= by for a, b in pairs)


def corners(image):
    across, down = image.width // 4, image.height // 4
    places = [(x, y) for y in (down, 3 * down) for x in (across, 3 * across)]
    return [image.getpixel(place) for place in places]


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def tiff(kind=3, count=1, value=b"\x06\0\0\0"):
    """Return EXIF of one tag, the orientation, with a type, count and value."""
    entry = struct.pack("<HHI", 0x0112, kind, count) + value
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)


def swapped_profile():
    """Return an sRGB profile whose red and blue primaries have changed places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return (
        profile.replace(b"rXYZ", b"tmp!")
        .replace(b"bXYZ", b"rXYZ")
        .replace(b"tmp!", b"bXYZ")
    )


def wide_profile():
    """Return a profile with the primaries of Display P3, on sRGB's curve."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    tags = {profile[at : at + 4]: at for at in range(132, 132 + 12 * profile[131], 12)}
    changed = bytearray(profile)
    for name, values in primaries.items():
        at = int.from_bytes(profile[tags[name] + 4 : tags[name] + 8])
        fixed = struct.pack(">3i", *(round(value * 65536) for value in values))
        changed[at + 8 : at + 20] = fixed
    return bytes(changed)


def cmyk_profile():
    """Return a profile whose cyan ink prints as magenta, and magenta as cyan.

    ICC.1, "lut8Type": 4 inks, 2 places a side, and L*a*b* of 8 bits for each corner.
    """
    grid = b""
    for corner in range(16):
        cyan, magenta, yellow, black = (corner >> (3 - bit) & 1 for bit in range(4))
        red, green, blue = ((1 - ink) * (1 - black) for ink in (magenta, cyan, yellow))
        grid += bytes(_lab(red, green, blue))
    curve = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    lut += struct.pack(">9i", *(65536 * one for one in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    lut += curve * 4 + grid + curve * 3
    lut += bytes(-len(lut) % 4)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    words = b"text" + bytes(4) + b"swap\0\0\0\0"
    tags = [(b"A2B0", lut), (b"wtpt", white), (b"desc", words), (b"cprt", words)]
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags:
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content
    head = bytes(4) + bytes(4) + b"\x02\x40\0\0prtrCMYKLab " + bytes(12) + b"acsp"
    head += bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    profile = head + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(profile)) + profile[4:]


def _lab(red, green, blue):
    """Return L*a*b* in 8 bits of one of the eight corners of the RGB cube."""
    return {
        (1, 1, 1): (255, 128, 128),
        (1, 0, 0): (138, 209, 198),
        (0, 1, 0): (224, 49, 209),
        (0, 0, 1): (75, 196, 16),
        (1, 1, 0): (249, 112, 221),
        (1, 0, 1): (154, 222, 67),
        (0, 1, 1): (231, 77, 113),
        (0, 0, 0): (0, 128, 128),
    }[red, green, blue]


def without_adobe(data):
    """Take the Adobe marker out of a JPEG."""
    at = data.index(b"\xff\xee")
    length = int.from_bytes(data[at + 2 : at + 4])
    return data[:at] + data[at + 2 + length :]


def segment(marker, body):
    return bytes([255, marker]) + struct.pack(">H", len(body) + 2) + body


def after_soi(data, *segments):
    return data[:2] + b"".join(segments) + data[2:]


def chunk(name, body):
    checksum = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)


def after_ihdr(data, *chunks):
    return data[:IHDR_END] + b"".join(chunks) + data[IHDR_END:]


def raw_png(size, depth, colour, rows, *, interlaced=False, extra=b""):
    """Write a PNG of any kind from its filtered rows, which Pillow cannot."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced)
    pixels = chunk(b"IDAT", zlib.compress(rows, 1))
    return SIGNATURE + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")


# Where each of the seven passes of an interlaced PNG begins, and its steps: x, y.
_PASSES = [
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
]


def interlaced(image):
    """Write an interlaced PNG of an L, LA, RGB or RGBA picture."""
    colour = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}[image.mode]
    data, channels = image.tobytes(), len(image.getbands())
    places = range(0, len(data), channels)
    pixels = [data[place : place + channels] for place in places]
    rows = []
    for left, top, across, down in _PASSES:
        for y in range(top, image.height, down):
            line = pixels[y * image.width : (y + 1) * image.width][left::across]
            rows += [b"\0", *line] if line else []
    return raw_png(image.size, 8, colour, b"".join(rows), interlaced=True)


def plain_interlaced(size, mode):
    """Write an interlaced PNG of zeros, RGB or RGBA, of which no pixel is ever held."""
    rows = b""
    for left, top, across, down in _PASSES:
        width, height = -(-(size[0] - left) // across), -(-(size[1] - top) // down)
        rows += bytes((1 + len(mode) * width) * height)
    return raw_png(size, 8, {"RGB": 2, "RGBA": 6}[mode], rows, interlaced=True)


# Of each block "as bright as the block before, no detail": the six bits 001010, and
# 0000 of a colour's. Four blocks of grey; four of grey and two of colours.
_FLAT = {"L": b"\x28\xa2\x8a", "RGB": b"\x28\xa2\x8a\0"}


def flat_jpeg(size, mode="L"):
    """Write a grey baseline JPEG of any size, of which no pixel is ever held.

    In mode RGB it has colours (4:2:0), all of them grey.
    """
    side = {"L": 8, "RGB": 16}[mode]
    dot = Image.new("L", (side, side), 128).convert(mode)
    data = encoded(dot, subsampling="4:2:0")
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    pixels = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4])
    blocks = math.prod(-(-length // side) for length in size)
    coded = _FLAT[mode] * (blocks if mode == "RGB" else blocks // 4 + 1)
    header = data[: frame + 5] + struct.pack(">HH", size[1], size[0])
    return header + data[frame + 9 : pixels] + coded + b"\xff\xd9"


def png_bomb(width, height):
    return raw_png((width, height), 8, 2, b"")


def deep_colours(pixels, clear, side=100):
    """Write a 16-bit RGB PNG of squares side by side; one colour is transparent."""
    line = b"".join(struct.pack(">3H", *pixel) * side for pixel in pixels)
    extra = chunk(b"tRNS", struct.pack(">3H", *clear))
    size = (side * len(pixels), side)
    return raw_png(size, 16, 2, (b"\0" + line) * side, extra=extra)


def with_checksums(data):
    """Set a PNG's checksums right, so that damage gets past them."""
    fixed, at = bytearray(data), len(SIGNATURE)
    while data.startswith(SIGNATURE) and at + 12 <= len(fixed):
        end = at + 8 + int.from_bytes(fixed[at : at + 4])
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = zlib.crc32(fixed[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(fixed)


def scan_bomb(count, image=None):
    """Repeat a scan of a progressive JPEG so many times; the pixels stay the same."""
    data = encoded(image or chart(), progressive=True)
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    third = data.index(b"\xff\xc4", second)  # its tables; the last scans only refine
    return data[:second] + data[second:third] * count + data[third:]
