"""A recipe tried out before it is deployed: every error that can be known by then."""

from typing import Any

from PIL import Image

from handler.config import Config
from handler.errors import ConfigError, ImageRejected
from handler.picture import memory
from handler.picture.rendition import Plan, Rendition
from handler.recipe import parse
from handler.recipe.fields import wrong


def check(
    text: str,
    config: Config,
    files: parse.Files | None = None,
    *,
    source_bucket: str = "",
) -> dict[str | None, Plan]:
    """Parse a recipe, finish a blank picture by it, and return its plans.

    ``files`` are the fonts and watermarks that will be in the zip, by name. Raises
    ``ConfigError``: an unknown field or effect, a missing file, a text that does not
    fit or that the font has no characters for, outputs that collide, a backup bucket
    that is the source or the target, too little memory for the largest rendition.
    """
    plans = parse.parse(text, config, files or {})
    for name, plan in plans.items():
        at = f"named.{name}." if name else ""
        if plan.backup and plan.backup["bucket"] == source_bucket:
            raise wrong(
                f"{at}backup.bucket",
                "is the source bucket: each copy would start the function again; use "
                "another",
            )
        for rendition in plan.renditions:
            where = f"{at}{rendition.name}"
            _try_finish(rendition, where)
            if rendition is not plan.renditions[0]:
                _check_memory(rendition, where, config)
    return plans


def needs_text(part: Any) -> bool:
    """Tell whether a recipe (read from JSON) draws text: its layer needs FreeType."""
    if isinstance(part, dict):
        return "text" in part or any(map(needs_text, part.values()))
    return isinstance(part, list) and any(map(needs_text, part))


def _try_finish(rendition: Rendition, where: str) -> None:
    """Finish a blank picture of the largest size; smaller ones are found out then."""
    if rendition.finish is None:
        return
    blank = Image.new("RGB", (rendition.width, rendition.height))
    try:
        rendition.finish(blank)
    except (ConfigError, ImageRejected) as error:
        raise wrong(where, f"cannot be made: {error}") from error


def _check_memory(rendition: Rendition, where: str, config: Config) -> None:
    """Refuse a rendition for which large pictures would have to be rejected."""
    megapixels = min(config.max_megapixels, memory.RECIPE_MEGAPIXELS)
    pixels = megapixels * 1_000_000
    final = rendition.width, rendition.height
    taken = 4 * pixels + memory.of_resizing((pixels, 1), [(final, rendition.gap)])
    there = memory.for_pixels(config.memory_mb, config.max_bytes)
    if taken <= there:
        return
    least = config.memory_mb
    while memory.for_pixels(least, config.max_bytes) < taken:
        least += 64
    raise wrong(
        where,
        f"takes {taken // memory.MIB} MB for a picture of {megapixels} "
        f"megapixels, and a function of {config.memory_mb} MB has "
        f"{there // memory.MIB}: give it {least} MB, or make the rendition smaller",
    )
