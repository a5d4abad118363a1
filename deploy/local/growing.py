"""Log lines, metrics and messages: kept apart from the rest, as they grow.

The rest of the state is written whole before each answer, which has to stay quick
after thousands of uploads. Runs in MiniStack's environment, beside `wrapper.py`.
"""

from __future__ import annotations

import ast
import functools
import json
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ledger import Ledger, Line  # beside this file
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc, sqs


class Lists:
    """Lists that grow at their end, kept in pieces: what came since the last time.

    Args:
        ledger: where they are kept.
        store: their name there.
    """

    def __init__(self, ledger: Ledger, store: str) -> None:
        self._ledger, self._store = ledger, store
        #: Per list: how many items are kept, the last of them, where pieces begin.
        self._kept: dict[str, tuple[int, Any, list[int]]] = {}

    def keep(self, lists: Iterable[tuple[str, list, dict]]) -> None:
        """Keep what is new of each: its key, its items, and what else goes with it."""
        lines: list[Line] = []
        gone: list[tuple[str, str]] = []
        kept = {}
        for key, items, more in lists:
            count, last, pieces = self._kept.get(key, (-1, None, []))
            size = len(items)
            if count > size or (count > 0 and items[count - 1] is not last):
                gone += self._lines_of(key)  # it grew elsewhere: anew, then
                count, pieces = -1, []
            if count < size:
                start = max(count, 0)
                value = {"more": more, "items": items[start:size]}
                lines.append((self._store, self._name(key, start), value))
                pieces = [*pieces, start]
            kept[key] = (size, items[size - 1] if size else None, pieces)
        for key in self._kept.keys() - kept.keys():
            gone += self._lines_of(key)
        if lines or gone:
            self._ledger.write(gone=gone)
            self._ledger.write(lines)
        self._kept = kept

    def load(self) -> Iterator[tuple[str, list, dict]]:
        """The pieces, oldest first, each with its list's key."""
        for name, value in self._ledger.read(self._store):
            yield json.loads(name)[0], value["items"], value["more"]

    def forget(self) -> None:
        """Take every piece out: `keep` writes anew what there is."""
        names = [(self._store, name) for name, _ in self._ledger.read(self._store)]
        self._ledger.write(gone=names)
        self._kept = {}

    def _lines_of(self, key: str) -> list[tuple[str, str]]:
        pieces = self._kept[key][2]
        return [(self._store, self._name(key, start)) for start in pieces]

    @staticmethod
    def _name(key: str, start: int) -> str:
        return json.dumps([key, start])


class Messages:
    """The messages of all queues: what is sent is kept before the answer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        #: Per line of the ledger: what changes when a message is received.
        self._kept: dict[str, tuple] = {}

    def keep_new(self) -> None:
        """Keep what came to any queue's end since the last time."""
        with lock:
            lines: dict[str, dict] = {}
            for place, queue in list(sqs._queues._data.items()):
                for message in reversed(queue["messages"]):
                    if (key := _key(place, message)) in self._kept:
                        break
                    lines[key] = message
            self._write(dict(reversed(lines.items())), [])

    def keep_all(self) -> None:
        """Keep what changed: sent, received, deleted."""
        with lock:
            now = {
                _key(place, message): message
                for place, queue in list(sqs._queues._data.items())
                for message in queue["messages"]
            }
            kept = self._kept
            changed = {k: m for k, m in now.items() if kept.get(k) != _mark(m)}
            self._write(changed, list(kept.keys() - now.keys()))

    def load(self) -> list[tuple[tuple, dict]]:
        """Every message, with its queue's account, region and URL."""
        lines = self._ledger.read("messages")
        return [(tuple(json.loads(key)[:-1]), message) for key, message in lines]

    def put_back(self, loaded: list[tuple[tuple, dict]]) -> None:
        """Give queues their messages; what a mapping had taken may be taken again."""
        mapped = {
            esm.get("EventSourceArn") for _, _, esm in lambda_svc._iter_all_esms()
        }
        for place, message in loaded:
            queue = sqs._queues._data.get(place)
            if queue is None:
                continue
            if message["receive_count"] and queue["attributes"]["QueueArn"] in mapped:
                message["visible_at"] = time.time()  # whoever held it is gone
            queue["messages"].append(message)

    def _write(self, lines: dict[str, dict], gone: list[str]) -> None:
        if not lines and not gone:
            return
        self._ledger.write(
            [("messages", key, message) for key, message in lines.items()],
            [("messages", key) for key in gone],
        )
        for key in gone:
            del self._kept[key]
        self._kept |= {key: _mark(message) for key, message in lines.items()}


def _key(place: tuple, message: dict) -> str:
    return json.dumps([*place, message["id"]])


def _mark(message: dict) -> tuple:
    names = ("visible_at", "receive_count", "receipt_handle")
    return tuple(message.get(name) for name in names)


class Growing:
    """All that grows, and what of the services' state is left without it."""

    def __init__(self, ledger: Ledger) -> None:
        self.messages = Messages(ledger)
        self._logs = Lists(ledger, "logs")
        self._metrics = Lists(ledger, "metrics")

    def keep(self) -> None:
        """Keep everything that is new."""
        self.messages.keep_all()
        self._logs.keep(_log_streams())
        self._metrics.keep(_metrics())

    def restore(self) -> None:
        """Give it back to the services, whose own state is there.

        Raises:
            ValueError: a line cannot be read, and nothing was given back.
        """
        try:
            logs, metrics = list(self._logs.load()), list(self._metrics.load())
            messages = self.messages.load()
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"a line cannot be read: {error!r}") from error
        for key, events, more in logs:
            _restore_stream(key, events, more)
        for key, points, _ in metrics:
            place = ast.literal_eval(key)
            cloudwatch._metrics._data.setdefault(place, []).extend(points)
        self.messages.put_back(messages)
        # What belonged to nothing any more goes, and many pieces become few.
        self._logs.forget()
        self._metrics.forget()
        self.keep()


def _log_streams() -> Iterator[tuple[str, list, dict]]:
    for place, group in list(cloudwatch_logs._log_groups._data.items()):
        for name, stream in list(group["streams"].items()):
            key = json.dumps([*place, group["creationTime"], name])
            more = {k: v for k, v in stream.items() if k != "events"}
            yield key, stream["events"], more


def _restore_stream(key: str, events: list, more: dict) -> None:
    *place, created, name = json.loads(key)
    group = cloudwatch_logs._log_groups._data.get(tuple(place))
    if group is None or group["creationTime"] != created:
        return  # it was deleted
    stream = group["streams"].setdefault(name, {"events": []})
    stream |= more
    stream["events"].extend(events)
    _restore_pointers(tuple(place), name, events)


def _restore_pointers(place: tuple, stream: str, events: list) -> None:
    """Make what GetLogRecord reads: every line again, under its pointer."""
    account, region, group = place
    for event in events:
        if pointer := event.get("eventId"):
            record = cloudwatch_logs._build_log_record(
                ptr=pointer,
                timestamp_ms=event["timestamp"],
                message=event["message"],
                log_group=group,
                log_stream=stream,
            )
            cloudwatch_logs._log_records._data[(account, region, pointer)] = record


def _metrics() -> Iterator[tuple[str, list, dict]]:
    for place, points in list(cloudwatch._metrics._data.items()):
        yield repr(place), points, {}


# --- the state that is left ----------------------------------------------------------


def without(get_state: Callable[[], dict], **stores: Callable[[], Any]) -> Callable:
    """A service's `get_state` that sees other stores in place of its growing ones.

    It copies what it finds under its module's names, all of it, each time: the same
    code with those names bound to something small.
    """

    def slim() -> dict:
        names = {name: make() for name, make in stores.items()}
        space = get_state.__globals__ | names
        return types.FunctionType(get_state.__code__, space)()

    return slim


def _emptied(store: AccountRegionScopedDict, name: str, empty: Any) -> Callable:
    def make() -> AccountRegionScopedDict:
        slim = AccountRegionScopedDict()
        for place, value in list(store._data.items()):
            slim._data[place] = value | {name: empty}
        return slim

    return make


# --- one at a time -------------------------------------------------------------------

#: MiniStack puts a new list of messages in a queue's place while others add to the old.
lock = threading.RLock()


def locked(function: Callable) -> Callable:
    """Let one thread at a time change queues, so that no message gets lost."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        with lock:
            return function(*args, **options)

    return call


cloudwatch_logs.get_state = without(
    cloudwatch_logs.get_state,
    _log_groups=_emptied(cloudwatch_logs._log_groups, "streams", {}),
    _log_records=AccountRegionScopedDict,
)
cloudwatch.get_state = without(cloudwatch.get_state, _metrics=AccountRegionScopedDict)
sqs.get_state = without(sqs.get_state, _queues=_emptied(sqs._queues, "messages", []))
sqs._queues_lock = lock
for _name, _action in sqs._HANDLERS.items():
    if _name != "ReceiveMessage":  # it waits, and changes what it found
        sqs._HANDLERS[_name] = locked(_action)
sqs._dlq_sweep = locked(sqs._dlq_sweep)
sqs._expire_retained = locked(sqs._expire_retained)
lambda_svc._route_async_failure = locked(lambda_svc._route_async_failure)
