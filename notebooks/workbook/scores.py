"""`check(step)`, and the running score, in a file that a teacher's program can read."""

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
from deploy.home import home
from deploy.local import server
from deploy.settings import Settings
from workbook import checks, exercises, session
from workbook.checks.findings import Report
from workbook.show import html


class Score(dict):
    """Steps → {"notebook", "passed", "best", "total"}, printable, and as JSON.

    Exercises are counted apart: `2a` → {"notebook", "right", "tries"}.
    """

    @property
    def points(self) -> int:
        """The sum of each step's best result."""
        return sum(step["best"] for step in self["steps"].values())

    @property
    def total(self) -> int:
        """What all steps together can give."""
        return sum(step["total"] for step in self["steps"].values())

    @property
    def solved(self) -> str:
        """How many exercises were solved, of how many, in words."""
        right = sum(each["right"] for each in self["exercises"].values())
        return f"Exercises: {right} of {len(exercises.JUDGES)}"

    def to_json(self, path: Path | str | None = None) -> str:
        """Write the score as JSON, to a file too if one is named."""
        text = json.dumps(self, indent=2)
        if path is not None:
            Path(path).write_text(text + "\n", "utf-8")
        return text

    def __repr__(self) -> str:
        """Show a line for every step."""
        lines = [f"Score: {self.points} of {self.total}"]
        for step in self["steps"].values():
            lines.append(f"  {step['notebook']:<12} {step['best']} of {step['total']}")
        return "\n".join([*lines, self.solved])

    def _repr_html_(self) -> str:
        rows = [
            (
                html.escape(step["notebook"]),
                _bar(step["best"], step["total"]),
                f"{step['best']} of {step['total']}",
            )
            for step in self["steps"].values()
        ]
        title = f"<b>Score: {self.points} of {self.total}. {self.solved}</b>"
        return html.block(title) + html.table(("step", "", "green"), rows)


def check(
    step: int, cloud: Cloud | None = None, settings: Settings | None = None
) -> Report:
    """Look at what a step built, and say what is right and what to mend.

    Looks at the resources through AWS calls, not at the notebook's variables, and
    notes the result for `score()`.
    """
    report = checks.look(step, *session.place(cloud, settings))
    note(report)
    return report


def exercise(name: str, answer: Any = None) -> exercises.Verdict:
    """Judge an exercise, `2a`, and note it for `score()`.

    It is judged by the answer given, or by what it left in the cloud.
    """
    verdict = exercises.judge(name, answer, *session.current())
    path = default_path()
    known = _read(path, "exercises")
    before = known.get(name, {"right": False, "tries": 0})
    known[name] = {
        "notebook": session.NOTEBOOKS[exercises.step_of(name)],
        "right": before["right"] or verdict.right,
        "tries": before["tries"] + 1,
    }
    _merged(path, [], known)
    return verdict


def score(path: Path | str | None = None) -> Score:
    """Check every step now, and show each one's best result so far.

    What was green stays counted, so that cleaning up takes no points away. The score
    is kept in `.local-cloud/score.json`, or `score-anna.json` for `WORKBOOK_NAME=anna`;
    the file named gets a copy, for a teacher.
    """
    cloud, settings = session.current()
    reports = [checks.look(step, cloud, settings) for step in checks.LOOKS]
    found = _merged(default_path(), reports)
    if path is not None:
        _write(found, Path(path))
    return found


def note(report: Report, path: Path | None = None) -> None:
    """Note one check's result."""
    if report.total:
        _merged(path or default_path(), [report])


def default_path() -> Path:
    """Return where the score of this checkout, or of this learner's cloud, is kept.

    Each name has a file: learners may share a cloud, or a machine.
    """
    own = os.environ.get("WORKBOOK_LOCAL_CLOUD")
    name = os.environ.get("WORKBOOK_NAME")
    file = f"score-{name}.json" if name else "score.json"
    return (server.folder() if own else home()) / file


def _merged(
    path: Path, reports: list[Report], solved: dict[str, Any] | None = None
) -> Score:
    """Merge reports into the file's score: the best result of each step counts.

    A folder that cannot be written to is no error.
    """
    steps = _read(path, "steps")
    for report in reports:
        before = steps.get(str(report.step), {})
        steps[str(report.step)] = {
            "notebook": report.notebook,
            "passed": report.passed,
            "best": max(report.passed, before.get("best", 0)),
            "total": report.total,
        }
    # An empty cloud is no clean-up: that counts once something had been built.
    built = any(steps[step]["best"] for step in steps if step != "11")
    if "11" in steps and not built:
        steps["11"]["passed"] = steps["11"]["best"] = 0
    ordered = {step: steps[step] for step in sorted(steps, key=int)}
    found = Score(
        name=os.environ.get("WORKBOOK_NAME", ""),
        steps=ordered,
        exercises=_read(path, "exercises") if solved is None else solved,
        **_times(path),
        versions=_versions(),
    )
    found["points"], found["out_of"] = found.points, found.total
    with suppress(OSError):
        _write(found, path)
    return found


def _write(found: Score, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    found.to_json(beside)
    beside.replace(path)


def _times(path: Path) -> dict[str, str]:
    """Say when the score was begun, and that it is of now."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    begun = ""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        begun = json.loads(path.read_text("utf-8")).get("begun")
    return {"begun": begun or now, "updated": now}


def _versions() -> dict[str, str]:
    """Say what the learner runs; a checkout that is not installed has no version."""
    versions = {"python": platform.python_version()}
    with suppress(metadata.PackageNotFoundError):
        versions["workbook"] = metadata.version("thumbnail-workbook")
    return versions


def _read(path: Path, part: str) -> dict[str, Any]:
    try:
        steps = json.loads(path.read_text("utf-8"))[part]
        return {
            name: dict(found)
            for name, found in steps.items()
            if int(name.rstrip("abc")) >= 0
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # none yet, or not ours: it is written anew


def _bar(best: int, total: int) -> str:
    width = round(160 * best / total) if total else 0
    return (
        '<div style="width:160px;height:12px;background:rgba(128,128,128,.3)">'
        f'<div style="width:{width}px;height:12px;background:{html.GREEN}"></div>'
        "</div>"
    )
