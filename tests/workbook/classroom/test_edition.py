"""The student edition: no outputs, no answers, no dead links, and it runs."""

from __future__ import annotations

import os
import posixpath
import re
import zipfile

import nbformat
import pytest
from support.programs import python
from workbook.__main__ import main
from workbook.classroom import edition

LESSONS = """
import os, nbformat
from nbclient import NotebookClient
for name in ("00_tour", "01_thumbnail", "02_buckets"):
    lesson = nbformat.read(f"{name}.ipynb", 4)
    NotebookClient(lesson, resources={"metadata": {"path": os.getcwd()}}).execute()
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    path = tmp_path_factory.mktemp("edition") / "students.zip"
    assert edition.write(path) == path.stat().st_size
    return path


@pytest.fixture(scope="module")
def files(packed):
    with zipfile.ZipFile(packed) as file:
        assert file.testzip() is None
        names = file.namelist()
        assert all(name.startswith(f"{edition.TOP}/") for name in names)
        return {n.removeprefix(f"{edition.TOP}/"): file.read(n) for n in names}


@pytest.fixture(scope="module")
def notebooks(files):
    found = {n: d for n, d in files.items() if n.endswith(".ipynb")}
    return {n: nbformat.reads(d.decode(), as_version=4) for n, d in found.items()}


def test_all_lessons_without_answers_and_outputs(notebooks):
    assert len(notebooks) == 12
    assert not any("answers.ipynb" in str(each) for each in notebooks.items())
    cells = [c for each in notebooks.values() for c in each.cells]
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert len(code) > 150
    assert not any(cell.outputs or cell.execution_count for cell in code)


def test_every_link_leads_somewhere(files, notebooks):
    folders = {posixpath.dirname(name) for name in files}
    links = 0
    for each in notebooks.values():
        for cell in each.cells:
            if cell.cell_type == "markdown":
                for target in re.findall(r"\]\((?![a-z]+:|#)([^)#]+)", cell.source):
                    path = posixpath.normpath(f"notebooks/{target}")
                    assert path in files or path in folders, target
                    links += 1
    assert links > 30
    assert {"notebooks/GLOSSARY.md", "notebooks/HELP.md"} <= set(files)


def test_nothing_of_this_machine_is_in_it(files):
    assert not any("__pycache__" in n or n.endswith(".pyc") for n in files)
    assert {n.split("/")[0] for n in files} == {
        *("README.md", "LICENSE", "pyproject.toml"),
        *("notebooks", "deploy", "handler", "images"),
    }


def test_it_is_the_same_bytes_twice(packed, tmp_path, capsys):
    assert main(["class", "edition", str(tmp_path / "again.zip")]) == 0
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()
    assert "Written:" in capsys.readouterr().out


def test_another_name_is_refused(tmp_path, capsys):
    assert main(["class", "edition", str(tmp_path / "students.tar")]) == 1
    assert "ends in .zip" in capsys.readouterr().err


@pytest.mark.slow
def test_it_unpacks_and_runs_its_first_three_notebooks(packed, tmp_path):
    with zipfile.ZipFile(packed) as file:
        file.extractall(tmp_path)
    top = tmp_path / edition.TOP
    kept = {k: v for k, v in os.environ.items() if not k.startswith("WORKBOOK_")}
    code = os.pathsep.join([str(top), str(top / "notebooks")])
    known = kept | {"PYTHONPATH": code, "HOME": str(tmp_path)}

    def run(folder, *arguments):
        done = python(*arguments, cwd=folder, env=known)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        assert str(top / "work") in run(top, "-m", "workbook", "copies")
        run(top / "work", "-c", LESSONS)
    finally:
        run(top, "-m", "workbook", "local", "stop")
