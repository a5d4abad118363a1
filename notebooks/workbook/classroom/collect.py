"""Score files of a class → a table for programs (CSV) and a page for people (HTML)."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from deploy.home import in_plain_words, in_utf8
from workbook.errors.messages import WorkbookError

CSV, PAGE = "class.csv", "class.html"

#: What a score file says of its owner's work, on the page and in TEACHING.md.
PROVES = (
    "A score file is plain text that its owner can change, and its times are those of "
    "its owner's clock. It says which exercises were solved, and that a check saw what "
    "a notebook's own cells had built. It cannot say who ran them: answers and files "
    "can be copied. It does not replace a question: ask for what was understood."
)

#: No score is nearly as large; what is was put there by mistake.
_LARGEST = 1_000_000


@dataclass(frozen=True)
class Step:
    """A learner's best result in one step."""

    number: int
    notebook: str
    best: int
    total: int

    @property
    def whole(self) -> bool:
        """Whether all of it was right once."""
        return self.best >= self.total


@dataclass(frozen=True)
class Exercise:
    """A learner's work on one exercise, `2a`."""

    name: str
    notebook: str
    right: bool
    tries: int


@dataclass(frozen=True)
class Learner:
    """One score file that could be read.

    Attributes:
        updated: when it was last written, by the learner's own clock; "" if it is
            not told.
        versions: of what the learner ran, in a line; "" if they are not told.
        begun: when it was first written, by the same clock.
    """

    name: str
    file: str
    steps: tuple[Step, ...]
    updated: str
    versions: str
    begun: str = ""
    exercises: tuple[Exercise, ...] = ()

    @property
    def points(self) -> int:
        """The sum of each step's best result."""
        return sum(step.best for step in self.steps)

    @property
    def total(self) -> int:
        """What all steps together can give."""
        return sum(step.total for step in self.steps)

    @property
    def solved(self) -> int:
        """How many exercises were right once."""
        return sum(each.right for each in self.exercises)

    @property
    def stopped(self) -> Step | None:
        """The first step that is not whole, from the last that was begun on.

        A plan leaves steps out, and nobody stopped there. None where all are whole.
        """
        last = max((at for at, step in enumerate(self.steps) if step.best), default=0)
        ahead_first = (*self.steps[last:], *self.steps[:last])
        return next((step for step in ahead_first if not step.whole), None)


@dataclass(frozen=True, repr=False)
class Collected:
    """What a folder of score files holds, and a sentence for each that was skipped."""

    learners: tuple[Learner, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def steps(self) -> dict[int, str]:
        """Every step that some file knows, in order."""
        every = {s.number: s.notebook for each in self.learners for s in each.steps}
        return dict(sorted(every.items()))

    @property
    def exercises(self) -> dict[str, list[Exercise]]:
        """Who tried each exercise, in the course's order."""
        tried: dict[str, list[Exercise]] = {}
        for each in self.learners:
            for exercise in each.exercises:
                tried.setdefault(exercise.name, []).append(exercise)
        return dict(sorted(tried.items(), key=lambda item: _order(item[0])))

    @property
    def hardest(self) -> str:
        """Say which exercise stopped most of those who tried."""
        unsolved = {
            name: sum(not each.right for each in tried)
            for name, tried in self.exercises.items()
        }
        if not any(unsolved.values()):
            return "No exercise that was tried is still open."
        where, most = _most(unsolved)
        return (
            f"The exercise that stopped most: {where} "
            f"({most} tried and did not get it right)."
        )

    @property
    def stops(self) -> Counter[int]:
        """How many learners stopped at each step."""
        return Counter(each.stopped.number for each in self.learners if each.stopped)

    def __repr__(self) -> str:
        """Show a line for every learner, what was skipped, and where most stopped."""
        lines = [f"{len(self.learners)} scores"]
        for each in self.learners:
            at = each.stopped.notebook if each.stopped else "all done"
            lines.append(f"  {each.name:<25} {each.points:>3} of {each.total}  {at}")
        lines += [f"Skipped: {line}" for line in self.skipped]
        lines += [f"Note: {line}" for line in self.notes]
        return "\n".join([*lines, self.most, self.hardest])

    @property
    def most(self) -> str:
        """Say which step stopped most."""
        if not self.stops:
            return "Nobody stopped anywhere."
        stops = {self.steps[step]: count for step, count in sorted(self.stops.items())}
        where, most = _most(stops)
        return f"Most stopped at {where} ({most} of {len(self.learners)})."


def _most(counts: dict[str, int]) -> tuple[str, str]:
    """Name what was counted most often, and how often: "2a, 3b" and "each: 2"."""
    most = max(counts.values())
    where = [name for name, count in counts.items() if count == most]
    return ", ".join(where), f"each: {most}" if len(where) > 1 else f"{most}"


def collect(folder: Path | str) -> Collected:
    """Read every score file below a folder; the newest of each name counts.

    Raises:
        WorkbookError: there is no such folder, or no score file in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WorkbookError(
            "there is no such folder",
            where=str(folder),
            todo="Give the folder that you put the learners' score files into.",
        )
    read, skipped = [], []
    for path in sorted(folder.rglob("*.json")):
        file = in_utf8(path.relative_to(folder))
        try:
            read.append(_read(path, file))
        except ValueError as error:
            skipped.append(f"{file} {error}.")
    if not read and not skipped:
        raise WorkbookError(
            "there is no score file",
            where=str(folder),
            todo="A learner's is score.json; `score('anna.json')` writes a copy.",
        )
    learners, older = _newest(read)
    return Collected(tuple(learners), (*skipped, *older), tuple(_copied(learners)))


def write(found: Collected, folder: Path | str) -> tuple[Path, Path]:
    """Write table and page into a folder; return their paths."""
    table, page = Path(folder) / CSV, Path(folder) / PAGE
    with in_plain_words(Path(folder)):
        _write(found, table, page)
    return table, page


def _write(found: Collected, table: Path, page: Path) -> None:
    with table.open("w", encoding="utf-8-sig", newline="") as file:  # for Excel
        csv.writer(file).writerows(_rows(found))
    page.write_text(_page(found), "utf-8")


def _read(path: Path, file: str) -> Learner:
    """Read one file.

    Raises:
        ValueError: it is no score; the message says so after the file's name.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("is too large for a score")
        data = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("is damaged: it is no JSON") from error
    if not isinstance(data, dict) or not isinstance(data.get("steps"), dict):
        raise ValueError("is no score: it has no steps")
    part = "a step"
    try:
        steps = [_step(int(number), each) for number, each in data["steps"].items()]
        part = "an exercise"
        solved = [_exercise(*each) for each in data.get("exercises", {}).items()]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"is damaged: {part} of it cannot be read") from error
    counted = sorted((s for s in steps if s.total), key=lambda step: step.number)
    if not counted:
        raise ValueError("is a score of nothing: no step was checked")
    name = _text(data.get("name")) or _name(path)
    updated, versions = _text(data.get("updated")), _text(data.get("versions"))
    begun = _text(data.get("begun"))
    exercises = tuple(sorted(solved, key=lambda each: _order(each.name)))
    return Learner(name, file, tuple(counted), updated, versions, begun, exercises)


def _step(number: int, found: dict[str, Any]) -> Step:
    best, total = found["best"], found["total"]
    numbers = type(best) is int and type(total) is int
    if not numbers or not 0 <= best <= total or not 0 <= number < 100:
        raise ValueError
    return Step(number, _text(found.get("notebook")) or f"{number:02}", best, total)


def _exercise(name: str, found: dict[str, Any]) -> Exercise:
    right, tries = found["right"], found["tries"]
    if not re.fullmatch(r"\d{1,2}[a-z]", name):
        raise ValueError
    if type(right) is not bool or type(tries) is not int or not 0 < tries < 10**6:
        raise ValueError
    return Exercise(name, _text(found.get("notebook")) or name, right, tries)


def _order(exercise: str) -> tuple[int, str]:
    """Put `10a` behind `2b`."""
    return int(exercise[:-1]), exercise


def _text(value: Any) -> str:
    """Write what a file says as one short line."""
    if isinstance(value, dict):
        value = ", ".join(f"{key} {each}" for key, each in value.items())
    return " ".join(str(value or "").split())[:200]


def _name(path: Path) -> str:
    """Take a name from the file's, or from its folder's where it is `score.json`."""
    return in_utf8(path.parent.name if path.stem == "score" else path.stem)


def _newest(read: list[Learner]) -> tuple[list[Learner], list[str]]:
    """Let the newest file of each name count."""
    newest: dict[str, Learner] = {}
    older = []
    for each in sorted(read, key=lambda learner: _when(learner.updated)):
        if before := newest.get(each.name):
            older.append(f"{before.file} is older than {each.file}, of {each.name}.")
        newest[each.name] = each
    return sorted(newest.values(), key=lambda each: each.name.casefold()), older


def _when(updated: str) -> float:
    try:
        return datetime.fromisoformat(updated).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _copied(learners: list[Learner]) -> Iterator[str]:
    """Point out files of two names with the same results at the same second."""
    seen: dict[Any, Learner] = {}
    for each in learners:
        what = (each.steps, each.updated)
        if each.updated and what in seen:
            yield (
                f"{each.file} tells the same at the same second as "
                f"{seen[what].file}: one may be a copy."
            )
        seen[what] = each


def _rows(found: Collected) -> Iterator[list[Any]]:
    names = found.steps.values()
    times = ("begun", "updated", "versions")
    open_or_right = [f"exercise {name}" for name in found.exercises]
    yield ["name", "points", "out_of", "stopped_at", *times, *names, *open_or_right]
    for each in found.learners:
        best = {step.number: step.best for step in each.steps}
        stopped = each.stopped.notebook if each.stopped else ""
        told = (stopped, each.begun, each.updated, each.versions)
        results = [best.get(number, "") for number in found.steps]
        right = {e.name: "right" if e.right else "open" for e in each.exercises}
        results += [right.get(name, "") for name in found.exercises]
        yield [_plain(each.name), each.points, each.total, *map(_plain, told), *results]


def _plain(text: str) -> str:
    """Keep a spreadsheet from running a name as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


_STYLE = """
:root { color-scheme: light dark; --ink: #22303f; --paper: #fff; --line: #c9d1d9;
  --whole: #0f766e; --begun: #b45309; --none: #e5e9ed; --soft: #4a5868 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #14191f;
  --line: #3b4652; --whole: #2dd4bf; --begun: #f0a04b; --none: #2b343d;
  --soft: #a9b6c3 } }
body { background: var(--paper); color: var(--ink); max-width: 75rem; margin: 2rem auto;
  padding: 0 1rem; font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", sans-serif }
h1 { font-size: 1.6rem; margin-bottom: .3rem }
h2 { font-size: 1.2rem; margin-top: 2rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } td.n { white-space: nowrap; font-variant-numeric: tabular-nums }
td.bar { width: 40% } .soft { color: var(--soft) } td, th { overflow-wrap: anywhere }
.bar span { display: inline-block; height: 1rem; vertical-align: middle }
.bar div { display: flex; gap: 2px; background: var(--none) }
.whole { background: var(--whole) } .begun { background: var(--begun) }
.none { background: var(--none) } .cells span { flex: 1 }
.key span { display: inline-block; width: 1rem; height: 1rem; vertical-align: -.15rem }
"""


_LEARNERS = ("learner", "steps", "points", "exercises", "stopped at", "score of")


def _page(found: Collected) -> str:
    """Write the page: it needs no network, and follows the reader's light or dark."""
    told = [*found.skipped, *found.notes]
    lines = "".join(f"<li>{escape(line)}</li>" for line in told)
    files = f"<h2>Files to look at</h2><ul>{lines}</ul>" if told else ""
    count = len(found.learners)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Scores of a class</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>
<h1>{count} learner{"s" * (count != 1)}</h1>
<p><strong>{escape(found.most)}</strong><br><strong>{escape(found.hardest)}</strong></p>
<p class="key"><span class="whole"></span> whole &nbsp; <span class="begun"></span>
begun &nbsp; <span class="none"></span> not begun</p>
<h2>Who is where</h2>
{_table(_LEARNERS, _learners(found))}
<h2>Where learners stopped</h2>
{_table(("step", "learners", "whole", "begun", "stopped here"), _steps(found))}
<h2>Exercises</h2>
{_table(("exercise", "learners", "right", "still open", "tries"), _exercises(found))}
<h2>What this can tell</h2><p>{escape(PROVES)}</p>
{files}</body></html>
"""


def _learners(found: Collected) -> Iterator[tuple[str, ...]]:
    for each in found.learners:
        of = {step.number: step for step in each.steps}
        cells = "".join(_cell(name, of.get(n)) for n, name in found.steps.items())
        stopped = each.stopped.notebook if each.stopped else "all done"
        when = each.updated.replace("T", " ").removesuffix("+00:00")
        yield (
            f'<th scope="row">{escape(each.name)}</th>',
            f'<td class="bar"><div class="cells">{cells}</div></td>',
            f'<td class="n">{each.points} of {each.total}</td>',
            f'<td class="n">{each.solved or ""}</td><td>{escape(stopped)}</td>',
            f'<td class="soft">{escape(when or "?")}</td>',
        )


def _cell(notebook: str, step: Step | None) -> str:
    kind = "none" if step is None or not step.best else "begun"
    kind = "whole" if step is not None and step.whole else kind
    result = f"{step.best} of {step.total}" if step else "not checked"
    title = escape(f"{notebook}: {result}")
    return f'<span class="{kind}" title="{title}"></span>'


def _steps(found: Collected) -> Iterator[tuple[str, ...]]:
    for number, notebook in found.steps.items():
        every = [s for each in found.learners for s in each.steps if s.number == number]
        whole = sum(step.whole for step in every)
        begun = sum(0 < step.best < step.total for step in every)
        yield (
            *_bar(notebook, whole, begun, len(found.learners)),
            f'<td class="n">{found.stops[number] or ""}</td>',
        )


def _exercises(found: Collected) -> Iterator[tuple[str, ...]]:
    for name, tried in found.exercises.items():
        right = sum(each.right for each in tried)
        title = f"{name}, {tried[0].notebook}"
        yield (
            *_bar(title, right, len(tried) - right, len(found.learners)),
            f'<td class="n">{sum(each.tries for each in tried)}</td>',
        )


def _bar(title: str, whole: int, begun: int, learners: int) -> tuple[str, ...]:
    """Write a row's head, how many did all and a part of it, and both as a bar."""
    bar = "".join(
        f'<span class="{kind}" style="width:{100 * count / learners:.1f}%"></span>'
        for kind, count in (("whole", whole), ("begun", begun))
    )
    return (
        f'<th scope="row">{escape(title)}</th>',
        f'<td class="bar"><div>{bar}</div></td>',
        f'<td class="n">{whole}</td><td class="n">{begun}</td>',
    )


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    top = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{top}</tr>\n{body}</table></div>'
