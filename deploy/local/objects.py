"""An object's body and metadata are written as one, or the write is refused.

Plain MiniStack puts the two files in place one after the other, and where the disk
refuses them it says so to its log alone. Runs in MiniStack's environment, beside
`wrapper.py`: see there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pairs  # beside this file, as the next
import saving
from ministack.services import s3
from places import around, instead_of

UNDER_WAY = saving.FOLDER / "writes"

_SIDE = ".meta.json"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
_EARLIER = Path(s3.DATA_DIR).resolve() / s3._VERSIONS_DIR


class _Staged(threading.local):
    """What the present thread's write has done so far."""

    body = ""
    before: tuple[str, str, Any, Any] | None = None


_staged = _Staged()


@instead_of(s3, "_atomic_write")
def write(path: str, data: Any, *, text: bool = False) -> None:
    """Write a file of an object's: a body waits for its metadata, then both go.

    Raises:
        OSError: the disk took nothing, and the call will be refused.
    """
    try:
        _write_beside(path, data.encode() if text else data)
        if _is_body(path):
            _staged.body = path
        elif _staged.body and path == _staged.body + _SIDE:
            _staged.body = ""
            pairs.put(Path(path.removesuffix(_SIDE)), Path(path), UNDER_WAY)
        else:
            Path(path + ".tmp").replace(path)
    except OSError as error:
        _staged.body = ""
        saving.refuse(error)
        raise


def _is_body(path: str) -> bool:
    return not path.endswith(_SIDE) and _EARLIER not in Path(path).parents


def _write_beside(path: str, content: bytes) -> None:
    beside = Path(path + ".tmp")
    try:
        with os.fdopen(os.open(beside, _NEW, 0o600), "wb") as file:
            file.write(content)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


@around(s3, "_record_object_version")
def record_version(kept: Callable, bucket: str, key: str, prior: Any, *new: Any) -> Any:
    """Remember what the key was before: the disk may not take what comes."""
    versions = s3._object_versions.get((bucket, key))
    _staged.before = (bucket, key, prior, versions and list(versions))
    return kept(bucket, key, prior, *new)


@around(s3, "_persist_object")
def persist(kept: Callable, bucket: str, key: str, record: Any) -> None:
    """Write an object; where the disk refuses, the key stays what it was."""
    kept(bucket, key, record)
    before, _staged.before = _staged.before, None
    if not saving.is_refused() or before is None or before[:2] != (bucket, key):
        return
    _, _, prior, versions = before
    if versions:
        versions[-1]["is_latest"] = True
    for store, place, value in (
        (s3._buckets[bucket]["objects"], key, prior),
        (s3._object_versions, (bucket, key), versions),
    ):
        if value is None:
            store.pop(place, None)
        else:
            store[place] = value
