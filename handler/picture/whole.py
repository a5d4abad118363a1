"""Decode a JPEG, and see that all of it was there.

Where coded data ends too early, libjpeg paints the rest grey and only warns, and Pillow
hides the warning. So the data of each scan is handed over without the marker behind
it, which would tell the decoder to stop waiting: what it then still waits for is
missing.

It reads up to 8 bytes ahead of what it decodes, so as many are put where the marker
was. They pass for a block or two, which are not missed at a scan's end. These cannot be
told either, and are let through rather than a good photo refused:

- too much data, since cameras pad theirs, and damage that leaves the amount as it was;
- a progressive JPEG cut between two scans, since a file may leave out the finest, cut
  at a restart marker, or in a scan that ``progressive`` leaves out;
- arithmetic coding, which no browser shows: its decoder cannot wait.
"""

import itertools
from typing import Any

from PIL import Image, ImageFile, JpegImagePlugin

from handler.errors import ImageRejected
from handler.picture.jpeg import START_OF_SCAN, Segment

_AHEAD = b"\xff\0" * 8  # eight bytes of ones, as coded: the least likely to be data
_HUFFMAN = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive


def load(
    image: JpegImagePlugin.JpegImageFile, segments: list[Segment], *, several: bool
) -> None:
    """Load a JPEG that was opened; ``several`` scans are gathered before any pixel.

    Raises ``ImageRejected`` if data is missing, and ``OSError`` if it is broken.
    """
    if _HUFFMAN.isdisjoint(part.marker for part in segments):
        image.load()
        return
    decoder = _Decoder(image)
    try:
        for scan, following in itertools.pairwise(segments):
            if scan.marker == START_OF_SCAN and not decoder.done:
                decoder.read(following.start)
                decoder.take(_AHEAD)
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
    """Pillow's decoder, fed by hand: ``Image.load`` does not tell what was taken."""

    def __init__(self, image: Any) -> None:
        (tile,) = image.tile
        image.load_prepare()
        self.source = image.fp
        self.source.seek(tile.offset)
        self.rest = b""
        self.done = False
        self.decoder: Any = Image._getdecoder(
            image.mode, tile.codec_name, tile.args, image.decoderconfig
        )
        self.decoder.setimage(image.im, tile.extents)

    def read(self, end: int) -> None:
        """Hand over the file up to there."""
        while not self.done and (left := end - self.source.tell()) > 0:
            self.take(self.source.read(min(left, ImageFile.MAXBLOCK)))

    def take(self, data: bytes) -> None:
        """Hand over more bytes; what the decoder has no use for yet is kept."""
        if self.done:
            return
        data = self.rest + data
        taken, error = self.decoder.decode(data)
        if error < 0:
            raise OSError("broken data stream")
        self.done = taken < 0
        self.rest = data[taken:]

    def skips(self) -> bool:
        """Tell whether the scan is at its end: then anything but a marker is skipped.

        Within a scan one byte is never enough: it waits until it has 8 together.
        """
        self.take(b"\0")
        return self.done or not self.rest

    def close(self) -> None:
        """Let go of libjpeg's memory."""
        self.decoder.cleanup()
