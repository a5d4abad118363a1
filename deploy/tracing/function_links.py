"""The function's parts: its configuration and handler, its layer, its role."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from deploy import policies, runtimes
from deploy.errors import DeployError
from deploy.steps import function, role
from deploy.steps.layer.publish import IDENTITY
from deploy.tracing.facts import Facts
from deploy.tracing.link import NOT_REACHED, Answer, Link, amber, ask, green, red
from deploy.zips import fetch_zip

_A_MOMENT = "Trace again in a minute: Lambda is still making it ready."
_REBUILD = "Build the function again (05_function), then upload again."
_MARKS = {"x86_64": ("x86_64", "amd64"), "arm64": ("aarch64", "arm64")}


def the_function(facts: Facts) -> Link:
    """Is the function there, active, and is its handler in its code?"""
    found, name = facts.function, facts.settings.function_name
    if not found:
        gone = found.code == "ResourceNotFoundException"
        finding = f"There is no function {name}." if gone else "Could not look."
        cure = "Build the function (05_function), then upload again."
        return (red if gone else amber)(finding, found.quoted(), cure)
    is_now = facts.configuration
    for finding, quoted, cure in _faults_of(facts, is_now):
        return red(finding, found.quoted(quoted), cure)
    quoted = found.quoted(
        f"State {is_now.get('State', 'Active')}, Handler {is_now['Handler']}, "
        f"{is_now['MemorySize']} MB, {is_now['Timeout']} s"
    )
    if is_now["Runtime"] in runtimes.RETIRED:
        finding = f"It is active, and its runtime {is_now['Runtime']} is retired."
        cure = "Choose a current one in Settings.runtime (05_function)."
        return amber(finding, quoted, cure)
    return green("It is active, and has its handler.", quoted)


def _faults_of(facts: Facts, is_now: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong: a sentence, the field it stands in, and the cure."""
    state = is_now.get("State") or "Active"
    if state not in ("Active", "Inactive"):  # an inactive one wakes at its next event
        why = (is_now.get("StateReason") or "no reason given").rstrip(".")
        cure = _A_MOMENT if state == "Pending" else _REBUILD
        yield f"It is {state.lower()}: {why}.", f"State {state}", cure
    if is_now.get("LastUpdateStatus") == "Failed":
        why = (is_now.get("LastUpdateStatusReason") or "no reason given").rstrip(".")
        yield f"Its last update failed: {why}.", "LastUpdateStatus Failed", _REBUILD
    variables = is_now.get("Environment", {}).get("Variables", {})
    target = variables.get("TARGET_BUCKET")
    if not target:
        finding = "It does not know where thumbnails go: TARGET_BUCKET is not set."
        yield finding, f"Environment: {', '.join(variables) or 'empty'}", _REBUILD
    if target == facts.settings.source_bucket:
        yield (
            "Its TARGET_BUCKET is the source bucket. Each thumbnail would start it "
            "again, so the handler refuses every upload.",
            f"TARGET_BUCKET {target}",
            _REBUILD,
        )
    if missing := _missing_handler(facts, is_now):
        yield missing, f"Handler {is_now['Handler']}", _REBUILD


def _missing_handler(facts: Facts, is_now: dict[str, Any]) -> str:
    """Look for the handler in the code that was deployed, without running it."""
    archive = _code(facts, is_now)
    if archive is None:
        return ""
    module, _, attribute = is_now["Handler"].rpartition(".")
    inside = module.replace(".", "/") + ".py"
    if inside not in archive.namelist():
        return f"Its code has no file {inside}, which its handler names."
    try:
        names = function.top_level_names(archive.read(inside), inside)
    except DeployError as error:
        return f"Its code is broken: {error.where}: {error.what}."
    if attribute not in names:
        return f"{inside} in its code defines no {attribute}, which its handler names."
    return ""


def _code(facts: Facts, is_now: dict[str, Any]) -> zipfile.ZipFile | None:
    """Open the deployed code: ours where the hash says so, else Lambda's copy."""
    try:
        ours = function.package(facts.settings)
    except DeployError:  # what stands in this folder cannot be what was deployed
        ours = b""
    if function.code_sha256(ours) == is_now.get("CodeSha256"):
        return zipfile.ZipFile(io.BytesIO(ours))
    return fetch_zip(facts.function.get("Code", {}).get("Location", ""))


def the_layer(facts: Facts) -> Link:
    """Has the function a layer, and one whose Pillow it can load?"""
    if not facts.function:
        return NOT_REACHED
    is_now = facts.configuration
    arns = [one["Arn"] for one in is_now.get("Layers", [])]
    if not arns:
        return _no_layer(facts, is_now)
    warning = None
    for arn in arns:
        answer = _version(facts, arn)
        if not answer:
            warning = warning or amber(
                f"Version {arn.split(':')[-1]} of the layer was deleted; the function "
                "keeps its copy until it is changed.",
                answer.quoted(),
                "Publish the layer again (04_layer) and attach it (05_function).",
            )
        elif misfit := _misfit(answer, is_now):
            return red(
                misfit,
                answer.quoted(_lists(answer)),
                f"Attach the layer for {is_now['Runtime']} on "
                f"{_architecture(is_now)} (05_function), or publish one where there is "
                "none (04_layer), and upload again.",
            )
    finding = f"{', '.join(arn.split(':layer:')[-1] for arn in arns)} fits."
    return warning or green(finding, answer.quoted(_lists(answer)))


def _no_layer(facts: Facts, is_now: dict[str, Any]) -> Link:
    quoted = facts.function.quoted("Layers: none")
    archive = _code(facts, is_now)
    if archive and any(name.startswith("PIL/") for name in archive.namelist()):
        return green("It has none; Pillow is in its code.", quoted)
    return red(
        "The function has no layer, so `import PIL` fails: No module named 'PIL'.",
        quoted,
        "Attach the layer (05_function; 04_layer publishes it), then upload again.",
    )


def _version(facts: Facts, arn: str) -> Answer:
    name, _, version = arn.rpartition(":")
    if facts.settings.account in name:  # of another account it takes the whole ARN
        name = name.split(":layer:")[-1]
    layer = {"LayerName": name, "VersionNumber": int(version)}
    return ask(facts.cloud.awslambda.get_layer_version, **layer)


def _architecture(is_now: dict[str, Any]) -> str:
    return (is_now.get("Architectures") or ["x86_64"])[0]


def _lists(answer: Answer) -> str:
    """Quote what the layer says that it is for."""
    fields = ("CompatibleRuntimes", "CompatibleArchitectures")
    return "; ".join(f"{name}: {', '.join(answer.get(name) or [])}" for name in fields)


def _misfit(answer: Answer, is_now: dict[str, Any]) -> str:
    """Say what does not fit: the lists, or else the extension modules themselves.

    Lambda compares neither. A layer that was published by this package was looked into
    before, and says so by its identity.
    """
    runtime, architecture = is_now["Runtime"], _architecture(is_now)
    for field, wanted, runs in (
        ("CompatibleArchitectures", architecture, "runs on"),
        ("CompatibleRuntimes", runtime, "runs"),
    ):
        listed = answer.get(field) or [wanted]
        if wanted not in listed:
            return (
                f"The layer is for {', '.join(listed)}, and the function {runs} "
                f"{wanted}: Pillow's _imaging cannot be loaded."
            )
    if IDENTITY.search(answer.get("Description", "")):
        return ""
    archive = fetch_zip(answer.get("Content", {}).get("Location", ""))
    return modules_misfit(archive.namelist(), runtime, architecture) if archive else ""


def modules_misfit(names: list[str], runtime: str, architecture: str) -> str:
    """Say why Python would not find Pillow's extension module among these files."""
    found = [name for name in names if "PIL/_imaging." in name]
    if not found:
        return ""  # a layer with something else in it
    file = found[0].rpartition("/")[2]
    python = re.search(r"cp(?:ython-)?(\d+)", file)
    if python and python[1] != runtime.removeprefix("python").replace(".", ""):
        return f"Its {file} is for another Python than {runtime}."
    if "linux" in file and not any(mark in file for mark in _MARKS[architecture]):
        return f"Its {file} is for another processor than {architecture}."
    return ""


def the_role(facts: Facts) -> Link:
    """May the function read the picture, write the thumbnail, and write its log?"""
    if not facts.function:
        return NOT_REACHED
    name = facts.configuration["Role"].rpartition("/")[2]
    answer = ask(facts.cloud.iam.get_role, RoleName=name)
    if not answer:
        gone = answer.code == "NoSuchEntity"
        finding = f"Its role {name} was deleted." if gone else "Could not look."
        cure = "Build the role again (03_role), then upload again."
        return (red if gone else amber)(finding, answer.quoted(), cure)
    trust = answer["Role"]["AssumeRolePolicyDocument"]
    if not policies.trusts(trust, policies.LAMBDA):
        return red(
            f"The role {name} does not trust Lambda, so the function cannot take it.",
            answer.quoted(json.dumps(trust)),
            "Build the role again (03_role), then upload again.",
        )
    return _permitted(facts, name)


def _permitted(facts: Facts, name: str) -> Link:
    documents = list(policies.of_role(ask, facts.cloud.iam, name))
    arn = facts.configuration["Role"]
    for needed, action, bucket, key in _needed(facts):
        resource = facts.settings.arns.bucket(bucket, key)
        decision = policies.allowed(documents, action, resource)
        of_bucket = ask(facts.cloud.s3.get_bucket_policy, Bucket=bucket)
        theirs = policies.allowed(
            of_bucket.get("Policy", "{}"), action, resource, principal={"AWS": arn}
        )
        if decision.denied or theirs.denied or not (decision or theirs):
            broken = _refused(name, action, resource, decision, theirs)
            return broken if needed else broken.as_state("amber")
    stream = f"log-group:{facts.settings.log_group}:log-stream:x"
    group = facts.settings.arns.of("logs", stream)
    if not policies.allowed(documents, "logs:PutLogEvents", group):
        return amber(
            f"The role {name} may read and write pictures, and not write its log.",
            "ListAttachedRolePolicies → no statement allows logs:PutLogEvents",
            f"Attach {role.BASIC_EXECUTION.rpartition('/')[2]} (03_role).",
        )
    count = sum(len(policies.statements(document)) for document in documents)
    quoted = f"GetRolePolicy → {count} statements, read as IAM does"
    return green("It may read the source and write the target.", quoted)


def _needed(facts: Facts) -> Iterator[tuple[bool, str, str, str]]:
    """Yield what the handler calls: is it always needed, action, bucket and key."""
    source, target = facts.settings.source_bucket, facts.target_bucket
    yield True, "s3:GetObject", source, facts.key
    yield True, "s3:PutObject", target, facts.target_key
    if facts.variables.get("ORDERED") == "true":
        if facts.object.get("VersionId", "null") != "null":
            yield True, "s3:GetObjectVersion", source, facts.key
        yield False, "s3:GetObject", target, facts.target_key
        yield False, "s3:ListBucket", source, ""


def _refused(
    name: str,
    action: str,
    resource: str,
    decision: policies.Decision,
    theirs: policies.Decision,
) -> Link:
    """Say which statement is missing, or which one denies."""
    denied = decision if decision.denied else theirs
    of_bucket, _, key = resource.partition("/")
    bucket = of_bucket.rpartition(":")[2]
    if denied.denied:
        finding = f"A statement denies {action} on {bucket} to the role {name}."
        quoted = json.dumps(denied.statement)
        cure = "Take that statement away (03_role), then upload again."
        return red(finding, f"GetRolePolicy → {quoted}", cure)
    missing = policies.statement(action, f"{of_bucket}/*" if key else of_bucket)
    finding = f"The role {name} may not {action} on {bucket}."
    quoted = f"no statement allows {action}"
    if decision.near:
        nearest = decision.near[0].get("Resource")
        quoted = f"{action} on {nearest}"
        if of_bucket in policies.listed(nearest):
            finding += (
                " The policy names the bucket, where its objects were meant (/*)."
            )
    return red(
        finding,
        f"GetRolePolicy → {quoted}",
        f"Add this statement (03_role), then upload again: {json.dumps(missing)}",
    )
