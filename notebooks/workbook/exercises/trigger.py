"""The exercises of 06_trigger."""

from __future__ import annotations

from typing import Any

from deploy import notifications
from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.exercises.verdict import Judge

FOLDER = "holiday/"


def _spelling(answer: Any, cloud: Cloud, settings: Settings) -> str:
    """Look for a third suffix among the rules on the bucket."""
    found = {rule.suffix for rule in notifications.rules(cloud, settings)}
    if gone := [suffix for suffix in settings.suffixes if suffix not in found]:
        return f"The rule for {gone[0]} is gone: a suffix begins with its dot."
    new = found - set(settings.suffixes)
    if not new:
        return "The bucket has its two rules still: change `suffix` to `.jpeg`."
    if ".jpeg" not in new:
        return f"There is a rule for {min(new)!r}, and `.jpeg` was asked for."
    return ""


def _folder(answer: Any, cloud: Cloud, settings: Settings) -> str:
    """Judge the parts of a filter by the keys that it lets through."""
    filters = {"Key": {"FilterRules": answer}}
    rule = notifications.rule({"Filter": filters, "Events": []})
    if not rule.prefix:
        return "It has no prefix, so it takes every folder: add a second part."
    if rule.prefix.startswith("/"):
        return "A key begins without `/`, so no key begins with this prefix."
    if rule.matches("holidays.jpg"):
        return "`holidays.jpg` is not in the folder: end the prefix in `/`."
    if not rule.matches(f"{FOLDER}beach.jpg"):
        return f"It does not take `{FOLDER}beach.jpg`."
    if rule.matches(f"{FOLDER}list.txt"):
        return "It takes every kind of file: keep the suffix beside the prefix."
    return ""


JUDGES: dict[str, Judge] = {"6a": _spelling, "6b": _folder}
