"""The handler's settings, read from the function's environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from handler.errors import ConfigError
from handler.picture import memory


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
    max_megapixels: int = 50
    max_bytes: int = 25 * 1024 * 1024
    ordered: bool = False
    # An overwritten image keeps the address of its thumbnail, so nobody may keep that
    # for long; five minutes still take nearly all of the load off the bucket.
    cache_control: str = "public, max-age=300"
    thumbnail_prefix: str = "thumbnails/"
    reject_prefix: str = "rejected/"
    memory_mb: int = memory.DEFAULT_MB
    recipe: str = ""

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the settings; ``ConfigError`` names the variable that is wrong."""
        env = os.environ if env is None else env
        bucket = env.get("TARGET_BUCKET", "")
        if not bucket:
            raise ConfigError(
                "TARGET_BUCKET is not set: give the function the name of the bucket "
                "that thumbnails go to."
            )
        config = cls(
            target_bucket=bucket,
            box=_whole_number(env, "BOX", cls.box, 1, 4096),
            quality=_whole_number(env, "QUALITY", cls.quality, 1, 95),
            max_megapixels=_whole_number(
                env, "MAX_MEGAPIXELS", cls.max_megapixels, 1, 1000
            ),
            max_bytes=_whole_number(env, "MAX_BYTES", cls.max_bytes, 1, 10 * 2**30),
            ordered=_true_or_false(env, "ORDERED", cls.ordered),
            cache_control=_header(env, "CACHE_CONTROL", cls.cache_control),
            thumbnail_prefix=_prefix(env, "THUMBNAIL_PREFIX", cls.thumbnail_prefix),
            reject_prefix=_prefix(env, "REJECT_PREFIX", cls.reject_prefix),
            memory_mb=_whole_number(
                env, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", cls.memory_mb, 1, 2**20
            ),
            recipe=env.get("RECIPE", ""),
        )
        if config.reject_prefix.startswith(config.thumbnail_prefix):
            # Thumbnails are readable by everyone, reject records must not be.
            raise _wrong(
                "REJECT_PREFIX",
                config.reject_prefix,
                f"choose one outside {config.thumbnail_prefix!r}, which is public",
            )
        return config


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
    # Long enough for any folder, short enough to leave room for a hashed key.
    if text.startswith("/") or not text.endswith("/") or len(text.encode()) > 256:
        raise _wrong(
            name, text, f"set it to a folder of at most 256 bytes, such as {default!r}"
        )
    return text
