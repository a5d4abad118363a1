"""The house: who may import whom, read from the source, lazy imports included."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import workbook
from workbook import label_training

ROOT = Path(__file__).parents[1]
PLACES = {"handler": "handler", "deploy": "deploy", "workbook": "notebooks/workbook"}


def modules():
    """Every module's file by its dotted name."""
    for package, place in PLACES.items():
        for path in sorted((ROOT / place).rglob("*.py")):
            parts = path.relative_to(ROOT / place).with_suffix("").parts
            yield ".".join((package, *parts)).removesuffix(".__init__"), path


FILES = dict(modules())


def imported(path):
    """The modules of ours that a file imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= full if full <= FILES.keys() else full | {node.module}
    return found & FILES.keys()


IMPORTS = {name: imported(path) - {name} for name, path in FILES.items()}


def room(name, folder):
    """What holds a module in a folder: its file there, or the folder below."""
    return name.removeprefix(f"{folder}.").partition(".")[0]


def folders():
    """Every package, and every folder of modules in one."""
    return sorted({*PLACES} | {name.rpartition(".")[0] for name in FILES} - {""})


@pytest.mark.parametrize("folder", folders())
def test_no_room_imports_one_above_it(folder):
    """A folder is one room: two files that import each other's folders climb, too."""
    inside = [n for n in FILES if n == folder or n.startswith(f"{folder}.")]
    graph = {}
    for name in inside:
        others = {room(o, folder) for o in IMPORTS[name] if o in inside}
        graph.setdefault(room(name, folder), set()).update(others)
    for name, others in graph.items():
        others.discard(name)
    TopologicalSorter(graph).prepare()  # raises CycleError, and names the circle


def test_a_lazy_import_is_seen():
    assert {"workbook.checks", "workbook.session"} <= IMPORTS["workbook.scores"]


def test_packages_know_only_those_below():
    below = {"handler": {"handler"}, "deploy": {"handler", "deploy"}}
    for name, others in IMPORTS.items():
        package = name.partition(".")[0]
        assert {o.partition(".")[0] for o in others} <= below.get(package, {*PLACES})


def test_every_public_name_of_the_workbook_has_a_line_that_says_what():
    face = ast.parse(FILES["workbook"].read_text("utf-8")).body
    brought = [node for node in face[2:] if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in brought for alias in node.names} - {"SAMPLES"}
    assert {"begin", "check", "upload"} <= names
    for found in (label_training, *(getattr(workbook, name) for name in names)):
        assert found.__doc__.splitlines()[0].endswith((".", "…"))
