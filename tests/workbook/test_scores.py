"""The score: what this learner did in this course, and nothing that `up()` did."""

from __future__ import annotations

import ast
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import workbook
from botocore import xform_name
from support.course import of_step, sources
from workbook import check, exercise, exercises, score, scores, session, tally
from workbook.checks import LOOKS
from workbook.checks.findings import Finding, Report
from workbook.errors.messages import WorkbookError
from workbook.scores import OWN_CALLS

from deploy import __main__ as deploying
from deploy import pipeline
from deploy.home import score_at_reset
from deploy.steps import buckets

RIGHT = 38  # the answer to 1b


@pytest.fixture
def begin(at, begin):
    """`begin`, of that learner."""
    return begin


def cell(source, **names):
    """Run a notebook's cell: what it calls is called from `__main__`."""
    exec(source, {"__name__": "__main__", **names})


BY_HAND = """
try:
    cloud.s3.create_bucket(**request)
except cloud.s3.exceptions.BucketAlreadyOwnedByYou:
    pass
cloud.s3.put_bucket_policy(Bucket=settings.target_bucket, Policy=policy)
"""


def open_target(cloud, settings):
    """Build the buckets, and make the two calls of 02 in a cell again."""
    buckets.create(cloud, settings)
    policy = json.dumps(buckets.policy(settings, "target"))
    place = settings.target_bucket, settings.account, settings.region
    names = {"policy": policy, "request": buckets.bucket_request(*place)}
    cell(BY_HAND, cloud=cloud, settings=settings, **names)


def test_up_gives_no_point(begin, cloud, settings):
    pipeline.up(cloud, settings, say=lambda line: None)
    for step in LOOKS:
        begin(step)
        check(step)
    assert score().points == 0


def test_a_green_check_counts_where_the_cells_made_the_calls(begin, settings):
    cloud = begin(2)
    buckets.create(cloud, settings)
    assert check(2).ok and score().points == 0
    assert "check(2). It counts once this notebook's own cells" in repr(tally(2))
    open_target(cloud, settings)
    assert "It counts" not in repr(tally(2))
    assert check(2).ok and score()["steps"]["2"]["best"] == 1


@pytest.mark.parametrize("step", LOOKS)
def test_a_check_counts_once_the_cells_made_every_call(step, at, monkeypatch):
    """`up` and one call of one's own were enough in 07 to 11."""
    green = Report(step, "a notebook", (Finding("all of it", "ok"),))
    monkeypatch.setitem(LOOKS, step, lambda *_: green.findings)
    monkeypatch.setattr(session, "_current", session._Current(step=step))
    first, *rest = sorted(OWN_CALLS[step])
    session._current.calls.add(first)
    check(step)
    assert score().points == (not rest)
    session._current.calls.update(rest)
    check(step)
    assert score().points == 1


@pytest.mark.parametrize("step", LOOKS)
def test_a_notebooks_cells_make_the_calls_that_its_check_asks_for(step):
    called = {
        node.attr
        for source in sources(of_step(step), "code")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
    }
    assert {xform_name(call) for call in OWN_CALLS[step]} <= called


def test_a_check_from_another_notebook_does_not_count(begin, settings):
    cloud = begin(3)
    open_target(cloud, settings)
    assert check(2).ok and score().points == 0


def test_a_red_check_gives_nothing(begin, settings):
    cloud = begin(2)
    open_target(cloud, settings)
    cloud.s3.delete_bucket_policy(Bucket=settings.target_bucket)
    assert not check(2).ok and score().points == 0


def test_what_was_right_stays_counted(begin, cloud, settings):
    open_target(begin(2), settings)
    check(2)
    pipeline.down(cloud, settings)
    begin(11)
    assert not check(2).ok and score().points == 1


def test_begun_again_it_is_the_same_session(begin, settings):
    open_target(begin(2), settings)
    begin(2)
    assert check(2).ok and score().points == 1


def test_a_solved_exercise_stays_solved(begin, at, monkeypatch):
    monkeypatch.setenv("WORKBOOK_NAME", "anna")
    begin(1)
    for answer in (1, RIGHT, 95):
        exercise("1b", answer)
    kept = json.loads(at.with_name("score-anna.json").read_text())
    assert kept["name"] == "anna" and kept["points"] == 1
    assert kept["versions"]["workbook"] and kept["updated"]
    solved = kept["exercises"]["1b"]
    assert solved["right"] and solved["tries"] == 3 and solved["at"]
    monkeypatch.setenv("WORKBOOK_NAME", "bob")  # who shares the machine
    assert not score()["exercises"]


@pytest.fixture
def run(at, shell, monkeypatch):
    """Run a notebook's cell as Jupyter does, in a session of that notebook."""
    monkeypatch.setattr(session, "_current", session._Current(step=9))
    shell.user_ns["exercise"] = exercise
    return lambda source: shell.run_cell(source, store_history=True).raise_error()


def test_a_cell_left_as_it_was_given_is_no_try(run):
    cells = sources(of_step(9), "code")
    (given,) = [source for source in cells if 'exercise("9b"' in source]
    run(given)
    assert score()["exercises"] == {}
    run(given.replace("needs = set()", 'needs = {"blur"}'))
    assert score()["exercises"]["9b"]["tries"] == 1
    run(f"{given}\n")
    assert score()["exercises"]["9b"]["tries"] == 1


def test_an_answer_in_another_notebook_does_not_count(begin):
    begin(2)
    assert exercise("1b", RIGHT).right and score().points == 0


def test_a_notebook_that_was_not_touched_has_nothing(at):
    found = score()
    assert found.points == 0 and set(found["steps"]) == {str(n) for n in range(1, 12)}
    assert found.total == len(exercises.JUDGES) + len(LOOKS)


def test_the_last_line_of_a_notebook(begin):
    begin(1)
    exercise("1b", RIGHT)
    of, total = len(exercises.of(1)), score().total
    line = f"01_thumbnail: 1 of {of}, course 1 of {total}"
    assert repr(tally(1)).startswith(line) and line in tally(1)._repr_html_()
    assert "check(2)" in repr(tally(2)) and "exercise 2a" in repr(tally(2))
    with pytest.raises(WorkbookError, match="no step 0"):
        tally(0)


def test_all_done(begin, settings, monkeypatch):
    open_target(begin(2), settings)
    check(2)
    monkeypatch.setattr(exercises, "JUDGES", {})
    assert repr(tally(2)).endswith("All done.")


def test_a_score_for_a_teacher(at, tmp_path):
    file = tmp_path / "class" / "mine.json"
    found = score(file)
    assert json.loads(file.read_text()) == json.loads(found.to_json())
    told = {"name", "begun", "updated", "versions"}
    assert told | {"steps", "exercises", "points", "out_of"} == set(found)
    assert set(found["versions"]) == {"python", "workbook"}


def test_the_teachers_copy_has_what_was_done_before(begin, at, cloud, tmp_path):
    """After clean-up, too, and when it was begun."""
    begin(1)
    exercise("1b", RIGHT)
    first = at.read_text().replace('"begun": "', '"begun": "before ')
    at.write_text(first)
    begin(11)
    copy = tmp_path / "mine.json"
    score(copy)
    found = json.loads(copy.read_text())
    assert found["exercises"]["1b"]["tries"] == 1 and found["points"] == 1
    assert found["begun"].startswith("before ")


#: Files of older versions counted what `up()` had built.
OLD = {"notebook": "02_buckets", "passed": 10, "best": 10, "total": 10}
DAMAGED = ("", "[]", '{"steps": {"x": 1}}', '{"steps": 3}')


@pytest.mark.parametrize("content", [*DAMAGED, json.dumps({"steps": {"2": OLD}})])
def test_a_score_that_is_damaged_or_of_before_is_begun_anew(at, content):
    at.write_text(content)
    assert score().points == 0


def test_score_is_shown_in_text_and_html(at):
    total = score()["steps"]["2"]["total"]
    line = f"0 of {total}"
    assert f"02_buckets   {line}" in repr(score()) and line in score()._repr_html_()


def test_two_notebooks_at_once_lose_no_mark(at, monkeypatch):
    """One waits for the other, whose mark it finds then."""
    merged = scores._merged

    def slow(*path, **found):
        score = merged(*path, **found)
        time.sleep(0.05)
        return score

    monkeypatch.setattr(scores, "_merged", slow)
    with ThreadPoolExecutor() as notebooks:
        for step in ("2", "3", "4"):
            notebooks.submit(scores._note, checks={step: "now"})
    assert score().points == 3


def test_a_folder_that_cannot_be_written_is_no_error(begin, monkeypatch, tmp_path):
    begin(1)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(tmp_path / "file"))
    assert exercise("1b", RIGHT).right


def test_a_reset_names_how_to_clear_the_score_and_clears_it_when_asked(at):
    assert score_at_reset(False, "reset(score=True)") == ""  # there is none
    at.write_text("{}")
    kept = "Your score stays; `reset(score=True)` begins it anew."
    assert score_at_reset(False, "reset(score=True)") == kept and at.exists()
    assert score_at_reset(True, "") == "Your score begins anew." and not at.exists()


def by_command(score: bool = False) -> None:
    deploying.main(["local", "reset", *["--score"] * score])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reset", "offers"),
    [(workbook.reset, "reset(score=True)"), (by_command, "--score")],
)
def test_a_reset_offers_to_clear_it(own_folder, capsys, monkeypatch, reset, offers):
    monkeypatch.setattr(session, "_current", session._Current())
    own_folder.mkdir()
    kept = own_folder / "score.json"
    kept.write_text("{}")
    reset()
    assert kept.exists() and offers in capsys.readouterr().out
    reset(score=True)
    assert not kept.exists() and "begins anew" in capsys.readouterr().out
