"""Which pipeline, and where: settings derived from a cloud, completed and tried out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Collection
from typing import Any

from deploy import arns, recipes, remembered, runtimes, tags
from deploy.cloud import Cloud, connect
from deploy.errors import SettingsError
from deploy.explained import STATUS, explained
from deploy.settings import Recipe, Settings, as_text
from deploy.waiting import DENIED, at_once, if_there


def settings_for(cloud: Cloud, **overrides: Any) -> Settings:
    """Build the settings of a pipeline in this cloud's account and region.

    A cloud that is not AWS runs functions on this machine, so the function gets this
    machine's Python and processor; on AWS it gets a current runtime on arm64. Buckets
    refuse http unless the cloud's own endpoint speaks it.

    Raises:
        SettingsError: AWS or the handler would refuse them, or the recipe cannot work.
    """
    defaults: dict[str, Any] = {
        "account": cloud.account,
        "region": cloud.region,
        "partition": arns.unlike(cloud.region, cloud.identity),
        "tls_only": not (cloud.endpoint or "").startswith("http:"),
    }
    if cloud.kind != "aws":
        defaults |= runtimes.here()
    return tried(Settings(**defaults | with_text(overrides)))


def resolved(
    cloud: Cloud | None, settings: Settings | None, overrides: dict[str, Any]
) -> tuple[Cloud, Settings]:
    """Connect and recall what was left out; refuse settings of another account."""
    cloud = cloud or connect()
    if settings is None:
        names = {"name", "source_bucket"} & overrides.keys()
        which = {name: overrides[name] for name in names}
        settings = recalled(cloud, anew=overrides, **which)
    if overrides:
        settings = changed(settings, overrides)
    if (settings.account, settings.region) != (cloud.account, cloud.region):
        raise SettingsError(
            f"they are for account {settings.account} in {settings.region}, and this "
            f"is account {cloud.account} in {cloud.region}",
            where="Settings",
            todo="Derive them anew: settings_for(cloud).",
        )
    return cloud, settings


def recalled(cloud: Cloud, *, anew: Collection[str] = (), **which: Any) -> Settings:
    """Return the settings that a pipeline was built with; the defaults where none is.

    `which` may have its `name` and `source_bucket`; `anew` names the fields that are
    said anew, which matters where what is kept of them is no longer right.

    Raises:
        SettingsError: what is kept is not right, as a runtime that AWS has retired.
    """
    plain = settings_for(cloud, **which)
    kept = remembered.read(_tags(cloud, plain))
    rest = {name: kept[name] for name in kept.keys() - {*anew}}
    with contextlib.suppress(SettingsError):
        return dataclasses.replace(plain, **with_text(kept))
    try:
        return dataclasses.replace(plain, **with_text(rest))
    except SettingsError as error:
        raise SettingsError(
            f"the pipeline was built with a value that is refused now ({error.what})",
            where=f"tags of bucket {plain.source_bucket}, {error.where}",
            todo=f"Say that option anew with this command. {error.todo}",
        ) from error


def to_remember(cloud: Cloud, settings: Settings) -> dict[str, str]:
    """Write the tags of the source bucket that `recalled` reads."""
    which = {"name": settings.name, "source_bucket": settings.source_bucket}
    text = _draws_text(settings.recipe)
    plain = dataclasses.replace(settings_for(cloud, **which), text=text)
    return remembered.tags(settings, plain)


def changes(cloud: Cloud, settings: Settings) -> list[str]:
    """Say in a line each how settings differ from those of the pipeline that stands."""
    which = {"name": settings.name, "source_bucket": settings.source_bucket}
    if not _tags(cloud, settings):
        return []
    every = [field.name for field in dataclasses.fields(Settings)]
    stood = recalled(cloud, anew=every, **which)
    return [
        f"{field.name}: {_in_words(before)} → {_in_words(after)}"
        for field in dataclasses.fields(Settings)
        if (before := getattr(stood, field.name))
        != (after := getattr(settings, field.name))
    ]


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    return (f"{text[:60]}…" if len(text) > 60 else text) or "none"


def _tags(cloud: Cloud, settings: Settings) -> dict[str, str]:
    """Read the source bucket's tags; none where it is not there, not ours or closed."""
    # At once: that there is no such bucket is an answer here, and no passing state.
    with explained(f"bucket {settings.source_bucket}", STATUS), at_once():
        answer = if_there(
            cloud.s3.get_bucket_tagging,
            *("NoSuchBucket", "NoSuchTagSet", *DENIED),
            Bucket=settings.source_bucket,
            ExpectedBucketOwner=settings.account,
        )
    found = tags.read(answer["TagSet"] if answer else [])
    return found if tags.ours(found, settings) else {}


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
