"""What is on a picture: labels with scores, from a model in the zip or Rekognition.

The model is small: what ``features`` says of a thumbnail, and a weight for each of its
numbers and each label. It tells six kinds of drawn pictures from each other, and is not
made for photos; what looks like none of them, or scores too low, is "unsure".
``notebooks/workbook/label_training.py`` trains it and writes ``model.json``.
"""

import functools
import io
import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from PIL import PngImagePlugin

from handler.picture.rendition import Rendition
from handler.recipe.features import features

MODEL = Path(__file__).with_name("model.json")
MOST = 5  # labels that are kept; they travel in a header
UNSURE = "unsure"
_LEAST_SIDE = 80  # docs.aws.amazon.com/rekognition/latest/dg/limits.html

Scores = dict[str, float]
Model = dict[str, Any]

#: What is looked at: enough for what is asked, and without metadata.
RENDITIONS = {
    "model": Rendition("labels", 64, 64, kind="PNG"),
    "rekognition": Rendition("labels", 640, 640, kind="JPEG"),
}


def label(data: bytes, by: str) -> Scores:
    """Return the labels of a rendition of ours, the likeliest first."""
    if by == "rekognition":
        return _asked(data, rekognition())
    picture = PngImagePlugin.PngImageFile(io.BytesIO(data))
    return predict(features(picture), model())


def in_metadata(scores: Scores) -> str:
    """Return scores for a header: ASCII, and the likeliest few."""
    likely = sorted(scores.items(), key=lambda pair: -pair[1])[:MOST]
    return ",".join(f"{quote(name, '')}={score:.2f}" for name, score in likely)


def from_metadata(text: str) -> Scores:
    """Return the scores that stand on a thumbnail."""
    pairs = (pair.rpartition("=") for pair in text.split(","))
    return {unquote(name): float(score) for name, _, score in pairs}


def predict(found: list[float], model: Model) -> Scores:
    """Return a probability for each label, or "unsure".

    Unsure is what looks unlike all that was learned, and where no label is likely.
    """
    levels = [
        (value - mean) / scale
        for value, mean, scale in zip(found, model["mean"], model["scale"], strict=True)
    ]
    if sum(level**2 for level in levels) > model["far"] * len(levels):
        return {UNSURE: 1.0}
    logits = [
        bias + sum(weight * level for weight, level in zip(row, levels, strict=True))
        for row, bias in zip(model["weights"], model["bias"], strict=True)
    ]
    top = max(logits)
    powers = [math.exp(logit - top) for logit in logits]
    scores = {
        name: power / sum(powers)
        for name, power in zip(model["labels"], powers, strict=True)
    }
    likeliest = max(scores.values())
    if likeliest < model["least"]:
        return {UNSURE: 1 - likeliest}
    return dict(sorted(scores.items(), key=lambda pair: -pair[1]))


@functools.cache
def model() -> Model:
    """Read the model that came with the function's code."""
    return json.loads(MODEL.read_text("utf-8"))


@functools.cache
def rekognition() -> Any:
    """Return the client of this environment; it needs rekognition:DetectLabels."""
    import boto3

    return boto3.client("rekognition")


def _asked(data: bytes, client: Any) -> Scores:
    """Ask Rekognition about a JPEG's bytes; its confidences are in percent.

    docs.aws.amazon.com/rekognition/latest/APIReference/API_DetectLabels.html
    """
    from handler.picture.decode import Jpeg

    if min(Jpeg(io.BytesIO(data)).size) < _LEAST_SIDE:
        return {UNSURE: 1.0}  # it refuses pictures that narrow
    answer = client.detect_labels(
        Image={"Bytes": data}, MaxLabels=MOST, MinConfidence=55
    )
    return {one["Name"]: one["Confidence"] / 100 for one in answer["Labels"]}
