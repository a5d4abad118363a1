"""The exercises of the notebooks, each judged by a value or by what it left.

An exercise is named for its notebook, and for its place in it: `2a`, `2b`. A module a
notebook holds the judges; `JUDGES` is all of them, in the course's order.
"""

from __future__ import annotations

from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.errors.messages import WorkbookError
from workbook.exercises import (
    buckets,
    cleanup,
    effects,
    failures,
    function,
    layer,
    platform,
    role,
    thumbnail,
    trigger,
    watch,
)
from workbook.exercises.verdict import Judge, Verdict, step_of

#: The name of an exercise → who judges it.
JUDGES: dict[str, Judge] = (
    thumbnail.JUDGES
    | buckets.JUDGES
    | role.JUDGES
    | layer.JUDGES
    | function.JUDGES
    | trigger.JUDGES
    | watch.JUDGES
    | failures.JUDGES
    | effects.JUDGES
    | platform.JUDGES
    | cleanup.JUDGES
)


def judge(name: str, answer: Any, cloud: Cloud, settings: Settings) -> Verdict:
    """Judge the answer to an exercise, or what it left in the cloud.

    Raises:
        WorkbookError: there is no exercise of this name.
    """
    if name not in JUDGES:
        raise WorkbookError(
            f"there is no exercise {name!r}", todo=f"They are {', '.join(JUDGES)}."
        )
    return Verdict(name, JUDGES[name](answer, cloud, settings))


def of(step: int) -> list[str]:
    """List the exercises of a notebook."""
    return [name for name in JUDGES if step_of(name) == step]
