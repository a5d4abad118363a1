"""Events in turn, kept until they ended; with functions that are only Python."""

import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local import server

# The modules of the local cloud's own process stand beside each other.
sys.path.insert(0, str(Path(server.__file__).parent))
from dispatch import STORE, Dispatcher, Event
from ledger import Ledger

PATIENCE_S = 20


class Function:
    """Notes what it ran; a payload's list of seconds says when it wants it again."""

    def __init__(self):
        self.ran, self.open = [], threading.Event()
        self.open.set()
        self.seen = threading.Condition()

    def __call__(self, event):
        self.open.wait(PATIENCE_S)
        with self.seen:
            self.ran.append((event.payload["name"], event.tries))
            self.seen.notify_all()
        if event.payload["name"] == "broken":
            raise RuntimeError("on purpose")
        if event.tries < event.payload.get("fails", 0):
            return replace(event, tries=event.tries + 1), event.payload["pause"]
        return None

    def wait_for(self, count):
        with self.seen:
            assert self.seen.wait_for(lambda: len(self.ran) >= count, PATIENCE_S)


RUNNING = []


@pytest.fixture
def ledger(tmp_path):
    with closing(Ledger(tmp_path / "l.db")) as ledger:
        yield ledger
        while RUNNING:
            RUNNING.pop().stop(PATIENCE_S)


def kept(ledger):
    return [value["payload"]["name"] for _, value in ledger.read(STORE)]


def started(function, ledger, threads=1):
    dispatcher = Dispatcher(function, ledger, threads)
    dispatcher.start()
    RUNNING.append(dispatcher)
    return dispatcher


def send(dispatcher, name, **more):
    dispatcher.add(Event("arn", {"name": name, **more}))


def test_events_run_in_the_order_in_which_they_came(ledger):
    function = Function()
    dispatcher = started(function, ledger)
    for name in "abc":
        send(dispatcher, name)
    function.wait_for(3)
    assert [name for name, _ in function.ran] == ["a", "b", "c"]


def test_an_event_is_kept_until_it_ended(ledger):
    function = Function()
    function.open.clear()
    dispatcher = started(function, ledger)
    for name in "ab":
        send(dispatcher, name)
    assert kept(ledger) == ["a", "b"] and dispatcher.waiting == 2
    function.open.set()
    function.wait_for(2)
    dispatcher.stop(PATIENCE_S)
    assert kept(ledger) == [] and dispatcher.waiting == 0


def test_what_is_kept_runs_after_the_next_start_with_its_tries(ledger):
    first = Function()
    dispatcher = started(first, ledger)
    send(dispatcher, "a", fails=2, pause=3600)
    first.wait_for(1)
    dispatcher.stop(PATIENCE_S)
    second = Function()
    started(second, ledger)
    second.wait_for(1)
    assert second.ran == [("a", 1)]


def test_one_that_waits_for_its_next_try_holds_nobody_up(ledger):
    function = Function()
    dispatcher = started(function, ledger)
    send(dispatcher, "a", fails=1, pause=3600)
    send(dispatcher, "b")
    function.wait_for(2)
    assert function.ran == [("a", 0), ("b", 0)]


def test_tries_follow_each_other(ledger):
    function = Function()
    send(started(function, ledger), "a", fails=2, pause=0)
    function.wait_for(3)
    assert function.ran == [("a", 0), ("a", 1), ("a", 2)]


def test_no_more_run_at_once_than_there_are_threads(ledger):
    at_once, most, lock = [0], [0], threading.Lock()
    ended = threading.Semaphore(0)

    def run(event):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        threading.Event().wait(0.01)
        with lock:
            at_once[0] -= 1
        ended.release()

    dispatcher = started(run, ledger, threads=3)
    for number in range(20):
        send(dispatcher, str(number))
    assert all(ended.acquire(timeout=PATIENCE_S) for _ in range(20))
    assert 1 < most[0] <= 3


def test_nothing_begins_after_a_stop(ledger):
    function = Function()
    dispatcher = started(function, ledger)
    dispatcher.stop(PATIENCE_S)
    send(dispatcher, "a")
    assert kept(ledger) == ["a"] and function.ran == []


def test_an_error_of_ours_ends_no_thread_and_loses_no_event(ledger, capsys):
    function = Function()
    dispatcher = started(function, ledger)
    send(dispatcher, "broken")
    send(dispatcher, "b")
    function.wait_for(2)
    dispatcher.stop(PATIENCE_S)
    assert kept(ledger) == ["broken"]
    assert "on purpose" in capsys.readouterr().err


def test_an_event_that_cannot_be_kept_does_not_run(tmp_path, ledger):
    function = Function()
    dispatcher = started(function, ledger)
    ledger._file.execute("PRAGMA query_only = ON")  # as a disk that takes nothing
    with pytest.raises(OSError, match="cannot be written"):
        send(dispatcher, "a")
    assert dispatcher.waiting == 0 and function.ran == []
