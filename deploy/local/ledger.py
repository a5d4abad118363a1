"""What grows, kept line by line: a write costs the same however much is there.

One SQLite file that the local cloud alone opens. A line has a store, a key and a JSON
value; lines are read in the order in which their keys were first written. What `write`
returned from survives a kill; an orderly operating system, too (no fsync a line).
Runs inside the local cloud's own environment: nothing here may import the rest of
`deploy`.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Line = tuple[str, str, Any]

_TABLE = """
CREATE TABLE IF NOT EXISTS line (
    number INTEGER PRIMARY KEY,
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (store, key)
)
"""
_PUT = """
INSERT INTO line (store, key, value) VALUES (?, ?, ?)
ON CONFLICT (store, key) DO UPDATE SET value = excluded.value
"""
#: What says nothing of the file itself.
_REFUSED = (
    *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM),
    *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
)


class Ledger:
    """The lines of one file.

    Args:
        path: the file; made where it is missing.
        encode: turns what json does not know into what it knows.
        decode: the opposite, as a json object hook.

    Raises:
        ValueError: the file is damaged.
        OSError: the disk or the system refuses it; what it holds may be whole.
    """

    def __init__(
        self,
        path: Path,
        encode: Callable[[Any], Any] | None = None,
        decode: Callable[[dict], Any] | None = None,
    ) -> None:
        self.path = path
        self._encode, self._decode = encode, decode
        self._lock = threading.RLock()
        try:
            self._file = sqlite3.connect(path, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise _told(path, f"cannot be opened: {error}", error) from error
        try:
            # Alone: no shared memory beside the file, which some disks cannot have.
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.execute(_TABLE)
            (health,) = self._file.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            self._file.close()
            raise _told(path, f"cannot be read: {error}", error) from error
        if health != "ok":
            self._file.close()
            raise ValueError(f"{path.name} is damaged: {health}")

    def write(
        self, lines: Iterable[Line] = (), gone: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Put lines in, or in place of those of their keys; and take others out.

        Raises:
            OSError: the disk took nothing, and nothing changed.
        """
        texts = [
            (store, key, json.dumps(value, default=self._encode))
            for store, key, value in lines
        ]
        try:
            with self._lock, self._file:
                self._file.executemany(_PUT, texts)
                sql = "DELETE FROM line WHERE store = ? AND key = ?"
                self._file.executemany(sql, gone)
        except sqlite3.OperationalError as error:
            raise OSError(f"{self.path.name} cannot be written: {error}") from error

    def read(self, store: str) -> Iterator[tuple[str, Any]]:
        """The keys and values of a store, oldest first.

        Raises:
            ValueError: a value cannot be read.
        """
        sql = "SELECT key, value FROM line WHERE store = ? ORDER BY number"
        with self._lock:
            lines = self._file.execute(sql, (store,)).fetchall()
        for key, text in lines:
            yield key, json.loads(text, object_hook=self._decode)

    def close(self) -> None:
        """Write everything into the one file, and close it."""
        with self._lock:
            self._file.close()


def _told(path: Path, what: str, error: sqlite3.DatabaseError) -> Exception:
    """Tell a file that is refused from one that is damaged, or no file."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    refused = primary in _REFUSED and not path.is_dir()
    return (OSError if refused else ValueError)(f"{path.name} {what}")
