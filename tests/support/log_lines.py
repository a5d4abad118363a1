"""Lines as the function logs them."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from deploy.cloud import Cloud
from deploy.settings import Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def line(key, outcome="made", request="r1", seconds=0, **more):
    done = (NOW + timedelta(seconds=seconds)).isoformat()
    record = {"bucket": "b", "key": key, "outcome": outcome, "ms": 30.5, "cold": False}
    return json.dumps(record | {"request_id": request, "done": done} | more)


def put(cloud: Cloud, settings: Settings, *lines: str) -> None:
    """Write lines into the function's log, as if it had run just now."""
    place = {"logGroupName": settings.log_group, "logStreamName": "tests"}
    with suppress(cloud.logs.exceptions.ResourceAlreadyExistsException):
        cloud.logs.create_log_group(logGroupName=settings.log_group)
    with suppress(cloud.logs.exceptions.ResourceAlreadyExistsException):
        cloud.logs.create_log_stream(**place)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + n, "message": each} for n, each in enumerate(lines)]
    cloud.logs.put_log_events(**place, logEvents=events)
