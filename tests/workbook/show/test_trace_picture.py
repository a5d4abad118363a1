"""The picture of a trace: the broken link in red, the rest in its state's colour."""

import pytest
from support.shown import content
from workbook.html import GREEN, RED
from workbook.show import trace_picture

from deploy.steps import buckets
from deploy.tracing import NAMES, Link, Trace

HOLDS = {name: Link(name, "green", "It holds.", f"Get → {name}") for name in NAMES}


def found(ending="made", key="a.jpg", **changed):
    links = HOLDS | {link.name: link for link in changed.values()}
    return Trace(key, "the local cloud", tuple(links.values()), ending)


BROKEN = Link("layer", "red", "It has `none`.", "GetFunction → none", "Attach <it>.")
WARNED = Link("log", "amber", "Two tries.", "FilterLogEvents → failed", "None needed.")


def svg(shown):
    return content(shown.data).decode()


def test_every_link_has_its_place():
    assert [link for its in trace_picture.STATIONS.values() for link in its] == list(
        NAMES
    )
    assert all(f">{name}</text>" in svg(trace_picture.drawn(found())) for name in NAMES)


def test_green_is_green():
    drawn = svg(trace_picture.drawn(found()))
    assert RED not in drawn
    assert drawn.count(f'r="11" fill="{GREEN}"') == len(NAMES)


def test_the_broken_one_is_red_and_what_comes_after_is_faded():
    drawn = svg(trace_picture.drawn(found("broken", layer=BROKEN)))
    assert "Broken at layer: It has none." in drawn
    assert drawn.count("M") > drawn.count(RED) > 3
    assert drawn.count('opacity="0.55"') == drawn.count("stroke-dasharray") == 2


def test_evidence_and_cure_can_be_copied_and_have_a_twin_in_words():
    shown = trace_picture.drawn(found("broken", layer=BROKEN))
    assert "GetFunction → none" in shown.data
    assert "Attach &lt;it&gt;." in shown.data
    assert "✗ layer" in repr(shown)


def test_warnings_are_told():
    assert "Two tries." in trace_picture.drawn(found(log=WARNED)).data


@pytest.mark.parametrize("ending", ["rejected", "pending"])
def test_other_endings(ending):
    assert f">{ending}</text>" in svg(trace_picture.drawn(found(ending)))


def test_a_hostile_key_stays_text():
    key = "<script>" + "x" * 80 + '".jpg'
    shown = trace_picture.drawn(found(key=key))
    assert "<script>" not in shown.data
    assert "<script>" not in svg(shown)


def test_of_a_real_upload(cloud, settings):
    buckets.create(cloud, settings)
    shown = trace_picture.show_trace("a.jpg", cloud, settings)
    assert "Broken at object" in svg(shown)
    assert "http" not in repr(shown)
