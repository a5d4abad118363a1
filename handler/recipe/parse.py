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

Fonts and the pictures of watermarks are files of the function's zip (``assets/``).
"""

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from handler.config import PRIVATE, Config, collision
from handler.errors import ConfigError, ImageRejected
from handler.picture import memory
from handler.picture.decode import open_image
from handler.picture.rendition import Plan, Rendition
from handler.recipe import effects, watermark
from handler.recipe.fields import (
    Fields,
    anything,
    folder,
    items,
    matching,
    one_of,
    whole,
    wrong,
)

FOLDER = "renditions/"
TAKEN = ("thumbnail", "backup", "labels")  # what log lines call the other outputs
MAX_BYTES = 3000  # Lambda takes 4 KB for all environment variables together
MAX_RENDITIONS = 10
MAX_ENCODED = 16 * memory.MIB  # what the function's memory has left for them

_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_CLASSES = ["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING"]
_CLASSES += ["GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]

ASSETS = Path(__file__).parents[1] / "assets"
MAX_EFFECTS = 8

FINISH = Fields(effects=(anything, []), watermark=(anything, None))

#: What a recipe says of a rendition; sizes in pixels.
RENDITION = Fields(
    width=(whole(16, 4096), ...),
    height=(whole(16, 4096), ...),
    fit=(one_of("inside", "cover"), "inside"),
    format=(one_of("JPEG", "PNG"), None),
    quality=(whole(1, 95), 85),
    folder=(folder, None),
    **FINISH,
)

_LARGE = 512 * 512  # pixels from which memory counts more than the last of sharpness

Files = Mapping[str, bytes]
Finish = Callable[[Image.Image], Image.Image]

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


class Zipped(dict[str, bytes]):
    """The files that came with the function's code, read when they are needed."""

    def __missing__(self, name: str) -> bytes:
        """Read a file once; ``KeyError`` where there is none."""
        try:
            self[name] = (ASSETS / name).read_bytes()
        except OSError:
            raise KeyError(name) from None
        return self[name]


def choose(config: Config, name: str | None = None) -> Plan:
    """Return the plan of the recipe in a configuration, or of one that it names.

    Raises ``ConfigError`` for a wrong recipe, ``ImageRejected`` for an unknown name.
    """
    found = plans(config)
    if name not in found:
        names = ", ".join(sorted(name for name in found if name)) or "there are none"
        raise ImageRejected(f"no recipe is named {name!r:.40}: {names}")
    return found[name]


@functools.lru_cache(maxsize=4)
def plans(config: Config) -> dict[str | None, Plan]:
    """Return every plan of a configuration's recipe, by name."""
    return parse(config.recipe, config, Zipped())


def parse(text: str, config: Config, files: Files) -> dict[str | None, Plan]:
    """Return the plans of a recipe: by their names, and by None the usual one.

    ``files`` are fonts and watermarks. Raises ``ConfigError``, which names the field.
    """
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        raise ConfigError(
            f"the recipe has {size} bytes, and {MAX_BYTES} is the most that leaves "
            "room for the function's other variables: make it shorter."
        )
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the recipe is no JSON: {error}") from None
    every = ALL.read(given, "outermost object")
    named = every.pop("named")
    plans: dict[str | None, Plan] = {None: _plan(every, "", config, files)}
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
        if name in TAKEN:
            raise wrong(where, f"needs another name: {', '.join(TAKEN)} are taken")
        fields = RENDITION.read(given, where)
        renditions.append(rendition(name, fields, where, files))
        folders.append(fields["folder"] or f"{FOLDER}{name}/")
    _check_room(renditions[1:], f"{at}renditions")
    # Of one upload's outputs, or of two uploads', or what is public and what is not.
    if same := collision([*folders, config.reject_prefix, *PRIVATE]):
        what = f"collide: {same[0]!r} and {same[1]!r} are one folder"
        raise wrong(f"{at}renditions", what)
    backup, labels = recipe["backup"], recipe["labels"]
    if backup is not None:
        backup = BACKUP.read(backup, f"{at}backup")
        if backup["bucket"] == config.target_bucket:
            what = "is the target bucket, whose thumbnails are public: use another"
            raise wrong(f"{at}backup.bucket", what)
    if labels is not None:
        labels = LABELS.read(labels, f"{at}labels")
    return Plan(tuple(renditions), tuple(folders), backup, labels)


def _check_room(renditions: list[Rendition], where: str) -> None:
    if len(renditions) > MAX_RENDITIONS:
        raise wrong(where, f"are {len(renditions)}, and {MAX_RENDITIONS} is the most")
    # A PNG of noise takes all four bytes of a pixel, a JPEG never more than two.
    taken = sum(
        each.width * each.height * (2 if each.kind == "JPEG" else 4)
        for each in renditions
    )
    if taken > MAX_ENCODED:
        raise wrong(
            where,
            f"could take {taken // memory.MIB} MB, and {MAX_ENCODED // memory.MIB} is "
            "the most: make them smaller or fewer, or JPEG where they are not",
        )


def rendition(
    name: str, given: Mapping[str, Any], where: str, files: Files
) -> Rendition:
    """Return a rendition as a recipe describes it, its fields read before."""
    return Rendition(
        name=name,
        width=given["width"],
        height=given["height"],
        cover=given["fit"] == "cover",
        kind=given["format"],
        quality=given["quality"],
        gap=1.5 if given["width"] * given["height"] > _LARGE else 3.0,
        finish=finisher(given, where, files),
    )


def finisher(given: Mapping[str, Any], where: str, files: Files) -> Finish | None:
    """Return what applies a rendition's effects, then its watermark; None for none."""
    if not isinstance(given["effects"], list) or len(given["effects"]) > MAX_EFFECTS:
        raise wrong(f"{where}.effects", f"should be a list of at most {MAX_EFFECTS}")
    steps = [
        _effect(effect, f"{where}.effects[{number}]", files)
        for number, effect in enumerate(given["effects"])
    ]
    mark = None
    if given["watermark"] is not None:
        mark = _watermark(given["watermark"], f"{where}.watermark", files)
    if not steps and mark is None:
        return None

    def finish(picture: Image.Image) -> Image.Image:
        for name, parameters in steps:
            picture = effects.apply(picture, name, **parameters)
        return watermark.put(picture, **mark) if mark else picture

    return finish


def _effect(given: Any, where: str, files: Files) -> tuple[str, dict[str, Any]]:
    name = given.get("effect") if isinstance(given, Mapping) else None
    if not isinstance(name, str) or name not in effects.EFFECTS:
        known = ", ".join(effects.EFFECTS)
        raise wrong(where, f"has the effect {name!r}, and there are {known}")
    rest = {field: value for field, value in given.items() if field != "effect"}
    parameters = effects.EFFECTS[name].fields.read(rest, where)
    return name, _with_font(parameters, where, files)


def _watermark(given: Any, where: str, files: Files) -> dict[str, Any]:
    mark = watermark.FIELDS.read(given, where)
    picture = mark.pop("picture")
    if (mark["text"] is None) == (picture is None):
        raise wrong(where, "needs either a text or a picture")
    if picture is not None:
        data = _file(picture, f"{where}.picture", files)
        mark["mark"] = _decoded(data, f"{where}.picture")
    return _with_font(mark, where, files)


def _with_font(given: dict[str, Any], where: str, files: Files) -> dict[str, Any]:
    if given.get("font") is None:
        return given
    return given | {"font": _file(given["font"], f"{where}.font", files)}


def _file(name: str, where: str, files: Files) -> bytes:
    try:
        return files[name]
    except KeyError:
        raise wrong(where, f"is {name!r}, and no such file is in the zip") from None


@functools.cache
def _decoded(data: bytes, where: str) -> Image.Image:
    try:
        picture = open_image(data, seconds=5)
        if picture.width * picture.height > 4_000_000:
            raise wrong(where, "has more than 4 megapixels: make it smaller")
        return picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, ImageRejected) as error:
        raise ConfigError(f"the recipe's {where} is no JPEG or PNG: {error}") from error
