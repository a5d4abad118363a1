"""The house: who may import whom, read from the source, lazy imports included."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import workbook
from workbook import label_training

ROOT = Path(__file__).parents[1]
PLACES = {"handler": "handler", "deploy": "deploy", "workbook": "notebooks/workbook"}
#: The rooms of `deploy`, each above all before it; a folder is one room.
ROOMS = (
    *(
        "errors",
        "signin",
        "home",
        "environment",
        "arns",
        "aws_names",
        "runtimes",
        "policies",
    ),
    *("cost", "zips", "waiting", "explained", "settings", "tags", "remembered"),
    *("notifications", "recipes", "report", "local", "endpoints", "cloud", "queues"),
    *("configure", "logs", "steps", "rights", "tracing", "preflight", "pipeline"),
    *("operations", "__init__", "__main__"),
)


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


def room(name):
    """The floor of a module of `deploy`: its place in ROOMS."""
    top = name.partition(".")[2].partition(".")[0] or "__init__"
    assert top in ROOMS, f"give {name} its place in ROOMS"
    return ROOMS.index(top)


@pytest.mark.parametrize("package", PLACES)
def test_no_circle(package):
    graph = {m: IMPORTS[m] for m in FILES if m.partition(".")[0] == package}
    TopologicalSorter(graph).prepare()  # raises CycleError, and names the circle


def test_a_lazy_import_is_seen():
    assert {"workbook.checks", "workbook.session"} <= IMPORTS["workbook.scores"]


def test_packages_know_only_those_below():
    below = {"handler": {"handler"}, "deploy": {"handler", "deploy"}}
    for name, others in IMPORTS.items():
        package = name.partition(".")[0]
        assert {o.partition(".")[0] for o in others} <= below.get(package, {*PLACES})


def test_no_room_imports_a_higher_one():
    climbs = [
        (name, other)
        for name, others in IMPORTS.items()
        for other in others
        if name.startswith("deploy") and other.startswith("deploy")
        if room(other) > room(name)
    ]
    assert climbs == []


def test_every_public_name_of_the_workbook_has_a_line_that_says_what():
    face = ast.parse(FILES["workbook"].read_text("utf-8")).body
    brought = [node for node in face[2:] if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in brought for alias in node.names} - {"SAMPLES"}
    assert {"begin", "check", "upload"} <= names
    for found in (label_training, *(getattr(workbook, name) for name in names)):
        assert found.__doc__.splitlines()[0].endswith((".", "…"))
