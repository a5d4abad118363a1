"""The fault matrix: what tests saw of each fault, held against the stored file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from moto.moto_api._internal.models import moto_api_backend

from deploy import pipeline, report
from deploy.cloud import Cloud
from deploy.settings import Settings

PLACE = Path(__file__).parents[1] / "faults" / "MATRIX.md"

_HEAD = """\
# What a fault does

Written by the tests in this folder from what they saw, and compared with it in every
run: `python -m pytest tests/faults --write-matrix` writes it anew. Faults are put on
the wire between boto3 and an account in memory (moto with our rules), with AWS's codes
and words; where a section names the local cloud, they are put where botocore sends.
"""
_COLUMNS = "| fault | what the user sees | what is left | what the next run does |"


VARIANTS = {"plain": {}, "reliable": {"reliable": True}, "queue": {"queue": True}}
#: The plain pipeline first; the others run in `make test-all` only.
variants = pytest.mark.parametrize(
    "variant",
    [
        pytest.param("plain"),
        pytest.param("reliable", marks=pytest.mark.slow),
        pytest.param("queue", marks=pytest.mark.slow),
    ],
)


def quiet(line):
    """Say nothing."""


def forget():
    """Empty the account, of what moto keeps about deleted buckets, too."""
    moto_api_backend.reset()


def recorded(wire, run, *arguments):
    """Run once and list the calls that changed something."""
    wire.reset()
    run(*arguments)
    return wire.mutations


class Row(NamedTuple):
    """One fault, in words."""

    fault: str
    sees: str
    left: str
    then: str


Hold = Callable[[str, list[Row]], None]


@pytest.fixture
def matrix(request: pytest.FixtureRequest) -> Hold:
    """Hold a section's rows against the stored file, or write them there if asked."""
    write = request.config.getoption("--write-matrix")

    def hold(section: str, rows: list[Row]) -> None:
        lines = [_line(row) for row in rows]
        stored = sections()
        if write:
            _store(stored | {section: lines})
        assert write or stored.get(section) == lines

    return hold


def left(cloud: Cloud, settings: Settings) -> str:
    """Say what stands, as "buckets, role (trust policy)"; in brackets what differs."""
    return standing(pipeline.status(cloud, settings))


def standing(status: report.Status) -> str:
    """Say the same of a status that was looked at already."""
    parts = [
        item.step + (f" ({item.note})" if item.state == "differs" else "")
        for item in status.items
        if item.state != "missing"
    ]
    return ", ".join(parts) or "nothing"


def _line(row: Row) -> str:
    return f"| {' | '.join(map(shown, row))} |"


def shown(cell: str) -> str:
    """Write a cell as the file has it: on one line."""
    return " ".join(cell.split()).replace("|", "\\|")


def sections() -> dict[str, list[str]]:
    """Read the stored rows of every section."""
    text = PLACE.read_text("utf-8") if PLACE.exists() else ""
    found = {}
    for part in text.split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        found[title] = [line for line in body.splitlines() if line.startswith("|")][2:]
    return found


def _store(sections: dict[str, list[str]]) -> None:
    parts = [_HEAD]
    for title in sorted(sections):
        table = [_COLUMNS, "|---|---|---|---|", *sections[title]]
        parts.append("\n".join([f"## {title}", "", *table, ""]))
    PLACE.write_text("\n".join(parts), "utf-8")
