"""State is saved when it changed, and restored whole or not at all.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import threading
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ministack.app as ministack
from ministack.core import persistence
from ministack.services import lambda_svc, s3
from snapshot import Snapshot  # beside this file

FOLDER = Path(os.environ["WORKBOOK_FOLDER"])
OBJECTS = Path(os.environ["S3_DATA_DIR"])

SAVE_EVERY_S = 0.5

Scope = dict[str, Any]
Send = Callable[[dict], Awaitable[None]]

dirty = threading.Event()
stopping = asyncio.Event()
notice = ""

snapshot = Snapshot(
    FOLDER,
    f"ministack {version('ministack')}",
    persistence._json_default,
    persistence._json_object_hook,
)


def save() -> None:
    """Save the state of every service that has one."""
    dirty.clear()
    snapshot.save(ministack._build_persistence_save_dict())


def restore() -> None:
    """Load the last consistent state; where it cannot be read, start empty."""
    global notice
    try:
        states = snapshot.load()
    except ValueError as error:
        notice = f"The local cloud's state was lost, it starts empty: {error}"
        print(notice, file=sys.stderr, flush=True)
        snapshot.path.replace(snapshot.path.with_suffix(".damaged"))
        states = {}
    ministack.load_state = states.get
    _load_persisted_state()
    for account, bucket in list(s3._buckets._data):
        # A bucket's folder is made before its creation is saved: half of a bucket.
        if not s3._buckets._data[(account, bucket)].get("saved"):
            del s3._buckets._data[(account, bucket)]
            shutil.rmtree(OBJECTS / account / bucket, ignore_errors=True)
    for record in lambda_svc._functions._data.values():
        # The thread that would have made it active died with the process.
        for config in (record["config"], *_version_configs(record)):
            config["State"], config["LastUpdateStatus"] = "Active", "Successful"


def _version_configs(record: dict) -> list[dict]:
    return [version["config"] for version in record.get("versions", {}).values()]


def s3_state() -> dict:
    """S3's state, every bucket marked as saved (see `restore`)."""
    for bucket in s3._buckets._data.values():
        bucket["saved"] = True
    return _s3_get_state()


async def save_regularly() -> None:
    """Save what functions, logs and queues changed; a large state less often."""
    while not stopping.is_set():
        await asyncio.sleep(max(SAVE_EVERY_S, 5 * snapshot.seconds))
        if dirty.is_set():
            save()


def may_change(method: str, target: bytes) -> bool:
    """Whether a call may change state; JSON services post their reads, too."""
    operation = target.rpartition(b".")[2]
    reads = (b"Get", b"List", b"Describe", b"Filter")
    return method not in ("GET", "HEAD", "OPTIONS") and not operation.startswith(reads)


def saving(send: Send, scope: Scope) -> Send:
    """Save before the answer leaves, so that what was acknowledged survives.

    Objects are on disk by then, and logs and queues can wait for the next round.
    """
    waits = _is_object_call(scope)

    async def saved(message: dict) -> None:
        if message["type"] == "http.response.start":
            dirty.set()
            if not waits:
                save()
        await send(message)

    return saved


def _is_object_call(scope: Scope) -> bool:
    """Whether the call is about an object's content: S3's path has a key in it."""
    headers = dict(scope["headers"])
    signed_for_s3 = b"/s3/aws4_request" in headers.get(b"authorization", b"")
    return signed_for_s3 and scope["path"].strip("/").count("/") >= 1


# MiniStack's own functions, kept.
_load_persisted_state = ministack._load_persisted_state
_s3_get_state = s3.get_state


def install() -> None:
    """Put ours in their places."""
    ministack._load_persisted_state = restore
    ministack.save_all = lambda services: save()
    s3.get_state = s3_state
    # The snapshot keeps large bytes itself, once each.
    lambda_svc._externalize_code_zip = lambda record, referenced: None
    lambda_svc._prune_orphan_code_blobs = lambda referenced: None
