"""A PNG's pixels unpacked, as many bytes at a time as are asked for.

By Intel's ISA-L (the package ``isal``, beside Pillow in the layer) in about 40 % of the
time that zlib takes, and by zlib where there is no wheel of it.
"""

import functools
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from handler.picture import kinds

PART = 65535  # bytes, the most that ``Unpacked.read`` yields at once

_PIECE = 65536  # of what is packed: the rest of it is copied each time
_HEADER = 2
_BROKEN = "broken data stream when reading image file"


class Unpacked:
    """What is in the IDAT chunks that follow one another in a file.

    Nothing is held but a piece of the file and what was asked for, so that a bomb is
    never unpacked further than a picture of its size goes. Checksums are not looked
    at: the chunks' own were, and browsers leave out the stream's.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._pieces = _pieces(file)
        header = b""
        while len(header) < _HEADER and (piece := next(self._pieces, b"")):
            header += piece
        _check_header(header[:_HEADER])
        self._waiting = header[_HEADER:]
        self._isal = _isal()
        self._inflate = _decompressor(self._isal)

    def read(self, size: int) -> Iterator[bytes]:
        """Yield the next bytes in parts; raise ``OSError`` where there are fewer."""
        while size:
            part = self._part(min(size, PART))
            size -= len(part)
            yield part

    def _part(self, most: int) -> bytes:
        part = b""
        while not part:
            if self._inflate.eof:
                raise OSError("image file is truncated")
            piece = b""
            if starving := self._inflate.needs_input:
                piece, self._waiting = self._waiting, b""
                piece = piece or next(self._pieces, b"")
            try:
                part = self._inflate.decompress(piece, most)
            except self._broken as error:
                raise OSError(_BROKEN) from error
            if starving and not piece and not part:
                raise OSError("image file is truncated")
        return part

    @property
    def _broken(self) -> type[Exception]:
        broken: type[Exception] = self._isal.IsalError if self._isal else zlib.error
        return broken


class _Zlib:
    """zlib's decompressor with the methods of ISA-L's."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    def decompress(self, data: bytes, most: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail or data, most)


@functools.cache
def _isal() -> Any:
    """Import ISA-L with the first PNG; None where the layer has none."""
    try:
        from isal import igzip_lib
    except ImportError:
        return None
    return igzip_lib


def _decompressor(isal: Any) -> Any:
    """Return one for a stream without header and checksum."""
    return isal.IgzipDecompressor(isal.DECOMP_DEFLATE) if isal else _Zlib()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    file.seek(len(kinds.PNG))
    began = False
    while len(head := file.read(8)) == 8:
        left = int.from_bytes(head[:4])
        if head[4:] == b"IDAT":
            began = True
            while left > 0 and (piece := file.read(min(left, _PIECE))):
                left -= len(piece)
                yield piece
        elif began:
            return
        file.seek(left + 4, 1)


def _check_header(header: bytes) -> None:
    """Check what zlib would: deflate, a window of at most 32 KB, no dictionary.

    www.rfc-editor.org/rfc/rfc1950#section-2.2
    """
    good = len(header) == _HEADER and header[0] & 15 == 8 and header[0] >> 4 <= 7
    if not good or int.from_bytes(header) % 31 or header[1] & 32:
        raise OSError(_BROKEN)
