"""`check(step)`, `exercise(name)` and the score: what this learner did, and when.

A notebook gives a point for each exercise that was solved, and one when its check was
all green. Both count in that notebook's own session alone (`begin(step=2)`), and the
check only where the notebook's cells made the calls: `up()` gives no point. The file
can be read by a teacher's program (`class collect`).
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from deploy.cloud import Cloud
from deploy.home import score_file, turn
from deploy.settings import Settings
from workbook import checks, copies, exercises, html, session
from workbook.checks.findings import Report
from workbook.html import Html

#: What a notebook teaches to call, and its cells call by themselves.
OWN_CALLS: dict[int, set[str]] = {
    2: {"CreateBucket", "PutBucketPolicy"},
    3: {"CreateRole", "PutRolePolicy"},
    4: {"CreateFunction"},  # the probe: a layer that stands is not published again
    5: {"CreateFunction", "UpdateFunctionCode"},
    6: {"AddPermission", "PutBucketNotificationConfiguration"},
    7: {"PutObject", "Invoke", "PutRolePolicy"},
    8: {"UpdateFunctionConfiguration", "PutRolePolicy", "PutObject", "Invoke"},
    9: {"GetFunctionConfiguration", "GetObject", "ListObjectsV2"},
    10: {"PutObject", "HeadObject", "PutBucketLifecycleConfiguration"},
    11: {"PutBucketNotificationConfiguration", "RemovePermission", "DeleteBucket"},
}

#: Far longer than a score takes to be written.
TURN_S = 60

#: The notebooks that give points; the tour is a demonstration.
STEPS = tuple(step for step in session.NOTEBOOKS if step)


class Score(dict):
    """Steps → {"notebook", "check", "best", "total"}, printable, and as JSON.

    Exercises: `2a` → {"notebook", "right", "tries", "at"}.
    """

    @property
    def points(self) -> int:
        """The points of all notebooks."""
        return sum(step["best"] for step in self["steps"].values())

    @property
    def total(self) -> int:
        """What all notebooks together can give."""
        return sum(step["total"] for step in self["steps"].values())

    def to_json(self, path: Path | str | None = None) -> str:
        """Write the score as JSON, to a file too if one is named."""
        text = json.dumps(self, indent=2)
        if path is not None:
            Path(path).write_text(text + "\n", "utf-8")
        return text

    def __repr__(self) -> str:
        """Show a line for every notebook."""
        lines = [self._title]
        for step in self["steps"].values():
            lines.append(f"  {step['notebook']:<12} {step['best']} of {step['total']}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (
                html.escape(step["notebook"]),
                _bar(step["best"], step["total"]),
                f"{step['best']} of {step['total']}",
            )
            for step in self["steps"].values()
        ]
        title = f"<b>{html.escape(self._title)}</b>"
        return html.block(title) + html.table(("notebook", "", "points"), rows)

    @property
    def _title(self) -> str:
        name = f" of {self['name']}" if self["name"] else ""
        return f"Score{name}: {self.points} of {self.total}"


class Tally(Html):
    """A notebook's points and the course's, in a line with a bar, and what is open."""

    def __init__(self, score: Score, step: int, own: bool = True) -> None:
        here = score["steps"][str(step)]
        best, total = here["best"], here["total"]
        open_ = [
            name
            for name in exercises.of(step)
            if not score["exercises"].get(name, {}).get("right")
        ]
        parts = [f"exercise {name}" for name in open_]
        if step in checks.LOOKS and not here["check"]:
            parts.append(f"check({step})")
        line = f"{best} of {total}, course {score.points} of {score.total}"
        rest = f"Open: {', '.join(parts)}." if parts else "All done."
        if parts[-1:] == [f"check({step})"] and not own:
            rest += " It counts once this notebook's own cells have run from the first."
        shown = html.escape(f"{here['notebook']}: {line}")
        shown = f"<b>{shown}</b>{_bar(best, total)}{html.escape(rest)}"
        super().__init__(html.block(shown), f"{here['notebook']}: {line}\n{rest}")


def check(
    step: int, cloud: Cloud | None = None, settings: Settings | None = None
) -> Report:
    """Look at what a step built, and say what is right and what to mend.

    Looks at the resources through AWS calls, not at the notebook's variables, and
    notes the result for `score()`.
    """
    report = checks.look(step, *session.place(cloud, settings))
    if report.total and report.ok and _is_own(step):
        _note(checks={str(step): _now()})
    return report


def exercise(name: str, answer: Any = None) -> exercises.Verdict:
    """Judge an exercise, `2a`, and note it for `score()`.

    It is judged by the answer given, or by what it left in the cloud. A cell that is as
    the notebook gave it is no try.
    """
    verdict = exercises.judge(name, answer, *session.current())
    step = exercises.step_of(name)
    if session.begun() == step and (verdict.right or not _as_given(step)):
        before = _read(score_file(), "exercises").get(name, {})
        tried: dict[str, Any] = {
            "notebook": session.NOTEBOOKS[step],
            "right": before.get("right", False) or verdict.right,
            "tries": before.get("tries", 0) + 1,
            "at": before["at"] if before.get("right") else _now(),
        }
        _note(exercises={name: tried})
    return verdict


def tally(step: int) -> Tally:
    """Show what a notebook gave so far, and the course: the notebook's last line.

    "02_buckets: 3 of 4, course 11 of 38", with a bar, and what is open. It looks at
    nothing: `check(step)` and `exercise(name)` before it note what they saw.

    Raises:
        WorkbookError: there is no such step, or it gives no points.
    """
    if step not in STEPS:
        raise session.no_step(step)
    own = step not in OWN_CALLS or _is_own(step)
    return Tally(_merged(score_file()), step, own)


def score(path: Path | str | None = None) -> Score:
    """Show the points of every notebook so far, and write them to a file if named.

    What was right once stays counted, so cleaning up takes no points away. The score
    is kept in `.local-cloud/score.json`, or `score-anna.json` for `WORKBOOK_NAME=anna`;
    the file named gets a copy, for a teacher, and a reset offers to clear it.
    """
    found = _merged(score_file())
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        found.to_json(path)
    return found


def _is_own(step: int) -> bool:
    """Tell whether the cells of this notebook made its calls, in this session."""
    return session.begun() == step and OWN_CALLS[step] <= session.own_calls()


def _as_given(step: int) -> bool:
    """Tell whether the cell that runs stands in the notebook, letter by letter."""
    given = copies.code_of(f"{session.NOTEBOOKS[step]}.ipynb")
    return session.running_cell() in [source.strip() for source in given]


def _note(**found: dict[str, Any]) -> None:
    """Note what was seen; a folder that cannot be written to is no error."""
    path = score_file()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with turn(path.with_suffix(".lock"), TURN_S):  # two notebooks may be open
            beside = path.with_suffix(".new")
            _merged(path, **found).to_json(beside)
            beside.replace(path)


def _merged(path: Path, **found: dict[str, Any]) -> Score:
    """Merge what was found now into the file's score; what was right stays right."""
    tried = _read(path, "exercises") | found.get("exercises", {})
    seen = {
        step: each["check"]
        for step, each in _read(path, "steps").items()
        if each.get("check")
    }
    seen = found.get("checks", {}) | seen
    steps = {str(step): _step(step, seen.get(str(step), ""), tried) for step in STEPS}
    score = Score(
        name=os.environ.get("WORKBOOK_NAME", ""),
        steps=steps,
        exercises={name: tried[name] for name in exercises.JUDGES if name in tried},
        begun=_begun(path) or _now(),
        updated=_now(),
        versions=_versions(),
    )
    score["points"], score["out_of"] = score.points, score.total
    return score


def _step(step: int, seen: str, tried: dict[str, Any]) -> dict[str, Any]:
    """Count a notebook's points: its exercises, and its check where it has one."""
    names = exercises.of(step)
    solved = sum(bool(tried.get(name, {}).get("right")) for name in names)
    return {
        "notebook": session.NOTEBOOKS[step],
        "check": seen,
        "best": solved + bool(seen),
        "total": len(names) + (step in checks.LOOKS),
    }


def _read(path: Path, part: str) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text("utf-8"))[part]
        return {name: dict(each) for name, each in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # none yet, or not ours: it is written anew


def _begun(path: Path) -> str:
    with suppress(OSError, ValueError, TypeError, AttributeError):
        return str(json.loads(path.read_text("utf-8")).get("begun") or "")
    return ""


def _versions() -> dict[str, str]:
    """Say what the learner runs; a checkout that is not installed has no version."""
    versions = {"python": platform.python_version()}
    with suppress(metadata.PackageNotFoundError):
        versions["workbook"] = metadata.version("thumbnail-workbook")
    return versions


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _bar(best: int, total: int) -> str:
    width = round(160 * best / total) if total else 0
    return (
        '<div style="width:160px;height:12px;background:rgba(128,128,128,.3)">'
        f'<div style="width:{width}px;height:12px;background:{html.GREEN}"></div>'
        "</div>"
    )
