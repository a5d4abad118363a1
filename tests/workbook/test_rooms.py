"""The workbook's modules import each other in one direction, lazily or not."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import workbook
from workbook import label_training

HOME = Path(workbook.__file__).parent


def name_of(path: Path) -> str:
    parts = path.relative_to(HOME.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(HOME.rglob("*.py"))}


def imports(path: Path) -> set[str]:
    """Every module of the workbook that a file imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            inside = named & MODULES.keys()
            found |= inside or {node.module}
    return found & MODULES.keys()


def test_no_import_runs_in_a_circle():
    arrows = {name: imports(path) - {name} for name, path in MODULES.items()}
    assert len([*TopologicalSorter(arrows).static_order()]) == len(MODULES)


def test_a_circle_would_be_seen():
    with pytest.raises(CycleError):
        [*TopologicalSorter({"a": {"b"}, "b": {"a"}}).static_order()]
    lazy = imports(MODULES["workbook.scores"])
    assert {"workbook.checks", "workbook.session"} <= lazy


def test_every_public_name_has_one_line_that_says_what():
    face = ast.parse(MODULES["workbook"].read_text("utf-8")).body
    brought = [node for node in face[2:] if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in brought for alias in node.names} - {"SAMPLES"}
    assert {"begin", "check", "upload"} <= names
    for found in (label_training, *(getattr(workbook, name) for name in names)):
        assert found.__doc__.splitlines()[0].endswith((".", "…"))
