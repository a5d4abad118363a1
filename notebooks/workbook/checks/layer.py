"""Check 4: the layer is published, and its Pillow loads in the function's runtime."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.cloud import Cloud
from deploy.errors import LayerError
from deploy.settings import Settings
from deploy.steps import function, layer
from workbook.checks.findings import Finding, judged, waiting

_NAMES = (
    "the layer is published",
    "it is listed for the function's runtime",
    "it is listed for the function's processor",
    "its Pillow is the one that this runtime loads",
)


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at the layer's newest version that fits, and compare its bytes."""
    found = list(layer.versions(cloud, settings))
    yield judged(
        _NAMES[0],
        bool(found),
        f"There is no layer {settings.layer_name}. Publish it with "
        "`publish_layer_version` (04_layer).",
    )
    if not found:
        yield from waiting("the layer", *_NAMES[1:])
        return
    newest = next((one for one in found if layer.fits(one, settings)), found[0])
    processor = settings.architecture
    for name, field, listed, wanted in (
        (_NAMES[1], "CompatibleRuntimes", newest.runtimes, settings.runtime),
        (_NAMES[2], "CompatibleArchitectures", newest.architectures, processor),
    ):
        yield judged(
            name,
            wanted in listed,
            f"Version {newest.version} names {', '.join(listed) or 'none'}, and the "
            f"function has {wanted}. Publish one with {field}=[{wanted!r}] (04_layer).",
        )
    yield _content(cloud, settings, newest)


def _content(cloud: Cloud, settings: Settings, newest: layer.Layer) -> Finding:
    try:
        built = layer.build(settings)
    except LayerError as error:
        return Finding(_NAMES[3], "waits", f"There is nothing to compare: {error}")
    wanted = function.code_sha256(built.path.read_bytes())
    version = cloud.awslambda.get_layer_version(
        LayerName=settings.layer_name, VersionNumber=newest.version
    )
    return judged(
        _NAMES[3],
        version["Content"]["CodeSha256"] == wanted,
        f"Version {newest.version} holds other bytes than the wheel for "
        f"{settings.runtime} on {settings.architecture} gives. Publish the zip of "
        "`layer.build(settings)` with `publish_layer_version` (04_layer).",
    )
