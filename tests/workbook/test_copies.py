import json
import re
from datetime import date
from pathlib import Path

import nbformat
import pytest
from support.course import cells, prose
from support.programs import python, run
from workbook import copies
from workbook.errors.messages import WorkbookError

from deploy.errors import DeployError
from deploy.home import CHECKOUT

TODAY = date(2026, 11, 26)
LINK = re.compile(r'(?:\]\(|(?:src|href)=")([^)"#\s]+)')


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Copies in a folder of the user's own, as with a read-only checkout."""
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "own"))
    return copies.make()


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of two notebooks that the test can bring new versions of."""
    stored = tmp_path / "stored"
    stored.mkdir()
    monkeypatch.setattr(copies, "STORED", stored)
    for name in ("00_tour.ipynb", "01_thumbnail.ipynb", "GLOSSARY.md", "HELP.md"):
        (stored / name).write_bytes((CHECKOUT / "notebooks" / name).read_bytes())
    return stored


def edit(path: Path, source: str, *, run: bool = False) -> None:
    """Change the first code cell of a notebook, or run it."""
    notebook = nbformat.read(path, 4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if run:
        cell.execution_count = 7
        cell.outputs = [nbformat.v4.new_output("stream", text=source)]
    else:
        cell.source = source
    nbformat.write(notebook, path)


def test_they_lie_beside_the_notebooks_and_git_ignores_them():
    assert copies.folder() == CHECKOUT / "work"
    ignored = run("git", "check-ignore", "work/00_tour.ipynb", cwd=CHECKOUT)
    assert ignored.returncode == 0


def test_only_the_answers_are_left_out_where_the_learner_writes(work, tmp_path):
    assert work == tmp_path / "own" / "work"
    stored = {path.name for path in (CHECKOUT / "notebooks").glob("*.ipynb")}
    assert {path.name for path in work.glob("*.ipynb")} == stored - {"answers.ipynb"}


def test_a_copy_has_no_outputs_and_the_rest_is_as_it_is_stored(work):
    for path in work.glob("*.ipynb"):
        stored = cells(CHECKOUT / "notebooks" / path.name)
        for cell, before in zip(cells(path), stored, strict=True):
            assert not cell.get("outputs") and not cell.get("execution_count")
            assert "NBVAL" not in cell.source
            assert cell.id == before.id and cell.metadata == before.metadata
            if cell.cell_type == "code":
                assert cell.source == re.sub("# NBVAL_.*\n", "", before.source)
            else:
                assert LINK.sub("", cell.source) == LINK.sub("", before.source)


def test_every_link_of_a_copy_leads_somewhere_in_jupyters_root(work):
    links = 0
    for path in work.glob("*.*"):
        text = prose(path) if path.suffix == ".ipynb" else path.read_text("utf-8")
        for link in LINK.findall(text):
            if not link.startswith(("http", "attachment:")):
                assert (work / link).exists(), (path.name, link)
                assert link.count("..") <= 1, (path.name, link)
                links += 1
    assert links > 50


def test_no_page_leads_from_a_copy_to_a_stored_notebook(work):
    """There are its answers, and what is written there is not the learner's."""
    for path in work.glob("*.*"):
        stored = re.findall(r"\]\(\.\./notebooks/(\w+\.\w+)", path.read_text("utf-8"))
        assert set(stored) <= {"answers.ipynb"}, path.name


def test_a_copy_is_made_once(course, work):
    edit(work / "00_tour.ipynb", "mine = 1")
    edit(course / "00_tour.ipynb", "newer = 1")
    copies.make()
    assert "mine = 1" in (work / "00_tour.ipynb").read_text("utf-8")
    assert copies.outdated() == ["00_tour.ipynb"]


def test_a_copy_that_was_deleted_comes_back(work):
    (work / "00_tour.ipynb").unlink()
    copies.make()
    assert (work / "00_tour.ipynb").exists()


def test_refresh_leaves_what_has_no_new_version(course, work):
    edit(work / "00_tour.ipynb", "mine = 1")
    assert copies.refresh(TODAY) == [] and copies.outdated() == []
    assert "mine = 1" in (work / "00_tour.ipynb").read_text("utf-8")


def test_refresh_replaces_what_was_only_run(course, work):
    edit(work / "00_tour.ipynb", "output", run=True)
    edit(course / "00_tour.ipynb", "newer = 1")
    assert [str(each) for each in copies.refresh(TODAY)] == [
        "00_tour.ipynb is the course's again."
    ]
    assert "newer = 1" in (work / "00_tour.ipynb").read_text("utf-8")
    assert sorted(path.name for path in work.glob("00*")) == ["00_tour.ipynb"]


def test_refresh_keeps_what_the_learner_changed(course, work):
    edit(work / "01_thumbnail.ipynb", "mine = 1")
    yours = (work / "01_thumbnail.ipynb").read_bytes()
    edit(course / "01_thumbnail.ipynb", "newer = 1")
    (told,) = copies.refresh(TODAY)
    kept = work / "01_thumbnail.mine-2026-11-26.ipynb"
    name = "01_thumbnail.ipynb"
    assert str(told) == f"{name} is the course's again; yours is kept as {kept.name}."
    assert kept.read_bytes() == yours
    assert "newer = 1" in (work / "01_thumbnail.ipynb").read_text("utf-8")


def test_a_notebook_is_begun_anew(course, work):
    for name in ("00_tour", "01_thumbnail"):
        edit(work / f"{name}.ipynb", "mine = 1")
    (told,) = copies.refresh(TODAY, ["00_tour"])
    assert told.kept is not None and "mine = 1" in told.kept.read_text("utf-8")
    assert "mine = 1" not in (work / "00_tour.ipynb").read_text("utf-8")
    assert "mine = 1" in (work / "01_thumbnail.ipynb").read_text("utf-8")
    with pytest.raises(WorkbookError, match=r"no notebook 99_x.*They are 00_tour"):
        copies.refresh(TODAY, ["99_x"])


def test_two_versions_kept_on_one_day_are_both_there(course, work):
    for number in (1, 2):
        edit(work / "00_tour.ipynb", f"mine = {number}")
        edit(course / "00_tour.ipynb", f"newer = {number}")
        copies.refresh(TODAY)
    for number, end in ((1, ""), (2, "-2")):
        kept = work / f"00_tour.mine-2026-11-26{end}.ipynb"
        assert f"mine = {number}" in kept.read_text("utf-8")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"cells": 1}'])
def test_what_is_no_notebook_any_more_is_kept(work, content):
    (work / "00_tour.ipynb").write_bytes(content)
    assert copies.outdated() == ["00_tour.ipynb"]
    (told,) = copies.refresh(TODAY)
    assert told.kept is not None and told.kept.read_bytes() == content
    assert json.loads((work / "00_tour.ipynb").read_text("utf-8"))["cells"]


def test_links_follow_a_checkout_that_was_moved(work, tmp_path):
    (work.parent / "images").unlink()
    (work.parent / "images").symlink_to(tmp_path / "gone")
    copies.make()
    assert (work.parent / "images").samefile(CHECKOUT / "images")


def test_a_user_who_may_not_link_gets_a_copy(tmp_path, monkeypatch):
    def refused(*args, **options):
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "own"))
    monkeypatch.setattr(Path, "symlink_to", refused)
    beside = copies.make().parent
    assert not (beside / "images").is_symlink()
    assert (beside / "images/diagrams/pipeline.svg").read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "file"))
    with pytest.raises(DeployError, match="a file stands where a folder should"):
        copies.make()


def test_without_the_notebooks_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "own"))
    monkeypatch.setattr(copies, "STORED", tmp_path)
    with pytest.raises(DeployError, match=r"there are no notebooks.*pip install -e"):
        copies.make()


def test_a_kernel_waits_for_no_library_that_only_copies_need():
    asks = "import sys, workbook; print({'jsonschema', 'nbformat'} & {*sys.modules})"
    assert python("-c", asks).stdout == "set()\n"


def test_the_code_of_a_copy_is_known_without_making_it():
    name = "05_function.ipynb"
    made = [c.source for c in copies.copy_of(name).cells if c.cell_type == "code"]
    assert copies.code_of(name) == made and len(made) > 10
