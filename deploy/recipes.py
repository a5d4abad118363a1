"""What a recipe takes: files for the zip, public folders, permissions, and no more.

A recipe says what an upload gets besides its thumbnail; its words stand in
`handler/recipe/parse.py`, and `configure` tries it out before anything is deployed.
"""

from __future__ import annotations

from pathlib import Path

from deploy.errors import SettingsError
from deploy.policies import Statement, statement
from deploy.settings import Settings


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
    recipe = settings.whole_recipe
    parts = [recipe, *recipe.get("named", {}).values()]
    folders = [
        rendition.get("folder") or f"renditions/{name}/"
        for part in parts
        for name, rendition in part.get("renditions", {}).items()
    ]
    return list(dict.fromkeys([settings.thumbnail_prefix, *folders]))


def statements(settings: Settings) -> list[Statement]:
    """Write what the role may do for the recipe, a statement a reason."""
    recipe = settings.whole_recipe
    parts = [recipe, *recipe.get("named", {}).values()]
    kept = {part["backup"]["bucket"] for part in parts if part.get("backup")}
    asks = any((part.get("labels") or {}).get("by") == "rekognition" for part in parts)
    found = []
    for number, bucket in enumerate(sorted(kept), 1):
        end = str(number) if len(kept) > 1 else ""
        objects = settings.arns.bucket(bucket, "*")
        found.append(statement("s3:PutObject", objects, sid=f"KeepBackups{end}"))
        if settings.reliable:  # a conditional copy compares with what stands
            order = f"KeepBackupsInOrder{end}"
            found.append(statement("s3:GetObject", objects, sid=order))
    if asks:
        # The action knows no resource that could be named.
        labels = statement("rekognition:DetectLabels", "*", sid="AskForLabels")
        found.append(labels)
    return found
