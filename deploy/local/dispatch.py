"""Events that wait for their function: in turn, a few at once, and kept until done.

An event is in the ledger before whoever sent it has the answer, and leaves it when its
run ended, or its last try did: a stop or a kill in between, and it runs after the next
start. Knows nothing of MiniStack, which `delivery.py` does.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ledger import Ledger  # beside this file

STORE = "events"


@dataclass(frozen=True)
class Event:
    """One asynchronous invocation that has not ended.

    Attributes:
        function: the function's ARN, with a version where it is one's.
        payload: what the function gets.
        sent: when it was sent, in seconds since 1970.
        tries: how often it ran and failed.
        pause: seconds that a throttled one waited last.
    """

    function: str
    payload: Any
    sent: float = field(default_factory=time.time)
    tries: int = 0
    pause: float = 0.0
    name: str = field(default_factory=lambda: uuid.uuid4().hex)


#: Runs an event; returns what is to run later and in how many seconds, or None.
Run = Callable[[Event], tuple[Event, float] | None]


class Dispatcher:
    """Runs events on a few threads.

    Args:
        run: what runs one.
        ledger: where they are kept.
        threads: how many run at once.
    """

    def __init__(self, run: Run, ledger: Ledger, threads: int) -> None:
        self._run, self._ledger, self._threads = run, ledger, threads
        self._due: list[tuple[float, int, Event]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._running = 0
        self._stopping = False

    @property
    def waiting(self) -> int:
        """How many have not ended."""
        with self._changed:
            return len(self._due) + self._running

    def start(self) -> None:
        """Go on with what is kept, and take what comes."""
        for _, value in self._ledger.read(STORE):
            self._push(Event(**value))
        for number in range(self._threads):
            name = f"event-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def add(self, event: Event) -> None:
        """Keep an event, then let it wait its turn.

        Raises:
            OSError: it could not be kept, and will not run.
        """
        self._ledger.write([(STORE, event.name, asdict(event))])
        self._push(event)

    def stop(self, patience_s: float) -> None:
        """Begin nothing more, and give what runs a moment to end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._running, patience_s)

    def _push(self, event: Event, seconds: float = 0.0) -> None:
        with self._changed:
            at = time.monotonic() + seconds
            heapq.heappush(self._due, (at, next(self._order), event))
            self._changed.notify()

    def _work(self) -> None:
        while event := self._next():
            try:
                self._end(event, self._run(event))
            except Exception:  # it stays kept, and runs again after the next start
                traceback.print_exc()
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

    def _next(self) -> Event | None:
        """Wait for the next event that is due; None when it is time to stop."""
        with self._changed:
            while not self._stopping:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._running += 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
            return None

    def _end(self, event: Event, later: tuple[Event, float] | None) -> None:
        if later is None:
            self._ledger.write(gone=[(STORE, event.name)])
            return
        again, seconds = later
        if again.tries != event.tries:
            self._ledger.write([(STORE, event.name, asdict(again))])
        self._push(replace(again, name=event.name), seconds)
