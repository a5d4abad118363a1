"""`thumbnail-workbook lab`, started as a learner starts it, in headless Chromium."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys
from support.bench import fetch
from support.browser_page import DIAGRAM, View, launched, new_checkout, screen

pytestmark = pytest.mark.slow

_TEXT = "document.body.innerText"
_STATUS_BAR = 24  # its height, in the window's points
_WHERE = "return window.jupyterapp?.shell.currentWidget?.context?.path"
# Where the last words of the opening cell stand, in the window's own points.
_BOTTOM = """
const words = [...document.querySelectorAll('.jp-RenderedMarkdown strong')]
  .find(each => each.textContent.includes('Shift + Enter'));
return words?.getBoundingClientRect().bottom;
"""
_CELLS = "window.jupyterapp.shell.currentWidget.content"
# A cell of the learner's own below the active one, run.
_RUN = f"""
window.jupyterapp.commands.execute('notebook:insert-cell-below').then(() => {{
  {_CELLS}.activeCell.model.sharedModel.setSource(arguments[0]);
  window.jupyterapp.commands.execute('notebook:run-cell');
}});
"""
_OUTPUT = f"""
const cell = {_CELLS}.activeCell;
const done = cell.model.executionCount && cell.prompt !== '*';
return done && JSON.stringify(cell.model.outputs.toJSON());
"""
_FOLLOW = """
[...document.querySelectorAll('.jp-RenderedMarkdown a')]
  .find(each => each.textContent === arguments[0]).click();
"""


# What File ▸ New ▸ Terminal opens; what it prints is kept for the test.
_TERMINAL = """
window.told = "";
window.jupyterapp.serviceManager.terminals.startNew().then(terminal => {
  terminal.messageReceived.connect((_, message) => {
    if (message.type === "stdout") window.told += message.content.join("");
  });
  terminal.send({type: "stdin", content: [arguments[0]]});
});
"""


@contextmanager
def window(browser, zoom: float = 1, dark: bool = False) -> Iterator[None]:
    """A projector's 1280 × 720 pixels, larger or smaller, light or dark."""
    size = {"width": round(1280 / zoom), "height": round(720 / zoom)}
    theme = "JupyterLab Dark" if dark else "JupyterLab Light"
    browser.execute_async_script(
        "window.jupyterapp.commands.execute('apputils:change-theme',"
        " {theme: arguments[0]}).then(arguments[1], arguments[1])",
        theme,
    )
    with screen(browser, **size, deviceScaleFactor=zoom):
        yield


@pytest.fixture(scope="module")
def tour(browser, launched_lab):
    """The page that Jupyter's own address leads to: the learner's copy of the tour."""
    browser.get(launched_lab.url)
    View(browser, "launcher").until(_WHERE, wanted="work/00_tour.ipynb")
    return launched_lab.page(browser, "00_tour.ipynb")


@pytest.mark.parametrize("zoom", [1, 1.5])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_to_press_is_seen_without_scrolling(browser, tour, zoom, dark):
    with window(browser, zoom, dark):
        tour.until(DIAGRAM)
        tour.until("return !document.querySelector('#jupyterlab-splash')")
        bottom = tour.until(_BOTTOM)
        tour.screenshot(f"opening-{zoom}-{'dark' if dark else 'light'}")
        assert bottom < 720 / zoom - _STATUS_BAR


def test_no_cell_has_an_output_before_it_is_run(tour):
    cells = tour.cells()
    assert len(cells) > 5
    assert not any(cell["outputs"] or cell["number"] for cell in cells)


def test_the_first_cell_runs_with_shift_and_enter(tour):
    tour.press_in(1, Keys.SHIFT, Keys.ENTER)
    tour.until(
        "return document.body.innerText.includes('Step 0, 00_tour, on the local cloud')"
    )
    tour.until("return /thumbnailer-role/.test(document.body.innerText)", 120)
    assert tour.errors() == []


@pytest.mark.parametrize(
    "command", ["python -m deploy status", "python -m workbook status"]
)
def test_a_cell_finds_the_commands(browser, tour, command):
    browser.execute_script(_RUN, f"!{command}")
    output = tour.until(_OUTPUT, 60)
    assert "ready     trigger" in output, output


def test_the_terminal_finds_the_commands(browser, tour):
    browser.execute_script(_TERMINAL, "python -m deploy local status\r")
    told = tour.until(
        "return /The local cloud is.*|No module.*/.exec(window.told)?.[0]"
    )
    assert told.startswith("The local cloud is running")


def noise(path: Path, megabytes: int) -> Path:
    """Make a JPEG of a weight, as a camera might: noise is what weighs most."""
    side = round((megabytes * 1e6 / 1.175) ** 0.5)
    pixels = random.Random(megabytes).randbytes(side * side * 3)
    Image.frombytes("RGB", (side, side), pixels).save(path, quality=95)
    assert abs(path.stat().st_size / 1e6 - megabytes) < 2
    return path


def test_large_photos_pass_through_the_box(tour, tmp_path):
    tour.run_all()
    tour.show(tour.find("upload_box("))
    tour.until("return document.querySelector('button.jupyter-button')")
    tour.choose_file(noise(tmp_path / "noise-15.jpg", 15))
    tour.until(f"return /noise-15.jpg[^]*256 × 256/.test({_TEXT})")
    # It arrives whole; the function's own limit is another matter.
    tour.choose_file(noise(tmp_path / "noise-40.jpg", 40))
    tour.until(f"return /noise-40.jpg[^]*40.0 MB/.test({_TEXT})")


def test_the_news_are_not_asked_for(launched_lab):
    name = "@jupyterlab/apputils-extension:notification"
    _, answer = fetch(f"{launched_lab.url}/lab/api/settings/{name}")
    properties = json.loads(answer)["schema"]["properties"]
    assert properties["fetchNews"]["default"] == "false"


def test_links_lead_to_copies_and_to_the_code(browser, launched_lab):
    for text, path in (
        ("The buckets", "work/02_buckets.ipynb"),
        ("handler/picture/render.py", "handler/picture/render.py"),
    ):
        page = launched_lab.page(browser, "01_thumbnail.ipynb")
        browser.execute_script(f"{_CELLS}?.scrollToItem({_CELLS}.widgets.length - 1)")
        page.until(
            "return [...document.querySelectorAll('.jp-RenderedMarkdown a')]"
            f".some(each => each.textContent === {text!r})"
        )
        browser.execute_script(_FOLLOW, text)
        page.until(f"return (() => {{{_WHERE}}})() === {path!r}")


def test_the_tree_is_clean_after_a_session(browser, tour, launched_lab):
    page = launched_lab.page(browser, "00_tour.ipynb")
    page.run_all()
    browser.execute_async_script(
        "window.jupyterapp.commands.execute('docmanager:save')"
        ".then(arguments[0], arguments[0])"
    )
    saved = (launched_lab.checkout / "work" / "00_tour.ipynb").read_text("utf-8")
    assert '"output_type": "execute_result"' in saved
    assert launched_lab.run("git", "status", "--porcelain") == ""


def test_with_a_read_only_checkout_pictures_and_links_still_show(browser, tmp_path):
    """Everything that is written goes to the user's own folder, with links beside."""
    checkout = new_checkout(tmp_path / "checkout")
    with launched(checkout, WORKBOOK_HOME=str(tmp_path / "own")) as lab:
        page = lab.page(browser, "00_tour.ipynb")
        page.until(DIAGRAM)
        browser.get(f"{lab.url}/lab/tree/handler/picture/render.py")
        page.until("return document.querySelector('.jp-FileEditor .cm-content')")
        assert lab.run("git", "status", "--porcelain") == ""
        assert not (checkout / "work").exists()
