"""State is saved when it changed, and restored whole or not at all.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import growing as grown  # beside this file, as the next
import ministack.app as ministack
from ledger import Ledger
from ministack.core import persistence
from ministack.core.iam_evaluator import AuthError
from ministack.services import lambda_svc, s3
from places import around
from request import Request
from snapshot import Snapshot

FOLDER = Path(os.environ["WORKBOOK_FOLDER"])
OBJECTS = Path(os.environ["S3_DATA_DIR"])
#: What the next start says: why this one ended, and where the old state lies.
NOTICE = FOLDER / "notice"
#: All that a damaged state consists of, as far as it is there.
_PARTS = ("state.json", "blobs", "ledger.db", "ledger.db-wal", "objects")

SAVE_EVERY_S = 0.5
#: What unpacking a layer takes, about.
ROOM_BYTES = 20_000_000

Scope = dict[str, Any]
Send = Callable[[dict], Awaitable[None]]

dirty = threading.Event()
stopping = asyncio.Event()
#: Why the last attempt to write failed, until one works.
trouble = ""
said_once = ""


def notice() -> str:
    """What whoever starts the cloud, or asks for its status, should hear."""
    return trouble or little_room() or said_once


def is_full() -> bool:
    """Whether the disk has too little room for a function and its layer to run."""
    return shutil.disk_usage(FOLDER).free < ROOM_BYTES


def little_room() -> str:
    """Say that functions wait for room on the disk, where they do."""
    if not is_full():
        return ""
    return f"Functions wait: the disk that holds {FOLDER} is full. Free some room."


# --- aside, not away -----------------------------------------------------------------


def set_aside(why: str) -> None:
    """Move the whole state away, never delete it; the next process starts empty."""
    aside = _aside()
    for name in _PARTS:
        if (FOLDER / name).exists():
            (FOLDER / name).rename(aside / name)
    words = f"The local cloud starts empty: {why}. What it held lies in {aside}."
    NOTICE.write_text(words, "utf-8")
    print(words, file=sys.stderr, flush=True)
    os._exit(1)  # what is loaded may be half of it


def _aside() -> Path:
    aside = FOLDER / time.strftime("aside-%Y%m%d-%H%M%S")
    aside.mkdir(mode=0o700, exist_ok=True)
    return aside


def _open_ledger() -> Ledger:
    try:
        encode, decode = persistence._json_default, persistence._json_object_hook
        return Ledger(FOLDER / "ledger.db", encode, decode)
    except ValueError as error:
        set_aside(str(error))
        raise
    except OSError as error:
        sys.exit(f"{error}. Nothing was changed")


snapshot = Snapshot(
    FOLDER,
    f"ministack {version('ministack')}",
    persistence._json_default,
    persistence._json_object_hook,
)
#: Whether what grows was kept before this start.
_kept = FOLDER / "ledger.db"
_had_ledger = _kept.is_file() and _kept.stat().st_size > 0
ledger = _open_ledger()
growing = grown.Growing(ledger)


# --- save and restore ----------------------------------------------------------------


def save() -> None:
    """Save the state of every service that has one, but for what grows.

    Raises:
        OSError: the disk did not take it.
    """
    snapshot.save(ministack._build_persistence_save_dict())


def save_all() -> None:
    """Save everything; what cannot be written is said, and tried again."""
    global trouble
    dirty.clear()
    try:
        save()
        growing.keep()
        trouble = ""
    except OSError as error:
        trouble = f"The local cloud cannot save its state: {error}."
        print(trouble, file=sys.stderr, flush=True)
        dirty.set()


def restore() -> None:
    """Load the last consistent state; where it cannot be read, set it aside."""
    global said_once
    if NOTICE.is_file():
        said_once = NOTICE.read_text("utf-8", "replace")
        NOTICE.unlink()
    try:
        states = snapshot.load()
        if not states and any(record["objects"] for record in _buckets()):
            raise ValueError("state.json is missing")
        for key, module in ministack._state_map.items():
            if data := states.get(key):
                ministack._get_module(module).load_persisted_state(data)
        growing.restore()
        if states and not _had_ledger:
            said_once = "Logs, metrics and waiting messages are gone: no ledger.db."
    except ValueError as error:
        set_aside(str(error))
    except Exception as error:  # some service's own words for "not what I wrote"
        set_aside(f"state.json is damaged ({error!r})")
    _drop_half_buckets()
    for record in lambda_svc._functions._data.values():
        # The thread that would have made it active died with the process.
        for either in (record, *record.get("versions", {}).values()):
            config = either["config"]
            config["State"], config["LastUpdateStatus"] = "Active", "Successful"


def _buckets() -> list[dict]:
    return list(s3._buckets._data.values())


def _drop_half_buckets() -> None:
    """Forget buckets that were never acknowledged: a folder comes before its bucket."""
    global said_once
    for account, bucket in list(s3._buckets._data):
        if s3._buckets._data[(account, bucket)].get("saved"):
            continue
        del s3._buckets._data[(account, bucket)]
        half = OBJECTS / account / bucket
        if any(half.rglob("*")):
            shutil.move(half, _aside() / bucket)
            said_once = f"A bucket nobody made, {bucket}, lies in {_aside()} now."
        else:
            shutil.rmtree(half, ignore_errors=True)


@around(s3, "get_state")
def s3_state(kept: Callable[[], dict]) -> dict:
    """S3's state, every bucket marked as saved (see `restore`)."""
    for bucket in _buckets():
        bucket["saved"] = True
    return kept()


async def save_regularly() -> None:
    """Save what functions, logs and queues changed."""
    while not stopping.is_set():
        await asyncio.sleep(SAVE_EVERY_S)
        if dirty.is_set():
            save_all()


# --- before an answer ----------------------------------------------------------------


@dataclass
class Call:
    """One call: what leaves with its answer, and why it cannot be acknowledged."""

    events: list[Callable[[], None]] = field(default_factory=list)
    refused: str = ""
    answered: bool = False


_call: contextvars.ContextVar[Call | None] = contextvars.ContextVar(
    "call", default=None
)


def begin() -> Call:
    """Begin a call: what MiniStack does for it, in whatever thread, belongs to it."""
    call = Call()
    _call.set(call)
    return call


def with_answer(event: Callable[[], None]) -> None:
    """Do it when the present call is done well, before its answer; else soon."""
    call = _call.get()
    if call is None or call.answered:
        threading.Thread(target=event, daemon=True).start()
    else:
        call.events.append(event)


def refuse(error: OSError) -> None:
    """Let the present call fail, whatever MiniStack makes of the error."""
    global trouble
    words = error.strerror or str(error)
    trouble = f"The local cloud could not keep what it was sent: {words}."
    print(trouble, file=sys.stderr, flush=True)
    if call := _call.get():
        call.refused = trouble


def is_refused() -> bool:
    """Whether the present call cannot be acknowledged."""
    call = _call.get()
    return call is not None and bool(call.refused)


def may_change(method: str, target: bytes) -> bool:
    """Whether a call may change state; JSON services post their reads, too."""
    operation = target.rpartition(b".")[2]
    reads = (b"Get", b"List", b"Describe", b"Filter")
    return method not in ("GET", "HEAD", "OPTIONS") and not operation.startswith(reads)


def saving(send: Send, scope: Scope) -> Send:
    """Save before the answer leaves, so that what was acknowledged survives."""
    keep = _keeper(scope)
    call = begin()

    async def saved(message: dict) -> None:
        if message["type"] == "http.response.start":
            dirty.set()
            _finish(call, keep, message["status"])
        if call.refused:
            kind = message["type"]
            message = {"type": kind} | _refusal(scope, call.refused)[kind]
        await send(message)

    return saved


def _finish(call: Call, keep: Callable[[], None], status: int) -> None:
    call.answered = True
    if status >= 300:
        call.events.clear()
    for event in call.events:
        event()
    try:
        keep()
    except OSError as error:
        refuse(error)


def _keeper(scope: Scope) -> Callable[[], None]:
    """What has to be written before the answer, for this kind of call.

    Objects and events are on disk by then; what a function did is kept soon.
    """
    headers = dict(scope["headers"])
    service, _, operation = headers.get(b"x-amz-target", b"").rpartition(b".")
    if _is_object_call(scope, headers) or scope["path"].endswith("/invocations"):
        return lambda: None
    if operation in (b"PutLogEvents", b"PutMetricData"):
        return growing.keep
    if service != b"AmazonSQS":
        return save
    if operation.startswith(b"Send"):
        return growing.messages.keep_new
    if operation.startswith((b"Receive", b"DeleteMessage", b"ChangeMessage")):
        return lambda: None  # a message may come twice
    return _save_with_messages


def _save_with_messages() -> None:
    save()
    growing.messages.keep_all()


def _is_object_call(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Whether the call is about an object's content: S3's path has a key in it."""
    signed_for_s3 = b"/s3/aws4_request" in headers.get(b"authorization", b"")
    return signed_for_s3 and scope["path"].strip("/").count("/") >= 1


def _refusal(scope: Scope, words: str) -> dict[str, dict]:
    """The error, in the format of the service that was asked, as ASGI's messages."""
    request = Request(scope)
    _, headers, body = ministack._credential_failure(
        request.service,
        "",
        str(uuid.uuid5(uuid.NAMESPACE_OID, words)),  # the same for head and body
        AuthError("InsufficientStorage", words),
        request.headers,
    )
    headers |= {"Content-Length": str(len(body))}
    lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {
        "http.response.start": {"status": 507, "headers": lines},
        "http.response.body": {"body": body},
    }


ministack._load_persisted_state = lambda: None  # `restore` did
ministack.save_all = lambda services: save_all()
# The snapshot keeps large bytes itself, once each.
lambda_svc._externalize_code_zip = lambda record, referenced: None
lambda_svc._prune_orphan_code_blobs = lambda referenced: None
