"""What the function's own log says of every upload: outcome, times, cold or warm.

Lambda writes START, END and REPORT lines around what the function prints; the handler
prints one JSON line a record. They are joined by their request id.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.cloud import Cloud
from deploy.errors import NotReadyError
from deploy.settings import Settings
from deploy.waiting import looks

_MEMORY = re.compile(
    r"Memory Size: (?P<given>\d+) MB\s+Max Memory Used: (?P<used>\d+) MB"
)
_REPORT = re.compile(
    r"REPORT RequestId: (?P<id>\S+)\s+Duration: (?P<ms>[\d.]+) ms.*?" + _MEMORY.pattern
)
_BILLED = re.compile(r"Billed Duration: ([\d.]+) ms")
_INIT = re.compile(r"Init Duration: ([\d.]+) ms")
_REQUEST = re.compile(r"(?:START|END|REPORT) RequestId: (\S+)")
#: What can become of an upload.
OUTCOMES = ("made", "rejected", "stale", "failed")
_ALWAYS = ("bucket", "key", "outcome", "cold", "request_id")
_AT_TIMES = (
    *("reason", "target", "source_bytes", "thumbnail_bytes"),
    *("sequencer", "version"),
)
#: How often an asynchronous invocation is tried: once, and two retries.
ATTEMPTS = 3


@dataclass(frozen=True)
class Run:
    """One record of one invocation, as the handler logged it.

    Attributes:
        outcome: "made", "rejected", "stale" or "failed".
        source_size, thumbnail_size: width and height in pixels.
        ms: the handler's own time for this record.
        duration_ms: the invocation's, from its REPORT line.
        cold: whether it was the first of its execution environment.
        done: when the outcome was final.
    """

    bucket: str
    key: str
    outcome: str
    reason: str | None
    target: str | None
    source_size: tuple[int, int] | None
    source_bytes: int | None
    thumbnail_size: tuple[int, int] | None
    thumbnail_bytes: int | None
    ms: float
    cold: bool
    request_id: str
    done: datetime
    sequencer: str | None = None
    version: str | None = None
    duration_ms: float | None = None
    memory_mb: int | None = None
    billed_ms: float | None = None


@dataclass(frozen=True)
class Report:
    """What Lambda's REPORT line says of an invocation.

    Attributes:
        used_mb: on AWS the most memory that was used; no measurement locally.
        billed_ms: what is paid for, the start of a cold one included.
        init_ms: what a cold start took, on AWS; None for a warm one, and locally.
    """

    request_id: str
    duration_ms: float
    given_mb: int
    used_mb: int
    init_ms: float | None = None
    billed_ms: float | None = None


def report(line: str) -> Report | None:
    """Read a REPORT line; None for any other line."""
    match = _REPORT.match(line)
    if match is None:
        return None
    init, billed = _INIT.search(line), _BILLED.search(line)
    return Report(
        request_id=match["id"],
        duration_ms=float(match["ms"]),
        given_mb=int(match["given"]),
        used_mb=int(match["used"]),
        init_ms=float(init[1]) if init else None,
        billed_ms=float(billed[1]) if billed else None,
    )


def used_all_memory(line: str) -> bool:
    """Tell whether a REPORT line, or a part of one, says that no memory was left."""
    found = _MEMORY.search(line)
    return found is not None and int(found["used"]) >= int(found["given"])


def runs(cloud: Cloud, settings: Settings, since: datetime | None = None) -> list[Run]:
    """Read what the function logged since a time, oldest first."""
    return read(_messages(cloud, settings.log_group, since))


def read(messages: Iterable[str]) -> list[Run]:
    """Read what the function logged from the log's lines, oldest first."""
    lines = list(messages)
    reports = {found.request_id: found for found in filter(None, map(report, lines))}
    requests = {match[1] for match in map(_REQUEST.match, lines) if match}
    found = [run for line in lines if (run := _run(line, requests, reports))]
    return sorted(found, key=lambda run: run.done)


def wait_for(
    cloud: Cloud,
    settings: Settings,
    keys: Iterable[str],
    since: datetime,
    timeout_s: float = 60,
) -> Iterator[Run]:
    """Yield the final outcome of each key as the log shows it.

    Raises:
        NotReadyError: the log named no outcome for some keys in time.
        LocalCloudError: no function runs, as the disk is full.
    """
    open_keys = set(keys)
    for _ in looks(timeout_s):
        seen = runs(cloud, settings, since)
        for run in seen:
            failures = sum(r.key == run.key and r.outcome == "failed" for r in seen)
            final = run.outcome != "failed" or failures >= ATTEMPTS
            if run.key in open_keys and final:
                open_keys.remove(run.key)
                yield run
        if not open_keys:
            return
        check_room(cloud)
    raise NotReadyError(
        f"after {timeout_s:.0f} s nothing is logged about "
        f"{', '.join(sorted(open_keys))}",
        where=f"log group {settings.log_group}",
        todo="`python -m deploy status` shows which step is missing; only "
        f"keys ending in {' or '.join(settings.suffixes)} start the function.",
    )


def check_room(cloud: Cloud) -> None:
    """Say at once that no function runs because this machine's disk is full."""
    if cloud.kind == "local":
        from deploy.local import server

        server.check_room()


def _messages(cloud: Cloud, group: str, since: datetime | None) -> Iterator[str]:
    """All messages of a log group; none where the group does not exist yet."""
    start = {"startTime": int(since.timestamp() * 1000)} if since else {}
    pages = cloud.logs.get_paginator("filter_log_events")
    try:
        for page in pages.paginate(logGroupName=group, **start):
            for event in page["events"]:
                yield event["message"]
    except cloud.logs.exceptions.ResourceNotFoundException:
        return


def _run(line: str, requests: set[str], reports: dict[str, Report]) -> Run | None:
    """Read one record; None for any other line, one that looks like it included.

    Whoever names an upload chooses words that are logged. What no invocation had is
    his, as far as the log has its START and REPORT lines at all.
    """
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
        run = _from(record, reports.get(record["request_id"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    genuine = run.request_id in requests or not requests
    return run if run.outcome in OUTCOMES and run.key and genuine else None


def _from(record: dict[str, Any], report: Report | None) -> Run:
    fields: dict[str, Any] = {name: record[name] for name in _ALWAYS}
    fields |= {name: record.get(name) for name in _AT_TIMES}
    return Run(
        **fields,
        ms=float(record["ms"]),
        source_size=_size(record.get("source_size")),
        thumbnail_size=_size(record.get("thumbnail_size")),
        done=datetime.fromisoformat(record["done"]).astimezone(UTC),
        duration_ms=report.duration_ms if report else None,
        billed_ms=report.billed_ms if report else None,
        memory_mb=report.used_mb if report else None,
    )


def _size(value: list[int] | None) -> tuple[int, int] | None:
    if value is None:
        return None
    width, height = value
    return int(width), int(height)
