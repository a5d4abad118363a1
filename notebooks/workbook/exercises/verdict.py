"""What an answer to an exercise is worth, and who says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook import session
from workbook.show import html
from workbook.show.html import Html

#: Judges an answer, or what was left in the cloud: nothing where it is right, else a
#: sentence about what is not yet right.
Judge = Callable[[Any, Cloud, Settings], str]


class Verdict(Html):
    """What an answer is worth: right, or not yet, and why."""

    def __init__(self, name: str, wrong: str) -> None:
        self.name, self.right = name, not wrong
        notebook = session.NOTEBOOKS[step_of(name)]
        result = f"not yet. {wrong}" if wrong else "right."
        text = f"Exercise {name} of {notebook}: {result}"
        super().__init__(html.note(text, html.ORANGE if wrong else html.GREEN), text)


def step_of(name: str) -> int:
    """Return the notebook of an exercise: 2 for `2a`."""
    return int(name[:-1])
