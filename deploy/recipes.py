"""The recipe of a pipeline: checked before anything is deployed, and what it needs.

A recipe says what an upload gets besides its thumbnail; its words stand in
`handler/recipe/parse.py`. Here it is completed (the backup bucket's name), tried out,
and turned into the permissions and the public folders that it takes, and no more.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.errors import SettingsError
from deploy.policies import Statement, statement

if TYPE_CHECKING:
    from deploy.settings import Settings

Recipe = dict[str, Any]


def as_text(recipe: Recipe | str) -> str:
    """Write a recipe as the JSON that the function's environment takes."""
    if isinstance(recipe, str):
        return recipe
    return json.dumps(recipe, separators=(",", ":"))


def completed(settings: Settings) -> str:
    """Return the recipe as the handler gets it: with the backup bucket's name in it."""
    if not settings.backup:
        return settings.recipe
    recipe = _read(settings)
    backup = recipe.get("backup") or {}
    return as_text(recipe | {"backup": backup | {"bucket": settings.backup_bucket}})


def draws_text(recipe: Recipe | str) -> bool:
    """Tell whether a recipe draws text, and so needs the layer with FreeType."""
    from handler.recipe.dry_run import needs_text

    try:
        return needs_text(json.loads(as_text(recipe) or "{}"))
    except ValueError:
        return False  # `check` says what is wrong with it


def check(settings: Settings) -> None:
    """Try the recipe out on blank pictures, with the files that it names.

    Raises:
        SettingsError: it cannot work; says which part of it, and why.
    """
    from handler.config import Config
    from handler.errors import ConfigError
    from handler.recipe.dry_run import (
        check,  # Pillow: deploying without a recipe needs none
    )

    config = Config(
        settings.target_bucket,
        box=settings.box,
        quality=settings.quality,
        max_megapixels=settings.max_megapixels,
        thumbnail_prefix=settings.thumbnail_prefix,
        reject_prefix=settings.reject_prefix,
        memory_mb=settings.memory_mb,
    )
    text = completed(settings)
    try:
        check(text, config, files(settings), source_bucket=settings.source_bucket)
    except ConfigError as error:
        raise SettingsError(
            str(error).rstrip("."),
            where="Settings.recipe",
            todo="Change it, and run again; nothing was deployed.",
        ) from error


def files(settings: Settings) -> dict[str, bytes]:
    """Read the fonts and watermarks that go into the function's zip, by name."""
    found: dict[str, bytes] = {}
    for path in map(Path, settings.assets):
        try:
            found[path.name] = path.read_bytes()
        except OSError as error:
            raise SettingsError(
                f"the file {path.name!r} cannot be read ({error.strerror})",
                where="Settings.assets",
                todo="Give the path of a font or a picture.",
            ) from error
    return found


def public_folders(settings: Settings) -> list[str]:
    """List what anyone may read: the thumbnails, and the recipe's renditions."""
    recipe = _read(settings)
    parts = [recipe, *recipe.get("named", {}).values()]
    folders = [
        rendition.get("folder") or f"renditions/{name}/"
        for part in parts
        for name, rendition in part.get("renditions", {}).items()
    ]
    return list(dict.fromkeys([settings.thumbnail_prefix, *folders]))


def statements(settings: Settings) -> list[Statement]:
    """Write what the role may do for the recipe, a statement a reason."""
    recipe = json.loads(completed(settings) or "{}")
    parts = [recipe, *recipe.get("named", {}).values()]
    kept = {part["backup"]["bucket"] for part in parts if part.get("backup")}
    asks = any((part.get("labels") or {}).get("by") == "rekognition" for part in parts)
    found = []
    for number, bucket in enumerate(sorted(kept), 1):
        end = str(number) if len(kept) > 1 else ""
        objects = f"arn:aws:s3:::{bucket}/*"
        found.append(statement("s3:PutObject", objects, sid=f"KeepBackups{end}"))
        if settings.reliable:  # a conditional copy compares with what stands
            order = f"KeepBackupsInOrder{end}"
            found.append(statement("s3:GetObject", objects, sid=order))
    if asks:
        # The action knows no resource that could be named.
        labels = statement("rekognition:DetectLabels", "*", sid="AskForLabels")
        found.append(labels)
    return found


def _read(settings: Settings) -> Recipe:
    """Read the recipe; one that is no object is refused by `check`."""
    try:
        recipe = json.loads(settings.recipe or "{}")
    except ValueError:
        recipe = None
    if not isinstance(recipe, dict):
        raise SettingsError(
            f"the recipe is no JSON object: {settings.recipe[:60]!r}",
            where="Settings.recipe",
            todo='Write it as a dict, such as {"labels": {"by": "model"}}.',
        )
    return recipe
