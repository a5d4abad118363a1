"""How much may come in: size, rate, how many at once, how long."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The numbers of one wall; times in seconds.

    Attributes:
        burst, every_s: photos that one phone may send at once, and then one each.
        all_burst, all_every_s: the same for all phones together.
        total_bytes: of all photos of a lesson.
        at_once, at_once_each: bodies that are read at the same time.
        header_s, body_s: how long a request's head and body may take.
        connections: how many may be open.
    """

    burst: int = 10
    every_s: float = 3.0
    all_burst: int = 60
    all_every_s: float = 0.5
    total_bytes: int = 2_000_000_000
    at_once: int = 8
    at_once_each: int = 3
    header_s: float = 15.0
    body_s: float = 120.0
    connections: int = 200


class Rate:
    """A bucket of tokens for each sender: so many at once, then one at a time."""

    def __init__(
        self, burst: int, every_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._every_s, self._now = burst, every_s, now
        #: When a sender's bucket will be full again.
        self._full_at: dict[str, float] = {}

    def wait(self, sender: str = "") -> int:
        """Take a token, and return 0; where there is none, return seconds to wait."""
        now = self._now()
        self._full_at = {s: at for s, at in self._full_at.items() if at > now}
        full_at = max(self._full_at.get(sender, now), now) + self._every_s
        late = full_at - now - self._burst * self._every_s
        if late > 0:
            return math.ceil(late)
        self._full_at[sender] = full_at
        return 0


class Room:
    """How many may be in at once, of one sender and of all."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._inside: Counter[str] = Counter()

    def enter(self, sender: str) -> bool:
        """Let a sender in if there is room."""
        full = self._inside.total() >= self._most
        if full or self._inside[sender] >= self._most_each:
            return False
        self._inside[sender] += 1
        return True

    def leave(self, sender: str) -> None:
        """Make room again."""
        self._inside[sender] -= 1
        self._inside += Counter()  # forgets who is not inside
