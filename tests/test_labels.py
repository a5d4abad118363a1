"""Labels: the model against the majority, Rekognition on moto, how they are kept."""

import json

import boto3
import pytest
from handler_cloud import ENV, ORDERED, refuse, run, upload
from moto import mock_aws
from pictures import encoded
from PIL import Image
from workbook import training

from handler import labels
from handler.errors import UploadsFailed

SAMPLES = training.SAMPLES


@pytest.fixture(scope="module")
def held_out():
    return training.examples(training.HELD_OUT, 12, seed=2)


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
    right = training.accuracy(labels.model(), held_out)
    assert training.majority(held_out) < 0.4
    assert right > 0.8


def test_trained_again_is_as_good(held_out):
    model = training.train(training.examples(training.TRAINED_ON, 15), rounds=8)
    assert training.accuracy(model, held_out) > training.majority(held_out) + 0.3


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
    model = {"labels": ["a", "b"], "mean": [0], "scale": [1], "least": 0.6}
    weights = {"weights": [[1], [-1]], "bias": [0, 0]}
    assert labels.predict([0], model | weights) == {"unsure": 0.5}
    assert next(iter(labels.predict([2], model | weights))) == "a"


def test_in_metadata():
    scores = {"Polar Bear, white": 0.5, "café": 0.25} | {f"x{n}": 0.1 for n in range(9)}
    text = labels.in_metadata(scores)
    assert text.startswith("Polar%20Bear%2C%20white=0.50,caf%C3%A9=0.25,x0=0.10")
    assert (text.count(","), text.isascii()) == (4, True)
    assert labels.from_metadata(text)["Polar Bear, white"] == 0.5


@pytest.mark.parametrize(
    ("name", "label"), [("lighthouse.jpg", "coast"), ("screenshot.png", "drawing")]
)
def test_labels_of_an_upload(client, lines, name, label):
    record = upload(client, name, (SAMPLES / name).read_bytes())
    assert run(client, record, env=env()) == {"outcomes": {"made": 1}}
    assert next(iter(said(client, name))) == label
    [_, output] = lines()[0]["outputs"]
    assert (output["name"], output["outcome"]) == ("labels", "made")
    assert output["target"] == f"thumbnails/{name}"


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
