"""Events: what AWS sends, from recorded files, becomes uploads."""

import json
import unicodedata
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from handler.events import NotAnUpload, Upload, parse, target_key

EVENTS = Path(__file__).parents[1] / "support" / "events"
ETAG = "0123456789abcdef0123456789abcdef"
SEQUENCER = "0055AED6DCD90281E5"
CAT = Upload("photos", "cat.jpg", ETAG, None, SEQUENCER, 1024)
FIRST = "059f36b4-87a3-44ab-83d2-661975830a7d"
SECOND = "2e1424d4-f796-459a-8184-9c92662be6da"


def recorded(name):
    return json.loads((EVENTS / f"{name}.json").read_text("utf-8"))


def with_key(key):
    event = recorded("s3_put")
    event["Records"][0]["s3"]["object"]["key"] = quote_plus(key)
    return event


def test_put():
    assert parse(recorded("s3_put")) == [CAT]


def test_multipart():
    [upload] = parse(recorded("s3_multipart_complete"))
    assert (upload.etag, upload.size) == (f"{ETAG}-3", 25_000_000)


def test_copy():
    [upload] = parse(recorded("s3_copy"))
    assert upload.key == "copies/cat.jpg"


def test_versioned():
    [upload] = parse(recorded("s3_versioned"))
    assert upload.version_id == "096fKKXTRTtl3on89fVO.nfljtsv6qko"


def test_two_records():
    uploads = parse(recorded("s3_two_records"))
    assert [upload.key for upload in uploads] == ["cat.jpg", "dog.png"]


def test_tricky_key():
    [upload] = parse(recorded("s3_tricky_key"))
    accents = "caf\u00e9 cafe\u0301"  # composed and decomposed, both as they came
    assert upload.key == f"summer 2026/a+b 100% & why?/\U0001f408 {accents}/../cat.jpg"


@pytest.mark.parametrize(
    "key",
    [
        "a b.jpg",
        "a+b.jpg",
        "a%20b.jpg",
        "100%.jpg",
        "a&b=c?d#e.jpg",
        "🐈‍⬛.jpg",
        unicodedata.normalize("NFC", "é.jpg"),
        unicodedata.normalize("NFD", "é.jpg"),
        "../../etc/passwd.jpg",
        "/a//b.jpg",
        "a\nb.jpg",
        "日本/写真.jpg",
    ],
)
def test_key_decoded_once(key):
    [upload] = parse(with_key(key))
    assert upload.key == key


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("s3_removed", "ObjectRemoved:Delete is no upload"),
        ("s3_test_event", "s3:TestEvent"),
        ("eventbridge_deleted", "Object Deleted is no upload"),
    ],
)
def test_not_an_upload(name, reason):
    [part] = parse(recorded(name))
    assert part._replace(removed=None) == NotAnUpload(reason)


def test_test_event_in_sqs():
    assert parse(recorded("sqs_test_event")) == [
        NotAnUpload("s3:TestEvent", item_id=FIRST)
    ]


@pytest.mark.parametrize(
    "event", [None, [], "text", 1, {}, {"Records": []}, {"Records": None}, {"a": 1}]
)
def test_nothing_to_do(event):
    [part] = parse(event)
    assert isinstance(part, NotAnUpload)
    assert not part.malformed


def test_unknown_source():
    event = {"Records": [{"eventSource": "aws:kinesis"}]}
    assert parse(event) == [NotAnUpload("unknown event source 'aws:kinesis'")]


def test_s3_in_sqs():
    uploads = parse(recorded("sqs_s3"))
    assert [(u.key, u.item_id) for u in uploads] == [
        ("cat.jpg", FIRST),
        ("dog.png", SECOND),
    ]
    assert {upload.source for upload in uploads} == {"sqs"}


def test_s3_in_sns():
    [upload] = parse(recorded("sns_s3"))
    assert (upload.key, upload.source, upload.item_id) == ("cat.jpg", "sns", None)


def test_s3_in_sns_in_sqs():
    [upload] = parse(recorded("sqs_sns_s3"))
    assert (upload.key, upload.source, upload.item_id) == ("cat.jpg", "sqs", FIRST)


def test_eventbridge():
    version = "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    key = "summer 2026/100%+cat.jpg"
    assert parse(recorded("eventbridge")) == [
        Upload("photos", key, ETAG, version, SEQUENCER, 1024, "eventbridge")
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ObjectRestore:Completed", Upload), ("ObjectRestore:Post", NotAnUpload)],
)
def test_restored(name, kind):
    event = recorded("s3_put")
    event["Records"][0]["eventName"] = name
    assert [type(part) for part in parse(event)] == [kind]


def test_restored_by_eventbridge():
    event = recorded("eventbridge") | {"detail-type": "Object Restore Completed"}
    assert parse(event) == parse(recorded("eventbridge"))


def test_pipes():
    [message] = parse([recorded("sqs_s3")["Records"][0]])
    assert (message.key, message.item_id) == ("cat.jpg", FIRST)
    [record] = parse(recorded("s3_put")["Records"])
    assert (record.key, record.source) == ("cat.jpg", "pipes")
    [event] = parse([recorded("eventbridge")])
    assert event.key == "summer 2026/100%+cat.jpg"


def test_the_record_of_a_failed_event():
    for payload in (recorded("s3_put"), recorded("s3_put")["Records"]):
        [upload] = parse({"requestContext": {}, "requestPayload": payload})
        assert upload.key == "cat.jpg"


def test_what_was_removed_is_read():
    [part] = parse(recorded("s3_removed"))
    assert (part.removed.bucket, part.removed.key) == ("photos", "cat.jpg")
    [part] = parse(recorded("eventbridge_deleted"))
    assert part.removed.key == "summer 2026/100%+cat.jpg"


def test_eventbridge_in_sqs():
    [upload] = parse(recorded("sqs_eventbridge"))
    assert (upload.key, upload.item_id) == ("summer 2026/100%+cat.jpg", FIRST)


def test_batch_v1():
    assert parse(recorded("batch_v1")) == [
        Upload(
            "photos",
            "summer 2026/cat.jpg",
            source="batch",
            item_id="dGFza2lkZ29lc2hlcmUK",
        )
    ]


def test_batch_v2():
    [upload] = parse(recorded("batch_v2"))
    assert (upload.bucket, upload.key) == ("photos", "summer 2026/cat.jpg")
    assert upload.version_id == "jbo9_jhdPEyB4RrmOxWS0kU0EoNrU_oI"


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        "text",
        {"eventSource": "aws:s3"},
        {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"},
        {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": None},
    ],
)
def test_neighbours_of_a_malformed_record(broken):
    event = recorded("s3_put")
    event["Records"].insert(0, broken)
    malformed, upload = parse(event)
    assert malformed.malformed
    assert upload == CAT


@pytest.mark.parametrize("key", ["", None, 7, "%FF"])
def test_malformed_key(key):
    event = recorded("s3_put")
    event["Records"][0]["s3"]["object"]["key"] = key
    [part] = parse(event)
    assert part.malformed


@pytest.mark.parametrize("size", ["Infinity", "-Infinity", "NaN", '"1 KB"', "[]"])
def test_malformed_size(size):
    event = recorded("s3_put")
    event["Records"][0]["s3"]["object"]["size"] = json.loads(size)
    event["Records"] += recorded("s3_put")["Records"]
    malformed, upload = parse(event)
    assert malformed.malformed
    assert upload == CAT


@pytest.mark.parametrize("body", ["{not JSON", "[" * 100_000, None])
def test_malformed_message(body):
    event = recorded("sqs_s3")
    event["Records"][0]["body"] = body
    malformed, upload = parse(event)
    assert (malformed.malformed, malformed.item_id) == (True, FIRST)
    assert upload.key == "dog.png"


def test_malformed_task():
    event = recorded("batch_v1")
    del event["tasks"][0]["s3BucketArn"]
    [part] = parse(event)
    assert (part.malformed, part.item_id) == (True, "dGFza2lkZ29lc2hlcmUK")


def test_target_keeps_whole_key():
    assert target_key("a/b.jpg", "thumbnails/") == "thumbnails/a/b.jpg"
    assert target_key("b.png", "rejected/", ".json") == "rejected/b.png.json"


def test_target_of_long_keys():
    one, other = ("é" * 510 + end for end in ("a.jpg", "a.png"))
    keys = {target_key(key, "thumbnails/") for key in (one, other)}
    assert len(keys) == 2
    assert all(len(key.encode()) <= 1024 for key in keys)


@pytest.mark.parametrize("extra", range(4))
def test_target_cut_at_a_character(extra):
    key = target_key("a" * extra + "🐈" * 255, "t/", ".json")
    kept = key.rpartition("~")[0]
    assert set(kept.removeprefix("t/" + "a" * extra)) == {"🐈"}
    assert 1020 < len(key.encode()) <= 1024


def test_longest_key_that_fits():
    key = "k" * (1024 - len("thumbnails/"))
    assert target_key(key, "thumbnails/") == f"thumbnails/{key}"
