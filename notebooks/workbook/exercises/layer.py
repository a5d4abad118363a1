"""The exercises of 04_layer."""

from __future__ import annotations

from typing import Any

from deploy import layer
from deploy.cloud import Cloud
from deploy.errors import LayerError
from deploy.settings import Settings
from workbook.exercises.verdict import Judge


def _runtime(answer: tuple[Any, bool], cloud: Cloud, settings: Settings) -> str:
    runtime, loads = answer
    if runtime.name != "python3.11":
        return f"The runtime is {runtime.name}, and python3.11 was asked for."
    if not isinstance(loads, bool):
        raise TypeError("say True or False")
    if loads:
        have = ".".join(map(str, runtime.glibc))
        return f"Its glibc is {have}, older than 2.27: such a wheel does not load."
    return ""


def _wheel(name: str, cloud: Cloud, settings: Settings) -> str:
    if not name.endswith(".whl"):
        return "The name of a wheel ends in `.whl`."
    python, abi = [*name.split("-"), "", "", ""][2:4]
    if (python, abi) != ("cp313", "cp313"):
        return f"It is for {python} and {abi}; python3.13 is `cp313`, twice."
    for arm in ("aarch64", "arm64"):
        if arm in name:
            return f"`{arm}` is ARM; the function runs on `x86_64`."
    wanted = Settings(
        settings.account, settings.region, runtime="python3.13", architecture="x86_64"
    )
    try:
        layer.check_tags(name, wanted)
    except LayerError as error:
        return f"{error}"
    return ""


JUDGES: dict[str, Judge] = {"4a": _runtime, "4b": _wheel}
