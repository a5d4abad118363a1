"""The exercises of 07_watch."""

from __future__ import annotations

from typing import Any

from deploy import logs
from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.exercises.verdict import Judge


def _crowd(runs: list[Any], cloud: Cloud, settings: Settings) -> str:
    if len(runs) < 8:
        return f"Photos uploaded: {len(runs)}; 8 are asked for."
    if sum(run.cold for run in runs) < 2:
        return "Only one run was cold: run `fresh()` and all eight uploads again."
    return ""


def _slowest(run: Any, cloud: Cloud, settings: Settings) -> str:
    """Compare a run with every other in the log."""
    duration = getattr(run, "duration_ms", None)
    if duration is None:
        return "Give a run, as `max(every, key=…)` returns it."
    durations = [each.duration_ms or 0 for each in logs.runs(cloud, settings)]
    if duration <= min(durations) < max(durations):
        return "That is the quickest run: `max` finds the slowest."
    if duration < max(durations):
        return f"{run.key} took {duration:.0f} ms, and a run of the log took longer."
    return ""


JUDGES: dict[str, Judge] = {"7a": _crowd, "7b": _slowest}
