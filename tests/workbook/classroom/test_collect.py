"""Score files of a class: the table, the page, and what is skipped in a sentence."""

from __future__ import annotations

import csv
import json
import os
import re

import pytest
import workbook
from support.browser_page import View, prefer
from workbook.__main__ import main
from workbook.classroom import collect

#: Every row, bars that have a width, whether it is dark, and what hangs over the edge.
_SEEN = """
const edge = document.documentElement;
const bars = [...document.querySelectorAll(".cells")];
return {
  rows: document.querySelectorAll("th[scope=row]").length,
  bars: bars.filter(bar => bar.getBoundingClientRect().width > 200).length,
  dark: getComputedStyle(document.body).backgroundColor === "rgb(20, 25, 31)",
  overflow: edge.scrollWidth - edge.clientWidth,
};
"""
STEPS = {
    "2": {"notebook": "02_buckets", "passed": 0, "best": 10, "total": 10},
    "3": {"notebook": "03_role", "passed": 3, "best": 3, "total": 8},
    "4": {"notebook": "04_layer", "passed": 0, "best": 0, "total": 5},
}
SCORE = {"steps": STEPS, "updated": "2026-11-26T10:00:00+00:00"}
OPEN = {"notebook": "02_buckets", "right": False, "tries": 3}
RIGHT = {"notebook": "02_buckets", "right": True, "tries": 1}


@pytest.fixture
def folder(tmp_path):
    """Three learners, as hubs and mails bring their files."""
    put(tmp_path / "anna.json", SCORE)
    done = {k: v | {"best": v["total"]} for k, v in STEPS.items()}
    put(tmp_path / "bob" / "score.json", SCORE | {"steps": done})
    named = {"name": "Žofie <b>", "versions": {"workbook": "0.1.0"}}
    put(tmp_path / "x.json", SCORE | named | {"updated": "2026-11-26T11:00:00+00:00"})
    return tmp_path


def put(path, data):
    path.parent.mkdir(exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")


def test_who_is_where(folder):
    found = collect.collect(folder)
    assert [each.name for each in found.learners] == ["anna", "bob", "Žofie <b>"]
    anna, bob, _ = found.learners
    assert anna.stopped.notebook == "03_role"
    assert bob.stopped is None and (bob.points, bob.total) == (23, 23)
    assert found.most == "Most stopped at 03_role (2 of 3)."


@pytest.mark.parametrize(
    ("best", "stopped"),
    [
        ((0, 0, 0), "02_buckets"),  # nothing is begun
        ((0, 3, 0), "03_role"),  # the plan left 02 out
        ((4, 0, 2), "04_layer"),  # what was left behind is no stop
        ((4, 8, 0), "04_layer"),  # goes on there
        ((4, 8, 5), "02_buckets"),  # all but that
    ],
)
def test_a_step_that_the_plan_leaves_out_stopped_nobody(tmp_path, best, stopped):
    reached = dict(zip(STEPS, best, strict=True))
    steps = {k: v | {"best": reached[k]} for k, v in STEPS.items()}
    put(tmp_path / "anna.json", SCORE | {"steps": steps})
    (anna,) = collect.collect(tmp_path).learners
    assert anna.stopped.notebook == stopped


def test_a_score_that_score_wrote(at, tmp_path):
    score = workbook.score(tmp_path / "all" / "anna.json")
    (found,) = collect.collect(tmp_path / "all").learners
    assert (found.points, found.total) == (score.points, score.total)
    assert "workbook " in found.versions and found.stopped.number == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is damaged: it is no JSON."),
        ('{"steps": {"2"', "is damaged: it is no JSON."),
        ("[" * 100_000, "is damaged: it is no JSON."),
        ("[]", "is no score: it has no steps."),
        ('{"cells": []}', "is no score: it has no steps."),
        ('{"steps": {}}', "is a score of nothing: no step was checked."),
        ('{"steps": {"x": 1}}', "is damaged: a step of it cannot be read."),
        ({"steps": STEPS, "exercises": {"2a": 1}}, "an exercise of it cannot be read."),
        (
            {"steps": STEPS, "exercises": {"x": OPEN}},
            "an exercise of it cannot be read.",
        ),
        ({"steps": {"2": {"best": 11, "total": 10}}}, "a step of it cannot be read."),
        ({"steps": {"2": {"best": True, "total": 1}}}, "a step of it cannot be read."),
        (" " * 1_000_001, "is too large for a score."),
    ],
)
def test_what_is_no_score_is_skipped_in_a_sentence(folder, content, said):
    put(folder / "bad.json", content)
    found = collect.collect(folder)
    assert len(found.learners) == 3
    assert len(found.skipped) == 1 and found.skipped[0].startswith("bad.json ")
    assert found.skipped[0].endswith(said)


def test_the_newest_of_a_name_counts(folder):
    later = {"updated": "2026-11-26T10:00:01+00:00"}
    put(folder / "anna" / "score.json", SCORE | later)
    found = collect.collect(folder)
    assert len(found.learners) == 3 and found.learners[0].file == "anna/score.json"
    assert found.skipped == ("anna.json is older than anna/score.json, of anna.",)


def test_a_copy_under_another_name_is_pointed_out(folder):
    put(folder / "carl.json", SCORE)
    (note,) = collect.collect(folder).notes
    assert note.startswith("carl.json tells the same at the same second as anna.json")


def test_which_exercise_stopped_most(folder):
    assert collect.collect(folder).hardest.startswith("No exercise")
    exercises = {"10a": OPEN, "2a": OPEN}
    put(folder / "d.json", SCORE | {"exercises": exercises})
    put(folder / "e.json", SCORE | {"exercises": {"2a": OPEN, "2b": RIGHT}})
    put(folder / "f.json", SCORE | {"exercises": {"2a": RIGHT}})
    found = collect.collect(folder)
    assert found.hardest == (
        "The exercise that stopped most: 2a (2 tried and did not get it right)."
    )
    assert list(found.exercises) == ["2a", "2b", "10a"]
    table, page = collect.write(found, folder)
    rows = list(csv.DictReader(table.read_text("utf-8-sig").splitlines()))
    known = {row["name"]: row["exercise 2a"] for row in rows}
    assert known == {
        **{"anna": "", "bob": "", "Žofie <b>": ""},
        **{"d": "open", "e": "open", "f": "right"},
    }
    assert (
        '2a, 02_buckets</th><td class="bar"><div><span class="whole" style="width:'
        in (page.read_text("utf-8"))
    )


def test_the_table(folder):
    put(folder / "e.json", SCORE | {"name": "=1+1", "updated": "no time"})
    table, _ = collect.write(collect.collect(folder), folder)
    rows = list(csv.DictReader(table.read_text("utf-8-sig").splitlines()))
    assert [row["name"] for row in rows] == ["'=1+1", "anna", "bob", "Žofie <b>"]
    assert rows[1]["stopped_at"] == "03_role" and rows[1]["03_role"] == "3"
    assert rows[3]["versions"] == "workbook 0.1.0"


def test_the_page_stands_alone_and_runs_no_name(folder):
    _, page = collect.write(collect.collect(folder), folder)
    text = page.read_text("utf-8")
    assert "Žofie &lt;b&gt;" in text and "<b>" not in text
    assert not re.search(r"https?://|<script|<link|@import|url\(", text)
    assert "A score file is plain text that its owner can change" in text


def test_the_command(folder, capsys):
    assert main(["class", "collect", str(folder)]) == 0
    assert "Most stopped at 03_role (2 of 3)." in capsys.readouterr().out
    assert (folder / "class.html").exists() and (folder / "class.csv").exists()
    assert main(["class", "collect", str(folder)]) == 0  # what it wrote is no score
    assert "Skipped" not in capsys.readouterr().out


def test_no_folder_and_no_file(tmp_path, capsys):
    assert main(["class", "collect", str(tmp_path / "none")]) == 1
    assert "there is no such folder" in capsys.readouterr().err
    assert main(["class", "collect", str(tmp_path)]) == 1
    assert "there is no score file" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(folder, browser, scheme):
    for number in range(25):
        tried = {"2a": RIGHT if number % 3 else OPEN, "2b": OPEN}
        more = {"updated": str(number), "exercises": tried}
        put(folder / f"learner-{number:02}.json", SCORE | more)
    assert "2b (25 tried" in collect.collect(folder).hardest
    _, page = collect.write(collect.collect(folder), folder)
    prefer(browser, scheme)
    browser.set_window_size(1100, 900)
    browser.get(page.as_uri())
    View(browser, "class").screenshot(scheme)
    seen = browser.execute_script(_SEEN)
    assert seen["rows"] == 28 + 3 + 2 and seen["overflow"] <= 0
    assert seen["dark"] == (scheme == "dark") and seen["bars"] == 28


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX alone")
def test_a_name_is_utf8_in_a_c_locale_too(tmp_path):
    in_a_c_locale = "Zoë".encode().decode("ascii", "surrogateescape")
    put(tmp_path / f"{in_a_c_locale}.json", SCORE)
    put(tmp_path / f"{in_a_c_locale}-2.json", "no score")
    found = collect.collect(tmp_path)
    assert [learner.name for learner in found.learners] == ["Zoë"]
    assert found.skipped[0].startswith("Zoë-2.json ")
    table, page = collect.write(found, tmp_path)
    assert "Zoë" in table.read_text("utf-8-sig") and "Zoë" in page.read_text("utf-8")
