"""Check 3: who may take the role, and what it may do: two statements and the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deploy import policies, tags
from deploy.cloud import Cloud
from deploy.policies import listed
from deploy.settings import TAG, Settings
from deploy.steps import role
from deploy.waiting import NO_ENTITY, if_there
from workbook.checks import buckets
from workbook.checks.findings import Finding, judged, waiting
from workbook.checks.statements import in_words, is_within, old_version

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
    found = if_there(cloud.iam.get_role, NO_ENTITY, RoleName=name)
    yield judged(
        _NAMES[0],
        found is not None,
        f"There is no role {name}. Create it with `create_role` (03_role).",
    )
    if found is None:
        yield from waiting("the role", *_NAMES[1:])
        return
    yield judged(
        _NAMES[1],
        tags.read(found["Role"].get("Tags", [])).get(TAG) == settings.name,
        f"Its tag {TAG} should be {settings.name!r}. Tag it with `tag_role` (03_role).",
    )
    yield _trust(found["Role"]["AssumeRolePolicyDocument"])
    yield from _policies(cloud, settings)


def _trust(document: dict[str, Any]) -> Finding:
    (wanted,) = role.trust_policy()["Statement"]
    statements = [_normal(part) for part in policies.statements(document)]
    mend = old_version(document)
    if not policies.trusts(document, policies.LAMBDA):
        mend = "It does not let lambda.amazonaws.com do sts:AssumeRole."
    elif statements != [_normal(wanted)]:
        mend = "It lets in more than lambda.amazonaws.com."
    todo = " Put `trust` again with `update_assume_role_policy` (03_role)."
    return judged(_NAMES[2], not mend, mend + todo)


def _policies(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    for line, mend in zip(_NAMES[3:5], refusals(cloud, settings), strict=True):
        yield judged(line, not mend, f"{mend} Put it with `put_role_policy` (03_role).")
    extra = too_wide(cloud, settings)
    yield judged(
        _NAMES[5],
        not extra,
        f"Too wide: it also has {'; '.join(extra)}. Take that away with "
        "`put_role_policy`, `delete_role_policy` or `detach_role_policy` (03_role).",
    )
    yield judged(
        _NAMES[6],
        role.basic_execution(settings) in _attached(cloud, settings),
        f"Attach {role.basic_execution(settings)} with `attach_role_policy` "
        "(03_role), or no log line will ever be seen.",
    )


def refusals(cloud: Cloud, settings: Settings) -> list[str]:
    """Say why the role may not read, and not write; an empty text where it may."""
    read, write = role.thumbnails_policy(settings)["Statement"]
    documents = [*_inline(cloud, settings).values()]
    return [
        _refusal(documents, statement, settings)
        or _denial_of(cloud, settings, bucket, statement)
        for statement, bucket in (
            (read, settings.source_bucket),
            (write, settings.target_bucket),
        )
    ]


def too_wide(cloud: Cloud, settings: Settings) -> list[str]:
    """List what the role has beyond its two statements, its log and what `up` adds."""
    needed = role.thumbnails_policy(settings)["Statement"]
    # Those of up(reliable=True, queue=True, recipe=…) name each action, and are meant.
    further = (role.RELIABLE, role.QUEUE, role.RECIPE)
    extra = [
        in_words(statement)
        for name, document in _inline(cloud, settings).items()
        for statement in policies.statements(document)
        if statement["Effect"] == "Allow"
        and not (name in further and "*" not in str(statement.get("Action", "*")))
        and not any(is_within(statement, wanted) for wanted in needed)
    ]
    attached = _attached(cloud, settings)
    return extra + [arn for arn in attached if arn != role.basic_execution(settings)]


def _refusal(
    documents: list[dict[str, Any]], statement: dict[str, Any], settings: Settings
) -> str:
    """Say why policies do not allow what a statement is for; nothing when they do."""
    action, resource = statement["Action"], statement["Resource"]
    for suffix in settings.suffixes:
        key = resource.replace("*", f"any/photo{suffix}")
        decision = policies.allowed(documents, action, key)
        if decision.denied and decision.statement:
            return f"{in_words(decision.statement)}: a denial always wins."
        if not decision:
            near = "; ".join(map(in_words, decision.near))
            there = f" What is there: {near}." if near else ""
            return f"No statement allows {action} on {resource}.{there}"
        holding = [d for d in documents if decision.statement in policies.statements(d)]
        if old := old_version(holding[0]):
            return old
    return ""


def _denial_of(
    cloud: Cloud, settings: Settings, bucket: str, statement: dict[str, Any]
) -> str:
    """Say that the bucket's own policy denies what the role may do."""
    document = buckets.policy(cloud, bucket, "NoSuchBucket", "AccessDenied")
    key = statement["Resource"].replace("*", "photo.jpg")
    who = {"AWS": settings.role_arn}
    decision = policies.allowed(document, statement["Action"], key, principal=who)
    if not decision.denied or not decision.statement:
        return ""
    words = in_words(decision.statement)
    return f"The policy of {bucket} has {words}: take it out (02_buckets)."


def _inline(cloud: Cloud, settings: Settings) -> dict[str, dict[str, Any]]:
    """Read every inline policy, by name; none where there is no role."""
    names = if_there(lambda: role.inside(cloud, settings), NO_ENTITY) or []
    return {name: role.policy(cloud, settings, name) or {} for name in names}


def _attached(cloud: Cloud, settings: Settings) -> list[str]:
    return if_there(lambda: role.attached(cloud, settings), NO_ENTITY) or []


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
