"""Every lab shows its fault, `follow` finds it, `mend` mends it, on the local cloud."""

import pytest
from workbook import session
from workbook.errors.messages import WorkbookError
from workbook.labs import cards, faults

from deploy import connect, pipeline, settings_for, trace
from deploy.tracing import NAMES, Link, Trace

#: Lab → the first broken link, or the ending where none is broken.
FOUND = {
    1: "layer",
    2: "role",
    3: "rule",
    4: "log",
    5: "layer",
    6: "permission",
    7: "log",
    8: "log",
    9: "public",
    10: "rejected",
    11: "made",
    12: "invocation",
}


def test_each_lab_has_a_fault_of_its_own():
    names = [lab.fault for lab in cards.LABS]
    assert len(set(names)) == len(names) == 12
    assert set(names) <= set(faults.FAULTS)


def test_each_lab_names_its_notebook():
    assert {lab.mended_in for lab in cards.LABS} <= set(session.NOTEBOOKS.values())


def test_a_symptom_does_not_tell_the_fault():
    for lab in cards.LABS:
        assert faults.FAULTS[lab.fault].title not in lab.symptom


def test_all_labs_are_listed():
    assert len(repr(cards.labs()).splitlines()) == len(cards.LABS)


@pytest.mark.parametrize("number", [0, 13, "1"])
def test_no_such_lab(number):
    with pytest.raises(WorkbookError, match="1 to 12"):
        cards.lab(number)


def test_the_twin_tells_the_cause_alone():
    links = [Link(name, "green", "fine") for name in NAMES]
    links[7] = Link("role", "red", "It may not.", "GetRolePolicy", "Let it.")
    shown = cards.shown(Trace("a<b>.jpg", "here", tuple(links), "broken"))
    assert repr(shown) == "a<b>.jpg: broken\nrole: It may not.\n  Let it."
    assert "a&lt;b&gt;" in shown.data and "GetRolePolicy" in shown.data


@pytest.fixture(scope="module")
def standing(local_folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBOOK_LOCAL_CLOUD", str(local_folder))
        cloud = connect("local", say=lambda line: None)
        settings = settings_for(cloud, name="labs", reliable=True)
        pipeline.up(cloud, settings, say=lambda line: None)
        yield cloud, settings
        pipeline.down(cloud, settings)


@pytest.mark.slow
@pytest.mark.parametrize("number", FOUND)
def test_each_lab_is_found_and_mended(number, standing):
    key = cards.lab(number, *standing)
    found = trace(key, *standing)
    first = found.broken.name if found.broken else found.ending
    mended = cards.mend(number, *standing)
    assert first == FOUND[number], found
    assert "made" in repr(mended) or "nothing is left" in repr(mended)
    assert pipeline.status(*standing).ready
