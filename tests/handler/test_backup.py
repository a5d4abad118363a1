"""Backups: the version that fired, verified, in order, and never the wrong bucket."""

import json

import pytest
from botocore.exceptions import ClientError
from support.handler_cloud import ENV, ORDERED, keys, picture, refuse, run, upload

from handler.errors import UploadsFailed

pytestmark = pytest.mark.usefixtures("kept")
RECIPE = {"RECIPE": json.dumps({"backup": {"bucket": "kept"}})}
BACKED = ENV | RECIPE
IN_ORDER = ORDERED | RECIPE


@pytest.fixture
def kept(client):
    client.create_bucket(Bucket="kept")


def backup(client, key="cat.jpg"):
    answer = client.get_object(Bucket="kept", Key=key)
    return answer["Body"].read(), answer


@pytest.mark.parametrize("env", [BACKED, IN_ORDER])
def test_clone(client, lines, env):
    record = upload(client, "a b+c.jpg")
    client.put_object(
        Bucket="photos",
        Key="a b+c.jpg",
        Body=picture(),
        ContentType="image/jpeg",
        Metadata={"album": "summer"},
    )
    assert run(client, record, env=env) == {"outcomes": {"made": 1}}
    body, answer = backup(client, "a b+c.jpg")
    assert body == picture()
    assert (answer["ContentType"], answer["Metadata"]) == (
        "image/jpeg",
        {"album": "summer"},
    )
    assert answer["StorageClass"] == "STANDARD_IA"
    [_, output] = lines()[0]["outputs"]
    assert (output["name"], output["target"]) == ("backup", "a b+c.jpg")
    assert output["bytes"] == len(body)


def test_version_that_fired(client):
    client.put_bucket_versioning(
        Bucket="photos", VersioningConfiguration={"Status": "Enabled"}
    )
    older = upload(client)
    upload(client, body=picture(colour="blue"))
    run(client, older, env=IN_ORDER)
    assert backup(client)[0] == picture()


def test_older_never_replaces_newer(client):
    client.put_bucket_versioning(
        Bucket="photos", VersioningConfiguration={"Status": "Enabled"}
    )
    older = upload(client, sequencer="01")
    newer = upload(client, body=picture(colour="blue"), sequencer="02")
    run(client, newer, env=IN_ORDER)
    assert run(client, older, env=IN_ORDER) == {"outcomes": {"stale": 1}}
    assert backup(client)[0] == picture(colour="blue")


def test_repeat_copies_nothing(client):
    record, copies = upload(client), []
    run(client, record, env=IN_ORDER)
    client.meta.events.register(
        "before-call.s3.CopyObject", lambda **_: copies.append(1)
    )
    assert run(client, record, env=IN_ORDER) == {"outcomes": {"made": 1}}
    assert copies == []


def test_condition_on_what_was_read(client):
    asked = []
    client.meta.events.register(
        "before-call.s3.CopyObject",
        lambda params, **_: asked.append(params["headers"]),
    )
    record = upload(client)
    run(client, record, env=IN_ORDER)
    [headers] = asked
    etag = record["s3"]["object"]["eTag"]
    assert headers["x-amz-copy-source-if-match"] == f'"{etag}"'
    assert headers["If-None-Match"] == "*"
    assert headers["x-amz-checksum-algorithm"] == "SHA256"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("PreconditionFailed", "superseded by a newer upload"),
        ("NoSuchKey", "deleted before it was backed up"),
    ],
)
def test_source_has_changed(client, lines, code, reason):
    record = upload(client)
    refuse(client, "CopyObject", code, key="cat.jpg")
    assert run(client, record, env=BACKED) == {"outcomes": {"stale": 1}}
    assert lines()[0]["reason"] == f"backup: {reason}"


def test_lost_race(client):
    # Somebody writes between our look and our copy: the next round sees it.
    record, raced = upload(client), []

    def race(**_):
        if not raced:
            raced.append(1)
            client.put_object(Bucket="kept", Key="cat.jpg", Body=b"another")
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "CopyObject")

    client.meta.events.register("before-call.s3.CopyObject", race)
    assert run(client, record, env=IN_ORDER) == {"outcomes": {"made": 1}}
    assert backup(client)[0] == picture()


def test_copy_that_differs(client, lines):
    def damage(parsed, **_):
        parsed["CopyObjectResult"]["ChecksumSHA256"] = "something else"

    client.meta.events.register("after-call.s3.CopyObject", damage)
    with pytest.raises(UploadsFailed, match=r"backup: BackupDiffers: cat\.jpg: S3 has"):
        run(client, upload(client), env=BACKED)
    assert keys(client) == ["thumbnails/cat.jpg"]


def test_without_checksum_the_etag(client):
    client.meta.events.register(
        "after-call.s3.CopyObject",
        lambda parsed, **_: parsed["CopyObjectResult"].pop("ChecksumSHA256"),
    )
    assert run(client, upload(client), env=BACKED) == {"outcomes": {"made": 1}}


@pytest.mark.parametrize("env", [BACKED, IN_ORDER])
def test_source_that_came_in_parts(client, lines, env):
    record = upload(client)
    place = {"Bucket": "photos", "Key": "cat.jpg"}
    whole = client.create_multipart_upload(**place)["UploadId"]
    part = {"PartNumber": 1, "UploadId": whole}
    etag = client.upload_part(**place, **part, Body=picture())["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    done = client.complete_multipart_upload(
        **place, UploadId=whole, MultipartUpload=parts
    )
    record["s3"]["object"]["eTag"] = done["ETag"].strip('"')

    def as_the_local_cloud(parsed, **_):
        parsed["CopyObjectResult"] = {"ETag": done["ETag"]}

    client.meta.events.register("after-call.s3.CopyObject", as_the_local_cloud)
    assert run(client, record, env=env) == {"outcomes": {"made": 1}}
    assert backup(client)[0] == picture()


def test_part_upload_that_differs(client, lines):
    def other(parsed, **_):
        parsed["CopyObjectResult"] = {"ETag": '"0123-2"'}

    client.meta.events.register("after-call.s3.CopyObject", other)
    with pytest.raises(UploadsFailed):
        run(client, upload(client), env=BACKED)
    assert "BackupDiffers" in lines()[0]["reason"]


def test_backup_is_the_source(client):
    recipe = {"RECIPE": json.dumps({"backup": {"bucket": "photos"}})}
    with pytest.raises(UploadsFailed, match="the backup bucket is the source"):
        run(client, upload(client), env=ENV | recipe)


def test_rejected_picture_is_backed_up(client):
    record = upload(client, "notes.jpg", b"not an image")
    assert run(client, record, env=BACKED) == {"outcomes": {"rejected": 1}}
    assert backup(client, "notes.jpg")[0] == b"not an image"
    assert keys(client) == ["rejected/notes.jpg.json"]
