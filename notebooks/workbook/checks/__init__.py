"""What each step should leave: resources looked at, what to mend said, and where."""

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


def look(step: int, cloud: Cloud, settings: Settings) -> Report:
    """Look at what a step built, through AWS calls alone; `check` notes it, too.

    Raises:
        WorkbookError: there is no such step.
    """
    if step not in session.NOTEBOOKS:
        raise session.no_step(step)
    name = session.NOTEBOOKS[step]
    findings = LOOKS[step](cloud, settings) if step in LOOKS else ()
    return Report(step, name, tuple(findings))
