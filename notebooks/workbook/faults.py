"""The faults of the failure labs: each is put into real resources, and undone again.

    put("no-layer"); key = try_it("no-layer")
    undo("no-layer")

A fault is a few boto3 calls, the mistake that people make. Undoing one lets its steps'
`create` mend what they know, from whatever state it is in, and takes away what the
fault added.
"""

from __future__ import annotations

import dataclasses
import io
import json
import mimetypes
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import quote_plus

from botocore.exceptions import ClientError
from PIL import Image

from deploy import buckets, failures, function, layer, role, stack, trigger
from deploy.cloud import Cloud
from deploy.errors import DeployError
from deploy.settings import Settings
from deploy.waiting import code
from workbook import session, words

SAMPLES = Path(__file__).resolve().parents[2] / "images" / "samples"

#: Marks the layer versions that a fault published, so that undoing finds them.
LAB = "put in by a failure lab"

Act = Callable[[Cloud, Settings], None]
#: Another architecture's name, in Lambda's words and in those of an extension module.
_OTHER = {"x86_64": ("arm64", b"\xb7\x00"), "arm64": ("x86_64", b"\x3e\x00")}
_ELF_MACHINE = slice(18, 20)  # e_machine in the header of an ELF file


@dataclass(frozen=True)
class Fault:
    """A mistake that people make, and the upload that shows it.

    Attributes:
        title: the mistake in a phrase. It gives the answer of its lab away.
        put: makes it.
        mends: the steps whose `create` mends it, in their order.
        clear: takes away what no step knows of.
        key: what to upload to see it.
        content: that upload's bytes; None where `put` uploads by itself.
    """

    title: str
    put: Act
    mends: tuple[ModuleType, ...] = ()
    clear: Act = lambda cloud, settings: None
    key: str = "lighthouse.jpg"
    content: Callable[[], bytes] | None = lambda: sample("lighthouse.jpg")

    def undo(self, cloud: Cloud, settings: Settings) -> None:
        """Mend what the fault broke, and take away what it added."""
        try:
            for step in self.mends:
                step.create(cloud, settings)
        except (DeployError, ClientError):  # a step before it is missing, too
            _build(cloud, settings)
        self.clear(cloud, settings)


def put(
    name: str, cloud: Cloud | None = None, settings: Settings | None = None
) -> None:
    """Put a fault in; twice is as once."""
    _fault(name).put(*_place(cloud, settings))


def undo(
    name: str, cloud: Cloud | None = None, settings: Settings | None = None
) -> None:
    """Undo a fault, whatever state it is in; also one that was never put in."""
    _fault(name).undo(*_place(cloud, settings))


def undo_all(cloud: Cloud | None = None, settings: Settings | None = None) -> None:
    """Undo every fault: build each step as `up` would, and clear what was added."""
    cloud, settings = _place(cloud, settings)
    _build(cloud, settings)
    for fault in FAULTS.values():
        fault.clear(cloud, settings)


def try_it(
    name: str, cloud: Cloud | None = None, settings: Settings | None = None
) -> str:
    """Upload what shows the fault, and return its key."""
    fault = _fault(name)
    cloud, settings = _place(cloud, settings)
    if fault.content is not None:
        _upload(cloud, settings, fault.key, fault.content())
    return fault.key


def sample(name: str) -> bytes:
    """Read one of the sample pictures."""
    return (SAMPLES / name).read_bytes()


def _fault(name: str) -> Fault:
    if name not in FAULTS:
        raise words.WorkbookError(
            f"there is no fault {name!r}", todo=f"There are {', '.join(FAULTS)}."
        )
    return FAULTS[name]


def _place(cloud: Cloud | None, settings: Settings | None) -> tuple[Cloud, Settings]:
    """Take the notebook's cloud, and the pipeline as it was built, reliable or not."""
    if cloud is None or settings is None:
        here, its = session.current()
        cloud, settings = cloud or here, settings or its
        if failures.describe(cloud, settings):
            settings = dataclasses.replace(settings, reliable=True)
    return cloud, settings


def _build(cloud: Cloud, settings: Settings) -> None:
    for step in stack.STEPS:
        step.module.create(cloud, settings)


def _upload(cloud: Cloud, settings: Settings, key: str, content: bytes) -> str:
    """Upload bytes in one piece; return their ETag."""
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    return cloud.s3.put_object(
        Bucket=settings.source_bucket, Key=key, Body=content, ContentType=kind
    )["ETag"].strip('"')


def _configure(cloud: Cloud, settings: Settings, **changes: object) -> None:
    """Change the function's configuration and wait until it holds."""
    name = settings.function_name
    cloud.awslambda.update_function_configuration(FunctionName=name, **changes)
    cloud.awslambda.get_waiter("function_updated_v2").wait(FunctionName=name)


# The layer


def _no_layer(cloud: Cloud, settings: Settings) -> None:
    _configure(cloud, settings, Layers=[])


def _wrong_layer(cloud: Cloud, settings: Settings) -> None:
    """Attach a layer for the other processor; Lambda takes it without a word."""
    other = _OTHER[settings.architecture][0]
    versions = _lab_layers(cloud, settings)
    arn = versions[-1]["LayerVersionArn"] if versions else None
    if arn is None:
        arn = cloud.awslambda.publish_layer_version(
            LayerName=settings.layer_name,
            Description=f"Pillow for {other}, {LAB}",
            Content={"ZipFile": for_other_processor(settings)},
            CompatibleRuntimes=[settings.runtime],
            CompatibleArchitectures=[other],
        )["LayerVersionArn"]
    _configure(cloud, settings, Layers=[arn])


def for_other_processor(settings: Settings) -> bytes:
    """Make of our layer's zip what a wheel for the other processor would have given.

    Its extension modules bear that processor's name, and Linux's its mark, as in the
    real wheel; so Python finds none that it can load. Needs no network.
    """
    _, machine = _OTHER[settings.architecture]
    out = io.BytesIO()
    with (
        zipfile.ZipFile(layer.build(settings).path) as ours,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as other,
    ):
        for entry in ours.infolist():
            content = ours.read(entry)
            if entry.filename.endswith((".so", ".pyd")):
                content = bytearray(content)
                if content.startswith(b"\x7fELF"):
                    content[_ELF_MACHINE] = machine
            other.writestr(_other_name(entry.filename, settings), bytes(content))
    return out.getvalue()


def _other_name(name: str, settings: Settings) -> str:
    """Name an extension module as for the other processor."""
    folder, slash, file = name.rpartition("/")
    if not file.endswith((".so", ".pyd")):
        return name
    mark = "aarch64" if settings.architecture == "x86_64" else "x86_64"
    end = "pyd" if file.endswith(".pyd") else "so"
    tag = settings.runtime.replace("python3.", "cpython-3")
    return f"{folder}{slash}{file.split('.')[0]}.{tag}-{mark}-linux-gnu.{end}"


def _lab_layers(cloud: Cloud, settings: Settings) -> list[dict]:
    pages = cloud.awslambda.get_paginator("list_layer_versions").paginate(
        LayerName=settings.layer_name
    )
    every = [version for page in pages for version in page["LayerVersions"]]
    return [one for one in every if LAB in one.get("Description", "")]


def _clear_layers(cloud: Cloud, settings: Settings) -> None:
    for version in _lab_layers(cloud, settings):
        cloud.awslambda.delete_layer_version(
            LayerName=settings.layer_name, VersionNumber=version["Version"]
        )


# The role


def _no_read(cloud: Cloud, settings: Settings) -> None:
    """Leave the statement out that lets the function read the source."""
    policy = role.thumbnails_policy(settings)
    policy["Statement"] = [
        one for one in policy["Statement"] if one["Action"] != "s3:GetObject"
    ]
    _put_policy(cloud, settings, policy)


def _bucket_not_objects(cloud: Cloud, settings: Settings) -> None:
    """Allow writing to the bucket, where its objects were meant."""
    policy = role.thumbnails_policy(settings)
    for statement in policy["Statement"]:
        if statement["Action"] == "s3:PutObject":
            statement["Resource"] = statement["Resource"].removesuffix("/*")
    _put_policy(cloud, settings, policy)


def _put_policy(cloud: Cloud, settings: Settings, policy: dict) -> None:
    cloud.iam.put_role_policy(
        RoleName=settings.role_name,
        PolicyName=role.THUMBNAILS,
        PolicyDocument=json.dumps(policy),
    )


# The function's numbers


def _slow(cloud: Cloud, settings: Settings) -> None:
    """Give the function one second for a job that takes three."""
    _change_code(cloud, settings, "handler/app.py", _WAITS)
    _configure(cloud, settings, Timeout=1)


def _little_memory(cloud: Cloud, settings: Settings) -> None:
    _configure(cloud, settings, MemorySize=128)


def large_picture() -> bytes:
    """Draw a PNG of six megapixels: few bytes as a file, 24 MB when it is decoded."""
    out = io.BytesIO()
    Image.radial_gradient("L").resize((3000, 2000)).convert("RGB").save(out, "PNG")
    return out.getvalue()


def _into_its_source(cloud: Cloud, settings: Settings) -> None:
    """Send the thumbnails to where the photos come from."""
    variables = settings.environment | {"TARGET_BUCKET": settings.source_bucket}
    _configure(cloud, settings, Environment={"Variables": variables})


# The function's code: the handler, and a mistake added at the end of a file

_WAITS = """
import time as _time

_handle = lambda_handler


def lambda_handler(event, context=None, **more):
    _time.sleep(3)  # asks a slow service first
    return _handle(event, context, **more)
"""

_RAW_KEY = """
def _decoded(holder, name):
    return text(holder, name)  # as it stands in the event
"""

_EACH_THIRD = """
import itertools as _itertools

_turns, _read = _itertools.count(1), Storage.read


def _fails_each_third(self, upload):
    if next(_turns) % 3 == 0:
        raise RuntimeError("a fault of this lab: each third read fails")
    return _read(self, upload)


Storage.read = _fails_each_third
"""


def _raw_key(cloud: Cloud, settings: Settings) -> None:
    _change_code(cloud, settings, "handler/uploads.py", _RAW_KEY)


def _each_third(cloud: Cloud, settings: Settings) -> None:
    _change_code(cloud, settings, "handler/storage.py", _EACH_THIRD)


def _change_code(cloud: Cloud, settings: Settings, file: str, more: str) -> None:
    """Deploy the handler with a mistake in one of its files."""
    name = settings.function_name
    cloud.awslambda.update_function_code(
        FunctionName=name, ZipFile=with_mistake(settings, file, more)
    )
    cloud.awslambda.get_waiter("function_updated_v2").wait(FunctionName=name)


def with_mistake(settings: Settings, file: str, more: str) -> bytes:
    """Zip the handler with lines added to one of its files."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(function.package(settings))) as ours,
        zipfile.ZipFile(out, "w") as changed,
    ):
        ours.getinfo(file)  # a KeyError here: the handler no longer has that file
        for entry in ours.infolist():
            added = ("\n" + more).encode() if entry.filename == file else b""
            changed.writestr(entry, ours.read(entry) + added)
    return out.getvalue()


# The way in, and the way out


def _capitals(cloud: Cloud, settings: Settings) -> None:
    _upload(cloud, settings, "LIGHTHOUSE.JPG", sample("lighthouse.jpg"))


def _poison(cloud: Cloud, settings: Settings) -> None:
    _upload(cloud, settings, "poison.jpg", sample("not-an-image.jpg"))


def _uninvited(cloud: Cloud, settings: Settings) -> None:
    """Take back the permission that lets the bucket invoke the function."""
    with _unless_gone():
        cloud.awslambda.remove_permission(
            FunctionName=settings.function_name, StatementId=trigger.STATEMENT_ID
        )


def _stopped(cloud: Cloud, settings: Settings) -> None:
    """Let none of it run: the emergency stop, left on."""
    cloud.awslambda.put_function_concurrency(
        FunctionName=settings.function_name, ReservedConcurrentExecutions=0
    )


def _start(cloud: Cloud, settings: Settings) -> None:
    with _unless_gone():
        cloud.awslambda.delete_function_concurrency(FunctionName=settings.function_name)


def _blocked(cloud: Cloud, settings: Settings) -> None:
    """Turn Block Public Access on again for the target, as a tidy colleague would."""
    cloud.s3.put_public_access_block(
        Bucket=settings.target_bucket,
        PublicAccessBlockConfiguration=buckets.public_access_block(public_policy=False),
    )


def _late_event(cloud: Cloud, settings: Settings) -> None:
    """Overwrite a picture, then deliver the first upload's event once more."""
    key = FAULTS["late-event"].key
    first = _upload(cloud, settings, key, sample("this-side-up.jpg"))
    _upload(cloud, settings, key, sample("lighthouse.jpg"))
    cloud.awslambda.invoke(
        FunctionName=settings.function_name,
        InvocationType="Event",
        Payload=json.dumps(old_event(settings, key, first)).encode(),
    )


def old_event(settings: Settings, key: str, etag: str) -> dict:
    """Write the event of an upload before all others, as S3 would have sent it."""
    thing = {"key": quote_plus(key, "/"), "eTag": etag, "sequencer": "00"}
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "awsRegion": settings.region,
        "s3": {"bucket": {"name": settings.source_bucket}, "object": thing},
    }
    return {"Records": [record]}


def _remove(*keys: str) -> Act:
    """Delete uploads, and what was made of them."""

    def remove(cloud: Cloud, settings: Settings) -> None:
        for key in keys:
            for bucket, name in (
                (settings.source_bucket, key),
                (settings.target_bucket, settings.thumbnail_prefix + key),
                (settings.target_bucket, f"{settings.reject_prefix}{key}.json"),
            ):
                with _unless_gone():
                    cloud.s3.delete_object(Bucket=bucket, Key=name)

    return remove


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Take a thing that is not there for one that was taken away."""
    try:
        yield
    except ClientError as error:
        if code(error) not in ("ResourceNotFoundException", "NoSuchBucket"):
            raise


#: Every fault of the labs, in the order in which they are met.
FAULTS: dict[str, Fault] = {
    "no-layer": Fault(
        "the function lost its layer", _no_layer, (role, layer, function)
    ),
    "wrong-layer": Fault(
        "the layer is for another processor",
        _wrong_layer,
        (role, layer, function),
        _clear_layers,
    ),
    "no-read": Fault("the role may not read the source", _no_read, (role,)),
    "bucket-not-objects": Fault(
        "the policy names the bucket, not its objects", _bucket_not_objects, (role,)
    ),
    "timeout": Fault("the timeout is too short", _slow, (role, layer, function)),
    "memory": Fault(
        "the function has too little memory",
        _little_memory,
        (role, layer, function),
        _remove("large.png"),
        key="large.png",
        content=large_picture,
    ),
    "raw-key": Fault(
        "the handler does not decode keys",
        _raw_key,
        (role, layer, function),
        key="red panda+1 é.jpg",
        content=lambda: sample("red panda+1 é.jpg"),
    ),
    "capitals": Fault(
        "the suffix is in capitals",
        _capitals,
        clear=_remove("LIGHTHOUSE.JPG"),
        key="LIGHTHOUSE.JPG",
        content=None,
    ),
    "blocked": Fault("public access is blocked again", _blocked, (buckets,)),
    "each-third": Fault(
        "the handler fails each third time", _each_third, (role, layer, function)
    ),
    "poison": Fault(
        "the upload is no picture",
        _poison,
        clear=_remove("poison.jpg"),
        key="poison.jpg",
        content=None,
    ),
    "into-its-source": Fault(
        "the target is the source", _into_its_source, (role, layer, function)
    ),
    "late-event": Fault(
        "an older event arrives late",
        _late_event,
        clear=_remove("overwritten.jpg"),
        key="overwritten.jpg",
        content=None,
    ),
    "uninvited": Fault(
        "the bucket may not invoke the function", _uninvited, (trigger,)
    ),
    "stopped": Fault("no invocation may run", _stopped, clear=_start),
}
