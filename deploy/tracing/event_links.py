"""The way in: the object, the rule, the event, its target, and the permission."""

from __future__ import annotations

import difflib
import json
import unicodedata
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from deploy import notifications, policies
from deploy.arns import of_call
from deploy.steps import trigger
from deploy.tracing.facts import Facts
from deploy.tracing.link import (
    BACKFILL,
    NOT_REACHED,
    Answer,
    Link,
    amber,
    ask,
    green,
    red,
)
from deploy.waiting import NO_BUCKET, NO_OBJECT, NO_RESOURCE


def the_object(facts: Facts) -> Link:
    """Is the picture in the source bucket, under this very name?"""
    head, bucket = facts.object, facts.settings.source_bucket
    if head:
        what = f"{head['ContentLength']:,} bytes, {head['LastModified']:%H:%M:%S} UTC"
        return green(f"It is in {bucket}.", head.quoted(f"{what}, ETag {head['ETag']}"))
    if head.code not in (*NO_OBJECT, *NO_BUCKET):
        return amber("Could not look.", head.quoted(), "Try again.")
    return _missing_object(facts, head)


def _missing_object(facts: Facts, head: Answer) -> Link:
    """Say whether the bucket, the name or the object itself is what is not there."""
    s3, bucket, key = facts.cloud.s3, facts.settings.source_bucket, facts.key
    versions = ask(s3.list_object_versions, Bucket=bucket, Prefix=key)
    if versions.code == "NoSuchBucket":
        return red(
            f"There is no bucket {bucket}.",
            versions.quoted(),
            "Build the buckets (02_buckets), then upload again.",
        )
    markers = [m for m in versions.get("DeleteMarkers", []) if m["Key"] == key]
    if any(marker["IsLatest"] for marker in markers):
        when = f"{markers[0]['LastModified']:%Y-%m-%d %H:%M:%S} UTC"
        return red(
            "It was deleted: its latest version is a delete marker.",
            versions.quoted(f"a delete marker of {when}"),
            "Upload it again, or delete the marker: the version before it comes back.",
        )
    present = [one["Key"] for one in _listed(facts).get("Contents", [])]
    near = similar(key, present)
    nearest = f" Nearest: {', '.join(map(repr, near))}." if near else ""
    why = f" {_why(key, near[0])}" if near else ""
    return red(
        f"There is no object of this name in {bucket}.{nearest}{why}",
        head.quoted(),
        f"Trace {near[0]!r} instead." if near else "Upload it (07_watch).",
    )


def _listed(facts: Facts) -> Answer:
    bucket, folder = facts.settings.source_bucket, facts.key.rpartition("/")[0]
    s3 = facts.cloud.s3
    found = ask(s3.list_objects_v2, Bucket=bucket, Prefix=folder and f"{folder}/")
    return found if found.get("Contents") else ask(s3.list_objects_v2, Bucket=bucket)


def similar(key: str, present: list[str]) -> list[str]:
    """Find names that were probably meant, the surest first; three at most."""
    alike = [name for name in present if _folded(name) == _folded(key)]
    close = difflib.get_close_matches(key, present, 3, 0.75)
    return list(dict.fromkeys([*alike, *close]))[:3]


def _folded(key: str) -> str:
    """Reduce a name to what stays when case, encoding and Unicode form are ignored."""
    return unicodedata.normalize("NFC", unquote_plus(key)).casefold()


def _why(key: str, other: str) -> str:
    if other in (unquote_plus(key), quote_plus(key, "/")):
        return "One is form-encoded, as in an event."
    if unicodedata.normalize("NFC", key) == unicodedata.normalize("NFC", other):
        return "They look alike, and differ in their Unicode form (NFC, NFD)."
    return "Case counts." if key.casefold() == other.casefold() else ""


def the_rule(facts: Facts) -> Link:
    """Does one of the bucket's rules match the name?"""
    answer = facts.notification
    if not answer and answer.code != "NoSuchBucket":
        return amber("Could not look.", answer.quoted(), "Try again.")
    quoted = answer.quoted(_in_words(facts.every_rule) if answer else "")
    if facts.matching:
        return green(f"A rule for {facts.matching[0]} matches the name.", quoted)
    if not facts.every_rule:
        finding = "The bucket has no rule, so nothing starts the function."
        cure = "Make the trigger (06_trigger), then upload again."
        return red(finding, quoted, cure)
    near = notifications.nearest(facts.key, facts.every_rule)
    return red(
        f"No rule matches the name; the nearest is {near}. Prefixes and suffixes are "
        "case-sensitive.",
        quoted,
        f"Upload it under a name for {near}, or add its suffix to Settings.suffixes "
        "and build the trigger again (06_trigger).",
    )


def _in_words(every: list[notifications.Rule]) -> str:
    names = ", ".join(f"{rule} → {rule.target.split(':')[-1]}" for rule in every)
    return names or "no rules"


def the_event(facts: Facts) -> Link:
    """Is the rule for the kind of event that this upload was?"""
    if not facts.matching or not facts.object:
        return NOT_REACHED
    listed = sorted({event for rule in facts.matching for event in rule.events})
    quoted = f"ETag {facts.object['ETag']}; Events: {', '.join(map(_short, listed))}"
    quoted = f"{facts.object.call}, {facts.notification.call} → {quoted}"
    missed = notifications.left_out(facts.events, facts.matching)
    how = _HOW.get(facts.events[0], "uploaded in one piece")
    if not missed:
        return green(f"It was {how}, and the rule is for each way to do so.", quoted)
    names = " and ".join(map(_short, missed))
    if len(missed) < len(facts.events):
        return green(f"It was {how}. The rule leaves out {names}: was it such?", quoted)
    return red(
        f"It was {how}, and the rule is not for {names}.",
        quoted,
        f"`up` makes a rule for each of them (06_trigger: {', '.join(missed)} "
        f"in the rule's events). {BACKFILL}",
    )


#: How an object came, where its ETag or class tells one event type alone.
_HOW = {
    notifications.UPLOADS[-1]: "uploaded in parts (its ETag ends in their number)",
    notifications.RESTORED: "restored from an archive",
}


def _short(event: str) -> str:
    """Name a kind of upload, with what makes it where that is not in its name."""
    kind = event.removeprefix("s3:ObjectCreated:").removeprefix("s3:")
    what = {"Post": " (a browser's form)", "Copy": " (a copy, or a rename)"}
    return kind + what.get(kind, "")


def the_target(facts: Facts) -> Link:
    """Is what the rule names there: the function, or the queue before it?"""
    rule = facts.rule
    if rule is None:
        return NOT_REACHED
    if ":sqs:" in rule.target:
        return _the_queue(facts, rule.target)
    function, settings = facts.function, facts.settings
    name = rule.target.split(":function:")[-1]
    if not function:
        broken = red if function.code == NO_RESOURCE else amber
        return broken(
            f"The rule names the function {name}, and there is none.",
            function.quoted(),
            "Build the function (05_function), then upload again.",
        )
    arn = function["Configuration"]["FunctionArn"]
    if not rule.target.startswith(settings.function_arn):
        return red(
            f"The rule starts another function, {name}.",
            f"{facts.notification.call} → {rule.target}",
            f"Is {settings.name!r} the pipeline that you mean? Else build the trigger "
            "again (06_trigger).",
        )
    return green(f"It starts {name}.", function.quoted(arn))


def _the_queue(facts: Facts, arn: str) -> Link:
    """Look at the queue that the rule fills, and at what empties it."""
    aws, name = facts.cloud.awslambda, arn.split(":")[-1]
    url = ask(facts.cloud.sqs.get_queue_url, QueueName=name)
    cure = "Build the queue again: up(queue=True)."
    if not url:
        finding = f"The rule names the queue {name}, and there is none."
        return red(finding, url.quoted(), cure)
    found = ask(aws.list_event_source_mappings, EventSourceArn=arn)
    states = [one.get("State", "?") for one in found.get("EventSourceMappings", [])]
    quoted = found.quoted(f"State: {', '.join(states) or 'no mapping'}")
    if "Enabled" not in states:
        finding = (
            "Uploads wait in the queue, and no event source mapping takes them out."
        )
        return red(finding, quoted, cure)
    return green(f"It fills the queue {name}, which the function empties.", quoted)


def the_permission(facts: Facts) -> Link:
    """May S3 call the target, for this bucket of this account?"""
    if facts.rule is None:
        return NOT_REACHED
    target, settings = facts.rule.target, facts.settings
    answer, document = _policy_of(facts, target)
    decision = notifications.may_call(
        document, target, settings.source_bucket, settings.account
    )
    queue = ":sqs:" in target
    what = "queue" if queue else "function"
    if decision:
        sid = (decision.statement or {}).get("Sid", "")
        finding = f"The {what}'s policy lets the bucket in."
        return green(finding, answer.quoted(f"Statement {sid}"))
    return red(
        f"The {what}'s policy does not let the bucket in{_but(decision, settings)}.",
        answer.quoted(_conditions(decision) if answer else ""),
        "Build the queue again: up(queue=True)."
        if queue
        else f"Add the permission {trigger.STATEMENT_ID!r} (06_trigger), then upload "
        "again.",
    )


def _policy_of(facts: Facts, arn: str) -> tuple[Answer, str]:
    if ":sqs:" in arn:
        sqs = facts.cloud.sqs
        url = ask(sqs.get_queue_url, QueueName=arn.split(":")[-1])
        if not url:
            return url, ""
        names = {"QueueUrl": url["QueueUrl"], "AttributeNames": ["Policy"]}
        answer = ask(sqs.get_queue_attributes, **names)
        return answer, answer.get("Attributes", {}).get("Policy", "")
    answer = ask(facts.cloud.awslambda.get_policy, **of_call(arn))
    return answer, answer.get("Policy", "")


def _but(decision: policies.Decision, settings: Any) -> str:
    """Say in what a statement that comes near differs."""
    if decision.denied:
        return ": a statement denies it"
    values = [value for _, value in _conditions_of(decision)]
    if not decision.near:
        return ""
    if any(":s3:::" in v and settings.source_bucket not in v for v in values):
        return f": {_named(decision)} is for another bucket"
    if any(v.isdecimal() and v != settings.account for v in values):
        return f": {_named(decision)} is for another account"
    return ": a statement comes near, and its conditions are not met"


def _named(decision: policies.Decision) -> str:
    return f"its statement {decision.near[0].get('Sid', '?')!r}"


def _conditions(decision: policies.Decision) -> str:
    if not decision.near:
        return "no statement for s3.amazonaws.com"
    return json.dumps(dict(_conditions_of(decision)))


def _conditions_of(decision: policies.Decision) -> list[tuple[str, str]]:
    return [pair for found in decision.near for pair in policies.conditions(found)]
