"""Lines as the function logs them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def line(key, outcome="made", request="r1", seconds=0, **more):
    done = (NOW + timedelta(seconds=seconds)).isoformat()
    record = {"bucket": "b", "key": key, "outcome": outcome, "ms": 30.5, "cold": False}
    return json.dumps(record | {"request_id": request, "done": done} | more)
