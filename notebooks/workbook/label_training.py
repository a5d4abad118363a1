"""Train the model of `handler.recipe.labels` on drawn pictures, and test it on others.

Multinomial logistic regression in plain Python: a weight for each number that describes
a picture and each label, moved a little after every example. It learns from crops of
the eight samples and of the pictures in ``images/labelled/training``. It is tested on
``images/labelled/held-out``: whole pictures of the same six kinds, none of which it
learned from. (They were looked at while features and threshold were chosen; of 120
more that were drawn afterwards from other seeds, 110 were told right.)

    python -m workbook.label_training        writes handler/recipe/model.json

What it cannot do. It has seen pictures that a program drew, and no photo; the held-out
ones come from the same pens, so a photo will fare worse, and how much was not tested.
It knows colours, light and edges, not things: bright circles on dark paper pass for a
city, and so does a meadow by night. It gives one label: a city by the sea is a city or
a coast. And "unsure" stops only some of what it never saw: noise and plain colours, but
a soft round spot passes for an animal.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from handler.recipe import labels

IMAGES = Path(__file__).resolve().parents[2] / "images"
SAMPLES = IMAGES / "samples"
LABELLED = IMAGES / "labelled"

#: What the samples show. The others have it in their names: coast-1.jpg.
SCENES = {
    "city-panorama.jpg": "city",
    "lighthouse.jpg": "coast",
    "meadow-large.jpg": "meadow",
    "mountain-lake.jpg": "mountains",
    "red panda+1 é.jpg": "animal",
    "paper-boat.png": "drawing",
    "screenshot.png": "drawing",
    "this-side-up.jpg": "drawing",
}
TRAINED_ON = (
    *(SAMPLES / name for name in SCENES),
    *sorted((LABELLED / "training").glob("*.jpg")),
)
HELD_OUT = tuple(sorted((LABELLED / "held-out").glob("*.jpg")))
LEAST = 0.4  # a lower score than this is "unsure"
FAR = 6.0  # times as far from the middle as is usual: further is "unsure", too

Example = tuple[list[float], str]


def examples(
    pictures: Sequence[Path] = TRAINED_ON, count: int = 12, seed: int = 1
) -> list[Example]:
    """Describe `count` crops of each picture."""
    return [
        (described(crop), kind(path))
        for path in pictures
        for crop in crops(opened(path), count, f"{seed} {path.name}")
    ]


def whole(pictures: Sequence[Path] = HELD_OUT) -> list[Example]:
    """Describe each picture once, as the function sees it."""
    return [(described(opened(path)), kind(path)) for path in pictures]


def described(picture: Image.Image) -> list[float]:
    """Return the features of a picture at the size that the function looks at."""
    seen = picture.copy()
    rendition = labels.RENDITIONS["model"]
    seen.thumbnail((rendition.width, rendition.height))
    return labels.features(seen)


def kind(path: Path) -> str:
    """Return the label of a sample, or of a picture such as coast-1.jpg."""
    return SCENES.get(path.name) or path.stem.rpartition("-")[0]


def crops(picture: Image.Image, count: int, seed: str) -> Iterator[Image.Image]:
    """Cut pieces of random place, size and light, half mirrored, each fourth whole."""
    rng = random.Random(seed)
    for number in range(count):
        down = round(picture.height * rng.uniform(0.7, 1.0))
        across = min(picture.width, round(down * rng.uniform(0.7, 1.5)))
        x = rng.randint(0, picture.width - across)
        y = rng.randint(0, picture.height - down)
        box = (x, y, x + across, y + down)
        crop = picture.crop(box) if number % 4 else picture
        crop = ImageEnhance.Brightness(crop).enhance(rng.uniform(0.8, 1.2))
        yield ImageOps.mirror(crop) if rng.random() < 0.5 else crop


def opened(path: Path) -> Image.Image:
    """Return a picture upright, not larger than the held-out ones are."""
    with Image.open(path) as file:
        file.draft("RGB", (256, 256))
        image = ImageOps.exif_transpose(file)
        image.thumbnail((256, 256))
        return image.convert("RGBA")


def train(
    given: list[Example], rounds: int = 12, rate: float = 0.05, seed: int = 1
) -> labels.Model:
    """Fit a model to examples by stochastic gradient descent; return it."""
    rng = random.Random(seed)
    names = sorted({label for _, label in given})
    columns = list(zip(*(found for found, _ in given), strict=True))
    means = [sum(column) / len(given) for column in columns]
    scales = [
        max(0.02, math.sqrt(sum((v - mean) ** 2 for v in column) / len(given)))
        for column, mean in zip(columns, means, strict=True)
    ]
    model = {
        "labels": names,
        "mean": means,
        "scale": scales,
        "weights": [[0.0] * len(means) for _ in names],
        "bias": [0.0] * len(names),
        "least": 0.0,  # while it learns, it is never unsure
        "far": math.inf,
    }
    for round_ in range(rounds):
        pace = rate / (1 + round_ / 5)
        for found, label in rng.sample(given, len(given)):
            _learn(model, found, label, pace)
    # Rounded, so that the zip is small.
    whole = json.dumps(model | {"least": LEAST, "far": FAR})
    return json.loads(whole, parse_float=lambda text: round(float(text), 3))


def accuracy(model: labels.Model, given: list[Example]) -> float:
    """Return the share of examples whose likeliest label is right."""
    return sum(_likeliest(model, found) == label for found, label in given) / len(given)


def majority(given: list[Example]) -> float:
    """Return the share that one gets right by always saying the commonest label."""
    counted = Counter(label for _, label in given)
    return max(counted.values()) / len(given)


def told(
    model: labels.Model, given: list[Example]
) -> dict[str, tuple[int, int, int, int]]:
    """Count for each label its pictures, and how many were right, wrong and unsure."""
    table = {}
    # What it is, and what was said of it.
    counted = Counter((label, _likeliest(model, found)) for found, label in given)
    for label in model["labels"]:
        counts = {name: n for (what, name), n in counted.items() if what == label}
        right, unsure = counts.get(label, 0), counts.get(labels.UNSURE, 0)
        total = sum(counts.values())
        table[label] = (total, right, total - right - unsure, unsure)
    return table


def scores(model: labels.Model, picture: Image.Image) -> labels.Scores:
    """Score a picture of any size, as the function does."""
    return labels.predict(described(picture), model)


def write(model: labels.Model, path: Path = labels.MODEL) -> int:
    """Write the model as the function's zip takes it; return its bytes."""
    text = json.dumps(model, separators=(",", ":")) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    return len(text)


def _learn(model: labels.Model, found: list[float], label: str, pace: float) -> None:
    """Move the weights a little towards saying the right label of one example."""
    scores = labels.predict(found, model)
    levels = [
        (value - mean) / scale
        for value, mean, scale in zip(found, model["mean"], model["scale"], strict=True)
    ]
    for number, name in enumerate(model["labels"]):
        error = (name == label) - scores[name]
        row = model["weights"][number]
        # The last term pulls every weight towards 0, so that none is learned by heart.
        model["weights"][number] = [
            weight + pace * (error * level - 0.01 * weight)
            for weight, level in zip(row, levels, strict=True)
        ]
        model["bias"][number] += pace * error


def _likeliest(model: labels.Model, found: list[float]) -> str:
    return next(iter(labels.predict(found, model)))


if __name__ == "__main__":
    trained, held_out = train(examples()), whole()
    print(f"{write(trained)} bytes")
    print(f"right: {accuracy(trained, held_out):.0%} of {len(held_out)} held out")
    print(f"always the commonest label: {majority(held_out):.0%}")
    for label, counts in told(trained, held_out).items():
        print("{:10} {} pictures: {} right, {} wrong, {} unsure".format(label, *counts))
