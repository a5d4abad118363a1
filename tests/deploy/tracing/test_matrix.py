"""Faults that no lab shows, and pairs of them: `trace` names the right broken link.

The pipeline runs on the local cloud and stays up; faults are put in and undone one
after the other. `trace` is told the key alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.local_cloud import shared_pipeline
from workbook.labs import cards, faults, mistakes

from deploy import trace
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import failures, function
from deploy.tracing import NAMES, Trace
from deploy.zips import zipped

#: What trace must name, by fault; of the labs' own, test_mends tells.
CAUSES = {"no-read": "role", "each-third": "log", "into-its-source": "function"}
PAIRS = [
    ("no-layer", "no-read", "layer"),
    ("no-read", "blocked", "role"),
    ("no-layer", "uninvited", "permission"),
    ("stopped", "bucket-not-objects", "role"),
    ("no-layer", "capitals", "rule"),
    ("blocked", "timeout", "log"),
    ("blocked", "memory", "log"),
    ("into-its-source", "wrong-layer", "function"),
    ("no-read", "poison", "role"),
    ("blocked", "late-event", "public"),
]


@pytest.fixture(scope="module")
def place(local_folder: Path) -> Iterator[tuple[Cloud, Settings]]:
    """The pipeline with all that reliability adds."""
    with shared_pipeline(local_folder, name="matrix", reliable=True) as place:
        yield place


@pytest.fixture
def mended(place: tuple[Cloud, Settings]) -> Iterator[tuple[Cloud, Settings]]:
    """The same, whole again afterwards."""
    yield place
    faults.undo_all(*place)
    function.create(*place)


def upload(place: tuple[Cloud, Settings], fault: faults.Fault, folder: str) -> str:
    """Upload what shows a fault, under a name that no test used before."""
    cloud, settings = place
    if fault.content is None:
        return fault.key
    key = f"{folder}/{fault.key}"
    cloud.s3.put_object(Bucket=settings.source_bucket, Key=key, Body=fault.content())
    return key


def settled(key: str, place: tuple[Cloud, Settings], seconds: float = 60) -> Trace:
    """Trace until the function had its say, also of an upload that came after."""
    deadline = time.monotonic() + seconds
    while True:
        found = trace(key, *place)
        passes = found.broken and found.broken.cure.startswith("If this stays so")
        if found.ending != "pending" and found["log"].state != "amber" and not passes:
            return found
        if time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def quotes(found: Trace) -> bool:
    """Whether the verdict names a call and its answer."""
    call, _, answer = found.broken.evidence.partition(" → ")
    return call.isalpha() and bool(answer)


@pytest.mark.slow
@pytest.mark.parametrize("name", CAUSES)
def test_fault(name, mended):
    cloud, settings = mended
    if name == "each-third":
        give_up_at_once(cloud, settings)
    faults.put(name, *mended)
    key = upload(mended, faults.FAULTS[name], name)
    if name == "each-third":
        for turn in ("second", "third"):
            settled(key, mended)
            key = upload(mended, faults.FAULTS[name], f"{name}/{turn}")
    found = settled(key, mended)
    assert (found.broken and found.broken.name) == CAUSES[name], found
    assert quotes(found)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other", "cause"), PAIRS)
def test_pair(one, other, cause, mended):
    for name in (one, other):
        faults.put(name, *mended)
    found = settled(upload(mended, faults.FAULTS[other], f"{one}-{other}"), mended)
    assert (found.broken and found.broken.name) == cause, found
    assert quotes(found)


@pytest.mark.slow
def test_a_deployed_syntax_error_has_its_file_and_line(mended):
    cloud, settings = mended
    cloud.awslambda.update_function_code(
        FunctionName=settings.function_name,
        ZipFile=zipped({"handler/app.py": b"a = 1\ndef (:\n"}, mode=0o644),
    )
    waiter = cloud.awslambda.get_waiter("function_active_v2")
    waiter.wait(FunctionName=settings.function_name, WaiterConfig={"Delay": 1})
    found = settled(upload(mended, faults.FAULTS["no-read"], "syntax"), mended)
    assert found.broken.name == "function"
    assert "handler/app.py, line 2: it is no Python" in found.broken.finding


def test_every_fault_has_a_cause():
    of_labs = {lab.fault for lab in cards.LABS}
    assert CAUSES.keys() | of_labs == faults.FAULTS.keys()
    assert {cause for *_, cause in PAIRS} <= set(NAMES)


@pytest.mark.slow
def test_healthy(place):
    cloud, settings = place
    samples = sorted(mistakes.SAMPLES.iterdir())
    for file in samples:
        cloud.s3.upload_file(str(file), settings.source_bucket, file.name)
    endings = {file.name: settled(file.name, place) for file in samples}
    assert {name: found.broken for name, found in endings.items()} == dict.fromkeys(
        endings
    )
    rejected = [name for name, found in endings.items() if found.ending == "rejected"]
    assert rejected == ["not-an-image.jpg"]


@pytest.mark.slow
def test_quick(place):
    times = []
    for _ in range(5):  # the quickest counts: the machine may have other work
        started = time.monotonic()
        trace("lighthouse.jpg", *place)
        times.append(time.monotonic() - started)
    assert min(times) < 2


def give_up_at_once(cloud: Cloud, settings: Settings) -> None:
    """No second try, which would mend what fails each third time."""
    once = failures.event_invoke_config(settings) | {"MaximumRetryAttempts": 0}
    cloud.awslambda.put_function_event_invoke_config(
        FunctionName=settings.function_name, **once
    )
