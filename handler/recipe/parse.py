"""The recipe: what an upload gets is configuration, not code.

JSON in the environment variable RECIPE. Everything in it is optional:

    {"thumbnail": {"effects": [{"effect": "colorize", "dark": "#102040"}]},
     "renditions": {"wide": {"width": 640, "height": 360, "fit": "cover",
                             "format": "JPEG", "watermark": {"text": "Workbook"}}},
     "backup": {"bucket": "my-backup", "storage_class": "STANDARD_IA"},
     "labels": {"by": "model"},
     "named": {"plain": {}}}

The thumbnail is always made, a rendition goes to renditions/<name>/. An uploader can
choose a recipe among those in "named" with the metadata x-amz-meta-recipe, and nothing
more: a name is all that is taken from there.
"""

import functools
import json
from typing import Any

from handler.config import Config
from handler.errors import ConfigError, ImageRejected
from handler.picture import memory
from handler.picture.rendition import Plan, Rendition
from handler.recipe.fields import (
    Fields,
    anything,
    folder,
    items,
    matching,
    one_of,
    wrong,
)
from handler.recipe.finishing import (
    FINISH,
    RENDITION,
    Files,
    Zipped,
    finisher,
    rendition,
)

FOLDER = "renditions/"
MAX_CHARACTERS = 3000  # Lambda takes 4 KB for all environment variables together
MAX_RENDITIONS = 10
MAX_ENCODED = 16 * memory.MIB  # what the function's memory has left for them

_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_CLASSES = ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING")
_CLASSES += ("GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")


BACKUP = Fields(
    bucket=(matching(_BUCKET, "the name of a bucket"), ...),
    folder=(folder, ""),
    storage_class=(one_of(*_CLASSES), "STANDARD_IA"),
)
LABELS = Fields(by=(one_of("model", "rekognition"), "model"))
RECIPE = Fields(
    thumbnail=(anything, {}),
    renditions=(anything, {}),
    backup=(anything, None),
    labels=(anything, None),
)
ALL = Fields(named=(anything, {}), **RECIPE)


def choose(config: Config, name: str | None = None) -> Plan:
    """Return the plan of the recipe in a configuration, or of one that it names.

    Raises ``ConfigError`` for a wrong recipe, ``ImageRejected`` for an unknown name.
    """
    plans = _plans(config)
    if name not in plans:
        names = ", ".join(sorted(name for name in plans if name)) or "there are none"
        raise ImageRejected(f"no recipe is named {name!r:.40}: {names}")
    return plans[name]


@functools.lru_cache(maxsize=4)
def _plans(config: Config) -> dict[str | None, Plan]:
    return parse(config.recipe, config, Zipped())


def parse(text: str, config: Config, files: Files) -> dict[str | None, Plan]:
    """Return the plans of a recipe: by their names, and by None the usual one.

    ``files`` are fonts and watermarks. Raises ``ConfigError``, which names the field.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(
            f"the recipe has {len(text)} characters, and {MAX_CHARACTERS} is the most "
            "that leaves room for the function's other variables: make it shorter."
        )
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"the recipe is no JSON: {error}") from None
    every = ALL.read(given, "outermost object")
    named = every.pop("named")
    plans = {None: _plan(every, "", config, files)}
    for name, recipe in items(named, "named"):
        where = f"named.{name}."
        plans[name] = _plan(RECIPE.read(recipe, where[:-1]), where, config, files)
    return plans


def _plan(recipe: dict[str, Any], at: str, config: Config, files: Files) -> Plan:
    finish = FINISH.read(recipe["thumbnail"], f"{at}thumbnail")
    renditions = [
        Rendition(
            width=config.box,
            height=config.box,
            quality=config.quality,
            finish=finisher(finish, f"{at}thumbnail", files),
        )
    ]
    folders = [config.thumbnail_prefix]
    for name, given in items(recipe["renditions"], f"{at}renditions"):
        where = f"{at}renditions.{name}"
        one = RENDITION.read(given, where)
        renditions.append(rendition(name, one, where, files))
        folders.append(one["folder"] or f"{FOLDER}{name}/")
    _check_room(renditions[1:], f"{at}renditions")
    _check_folders([*folders, config.reject_prefix], f"{at}renditions")
    backup, labels = recipe["backup"], recipe["labels"]
    if backup is not None:
        backup = BACKUP.read(backup, f"{at}backup")
        if backup["bucket"] == config.target_bucket:
            said = "is the target bucket, whose thumbnails are public: use another"
            raise wrong(f"{at}backup.bucket", said)
    if labels is not None:
        labels = LABELS.read(labels, f"{at}labels")
    return Plan(tuple(renditions), tuple(folders), backup, labels)


def _check_room(renditions: list[Rendition], where: str) -> None:
    if len(renditions) > MAX_RENDITIONS:
        raise wrong(where, f"are {len(renditions)}, and {MAX_RENDITIONS} is the most")
    # A PNG of noise takes all four bytes of a pixel, a JPEG never more than two.
    depths = [2 if one.kind == "JPEG" else 4 for one in renditions]
    pairs = zip(renditions, depths, strict=True)
    taken = sum(one.width * one.height * depth for one, depth in pairs)
    if taken > MAX_ENCODED:
        raise wrong(
            where,
            f"could take {taken // memory.MIB} MB, and {MAX_ENCODED // memory.MIB} is "
            "the most: make them smaller or fewer, or JPEG where they are not",
        )


def _check_folders(folders: list[str], where: str) -> None:
    """Refuse outputs that one upload's key, or another's, could make collide."""
    for number, one in enumerate(folders):
        for other in folders[:number]:
            if one.startswith(other) or other.startswith(one):
                raise wrong(where, f"collide: {other!r} and {one!r} are one folder")
