"""Check 3: who may take the role, and what it may do: two statements and the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy import policies
from deploy.cloud import Cloud
from deploy.policies import listed
from deploy.settings import TAG, Settings
from deploy.steps import role
from workbook.checks.findings import Finding, answer, judged, waiting

_NAMES = (
    "the role exists",
    "the role carries our tag",
    "its trust policy lets Lambda in, and nobody else",
    "it may read the source",
    "it may write the target",
    "it may do nothing else",
    "it may write its log",
)


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at trust policy, inline policies and attached policies."""
    name = settings.role_name
    found = answer(lambda: cloud.iam.get_role(RoleName=name), "NoSuchEntity")
    yield judged(
        _NAMES[0],
        found is not None,
        f"There is no role {name}. Create it with `create_role` (03_role).",
    )
    if found is None:
        yield from waiting("the role", *_NAMES[1:])
        return
    tags = {tag["Key"]: tag["Value"] for tag in found["Role"].get("Tags", [])}
    yield judged(
        _NAMES[1],
        tags.get(TAG) == settings.name,
        f"Its tag {TAG} should be {settings.name!r}. Tag it with `tag_role` (03_role).",
    )
    yield _trust(found["Role"]["AssumeRolePolicyDocument"])
    yield from _policies(cloud, settings, name)


def _trust(document: dict[str, Any]) -> Finding:
    if not policies.trusts(document, policies.LAMBDA):
        mend = "It does not let lambda.amazonaws.com do sts:AssumeRole."
    else:
        mend = "It lets in more than lambda.amazonaws.com."
    statements = listed(document.get("Statement", []))
    (wanted,) = role.trust_policy()["Statement"]
    good = [_normal(one) for one in statements] == [_normal(wanted)]
    todo = " Put `trust_policy` again with `update_assume_role_policy` (03_role)."
    return judged(_NAMES[2], good, mend + todo)


def _policies(cloud: Cloud, settings: Settings, name: str) -> Iterator[Finding]:
    inline = _inline(cloud, name)
    wanted = role.thumbnails_policy(settings)["Statement"]
    allowed = [one for statements in inline.values() for one in statements]
    present = [_normal(one) for one in allowed]
    for line, statement in zip(_NAMES[3:5], wanted, strict=True):
        action, resource = statement["Action"], statement["Resource"]
        others = [_in_words(one) for one in allowed if action in listed(one["Action"])]
        near = f" What is there: {'; '.join(others)}." if others else ""
        yield judged(
            line,
            _normal(statement) in present,
            f"No statement allows {action} on {resource}.{near} Put it with "
            "`put_role_policy` (03_role).",
        )
    attached = cloud.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    arns = [policy["PolicyArn"] for policy in attached]
    # Those of up(reliable=True, queue=True, recipe=…) are steps further, and meant.
    further = (role.RELIABLE, role.QUEUE, role.RECIPE)
    extra = [
        _in_words(one)
        for policy, statements in inline.items()
        for one in statements
        if policy not in further and _normal(one) not in map(_normal, wanted)
    ]
    extra += [arn for arn in arns if arn != role.BASIC_EXECUTION]
    yield judged(
        _NAMES[5],
        not extra,
        f"It also has {'; '.join(extra)}. Take that away with `put_role_policy`, "
        "`delete_role_policy` or `detach_role_policy` (03_role).",
    )
    yield judged(
        _NAMES[6],
        role.BASIC_EXECUTION in arns,
        f"Attach {role.BASIC_EXECUTION} with `attach_role_policy` (03_role), or no log "
        "line will ever be seen.",
    )


def _inline(cloud: Cloud, name: str) -> dict[str, list[dict[str, Any]]]:
    """Read every inline policy's statements."""
    names = cloud.iam.list_role_policies(RoleName=name)["PolicyNames"]
    documents = {
        policy: cloud.iam.get_role_policy(RoleName=name, PolicyName=policy)
        for policy in names
    }
    return {
        policy: listed(found["PolicyDocument"].get("Statement", []))
        for policy, found in documents.items()
    }


def _normal(statement: dict[str, Any]) -> dict[str, Any]:
    """Write a statement one way, whatever it wrote bare or in a list, or called it."""
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        principal = {kind: sorted(listed(who)) for kind, who in principal.items()}
    lists = {
        key: sorted(listed(value))
        for key, value in statement.items()
        if key in ("Action", "NotAction", "Resource", "NotResource")
    }
    rest = {
        key: statement[key]
        for key in ("Effect", "Condition", "NotPrincipal")
        if key in statement
    }
    return lists | rest | ({"Principal": principal} if principal else {})


def _in_words(statement: dict[str, Any]) -> str:
    actions = listed(statement.get("Action", statement.get("NotAction", "?")))
    resources = listed(statement.get("Resource", "?"))
    effect = "" if statement.get("Effect") == "Allow" else f"{statement['Effect']} "
    return f"{effect}{' and '.join(actions)} on {' and '.join(resources)}"
