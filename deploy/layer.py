"""The Lambda layer that carries Pillow: built, checked, and published once.

Pillow does not come with Lambda's runtime; a layer is unpacked to /opt, and
/opt/python is on the function's `sys.path`.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy import contents, wheels
from deploy.cloud import Cloud
from deploy.errors import LayerError
from deploy.settings import Settings

#: Goes up with every change to how `contents` makes the zip; its lists count anyway.
RECIPE = 1
#: Pillow's licence, by its SPDX name.
LICENCE = "MIT-CMU"

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_DIRECT_LIMIT_BYTES = 50 * 1024**2
_UNZIPPED_LIMIT_BYTES = 250 * 1024**2

_IDENTITY = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Built:
    """A layer on disk: the zip, its identity, and Pillow's version in it."""

    path: Path
    identity: str
    pillow: str
    bytecode: bool


def create(cloud: Cloud, settings: Settings, folder: Path = wheels.FOLDER) -> str:
    """Publish the layer unless its identity is there, and return its version's ARN.

    Raises:
        LayerError: no wheel that fits, or a zip that Lambda would refuse.
    """
    built = build(settings, folder)
    for version in _versions(cloud, settings):
        if version["identity"] == built.identity:
            return version["arn"]
    published = cloud.awslambda.publish_layer_version(
        LayerName=settings.layer_name,
        Description=description(built, settings),
        Content={"ZipFile": built.path.read_bytes()},
        CompatibleRuntimes=[settings.runtime],
        CompatibleArchitectures=[settings.architecture],
        LicenseInfo=LICENCE,
    )
    return published["LayerVersionArn"]


def describe(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    """Describe the newest version made for this runtime and architecture, or None.

    Keys: arn, version, identity, description, runtimes, architectures.
    """
    for version in _versions(cloud, settings):
        fits = settings.runtime in version["runtimes"]
        if fits and settings.architecture in version["architectures"]:
            return version
    return None


def delete(cloud: Cloud, settings: Settings) -> None:
    """Delete every version of the layer; functions that use one keep their copy."""
    for version in list(_versions(cloud, settings)):
        cloud.awslambda.delete_layer_version(
            LayerName=settings.layer_name, VersionNumber=version["version"]
        )


def prepare(settings: Settings, folder: Path = wheels.FOLDER) -> Path:
    """Fetch and build at set-up, so that `create` needs no network; return the zip."""
    return build(settings, folder).path


def build(settings: Settings, folder: Path = wheels.FOLDER) -> Built:
    """Build the layer's zip beside its wheel, or take the one that is there.

    Raises:
        LayerError: no wheel that fits, or a zip that Lambda would refuse.
    """
    wheel = wheels.fetch_wheel(settings, folder)
    bytecode = contents.can_compile(settings)
    identity = _identity(wheel, bytecode)
    path = wheel.parent / f"layer-{identity.removeprefix('sha256:')[:16]}.zip"
    if not path.exists():
        contents.write_zip(contents.collect(wheel, settings), path)
    check_size(path)
    return Built(path, identity, wheel.name.split("-")[1], bytecode)


def description(built: Built, settings: Settings) -> str:
    """Say what a layer holds and what it was made of, in AWS's 256 characters."""
    where = f"{settings.runtime} on {settings.architecture}"
    return f"Pillow {built.pillow} for {where}, {built.identity}"


def check_size(path: Path) -> None:
    """Refuse a zip that Lambda would not take in one direct call."""
    with zipfile.ZipFile(path) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    zipped = path.stat().st_size
    if zipped > _DIRECT_LIMIT_BYTES:
        raise LayerError(
            f"the layer has {zipped / 1024**2:.0f} MB zipped, and a direct upload "
            "takes 50",
            where=path.name,
            todo="Leave modules out in deploy/contents.py, or publish it from S3.",
        )
    if unzipped > _UNZIPPED_LIMIT_BYTES:
        raise LayerError(
            f"the layer has {unzipped / 1024**2:.0f} MB unzipped, and a function "
            "with all its layers may have 250",
            where=path.name,
            todo="Leave modules out in deploy/contents.py.",
        )


def _identity(wheel: Path, bytecode: bool) -> str:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    kept = " ".join(sorted(contents.MODULES | contents.EXTENSIONS))
    recipe = f"{digest} recipe {RECIPE} keeps {kept} bytecode {bytecode}"
    return "sha256:" + hashlib.sha256(recipe.encode()).hexdigest()


def _versions(cloud: Cloud, settings: Settings) -> Iterator[dict[str, Any]]:
    """Go through the layer's versions, the newest first."""
    pages = cloud.awslambda.get_paginator("list_layer_versions").paginate(
        LayerName=settings.layer_name
    )
    found = [version for page in pages for version in page["LayerVersions"]]
    for version in sorted(found, key=lambda one: one["Version"], reverse=True):
        description = version.get("Description", "")
        identity = _IDENTITY.search(description)
        yield {
            "arn": version["LayerVersionArn"],
            "version": version["Version"],
            "identity": identity.group() if identity else "",
            "description": description,
            "runtimes": version.get("CompatibleRuntimes") or [],
            "architectures": version.get("CompatibleArchitectures") or [],
        }
