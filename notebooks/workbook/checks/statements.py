"""What a statement of a policy says, and whether it says more than it should."""

from __future__ import annotations

from typing import Any

from deploy.policies import listed, matches

VERSION = "2012-10-17"


def old_version(document: dict[str, Any]) -> str:
    """Say that a policy is not of the version that every policy of today has.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
    """
    version = document.get("Version")
    if version == VERSION:
        return ""
    return f'Its Version is {version or "left out"} and should be "{VERSION}".'


def in_words(statement: dict[str, Any]) -> str:
    """Write a statement as one says it: "s3:GetObject on arn:…", "Deny s3:* on …"."""
    actions = listed(statement.get("Action", statement.get("NotAction", "?")))
    resources = listed(statement.get("Resource", statement.get("NotResource", "?")))
    effect = "" if statement.get("Effect") == "Allow" else f"{statement['Effect']} "
    but = "all but " if "NotAction" in statement else ""
    return f"{effect}{but}{' and '.join(actions)} on {' and '.join(resources)}"


def is_within(statement: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Tell whether a statement allows what is wanted, or a part of it, and no more."""
    if not {"Action", "Resource"} <= statement.keys():
        return False
    actions, resources = listed(statement["Action"]), listed(statement["Resource"])
    wide = [action for action in actions if action != wanted["Action"]]
    return not wide and all(matches(wanted["Resource"], each) for each in resources)
