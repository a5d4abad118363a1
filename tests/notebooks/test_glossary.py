"""The glossary: each word stands in the notebook it names, and each links to it."""

from __future__ import annotations

import re

import pytest
from support.course import FOLDER, NOTEBOOKS, cells, prose

PAGE = (FOLDER / "GLOSSARY.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| \[\d\d\]\(([^)]+)\) \|$", PAGE, re.M)
LESSONS = [path for path in NOTEBOOKS if path.stem != "answers"]


@pytest.mark.parametrize(("word", "meaning", "link"), ROWS, ids=[r[0] for r in ROWS])
def test_a_word_stands_where_it_is_first_explained(word, meaning, link):
    assert word.lower() in " ".join(prose(FOLDER / link).lower().split())
    assert len(meaning.split()) <= 20


def test_words_are_in_order_and_none_is_lost():
    words = [word.lower() for word, _, _ in ROWS]
    assert words == sorted(set(words))
    assert len(words) == sum(line.startswith("| ") for line in PAGE.splitlines()) - 1


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_notebook_opens_with_a_link_to_the_glossary(path):
    assert "](GLOSSARY.md)" in cells(path)[0].source


def test_the_tour_links_the_page_of_help():
    assert "](HELP.md)" in prose(FOLDER / "00_tour.ipynb")
    assert "](GLOSSARY.md)" in (FOLDER / "HELP.md").read_text("utf-8")
