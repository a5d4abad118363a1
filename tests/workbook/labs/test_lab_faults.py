"""The faults of the failure labs can be put in and undone, twice and from any state."""

import zipfile
from io import BytesIO

import pytest
from support.rows import rows
from workbook.errors.messages import WorkbookError
from workbook.labs import faults, mends, mistakes

from deploy import pipeline


@pytest.mark.parametrize("name", rows(faults.FAULTS, quick=4))
def test_put_and_undo_twice(name, built):
    for act in (faults.undo, faults.put, faults.put, faults.undo, faults.undo):
        act(name, *built)
    assert pipeline.status(*built).ready
    assert layers(*built) == 1


def test_undo_where_nothing_stands(cloud, settings):
    for name in faults.FAULTS:
        faults.undo(name, cloud, settings)
    assert pipeline.status(cloud, settings).ready


def test_undo_all(built):
    for name in faults.FAULTS:
        faults.put(name, *built)
    faults.undo_all(*built)
    assert pipeline.status(*built).ready
    assert layers(*built) == 1


def test_one_fault_is_undone_alone(built):
    faults.put("blocked", *built)
    faults.put("no-read", *built)
    faults.undo("no-read", *built)
    differs = [item.step for item in pipeline.status(*built).items if item.note]
    assert differs == ["buckets"]


def test_down_takes_what_a_lab_left(built):
    faults.put("wrong-layer", *built)
    assert layers(*built) == 2
    assert pipeline.down(*built).left == ()
    assert layers(*built) == 0


def test_an_unknown_fault(built):
    with pytest.raises(WorkbookError, match="no-layer"):
        faults.put("nothing", *built)


def test_the_wrong_layer_has_no_module_for_this_processor(settings):
    with zipfile.ZipFile(BytesIO(mistakes.for_other_processor(settings))) as other:
        names = [name for name in other.namelist() if "/_imaging." in name]
    mark = {"x86_64": "aarch64", "arm64": "x86_64"}[settings.architecture]
    assert [mark in name for name in names] == [True]


def layers(cloud, settings):
    answer = cloud.awslambda.list_layer_versions(LayerName=settings.layer_name)
    return len(answer["LayerVersions"])


# --- what a fault changes: what the learner then sees, in test_mends ------------------


def test_a_fault_in_the_resources_changes_them(built):
    """Every other fault of the labs: a step differs, or an upload or event is sent."""
    sends = {"capitals", "poison", "late-event"}
    differs = {
        "no-layer": "function",
        "wrong-layer": "function",
        "no-read": "role",
        "bucket-not-objects": "role",
        "timeout": "function",
        "memory": "function",
        "raw-key": "function",
        "each-third": "function",
        "into-its-source": "function",
        "blocked": "buckets",
        "uninvited": "trigger",
    }
    assert differs.keys() | sends | {"stopped"} == faults.FAULTS.keys()
    for name, step in differs.items():
        faults.put(name, *built)
        items = pipeline.status(*built).items
        assert [item.step for item in items if item.state != "ready"] == [step], name
        faults.undo(name, *built)
    faults.put("stopped", *built)
    cloud, settings = built  # moto keeps the limit, and shows it in this call alone
    limit = cloud.awslambda.get_function_concurrency(
        FunctionName=settings.function_name
    )
    assert limit["ReservedConcurrentExecutions"] == 0


def test_a_fault_that_sends_something_sends_it(built, wire):
    for name in ("capitals", "poison", "late-event"):
        wire.calls.clear()
        faults.put(name, *built)
        invoked = ["Invoke"] if name == "late-event" else []
        uploads = ["PutObject"] * (2 if invoked else 1)
        assert wire.mutations == [*uploads, *invoked]


def test_an_upload_of_the_lab_before_is_not_the_learners_copy(built):
    """The same photo, under the name that a copy would have, in the same second."""
    mistakes.upload(*built, "lighthouse.jpg", mistakes.sample("lighthouse.jpg"))
    faults.put("capitals", *built)
    assert mends.camera_photo(*built) == ""
    mistakes.upload(*built, "lighthouse.jpg", mistakes.sample("lighthouse.jpg"))
    assert mends.camera_photo(*built) == "lighthouse.jpg"
