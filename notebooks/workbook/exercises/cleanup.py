"""The exercises of 11_cleanup."""

from __future__ import annotations

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.exercises.verdict import Judge


def _bill(answer: tuple[float, float], cloud: Cloud, settings: Settings) -> str:
    uploads, seconds = answer
    if uploads != 3_000_000:
        return f"{uploads:,} uploads are not 3 million."
    if seconds != 1:
        return f"Each photo needs 1 second, and {seconds:g} s is calculated."
    return ""


JUDGES: dict[str, Judge] = {"11a": _bill}
