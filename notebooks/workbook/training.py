"""Train the model of `handler.labels` on crops of the sample pictures.

Multinomial logistic regression in plain Python: a weight for each number that describes
a picture and each label, moved a little after every example. What is held out for the
test are other parts of the same eight pictures, so its score says how well the model
tells these scenes from each other, and nothing about photos of anything else.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageEnhance

from handler import labels

SAMPLES = Path(__file__).resolve().parents[2] / "images" / "samples"

#: What the samples show. Three are drawings: the largest class, and so the baseline.
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
TRAINED_ON = (0.0, 0.62)  # the part of each picture's width; nothing overlaps
HELD_OUT = (0.62, 1.0)
LEAST = 0.55  # a lower score than this is "unsure"

Example = tuple[list[float], str]


def examples(
    part: tuple[float, float], count: int = 60, seed: int = 1, folder: Path = SAMPLES
) -> list[Example]:
    """Cut `count` crops out of a part of each sample, and describe them."""
    return [
        (labels.features(crop), SCENES[name])
        for name in SCENES
        for crop in crops(_opened(folder / name), part, count, f"{seed} {name}")
    ]


def crops(
    picture: Image.Image, part: tuple[float, float], count: int, seed: str
) -> Iterator[Image.Image]:
    """Cut pieces of random place, size and light, half of them mirrored."""
    rng = random.Random(seed)
    left, right = (round(picture.width * edge) for edge in part)
    for _ in range(count):
        down = round(picture.height * rng.uniform(0.6, 1.0))
        across = min(right - left, round(down * rng.uniform(0.6, 1.4)))
        x = rng.randint(left, right - across)
        y = rng.randint(0, picture.height - down)
        crop = picture.crop((x, y, x + across, y + down))
        crop = ImageEnhance.Brightness(crop).enhance(rng.uniform(0.8, 1.2))
        mirrored = rng.random() < 0.5
        yield crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else crop


def train(
    given: list[Example], rounds: int = 25, rate: float = 0.05, seed: int = 1
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
    }
    for round_ in range(rounds):
        pace = rate / (1 + round_ / 5)
        for found, label in rng.sample(given, len(given)):
            _learn(model, found, label, pace)
    return model | {"least": LEAST}


def accuracy(model: labels.Model, given: list[Example]) -> float:
    """Return the share of examples whose likeliest label is right."""
    return sum(_likeliest(model, found) == label for found, label in given) / len(given)


def majority(given: list[Example]) -> float:
    """Return the share that one gets right by always saying the commonest label."""
    counted = Counter(label for _, label in given)
    return max(counted.values()) / len(given)


def confusions(model: labels.Model, given: list[Example]) -> Counter[tuple[str, str]]:
    """Count (what it is, what was said) of all examples."""
    return Counter((label, _likeliest(model, found)) for found, label in given)


def write(model: labels.Model, path: Path = labels.MODEL) -> int:
    """Write the model as the function's zip takes it; return its bytes."""
    text = json.dumps(_rounded(model), separators=(",", ":")) + "\n"
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


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 3) if isinstance(value, float) else value


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.draft("RGB", (400, 400))
        image.thumbnail((500, 500))
        return image.convert("RGBA")


if __name__ == "__main__":
    held_out = examples(HELD_OUT, 30, seed=2)
    trained = train(examples(TRAINED_ON))
    size = write(trained)
    print(
        f"{size} bytes; right: {accuracy(trained, held_out):.0%} of what was held out"
    )
    print(f"always the commonest label: {majority(held_out):.0%}")
