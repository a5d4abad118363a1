"""Zips that are the same bytes on every machine, and those that Lambda hands out."""

from __future__ import annotations

import io
import time
import urllib.request
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from deploy.home import in_utf8

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold


def zipped(files: Mapping[str, bytes], *, mode: int, deflate: bool = False) -> bytes:
    """Zip files by their path inside; stored, since zlib's output differs by version.

    Args:
        files: path inside the zip → content.
        mode: the permissions of all of them, as in 0o644.
        deflate: compress, where size matters more.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(in_utf8(name), _EPOCH)
            entry.create_system = 3  # Unix, whatever this machine is
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if deflate else 0
            archive.writestr(entry, files[name], compresslevel=9 if deflate else None)
    return buffer.getvalue()


def is_whole(path: Path) -> bool:
    """Say whether there is a zip, and what it holds is as it was written."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False


def fetch_zip(location: str, seconds: float = 5) -> zipfile.ZipFile | None:
    """Fetch a zip that Lambda shows the place of; None where it does not answer."""
    if urlsplit(location).scheme not in ("http", "https"):
        return None
    here = urlsplit(location).hostname in ("127.0.0.1", "localhost")
    handlers = [urllib.request.ProxyHandler({})] if here else []
    deadline = time.monotonic() + seconds
    try:
        opener = urllib.request.build_opener(*handlers)
        with opener.open(location, timeout=seconds) as answer:
            data = bytearray()
            while part := answer.read(1 << 20):
                data += part
                if time.monotonic() > deadline:
                    return None
        return zipfile.ZipFile(io.BytesIO(bytes(data)))
    except (OSError, zipfile.BadZipFile):
        return None
