"""The handler's settings, read from the function's environment variables.

Whoever deploys the function checks them by the same code beforehand:
``Config.from_environment`` and, for a recipe's folders, ``handler.recipe.dry_run``.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from handler.errors import ConfigError
from handler.picture import memory

#: The settings that are whole numbers, by variable: field, least, most.
NUMBERS = {
    "BOX": ("box", 1, 4096),
    "QUALITY": ("quality", 1, 95),
    "MAX_MEGAPIXELS": ("max_megapixels", 1, 1000),
    "MAX_BYTES": ("max_bytes", 1, 10 * 2**30),
    # docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": ("memory_mb", 128, 10_240),
}
#: What the target bucket holds besides results, and nobody may read without rights.
PRIVATE = ("batch/", "layers/", ".thumbnail-workbook/")

# A policy takes * and ? for any characters and $ for a variable, a rule and JSON trip
# over the others.
_NOT_IN_PREFIXES = frozenset('*?${}"')
_MAX_PREFIX = 256  # bytes: any folder, and room for a hashed key


@dataclass(frozen=True)
class Config:
    """Every setting of the function, checked.

    ``box`` is the side in pixels of the square that a thumbnail fits in. ``ordered``
    says that the second, "reliable" policy is attached to the role, so that versioned
    reads and conditional writes are permitted. ``memory_mb`` is the function's, as
    Lambda tells it (docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
    ``recipe`` is JSON, and says what ``handler.recipe.parse`` makes of an upload.
    """

    target_bucket: str
    box: int = 256
    quality: int = 85
    max_megapixels: int = memory.MAX_MEGAPIXELS
    max_bytes: int = 25 * 1024 * 1024
    ordered: bool = False
    # An overwritten image keeps the address of its thumbnail, so nobody may keep that
    # for long; five minutes still take nearly all of the load off the bucket.
    cache_control: str = "public, max-age=300"
    thumbnail_prefix: str = "thumbnails/"
    reject_prefix: str = "rejected/"
    memory_mb: int = memory.DEFAULT_MB
    recipe: str = ""
    #: A source that is deleted takes its results along (``handler.mirror``).
    mirror: bool = False

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the settings; ``ConfigError`` names the variable that is wrong.

        The recipe is read later, by ``handler.outputs.plan``.
        """
        env = os.environ if env is None else env
        bucket = env.get("TARGET_BUCKET", "")
        if not bucket:
            raise ConfigError(
                "TARGET_BUCKET is not set: give the function the name of the bucket "
                "that thumbnails go to."
            )
        numbers: dict[str, Any] = {
            field: _whole_number(env, name, getattr(cls, field), low, high)
            for name, (field, low, high) in NUMBERS.items()
        }
        config = cls(
            target_bucket=bucket,
            ordered=_true_or_false(env, "ORDERED", cls.ordered),
            cache_control=_header(env, "CACHE_CONTROL", cls.cache_control),
            thumbnail_prefix=_prefix(env, "THUMBNAIL_PREFIX", cls.thumbnail_prefix),
            reject_prefix=_prefix(env, "REJECT_PREFIX", cls.reject_prefix),
            recipe=env.get("RECIPE", ""),
            mirror=mirrors(env),
            **numbers,
        )
        _check_disjoint(config)
        return config


def mirrors(env: Mapping[str, str] | None = None) -> bool:
    """Tell whether deletions count; else an event of them needs no settings."""
    return _true_or_false(os.environ if env is None else env, "MIRROR", False)


def check_prefix(prefix: str) -> None:
    """Raise ``ValueError``, saying what it should be, for what is no prefix of keys."""
    if (
        prefix.startswith("/")
        or not prefix.endswith("/")
        or len(prefix.encode(errors="surrogatepass")) > _MAX_PREFIX
        or _NOT_IN_PREFIXES & {*prefix}
        or not prefix.isprintable()
    ):
        raise ValueError(
            f'a folder of at most {_MAX_PREFIX} bytes, such as "small/", '
            'without * ? $ { } "'
        )


def collision(prefixes: Iterable[str]) -> tuple[str, str] | None:
    """Return two prefixes of which one's keys could be the other's, if there are."""
    before: list[str] = []
    for prefix in prefixes:
        for other in before:
            if prefix.startswith(other) or other.startswith(prefix):
                return other, prefix
        before.append(prefix)
    return None


def _check_disjoint(config: Config) -> None:
    """Keep what everyone may read apart from what nobody may."""
    public = config.thumbnail_prefix
    if collision((public, config.reject_prefix)):
        remedy = f"choose one outside {public!r}, which is public"
        raise _wrong("REJECT_PREFIX", config.reject_prefix, remedy)
    for private in PRIVATE:
        if collision((private, public)):
            remedy = f"choose one outside {private!r}, which is private"
            raise _wrong("THUMBNAIL_PREFIX", public, remedy)


def _wrong(name: str, value: str, remedy: str) -> ConfigError:
    return ConfigError(f"{name} is {value!r}: {remedy}.")


def _whole_number(
    env: Mapping[str, str], name: str, default: int, low: int, high: int
) -> int:
    text = env.get(name, str(default))
    # isdecimal alone lets other scripts' digits through, and int() spaces and "_".
    if not (text.isascii() and text.isdecimal() and low <= int(text[:12]) <= high):
        raise _wrong(name, text, f"set it to a whole number from {low} to {high}")
    return int(text)


def _true_or_false(env: Mapping[str, str], name: str, default: bool) -> bool:
    text = env.get(name, str(default).lower())
    if text not in ("true", "false"):
        raise _wrong(name, text, 'set it to "true" or "false"')
    return text == "true"


def _header(env: Mapping[str, str], name: str, default: str) -> str:
    text = env.get(name, default)
    if not (text and text.isascii() and text.isprintable()):
        raise _wrong(name, text, f"set it to one line of ASCII, such as {default!r}")
    return text


def _prefix(env: Mapping[str, str], name: str, default: str) -> str:
    text = env.get(name, default)
    try:
        check_prefix(text)
    except ValueError as error:
        raise _wrong(name, text, f"set it to {error}") from None
    return text
