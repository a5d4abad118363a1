"""The exercises of the notebooks, each judged by a value or by what it left.

An exercise is named for its notebook, and for its place in it: `2a`, `2b`. A module a
notebook holds the judges; `JUDGES` is all of them, in the course's order.
"""

from __future__ import annotations

import reprlib
from typing import Any

from botocore.exceptions import ParamValidationError

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

_MODULES = (
    *(thumbnail, buckets, role, layer, function, trigger, watch),
    *(failures, effects, platform, cleanup),
)
#: The name of an exercise → who judges it.
JUDGES: dict[str, Judge] = {
    name: judge for module in _MODULES for name, judge in module.JUDGES.items()
}


def judge(name: str, answer: Any, cloud: Cloud, settings: Settings) -> Verdict:
    """Judge the answer to an exercise, or what it left in the cloud.

    Raises:
        WorkbookError: there is no exercise of this name.
    """
    if name not in JUDGES:
        raise WorkbookError(
            f"there is no exercise {name!r}", todo=f"They are {', '.join(JUDGES)}."
        )
    try:
        wrong = JUDGES[name](answer, cloud, settings)
    except (AttributeError, LookupError, ParamValidationError, TypeError, ValueError):
        # What stands where a pair, a name or a number was asked for has no verdict.
        shown = reprlib.repr(answer)
        wrong = f"`{shown}` has another form than the cell's own value: keep its form."
    return Verdict(name, wrong)


def of(step: int) -> list[str]:
    """List the exercises of a notebook."""
    return [name for name in JUDGES if step_of(name) == step]
