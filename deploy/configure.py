"""Which pipeline, and where: settings derived from a cloud, completed and tried out."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from deploy import recipes, runtimes
from deploy.cloud import Cloud, connect
from deploy.errors import SettingsError
from deploy.settings import Recipe, Settings, as_text


def settings_for(cloud: Cloud, **overrides: Any) -> Settings:
    """Build the settings of a pipeline in this cloud's account and region.

    A cloud that is not AWS runs functions on this machine, so the function gets this
    machine's Python and processor; on AWS it gets a current runtime on arm64.

    Raises:
        SettingsError: AWS or the handler would refuse them, or the recipe cannot work.
    """
    defaults: dict[str, Any] = {"account": cloud.account, "region": cloud.region}
    if cloud.kind != "aws":
        defaults |= {
            "runtime": runtimes.machine_runtime(),
            "architecture": runtimes.machine_architecture(),
            "runs_here": True,
        }
    return tried(Settings(**defaults | with_text(overrides)))


def resolved(
    cloud: Cloud | None, settings: Settings | None, overrides: dict[str, Any]
) -> tuple[Cloud, Settings]:
    """Connect and derive what was left out; refuse settings of another account."""
    cloud = cloud or connect()
    if settings is None:
        settings = settings_for(cloud, **overrides)
    elif overrides:
        settings = changed(settings, overrides)
    if (settings.account, settings.region) != (cloud.account, cloud.region):
        raise SettingsError(
            f"they are for account {settings.account} in {settings.region}, and this "
            f"is account {cloud.account} in {cloud.region}",
            where="Settings",
            todo="Derive them anew: settings_for(cloud).",
        )
    return cloud, settings


def changed(settings: Settings, overrides: dict[str, Any]) -> Settings:
    """Replace fields; bucket names that came from the name follow a new name."""
    plain = Settings(settings.account, settings.region, settings.name)
    derived = {
        part: ""
        for part in ("source_bucket", "target_bucket")
        if getattr(settings, part) == getattr(plain, part)
    }
    return tried(dataclasses.replace(settings, **derived | with_text(overrides)))


def with_text(overrides: dict[str, Any]) -> dict[str, Any]:
    """Choose the layer by the recipe: with FreeType where it draws text."""
    if "recipe" not in overrides:
        return overrides
    return {"text": _draws_text(overrides["recipe"])} | overrides


def tried(settings: Settings) -> Settings:
    """Try a recipe out on blank pictures, with the files that it names.

    Raises:
        SettingsError: it cannot work; says which part of it, and why.
    """
    if not (settings.recipe or settings.backup):
        return settings
    # Pillow: deploying without a recipe needs none.
    from handler.config import Config
    from handler.errors import ConfigError
    from handler.recipe import dry_run

    config = dataclasses.replace(
        Config.from_environment(settings.environment | {"RECIPE": ""}),
        memory_mb=settings.memory_mb,
    )
    try:
        dry_run.check(
            as_text(settings.whole_recipe),
            config,
            recipes.files(settings),
            source_bucket=settings.source_bucket,
        )
    except ConfigError as error:
        raise SettingsError(
            str(error).rstrip("."),
            where="Settings.recipe",
            todo="Change it, and run again; nothing was deployed.",
        ) from error
    return settings


def _draws_text(recipe: Recipe | str) -> bool:
    from handler.recipe.dry_run import needs_text

    try:
        return needs_text(json.loads(as_text(recipe) or "{}"))
    except ValueError:
        return False  # `tried` says what is wrong with it
