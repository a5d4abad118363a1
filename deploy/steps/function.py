"""The function: the `handler/` package zipped whole, its log group, its configuration.

Nothing runs twice: the zip is the same bytes on every machine with the same Python, so
that Lambda's own CodeSha256 tells whether the code changed. Where Lambda runs the same
Python as this machine, the zip has the compiled modules (.pyc), too. Of what another
Python packed the sources are compared.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
"""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import subprocess
import threading
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from botocore.exceptions import WaiterError

from deploy import policies, recipes
from deploy import tags as owner
from deploy.cloud import Cloud
from deploy.errors import DeployError, NotReadyError
from deploy.report import Claim, Drift, Found, claimed, left_alone
from deploy.settings import Settings
from deploy.steps import role
from deploy.waiting import NO_RESOURCE, already, if_there, retry
from deploy.zips import fetch_zip, zipped

#: The folder that holds the handler's package, beside this one.
ROOT = Path(__file__).resolve().parents[2]

#: Plain lines, which everything here reads: an account's habit may be JSON.
#: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
LOGGING = {"LogFormat": "Text"}

#: CPython 3.11 counts a tree's depth once for all threads, and stumbles where two parse
#: at a time ("AST constructor recursion depth mismatch"):
#: https://github.com/python/cpython/issues/106905
_PARSER = threading.Lock()

_READABLE = 0o644  # by Lambda's user, who is another


@dataclass(frozen=True, kw_only=True)
class Function(Found):
    """The function as Lambda describes it."""

    configuration: dict[str, Any] | None


def package(settings: Settings, root: Path = ROOT) -> bytes:
    """Zip the handler's package, the same bytes every time.

    Raises:
        DeployError: there is no such package, module or handler in `root`.
    """
    from deploy.steps.layer.contents import can_compile  # describing needs no wheels

    name = settings.handler.split(".")[0]
    contents = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / name).rglob("*"))
        if path.suffix in (".py", ".json") and "__pycache__" not in path.parts
    }
    _check_handler(settings.handler, contents)
    if can_compile(settings):
        contents |= _compiled(tuple(contents.items()))
    for file, content in recipes.files(settings).items():
        contents[f"{name}/assets/{file}"] = content
    return zipped(contents, mode=_READABLE)


@lru_cache(2)
def _compiled(files: tuple[tuple[str, bytes], ...]) -> dict[str, bytes]:
    """Compile the modules: 25 ms less of each start."""
    from deploy.steps.layer import bytecode, contents

    try:
        return contents.compiled(dict(files), bytecode.TASK)
    except subprocess.CalledProcessError:  # no Python, which Lambda will say as well
        return {}


def runs_our_code(cloud: Cloud, settings: Settings, digest: str, ours: bytes) -> bool:
    """Tell whether what was deployed, of which the digest is, is this zip's code."""
    if digest == code_sha256(ours):
        return True
    location = (_get(cloud, settings) or {}).get("Code", {}).get("Location", "")
    deployed = fetch_zip(location)
    if deployed is None:
        return False
    return _sources(deployed) == _sources(zipfile.ZipFile(io.BytesIO(ours)))


def _sources(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Read all but the compiled modules, which differ from Python to Python."""
    return {
        name: archive.read(name)
        for name in archive.namelist()
        if not name.endswith(".pyc")
    }


def code_sha256(zipped: bytes) -> str:
    """Hash a zip as Lambda does for CodeSha256."""
    return base64.b64encode(hashlib.sha256(zipped).digest()).decode()


def configuration(settings: Settings, layer_arn: str) -> dict[str, Any]:
    """Write the function's configuration, as Create and Update both take it."""
    return {
        "Runtime": settings.runtime,
        "Role": settings.role_arn,
        "Handler": settings.handler,
        "MemorySize": settings.memory_mb,
        "Timeout": settings.timeout_s,
        "Environment": {"Variables": settings.environment},
        "Layers": [layer_arn],
    }


def whole_configuration(settings: Settings, layer_arn: str) -> dict[str, Any]:
    """Write the configuration with what no lesson needs: how the log is written."""
    return configuration(settings, layer_arn) | {"LoggingConfig": LOGGING}


def create(cloud: Cloud, settings: Settings, *, root: Path = ROOT) -> str:
    """Make the function, or update what differs; return its ARN.

    Raises:
        DeployError: the layer or the role is missing, or the role trusts someone else.
        ForeignResourceError: a function of that name is not ours.
        NotReadyError: Lambda did not finish within its waiter's bound.
    """
    zipped = package(settings, root)
    wanted = whole_configuration(settings, _layer_arn(cloud, settings))
    found = _find(cloud, settings)
    _ensure_log_group(cloud, settings)
    if found is None:
        with already("ResourceConflictException"):
            _patiently(
                cloud,
                settings,
                lambda: cloud.awslambda.create_function(
                    FunctionName=settings.function_name,
                    Code={"ZipFile": zipped},
                    Architectures=[settings.architecture],
                    Tags=settings.tags,
                    **wanted,
                ),
            )
        _wait(cloud, settings, "function_active_v2")
        return settings.function_arn
    _wait(cloud, settings, "function_active_v2")
    _wait(cloud, settings, "function_updated_v2")
    differences = _differences(cloud, settings, found, wanted, zipped)
    if {"CodeSha256", "Architectures"} & differences.keys():
        cloud.awslambda.update_function_code(
            FunctionName=settings.function_name,
            ZipFile=zipped,
            Architectures=[settings.architecture],
        )
        # Two updates at once are refused: ResourceConflictException.
        _wait(cloud, settings, "function_updated_v2")
    changes = {field: wanted[field] for field in differences if field in wanted}
    if changes:
        _patiently(
            cloud,
            settings,
            lambda: cloud.awslambda.update_function_configuration(
                FunctionName=settings.function_name, **changes
            ),
        )
        _wait(cloud, settings, "function_updated_v2")
    return settings.function_arn


def describe(cloud: Cloud, settings: Settings, *, root: Path = ROOT) -> Function | None:
    """Describe function and log group, and where they differ from settings and code.

    None when neither stands; the ARN is None when only the log group does.

    Raises:
        ForeignResourceError: a function of that name is not ours.
    """
    found = _find(cloud, settings)
    group = log_group(cloud, settings)
    if found is None and group is None:
        return None
    drift: Drift = {}
    if found is None:
        drift["function"] = (None, settings.function_name)
    else:
        layer_arn = _layer_arn(cloud, settings, missing="(none)")
        wanted = whole_configuration(settings, layer_arn)
        ours = package(settings, root)
        drift |= _differences(cloud, settings, found, wanted, ours)
        if is_paused(found):
            drift["paused"] = (True, False)
    days = group and group.get("retentionInDays")
    says = ""
    if group and (account := group.get("retentionPolicyName")):
        says = f"the account keeps the log {days} days, by its policy {account}"
    elif days != settings.log_retention_days:
        drift["log retention"] = (days, settings.log_retention_days)
    return Function(
        arn=found["FunctionArn"] if found else None,
        configuration=found,
        says="`resume` lets it run again" if "paused" in drift else says,
        drift=drift,
    )


def owned(cloud: Cloud, settings: Settings) -> list[Claim]:
    """Say whether the function stands, and whose it is."""
    name = f"function {settings.function_name}"
    return claimed(name, lambda: _find(cloud, settings))


def claims(cloud: Cloud, settings: Settings) -> list[Claim]:
    """Say whether function and log group stand, and whose each is."""
    found = owned(cloud, settings)
    group = log_group(cloud, settings)
    if group is None:
        return found
    name = f"log group {settings.log_group}"
    if left_alone(found):
        return [*found, Claim(name, "its function is not ours")]
    if group.get("deletionProtectionEnabled"):
        why = "its deletion protection is on, and who put it on can lift it"
        return [*found, Claim(name, why)]
    arn = settings.arns.of("logs", f"log-group:{settings.log_group}")
    pairs = cloud.logs.list_tags_for_resource(resourceArn=arn).get("tags", {})
    kept = "" if owner.ours(pairs, settings) else "it has not our tag"
    return [*found, Claim(name, kept)]


def delete(cloud: Cloud, settings: Settings) -> list[str]:
    """Delete the function and its log group if they are ours; return what is left."""
    stands = claims(cloud, settings)
    ours = [claim.what for claim in stands if not claim.kept]
    if f"function {settings.function_name}" in ours:
        with already(NO_RESOURCE):
            cloud.awslambda.delete_function(FunctionName=settings.function_name)
    # After the function: Lambda makes the group anew when one more run logs.
    if f"log group {settings.log_group}" in ours:
        with already(NO_RESOURCE):
            cloud.logs.delete_log_group(logGroupName=settings.log_group)
    return left_alone(stands)


def tags(cloud: Cloud, settings: Settings) -> dict[str, str]:
    """Read the function's tags; none where there is no function."""
    return (_get(cloud, settings) or {}).get("Tags", {})


def pause(cloud: Cloud, settings: Settings) -> None:
    """Let no more of it run, from now on; runs that go on end as they would.

    New events are not tried: with `reliable=True` Lambda puts them into the queue of
    failed events at once, for `replay`; without, it drops them, and `backfill` makes
    the thumbnails that are missing. With `queue=True` uploads wait in their queue, and
    one that was taken out in vain too often is kept as a failed event.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html

    Raises:
        DeployError: there is no such function.
        ForeignResourceError: a function of that name is not ours.
    """
    if _find(cloud, settings) is None:
        raise DeployError(
            "there is no such function, so nothing runs",
            where=f"function {settings.function_name}",
            todo="`python -m deploy status` shows what there is.",
        )
    cloud.awslambda.put_function_concurrency(
        FunctionName=settings.function_name, ReservedConcurrentExecutions=0
    )


def resume(cloud: Cloud, settings: Settings) -> bool:
    """Lift `pause`; True if there was something to lift."""
    found = _find(cloud, settings)
    if found is None or not is_paused(found):
        return False
    cloud.awslambda.delete_function_concurrency(FunctionName=settings.function_name)
    return True


def is_paused(found: dict[str, Any]) -> bool:
    """Tell whether a described function may not run at all."""
    return found["ReservedConcurrentExecutions"] == 0


def _check_handler(handler: str, files: dict[str, bytes]) -> None:
    """Look for the handler in the source, not by importing it: that would run it."""
    module, _, attribute = handler.rpartition(".")
    inside = module.replace(".", "/") + ".py"
    todo = "Lambda would answer Runtime.ImportModuleError at the first upload; "
    if inside not in files:
        raise DeployError(
            f"the package has no file {inside}, which the handler {handler!r} names"
            if module
            else f"the handler {handler!r} names no module",
            where="Settings.handler",
            todo=todo + "write it as package.module.function.",
        )
    if attribute not in top_level_names(files[inside], inside):
        raise DeployError(
            f"{inside} defines no {attribute}, which the handler {handler!r} names",
            where="Settings.handler",
            todo=todo + "name a function that the module defines.",
        )


def check_source(settings: Settings, root: Path = ROOT) -> None:
    """Read all of the handler's package as Python would, before anything is made.

    Raises:
        DeployError: a file of it is no Python; says which, and in which line.
    """
    for path in sorted((root / settings.handler.split(".")[0]).rglob("*.py")):
        top_level_names(path.read_bytes(), path.relative_to(root).as_posix())
    package(settings, root)


@lru_cache
def top_level_names(source: str | bytes, file: str) -> frozenset[str]:
    """List what a module defines at its top, without running it.

    Raises:
        DeployError: it is no Python.
    """
    names: set[str] = set()
    waiting: list[ast.AST] = [_parsed(source, file)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)  # what stands inside is not at the top
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        else:
            waiting += ast.iter_child_nodes(node)
    return frozenset(names)


def _parsed(source: str | bytes, file: str) -> ast.Module:
    try:
        with _PARSER:
            return ast.parse(source, file)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise DeployError(
            f"it is no Python ({getattr(error, 'msg', error)})",
            where=f"{file}, line {line}" if line else file,
            todo="Mend it: Lambda would answer Runtime.UserCodeSyntaxError.",
        ) from error


def _layer_arn(cloud: Cloud, settings: Settings, missing: str | None = None) -> str:
    from deploy.steps import layer  # fetches wheels; not needed to zip a handler

    found = layer.describe(cloud, settings)
    if found is not None:
        return found.arn
    if missing is not None:
        return missing
    raise DeployError(
        f"the layer {settings.layer_name} is not published, and without it the "
        "function has no Pillow",
        where=f"function {settings.function_name}",
        todo="Build the layer first (step 04).",
    )


def _get(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    get_function, name = cloud.awslambda.get_function, settings.function_name
    return if_there(get_function, NO_RESOURCE, FunctionName=name)


def _find(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    """Get the function's configuration if it is ours: tagged as it was made."""
    answer = _get(cloud, settings)
    if answer is None:
        return None
    owned = answer.get("Tags", {})
    owner.require_ours(owned, settings, f"function {settings.function_name}")
    reserved = answer.get("Concurrency", {}).get("ReservedConcurrentExecutions")
    return answer["Configuration"] | {"ReservedConcurrentExecutions": reserved}


def _patiently(cloud: Cloud, settings: Settings, call: Any) -> None:
    """Call, and call again while IAM has not yet told Lambda of the role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
    """
    retry(
        call,
        message="cannot be assumed by Lambda",
        before=lambda error: _check_trust(cloud, settings),
        after=lambda error: NotReadyError(
            "Lambda still cannot assume the role, though its trust policy is right",
            where=f"role {settings.role_name}",
            todo="IAM takes a while at times: run the same step again in a minute.",
        ),
    )


def _check_trust(cloud: Cloud, settings: Settings) -> None:
    """Raise when waiting will not help: no role, or one that does not trust Lambda."""
    found = role.describe(cloud, settings)
    trust = found.trust if found else {}
    if trust is None:  # a given role that we may not read
        return
    if not policies.trusts(trust, policies.LAMBDA):
        raise DeployError(
            "there is no such role"
            if found is None
            else "its trust policy does not let lambda.amazonaws.com assume it",
            where=f"role {settings.role_name}",
            todo="Build the role again (step 03).",
        )


def _wait(cloud: Cloud, settings: Settings, waiter: str) -> None:
    try:
        cloud.awslambda.get_waiter(waiter).wait(FunctionName=settings.function_name)
    except WaiterError as error:
        last = error.last_response.get("Configuration", {})
        reason = last.get("StateReason") or last.get("LastUpdateStatusReason") or error
        raise NotReadyError(
            f"Lambda did not finish ({reason})",
            where=f"function {settings.function_name}",
            todo="Run the same step again; if it says this twice, delete the function.",
        ) from error


def _differences(
    cloud: Cloud,
    settings: Settings,
    found: dict[str, Any],
    wanted: dict[str, Any],
    ours: bytes,
) -> dict[str, tuple[Any, Any]]:
    """Compare the function with its settings: field → (is, should be)."""
    is_now = dict(found)
    is_now["Layers"] = [layer["Arn"] for layer in found.get("Layers", [])]
    variables = found.get("Environment", {}).get("Variables", {})
    is_now["Environment"] = {"Variables": variables}
    logging = LOGGING | found.get("LoggingConfig", {})  # Text where nothing is said
    is_now["LoggingConfig"] = {name: logging[name] for name in LOGGING}
    digest = is_now.get("CodeSha256", "")
    same_code = runs_our_code(cloud, settings, digest, ours)
    should = wanted | {
        "Architectures": [settings.architecture],
        "CodeSha256": digest if same_code else code_sha256(ours),
    }
    return {
        field: (is_now.get(field), value)
        for field, value in should.items()
        if is_now.get(field) != value
    }


def log_group(cloud: Cloud, settings: Settings) -> dict[str, Any] | None:
    """Get the function's log group as CloudWatch describes it; None for none."""
    answer = cloud.logs.describe_log_groups(logGroupNamePrefix=settings.log_group)
    groups = {group["logGroupName"]: group for group in answer["logGroups"]}
    return groups.get(settings.log_group)


def _ensure_log_group(cloud: Cloud, settings: Settings) -> None:
    """Make the log group ourselves: Lambda's own would keep its lines for ever."""
    group = log_group(cloud, settings)
    if group is None:
        with already("ResourceAlreadyExistsException"):
            cloud.logs.create_log_group(
                logGroupName=settings.log_group, tags=settings.tags
            )
    if group and group.get("retentionPolicyName"):
        return  # the account's own outweighs ours
    if group is None or group.get("retentionInDays") != settings.log_retention_days:
        cloud.logs.put_retention_policy(
            logGroupName=settings.log_group, retentionInDays=settings.log_retention_days
        )
