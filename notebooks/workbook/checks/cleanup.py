"""Check 11: nothing is left of what any step makes, whatever it was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from deploy import pipeline
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.waiting import NO_RESOURCE, if_there
from workbook.checks.findings import Finding, judged

_LEFT = "It is still there: `down(cloud, backup=True)` deletes it (11_cleanup)."


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look for all that the pipeline's steps can make: a line a step, and a layer."""
    for (step, resource), item in _everything(cloud, settings).items():
        stands = item.state != "missing"
        if step == "layer" and not stands:  # the step looks for what fits its function
            stands = _has_versions(cloud, resource)
        foreign = f"{item.note} `down(cloud)` leaves it alone."
        mend = foreign if item.state == "foreign" else _LEFT
        names = " and ".join(resource.split("\n"))
        yield judged(f"no {step}: {names}", not stands, mend)


def _everything(
    cloud: Cloud, settings: Settings
) -> dict[tuple[str, str], pipeline.Item]:
    """Ask every step for what it makes with all options, by its name and theirs."""
    all_on = dataclasses.replace(settings, backup=True, reliable=True, queue=True)
    found: dict[tuple[str, str], pipeline.Item] = {}
    for text in (False, True):  # the layer with FreeType has a name of its own
        asked = dataclasses.replace(all_on, text=text)
        for item in pipeline.status(cloud, asked).items:
            if not (item.step == "role" and settings.execution_role):
                found.setdefault((item.step, item.resource), item)
    return found


def _has_versions(cloud: Cloud, layer: str) -> bool:
    """Tell whether versions stand, also those that do not fit the function."""
    answered = if_there(
        cloud.awslambda.list_layer_versions, NO_RESOURCE, LayerName=layer
    )
    return bool(answered and answered["LayerVersions"])
