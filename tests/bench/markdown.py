"""Sections and tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def section(title: str, *parts: str) -> str:
    """Put a heading over paragraphs and tables; what is empty is left out."""
    return "\n\n".join([f"## {title}", *filter(None, parts)])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table, the columns padded so that the source can be read too."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(_padded(line, widths))} |" for line in lines)


def _padded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]


def points(lines: Sequence[str]) -> str:
    """Lay out a list."""
    return "\n".join(f"- {line}" for line in lines)
