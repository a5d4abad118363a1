"""The course's frame and rhythm, measured; its end state held against `up()`.

That the notebooks run and show what is stored is nbval's work (see pyproject.toml).
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from support import programs
from support.course import NOTEBOOKS, cells, prose, sources
from support.local_cloud import PACE
from support.plain import KEYS, ministack
from workbook import leftovers

from deploy import connect, pipeline, settings_for

ROOT = Path(__file__).parents[2]
#: The lessons; the tour is a demonstration, the answers are a list.
LESSONS = [path for path in NOTEBOOKS if path.stem not in ("00_tour", "answers")]

every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def words(text: str) -> int:
    """Count words as read: links by their text, no markup, no pictures."""
    text = re.sub(r"!\[[^]]*\]\([^)]*\)|<[^>]+>", " ", text)
    return len(re.sub(r"\]\([^)]*\)", "]", text).split())


PACKAGES = {"deploy", "handler", "workbook"}


def public(package: str) -> set[str]:
    """The names that a package's own `__init__` brings together."""
    face = importlib.import_module(package)
    tree = ast.parse(Path(face.__file__).read_text("utf-8"))
    brought = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.asname or alias.name for node in brought for alias in node.names}
    return set(getattr(face, "__all__", names))


def imports(cell: Any) -> list[ast.Import | ast.ImportFrom]:
    """Every import of a code cell, without the lines that only IPython reads."""
    tree = ast.parse(TransformerManager().transform_cell(cell.source))
    kinds = ast.Import, ast.ImportFrom
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


@every
def test_cells_import_from_public_faces_alone(path):
    """`from deploy import up`, and nothing that lies deeper: rooms may be moved."""
    for node in [node for cell in cells(path, "code") for node in imports(cell)]:
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.Import):
            assert not PACKAGES & {name.split(".")[0] for name in names}, names
        elif (node.module or "").split(".")[0] in PACKAGES:
            assert node.module in PACKAGES, f"{path.stem}: from {node.module}"
            assert set(names) <= public(node.module), set(names) - public(node.module)


@every
def test_a_notebook_is_as_all_are(path):
    """Run from top to bottom, its errors announced; small, and of no machine."""
    code, texts = cells(path, "code"), sources(path, "markdown")
    numbers = [cell.execution_count for cell in code]
    assert numbers == list(range(1, len(numbers) + 1))
    for cell in code:
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in cell.metadata.get("tags", []))
    stored = path.read_text("utf-8")
    for place in (str(ROOT), str(Path.home()), "/home/", "/Users/", "site-packages"):
        assert place not in stored
    assert path.stat().st_size < 2_000_000
    # Widgets are dead on GitHub, so state is not stored and pictures have a twin.
    assert "widgets" not in nbformat.read(path, 4).metadata
    for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", prose(path)):
        assert (path.parent / link).exists(), link
    assert max(map(words, texts)) <= 120


@every
def test_an_assert_says_what_went_wrong(path):
    for cell in cells(path, "code"):
        tree = ast.parse(TransformerManager().transform_cell(cell.source))
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert):
                assert node.msg is not None, ast.unparse(node)


@every
def test_code_cells_are_short(path):
    lengths = [
        sum(bool(line.strip()) for line in source.splitlines())
        for source in sources(path, "code")
    ]
    typical = sorted(lengths)[len(lengths) // 2]
    assert max(lengths) <= 20 and typical <= (12 if path.stem == "answers" else 8)


@lesson
def test_a_lesson_is_as_all_are(path):
    """Its length, how it opens, what it breaks, asks, checks, and how it ends."""
    texts, code = sources(path, "markdown"), cells(path, "code")
    taught = [cell for cell in code if "exercise(" not in cell.source]
    read = [text for text in texts if "## Exercise" not in text]
    assert 10 <= len(taught) <= 20
    assert 600 <= sum(map(words, read)) <= 1200
    first, step = cells(path)[0], int(path.stem[:2])
    assert first.source.startswith("# ") and words(first.source) < 120
    assert ".svg)" in first.source and "minutes" in first.source
    assert code[0].source.startswith("from workbook import begin")
    assert f"begin(step={step})" in code[0].source
    tags = [cell.metadata.get("tags", []) for cell in code]
    assert sum("raises-exception" in tag for tag in tags) == 1
    end = "\n".join(texts[-3:])
    assert "Key points" in end and re.search(r"Previous: \[|Next: \[", end)
    assert "<details>" in prose(path) and "xercise" in prose(path)
    checked = any(f"check({step})" in cell.source for cell in code)
    assert checked or path.stem == "01_thumbnail"


def test_the_console_is_named_once_where_a_thing_is_made():
    """As in *S3 ▸ bucket ▸ Properties ▸ Event notifications*."""
    named = {}
    for path in LESSONS:
        text = prose(path)
        if found := re.findall(r"\*([A-Z][^*]* ▸ [^*]+)\*", text):
            named[path.stem[:2]] = [" ".join(place.split()) for place in found]
            assert "In AWS's console: *" in " ".join(text.split()), path.stem
    assert {"02", "03", "04", "05", "06", "09", "10", "11"} <= set(named)
    places = [place for found in named.values() for place in found]
    assert len(places) == len(set(places))
    first = {place.split(" ▸ ")[0] for place in places}
    assert first <= {"S3", "IAM", "Lambda", "SQS", "CloudWatch"}, first


def test_few_outputs_are_ignored():
    code = [source for path in NOTEBOOKS for source in sources(path, "code")]
    ignored = sum("NBVAL_IGNORE_OUTPUT" in source for source in code)
    # With anything else on its line it is no marker.
    assert ignored == sum("# NBVAL_IGNORE_OUTPUT" in s.splitlines() for s in code)
    print(f"\n{ignored} of {len(code)} outputs are ignored")
    assert ignored <= len(code) * 0.05


# --- what the course builds, held against what up() builds ---------------------------


def run(*paths: Path, folder: Path, lax: bool = False, **environment: str) -> int:
    """Run notebooks in order, in kernels whose local cloud is in the folder.

    Returns how many cells passed.

    Lax: errors count, and outputs are not compared (they name account and region).
    """
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
    if lax:
        command += ["-o", "addopts=--nbval-lax --nbval-current-env"]
    given = {"WORKBOOK_LOCAL_CLOUD": str(folder), "WORKBOOK_PACE": PACE} | environment
    command += [f"--set={name}={value}" for name, value in given.items()]
    done = programs.python(*command, *paths, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-6000:]
    return int(re.search(r"(\d+) passed", done.stdout)[1])


@pytest.mark.slow
def test_the_course_builds_what_up_builds_and_runs_twice(own_folder):
    """Twice without a reset: first by hand from nothing, then all that is left."""
    by_hand = [path for path in LESSONS if "02" <= path.stem[:2] <= "06"]
    others = [path for path in NOTEBOOKS if path not in by_hand]
    first = run(*by_hand, folder=own_folder)
    cloud = connect("local", say=lambda line: None)
    settings = settings_for(cloud)
    assert pipeline.status(cloud, settings).ready
    assert {item.state for item in pipeline.plan(cloud, settings).items} == {"keep"}
    assert leftovers.found(cloud, settings) == []
    first += run(*others, folder=own_folder)
    assert run(*NOTEBOOKS, folder=own_folder) == first


@pytest.mark.slow
@every
def test_each_notebook_alone_on_a_fresh_cloud(path, own_folder):
    assert run(path, folder=own_folder) == len(cells(path, "code"))


@pytest.mark.slow
def test_the_course_on_another_endpoint(tmp_path):
    """Nothing in the course knows the first account and region. It proves no AWS."""
    with ministack(tmp_path, "222222222222", "eu-central-1") as url:
        there = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "eu-central-1"}
        run(*NOTEBOOKS, folder=tmp_path, lax=True, **there, **KEYS)


#: Writes which cloud a test run's kernels would get.
PROBE = """
import json, os
from pathlib import Path

def pytest_sessionstart(session):
    names = ("WORKBOOK_CLOUD", "WORKBOOK_LOCAL_CLOUD", "AWS_PROFILE", "WORKBOOK_NAME")
    found = {name: os.environ.get(name, "") for name in names}
    Path(__file__).with_name("found.json").write_text(json.dumps(found))
"""


def test_a_notebook_named_by_its_path_runs_on_no_cloud_of_the_learners(tmp_path):
    (tmp_path / "probe.py").write_text(PROBE, "utf-8")
    theirs = {
        "WORKBOOK_CLOUD": "aws",
        "WORKBOOK_LOCAL_CLOUD": str(tmp_path / "learners"),
        "WORKBOOK_NAME": "learners",
        "AWS_PROFILE": "learners",
    }
    command = ["-m", "pytest", "-p", "probe", "-p", "no:cacheprovider"]
    command += ["--collect-only", "-q", "notebooks/11_cleanup.ipynb"]
    known = os.environ | theirs | {"PYTHONPATH": str(tmp_path)}
    done = programs.python(*command, cwd=ROOT, env=known)
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert done.returncode == 0 and "11_cleanup" in done.stdout, done.stderr
    assert "workbook-tests-" in found.pop("WORKBOOK_LOCAL_CLOUD")
    assert set(found.values()) == {""}
    assert not (tmp_path / "learners").exists()
