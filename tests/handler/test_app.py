"""The whole handler on moto: events in; thumbnails, records, lines, answers out.

What is tested where, of the contract's table of events and keys:

- keys: ``test_tricky_keys``, ``test_no_path_is_built``, test_events.py
- target key: ``test_same_event_twice``, ``test_target_*`` in test_events.py
- nothing to do: ``test_ignored``, ``test_nothing_to_do``
- several records: ``test_records_are_isolated``, ``test_every_failure_is_named``,
  ``test_reads_overlap_and_are_bounded``, ``test_one_picture_at_a_time``
- the same event twice: ``test_same_event_twice``
- an older event after a newer one: ``test_late_event_*``, ``test_versions_*``,
  ``test_older_*`` and the races in test_storage.py
- versions, eTags: ``test_read_*`` in test_storage.py
- deleted, 403: ``test_stale``, ``test_failed``
- settings: ``test_wrong_setting``, test_config.py (also that importing reads none)
- SQS, SNS, EventBridge, S3 Batch Operations: ``test_sqs_*`` to ``test_batch_*``
- no sequencer: ``test_backfill_*`` here and in test_storage.py
- source bucket = target bucket: ``test_source_is_target``
- time: ``test_too_slow_is_rejected_once``, ``test_time_*``
"""

import asyncio
import io
import json
import sys
import threading
import time

import pytest
from botocore.exceptions import ClientError
from PIL import Image
from support.handler_cloud import (
    CONTEXT,
    ENV,
    ORDERED,
    get,
    keys,
    picture,
    recorded,
    refuse,
    run,
    upload,
)
from support.pictures import landscape, photo, raw_png, scan_bomb

from handler import app, lambda_handler
from handler.errors import ConfigError, UploadsFailed
from handler.outputs import Turns
from handler.picture import memory, render
from handler.storage import Storage

LINE_KEYS = [
    "bucket",
    "key",
    "version",
    "sequencer",
    "outcome",
    "reason",
    "target",
    "source_size",
    "source_bytes",
    "thumbnail_size",
    "thumbnail_bytes",
    "ms",
    "cold",
    "request_id",
    "done",
]
FIRST = "059f36b4-87a3-44ab-83d2-661975830a7d"


# The four outcomes


TEXT = "not a JPEG or PNG, but text: upload the picture instead"


@pytest.mark.parametrize("env", [ENV, ORDERED])
def test_made(client, lines, env):
    record = upload(client)
    assert run(client, record, env=env) == {"outcomes": {"made": 1}}
    [line] = lines()
    assert line["outcome"] == "made"
    assert (line["source_size"], line["thumbnail_size"]) == ([400, 300], [256, 192])
    made = get(client, line["target"])
    assert line["thumbnail_bytes"] == len(made)
    assert Image.open(io.BytesIO(made)).size == (256, 192)


def test_made_headers(client):
    run(client, upload(client, "cat.png", picture("PNG")))
    head = client.head_object(Bucket="thumbs", Key="thumbnails/cat.png")
    assert head["ContentType"] == "image/png"
    assert head["CacheControl"] == "public, max-age=300"


def test_format_by_content(client):
    run(client, upload(client, "really-a-png.jpg", picture("PNG")))
    head = client.head_object(Bucket="thumbs", Key="thumbnails/really-a-png.jpg")
    assert head["ContentType"] == "image/png"


@pytest.mark.parametrize("env", [ENV, ORDERED])
def test_rejected(client, lines, env):
    record = upload(client, "notes.jpg", b"not an image")
    assert run(client, record, env=env) == {"outcomes": {"rejected": 1}}
    [line] = lines()
    assert (line["outcome"], line["reason"]) == ("rejected", TEXT)
    kept = json.loads(get(client, "rejected/notes.jpg.json"))
    assert kept.pop("time").endswith("+00:00")
    assert kept == {
        "bucket": "photos",
        "key": "notes.jpg",
        "version": None,
        "sequencer": "0055AED6DCD90281E5",
        "etag": record["s3"]["object"]["eTag"],
        "reason": TEXT,
    }
    assert keys(client) == ["rejected/notes.jpg.json"]


@pytest.mark.parametrize(
    ("body", "env", "reason"),
    [
        (b"", ENV, "empty"),
        (picture(), ENV | {"MAX_BYTES": "99"}, "more than the 99 bytes allowed"),
        (picture(size=(1200, 1000)), ENV | {"MAX_MEGAPIXELS": "1"}, "megapixels"),
        (picture()[:900], ENV, "truncated"),
    ],
)
def test_reasons(client, lines, body, env, reason):
    run(client, upload(client, body=body), env=env)
    assert reason in lines()[0]["reason"]


def test_reject_record_cannot_be_written(client, lines):
    record = upload(client, "notes.jpg", b"not an image")
    refuse(client, "PutObject", "AccessDenied", key="notes.jpg.json")
    with pytest.raises(UploadsFailed, match=r"s3://photos/notes\.jpg: .*AccessDenied"):
        run(client, record)
    assert lines()[0]["outcome"] == "failed"


def test_older_reject_record_never_replaces_newer(client, lines):
    record = upload(client, "notes.jpg", b"not an image", sequencer="0A")
    run(client, record, env=ORDERED)
    record["s3"]["object"]["sequencer"] = "09"
    assert run(client, record, env=ORDERED) == {"outcomes": {"stale": 1}}
    kept = json.loads(get(client, "rejected/notes.jpg.json"))
    assert kept["sequencer"] == "0A"


def test_stale(client, lines):
    record = upload(client)
    client.delete_object(Bucket="photos", Key="cat.jpg")
    assert run(client, record) == {"outcomes": {"stale": 1}}
    assert lines()[0]["reason"] == "deleted before it was read"
    assert keys(client) == []


@pytest.mark.parametrize(
    ("operation", "key"),
    [("GetObject", "cat.jpg"), ("PutObject", "thumbnails/cat.jpg")],
)
def test_failed(client, lines, operation, key):
    record = upload(client)
    refuse(client, operation, "AccessDenied", key=key)
    with pytest.raises(UploadsFailed, match="AccessDenied") as caught:
        run(client, record)
    assert isinstance(caught.value.__cause__, ClientError)
    assert lines()[0]["outcome"] == "failed"


def test_source_is_target(client, lines):
    record = upload(client)
    reads = []
    client.meta.events.register("before-call.s3.*", lambda **_: reads.append(1))
    with pytest.raises(UploadsFailed, match="would trigger the next"):
        run(client, record, env={"TARGET_BUCKET": "photos"})
    assert reads == []
    assert lines()[0]["outcome"] == "failed"


def test_wrong_setting(client):
    with pytest.raises(ConfigError, match="BOX is 'huge'"):
        run(client, upload(client), env=ENV | {"BOX": "huge"})


def test_settings_from_the_process(client, monkeypatch):
    monkeypatch.setenv("TARGET_BUCKET", "thumbs")
    assert run(client, upload(client), env=None) == {"outcomes": {"made": 1}}


# Order and repeats


@pytest.mark.parametrize("env", [ENV, ORDERED])
def test_same_event_twice(client, env):
    record = upload(client)
    run(client, record, env=env)
    once = get(client, "thumbnails/cat.jpg")
    assert run(client, record, env=env) == {"outcomes": {"made": 1}}
    assert get(client, "thumbnails/cat.jpg") == once


def test_late_event_of_an_overwritten_image(client):
    older = upload(client)
    newer = upload(client, body=picture(colour="blue"), sequencer="0055AED6DCD90281E6")
    run(client, newer)
    thumbnail = get(client, "thumbnails/cat.jpg")
    assert run(client, older) == {"outcomes": {"stale": 1}}
    assert get(client, "thumbnails/cat.jpg") == thumbnail


@pytest.mark.parametrize("newest_first", [True, False])
def test_versions_in_any_order(client, newest_first):
    client.put_bucket_versioning(
        Bucket="photos", VersioningConfiguration={"Status": "Enabled"}
    )
    older = upload(client)
    newer = upload(client, body=picture(colour="blue"), sequencer="0055AED6DCD90281E6")
    for record in (newer, older) if newest_first else (older, newer):
        run(client, record, env=ORDERED)
    image = Image.open(io.BytesIO(get(client, "thumbnails/cat.jpg")))
    red, _, blue = image.getpixel((9, 9))
    assert blue > 200 > 50 > red


# Several records


def test_records_are_isolated(client, lines):
    good, bad = upload(client, "good.jpg"), upload(client, "bad.jpg", b"nothing")
    gone, refused = upload(client, "gone.jpg"), upload(client, "refused.jpg")
    client.delete_object(Bucket="photos", Key="gone.jpg")
    refuse(client, "GetObject", "AccessDenied", key="refused.jpg")
    with pytest.raises(
        UploadsFailed, match=r"^1 of 5 failed: s3://photos/refused\.jpg"
    ):
        run(client, refused, {"eventSource": "aws:kinesis"}, bad, gone, good)
    outcomes = {line["key"]: line["outcome"] for line in lines()}
    assert outcomes == {
        None: "ignored",
        "good.jpg": "made",
        "bad.jpg": "rejected",
        "gone.jpg": "stale",
        "refused.jpg": "failed",
    }
    assert keys(client) == ["rejected/bad.jpg.json", "thumbnails/good.jpg"]


def test_every_failure_is_named(client):
    records = [upload(client, key) for key in ("a.jpg", "b.jpg")]
    refuse(client, "GetObject", "SlowDown", key=".jpg")
    with pytest.raises(UploadsFailed) as caught:
        run(client, *records)
    places = [place for place, _ in caught.value.failures]
    assert sorted(places) == ["s3://photos/a.jpg", "s3://photos/b.jpg"]


def test_reads_overlap_and_are_bounded(client):
    records = [upload(client, f"{number}.jpg") for number in range(12)]
    arrived, together, go_on = [], [], threading.Event()

    def hold(**_):
        arrived.append(1)
        if not go_on.wait(0.3):  # by then all have come that are let in
            together.append(len(arrived))
            go_on.set()

    client.meta.events.register("before-call.s3.GetObject", hold)
    assert run(client, *records) == {"outcomes": {"made": 12}}
    assert together[0] == memory.sources_held(512)


def test_inside_a_running_loop(client):
    record = upload(client)

    async def cell():
        return run(client, record)

    assert asyncio.run(cell()) == {"outcomes": {"made": 1}}


# Time and turns


class Waiting:
    """A context that tells, as Lambda's does, how long is left of so many seconds."""

    aws_request_id = "request-1"

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self):
        return int((self.end - time.monotonic()) * 1000)


def run_within(client, seconds, *records, env=ENV):
    event = {"Records": list(records)}
    return lambda_handler(event, Waiting(seconds), client=client, env=env)


def test_too_slow_is_rejected_once(client, lines):
    bomb = scan_bomb(90, landscape((2000, 1500)))
    record = upload(client, "bomb.jpg", bomb)
    # A third of the function's time; a box so large that all scans are decoded.
    answer = run_within(client, 0.3, record, env=ENV | {"BOX": "1500"})
    assert answer == {"outcomes": {"rejected": 1}}
    [line] = lines()
    assert line["reason"].startswith("too slow: not decoded within 0.")
    kept = json.loads(get(client, "rejected/bomb.jpg.json"))
    assert kept["reason"] == line["reason"]


def test_time_left_is_enough(client):
    assert run_within(client, 30, upload(client)) == {"outcomes": {"made": 1}}


def test_time_of_neighbours_is_no_fault(client, lines):
    with pytest.raises(UploadsFailed, match="OutOfTime: no time was left"):
        run_within(client, 0, upload(client))
    assert lines()[0]["outcome"] == "failed"
    assert keys(client) == []


def test_seconds_for_a_picture():
    assert Turns.of(None).seconds == Turns.of(CONTEXT).seconds == 10
    assert Turns.of(Waiting(60)).seconds == pytest.approx(20, abs=1)


def test_one_picture_at_a_time(client):
    # Sampled from the threads' stacks: how many are inside the decoder's module.
    body = picture("PNG", (800, 800))
    records = [upload(client, f"{number}.png", body) for number in range(4)]
    inside, seen = render.render.__code__, []
    finished = threading.Event()

    def sample():
        while not finished.wait(0.001):
            frames = sys._current_frames().values()
            seen.append(sum(inside in codes(frame) for frame in frames))

    watcher = threading.Thread(target=sample)
    watcher.start()
    run(client, *records)
    finished.set()
    watcher.join()
    assert max(seen) == 1


def codes(frame):
    while frame:
        yield frame.f_code
        frame = frame.f_back


def test_small_function_holds_one_source(client):
    records = [upload(client, f"{number}.jpg") for number in range(3)]
    together = []

    def look(**_):
        frames = sys._current_frames().values()
        reading = Storage.read.__code__
        together.append(sum(reading in codes(frame) for frame in frames))

    client.meta.events.register("before-call.s3.GetObject", look)
    run(client, *records, env=ENV | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"})
    assert together == [1, 1, 1]


def test_memory_of_the_function_is_the_limit(client, lines):
    record = upload(client, "deep.png", raw_png((3000, 2500), 16, 2, b""))
    run(client, record, env=ENV | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"})
    assert lines()[0]["reason"].startswith("decoding takes 36 MB of memory, more than")


# Keys


@pytest.mark.parametrize(
    "key",
    [
        "a b+c%20d.jpg",
        "100% & why?#=.jpg",
        "🐈‍⬛/caf\u00e9.jpg",
        "cafe\u0301.jpg",
        "a/../../b.jpg",
        "x" * 1020 + ".jpg",
    ],
)
def test_tricky_keys(client, lines, key):
    run(client, upload(client, key))
    [line] = lines()
    assert (line["key"], line["outcome"]) == (key, "made")
    assert keys(client) == [line["target"]]


def test_no_path_is_built(client):
    # Python reports every file that is opened; none may be one of the key's.
    opened, watching = [], [True]

    def audit(name, arguments):
        if watching and name in ("open", "os.mkdir", "os.rename", "os.remove"):
            opened.append(str(arguments[0]))

    sys.addaudithook(audit)  # for good, so it has to be switched off
    run(client, upload(client, "../marked/../../tmp/marked.jpg"))
    watching.clear()
    assert [path for path in opened if "marked" in path] == []


def test_key_cannot_forge_a_line(client, capsys):
    run(client, upload(client, 'a\n{"outcome": "made"}\u2028.jpg', b"nothing"))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.isascii()


# Log lines


def test_line(client, lines):
    run(client, upload(client))
    [line] = lines()
    assert list(line) == LINE_KEYS
    assert line["request_id"] == "request-1"
    assert (line["bucket"], line["sequencer"]) == ("photos", "0055AED6DCD90281E5")
    assert len(line["done"]) == len("2026-03-01T12:00:00.000+00:00")
    assert line["ms"] > 0


def test_cold_once(client, lines, monkeypatch):
    monkeypatch.setattr(app, "_first", True)
    record = upload(client)
    run(client, record, upload(client, "dog.jpg"))
    run(client, record)
    assert [line["cold"] for line in lines()] == [True, True, False]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("s3_test_event", "s3:TestEvent"),
        ("s3_removed", "ObjectRemoved:Delete is no upload"),
        ("eventbridge_deleted", "Object Deleted is no upload"),
    ],
)
def test_ignored(lines, name, reason):
    # No client and no settings are needed for these.
    assert run(None, event=recorded(name), env={}) == {"outcomes": {"ignored": 1}}
    [line] = lines()
    assert (line["outcome"], line["reason"]) == ("ignored", reason)
    assert list(line) == LINE_KEYS


def test_nothing_to_do(lines):
    assert lambda_handler({}) == {"outcomes": {"ignored": 1}}
    assert lines()[0]["reason"] == "no Records"


# Answers


def test_malformed_record_is_raised(client):
    good = upload(client)
    with pytest.raises(UploadsFailed, match="malformed s3 record"):
        run(client, {"eventSource": "aws:s3"}, good)
    assert keys(client) == ["thumbnails/cat.jpg"]


def in_sqs(*bodies):
    message = recorded("sqs_s3")["Records"][0]
    return {
        "Records": [
            message | {"messageId": str(number), "body": json.dumps(body)}
            for number, body in enumerate(bodies)
        ]
    }


def test_sqs_partial_failure(client):
    good, refused = upload(client, "good.jpg"), upload(client, "refused.jpg")
    refuse(client, "GetObject", "AccessDenied", key="refused.jpg")
    event = in_sqs({"Records": [good]}, {"Records": [refused, refused]})
    answer = run(client, event=event)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert keys(client) == ["thumbnails/good.jpg"]


def test_sqs_all_well(client):
    event = in_sqs({"Records": [upload(client)]}, recorded("s3_test_event"))
    assert run(client, event=event) == {"batchItemFailures": []}


@pytest.mark.slow  # three decoders that are stopped, twice
def test_sqs_several_bombs(client, lines):
    bomb = scan_bomb(90, photo((3000, 2000)))
    records = [upload(client, f"bomb-{number}.jpg", bomb) for number in range(3)]
    records.append(upload(client, "good.jpg"))
    event = in_sqs(*({"Records": [record]} for record in records))
    ends = []
    for _ in records:  # each delivery ends one at least
        env = ENV | {"BOX": "1500"}
        answer = lambda_handler(event, Waiting(1.8), client=client, env=env)
        failed = [item["itemIdentifier"] for item in answer["batchItemFailures"]]
        ends += [line["key"] for line in lines() if line["outcome"] != "failed"]
        assert len(ends) + len(failed) == len(records)
        # As SQS does: what failed comes again, and nothing else.
        left = [one for one in event["Records"] if one["messageId"] in failed]
        if not left:
            break
        event = {"Records": left}
    assert sorted(ends) == ["bomb-0.jpg", "bomb-1.jpg", "bomb-2.jpg", "good.jpg"]


def test_sqs_bad_body(client):
    event = recorded("sqs_bad_body")
    event["Records"][1]["body"] = json.dumps({"Records": [upload(client)]})
    answer = run(client, event=event)
    assert answer == {"batchItemFailures": [{"itemIdentifier": FIRST}]}


ON_FAILURE = {
    "version": "1.0",
    "timestamp": "2026-11-26T12:00:00.000Z",
    "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
    "responsePayload": {"errorMessage": "…", "errorType": "UploadsFailed"},
}


def test_a_failed_event_driven_back_into_the_queue(client):
    record = ON_FAILURE | {"requestPayload": {"Records": [upload(client)]}}
    assert run(client, event=in_sqs(record)) == {"batchItemFailures": []}
    assert keys(client) == ["thumbnails/cat.jpg"]


@pytest.mark.parametrize("body", [{"a": 1}, [], 7, {"Records": [{"a": 1}]}])
def test_what_is_not_understood_stays_in_the_queue(client, body):
    event = in_sqs(body, {"Records": [upload(client)]})
    answer = run(client, event=event)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert keys(client) == ["thumbnails/cat.jpg"]


def test_pipes_hand_a_list_of_s3s_records(client):
    records = [upload(client, "a.jpg"), upload(client, "b.jpg")]
    assert run(client, event=records) == {"outcomes": {"made": 2}}


def test_pipes_hand_a_list_of_messages_and_hear_which_failed(client):
    messages = in_sqs({"Records": [upload(client)]}, {"a": 1})["Records"]
    answer = run(client, event=messages)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


@pytest.mark.parametrize("broken", [{"eventSource": "aws:kinesis"}, 7, {"a": 1}])
def test_pipes_do_not_lose_what_is_not_understood(client, broken):
    with pytest.raises(UploadsFailed, match="1 of 2 failed"):
        run(client, event=[broken, upload(client)])
    assert keys(client) == ["thumbnails/cat.jpg"]


def test_a_restored_picture_is_made(client):
    record = upload(client) | {"eventName": "ObjectRestore:Completed"}
    assert run(client, record) == {"outcomes": {"made": 1}}


def test_sns(client):
    event = recorded("sns_s3")
    event["Records"][0]["Sns"]["Message"] = json.dumps({"Records": [upload(client)]})
    assert run(client, event=event) == {"outcomes": {"made": 1}}


def test_eventbridge(client):
    event = recorded("eventbridge")
    thing = upload(client, "100%+cat.jpg")["s3"]["object"]
    event["detail"]["object"] = {"key": "100%+cat.jpg", "etag": thing["eTag"]}
    run(client, event=event)
    assert keys(client) == ["thumbnails/100%+cat.jpg"]


@pytest.mark.parametrize("name", ["batch_v1", "batch_v2"])
@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (picture(), "Succeeded", "made: thumbnails/summer 2026/cat.jpg"),
        (b"nothing", "PermanentFailure", f"rejected: {TEXT}"),
    ],
)
def test_batch(client, name, body, code, said):
    upload(client, "summer 2026/cat.jpg", body)
    event = recorded(name)
    event["tasks"][0]["s3VersionId"] = None
    answer = run(client, event=event, env=ORDERED)
    assert answer == {
        "invocationSchemaVersion": event["invocationSchemaVersion"],
        "treatMissingKeysAs": "PermanentFailure",
        "invocationId": event["invocationId"],
        "results": [
            {
                "taskId": event["tasks"][0]["taskId"],
                "resultCode": code,
                "resultString": said,
            }
        ],
    }


@pytest.mark.parametrize("standing", [True, False])
@pytest.mark.parametrize(("body", "max_bytes"), [(b"", "99"), (picture(), "99")])
def test_batch_of_a_wrong_size(client, body, max_bytes, standing):
    # A task has neither size nor ETag: both are learned from the answer of S3.
    if standing:  # of an earlier upload
        run(client, upload(client, "summer 2026/cat.jpg"), env=ORDERED)
    record = upload(client, "summer 2026/cat.jpg", body)
    env = ORDERED | {"MAX_BYTES": max_bytes}
    [result] = run(client, event=recorded("batch_v1"), env=env)["results"]
    assert result["resultCode"] == "PermanentFailure"
    kept = json.loads(get(client, "rejected/summer 2026/cat.jpg.json"))
    assert kept["etag"] == record["s3"]["object"]["eTag"]


def test_rejected_without_etag(client):
    record = upload(client)
    del record["s3"]["object"]["eTag"]
    for _ in range(2):  # the second finds the first one's record
        answer = run(client, record, env=ORDERED | {"MAX_BYTES": "99"})
        assert answer == {"outcomes": {"rejected": 1}}


def test_no_key_forges_a_line(client, capsys):
    key = 'a\n{"outcome": "made"}\u2028\x1b[2J.jpg'
    record = upload(client, key)
    client.delete_object(Bucket="photos", Key=key)
    refuse(client, "GetObject", "SlowDown", key=".jpg")
    with pytest.raises(UploadsFailed) as caught:
        run(client, record)
    assert str(caught.value).isprintable()
    assert "s3://photos/a\\n{" in str(caught.value)
    assert caught.value.failures[0][0] == f"s3://photos/{key}"
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["key"] == key


@pytest.mark.parametrize(
    ("error", "code"),
    [("NoSuchKey", "PermanentFailure"), ("SlowDown", "TemporaryFailure")],
)
def test_batch_faults(client, error, code):
    upload(client, "summer 2026/cat.jpg")
    refuse(client, "GetObject", error, key="cat.jpg")
    [result] = run(client, event=recorded("batch_v1"))["results"]
    assert result["resultCode"] == code


def test_backfill_with_another_box(client):
    event = recorded("batch_v1")
    run(client, upload(client, "summer 2026/cat.jpg"), env=ORDERED)
    run(client, event=event, env=ORDERED | {"BOX": "64"})
    made = get(client, "thumbnails/summer 2026/cat.jpg")
    assert Image.open(io.BytesIO(made)).size == (64, 48)
