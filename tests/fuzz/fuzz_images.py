"""Coverage-guided fuzzing of the picture code, for a maintainer to run.

Atheris is no part of the product: install it elsewhere, with the product's Pillow,
isal and boto3, and run this from the top folder of the repository.

    python3.11 -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris Pillow isal boto3
    /tmp/fuzz/bin/python tests/fuzz/fuzz_images.py -max_total_time=600 /tmp/corpus

The corpus folder is made and filled with one small picture of every kind. A finding is
any exception but ``ImageRejected``, a wrong thumbnail, 10 seconds, or a crash; the
bytes that led to it are left in ``crash-…``: turn them into a test.
"""

import io
import sys
import warnings
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

# Only what is instrumented can guide the fuzzer.
with atheris.instrument_imports(include=["PIL", "handler"]):
    from PIL import Image

    from handler.errors import ImageRejected
    from handler.picture.render import thumbnail

from support import pictures  # noqa: E402 (found by the path just set)

MOST = 4 * 16 * 16 + 1000  # bytes of a PNG
BOX = 16  # the smaller, the more often the drafts and shortcuts for large pictures run


def check(data):
    """Make a thumbnail; raise if it is anything but right or rejected."""
    try:
        made = thumbnail(data, BOX, max_megapixels=1, seconds=5)
    except ImageRejected:
        return
    image = Image.open(io.BytesIO(made.data), formats=["JPEG", "PNG"])
    image.load()
    assert max(image.size) <= BOX and image.size == made.size
    assert image.mode in ("1", "L", "LA", "RGB", "RGBA", "P")
    assert image.format == "JPEG" or len(made.data) <= MOST
    assert not {"exif", "icc_profile", "comment"} & set(image.info)


def one_input(data):
    """Check the bytes; a mutated PNG would else fail by its checksums alone."""
    check(pictures.with_checksums(data))


def seeds():
    """Yield one small picture of every kind."""
    colours = pictures.chart((48, 32))
    for progressive in (False, True):
        for subsampling in (0, 1, 2):
            yield pictures.encoded(
                colours, progressive=progressive, subsampling=subsampling
            )
    # Large enough for 1/8, where scans are left out.
    large = pictures.chart((256, 192))
    for subsampling in (0, 2):
        yield pictures.encoded(large, progressive=True, subsampling=subsampling)
    for several in (False, True):
        yield pictures.encoded(large, progressive=several, restart_marker_blocks=5)
        whole = pictures.encoded(large, progressive=several)
        yield whole[: len(whole) // 2] + whole[-2:]  # cut, with an end all the same
        yield whole[:-2] + bytes(40) + whole[-2:]  # padded
    yield pictures.encoded(colours).replace(b"\xff\xc0", b"\xff\xc9")  # arithmetic
    yield pictures.encoded(colours, exif=pictures.exif_of(6))
    yield pictures.encoded(colours, icc_profile=pictures.swapped_profile())
    yield pictures.encoded(colours.convert("CMYK"))
    yield pictures.encoded(colours.convert("CMYK"), icc_profile=pictures.cmyk_profile())
    yield pictures.encoded(colours.convert("L"), progressive=True)
    yield pictures.encoded(colours, "MPO", save_all=True, append_images=[colours])
    for mode in ("1", "L", "LA", "RGB", "RGBA", "P", "I;16"):
        image = colours.convert("L" if mode == "I;16" else mode)
        image = image.convert(mode)
        yield pictures.encoded(image, "PNG")
        yield pictures.encoded(image, "PNG", exif=pictures.exif_of(8))
        # As small as their thumbnail, which may take their pixels as they are packed.
        yield pictures.encoded(image.crop((0, 0, BOX, BOX)), "PNG")
    for mode in ("L", "LA", "RGB", "RGBA"):
        yield pictures.interlaced(colours.convert(mode))
        yield pictures.interlaced(colours.convert(mode).crop((20, 9, 29, 20)))
    for few in (colours.quantize(8), colours.resize((BOX, BOX)).quantize(8)):
        yield pictures.encoded(few, "PNG", transparency=1)
    yield pictures.encoded(colours, "PNG", icc_profile=pictures.wide_profile())
    png = pictures.encoded(large, "PNG")
    yield png[:-12]
    for name, body in (
        (b"cICP", bytes([9, 16, 0, 1])),
        (b"cICP", bytes([12, 13, 0, 1])),
        (b"gAMA", (55556).to_bytes(4)),
    ):
        yield pictures.after_ihdr(png, pictures.chunk(name, body))
    yield pictures.encoded(large)[:-2]
    yield pictures.encoded(colours, "PNG", save_all=True, append_images=[large])
    yield pictures.deep_colours([(1, 2, 3), (256, 2, 3)], (1, 2, 3), side=16)


def main():
    """Fill the corpus, and go."""
    folders = [Path(word) for word in sys.argv[1:] if not word.startswith("-")]
    for folder in folders[:1]:
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds()):
            (folder / f"seed-{number:02}").write_bytes(seed)
    warnings.simplefilter("error")  # a warning is a finding too
    limits = ["-timeout=10", "-max_len=65536", "-rss_limit_mb=1024"]
    atheris.Setup([*sys.argv[:1], *limits, *sys.argv[1:]], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
