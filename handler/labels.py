"""What is on a picture: labels with scores, from a model in the zip or Rekognition.

The model is small: colours, light and edges of a thumbnail, and one weight for each of
them and each label. It tells the scenes that it was trained on from each other, and
nothing else; whatever scores too low is "unsure". ``notebooks/workbook/training.py``
trains it and writes ``model.json``.
"""

import functools
import io
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from PIL import Image, PngImagePlugin

from handler.renditions import Rendition

MODEL = Path(__file__).with_name("model.json")
SIDE = 32
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


def features(picture: Image.Image) -> list[float]:
    """Describe a picture in 54 numbers of 0 to 1: colours, light, layout, edges."""
    small = picture.convert("RGBA").resize((SIDE, SIDE), Image.Resampling.BOX)
    flat = Image.new("RGB", small.size, "white")
    flat.paste(small, mask=small.getchannel("A"))
    hue, saturation, value = flat.convert("HSV").split()
    colourful = saturation.point([255 * (level > 50) for level in range(256)])
    found = _shares(hue.histogram(colourful), 12, SIDE * SIDE)
    found += _shares(saturation.histogram(), 4, SIDE * SIDE)
    found += _shares(value.histogram(), 4, SIDE * SIDE)
    # Sky, middle, ground: the mean colour of each third, and how much it varies.
    bands = flat.resize((3, 3), Image.Resampling.BOX)
    found += [level / 255 for level in bands.tobytes()]
    found += _edges(flat.convert("L"))
    found += [len(set(flat.quantize(64).tobytes())) / 64]
    return found


def predict(found: list[float], model: Model) -> Scores:
    """Return a probability for each label, or "unsure" where none is high enough."""
    levels = [
        (value - mean) / scale
        for value, mean, scale in zip(found, model["mean"], model["scale"], strict=True)
    ]
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
    from handler.decoder import Jpeg

    if min(Jpeg(io.BytesIO(data)).size) < _LEAST_SIDE:
        return {UNSURE: 1.0}  # it refuses pictures that narrow
    answer = client.detect_labels(
        Image={"Bytes": data}, MaxLabels=MOST, MinConfidence=55
    )
    return {one["Name"]: one["Confidence"] / 100 for one in answer["Labels"]}


def _shares(histogram: list[int], bins: int, total: int) -> list[float]:
    wide = -(-256 // bins)
    starts = range(0, 256, wide)
    return [sum(histogram[start : start + wide]) / total for start in starts]


def _edges(grey: Image.Image) -> list[float]:
    """Tell how much neighbours differ, across and down, in each third from the top."""
    levels = grey.tobytes()
    rows = [levels[start : start + SIDE] for start in range(0, len(levels), SIDE)]
    found = []
    for part in (rows[:11], rows[11:22], rows[22:]):
        across = sum(abs(a - b) for row in part for a, b in pairwise(row))
        down = sum(
            abs(a - b)
            for one, other in pairwise(part)
            for a, b in zip(one, other, strict=True)
        )
        count = 255 * SIDE * len(part)
        found += [min(1.0, 4 * across / count), min(1.0, 4 * down / count)]
    return found
