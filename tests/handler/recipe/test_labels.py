"""Labels: the model against the majority, Rekognition on moto, how they are kept."""

import hashlib
import json
import random

import boto3
import pytest
from moto import mock_aws
from PIL import Image
from support.handler_cloud import ENV, ORDERED, refuse, run, upload
from support.pictures import encoded
from workbook import label_training

from handler.errors import UploadsFailed
from handler.recipe import labels

SAMPLES = label_training.SAMPLES


@pytest.fixture(scope="module")
def held_out():
    return label_training.whole()


@pytest.fixture(scope="module")
def trained():
    return label_training.train(label_training.examples())


@pytest.fixture(autouse=True)
def region(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def env(by="model", base=ENV):
    return base | {"RECIPE": json.dumps({"labels": {"by": by}})}


def said(client, key):
    head = client.head_object(Bucket="thumbs", Key=f"thumbnails/{key}")
    return labels.from_metadata(head["Metadata"]["labels"])


# The model


def test_beats_the_majority(held_out):
    right = label_training.accuracy(labels.model(), held_out)
    assert label_training.majority(held_out) < 0.2
    assert right > 0.75


def test_nothing_held_out_is_learned():
    shown, kept = (
        {hashlib.sha256(path.read_bytes()).digest() for path in paths}
        for paths in (label_training.TRAINED_ON, label_training.HELD_OUT)
    )
    assert not shown & kept
    assert (len(shown), len(kept)) == (56, 30)


def test_told(held_out):
    table = label_training.told(labels.model(), held_out)
    assert all(total == 5 and right >= 3 for total, right, _, _ in table.values())
    assert all(sum(counts[1:]) == counts[0] for counts in table.values())


@pytest.mark.slow  # trains
def test_trained_again_says_the_same(trained, held_out):
    kept = labels.model()
    assert [labels.predict(found, trained) for found, _ in held_out] == [
        pytest.approx(labels.predict(found, kept), abs=0.02) for found, _ in held_out
    ]


@pytest.mark.slow  # trains
def test_trained_again_is_written_the_same(trained, tmp_path):
    size = label_training.write(trained, tmp_path / "model.json")
    assert json.loads((tmp_path / "model.json").read_text("utf-8")) == trained
    assert size < 4000


@pytest.mark.parametrize("kind", ["noise", "plain"])
def test_unsure_of_what_is_none_of_them(kind):
    noise = Image.effect_noise((90, 60), 99)
    picture = noise if kind == "noise" else Image.new("RGB", (90, 60), "teal")
    said = labels.predict(labels.features(picture), labels.model())
    assert said == {"unsure": 1.0}


@pytest.mark.slow  # trains
def test_learns_nothing_from_wrong_labels(held_out):
    # The right pictures with labels dealt at random: then it cannot beat chance.
    given = label_training.examples(label_training.TRAINED_ON, 4)
    names = [label for _, label in given]
    random.Random(1).shuffle(names)
    dealt = [(found, name) for (found, _), name in zip(given, names, strict=True)]
    assert label_training.accuracy(label_training.train(dealt), held_out) < 0.4


def test_model_is_small():
    assert labels.MODEL.stat().st_size < 4000
    model = labels.model()
    assert {len(row) for row in model["weights"]} == {len(model["mean"])}


def test_features_are_shares():
    for picture in (Image.new("L", (1, 1)), Image.effect_noise((90, 40), 99)):
        found = labels.features(picture)
        assert len(found) == len(labels.model()["mean"])
        assert 0 <= min(found) <= max(found) <= 1


def test_unsure():
    # A model that knows two things, and a picture that is as much of one as the other.
    model = {"labels": ["a", "b"], "mean": [0], "scale": [1], "least": 0.6, "far": 9}
    weights = {"weights": [[1], [-1]], "bias": [0, 0]}
    assert labels.predict([0], model | weights) == {"unsure": 0.5}
    assert next(iter(labels.predict([2], model | weights))) == "a"
    assert labels.predict([4], model | weights) == {"unsure": 1.0}


def test_in_metadata():
    scores = {"Polar Bear, white": 0.5, "café": 0.25} | {f"x{n}": 0.1 for n in range(9)}
    text = labels.in_metadata(scores)
    assert text.startswith("Polar%20Bear%2C%20white=0.50,caf%C3%A9=0.25,x0=0.10")
    assert (text.count(","), text.isascii()) == (4, True)
    assert labels.from_metadata(text)["Polar Bear, white"] == 0.5


@pytest.mark.parametrize(
    ("path", "label"),
    [
        (SAMPLES / "city-panorama.jpg", "city"),
        (SAMPLES / "screenshot.png", "drawing"),
        (label_training.LABELLED / "held-out" / "coast-1.jpg", "coast"),
    ],
)
def test_labels_of_an_upload(client, lines, path, label):
    name = path.name
    record = upload(client, name, path.read_bytes())
    assert run(client, record, env=env()) == {"outcomes": {"made": 1}}
    assert next(iter(said(client, name))) == label
    [_, output] = lines()[0]["outputs"]
    assert (output["name"], output["outcome"]) == ("labels", "made")
    assert output["target"] == f"thumbnails/{name}"


@pytest.mark.slow  # thirty uploads; three are above
def test_held_out_uploads(client):
    # What was trained outside says the same inside the handler, of its own rendition.
    right = 0
    for path in label_training.HELD_OUT:
        run(client, upload(client, path.name, path.read_bytes()), env=env())
        right += next(iter(said(client, path.name))) == label_training.kind(path)
    assert right / len(label_training.HELD_OUT) > 0.75


# Rekognition


@pytest.fixture
def rekognition():
    """A Rekognition that moto plays, with a client of its own."""
    with mock_aws():
        labels.rekognition.cache_clear()
        yield
        labels.rekognition.cache_clear()


def test_rekognition(client, rekognition):
    record = upload(client, "photo.jpg", (SAMPLES / "lighthouse.jpg").read_bytes())
    seen = []
    wire = labels.rekognition().meta.events
    wire.register(
        "provide-client-params.rekognition.DetectLabels",
        lambda params, **_: seen.append(params),
    )
    assert run(client, record, env=env("rekognition")) == {"outcomes": {"made": 1}}
    asked = boto3.client("rekognition").detect_labels(Image={"Bytes": b"x"})["Labels"]
    expected = {one["Name"]: round(one["Confidence"] / 100, 2) for one in asked}
    found = said(client, "photo.jpg")
    assert found.items() <= expected.items()
    assert len(found) == min(5, len(expected))
    [params] = seen
    assert params["Image"]["Bytes"].startswith(b"\xff\xd8")
    assert len(params["Image"]["Bytes"]) < 5_000_000


def test_too_narrow_for_rekognition(client, rekognition):
    data = labels.RENDITIONS["rekognition"]
    assert (data.width, data.kind) == (640, "JPEG")
    record = upload(client, "thin.png", png((900, 60)))
    assert run(client, record, env=env("rekognition")) == {"outcomes": {"made": 1}}
    assert said(client, "thin.png") == {"unsure": 1.0}


def test_labels_that_failed_are_added_later(client, rekognition, lines):
    record = upload(client, "a.png", png((200, 200)))
    wire = labels.rekognition()
    refuse(wire, "DetectLabels", "ThrottlingException", key="/", service="rekognition")
    recipe = env("rekognition", ORDERED)
    with pytest.raises(UploadsFailed, match=r"labels: .*ThrottlingException"):
        run(client, record, env=recipe)
    head = client.head_object(Bucket="thumbs", Key="thumbnails/a.png")
    assert "labels" not in head["Metadata"]
    labels.rekognition.cache_clear()  # a client that nobody refuses
    assert run(client, record, env=recipe) == {"outcomes": {"made": 1}}
    assert said(client, "a.png") == {"Mobile Phone": 1.0}


def png(size):
    return encoded(Image.new("RGB", size, "teal"), "PNG")
