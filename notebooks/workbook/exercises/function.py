"""The exercises of 05_function."""

from __future__ import annotations

from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.exercises.verdict import Judge


def _rejected(answer: dict[str, Any], cloud: Cloud, settings: Settings) -> str:
    outcomes = answer.get("outcomes", {})
    if outcomes == {"rejected": 1}:
        return ""
    if "made" in outcomes:
        return "The thumbnail was made. Which size is pointless to read?"
    return (
        "The function did not reject the event, it failed or passed it over: change "
        "`size` alone."
    )


JUDGES: dict[str, Judge] = {"5a": _rejected}
