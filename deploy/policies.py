"""Write policy documents, and read them as IAM does: may this caller do this to that?

A denial anywhere wins, then any statement that allows; with neither it is refused. This
reads the documents it is given (`Action`, `Resource`, `Principal`, their `Not…` forms,
and conditions on texts, ARNs and booleans), so it says what a role's or a bucket's own
policy does, and not what a service control policy or a boundary takes away.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any] | str
Statement = dict[str, Any]
#: Who takes a function's role.
LAMBDA = "lambda.amazonaws.com"


@dataclass(frozen=True)
class Decision:
    """Whether a call is allowed, and the statement that decided it.

    Attributes:
        statement: the one that allowed or denied; None when no statement speaks of it.
        near: statements that allow the action, but on another resource or to another
            caller, or under a condition that is not met.
    """

    allowed: bool
    statement: Statement | None = None
    near: tuple[Statement, ...] = ()

    def __bool__(self) -> bool:
        """Be true when the call is allowed."""
        return self.allowed

    @property
    def denied(self) -> bool:
        """Whether a statement says no, which no other statement can outweigh."""
        return not self.allowed and self.statement is not None


def document(*statements: Statement) -> dict[str, Any]:
    """Write a policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(
    action: str | list[str],
    resource: str | list[str] = "",
    *,
    sid: str = "",
    principal: str | Mapping[str, str] = "",
    condition: Mapping[str, Any] | None = None,
    effect: str = "Allow",
) -> Statement:
    """Write a statement; a trust policy's has no resource."""
    fields = {
        "Sid": sid,
        "Effect": effect,
        "Principal": principal,
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
    return {name: value for name, value in fields.items() if value}


def allowed(
    documents: Document | Iterable[Document],
    action: str,
    resource: str,
    *,
    principal: Mapping[str, str] | None = None,
    context: Mapping[str, str] | None = None,
    trusting: bool = False,
) -> Decision:
    """Decide whether policies allow an action ("s3:GetObject") on a resource's ARN.

    Args:
        documents: policy documents, as JSON or read already.
        action: as in "s3:GetObject".
        resource: the full ARN, an object's with its key.
        principal: who calls, for policies of resources: {"Service": "s3.amazonaws.com"}
            or {"AWS": arn}; left out, statements are read as a role's own.
        context: condition keys in lower case, as in {"aws:sourcearn": "arn:…"}.
        trusting: take a condition that cannot be judged from here as met.
    """
    if isinstance(documents, str | Mapping):
        documents = [documents]
    yes: Statement | None = None
    near: list[Statement] = []
    for statement in (found for policy in documents for found in statements(policy)):
        if not _speaks_of(statement, "Action", action, fold=True):
            continue
        fits = (
            _speaks_of(statement, "Resource", resource)
            and (principal is None or _names(statement, principal))
            and _met(statement, context or {}, trusting)
        )
        if statement["Effect"] == "Deny":
            if fits:
                return Decision(False, statement)
        elif fits:
            yes = yes or statement
        else:
            near.append(statement)
    return Decision(yes is not None, yes, tuple(near))


def trusts(document: Document, service: str) -> bool:
    """Tell whether a trust policy lets a service ("lambda.amazonaws.com") in.

    Its conditions, on who makes the service do so, are taken as met.
    """
    who = {"Service": service}
    return bool(allowed(document, "sts:AssumeRole", "", principal=who, trusting=True))


def is_for_anyone(statement: Statement) -> bool:
    """Tell whether a statement is about everybody, or about all but a few."""
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        principal = principal.get("AWS", [])
    return "NotPrincipal" in statement or "*" in listed(principal)


def conditions(statement: Statement) -> Iterator[tuple[str, str]]:
    """Yield a statement's conditions as (key in lower case, value), whatever compares.

    Lambda and IAM write "aws:SourceArn" in different cases; keys have none.
    """
    for pairs in statement.get("Condition", {}).values():
        for key, values in pairs.items():
            for value in listed(values):
                yield key.lower(), str(value)


def statements(document: Document) -> list[Statement]:
    """List a policy's statements; [] where it is no policy (the call will say so)."""
    found = read(document).get("Statement", [])
    return [part for part in listed(found) if _is_statement(part)]


def read(document: Document) -> dict[str, Any]:
    """Read a policy as it is stored; {} where it is no JSON object."""
    try:
        found = json.loads(document) if isinstance(document, str) else document
    except (ValueError, RecursionError):
        return {}
    return dict(found) if isinstance(found, Mapping) else {}


def of_role(ask: Callable[..., Any], iam: Any, role: str) -> Iterator[Document]:
    """Read every policy of a role: those inside it, and those attached to it.

    Args:
        ask: calls a method of the client's; what answers {} is passed over.
        iam: the client.
        role: its name.
    """
    for name in ask(iam.list_role_policies, RoleName=role).get("PolicyNames", []):
        inside = ask(iam.get_role_policy, RoleName=role, PolicyName=name)
        yield inside.get("PolicyDocument", {})
    attached = ask(iam.list_attached_role_policies, RoleName=role)
    for arn in (each["PolicyArn"] for each in attached.get("AttachedPolicies", [])):
        if policy := ask(iam.get_policy, PolicyArn=arn).get("Policy"):
            version = {"PolicyArn": arn, "VersionId": policy["DefaultVersionId"]}
            found = ask(iam.get_policy_version, **version)
            yield found.get("PolicyVersion", {}).get("Document", {})


def _is_statement(part: Any) -> bool:
    """Tell whether a statement has the types that the grammar asks for."""
    if not isinstance(part, dict) or part.get("Effect") not in ("Allow", "Deny"):
        return False
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if not all(isinstance(text, str) for text in listed(part.get(name, []))):
            return False
    for name in ("Principal", "NotPrincipal"):
        if not isinstance(part.get(name, {}), str | Mapping):
            return False
    condition = part.get("Condition", {})
    return isinstance(condition, Mapping) and all(
        isinstance(pairs, Mapping) for pairs in condition.values()
    )


def matches(pattern: str, text: str) -> bool:
    """Compare as IAM does: * for any characters, ? for one, the rest as it stands."""
    # What is between two stars is looked for once and never again (fnmatch's atomic
    # groups), so that a hostile policy cannot make this slow.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def listed(value: Any) -> list[Any]:
    """Return a list, also of what the grammar lets stand alone."""
    return value if isinstance(value, list) else [value]


def _speaks_of(statement: Statement, part: str, text: str, fold: bool = False) -> bool:
    """Tell whether Action or Resource (or its Not… form) covers this one."""
    wanted = text.lower() if fold else text

    def among(patterns: Any) -> bool:
        return any(
            matches(pattern.lower() if fold else pattern, wanted)
            for pattern in listed(patterns)
        )

    if f"Not{part}" in statement:
        return not among(statement[f"Not{part}"])
    # A trust policy names no resource: it is about the role that it hangs on.
    return among(statement.get(part, "*" if part == "Resource" else []))


def _names(statement: Statement, principal: Mapping[str, str]) -> bool:
    """Tell whether the Principal (or NotPrincipal) is who calls."""
    negated = "NotPrincipal" in statement
    named = statement.get("NotPrincipal" if negated else "Principal", {})
    if isinstance(named, str):  # only "*" may stand alone
        named = dict.fromkeys(principal, named) | {"AWS": named}
    found = any(
        name == "*" or name == who or (kind == "AWS" and name == _account_of(who))
        for kind, who in principal.items()
        for name in listed(named.get(kind, []))
    )
    return found is not negated


def _account_of(arn: str) -> str:
    """Return what a bucket policy may write for everyone of an account."""
    parts = arn.split(":")
    return f"arn:{parts[1]}:iam::{parts[4]}:root" if len(parts) > 5 else arn


_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, is_now: wanted == is_now,
    "StringEqualsIgnoreCase": lambda wanted, is_now: wanted.lower() == is_now.lower(),
    "StringLike": matches,
    "ArnEquals": matches,  # both forms take wildcards, and mean the same
    "ArnLike": matches,
    "Bool": lambda wanted, is_now: wanted.lower() == is_now.lower(),
}


def _met(statement: Statement, context: Mapping[str, str], trusting: bool) -> bool:
    """Judge a statement's conditions; one that we cannot judge is met if trusting."""
    verdicts = [
        _compared(operator, listed(values), context.get(key.lower()))
        for operator, pairs in statement.get("Condition", {}).items()
        for key, values in pairs.items()
    ]
    return all(trusting if verdict is None else verdict for verdict in verdicts)


def _compared(operator: str, wanted: list[Any], is_now: str | None) -> bool | None:
    name = operator.removesuffix("IfExists")
    negated = name.replace("Not", "", 1) in _COMPARE and "Not" in name
    compare = _COMPARE.get(name.replace("Not", "", 1) if negated else name)
    if compare is None or is_now is None:
        return None
    # IAM writes true as "true"; JSON's own true is taken, too.
    texts = [str(v).lower() if isinstance(v, bool) else str(v) for v in wanted]
    return any(compare(text, is_now) for text in texts) is not negated
