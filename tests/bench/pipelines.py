"""The ways to a thumbnail that are compared: bytes and a quality in, bytes out.

The Pillow ways are those of the tutorials that people find first, each with the same
box, quality and filter as ours, so that only the way differs.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

BOX = 256
LANCZOS = 1  # PIL.Image.Resampling; where pyvips runs there is no Pillow

Pipeline = Callable[[bytes, int], bytes]


def find(name: str) -> tuple[Pipeline, Callable[[], str]]:
    """Return the pipeline of that name, imported, and what tells its version."""
    if name == "ours":
        from handler import make_thumbnail

        # Counting its instructions takes longer than the function would have.
        return lambda data, q: make_thumbnail(data, quality=q, seconds=600), _pillow
    if name == "pyvips":
        return _pyvips(), _vips
    if name in STEPS:
        return STEPS[name], _pillow
    return _with_pillow(WAYS[name]), _pillow


def _with_pillow(shrink: Callable[[Any], Any]) -> Pipeline:
    from PIL import Image

    def thumbnail(data: bytes, quality: int) -> bytes:
        image = Image.open(io.BytesIO(data))
        options = {"quality": quality} if image.format == "JPEG" else {}
        file = io.BytesIO()
        shrink(image).save(file, image.format, **options)
        return file.getvalue()

    return thumbnail


def full(image: Any) -> Any:
    """Decode all, convert, LANCZOS in one step: most tutorials."""
    pixels = image.convert("RGB") if image.format == "JPEG" else image
    scale = min(1.0, BOX / max(image.size))
    size = tuple(max(1, round(side * scale)) for side in image.size)
    return pixels.resize(size, LANCZOS)


def convert(image: Any) -> Any:
    """`convert` first, which loses the decoder's own scaling, then `thumbnail`."""
    return plain(image.convert("RGBA" if image.format == "PNG" else "RGB"))


def transpose(image: Any) -> Any:
    """`exif_transpose` first, which loads and copies, then `thumbnail`."""
    from PIL import ImageOps

    return plain(ImageOps.exif_transpose(image))


def plain(image: Any) -> Any:
    """`thumbnail` on the opened file, which decodes a JPEG scaled down."""
    image.thumbnail((BOX, BOX), LANCZOS)
    return image


WAYS = {"full": full, "convert": convert, "transpose": transpose, "plain": plain}


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


STEPS: dict[str, Pipeline] = {"decode": decode, "inflate": inflate}


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
