"""What a check found: a line each, green, red, or waiting for another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbook import html

State = Literal["ok", "mend", "waits"]

_MARKS = {"ok": ("✓", html.GREEN), "mend": ("✗", html.RED), "waits": ("–", html.GREY)}


@dataclass(frozen=True)
class Finding:
    """One line of a check.

    Attributes:
        name: what was looked at, in a few words; the same whatever was found.
        state: "ok", "mend", or "waits" for what can only be seen later.
        mend: what is wrong and what to do about it, with the notebook.
    """

    name: str
    state: State
    mend: str = ""


@dataclass(frozen=True, repr=False)
class Report:
    """What a check of one step found."""

    step: int
    notebook: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> int:
        """How many lines are green."""
        return sum(finding.state == "ok" for finding in self.findings)

    @property
    def total(self) -> int:
        """How many lines there are."""
        return len(self.findings)

    @property
    def ok(self) -> bool:
        """Whether every line is green."""
        return self.passed == self.total

    def __bool__(self) -> bool:
        """Let a cell say `assert check(2)`."""
        return self.ok

    def __repr__(self) -> str:
        """Write the list as text."""
        lines = [self._title]
        for finding in self.findings:
            lines.append(f"  {_MARKS[finding.state][0]} {finding.name}")
            if finding.mend:
                lines.append(f"      {finding.mend}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(_row(finding) for finding in self.findings)
        colour = html.GREEN if self.ok else html.RED
        title = f"<b>{html.escape(self._title)}</b>"
        return html.block(
            f'<div style="border-left:4px solid {colour};padding:2px 14px">'
            f"{title}{rows}</div>"
        )

    @property
    def _title(self) -> str:
        if not self.findings:
            return f"{self.notebook}: it leaves nothing in the cloud to look at."
        if self.ok:
            return f"{self.notebook}: all {self.total} checks are green."
        return f"{self.notebook}: {self.passed} of {self.total} checks are green."


def judged(name: str, good: bool, mend: str) -> Finding:
    """Make a green line, or a red one that says what to mend."""
    return Finding(name, "ok") if good else Finding(name, "mend", mend)


def waiting(what: str, *names: str) -> list[Finding]:
    """Make lines that cannot be looked at before something else is there."""
    return [Finding(name, "waits", f"Waits for {what}.") for name in names]


def _row(finding: Finding) -> str:
    mark, colour = _MARKS[finding.state]
    mend = f'<div style="opacity:.85">{html.marked(finding.mend)}</div>'
    return (
        '<div style="display:flex;margin:3px 0">'
        f'<div style="margin-right:10px">{html.badge(mark, colour)}</div>'
        f"<div>{html.escape(finding.name)}{mend if finding.mend else ''}</div></div>"
    )
