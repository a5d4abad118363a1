"""S3 traffic: exactly the bytes of the event are read, and no older result wins.

In-process on moto, which knows If-None-Match and If-Match on PutObject. Faults and
races are put in where the network is, by botocore's events.
"""

from io import BytesIO

import boto3
import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from support.handler_cloud import SESSION

from handler.config import Config
from handler.errors import ConfigError, ImageRejected, Stale
from handler.events import Upload
from handler.storage import (
    ATTEMPTS,
    Storage,
    compare,
    is_made_from,
    source_mark,
    stamp,
)

KEY = "thumbnails/cat.jpg"
HEADERS = ("image/jpeg", "public, max-age=300")
OLD, NEW = "0055AED6DCD90281E5", "0055AED6DCD90281E6"


@pytest.fixture
def ordered(client):
    return Storage(client, Config("thumbs", ordered=True))


@pytest.fixture
def plain(client):
    return Storage(client, Config("thumbs"))


def put_source(client, body=b"source", key="cat.jpg"):
    response = client.put_object(Bucket="photos", Key=key, Body=body)
    version, etag = response.get("VersionId"), response["ETag"].strip('"')
    return Upload("photos", key, etag, version, size=len(body))


def keep_versions(client):
    client.put_bucket_versioning(
        Bucket="photos", VersioningConfiguration={"Status": "Enabled"}
    )


def write(storage, body, sequencer=None, etag="aaa"):
    upload = Upload("photos", "cat.jpg", etag, sequencer=sequencer)
    storage.write(KEY, body, *HEADERS, upload, etag)


def standing(client):
    return client.get_object(Bucket="thumbs", Key=KEY)["Body"].read()


def metadata(client):
    return client.head_object(Bucket="thumbs", Key=KEY)["Metadata"]


def client_error(code, status, operation):
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


def before(client, operation, act, times=1):
    """Run ``act`` just before the first calls of an operation; count them all."""
    calls = []

    def hook(**_):
        calls.append(operation)
        if len(calls) <= times:
            act()

    client.meta.events.register(f"before-call.s3.{operation}", hook)
    return calls


def fail(code, status, operation):
    def act():
        raise client_error(code, status, operation)

    return act


# Reading


def test_read(client, plain):
    upload = put_source(client)
    source = plain.read(upload)
    assert (source.data, source.etag) == (b"source", upload.etag)


def test_read_without_etag(client, plain):
    upload = put_source(client)
    assert plain.read(Upload("photos", "cat.jpg")).etag == upload.etag


@pytest.mark.parametrize("storage", ["plain", "ordered"])
def test_read_superseded(client, storage, request):
    upload = put_source(client)
    put_source(client, b"newer")
    with pytest.raises(Stale, match="superseded"):
        request.getfixturevalue(storage).read(upload)


@pytest.mark.parametrize("storage", ["plain", "ordered"])
def test_read_deleted(client, storage, request):
    upload = put_source(client)
    client.delete_object(Bucket="photos", Key="cat.jpg")
    with pytest.raises(Stale, match="deleted"):
        request.getfixturevalue(storage).read(upload)


def test_read_that_version(client, ordered):
    keep_versions(client)
    upload = put_source(client)
    put_source(client, b"newer")
    assert ordered.read(upload).data == b"source"


def test_read_deleted_version(client, ordered):
    keep_versions(client)
    upload = put_source(client)
    client.delete_object(Bucket="photos", Key="cat.jpg", VersionId=upload.version_id)
    with pytest.raises(Stale, match="deleted"):
        ordered.read(upload)


def test_version_not_permitted(client, plain):
    keep_versions(client)
    upload = put_source(client)
    put_source(client, b"newer")
    with pytest.raises(Stale, match="superseded"):
        plain.read(upload)


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("SlowDown", 503)])
def test_read_fault_is_raised(client, plain, code, status):
    upload = put_source(client)
    before(client, "GetObject", fail(code, status, "GetObject"))
    with pytest.raises(ClientError, match=code):
        plain.read(upload)


def test_read_missing_bucket_is_raised(client, plain):
    with pytest.raises(ClientError, match="NoSuchBucket"):
        plain.read(Upload("elsewhere", "cat.jpg"))


def test_read_refuses_the_target(client, plain):
    calls = before(client, "GetObject", lambda: None)
    with pytest.raises(ConfigError, match="TARGET_BUCKET"):
        plain.read(Upload("thumbs", "cat.jpg", size=0))
    assert calls == []


@pytest.mark.parametrize(("size", "reason"), [(0, "empty"), (11, "11 bytes")])
def test_event_size(client, size, reason):
    calls = before(client, "GetObject", lambda: None)
    storage = Storage(client, Config("thumbs", max_bytes=10))
    with pytest.raises(ImageRejected, match=reason):
        storage.read(Upload("photos", "cat.jpg", size=size))
    assert calls == []


@pytest.mark.parametrize(("body", "reason"), [(b"", "empty"), (b"e" * 11, "11 bytes")])
def test_real_size(client, body, reason):
    upload = put_source(client, body)._replace(size=5)
    with pytest.raises(ImageRejected, match=reason):
        Storage(client, Config("thumbs", max_bytes=10)).read(upload)


def test_cut_connection_is_no_cut_picture(client, plain):
    upload = put_source(client)

    def cut(parsed, **_):
        half = parsed["Body"].read()[:3]
        parsed["Body"] = StreamingBody(BytesIO(half), 6)

    client.meta.events.register("after-call.s3.GetObject", cut)
    with pytest.raises(IncompleteReadError):
        plain.read(upload)


# Writing, as the first policy permits


def test_write(client, plain):
    write(plain, b"thumbnail", OLD)
    head = client.head_object(Bucket="thumbs", Key=KEY)
    assert (head["ContentType"], head["CacheControl"]) == HEADERS
    mark = source_mark("photos", "cat.jpg", "aaa")
    assert head["Metadata"] == {"source-mark": mark, "source-sequencer": OLD}


def test_last_write_wins_unordered(client, plain):
    write(plain, b"new", NEW)
    write(plain, b"old", OLD)
    assert standing(client) == b"old"


@pytest.mark.parametrize("ordered", [True, False])
def test_only_bytes_and_headers_are_sent(client, ordered):
    sent = []
    client.meta.events.register(
        "before-parameter-build.s3.PutObject", lambda params, **_: sent.append(params)
    )
    write(Storage(client, Config("thumbs", ordered=ordered)), b"thumbnail", OLD)
    assert not {"ACL", "GrantRead", "GrantFullControl"} & set(sent[0])


def test_stamp_is_ascii():
    upload = Upload("photos", "cat.jpg", version_id="v/1+é", sequencer=OLD)
    assert stamp(upload, None) == {
        "source-sequencer": OLD,
        "source-version": "v/1+%C3%A9",
    }


# Writing in order, as the second policy permits


def test_newer_replaces_older(client, ordered):
    write(ordered, b"old", OLD)
    write(ordered, b"new", NEW, "bbb")
    assert standing(client) == b"new"
    assert metadata(client)["source-sequencer"] == NEW


def test_older_never_replaces_newer(client, ordered):
    write(ordered, b"new", NEW)
    with pytest.raises(Stale, match="superseded"):
        write(ordered, b"old", OLD, "bbb")
    assert standing(client) == b"new"


def test_repeat_writes_nothing(client, ordered):
    write(ordered, b"thumbnail", OLD)
    sent = before(client, "PutObject", lambda: None)
    write(ordered, b"thumbnail", OLD)
    assert len(sent) == 1  # the one that If-None-Match refused


@pytest.mark.parametrize(
    ("theirs", "expected"), [(OLD, b"ours"), (NEW + "7", b"theirs")]
)
def test_race_for_the_first_write(client, ordered, theirs, expected):
    other = Storage(SESSION.client("s3"), ordered.config)
    before(client, "PutObject", lambda: write(other, b"theirs", theirs, "bbb"))
    try:
        write(ordered, b"ours", NEW)
    except Stale:
        assert expected == b"theirs"
    assert standing(client) == expected


@pytest.mark.parametrize(
    ("theirs", "expected"), [("0055AED6DCD90281E55", b"ours"), (NEW + "7", b"theirs")]
)
def test_race_between_look_and_write(client, ordered, theirs, expected):
    write(ordered, b"standing", OLD)
    other = Storage(SESSION.client("s3"), ordered.config)
    puts = []

    def interfere(**_):
        puts.append(1)
        if len(puts) == 2:  # after our HEAD, before our If-Match
            write(other, b"theirs", theirs, "bbb")

    client.meta.events.register("before-call.s3.PutObject", interfere)
    try:
        write(ordered, b"ours", NEW)
    except Stale:
        assert expected == b"theirs"
    assert standing(client) == expected
    assert len(puts) == (3 if expected == b"ours" else 2)


def test_conflict_is_tried_again(client, ordered):
    conflict = fail("ConditionalRequestConflict", 409, "PutObject")
    before(client, "PutObject", conflict)
    write(ordered, b"thumbnail", OLD)
    assert standing(client) == b"thumbnail"


@pytest.mark.parametrize(("code", "status"), [("404", 404), ("403", 403)])
def test_deleted_between_write_and_look(client, ordered, code, status):
    write(ordered, b"standing", OLD)

    def delete():
        SESSION.client("s3").delete_object(Bucket="thumbs", Key=KEY)
        raise client_error(code, status, "HeadObject")

    before(client, "HeadObject", delete)
    write(ordered, b"ours", NEW)
    assert standing(client) == b"ours"


def test_deleted_between_look_and_write(client, ordered):
    write(ordered, b"standing", OLD)
    puts = []

    def interfere(**_):
        puts.append(1)
        if len(puts) == 2:
            SESSION.client("s3").delete_object(Bucket="thumbs", Key=KEY)

    client.meta.events.register("before-call.s3.PutObject", interfere)
    write(ordered, b"ours", NEW)
    assert standing(client) == b"ours"


def test_rounds_are_bounded(client, ordered):
    conflict = fail("ConditionalRequestConflict", 409, "PutObject")
    puts = before(client, "PutObject", conflict, times=99)
    with pytest.raises(ClientError, match="ConditionalRequestConflict"):
        write(ordered, b"thumbnail", OLD)
    assert len(puts) == ATTEMPTS


def test_missing_read_permission_is_raised(client, ordered):
    write(ordered, b"standing", OLD)
    before(client, "HeadObject", fail("403", 403, "HeadObject"), times=99)
    with pytest.raises(ClientError, match="403"):
        write(ordered, b"ours", NEW)


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "SlowDown"])
def test_write_fault_is_raised(client, ordered, code):
    puts = before(client, "PutObject", fail(code, 400, "PutObject"))
    with pytest.raises(ClientError, match=code):
        write(ordered, b"thumbnail", OLD)
    assert len(puts) == 1


# Without a sequencer: a backfill


def test_backfill_fills_a_gap(client, ordered):
    write(ordered, b"thumbnail")
    assert standing(client) == b"thumbnail"


def test_backfill_of_the_same_source(client, ordered):
    write(ordered, b"small box", OLD)
    write(ordered, b"large box")
    assert standing(client) == b"large box"
    assert metadata(client)["source-sequencer"] == OLD


def test_backfill_of_the_current_source(client, ordered):
    write(ordered, b"old", OLD)
    write(ordered, b"current", etag=put_source(client).etag)
    assert standing(client) == b"current"


def test_backfill_of_a_replaced_source(client, ordered):
    put_source(client, b"newer than what the backfill read")
    write(ordered, b"new", NEW, "bbb")
    with pytest.raises(Stale, match="superseded"):
        write(ordered, b"backfilled")
    assert standing(client) == b"new"


def test_backfill_of_a_deleted_source(client, ordered):
    write(ordered, b"new", NEW, "bbb")
    with pytest.raises(Stale, match="deleted"):
        write(ordered, b"backfilled")


def test_event_after_backfill(client, ordered):
    write(ordered, b"backfilled")
    write(ordered, b"thumbnail", NEW, put_source(client).etag)
    assert standing(client) == b"thumbnail"


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (("1", "a"), ("2", "b"), "older"),
        (("2", "a"), ("1", "b"), "newer"),
        (("2", "a"), ("10", "b"), "newer"),  # padded on the right: 20 and 10
        (("10", "a"), ("1", "b"), "unknown"),  # padded: the same place, other bytes
        (("10", "a"), ("1", "a"), "repeat"),
        (("0", "a"), ("F", "a"), "older"),
        ((None, "a"), ("1", "a"), "same"),
        (("1", "a"), (None, "a"), "same"),
        ((None, "a"), (None, "b"), "unknown"),
    ],
)
def test_compare(ours, theirs, verdict):
    uploads = [
        Upload("photos", "cat.jpg", etag, sequencer=sequencer)
        for sequencer, etag in (ours, theirs)
    ]
    stamps = [stamp(upload, upload.etag) for upload in uploads]
    same_bytes = is_made_from(stamps[1], "photos", "cat.jpg", ours[1])
    assert compare(*stamps, same_bytes=same_bytes) == verdict


# What a public thumbnail says of a private photo


def test_no_checksum_of_the_photo_is_public(client, ordered):
    etag = put_source(client).etag
    write(ordered, b"thumbnail", OLD, etag)
    head = client.head_object(Bucket="thumbs", Key=KEY)
    assert etag not in str(head["Metadata"])
    assert is_made_from(head["Metadata"], "photos", "cat.jpg", etag)
    for other in [("photos", "dog.jpg", etag), ("photos", "cat.jpg", "bbb")]:
        assert not is_made_from(head["Metadata"], *other)
    # Nor the same for the same file elsewhere, which could be looked up.
    assert len({source_mark(b, "cat.jpg", etag) for b in ("photos", "others")}) == 2


def old_thumbnail(client, etag="aaa"):
    metadata = {"source-etag": etag, "source-sequencer": OLD}
    client.put_object(Bucket="thumbs", Key=KEY, Body=b"old", Metadata=metadata)
    return metadata


def test_old_thumbnails_are_still_understood(client, ordered):
    metadata = old_thumbnail(client)
    assert is_made_from(metadata, "photos", "cat.jpg", "aaa")
    assert not is_made_from(metadata, "photos", "cat.jpg", "bbb")
    with pytest.raises(Stale, match="deleted"):  # the source decides between the two
        write(ordered, b"other bytes", etag="bbb")


@pytest.mark.parametrize("sequencer", [OLD, None])
def test_old_thumbnail_loses_its_checksum(client, ordered, sequencer):
    old_thumbnail(client)
    write(ordered, b"made again", sequencer)
    assert standing(client) == b"made again"
    mark = source_mark("photos", "cat.jpg", "aaa")
    assert metadata(client) == {"source-mark": mark, "source-sequencer": OLD}


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("InvalidObjectState", "It is archived.", "restore it first"),
        (
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The "
            "correct parameters must be provided to retrieve the object.",
            "SSE-C",
        ),
    ],
)
def test_what_can_never_be_read_is_rejected(code, message, words):
    client = boto3.client(
        "s3", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    config = Config.from_environment({"TARGET_BUCKET": "thumbnails"})
    upload = Upload("photos", "a.jpg")
    with Stubber(client) as answers:
        answers.add_client_error("get_object", code, message)
        with pytest.raises(ImageRejected, match=words):
            Storage(client, config).read(upload)
