"""The exercises of 04_layer."""

from __future__ import annotations

from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.exercises.verdict import Judge


def _runtime(runtime: Any, cloud: Cloud, settings: Settings) -> str:
    if runtime.name == "python3.14":
        return "The runtime is python3.14 still."
    if runtime.name != "python3.11":
        return f"The runtime is {runtime.name}, and python3.11 was asked for."
    return ""


JUDGES: dict[str, Judge] = {"4a": _runtime}
