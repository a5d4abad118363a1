"""`make pages`: what a page is made of, and the site itself, each link followed."""

from __future__ import annotations

import json
import re

import pytest
from pages import build
from support.browser_page import View, prefer
from workbook import copies

WIDGET = "application/vnd.jupyter.widget-view+json"
#: What has a light background of its own, and what hangs over the edge.
_SEEN = """
const dark = colour => colour.match(/\\d+/g).slice(0, 3).every(part => part < 90);
const back = element => getComputedStyle(element).backgroundColor;
const edge = document.documentElement;
const outputs = [...document.querySelectorAll("div.cell_output .text_html")];
return {
  theme: edge.dataset.theme,
  dark: dark(back(document.body)),
  outputs: outputs.length,
  light: outputs.map(back).filter(each => !/, 0\\)$/.test(each) && !dark(each)).length,
  padded: [...document.querySelectorAll("div.cell_output img")]
    .filter(each => parseFloat(getComputedStyle(each).padding)).length,
  images: [...document.images].filter(each => !each.naturalWidth).length,
  overflow: edge.scrollWidth - edge.clientWidth,
};
"""


def shown(*outputs):
    return [each["data"] for each in build._read_without_running(list(outputs))]


def widget(text, **more):
    return {"data": {WIDGET: {}, "text/plain": [text]} | more}


def test_a_progress_bar_is_left_out_and_a_widget_is_named():
    told = {"text/plain": "(UploadBox: works in a running notebook)"}
    bars = [widget("100%|███| 6/6"), widget("Uploading: 100%|███| 1/1")]
    assert shown(*bars, widget("UploadBox(children=(…")) == [told]
    picture = {"data": {"text/html": "<b>", "text/plain": "100%|"}}
    assert shown(picture) == [picture["data"]]


def test_the_readme_is_cut_where_it_says_how_to_run():
    intro, how = build.readme()
    assert intro.startswith("# Thumbnail Workbook") and "make lab" not in intro
    assert "make lab" in how and "## " not in how and "</details>" in how


def test_links_lead_to_pages_and_code_gets_one(tmp_path):
    source = build.Source(tmp_path)
    text = "[a](../deploy/steps/role.py) [b](03_role.ipynb#it) ![c](../images/hero.jpg)"
    told = source._linked(text + " [d](https://a.example/b)", "notebooks")
    page = "code/deploy-steps-role.py.md"
    assert told == (
        f"[a]({page}) [b](03_role.ipynb#it) ![c](images/hero.jpg) "
        "[d](https://a.example/b)"
    )
    assert "literalinclude" in (tmp_path / page).read_text("utf-8")


def test_every_link_of_the_source_has_its_page(tmp_path):
    build.Source(tmp_path).write()
    pages = [*tmp_path.glob("*.md"), *tmp_path.glob("*.ipynb")]
    links = {(page.name, link[2]) for page in pages for link in _links(page)}
    assert len(links) > 50 and ("00_tour.ipynb", "GLOSSARY.md") in links
    gone = [(page, to) for page, to in links if not (tmp_path / to).is_file()]
    assert gone == []
    # What a cell says to the tests is left out.
    assert not any("NBVAL_" in page.read_text("utf-8") for page in pages)


def _links(page):
    text = page.read_text("utf-8")
    if page.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        told = [each["source"] for each in cells if each["cell_type"] == "markdown"]
        text = "\n".join(told)
    return copies.LINK.finditer(text)


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here"></a><a href="#gone"></a><a href="b.html#x"></a>'
        '<img src="no.png"><script src="https://cdn.example/x.js"></script>'
    )
    (tmp_path / "b.html").write_text("<p>")
    assert build.broken(tmp_path) == [
        f"a.html → {link}" for link in ("#gone", "b.html#x", "no.png")
    ]
    assert build.fetched(tmp_path) == ["a.html → https://cdn.example/x.js"]


@pytest.fixture(scope="module")
def site():
    build.build()
    return build.PAGES


@pytest.mark.slow
def test_every_link_of_the_site_leads_somewhere_in_it(site):
    assert build.broken(site) == [] and build.fetched(site) == []
    pages = {path.name for path in site.glob("*.html")}
    assert pages >= {"index.html", "run.html", "search.html", "TEACHING.html"}
    assert len([name for name in pages if re.match(r"\d\d_", name)]) == 12
    third = (site / "03_role.html").read_text("utf-8")
    assert re.search(r'class="left-prev"\s+href="02_buckets.html"', third)
    assert re.search(r'class="right-next"\s+href="04_layer.html"', third)
    assert "AccessDenied" in third  # the error on purpose


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_in_a_browser(site, browser, scheme):
    prefer(browser, scheme)
    browser.set_window_size(1300, 1600)
    browser.get((site / "07_watch.html").as_uri())
    View(browser, "pages").screenshot(scheme)
    seen = browser.execute_script(_SEEN)
    assert seen["dark"] == (scheme == "dark") == (seen["theme"] == "dark")
    assert seen["outputs"] > 3 and seen["images"] == 0 and seen["overflow"] <= 0
    assert scheme == "light" or seen["light"] == 0
    assert seen["padded"] == 0  # nothing is put around pictures, which have a scale
