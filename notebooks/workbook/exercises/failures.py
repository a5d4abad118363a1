"""The exercises of 08_failures."""

from __future__ import annotations

from collections.abc import Collection

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook import labs
from workbook.exercises.verdict import Judge

#: The labs in which the pipeline did what it should.
SOUND = frozenset({10, 11})
#: Why some labs do not count.
UNCOUNTED = {
    "the text mends them": frozenset({1, 2}),
    "nothing is to be mended there": frozenset({11}),
}
#: How many of the others are mended by hand.
ENOUGH = 3


def _sound(numbers: Collection[int], cloud: Cloud, settings: Settings) -> str:
    named = set(numbers)
    if not named:
        return "Name two labs: `{1, 2}` would be the first two."
    if 3 in named:
        return "In lab 3 the path is broken: no rule matches the name."
    if broken := sorted(named - SOUND):
        return f"In lab {broken[0]} something is broken: `follow` says what."
    if missing := SOUND - named:
        return f"That is right, and {len(missing)} more is to be named."
    return ""


def _by_hand(answer: object, cloud: Cloud, settings: Settings) -> str:
    """Count the labs that the learner mended."""
    mended = labs.by_hand()
    counted = mended.difference(*UNCOUNTED.values())
    if len(counted) >= ENOUGH:
        return ""
    done = f"{_named(counted)} ({len(counted)} of the {ENOUGH} asked for)"
    if not counted:
        done = f"none of the {ENOUGH} asked for"
    beside = "".join(
        f" Not counted: {_named(mended & numbers)}, as {why}."
        for why, numbers in UNCOUNTED.items()
        if mended & numbers
    )
    return (
        f"Mended by hand so far: {done}.{beside} Mend each until `labs.verdict()` "
        "says right."
    )


def _named(numbers: Collection[int]) -> str:
    """Write "lab 3", or "labs 3 and 6"."""
    word = "lab" if len(numbers) == 1 else "labs"
    return f"{word} {' and '.join(map(str, sorted(numbers)))}"


JUDGES: dict[str, Judge] = {"8a": _sound, "8b": _by_hand}
