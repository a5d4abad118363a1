"""MIRROR: what is deleted or spoilt in the source goes in the target, in any order."""

import itertools
import json

import pytest
from support.handler_cloud import ENV, get, keys, picture, refuse, run, upload
from support.rows import rows

from handler.errors import UploadsFailed

MIRROR = ENV | {"MIRROR": "true"}
RECIPE = MIRROR | {
    "RECIPE": json.dumps({"renditions": {"wide": {"width": 64, "height": 64}}})
}
MADE, RECORD = "thumbnails/cat.jpg", "rejected/cat.jpg.json"


def removal(client, key="cat.jpg", sequencer="0055AED6DCD90281E6"):
    """Delete an object, and return the record that S3 would send."""
    record = upload_record(key) | {"eventName": "ObjectRemoved:Delete"}
    client.delete_object(Bucket="photos", Key=key)
    record["s3"]["object"] = {"key": key, "sequencer": sequencer}
    return record


def upload_record(key):
    bucket = {"name": "photos"}
    return {"eventSource": "aws:s3", "s3": {"bucket": bucket, "object": {"key": key}}}


def at_each(client, operation, *acts):
    """Let others do something each time after a call was answered, in this order."""
    waiting = iter(acts)

    def act(**_):
        if (one := next(waiting, None)) is not None:
            one()

    client.meta.events.register(f"after-call.s3.{operation}", act)


def outcomes(lines):
    return [(line["outcome"], line["reason"]) for line in lines()]


def test_a_deleted_photo_takes_its_pictures_along(client, lines):
    run(client, upload(client), env=RECIPE)
    assert keys(client) == ["renditions/wide/cat.jpg", MADE]
    assert run(client, removal(client), env=RECIPE) == {"outcomes": {"removed": 1}}
    assert keys(client) == []
    assert outcomes(lines) == [("made", None), ("removed", "deleted in the source")]


def test_without_it_a_deletion_is_nothing(client):
    run(client, upload(client))
    assert run(client, removal(client)) == {"outcomes": {"ignored": 1}}
    assert keys(client) == [MADE]


#: Of three events, the last of which is an upload; of four, the last a deletion.
ORDERS = [*itertools.permutations(range(4)), *itertools.permutations(range(3))]


@pytest.mark.parametrize(
    ("order",), rows([(order,) for order in ORDERS[::-1]], quick=9)
)
def test_events_in_any_order_end_the_same(client, order):
    first, second = picture(colour="red"), picture(colour="blue")
    records = [upload(client, body=first), removal(client)]
    records.append(upload(client, body=second, sequencer="0055AED6DCD90281E7"))
    deleted_last = len(order) == 4
    if deleted_last:
        records.append(removal(client, sequencer="0055AED6DCD90281E8"))
    for number in order:
        run(client, records[number], env=MIRROR)
    assert keys(client) == ([] if deleted_last else [MADE])


def test_all_at_once_too(client):
    records = [upload(client), removal(client), upload(client)]
    run(client, *records, env=MIRROR)
    assert keys(client) == [MADE]


def test_deleted_while_it_was_read(client, lines):
    record = upload(client)
    at_each(client, "GetObject", lambda: removal(client))
    assert run(client, record, env=MIRROR) == {"outcomes": {"stale": 1}}
    assert keys(client) == []
    assert outcomes(lines) == [("stale", "deleted while it was processed")]


def test_uploaded_again_while_it_was_deleted(client):
    run(client, upload(client), env=MIRROR)
    record = removal(client)
    # The new one's own event was done before the old thumbnail is deleted.
    at_each(client, "HeadObject", lambda: run(client, upload(client), env=MIRROR))
    assert run(client, record, env=MIRROR) == {"outcomes": {"made": 1}}
    assert keys(client) == [MADE]


def test_an_old_version_that_is_deleted_changes_nothing(client):
    run(client, upload(client), env=MIRROR)
    before = get(client, MADE)
    record = upload_record("cat.jpg") | {"eventName": "ObjectRemoved:Delete"}
    run(client, record, env=MIRROR)
    assert get(client, MADE) == before


def test_what_is_no_picture_leaves_no_old_one_public(client):
    run(client, upload(client), env=RECIPE)
    run(client, upload(client, body=b"no picture"), env=RECIPE)
    assert keys(client) == [RECORD]


def test_a_good_picture_takes_the_old_record_away(client):
    run(client, upload(client, body=b"no picture"), env=MIRROR)
    assert keys(client) == [RECORD]
    run(client, upload(client), env=MIRROR)
    assert keys(client) == [MADE]


def test_a_late_event_of_what_is_no_picture_spoils_nothing(client):
    bad = upload(client, body=b"no picture")
    bad["s3"]["object"]["eTag"] = ""  # so that it is not told by it to be late
    good = upload(client)
    run(client, good, env=MIRROR)
    run(client, bad, env=MIRROR)
    assert keys(client) == [MADE]


def test_a_source_that_cannot_be_seen_deletes_nothing(client):
    run(client, upload(client), env=MIRROR)
    record = removal(client)
    refuse(client, "HeadObject", "403", key="cat.jpg")
    with pytest.raises(UploadsFailed, match="403"):
        run(client, record, env=MIRROR)
    assert keys(client) == [MADE]
