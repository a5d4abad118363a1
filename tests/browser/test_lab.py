"""The notebooks as a learner has them: JupyterLab, and photos chosen by hand."""

from __future__ import annotations

import base64
import io
import random
import re
import time
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver.support.ui import Select
from support.browser_page import DIAGRAM, PROJECTOR, Page, screen

pytestmark = pytest.mark.slow

# Every picture that stands in the page, as its data; plots are SVG, and none.
_PICTURES = r"""
return [...document.querySelectorAll('.jp-OutputArea img')]
  .map(img => img.src).filter(src => /^data:image\/(jpeg|png)/.test(src));
"""
_SIDEBAR = "window.jupyterapp.commands.execute('application:toggle-left-area')"

_CELL_IN_SIGHT = """
const notebook = window.jupyterapp.shell.currentWidget.content;
const printed = each => JSON.stringify(each.model.outputs?.toJSON() || "");
const at = notebook.widgets.findIndex(each => printed(each).includes(arguments[0]));
return notebook.scrollToItem(at, "center");
"""


def random_photo(folder: Path, side: int = 900) -> tuple[Path, tuple[int, int, int]]:
    """Draw a picture of one colour that no other has."""
    colour = tuple(random.randrange(20, 236) for _ in range(3))
    path = folder / f"colour-{'-'.join(map(str, colour))}.jpg"
    Image.new("RGB", (side, side), colour).save(path, quality=95)
    return path, colour


def shown(lab, colour: tuple[int, int, int], size: tuple[int, int]) -> bool:
    """Whether a picture of this size and colour is in the page."""
    for src in lab.browser.execute_script(_PICTURES):
        image = Image.open(io.BytesIO(base64.b64decode(src.partition(",")[2])))
        pixel = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
        near = all(abs(a - b) < 6 for a, b in zip(pixel, colour, strict=True))
        if near and image.size == size:
            return True
    return False


def seconds_until_shown(lab, path: Path, colour: tuple[int, int, int]) -> float:
    start = time.perf_counter()
    lab.choose_file(path)
    until_shown(lab, colour)
    return time.perf_counter() - start


def until_shown(lab, colour: tuple[int, int, int]) -> None:
    start = time.perf_counter()
    while not shown(lab, colour, (256, 256)):
        assert time.perf_counter() - start < 30, lab.screenshot("not-shown")
        time.sleep(0.02)


@pytest.fixture(scope="module")
def tour(browser, launched_lab):
    page = launched_lab.page(browser, "00_tour.ipynb")
    page.run_all()
    return page


def test_the_tour_runs_without_an_error(tour):
    tour.screenshot("end")
    assert tour.errors() == []
    assert all(cell["number"] for cell in tour.cells())


def test_nothing_of_the_tour_is_cut_off_on_a_projector(tour):
    """With Lab's sidebar open."""
    assert tour.cut_off() == []


def test_the_tour_is_legible_on_a_projector(tour):
    browser = tour.browser
    browser.execute_script(_SIDEBAR)
    with screen(browser, **PROJECTOR):
        tour.scroll_to(".jp-OutputArea img[src^=data]")
        tour.screenshot("projector")
        font = browser.execute_script(
            "const cell = document.querySelector('.jp-OutputArea td');"
            "return parseFloat(getComputedStyle(cell).fontSize);"
        )
    browser.execute_script(_SIDEBAR)
    assert font * 1.5 >= 20  # pixels of 720


def test_the_tours_link_shows_a_thumbnail(tour):
    """Lab makes a link of what looks like one; there is one, and it can be clicked."""
    printed = [
        "".join(output.get("text", "")) + "".join(output.get("data", {}).values())
        for cell in tour.cells()
        for output in cell["outputs"]
        if "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
    ]
    (link,) = re.findall(r"https?://[^\s\"<]+", " ".join(printed))
    browser, lab = tour.browser, tour.browser.current_window_handle
    browser.execute_script(_CELL_IN_SIGHT, link)
    anchor = tour.until(
        f"return document.querySelector('.jp-OutputArea a[href=\"{link}\"]')"
    )
    anchor.click()
    (new,) = set(browser.window_handles) - {lab}
    browser.switch_to.window(new)
    size = "return [document.images[0].naturalWidth, document.images[0].naturalHeight]"
    seen = browser.execute_script(size)
    browser.close()
    browser.switch_to.window(lab)
    assert seen == [256, 192] and link.endswith("/thumbnails/mountain-lake.jpg")


def test_a_photo_chosen_by_hand_comes_back_as_a_thumbnail(tour, tmp_path):
    times = [seconds_until_shown(tour, *random_photo(tmp_path)) for _ in range(3)]
    tour.screenshot("uploaded")
    print(f"\nupload → picture in the page: {min(times):.2f} s at best")


def test_a_name_without_a_rule_has_a_way_out(tour, tmp_path):
    path, colour = random_photo(tmp_path)
    path = path.rename(tmp_path / "HOLIDAY.JPG")
    tour.choose_file(path)
    tour.until("return document.body.innerText.includes('HOLIDAY.JPG is stored')")
    click = """
        const again = [...document.querySelectorAll("button")].find(
          (button) => button.innerText.includes("Upload as HOLIDAY.jpg"));
        again?.click();
        return Boolean(again);"""
    tour.until(click)
    until_shown(tour, colour)
    assert tour.errors() == []


def test_the_live_gallery_shows_the_colour(browser, launched_lab, tmp_path):
    page = launched_lab.page(browser, "07_watch.ipynb")
    page.run_all()
    assert page.errors() == []
    assert seconds_until_shown(page, *random_photo(tmp_path))
    page.scroll_to(".jp-OutputArea-output .jupyter-widgets img")
    page.screenshot("gallery")
    assert page.cut_off() == []


def test_the_effects_follow_their_sliders(browser, launched_lab):
    page = launched_lab.page(browser, "09_effects.ipynb")
    page.until(DIAGRAM)
    page.run_all(300)
    assert page.errors() == []
    page.show(3)
    select = page.until("return document.querySelector('.jp-OutputArea select')")
    Select(select).select_by_visible_text("blur")
    page.until('return document.body.innerText.includes(\'"effect": "blur"\')')
    page.screenshot("blur")


def test_notebook_7_runs_the_tour(browser, notebook_7, tmp_path):
    page = Page(browser, notebook_7, "00_tour.ipynb")
    page.run_all()
    assert page.errors() == []
    assert seconds_until_shown(page, *random_photo(tmp_path))
    page.screenshot("notebook7")
