"""The ways to a thumbnail that are compared: bytes and a quality in, bytes out.

The Pillow ways are those of the tutorials that people find first, each with the same
box, quality and filter as ours, so that only the way differs.
"""

from __future__ import annotations

import io
from collections.abc import Callable

BOX = 256

Pipeline = Callable[[bytes, int], bytes]


def find(name: str) -> tuple[Pipeline, Callable[[], str]]:
    """Return the pipeline of that name, imported, and what tells its version."""
    if name == "ours":
        from handler import make_thumbnail

        # Counting its instructions takes longer than the function would have.
        options = {"seconds": 600}
        return lambda data, q: make_thumbnail(data, quality=q, **options), _pillow
    if name == "pyvips":
        return _pyvips(), _vips
    return SIMPLE[name], _pillow


def full(data: bytes, quality: int) -> bytes:
    """Decode all, convert, LANCZOS in one step: most tutorials."""
    from PIL import Image

    image = Image.open(io.BytesIO(data))
    if image.format == "JPEG":
        kind, pixels = "JPEG", image.convert("RGB")
    else:
        kind, pixels = image.format, image
    scale = min(1.0, BOX / max(image.size))
    size = tuple(max(1, round(side * scale)) for side in image.size)
    return _saved(pixels.resize(size, Image.Resampling.LANCZOS), kind, quality)


def convert(data: bytes, quality: int) -> bytes:
    """`convert` first, which loses the decoder's own scaling, then `thumbnail`."""
    from PIL import Image

    image = Image.open(io.BytesIO(data))
    pixels = image.convert("RGBA" if image.format == "PNG" else "RGB")
    pixels.thumbnail((BOX, BOX), Image.Resampling.LANCZOS)
    return _saved(pixels, image.format, quality)


def transpose(data: bytes, quality: int) -> bytes:
    """`exif_transpose` first, which loads and copies, then `thumbnail`."""
    from PIL import Image, ImageOps

    image = Image.open(io.BytesIO(data))
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((BOX, BOX), Image.Resampling.LANCZOS)
    return _saved(upright, image.format, quality)


def plain(data: bytes, quality: int) -> bytes:
    """`thumbnail` on the opened file, which decodes a JPEG scaled down."""
    from PIL import Image

    image = Image.open(io.BytesIO(data))
    kind = image.format
    image.thumbnail((BOX, BOX), Image.Resampling.LANCZOS)
    return _saved(image, kind, quality)


def decode(data: bytes, quality: int) -> bytes:
    """Only what Pillow's decoder takes, a JPEG at the scale that the handler asks for.

    It decodes every scan of a progressive JPEG.
    """
    from PIL import Image

    image = Image.open(io.BytesIO(data))
    scale = 1.5 * BOX / max(image.size)
    image.draft(None, (int(image.width * scale), int(image.height * scale)))
    image.load()
    return b""


def inflate(data: bytes, quality: int) -> bytes:
    """Only what the handler takes to unpack a PNG's pixels: by ISA-L, else by zlib."""
    from handler.picture import bands
    from handler.picture.decode import open_image
    from handler.picture.inflate import Unpacked

    image = open_image(data, 60)
    for _ in Unpacked(image.fp).read(bands.line(image) * image.height):
        pass
    return b""


SIMPLE = {
    "full": full,
    "convert": convert,
    "transpose": transpose,
    "plain": plain,
    "decode": decode,
    "inflate": inflate,
}


def _saved(image, kind: str | None, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return file.getvalue()


def _pyvips() -> Pipeline:
    import pyvips

    pyvips.cache_set_max(0)  # the same picture again must be decoded again

    def thumbnail(data: bytes, quality: int) -> bytes:
        # Turns upright by itself, and shrinks while loading.
        small = pyvips.Image.thumbnail_buffer(data, BOX, height=BOX, size="down")
        if data.startswith(b"\x89PNG"):
            return small.write_to_buffer(".png", keep="none")
        return small.write_to_buffer(".jpg", Q=quality, keep="none")

    return thumbnail


def _pillow() -> str:
    from PIL import __version__, features

    jpeg = features.version_feature("libjpeg_turbo")
    zlib = features.version_codec("zlib")
    return f"Pillow {__version__}, libjpeg-turbo {jpeg}, zlib {zlib}"


def _vips() -> str:
    import pyvips

    numbers = ".".join(str(pyvips.version(part)) for part in range(3))
    return f"pyvips {pyvips.__version__}, libvips {numbers}"
