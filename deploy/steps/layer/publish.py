"""The Lambda layer that carries Pillow: built, checked, and published once.

Pillow does not come with Lambda's runtime; a layer is unpacked to /opt, and
/opt/python is on the function's `sys.path`.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.cloud import Cloud
from deploy.errors import LayerError
from deploy.report import Claim, Found, left_alone
from deploy.settings import Settings
from deploy.steps.layer import contents
from deploy.steps.layer import wheel as wheels
from deploy.waiting import afterwards
from deploy.zips import is_whole

#: Goes up with every change to how `contents` makes the zip; its lists count anyway.
RECIPE = 4
#: Pillow's licence, by its SPDX name.
LICENCE = "MIT-CMU"

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
DIRECT_LIMIT_BYTES = 50 * 1024**2
_UNZIPPED_LIMIT_BYTES = 250 * 1024**2

#: How a layer of ours says in its description what it was made of.
IDENTITY = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Built:
    """A layer on disk: the zip, its identity, and Pillow's version in it."""

    path: Path
    identity: str
    pillow: str


@dataclass(frozen=True, kw_only=True)
class Layer(Found):
    """A version of the layer, as Lambda lists it; its identity stands in its words."""

    arn: str
    version: int
    description: str
    identity: str
    runtimes: list[str]
    architectures: list[str]


def create(cloud: Cloud, settings: Settings, folder: Path = wheels.FOLDER) -> str:
    """Publish the layer unless its identity is there, and return its version's ARN.

    Raises:
        LayerError: no wheel that fits, or a zip that Lambda would refuse.
    """
    built = build(settings, folder)
    for version in versions(cloud, settings):
        if version.identity == built.identity:
            return version.arn
    with _content(cloud, settings, built) as content:
        published = cloud.awslambda.publish_layer_version(
            LayerName=settings.layer_name,
            Description=description(built, settings),
            Content=content,
            CompatibleRuntimes=[settings.runtime],
            CompatibleArchitectures=[settings.architecture],
            LicenseInfo=LICENCE,
        )
    return published["LayerVersionArn"]


def describe(
    cloud: Cloud, settings: Settings, folder: Path = wheels.FOLDER
) -> Layer | None:
    """Describe the version for this runtime and architecture, or None; no network.

    It is the one that `create` would take, where its wheel is in the folder (after a
    step back to an older Pillow that is not the newest version); elsewhere the newest.
    """
    fit = fitting(cloud, settings)
    if not fit:
        return None
    wheel = wheels.cached(settings, folder)
    isal = wheels.cached_isal(settings, folder)
    wanted = wheel and _identity(wheel, isal, settings)
    for version in fit:
        if version.identity == wanted:
            return version
    drift = {"identity": (fit[0].identity, wanted)} if wanted else {}
    return dataclasses.replace(fit[0], drift=drift)


def fitting(cloud: Cloud, settings: Settings) -> list[Layer]:
    """List the versions for this runtime and architecture, the newest first."""
    return [each for each in versions(cloud, settings) if fits(each, settings)]


def fits(version: Layer, settings: Settings) -> bool:
    """Tell whether a version is listed for the function, which then takes it."""
    processor = settings.architecture in version.architectures
    return processor and settings.runtime in version.runtimes


def claims(cloud: Cloud, settings: Settings) -> list[Claim]:
    """List the versions that stand: for want of tags, ours say what they are of."""
    return [
        Claim(
            f"version {version.version} of layer {either.layer_name}",
            "" if version.identity else "its description does not say that it is ours",
        )
        for either, version in _both(cloud, settings)
    ]


def delete(cloud: Cloud, settings: Settings) -> list[str]:
    """Delete our versions, with FreeType and without; functions keep their copy."""
    for either, version in _both(cloud, settings):
        if version.identity:
            cloud.awslambda.delete_layer_version(
                LayerName=either.layer_name, VersionNumber=version.version
            )
    return left_alone(claims(cloud, settings))


def _both(cloud: Cloud, settings: Settings) -> Iterator[tuple[Settings, Layer]]:
    """Go through the versions of both layers: the one with FreeType, and without."""
    for text in (False, True):
        either = dataclasses.replace(settings, text=text)
        for version in versions(cloud, either):
            yield either, version


def build(settings: Settings, folder: Path = wheels.FOLDER) -> Built:
    """Build the layer's zip beside its wheel, or take the one that is there, whole.

    Raises:
        LayerError: no wheel that fits, or a zip that Lambda would refuse.
    """
    wheel = wheels.fetch_wheel(settings, folder)
    isal = wheels.fetch_isal(settings, folder)
    identity = _identity(wheel, isal, settings)
    path = wheel.parent / f"layer-{identity.removeprefix('sha256:')[:16]}.zip"
    if not is_whole(path):
        contents.write_zip(contents.collect(wheel, settings, isal), path)
    check_size(path)
    return Built(path, identity, wheel.name.split("-")[1])


def description(built: Built, settings: Settings) -> str:
    """Say what a layer holds and what it was made of, in AWS's 256 characters."""
    where = f"{settings.runtime} on {settings.architecture}"
    return f"Pillow {built.pillow} for {where}, {built.identity}"


def check_size(path: Path) -> None:
    """Refuse a layer that is too big for a function, however it is sent."""
    with zipfile.ZipFile(path) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    if unzipped > _UNZIPPED_LIMIT_BYTES:
        raise LayerError(
            f"the layer has {unzipped / 1024**2:.0f} MB unzipped, and a function "
            "with all its layers may have 250",
            where=path.name,
            todo="Leave modules out in deploy/steps/layer/contents.py.",
        )


@contextmanager
def _content(cloud: Cloud, settings: Settings, built: Built) -> Iterator[dict]:
    """Send the zip with the call, or by way of the source bucket if it is too big.

    There it is private, no rule matches its name, and it goes when it was read.
    """
    if built.path.stat().st_size <= DIRECT_LIMIT_BYTES:
        yield {"ZipFile": built.path.read_bytes()}
        return
    place = {"Bucket": settings.source_bucket, "Key": f"layers/{built.path.name}"}
    with built.path.open("rb") as body:
        put = cloud.s3.put_object(**place, Body=body)
    version = {"VersionId": put["VersionId"]} if "VersionId" in put else {}
    with afterwards(lambda: cloud.s3.delete_object(**place, **version)):
        yield {"S3Bucket": place["Bucket"], "S3Key": place["Key"]}


def _identity(wheel: Path, isal: Path | None, settings: Settings) -> str:
    digest = wheels.digest(wheel)
    kept = " ".join(sorted(contents.MODULES | contents.extensions(settings)))
    if isal:
        digest += f" {wheels.digest(isal)}"
        kept += f" isal {' '.join(sorted(contents.ISAL))}"
    bytecode = contents.can_compile(settings)
    recipe = f"{digest} recipe {RECIPE} keeps {kept} bytecode {bytecode}"
    return "sha256:" + hashlib.sha256(recipe.encode()).hexdigest()


def versions(cloud: Cloud, settings: Settings) -> Iterator[Layer]:
    """Go through the layer's versions, the newest first."""
    pages = cloud.awslambda.get_paginator("list_layer_versions").paginate(
        LayerName=settings.layer_name
    )
    found = [version for page in pages for version in page["LayerVersions"]]
    for version in sorted(found, key=lambda version: version["Version"], reverse=True):
        description = version.get("Description", "")
        identity = IDENTITY.search(description)
        yield Layer(
            arn=version["LayerVersionArn"],
            version=version["Version"],
            description=description,
            identity=identity.group() if identity else "",
            runtimes=version.get("CompatibleRuntimes") or [],
            architectures=version.get("CompatibleArchitectures") or [],
        )
