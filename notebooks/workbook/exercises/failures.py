"""The exercises of 08_failures."""

from __future__ import annotations

from collections.abc import Collection

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook import labs
from workbook.exercises.verdict import Judge

#: The labs in which the pipeline did what it should.
SOUND = frozenset({10, 11})
#: Two labs are mended in the text, and in one nothing is to be mended.
SHOWN = frozenset({1, 2, 11})
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
    mended = sorted(labs.by_hand() - SHOWN)
    if len(mended) >= ENOUGH:
        return ""
    done = f"none of the {ENOUGH} asked for"
    if mended:
        word = "lab" if len(mended) == 1 else "labs"
        named = " and ".join(map(str, mended))
        done = f"{word} {named} ({len(mended)} of the {ENOUGH} asked for)"
    return (
        f"Mended by hand so far: {done}. Mend each until `labs.verdict()` says right."
    )


JUDGES: dict[str, Judge] = {"8a": _sound, "8b": _by_hand}
