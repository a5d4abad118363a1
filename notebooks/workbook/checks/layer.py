"""Check 4: the layer is published, and its Pillow loads in the function's runtime."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from deploy.cloud import Cloud
from deploy.errors import LayerError
from deploy.settings import Settings
from deploy.steps import layer
from workbook.checks.findings import Finding, judged, waiting

_NAMES = (
    "the layer is published",
    "it is listed for the function's runtime",
    "it is listed for the function's processor",
    "its Pillow is the one that this runtime loads",
)


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at the layer's newest version that fits, and compare its bytes."""
    versions = cloud.awslambda.list_layer_versions(LayerName=settings.layer_name)
    found = sorted(versions["LayerVersions"], key=lambda one: one["Version"])
    yield judged(
        _NAMES[0],
        bool(found),
        f"There is no layer {settings.layer_name}. Publish it with "
        "`publish_layer_version` (04_layer).",
    )
    if not found:
        yield from waiting("the layer", *_NAMES[1:])
        return
    newest = ([one for one in found if _fits(one, settings)] or found)[-1]
    for name, field, wanted in (
        (_NAMES[1], "CompatibleRuntimes", settings.runtime),
        (_NAMES[2], "CompatibleArchitectures", settings.architecture),
    ):
        listed = newest.get(field) or []
        yield judged(
            name,
            wanted in listed,
            f"Version {newest['Version']} names {', '.join(listed) or 'none'}, and the "
            f"function has {wanted}. Publish one with {field}=[{wanted!r}] (04_layer).",
        )
    yield _content(cloud, settings, newest)


def _fits(version: dict[str, Any], settings: Settings) -> bool:
    """Tell whether a version is listed for the function, which then takes it."""
    return settings.runtime in (
        version.get("CompatibleRuntimes") or []
    ) and settings.architecture in (version.get("CompatibleArchitectures") or [])


def _content(cloud: Cloud, settings: Settings, newest: dict[str, Any]) -> Finding:
    try:
        built = layer.build(settings)
    except LayerError as error:
        return Finding(_NAMES[3], "waits", f"There is nothing to compare: {error}")
    wanted = base64.b64encode(hashlib.sha256(built.path.read_bytes()).digest()).decode()
    version = cloud.awslambda.get_layer_version(
        LayerName=settings.layer_name, VersionNumber=newest["Version"]
    )
    return judged(
        _NAMES[3],
        version["Content"]["CodeSha256"] == wanted,
        f"Version {newest['Version']} holds other bytes than the wheel for "
        f"{settings.runtime} on {settings.architecture} gives. Publish the zip of "
        "`layer.build(settings)` with `publish_layer_version` (04_layer).",
    )
