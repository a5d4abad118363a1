"""How large a picture may be: the function's memory, and what each picture takes of it.

Of the default 512 MB, in MiB, measured as peak RSS by its test:

     80   Python, boto3 with a client, Pillow: what the runtime needs anyway
    100   four sources of MAX_BYTES (25) that were read and wait for their turn
     25   a copy of the one whose turn it is, without what its thumbnail does not need
     47   reserve: S3's streams, the allocator, what libraries keep
    ---
    260   for the one picture that is being decoded

A PNG of 8 bits a channel is decoded in bands, and takes a few MiB whatever its size.
Others Pillow keeps whole, in 4 bytes a pixel of RGB and RGBA, and the smaller pictures
that come after take 10 MiB: room for 65 megapixels, and for 52 of the most costly kind
(16 bits with a transparent colour, 5 bytes). Three rows of a PNG count, too, as they
stand in the file. A baseline JPEG takes next to nothing, up to MAX_MEGAPIXELS, since it
is decoded at the scale of its thumbnail. One of several scans (progressive) is kept as
coefficients of 2 bytes until the last scan is in: 3 bytes a pixel for 4:2:0 and so 86
megapixels, 6 for 4:4:4 and so 43, 8 for CMYK and so 32.
"""

from collections.abc import Sequence

from handler.picture import Size

Final = tuple[Size, float]  # what a picture is brought to, and its gap

MIB = 2**20
DEFAULT_MB = 512

# The header of a picture is believed up to here. What it really takes, in memory and
# time, is what is bounded: of a phone's 200 megapixels next to nothing is held.
MAX_MEGAPIXELS = 250
RECIPE_MEGAPIXELS = 50  # of any kind, that a recipe has to leave room for

_RUNTIME = 80 * MIB
_RESERVE = 47 * MIB
_LEAST = 16 * MIB  # so that the smallest function still has thumbnails of something

# Bytes for each pixel, by Pillow's mode; whatever is not here takes four.
_DEPTH = {"1": 1, "L": 1, "P": 1, "I;16": 2}
_POINTER = 8


def sources_held(memory_mb: int, *, recipe: bool = False) -> int:
    """Return how many sources are held at once: fewer where there is less room.

    With a recipe only one: 16 MB of renditions may stand beside it.
    """
    return 1 if recipe or memory_mb < DEFAULT_MB else 4


def for_pixels(memory_mb: int, max_bytes: int) -> int:
    """Return how many bytes of the function's memory one decoded picture may take."""
    sources = (sources_held(memory_mb) + 1) * max_bytes
    return max(_LEAST, memory_mb * MIB - _RUNTIME - sources - _RESERVE)


DEFAULT = for_pixels(DEFAULT_MB, 25 * MIB)


def of_pixels(size: Size, mode: str) -> int:
    """Return the bytes that Pillow keeps a decoded picture in.

    Each row has a pointer: of a picture of 1 × 50,000,000 pixels those are the most.
    """
    return size[0] * size[1] * _DEPTH.get(mode, 4) + _POINTER * size[1]


def of_rows(row: int) -> int:
    """Return the bytes of the rows that Pillow's PNG decoder works on.

    This one, the one above, and one that is not used. Most rows are short, but a
    picture of 50,000,000 × 1 pixels is all row.
    """
    return 3 * row


def of_coefficients(size: Size, factors: Sequence[tuple[int, int]]) -> int:
    """Return the bytes that libjpeg keeps a JPEG of several scans in.

    ``factors`` are the channels' sampling factors, (across, down).
    """
    across, down = (max(1, *(pair[axis] for pair in factors), 1) for axis in (0, 1))
    samples = sum(pair[0] * pair[1] for pair in factors)
    return 2 * size[0] * size[1] * samples // (across * down)


def of_resizing(decoded: Size, finals: Sequence[Final]) -> int:
    """Return the bytes of the pictures between the decoded one and the final ones."""
    return max(_of_resizing(decoded, final, gap) for final, gap in finals)


def _of_resizing(decoded: Size, final: Size, gap: float) -> int:
    pixels = final[0] * final[1]
    # Averaging leaves at most twice the gap, across and down; with a gap of 3 that is
    # 6 × 6 times the final picture. Then come three of its size.
    averaged = min(decoded[0] * decoded[1], (2 * gap) ** 2 * pixels)
    return 4 * int(averaged + 3 * pixels)
