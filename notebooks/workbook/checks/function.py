"""Check 5: the function is active, configured as meant, and runs `handler/`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy.cloud import Cloud
from deploy.settings import TAG, Settings
from deploy.steps import function, layer
from deploy.waiting import NO_RESOURCE, if_there
from workbook.checks.findings import Finding, judged, waiting

_FIRST = ("the function exists", "it carries our tag", "it is active")
_FIELDS = (
    ("its runtime", "Runtime"),
    ("its processor", "Architectures"),
    ("its memory", "MemorySize"),
    ("its timeout", "Timeout"),
    ("its handler", "Handler"),
    ("its role", "Role"),
)
#: The line that two of the labs are about.
LAYER = "it has the Pillow layer, and no other"
_LAST = (
    "its environment names the target bucket and the settings",
    LAYER,
    "its code is the folder handler/",
    "its log is kept for a while, not for ever",
)


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at the function's configuration, code and log group."""
    name = settings.function_name
    found = if_there(cloud.awslambda.get_function, NO_RESOURCE, FunctionName=name)
    yield judged(
        _FIRST[0],
        found is not None,
        f"There is no function {name}. Create it with `create_function` (05_function).",
    )
    if found is None:
        fields = [name for name, _ in _FIELDS]
        yield from waiting("the function", *_FIRST[1:], *fields, *_LAST[:3])
    else:
        yield from _function(cloud, settings, found)
    yield _log(cloud, settings)


def _function(
    cloud: Cloud, settings: Settings, found: dict[str, Any]
) -> Iterator[Finding]:
    is_now = found["Configuration"]
    yield judged(
        _FIRST[1],
        found.get("Tags", {}).get(TAG) == settings.name,
        f"Its tag {TAG} should be {settings.name!r}. Tag it with `tag_resource` "
        "(05_function).",
    )
    yield _state(cloud, settings, found["Configuration"])
    layers = [one["Arn"] for one in is_now.get("Layers", [])]
    newest = next((found.arn for found in layer.fitting(cloud, settings)), None)
    should = function.configuration(settings, newest or "")
    should["Architectures"] = [settings.architecture]
    for name, field in _FIELDS:
        yield _field(name, field, is_now.get(field), should[field])
    yield _environment(is_now, settings)
    yield judged(
        _LAST[1],
        bool(newest) and layers == [newest],
        f"Its layers are {', '.join(layers) or 'none'}, and the newest that fits is "
        f"{newest or 'not published (04_layer)'}. Set Layers with "
        "`update_function_configuration` (05_function).",
    )
    yield judged(
        _LAST[2],
        function.runs_our_code(
            cloud, settings, is_now["CodeSha256"], function.package(settings)
        ),
        "What runs is not what stands in handler/. Zip it again and call "
        "`update_function_code` (05_function).",
    )


def _state(cloud: Cloud, settings: Settings, is_now: dict[str, Any]) -> Finding:
    state, update = is_now.get("State"), is_now.get("LastUpdateStatus")
    why = f"Its state is {state}, its last update {update}. Wait for it with "
    why += "`get_waiter('function_active_v2')` (05_function)."
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    limit = cloud.awslambda.get_function_concurrency(
        FunctionName=settings.function_name
    ).get("ReservedConcurrentExecutions")
    if limit == 0:
        why = "Its reserved concurrency is 0, so it never runs. Lift that with "
        why += "`delete_function_concurrency` (05_function)."
    good = state in ("Active", None) and update != "Failed" and limit != 0
    return judged(_FIRST[2], good, why)


def _field(name: str, field: str, is_now: Any, should: Any) -> Finding:
    how = "update_function_configuration"
    if field == "Architectures":
        how = "update_function_code"
    return judged(
        name,
        is_now == should,
        f"{field} is {is_now!r} and should be {should!r}. Set it with `{how}` "
        "(05_function).",
    )


def _environment(is_now: dict[str, Any], settings: Settings) -> Finding:
    has = is_now.get("Environment", {}).get("Variables", {})
    wanted = settings.environment
    wrong = [key for key in sorted(wanted | has) if has.get(key) != wanted.get(key)]
    found = ", ".join(f"{key} is {has.get(key)!r}" for key in wrong)
    should = ", ".join(f"{key}={wanted[key]!r}" for key in wrong if key in wanted)
    return judged(
        _LAST[0],
        not wrong,
        f"{found}; it should be {should or 'left out'}. Set Environment with "
        "`update_function_configuration` (05_function).",
    )


def _log(cloud: Cloud, settings: Settings) -> Finding:
    group = function.log_group(cloud, settings) or {}
    days = group.get("retentionInDays")
    if not group:
        found = f"There is no log group {settings.log_group}. Make it with "
        found += "`create_log_group`"
    else:
        found = f"Its lines are kept for {f'{days} days' if days else 'ever'}"
    return judged(
        _LAST[3],
        days == settings.log_retention_days or "retentionPolicyName" in group,
        f"{found}; set {settings.log_retention_days} days with `put_retention_policy` "
        "(05_function).",
    )
