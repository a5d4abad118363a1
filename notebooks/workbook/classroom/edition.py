"""The student edition: a zip with the course to run, and no outputs or answers.

What is needed to run it is in it, so the code of the pipeline is, and of the checks and
labs: who reads all of it finds what the exercises ask for. Only the answers stay out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from deploy import zips
from deploy.home import CHECKOUT, in_plain_words
from workbook import copies
from workbook.errors.messages import WorkbookError

#: The folder that unpacking makes.
TOP = "thumbnail-workbook"

_FOLDERS = ("deploy", "handler", "images", "notebooks/workbook")
_FILES = (
    *("pyproject.toml", "LICENSE"),
    *("notebooks/GLOSSARY.md", "notebooks/HELP.md"),
)
_LINK = re.compile(r"(?<!!)\[([^]]*)\]\((?![a-z]+:|#)([^)#]+)[^)]*\)")
_README = """# Thumbnail Workbook, student edition

You need Python 3.11 or newer. In this folder:

    python -m venv .venv
    .venv/bin/pip install -e .
    .venv/bin/thumbnail-workbook lab

Where there is no `python`, write `python3` (`py` on Windows). On Windows the programs
are in `.venv\\Scripts`. The first run needs the network and takes a few minutes;
later runs are quick and work offline. `.venv/bin/thumbnail-workbook lab --name anna`
lets all your names in the cloud begin with `anna`. Your teacher has the answers to the
exercises.
"""


def write(path: Path | str) -> int:
    """Write the edition as a zip, and return how many bytes it has.

    Raises:
        WorkbookError: the name does not end in .zip, or there are no notebooks here.
        LocalCloudError: it cannot be written.
    """
    path = Path(path)
    if path.suffix != ".zip":
        raise WorkbookError(
            "the student edition is a zip",
            where=str(path),
            todo="Give a name that ends in .zip.",
        )
    files = dict(_kept()) | {"README.md": _README.encode()}
    files |= dict(_notebooks({*files}))
    below = {f"{TOP}/{name}": content for name, content in files.items()}
    data = zips.zipped(below, mode=0o644, deflate=True)
    with in_plain_words(path):
        path.write_bytes(data)
    return len(data)


def _kept() -> Iterator[tuple[str, bytes]]:
    """Go through what the course needs to run."""
    for name in _FILES:
        yield name, (CHECKOUT / name).read_bytes()
    for folder in _FOLDERS:
        for path in sorted((CHECKOUT / folder).rglob("*")):
            parts = path.relative_to(CHECKOUT).parts
            hidden = any(each.startswith((".", "__pycache__")) for each in parts)
            if path.is_file() and not hidden:
                yield "/".join(parts), path.read_bytes()


def _notebooks(others: set[str]) -> Iterator[tuple[str, bytes]]:
    """Make the copies; a link to what is not in the edition becomes text."""
    names = copies.names()
    there = others | {f"notebooks/{name}" for name in names}

    def kept(link: re.Match[str]) -> str:
        target = posixpath.normpath(f"notebooks/{link[2]}")
        if target == f"notebooks/{copies.ANSWERS}":
            return "your teacher's answers"
        known = target in there or any(each.startswith(f"{target}/") for each in there)
        return link[0] if known else link[1]

    import nbformat  # takes two seconds, and every kernel imports this module

    for name in names:
        notebook = copies.copy_of(name)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = _LINK.sub(kept, cell.source)
        yield f"notebooks/{name}", f"{nbformat.writes(notebook)}\n".encode()
