"""The exercises of 07_watch."""

from __future__ import annotations

from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.exercises.verdict import Judge


def _crowd(runs: list[Any], cloud: Cloud, settings: Settings) -> str:
    if len(runs) < 8:
        return f"{len(runs)} photo was uploaded, and 8 were asked for."
    if sum(run.cold for run in runs) < 2:
        return "Only one run was cold: run `fresh()` and all eight uploads again."
    return ""


JUDGES: dict[str, Judge] = {"7a": _crowd}
