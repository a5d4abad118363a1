"""What the verbs answer: a plan, a status, findings, what stands, what is left."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

from deploy.errors import DeployError, ForeignResourceError
from deploy.settings import Settings

_BELOW = " " * 22
#: Field → what it is, and what it should be.
Drift = dict[str, tuple[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a step's `describe` saw; each step adds what is its own.

    Attributes:
        arn: of the part that the next steps need; None where only the rest stands.
        drift: where it differs from the settings.
        says: what a reader of `status` should know.
        events: how many events or uploads it holds, about.
    """

    arn: str | None = None
    drift: Drift = field(default_factory=dict)
    says: str = ""
    events: int = 0


@dataclass(frozen=True)
class Claim:
    """Something that stands, as `down` finds it before it deletes anything.

    Attributes:
        kept: why it is left alone, as that it is not ours; "" where it goes.
        holds: whether there is something in it that goes with it.
    """

    what: str
    kept: str = ""
    holds: bool = False

    @property
    def note(self) -> str:
        """Say that it stays, and why."""
        return f"{self.what} was left alone: {self.kept}"


def claimed(what: str, find: Callable[[], object | None]) -> list[Claim]:
    """Look for something by a call that refuses what is not ours."""
    try:
        return [Claim(what)] if find() is not None else []
    except ForeignResourceError as error:
        return [Claim(what, error.what)]


def left_alone(claims: list[Claim]) -> list[str]:
    """Say of each that is not ours that it stays."""
    return [claim.note for claim in claims if claim.kept]


@dataclass(frozen=True)
class Item:
    """One line of a plan or a status.

    Attributes:
        state: in a plan "create", "update", "keep", "remove" or "refused"; in a
            status "ready", "differs", "missing" or "foreign".
        found: what `describe` returned.
        error: why there is nothing found, where that was an error.
    """

    step: str
    resource: str
    state: str
    note: str = ""
    found: Found | None = field(default=None, repr=False)
    error: DeployError | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Lay the line out in columns."""
        note = f"  ({self.note})" if self.note else ""
        # A second resource stands below the first.
        resources = indent(self.resource, _BELOW).lstrip()
        return f"{self.state:<8}  {self.step:<9} {resources}{note}"


@dataclass(frozen=True)
class Finding:
    """What one check saw.

    Attributes:
        level: "ok", "skipped" (an emulator has no such thing), "warning" or "refusal".
        about: the check's name, as in "rights".
    """

    level: str
    about: str
    what: str
    where: str = ""
    todo: str = ""

    def __str__(self) -> str:
        """Lay the line out in columns, what to do below it."""
        line = f"{self.level:<8}  {self.about:<9} {self.what}"
        return f"{line}.\n{indent(self.todo, _BELOW)}" if self.todo else line


@dataclass(frozen=True, repr=False)
class Plan:
    """What `up` would do, what stands in its way, its policies, and what that costs."""

    settings: Settings
    where: str
    items: tuple[Item, ...]
    findings: tuple[Finding, ...]
    policies: dict[str, Any]
    cost: str

    @property
    def refused(self) -> bool:
        """Whether `up` would make nothing."""
        return any(finding.level == "refusal" for finding in self.findings)

    @property
    def short(self) -> str:
        """The plan without the policies: what `up` says before it begins."""
        return f"{self._steps()}\n{self.cost}"

    def __repr__(self) -> str:
        """Show the steps and findings, then the policies as JSON, then the cost."""
        documents = [
            f"{name}:\n{json.dumps(document, indent=2)}"
            for name, document in self.policies.items()
        ]
        return "\n\n".join([self._steps(), *documents, self.cost])

    def _steps(self) -> str:
        found = [f"  {finding}" for finding in self.findings]
        return "\n".join([_table(self.where, self.items), "Checked:", *found])


@dataclass(frozen=True, repr=False)
class Status:
    """What of the pipeline exists, and where it differs from its settings."""

    settings: Settings
    where: str
    items: tuple[Item, ...]

    @property
    def ready(self) -> bool:
        """Whether every step is as `up` would leave it."""
        return all(item.state == "ready" for item in self.items)

    def __repr__(self) -> str:
        """Show a line for every step, and what to do next."""
        todo = "" if self.ready else "\n\n`up` makes what is missing or differs."
        return _table(self.where, self.items) + todo


@dataclass(frozen=True, repr=False)
class Stack:
    """The pipeline that stands: its settings, ARNs and URLs."""

    settings: Settings
    where: str
    arns: dict[str, str]
    urls: dict[str, str]

    def __repr__(self) -> str:
        """Show where to upload, where thumbnails appear, and every ARN."""
        # With its https:// it would be a link to a list that only the owner may see.
        shown = re.sub("^https?://", "", self.urls["thumbnails"])
        rows = {"upload to": self.urls["upload"], "thumbnails": shown}
        lines = [f"  {name:<10} {value}" for name, value in (rows | self.arns).items()]
        return "\n".join([f"{self.settings.name!r} on {self.where}", *lines])


@dataclass(frozen=True, repr=False)
class Teardown:
    """What `down` saw afterwards: what is left, and what is worth knowing."""

    left: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        """Say that nothing is left, or list what is."""
        lines = [f"Note: {note}." for note in self.notes]
        if not self.left:
            kept = any(" was left alone: " in note for note in self.notes)
            end = "Nothing else is left." if kept else "Nothing is left."
            return "\n".join([*lines, end])
        return "\n".join([*lines, "Left:", *(f"  {line}" for line in self.left)])


def _table(where: str, items: tuple[Item, ...]) -> str:
    return "\n".join([where, *(f"  {item}" for item in items)])
