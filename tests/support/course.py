"""The course as it is stored: its notebooks, their cells and their texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path: Path, kind: str | None = None) -> list[Any]:
    """Read a notebook's cells, or those of a kind, "code" or "markdown"."""
    found = nbformat.read(path, 4).cells
    return [cell for cell in found if kind in (None, cell.cell_type)]


def sources(path: Path, kind: str) -> list[str]:
    """Read what stands in a notebook's cells of a kind."""
    return [cell.source for cell in cells(path, kind)]


def prose(path: Path) -> str:
    """Read a notebook's text, without its code."""
    return "\n".join(sources(path, "markdown"))


def of_step(step: int) -> Path:
    """Find the notebook of a step."""
    (path,) = FOLDER.glob(f"{step:02}_*.ipynb")
    return path
