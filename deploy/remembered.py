"""What a pipeline was built with, as tags on its source bucket.

Commands read it from there, so that none has to be told twice. In tags, because what
stands cannot tell: a target that was built private and one whose policy somebody took
away look the same, and `status` has to call the second a difference. On the source
bucket, because it is made first, goes last, and its name follows from the pipeline's;
a function's environment has 4 KB in all. Only what differs from the defaults is kept.

S3 takes 50 tags of 256 characters, which are letters, digits, spaces and + - = . _ : /
@. So other characters become "=" and two digits, and what is long is packed and shared
out: a recipe of 4 KB takes about ten tags.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html
"""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from deploy.settings import TAG, Settings

_PREFIX = f"{TAG}:"
_LIMIT = 256
_PACKED = "packed "
#: What says which pipeline it is; all the rest is how it was built.
_WHICH = ("account", "region", "partition", "name", "source_bucket")


def tags(settings: Settings, plain: Settings) -> dict[str, str]:
    """Write as tags in what settings differ from plain ones of the same name."""
    found: dict[str, str] = {}
    for field in dataclasses.fields(Settings):
        value = getattr(settings, field.name)
        if field.name in _WHICH or value == getattr(plain, field.name):
            continue
        if field.name == "assets":  # found again from any folder
            value = [str(Path(path).resolve()) for path in value]
        for number, part in enumerate(_parts(_written(value))):
            end = f".{number}" if number else ""
            found[f"{_PREFIX}{field.name}{end}"] = part
    return found


def read(tags: Mapping[str, str]) -> dict[str, Any]:
    """Read the settings that tags keep; what this version does not know is left out."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(Settings):
        name = f"{_PREFIX}{field.name}"
        if name not in tags:
            continue
        text, number = tags[name], 1
        while more := tags.get(f"{name}.{number}"):
            text, number = text + more, number + 1
        value = _read(text)
        found[field.name] = tuple(value) if isinstance(value, list) else value
    return found


def others(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that keep no settings: the name, and other people's."""
    kept = (name for name in tags if not name.startswith(_PREFIX))
    return {name: tags[name] for name in kept}


def _written(value: Any) -> str:
    # A text that would read as JSON ("true") is put in quotes, all others stay plain.
    plain = isinstance(value, str) and _parsed(value) == value
    text = value if plain else json.dumps(value)
    written = quote(text, safe=" +-._:/@").replace("~", "%7E").replace("%", "=")
    if len(written) <= _LIMIT and not written.startswith(_PACKED):
        return written
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode()
    return _PACKED + packed


def _read(written: str) -> Any:
    if written.startswith(_PACKED):
        try:
            packed = base64.urlsafe_b64decode(written.removeprefix(_PACKED))
            text = zlib.decompress(packed).decode()
        except (ValueError, zlib.error):
            return written  # not as we wrote it: no setting takes this
    else:
        text = unquote(written.replace("=", "%"))
    return _parsed(text)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parts(text: str) -> list[str]:
    return [text[at : at + _LIMIT] for at in range(0, len(text), _LIMIT)] or [""]
