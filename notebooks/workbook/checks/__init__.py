"""`check(step)`: looks at the resources themselves and says what to mend, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook import session
from workbook.checks import (
    buckets,
    cleanup,
    effects,
    failures,
    function,
    layer,
    platform,
    role,
    trigger,
    watch,
)
from workbook.checks.findings import Finding, Report
from workbook.scores import note

Look = Callable[[Cloud, Settings], Iterator[Finding]]

LOOKS: dict[int, Look] = {
    2: buckets.look,
    3: role.look,
    4: layer.look,
    5: function.look,
    6: trigger.look,
    7: watch.look,
    8: failures.look,
    9: effects.look,
    10: platform.look,
    11: cleanup.look,
}


def check(
    step: int, cloud: Cloud | None = None, settings: Settings | None = None
) -> Report:
    """Look at what a step built, and say what is right and what to mend.

    Looks at the resources through AWS calls, not at the notebook's variables, and
    notes the result for `score()`.
    """
    report = look(step, *_where(cloud, settings))
    note(report)
    return report


def look(step: int, cloud: Cloud, settings: Settings) -> Report:
    """Do the same as `check`, and note nothing."""
    if step not in session.NOTEBOOKS:
        raise session.no_step(step)
    name = session.NOTEBOOKS[step]
    findings = LOOKS[step](cloud, settings) if step in LOOKS else ()
    return Report(step, name, tuple(findings))


def _where(cloud: Cloud | None, settings: Settings | None) -> tuple[Cloud, Settings]:
    if cloud is None or settings is None:
        here, its = session.current()
        cloud, settings = cloud or here, settings or its
    return cloud, settings
