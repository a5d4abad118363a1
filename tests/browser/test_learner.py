"""A learner in the launcher's Lab: predicts, solves, uploads, restarts the kernel."""

from __future__ import annotations

import json

import pytest
from selenium.webdriver.common.keys import Keys
from support.browser_page import View
from workbook.show.restarted import TEXT

pytestmark = pytest.mark.slow

# Whether the panel of a dead widget is seen: what is hidden has no place in the page.
_PANEL = """
return [...document.querySelectorAll(".workbook-restarted")]
  .filter(each => each.offsetParent).map(each => each.innerText).join("");
"""


@pytest.fixture(scope="module")
def lesson(browser, launched_lab):
    """01, in the learner's copies."""
    browser.get(launched_lab.url)
    opened = "return window.jupyterapp?.shell.currentWidget?.context?.path"
    View(browser, "learner").until(opened)
    return launched_lab.page(browser, "01_thumbnail.ipynb")


def test_a_prediction_is_answered_by_running_its_cell(lesson):
    """The question stands above it, and the answer nowhere before."""
    index = lesson.find("sizes[30] < sizes[85]")
    sizes = "30: 4813"
    assert sizes not in json.dumps(lesson.cells())
    lesson.run_above(index)
    assert sizes not in json.dumps(lesson.cells())
    lesson.press_in(index, Keys.SHIFT, Keys.ENTER)
    lesson.until(f"return document.body.innerText.includes('{sizes}')")


def test_an_exercise_is_solved(lesson, launched_lab):
    index = lesson.find('exercise("1a", wide)')
    given = lesson.run(index)
    assert "not yet" in given and "squashed" in given
    lesson.write(index, "(256, 85)", over="(256, 256)")
    assert "Exercise 1a of 01_thumbnail: right." in lesson.run(index)
    tally = lesson.run(lesson.find("tally(1)"))
    assert "01_thumbnail: 1 of 2" in tally and "exercise 1a" not in tally
    kept = launched_lab.checkout / ".local-cloud" / "score.json"
    solved = json.loads(kept.read_text("utf-8"))["exercises"]["1a"]
    assert solved["right"] and solved["tries"] == 1  # the cell as given is none


def test_a_restart_is_told_where_it_is_felt(browser, lesson):
    """The sliders say that nothing happens any more, a cell which cells to run."""
    index = lesson.find("thumbnail_lab(data)")
    lesson.run(index)
    lesson.show(index)
    lesson.until("return document.querySelector('.workbook-restarted')")
    assert browser.execute_script(_PANEL) == ""
    lesson.restart()
    lesson.until(_PANEL)
    lesson.screenshot("restarted")
    assert TEXT in browser.execute_script(_PANEL)
    felt = lesson.run(lesson.find("sizes[30] < sizes[85]"))
    assert "NameError" in felt and "Run All Above Selected Cell" in felt
    lesson.run_above(index)
    lesson.run(index)
    lesson.until(f"return !(() => {{{_PANEL}}})()")
