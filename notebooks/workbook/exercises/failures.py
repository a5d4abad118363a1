"""The exercises of 08_failures."""

from __future__ import annotations

from collections.abc import Collection

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.checks import trigger
from workbook.exercises.verdict import Judge

#: The labs in which the pipeline did what it should.
SOUND = frozenset({10, 11})


def _sound(labs: Collection[int], cloud: Cloud, settings: Settings) -> str:
    named = set(labs)
    if not named:
        return "Name two labs: `{1, 2}` would be the first two."
    if 3 in named:
        return "In lab 3 the path is broken: no rule matches the name."
    if broken := sorted(named - SOUND):
        return f"In lab {broken[0]} something is broken: `follow` says what."
    if missing := SOUND - named:
        return f"That is right, and {len(missing)} more is to be named."
    return ""


def _invited(answer: object, cloud: Cloud, settings: Settings) -> str:
    """Look at the permission that lab 6 takes away, and that a learner gives back."""
    wrong = [each for each in trigger.permission(cloud, settings) if each.mend]
    if not wrong:
        return ""
    if "is None" in wrong[0].mend:
        return f"Too wide: it would let other buckets in. {wrong[0].mend}"
    return wrong[0].mend


JUDGES: dict[str, Judge] = {"8a": _sound, "8b": _invited}
