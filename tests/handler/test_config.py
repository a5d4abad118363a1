"""Settings: read from the environment, checked, and clear about what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import handler
from handler.config import NUMBERS, Config
from handler.errors import ConfigError

TARGET = {"TARGET_BUCKET": "thumbs"}


def test_defaults():
    config = Config.from_environment(TARGET)
    assert (config.box, config.quality, config.max_megapixels) == (256, 85, 250)
    assert (config.max_bytes, config.ordered) == (26_214_400, False)


def test_all_variables():
    env = {
        "TARGET_BUCKET": "thumbs",
        "BOX": "128",
        "QUALITY": "70",
        "MAX_MEGAPIXELS": "12",
        "MAX_BYTES": "1000",
        "ORDERED": "true",
        "CACHE_CONTROL": "no-cache",
        "THUMBNAIL_PREFIX": "small/",
        "REJECT_PREFIX": "bad/",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    }
    values = ("thumbs", 128, 70, 12, 1000, True, "no-cache", "small/", "bad/", 1769)
    assert Config.from_environment(env) == Config(*values)


def test_reads_the_process(monkeypatch):
    monkeypatch.setenv("TARGET_BUCKET", "from-the-process")
    assert Config.from_environment().target_bucket == "from-the-process"


def test_target_is_required():
    with pytest.raises(ConfigError, match="TARGET_BUCKET is not set"):
        Config.from_environment({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOX", "0"),
        ("BOX", "big"),
        ("BOX", " 256"),
        ("BOX", "1_0"),
        ("BOX", "٣"),
        ("BOX", "9" * 5000),
        ("QUALITY", "96"),
        ("MAX_MEGAPIXELS", "-1"),
        ("MAX_BYTES", ""),
        ("ORDERED", "yes"),
        ("CACHE_CONTROL", "public\nx-evil: 1"),
        ("THUMBNAIL_PREFIX", "thumbnails"),
        ("THUMBNAIL_PREFIX", ""),
        ("REJECT_PREFIX", "/rejected/"),
        ("REJECT_PREFIX", "thumbnails/rejected/"),
        ("THUMBNAIL_PREFIX", "re*/"),
        ("THUMBNAIL_PREFIX", "*/"),
        ("THUMBNAIL_PREFIX", "${aws:username}/"),
        ("THUMBNAIL_PREFIX", "a\nb/"),
        ("THUMBNAIL_PREFIX", "batch/"),
        ("THUMBNAIL_PREFIX", "layers/small/"),
        ("THUMBNAIL_PREFIX", ".thumbnail-workbook/"),
        ("REJECT_PREFIX", "?ejected/"),
        ("REJECT_PREFIX", 'a"b/'),
        ("REJECT_PREFIX", "é" * 128 + "/"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512 MB"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "64"),
    ],
)
def test_names_what_is_wrong(name, value):
    with pytest.raises(ConfigError) as caught:
        Config.from_environment(TARGET | {name: value})
    assert str(caught.value).startswith(f"{name} is {value!r}: ")


def test_rejected_around_thumbnails():
    env = TARGET | {"THUMBNAIL_PREFIX": "all/small/", "REJECT_PREFIX": "all/"}
    with pytest.raises(ConfigError, match=r"REJECT_PREFIX is 'all/': choose one outs"):
        Config.from_environment(env)


def test_every_number_has_its_limits():
    for name, (field, low, high) in NUMBERS.items():
        assert low <= getattr(Config("thumbs"), field) <= high
        for value in (low, high):
            config = Config.from_environment(TARGET | {name: str(value)})
            assert getattr(config, field) == value
        for value in (low - 1, high + 1):
            with pytest.raises(ConfigError, match=f"from {low} to {high}"):
                Config.from_environment(TARGET | {name: str(value)})


#: What is imported, and what that may not import: each import comes on top of those
#: before it, and may do more than they.
IMPORTS = [
    # Who deploys needs keys and settings, and may have no Pillow.
    ("handler, handler.events, handler.config", ["PIL", "boto3", "handler.app"]),
    ("handler.storage", ["PIL"]),
    # Each would cost milliseconds of every cold start, and few pictures need them.
    (
        "handler.app",
        [
            *("PIL.ImageCms", "PIL.TiffImagePlugin", "PIL.MpoImagePlugin"),
            *("handler.recipe", "handler.backup"),
        ],
    ),
]


def test_imports_are_lean_and_need_no_environment():
    lines = ["import sys"]
    for modules, heavy in IMPORTS:
        lines += [
            f"import {modules}",
            f"print([m for m in {heavy} if m in sys.modules])",
        ]
    lines += ["print(handler.lambda_handler.__name__)"]
    keep = {
        name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)],
        cwd=Path(__file__).parents[2],
        env=keep,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["[]", "[]", "[]", "lambda_handler"]


def test_public_names():
    assert {name: getattr(handler, name).__name__ for name in handler.__all__} == {
        name: name for name in ("ImageRejected", "lambda_handler", "make_thumbnail")
    }
    with pytest.raises(AttributeError, match="module 'handler' has no attribute 'x'"):
        _ = handler.x
