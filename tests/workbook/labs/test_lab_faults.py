"""The faults of the failure labs can be put in and undone, twice and from any state."""

import zipfile
from io import BytesIO

import pytest
from workbook.errors.messages import WorkbookError
from workbook.labs import faults, mistakes

from deploy import pipeline


@pytest.fixture
def built(cloud, settings):
    pipeline.up(cloud, settings, say=lambda line: None)
    return cloud, settings


@pytest.mark.parametrize("name", faults.FAULTS)
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
