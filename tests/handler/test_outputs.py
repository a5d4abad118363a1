"""All outputs of an upload: concurrent, each on its own, repeats without harm."""

import io
import json
import threading

import pytest
from PIL import Image
from support.handler_cloud import ENV, ORDERED, get, keys, picture, refuse, run, upload

from handler.errors import ConfigError, UploadsFailed

WIDE = {"width": 128, "height": 72, "fit": "cover"}
SMALL = {"width": 64, "height": 64, "format": "PNG", "effects": [{"effect": "blur"}]}
RECIPE = {"renditions": {"wide": WIDE, "small": SMALL}, "backup": {"bucket": "kept"}}
EVERYTHING = ["renditions/small/cat.jpg", "renditions/wide/cat.jpg"]
EVERYTHING += ["thumbnails/cat.jpg"]


@pytest.fixture(autouse=True)
def kept(client):
    client.create_bucket(Bucket="kept")


def env(recipe=RECIPE, **more):
    return ENV | {"RECIPE": json.dumps(recipe)} | more


def outcomes(line):
    return {output["name"]: output["outcome"] for output in line["outputs"]}


def test_all_outputs(client, lines):
    run(client, upload(client), env=env())
    assert keys(client) == EVERYTHING
    [line] = lines()
    assert outcomes(line) == dict.fromkeys(
        ["thumbnail", "wide", "small", "backup"], "made"
    )
    for output in line["outputs"][:3]:
        assert output["bytes"] == len(get(client, output["target"]))
        assert output["ms"] > 0


def test_sizes_and_formats(client):
    run(client, upload(client), env=env())
    found = [Image.open(io.BytesIO(get(client, key))) for key in EVERYTHING]
    assert [image.size for image in found] == [(64, 48), (128, 72), (256, 192)]
    assert [image.format for image in found] == ["PNG", "JPEG", "JPEG"]
    head = client.head_object(Bucket="thumbs", Key=EVERYTHING[0])
    assert head["ContentType"] == "image/png"


def test_without_recipe_no_outputs(client, lines):
    run(client, upload(client))
    assert "outputs" not in lines()[0]
    assert keys(client) == ["thumbnails/cat.jpg"]


def test_outputs_overlap(client):
    arrived = threading.Barrier(4)  # breaks, and fails them, unless all four come

    def wait(**_):
        arrived.wait(20)

    record = upload(client)
    client.meta.events.register("before-call.s3.PutObject", wait)
    client.meta.events.register("before-call.s3.CopyObject", wait)
    assert run(client, record, env=env()) == {"outcomes": {"made": 1}}


@pytest.mark.parametrize(
    ("operation", "key", "name"),
    [
        ("PutObject", "thumbnails/cat.jpg", "thumbnail"),
        ("PutObject", "renditions/wide/cat.jpg", "wide"),
        ("CopyObject", "cat.jpg", "backup"),
    ],
)
def test_failed_output_loses_no_other(client, lines, operation, key, name):
    record = upload(client)
    refuse(client, operation, "AccessDenied", key=key)
    with pytest.raises(UploadsFailed, match="AccessDenied"):
        run(client, record, env=env())
    [line] = lines()
    assert line["outcome"] == "failed"
    assert [n for n, end in outcomes(line).items() if end != "made"] == [name]
    assert keys(client) == [one for one in EVERYTHING if one != key]


def test_retry_makes_what_is_missing(client, lines):
    record, refused = upload(client), [True]

    def hook(params, **_):
        if refused and params["url_path"].endswith("wide/cat.jpg"):
            refused.clear()
            raise ConnectionError("cut")

    client.meta.events.register("before-call.s3.PutObject", hook)
    recipe = ORDERED | env()
    with pytest.raises(UploadsFailed, match="wide: ConnectionError: cut"):
        run(client, record, env=recipe)
    written = []
    client.meta.events.register(
        "after-call.s3.PutObject",
        lambda http_response, **_: written.append(http_response.status_code == 200),
    )
    assert run(client, record, env=recipe) == {"outcomes": {"made": 1}}
    assert keys(client) == EVERYTHING
    assert sorted(written) == [False, False, True]  # what stands is left alone


def test_late_event_changes_nothing(client):
    client.put_bucket_versioning(
        Bucket="photos", VersioningConfiguration={"Status": "Enabled"}
    )
    older = upload(client, sequencer="01")
    newer = upload(client, body=picture(colour="blue"), sequencer="02")
    recipe = ORDERED | env()
    run(client, newer, env=recipe)
    before = [get(client, key) for key in EVERYTHING]
    assert run(client, older, env=recipe) == {"outcomes": {"stale": 1}}
    assert [get(client, key) for key in EVERYTHING] == before


def test_text_that_does_not_fit_one_picture(client, lines):
    # The box has room for it, this narrow picture has not.
    text = {"effect": "text", "text": "A line of words"}
    wide = {"width": 256, "height": 256, "effects": [text]}
    recipe = env({"renditions": {"titled": wide}})
    record = upload(client, body=picture(size=(100, 600)))
    assert run(client, record, env=recipe) == {"outcomes": {"rejected": 1}}
    [line] = lines()
    assert outcomes(line) == {"thumbnail": "made", "titled": "rejected"}
    assert line["reason"].startswith("titled: it does not fit: it takes")
    assert keys(client) == ["rejected/cat.jpg.json", "thumbnails/cat.jpg"]


def test_uploader_chooses_by_name(client, lines):
    recipe = env({"named": {"wide": {"renditions": {"wide": WIDE}}}})
    for key, name in (("a.jpg", "wide"), ("b.jpg", None), ("c.jpg", '{"x": 1}')):
        record = upload(client, key)
        said = {"recipe": name} if name else {}
        client.put_object(Bucket="photos", Key=key, Body=picture(), Metadata=said)
        run(client, record, env=recipe)
    assert keys(client) == [
        "rejected/c.jpg.json",
        "renditions/wide/a.jpg",
        "thumbnails/a.jpg",
        "thumbnails/b.jpg",
    ]
    assert lines()[2]["reason"].startswith("no recipe is named '{\"x\": 1}': wide")


def test_wrong_recipe_is_told_before_anything_is_read(client):
    record, calls = upload(client), []
    client.meta.events.register("before-call.s3.*", lambda **_: calls.append(1))
    with pytest.raises(ConfigError, match="no field 'colour'"):
        run(client, record, env=env({"colour": 1}))
    assert calls == []
