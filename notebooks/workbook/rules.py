"""Which of the bucket's rules an upload's name matches, and which comes nearest."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from deploy.cloud import Cloud
from deploy.settings import Settings


@dataclass(frozen=True)
class Rule:
    """A notification rule that starts our function, as far as names go."""

    prefix: str
    suffix: str

    def matches(self, key: str) -> bool:
        """Tell whether an upload of this name starts the function."""
        return key.startswith(self.prefix) and key.endswith(self.suffix)

    def __str__(self) -> str:
        """Write the rule as one would say it."""
        return f"{self.prefix}*{self.suffix}" if self.prefix else self.suffix or "*"


def rules(cloud: Cloud, settings: Settings) -> list[Rule]:
    """Ask the source bucket for its rules that start our function."""
    try:
        answer = cloud.s3.get_bucket_notification_configuration(
            Bucket=settings.source_bucket
        )
    except ClientError as error:
        if error.response["Error"].get("Code") == "NoSuchBucket":
            return []
        raise
    return [
        _rule(configuration)
        for configuration in answer.get("LambdaFunctionConfigurations", [])
        if configuration["LambdaFunctionArn"] == settings.function_arn
    ]


def unmatched(key: str, present: list[Rule]) -> str | None:
    """Say why an upload of this name starts nothing; None when a rule matches."""
    if any(rule.matches(key) for rule in present):
        return None
    if not present:
        return f"{key}: the bucket has no rule yet (06_trigger), so nothing happens."
    return (
        f"{key}: no rule matches; nearest is {nearest(key, present)}. "
        "Suffixes are case-sensitive; nothing happens."
    )


def nearest(key: str, present: list[Rule]) -> Rule:
    """Find the rule whose suffix looks most like the name's own."""
    suffix = PurePosixPath(key).suffix.lower()
    close = difflib.get_close_matches(suffix, [r.suffix for r in present], 1, 0)
    return next(rule for rule in present if rule.suffix == close[0])


def _rule(configuration: dict[str, Any]) -> Rule:
    filters = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    values = {part["Name"].lower(): part.get("Value", "") for part in filters}
    return Rule(values.get("prefix", ""), values.get("suffix", ""))
