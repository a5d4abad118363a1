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
        self.seconds = 0.0  # how long the last save took
        self._encode, self._decode = encode, decode
        self._digest = ""

    def save(self, services: Mapping[str, Callable[[], dict | None]]) -> None:
        """Write the state of all services, if it changed."""
        start = time.perf_counter()
        used: set[str] = set()
        text = _retried(lambda: self._dump(services, used))
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest != self._digest:
            _replace(self.path, text.encode())
            self._digest = digest
            self._forget_all_but(used)
        self.seconds = time.perf_counter() - start

    def load(self) -> dict[str, dict]:
        """Read the state of all services; empty where there is none.

        Raises:
            ValueError: the file is damaged or another version's.
        """
        if not self.path.exists():
            return {}
        try:
            saved = json.loads(self.path.read_text("utf-8"), object_hook=self._unpack)
        except (OSError, KeyError, UnicodeDecodeError) as error:
            raise ValueError(f"{self.path.name} cannot be read: {error}") from error
        if not isinstance(saved, dict) or saved.get("version") != self.version:
            raise ValueError(f"{self.path.name} was written by another version")
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
            return (self.blobs / value["__blob__"]).read_bytes()
        return self._decode(value)

    def _keep(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        if not (self.blobs / name).exists():
            self.blobs.mkdir(parents=True, exist_ok=True)
            _replace(self.blobs / name, data)
        return name

    def _forget_all_but(self, used: set[str]) -> None:
        # Only after the new state is in place: until then the old one needs them.
        for blob in self.blobs.glob("*"):
            if blob.name not in used:
                blob.unlink(missing_ok=True)


def _replace(path: Path, data: bytes) -> None:
    """Put bytes in a file's place at once: readers see the old or the new."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _retried(dump: Callable[[], str], attempts: int = 20) -> str:
    """Functions' threads write logs while we read them: take the next quiet moment."""
    for attempt in range(attempts):
        try:
            return dump()
        except RuntimeError:  # "dictionary changed size during iteration"
            if attempt == attempts - 1:
                raise
            time.sleep(0.005)
    raise AssertionError("unreachable")
