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
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from PIL import Image, ImageChops, PngImagePlugin

from handler.picture.decode import Jpeg, Reader
from handler.picture.rendition import Rendition

MODEL = Path(__file__).with_name("model.json")
MOST = 5  # labels that are kept; they travel in a header
UNSURE = "unsure"
SIDE = 64  # of the square that features are told of
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
    if min(Jpeg(Reader(data)).size) < _LEAST_SIDE:
        return {UNSURE: 1.0}  # it refuses pictures that narrow
    answer = client.detect_labels(
        Image={"Bytes": data}, MaxLabels=MOST, MinConfidence=55
    )
    found = answer["Labels"]
    return {label["Name"]: label["Confidence"] / 100 for label in found}


def features(picture: Image.Image) -> list[float]:
    """Describe a picture in 64 numbers of 0 to 1: colours, light, edges.

    Hues are left out: they tell the hour of the day rather than what there is.
    """
    fine = _on_white(picture, SIDE)
    small = fine.resize((SIDE // 2, SIDE // 2), Image.Resampling.BOX)
    _, saturation, value = small.convert("HSV").split()
    found = _shares(saturation, (64, 128, 192, 256)) + _shares(
        value, (64, 128, 192, 256)
    )
    # Four bands from sky to ground: how much redder than green, greener than blue.
    red, green, blue = (
        band.tobytes() for band in small.resize((1, 4), Image.Resampling.BOX).split()
    )
    found += [0.5 + (a - b) / 510 for a, b in zip(red, green, strict=True)]
    found += [0.5 + (a - b) / 510 for a, b in zip(green, blue, strict=True)]
    grey = fine.convert("L")
    for step in ((1, 0), (0, 1), (1, 1)):  # upright, level and slanting edges
        edges = _edges(grey, *step)
        found += _means(edges, (3, 3), 4) + _shares(edges, (2, 8, 24, 64))
    coarse = grey.resize((SIDE // 4, SIDE // 4), Image.Resampling.BOX)
    for step in ((1, 0), (0, 1)):
        found += _means(_edges(coarse, *step), (1, 4), 3)
    colours = len(small.getcolors(SIDE**2 // 4) or ())
    return [*found, min(1.0, colours / 64)]  # few only in what is plain


def _on_white(picture: Image.Image, side: int) -> Image.Image:
    small = picture.convert("RGBA").resize((side, side), Image.Resampling.BOX)
    flat = Image.new("RGB", small.size, "white")
    flat.paste(small, mask=small.getchannel("A"))
    return flat


def _shares(grey: Image.Image, ends: tuple[int, ...]) -> list[float]:
    """Tell the share of the levels below each end and not below the one before."""
    counts = grey.histogram()
    starts = (0, *ends)
    return [sum(counts[a:b]) / sum(counts) for a, b in pairwise(starts)]


def _edges(grey: Image.Image, dx: int, dy: int) -> Image.Image:
    """Tell how much each pixel differs from the one `dx` beside and `dy` below it."""
    width, height = grey.size
    moved = grey.crop((dx, dy, width, height))
    return ImageChops.difference(moved, grey.crop((0, 0, width - dx, height - dy)))


def _means(edges: Image.Image, cells: tuple[int, int], gain: float) -> list[float]:
    """Tell the mean of each cell of a grid, brought to about 0 to 1."""
    levels = edges.resize(cells, Image.Resampling.BOX).tobytes()
    return [min(1.0, gain * level / 255) for level in levels]
