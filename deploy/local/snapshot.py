"""The local cloud's state on disk: one file, replaced whole, never half.

MiniStack saves only at an orderly stop, a file a service. Here every service's state
goes into one file that is written beside the old one and then takes its place, so
that whatever kills the process, the next start finds one consistent moment. Large
bytes (function code, layers) are stored once each, by their hash. Runs inside the
local cloud's own environment: nothing here may import the rest of `deploy`.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)

#: Bytes longer than this go into a file of their own.
BLOB_BYTES = 4096

Decoder = Callable[[dict], Any]


class Snapshot:
    """Saves and loads the state of every service as one consistent moment.

    Args:
        folder: where `state.json` and `blobs/` live.
        version: written into the file; another version's state is not loaded.
        encode: turns what json does not know into what it knows.
        decode: the opposite, as a json object hook.
    """

    def __init__(
        self, folder: Path, version: str, encode: Callable, decode: Decoder
    ) -> None:
        self.path = folder / "state.json"
        self.blobs = folder / "blobs"
        self.version = version
        self._encode, self._decode = encode, decode
        self._digest = ""
        self._names: dict[int, tuple[bytes, str]] = {}

    def save(self, services: Mapping[str, Callable[[], dict | None]]) -> None:
        """Write the state of all services, if it changed."""
        used: set[str] = set()
        text = _retried(lambda: self._dump(services, used))
        digest = _digest(text.encode())
        if digest != self._digest:
            _replace(self.path, f"{text}\n{digest}".encode())
            self._digest = digest
            self._forget_all_but(used)

    def load(self) -> dict[str, dict]:
        """Read the state of all services; empty where there is none.

        Raises:
            ValueError: the file is damaged or another version's.
        """
        if not self.path.exists():
            return {}
        try:
            text, _, digest = self.path.read_text("utf-8").partition("\n")
            saved = json.loads(text, object_hook=self._unpack)
        except (OSError, KeyError, TypeError, RecursionError, ValueError) as error:
            raise ValueError(f"{self.path.name} cannot be read: {error}") from error
        if not isinstance(saved, dict) or "services" not in saved:
            raise ValueError(f"{self.path.name} is no state")
        if (was := saved.get("version")) != self.version:
            raise ValueError(f"{was} wrote it, and this checkout has {self.version}")
        if digest != _digest(text.encode()):
            raise ValueError(f"{self.path.name} is not as it was written")
        return saved["services"]

    def _dump(self, services: Mapping[str, Callable], used: set[str]) -> str:
        used.clear()

        def pack(value: Any) -> Any:
            if isinstance(value, bytes) and len(value) > BLOB_BYTES:
                used.add(name := self._keep(value))
                return {"__blob__": name}
            return self._encode(value)

        states = {name: state() for name, state in services.items()}
        kept = {name: state for name, state in states.items() if state is not None}
        return json.dumps({"version": self.version, "services": kept}, default=pack)

    def _unpack(self, value: dict) -> Any:
        if "__blob__" in value:
            data = (self.blobs / value["__blob__"]).read_bytes()
            if _digest(data) != value["__blob__"]:
                raise ValueError(f"blob {value['__blob__']} is damaged")
            return data
        return self._decode(value)

    def _keep(self, data: bytes) -> str:
        name = self._name(data)
        if not (self.blobs / name).exists():
            self.blobs.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(self.blobs / name, data)
        return name

    def _name(self, data: bytes) -> str:
        """The bytes' digest, worked out once for as long as they are kept."""
        known, name = self._names.get(id(data), (None, ""))
        if known is not data:
            name = _digest(data)
            self._names[id(data)] = data, name
        return name

    def _forget_all_but(self, used: set[str]) -> None:
        # Only after the new state is in place: until then the old one needs them.
        self._names = {i: kept for i, kept in self._names.items() if kept[1] in used}
        for blob in self.blobs.glob("*"):
            if blob.name not in used:
                blob.unlink(missing_ok=True)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _replace(path: Path, data: bytes) -> None:
    """Put bytes in a file's place at once: readers see the old or the new."""
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, _NEW, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _retried(dump: Callable[[], str], attempts: int = 20) -> str:
    """Functions' threads write logs while we read them: take the next quiet moment."""
    for _ in range(attempts - 1):
        try:
            return dump()
        except RuntimeError:  # "dictionary changed size during iteration"
            time.sleep(0.005)
    return dump()
