"""A photo of one's own: what its name and format keep it from, and the way out."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import PurePath

from PIL import Image, ImageOps

from workbook.errors.messages import WorkbookError

_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png"}
#: What stands at byte 4 of an iPhone's photos.
_HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1")


def advice(name: str, content: bytes, suffixes: Sequence[str]) -> str:
    """Say why nothing happens to a photo that is stored, and the call that helps.

    Nothing is said where the name is not the reason.
    """
    if name.endswith(tuple(suffixes)):
        return ""
    stored = (
        f"{name} is stored, and nothing more happens: only names that end in "
        f"{' or '.join(suffixes)}, in small letters, start the function."
    )
    try:
        new, changed = ready(name, content)
    except WorkbookError as error:
        return f"{stored} {error.todo}"
    how = "converted and " if changed is not content else ""
    call = f'`upload(cloud, settings, "{name}", rename=True)`'
    return f"{stored} {call} uploads it {how}as {new}."


def ready(name: str, content: bytes) -> tuple[str, bytes]:
    """Give a photo a name, and if need be a format, that starts the function.

    Raises:
        WorkbookError: it is no picture, or HEIC, which Pillow does not read.
    """
    if content[4:12] in _HEIC:
        raise _refused(name, "is HEIC", "HEIC: export it as JPEG, then upload that.")
    try:
        with Image.open(io.BytesIO(content)) as picture:
            kind = picture.format or ""
            if kind in _SUFFIXES:
                return _named(name, _SUFFIXES[kind]), content
            return _converted(name, picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        todo = "No picture was found in it: upload a JPEG or PNG."
        raise _refused(name, "cannot be read as a picture", todo) from error


def _converted(name: str, picture: Image.Image) -> tuple[str, bytes]:
    """Write a picture as PNG where it is see-through, else as JPEG, upright."""
    upright = ImageOps.exif_transpose(picture)
    clear = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
    kind, mode = ("PNG", "RGBA") if clear else ("JPEG", "RGB")
    out = io.BytesIO()
    upright.convert(mode).save(out, kind)
    return _named(name, _SUFFIXES[kind]), out.getvalue()


def _named(name: str, suffix: str) -> str:
    return f"{PurePath(name).stem}{suffix}"


def _refused(name: str, what: str, todo: str) -> WorkbookError:
    return WorkbookError(f"it {what}", where=name, todo=todo)
