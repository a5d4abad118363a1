"""Learner's copies of the notebooks: no outputs, made once, never overwritten.

A stored notebook keeps its outputs, for GitHub and for the tests; in a copy "Predict"
is a question. The copies lie in `work/` beside `notebooks/`, or, where that cannot be,
in a `work/` that has the same neighbours: a link of a notebook holds in both.

Every kernel imports this, and nbformat takes two seconds of it: so it is imported where
a copy is made or compared.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.home import CHECKOUT, home, in_plain_words, turn
from workbook.errors.messages import WorkbookError

if TYPE_CHECKING:
    from nbformat import NotebookNode

STORED = CHECKOUT / "notebooks"

#: What a learner is not given beside the lessons.
ANSWERS = "answers.ipynb"
#: What leads from notebook to notebook: beside the copies, it leads to copies.
_PAGES = ("GLOSSARY.md", "HELP.md")
#: Where a copy's metadata tells what it was made from.
_MADE = "thumbnail_workbook"
#: What notebooks link to; `work/` stands beside it.
_NEIGHBOURS = ("images", "handler", "deploy", "notebooks")
#: A link of a page within the course: what leads to it, and where to.
LINK = re.compile(r"""(\]\(|(?:src|href)=")(?![a-z]+:|[#/])([^)"#\s]+)""")


@dataclass(frozen=True)
class Refreshed:
    """What became of one copy: made anew, and where the learner's version is kept."""

    copy: Path
    kept: Path | None = None

    def __str__(self) -> str:
        """Say it in a line."""
        yours = f"; yours is kept as {self.kept.name}" if self.kept else ""
        return f"{self.copy.name} is the course's again{yours}."


def folder() -> Path:
    """Return the folder of the copies; what is above it is Jupyter's root."""
    where = home()
    return (CHECKOUT if where.is_relative_to(CHECKOUT) else where) / "work"


def make() -> Path:
    """Make the copies that are missing, and return their folder.

    Raises:
        WorkbookError: there are no notebooks here.
        LocalCloudError: the folder cannot be written.
    """
    with _writing() as where:
        for name in names():
            if not (where / name).exists():
                _write(copy_of(name), where / name)
        for name in _PAGES:
            page = LINK.sub(_beside, (STORED / name).read_text("utf-8"))
            (where / name).write_text(page, "utf-8")
    return where


def outdated() -> list[str]:
    """Name the copies of which the course has a newer version."""
    where = folder()
    return [name for name in names() if _is_new(copy_of(name), where / name)]


def refresh(today: date | None = None, anew: Collection[str] = ()) -> list[Refreshed]:
    """Bring new versions of the copies; keep what a learner changed beside them.

    ``anew`` names notebooks, as "03_role": these alone, whatever their version.

    Raises:
        WorkbookError: there are no notebooks here, or none of such a name.
        LocalCloudError: the folder cannot be written.
    """
    done = []
    again = {f"{name.removesuffix('.ipynb')}.ipynb" for name in anew}
    if unknown := sorted(again.difference(names())):
        raise WorkbookError(
            f"there is no notebook {unknown[0]}", todo=f"They are {', '.join(names())}."
        )
    with _writing() as where:
        for name in names():
            new, copy = copy_of(name), where / name
            if (name in again) if again else _is_new(new, copy):
                done.append(Refreshed(copy, _keep(copy, today or date.today())))
                _write(new, copy)
    return done


def names() -> list[str]:
    """List the notebooks that a learner works in."""
    found = sorted({path.name for path in STORED.glob("*.ipynb")} - {ANSWERS})
    if not found:
        raise WorkbookError(
            "there are no notebooks",
            where=str(STORED),
            todo="Install from a checkout of the repository: pip install -e .",
        )
    return found


@contextmanager
def _writing() -> Iterator[Path]:
    """Hold the folder for ourselves; with neighbours, if it stands elsewhere."""
    where = folder()
    with in_plain_words(where):
        where.mkdir(parents=True, exist_ok=True)
        with turn(where / ".lock", 60):
            if where.parent != CHECKOUT:
                for name in _NEIGHBOURS:
                    _link(CHECKOUT / name, where.parent / name)
            yield where


def _link(there: Path, here: Path) -> None:
    """Link a folder; on Windows without the right to link it is copied."""
    if here.is_symlink() and here.readlink() != there:
        here.unlink()  # the checkout was moved
    if here.is_symlink():
        return
    try:
        here.symlink_to(there, target_is_directory=True)
    except OSError:
        shutil.copytree(there, here, dirs_exist_ok=True)


def copy_of(name: str) -> NotebookNode:
    """Make the copy of a stored notebook: a course to run, and nothing of a run."""
    import nbformat

    notebook = nbformat.read(STORED / name, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.source = to_run(cell.source)
        else:
            cell.source = LINK.sub(_beside, cell.source)
    notebook.metadata[_MADE] = {"made": _digest(notebook)}
    return notebook


def code_of(name: str) -> list[str]:
    """List what stands in the code cells of a copy, as it is made."""
    cells = json.loads((STORED / name).read_text("utf-8"))["cells"]
    code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    return [to_run("".join(source)) for source in code]


def to_run(source: str) -> str:
    """Leave out what a cell says to the tests alone."""
    lines = source.splitlines(keepends=True)
    return "".join(line for line in lines if not line.lstrip().startswith("# NBVAL_"))


def _beside(link: re.Match[str]) -> str:
    """Let a link to what is not copied lead to the stored file."""
    before, target = link.groups()
    if target not in (*names(), *_PAGES):
        target = posixpath.normpath(f"../notebooks/{target}")
    return before + target


def _digest(notebook: NotebookNode) -> str:
    """Identify what stands in a notebook's cells, whatever running them left."""
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _is_new(new: NotebookNode, copy: Path) -> bool:
    return _versions(copy)[0] != new.metadata[_MADE]["made"]


def _keep(copy: Path, today: date) -> Path | None:
    """Put the learner's version aside if there is anything of the learner's in it."""
    made, now = _versions(copy)
    if not copy.exists() or (made and made == now):
        return None
    for number in range(1, 1000):
        again = f"-{number}" if number > 1 else ""
        kept = copy.with_name(f"{copy.stem}.mine-{today}{again}{copy.suffix}")
        if not kept.exists():
            return copy.rename(kept)
    raise WorkbookError("too many versions are kept", where=str(copy.parent))


def _versions(copy: Path) -> tuple[str, str]:
    """Identify what a copy was made as, and what it is now; empty if it is no copy."""
    import nbformat

    try:
        notebook = nbformat.read(copy, as_version=4)
        return notebook.metadata[_MADE]["made"], _digest(notebook)
    except Exception:  # nbformat says in many ways that a file is no notebook
        return "", ""


def _write(notebook: NotebookNode, copy: Path) -> None:
    import nbformat

    beside = copy.with_suffix(".new")  # a full disk leaves no half notebook
    nbformat.write(notebook, beside)
    beside.replace(copy)
