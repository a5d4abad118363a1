"""The labs' cards: one fault at a time, its symptom told, its cause drawn."""

import dataclasses

import pytest
from support.local_cloud import shared_pipeline
from support.moto_cloud import Clock
from workbook import session
from workbook.errors.messages import WorkbookError
from workbook.labs import cards, faults

from deploy import pipeline, waiting
from deploy.tracing import NAMES, Link, Trace


def test_each_lab_has_a_fault_of_its_own_that_its_symptom_does_not_tell():
    for lab in cards.LABS:
        assert lab.mended_in in session.NOTEBOOKS.values()
        assert faults.FAULTS[lab.fault].title not in lab.symptom
    assert len({lab.fault for lab in cards.LABS}) == len(cards.LABS) == 12
    assert len(repr(cards.labs()).splitlines()) == 12


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


@pytest.fixture
def built(cloud, settings, monkeypatch):
    """A pipeline on moto: it stands, and nothing runs; so the labs wait for nothing."""
    monkeypatch.setattr(cards, "_state", cards._State())
    monkeypatch.setattr(waiting, "clock", Rushing())
    settings = dataclasses.replace(settings, reliable=True)
    pipeline.up(cloud, settings, say=lambda line: None)
    return cloud, settings


class Rushing(Clock):
    """A clock on which waiting takes no time; a look takes a minute."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds + 60)


def test_the_card_is_shown_before_the_fault_goes_in(built, capsys):
    cloud, _ = built
    shown = []
    cloud.s3.meta.events.register(
        "before-call.s3.PutObject", lambda **_: shown.append(capsys.readouterr().out)
    )
    cards.lab(3, *built)
    assert "Predict: Was the function called?" in shown[0]


def test_one_lab_at_a_time(built, capsys):
    cards.lab(3, *built)
    cards.lab(6, *built)
    assert "Lab 3 was not over" in capsys.readouterr().out
    cards.lab(1, *built)
    assert "Lab 6 was not over" in capsys.readouterr().out
    items = pipeline.status(*built).items
    differs = [item.step for item in items if item.state != "ready"]
    assert differs == ["function"]
    cards.lab(1, *built)
    assert "not over" not in capsys.readouterr().out


def test_a_mend_without_a_number_mends_what_is_in(built):
    cards.lab(6, *built)
    assert not pipeline.status(*built).ready
    assert "Lab 6: the bucket may not invoke" in repr(cards.mend(None, *built))
    assert pipeline.status(*built).ready
    assert "No lab is open" in repr(cards.mend(None, *built))


def test_the_wrong_mend_names_the_lab_that_is_in(built, capsys):
    cards.lab(1, *built)
    said = repr(cards.mend(2, *built))
    assert "Lab 1 is still open" in said and "lighthouse.jpg: broken (layer:" in said
    assert "layer: The function has no layer" in capsys.readouterr().out


def test_undo_all_ends_the_lab(built, capsys):
    cards.lab(2, *built)
    cards.undo_all(*built)
    assert pipeline.status(*built).ready
    cards.lab(3, *built)
    assert "not over" not in capsys.readouterr().out


@pytest.fixture(scope="module")
def standing(local_folder):
    with shared_pipeline(local_folder, name="labs", reliable=True) as place:
        yield place


@pytest.mark.slow
def test_a_wrong_mend_draws_the_path(standing, capsys):
    """A lab's fault is mended, and another thing is wrong."""
    cards.lab(6, *standing)
    faults.undo("uninvited", *standing)
    faults.put("bucket-not-objects", *standing)
    said = repr(cards.verdict(*standing))
    assert "Lab 6: not yet. lighthouse.jpg: broken (role: " in said
    assert "The policy names the bucket" in capsys.readouterr().out
    cards.undo_all(*standing)
    assert pipeline.status(*standing).ready


def test_there_is_no_wait_where_no_event_comes(built):
    """The bucket may not call the function: in lab 6 an upload tells at once."""
    cards.lab(6, *built)
    waited = waiting.clock.now()
    assert "permission" in cards._again(cards.LABS[5], *built)
    assert waiting.clock.now() == waited
    cards.undo_all(*built)


def test_a_key_is_known_again_however_it_was_decoded():
    key = "red panda+1 é.jpg"
    for logged in (key, "red+panda%2B1+%C3%A9.jpg", "red+panda+1+é.jpg"):
        assert cards._decoded(logged) == cards._decoded(key)
    assert cards._decoded("panda.jpg") != cards._decoded(key)
