"""Check 8: no fault of a lab is left, and nothing that failed waits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import ModuleType

from deploy.cloud import Cloud
from deploy.errors import DeployError
from deploy.settings import Settings
from deploy.steps import buckets, failures, function, role, trigger
from deploy.waiting import NO_RESOURCE, if_there
from workbook.checks import role as role_check
from workbook.checks.findings import Finding, judged, waiting

_PARTS: tuple[tuple[str, ModuleType, str], ...] = (
    ("the buckets are as they should be", buckets, "02_buckets"),
    ("the role may do what the function needs, and no more", role, "03_role"),
    ("the function has its code, its layer and its numbers", function, "05_function"),
    ("the bucket may call the function, and does", trigger, "06_trigger"),
    ("failed events have a queue", failures, "08_failures"),
)
_RUNS = "nobody has stopped the function"
_EMPTY = "no failed event waits"


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at every part that a lab can break, and at the on-failure queue."""
    settings = dataclasses.replace(settings, reliable=True)
    for name, step, notebook in _PARTS:
        good, mend = _as_it_should(step, notebook, cloud, settings)
        yield judged(name, good, mend)
    limit = if_there(
        cloud.awslambda.get_function_concurrency,
        NO_RESOURCE,
        FunctionName=settings.function_name,
    )
    if limit is None:
        yield from waiting("the function", _RUNS)
    else:
        yield judged(
            _RUNS,
            limit.get("ReservedConcurrentExecutions") != 0,
            "Its concurrency is 0: `delete_function_concurrency`, or "
            "`labs.undo_all()` (08_failures).",
        )
    held = _events(cloud, settings)
    if held is None:
        yield from waiting("the queue", _EMPTY)
        return
    yield judged(
        _EMPTY,
        held == 0,
        f"{held} wait in {settings.failure_queue}. Mend their cause, then run "
        "`from deploy import replay` and `replay(cloud, settings)` (08_failures).",
    )


def _wrong_rights(cloud: Cloud, settings: Settings) -> str:
    """Say in words which right is missing, denied or too wide; nothing else."""
    if refused := next(filter(None, role_check.refusals(cloud, settings)), ""):
        return refused
    wide = role_check.too_wide(cloud, settings)
    return f"Too wide: it also has {'; '.join(wide)}." if wide else ""


def _as_it_should(
    step: ModuleType, notebook: str, cloud: Cloud, settings: Settings
) -> tuple[bool, str]:
    """Compare a part with the settings; say what differs."""
    try:
        found = step.describe(cloud, settings)
    except DeployError as error:
        return False, str(error)
    if found is None:
        return False, f"There is none: `up(cloud, reliable=True)` ({notebook})."
    if step is role and (wrong := _wrong_rights(cloud, settings)):
        return False, f"{wrong} `labs.undo_all()`, or {notebook}."
    differs = ", ".join(found.drift)
    return not differs, f"It differs: {differs}. `labs.undo_all()`, or {notebook}."


def _events(cloud: Cloud, settings: Settings) -> int | None:
    try:
        found = failures.describe(cloud, settings)
    except DeployError:
        return None
    return found.events if found and found.arn else None
