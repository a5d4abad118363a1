"""The mistakes that the failure labs make: a few boto3 calls each, as people make them.

`workbook.labs.faults` lists them, with what shows each and what mends it.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

from PIL import Image

from deploy import notifications
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import buckets, function, layer, role, trigger
from deploy.waiting import NO_OBJECT, NO_RESOURCE, already, if_there
from workbook import leftovers
from workbook.uploads import SAMPLES, content_type

#: Marks the layer versions that a mistake published, so that they are found again.
LAB = "put in by a failure lab"
#: The upload that is overwritten, before its first event comes once more.
OVERWRITTEN = "overwritten.jpg"
#: The name that a camera gives, and a text under a picture's name.
CAMERA, POISON = "LIGHTHOUSE.JPG", "poison.jpg"

Act = Callable[[Cloud, Settings], None]
#: The other architecture, in Lambda's words and as an ELF file's header has it.
_OTHER = {"x86_64": ("arm64", b"\xb7\x00"), "arm64": ("x86_64", b"\x3e\x00")}
_ELF_MACHINE = slice(18, 20)


def sample(name: str) -> bytes:
    """Read one of the sample pictures."""
    return (SAMPLES / name).read_bytes()


def etag(name: str) -> str:
    """Tell the ETag that S3 gives a sample uploaded in one piece: its MD5."""
    return hashlib.md5(sample(name), usedforsecurity=False).hexdigest()


def upload(cloud: Cloud, settings: Settings, key: str, content: bytes) -> str:
    """Upload bytes in one piece; return their ETag."""
    return cloud.s3.put_object(
        Bucket=settings.source_bucket,
        Key=key,
        Body=content,
        ContentType=content_type(key),
    )["ETag"].strip('"')


def configure(cloud: Cloud, settings: Settings, **changes: object) -> None:
    """Change the function's configuration and wait until it holds."""
    name = settings.function_name
    cloud.awslambda.update_function_configuration(FunctionName=name, **changes)
    cloud.awslambda.get_waiter("function_updated_v2").wait(FunctionName=name)


# The layer


def no_layer(cloud: Cloud, settings: Settings) -> None:
    """Take the function's layer off."""
    configure(cloud, settings, Layers=[])


def wrong_layer(cloud: Cloud, settings: Settings) -> None:
    """Attach a layer for the other processor; Lambda takes it without a word."""
    other = _OTHER[settings.architecture][0]
    versions = _lab_layers(cloud, settings)
    arn = versions[0].arn if versions else None
    if arn is None:
        zipped = for_other_processor(settings)
        identity = hashlib.sha256(zipped).hexdigest()  # so that `down` takes it along
        arn = cloud.awslambda.publish_layer_version(
            LayerName=settings.layer_name,
            Description=f"Pillow for {other}, {LAB}, sha256:{identity}",
            Content={"ZipFile": zipped},
            CompatibleRuntimes=[settings.runtime],
            CompatibleArchitectures=[other],
        )["LayerVersionArn"]
    configure(cloud, settings, Layers=[arn])


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
            content = bytearray(ours.read(entry))
            library = entry.filename.endswith((".so", ".pyd"))
            if library and content.startswith(b"\x7fELF"):
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


def _lab_layers(cloud: Cloud, settings: Settings) -> list[layer.Layer]:
    return [one for one in layer.versions(cloud, settings) if LAB in one.description]


def clear_layers(cloud: Cloud, settings: Settings) -> None:
    """Delete the layer versions that a mistake published."""
    for version in _lab_layers(cloud, settings):
        cloud.awslambda.delete_layer_version(
            LayerName=settings.layer_name, VersionNumber=version.version
        )


# The role


def no_read(cloud: Cloud, settings: Settings) -> None:
    """Leave the statement out that lets the function read the source."""
    policy = role.thumbnails_policy(settings)
    policy["Statement"] = [
        one for one in policy["Statement"] if one["Action"] != "s3:GetObject"
    ]
    _put_policy(cloud, settings, policy)


def bucket_not_objects(cloud: Cloud, settings: Settings) -> None:
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


def slow(cloud: Cloud, settings: Settings) -> None:
    """Give the function one second for a job that takes three."""
    deploy(cloud, settings, with_mistake(settings, "handler/app.py", _WAITS))
    configure(cloud, settings, Timeout=1)


def little_memory(cloud: Cloud, settings: Settings) -> None:
    """Give the function the least memory that there is."""
    configure(cloud, settings, MemorySize=128)


def large_picture() -> bytes:
    """Draw a grey PNG of 12 megapixels and 16 bits: few bytes, 24 MB decoded.

    One of 8 bits would do with little memory, since it is decoded in bands.
    """
    out = io.BytesIO()
    grey = Image.radial_gradient("L").resize((4000, 3000))
    grey.convert("I").convert("I;16").save(out, "PNG")
    return out.getvalue()


def into_its_source(cloud: Cloud, settings: Settings) -> None:
    """Send the thumbnails to where the photos come from."""
    variables = settings.environment | {"TARGET_BUCKET": settings.source_bucket}
    configure(cloud, settings, Environment={"Variables": variables})


# The function's code: the handler, and a mistake added at the end of a file

_WAITS = """
import time as _time

_handle = lambda_handler


def lambda_handler(event, context=None, **more):
    _time.sleep(3)  # as if S3 took so long
    return _handle(event, context, **more)
"""

_RAW_KEY = """
def decoded_key(holder, name):
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


def raw_key(cloud: Cloud, settings: Settings) -> None:
    """Take keys as they stand in the event."""
    deploy(cloud, settings, with_raw_keys(settings))


def with_raw_keys(settings: Settings) -> bytes:
    """Zip the handler as it is when it does not decode keys."""
    return with_mistake(settings, "handler/events.py", _RAW_KEY)


def each_third(cloud: Cloud, settings: Settings) -> None:
    """Let each third read fail."""
    zipped = with_mistake(settings, "handler/storage.py", _EACH_THIRD)
    deploy(cloud, settings, zipped)


def deploy(cloud: Cloud, settings: Settings, zipped: bytes) -> None:
    """Deploy other code, and wait until it holds."""
    name = settings.function_name
    cloud.awslambda.update_function_code(FunctionName=name, ZipFile=zipped)
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


def capitals(cloud: Cloud, settings: Settings) -> None:
    """Upload a picture as a camera names it, later than under its usual name.

    S3 tells whole seconds, and by them a learner's copy is told from that upload.
    """
    upload(cloud, settings, CAMERA, sample("lighthouse.jpg"))
    while _uploaded(cloud, settings, CAMERA.lower()) >= _uploaded(
        cloud, settings, CAMERA
    ):
        time.sleep(0.2)
        upload(cloud, settings, CAMERA, sample("lighthouse.jpg"))


def _uploaded(cloud: Cloud, settings: Settings, key: str) -> datetime:
    """Tell when an object was uploaded; long ago where there is none."""
    place = {"Bucket": settings.source_bucket, "Key": key}
    head = if_there(cloud.s3.head_object, *NO_OBJECT, **place) or {}
    return head.get("LastModified", datetime.min.replace(tzinfo=UTC))


def poison(cloud: Cloud, settings: Settings) -> None:
    """Upload a text under a picture's name."""
    upload(cloud, settings, POISON, sample("not-an-image.jpg"))


def uninvited(cloud: Cloud, settings: Settings) -> None:
    """Take back the permission that lets the bucket invoke the function."""
    clear_statements(cloud, settings)
    found = trigger.describe(cloud, settings)
    if found and found.permission:  # a learner may have named it
        cloud.awslambda.remove_permission(
            FunctionName=settings.function_name, StatementId=found.permission["Sid"]
        )


def stopped(cloud: Cloud, settings: Settings) -> None:
    """Let none of it run: the emergency stop, left on."""
    cloud.awslambda.put_function_concurrency(
        FunctionName=settings.function_name, ReservedConcurrentExecutions=0
    )


def start(cloud: Cloud, settings: Settings) -> None:
    """Let invocations run again."""
    with already(NO_RESOURCE):
        cloud.awslambda.delete_function_concurrency(FunctionName=settings.function_name)


def blocked(cloud: Cloud, settings: Settings) -> None:
    """Turn Block Public Access on again for the target, as a tidy colleague would."""
    cloud.s3.put_public_access_block(
        Bucket=settings.target_bucket,
        PublicAccessBlockConfiguration=buckets.public_access_block(public_policy=False),
    )


def late_event(cloud: Cloud, settings: Settings) -> None:
    """Overwrite a picture, then deliver the first upload's event once more."""
    key = OVERWRITTEN
    first = upload(cloud, settings, key, sample("this-side-up.jpg"))
    upload(cloud, settings, key, sample("lighthouse.jpg"))
    cloud.awslambda.invoke(
        FunctionName=settings.function_name,
        InvocationType="Event",
        Payload=json.dumps(old_event(settings, key, first)).encode(),
    )


def old_event(settings: Settings, key: str, etag: str) -> dict:
    """Write the event of an upload before all others, as S3 would have sent it."""
    return notifications.event(
        settings.source_bucket, key, region=settings.region, etag=etag, sequencer="00"
    )


def clear_statements(cloud: Cloud, settings: Settings) -> None:
    """Take away the permissions that a learner added beside the pipeline's own."""
    for statement in leftovers.statements(cloud, settings):
        statement.remove()


def clear_camera(cloud: Cloud, settings: Settings) -> None:
    """Take away the camera's photo, and a rule that a learner put for it."""
    for rule in leftovers.rules(cloud, settings):
        rule.remove()
    remove(CAMERA)(cloud, settings)


def remove(*keys: str) -> Act:
    """Delete uploads, and what was made of them."""

    def remove(cloud: Cloud, settings: Settings) -> None:
        for key in keys:
            for bucket, name in (
                (settings.source_bucket, key),
                (settings.target_bucket, settings.thumbnail_prefix + key),
                (settings.target_bucket, f"{settings.reject_prefix}{key}.json"),
            ):
                with already("NoSuchBucket"):
                    cloud.s3.delete_object(Bucket=bucket, Key=name)

    return remove
