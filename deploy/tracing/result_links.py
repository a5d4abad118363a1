"""What became of the upload: invocation, log, failed events, thumbnail, its reader."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_plus

from botocore import UNSIGNED
from botocore.config import Config

from deploy import logs, notifications, policies
from deploy.steps import failures
from deploy.tracing.facts import Facts
from deploy.tracing.link import (
    BACKFILL,
    NOT_REACHED,
    Answer,
    Denied,
    Link,
    amber,
    ask,
    green,
    grey,
    red,
    rejected,
)
from handler.storage import is_made_from

#: Seconds in which an event may be on its way: S3 mostly takes one, at times a minute.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
PENDING_S = 60
_METRICS = ("Invocations", "Errors", "Throttles")
_TIMED_OUT = re.compile(r"Task timed out after ([\d.]+) seconds")
_CRASHES = (
    "Runtime.ImportModuleError",
    "Runtime.HandlerNotFound",
    "Runtime.UserCodeSyntaxError",
    "Runtime.ExitError",
    "signal: killed",
    "OutOfMemory",
)


def the_invocation(facts: Facts) -> Link:
    """Did S3 call the function, and may it run?

    What a concurrency of 0 does to events:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    if not facts.function:
        return NOT_REACHED
    cap = facts.concurrency
    if cap.get("ReservedConcurrentExecutions") == 0:
        finding = (
            "Lambda sends new events to the on-failure queue at once, or drops them "
            "where there is none."
        )
        cure = (
            "`python -m deploy replay` sends what the queue kept; without a queue, "
            "upload again, or `python -m deploy backfill`."
        )
        if facts.rule and ":sqs:" in facts.rule.target:
            finding = "Uploads wait in their queue."
            cure = "what waits is worked on."
        return red(
            f"The function is stopped: no invocation may run. {finding}",
            cap.quoted("ReservedConcurrentExecutions 0"),
            "Let it run: `python -m deploy resume` (delete_function_concurrency). Then "
            f"{cure}",
        )
    if facts.runs or facts.raw:
        count = len({run.request_id for run in [*facts.runs, *facts.raw]})
        named = f"{count} invocation{'s' * (count != 1)} named it"
        return green("It was called.", f"FilterLogEvents → {named}")
    if facts.uploaded is None:
        return NOT_REACHED
    if facts.kept and failures.was_stopped(facts.kept[-1]) and not facts.arrived:
        return red(
            "It was not called: the function was stopped when the event came. It runs "
            "again, and the on-failure queue has the event.",
            f"ReceiveMessage → {failures.STOPPED}",
            "`python -m deploy replay` sends it to the function.",
        )
    counts, quoted = _counts(facts)
    if counts.get("Throttles"):
        finding = (
            "Invocations are throttled: more events than may run at once. They wait."
        )
        return amber(finding, quoted, "Wait, and trace again.")
    if facts.arrived:
        return green("It was called.", quoted)
    if facts.kept or _crash(facts):
        return green("It was called, and said nothing about this key.", quoted)
    if facts.age_s < PENDING_S:
        return amber(
            f"No word yet, {facts.age_s:.0f} s after the upload. It may be on its way.",
            quoted,
            "Wait a few seconds, and trace again.",
        )
    return _never(facts, quoted)


def _never(facts: Facts, quoted: str) -> Link:
    """Say what is left when nothing is broken now and nothing was called."""
    changed = facts.configuration.get("LastModified", "")
    rule = facts.rule
    maybe = ["the upload came before the rule or the permission did"]
    if not facts.failure_queue:
        maybe.append("the function was stopped then, and no queue kept the event")
    if missed := notifications.left_out(facts.events, [rule] if rule else []):
        kinds = " or ".join(event.rpartition(":")[2] for event in missed)
        maybe.append(
            f"it came by {kinds}, which no rule is for (the object cannot tell)"
        )
    return red(
        f"Nothing was called. Either {', or '.join(maybe)}.",
        f"{quoted}; function changed {changed[:19] or 'at no known time'}",
        f"S3 sends no event for what was there before. {BACKFILL}",
    )


def _counts(facts: Facts) -> tuple[dict[str, int], str]:
    """Count the function's invocations since the upload, as CloudWatch has them."""
    since = facts.uploaded or datetime.now(UTC) - timedelta(hours=3)
    dimensions = [{"Name": "FunctionName", "Value": facts.settings.function_name}]
    metric = {"Namespace": "AWS/Lambda", "Dimensions": dimensions}
    queries = [
        {
            "Id": name.lower(),
            "MetricStat": {
                "Metric": metric | {"MetricName": name},
                "Period": 60,
                "Stat": "Sum",
            },
        }
        for name in _METRICS
    ]
    try:
        answer = ask(
            facts.cloud.client("cloudwatch").get_metric_data,
            MetricDataQueries=queries,
            StartTime=since.replace(second=0, microsecond=0),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
        )
    except Denied as denied:  # the log tells as much, later
        return {}, denied.evidence
    counts = dict.fromkeys(_METRICS, 0)
    for found in answer.get("MetricDataResults", []):
        counts[found["Id"].capitalize()] += int(sum(found["Values"]))
    words = ", ".join(f"{name} {count}" for name, count in counts.items())
    return counts, answer.quoted(words if answer else "")


def the_log(facts: Facts) -> Link:
    """What did the function say of this very key?"""
    if facts.runs:
        return _reported(facts, facts.runs[-1])
    if facts.raw:
        run = facts.raw[-1]
        whole = unquote_plus(run.key) == facts.key
        how = "does not decode them" if whole else "leaves the + in them"
        return red(
            f"The function looked for {run.key!r}: keys in events are form-encoded, "
            f"and the handler {how}.",
            f"FilterLogEvents → key {run.key!r}, {run.outcome}: {run.reason}",
            "Deploy the handler of this course again (05_function), then upload again.",
        )
    if facts.uploaded and not facts.arrived and (crash := _crash(facts)):
        return crash
    if facts.reject_reason:
        return _rejected(facts, facts.reject_reason, "GetObject → the reject record")
    quoted = f"FilterLogEvents → {len(facts.log)} lines since the upload"
    if facts.arrived:
        return amber("Nothing of this key: lines come late, or were deleted.", quoted)
    return grey("Nothing of this key.", quoted)


def _reported(facts: Facts, run: logs.Run) -> Link:
    """Judge the latest outcome line."""
    tried = [one for one in facts.runs if one.outcome == "failed"]
    quoted = f"FilterLogEvents → {run.outcome}: {run.reason or run.target}"
    quoted += _figures(facts, run)
    if run.outcome == "made":
        late = " An older event came late, and was turned away." if facts.late else ""
        done = f"Made in {run.ms:.0f} ms, {'cold' if run.cold else 'warm'}."
        if tried:
            finding = f"{done} {len(tried)} tries before it failed: {tried[-1].reason}"
            return amber(finding, quoted, "It mended itself by a retry.")
        return green(done + late, quoted)
    if run.outcome == "rejected":
        return _rejected(facts, run.reason or "", quoted)
    if run.outcome == "stale" and facts.arrived:
        return green(f"An event that came late was turned away: {run.reason}.", quoted)
    if run.outcome == "stale" and "superseded" in (run.reason or ""):
        finding = (
            "An event of an upload before this one was turned away; no word of this."
        )
        return amber(finding, quoted, "Wait a few seconds, trace again.")
    if run.outcome == "stale":
        cure = "Upload it again (07_watch)."
        return red(f"The upload was gone when it was read: {run.reason}.", quoted, cure)
    return _failed(run, len(tried), quoted)


def _rejected(facts: Facts, reason: str, quoted: str) -> Link:
    """Tell a picture that can never be made from a function that is too small."""
    if "of memory" in reason:
        given = facts.configuration.get("MemorySize")
        return red(
            f"The function has too little memory ({given} MB): {reason}.",
            quoted,
            f"Of {given} MB, Python, its libraries and the file itself need the rest. "
            "Raise MemorySize (05_function), then upload again.",
        )
    return green(f"Rejected, which is final: {reason}.", quoted)


_KMS = re.compile(r"kms:(Decrypt|GenerateDataKey)")


def _failed(run: logs.Run, tries: int, quoted: str) -> Link:
    again = "Lambda tries again, after one minute and then two."
    if tries >= logs.ATTEMPTS:
        again = "Lambda has given up."
    cure = "Read the reason above, mend it, then upload again."
    if "AccessDenied" in (run.reason or ""):
        cure = (
            "The role's policies allow it as they are now: was it mended since? Then "
            "upload again. Else look for a denial outside the role: the bucket's "
            "policy, a KMS key, a service control policy, or a bucket of that name "
            "that belongs to another account."
        )
    if found := _KMS.search(run.reason or ""):
        cure = (
            f"The bucket is encrypted with a KMS key. Give the role {found[0]} on that "
            "key, in its own policy and in the key's, then upload again."
        )
    finding = f"It failed {tries} time{'s' * (tries != 1)}: {run.reason}. {again}"
    return red(finding.replace("..", "."), quoted, cure)


def _figures(facts: Facts, run: logs.Run) -> str:
    for report in filter(None, map(logs.report, facts.messages)):
        if report.request_id == run.request_id:
            return f"; REPORT {report.duration_ms:.2f} ms of {report.given_mb} MB"
    return ""


def _crash(facts: Facts) -> Link | None:
    """Find an end that leaves no word of the key: a timeout, a kill, an import."""
    for line in reversed(facts.messages):
        first = line.splitlines()[0] if line else ""
        if match := _TIMED_OUT.search(line):
            given, ours = float(match[1]), facts.settings.timeout_s
            cure = f"set Timeout to {ours} (05_function)"
            if given >= ours:
                cure = "raise Timeout (05_function)"
            return red(
                f"{match[0]}, before it said anything about this key.",
                f"FilterLogEvents → {match[0]}",
                f"The run needs more than {given:g} s: {cure}, then upload again.",
            )
        if any(crash in line for crash in _CRASHES):
            return red(
                "The function ended before the handler could say anything.",
                f"FilterLogEvents → {first[:200]}",
                "An import: the layer (04_layer). Killed: Settings.memory_mb "
                "(05_function). Then upload again.",
            )
    return None


def the_failures(facts: Facts) -> Link:
    """Was the event given up, and kept in the on-failure queue?"""
    if not facts.failure_queue:
        finding = "There is no on-failure queue: an event that fails is dropped."
        return grey(finding, facts.failure_queue.quoted())
    if not facts.kept:
        finding = "The on-failure queue has nothing of it."
        return green(finding, "ReceiveMessage → no record of this key")
    record = facts.kept[-1]
    answered = record.get("responsePayload") or {}
    kind, why = answered.get("errorType", ""), failures.in_words(record)
    count = record.get("requestContext", {}).get("approximateInvokeCount", "?")
    if facts.arrived:
        finding = (
            "It was given up once, and has come through since; the record is left."
        )
        cure = "`python -m deploy replay` sends it again, which does no harm."
        return amber(finding, f"ReceiveMessage → {why}", cure)
    finding = f"Lambda gave the event up after {count} tries, and the queue has it: "
    if failures.payload_of(record) is record:  # from the queue, which does not count
        finding = "Its message came back too often, and the queue of failures has it: "
    if failures.was_stopped(record):
        finding = "The queue has the event: "
    return red(
        finding + why.partition(": ")[2],
        f"ReceiveMessage → {kind} {why}".replace("  ", " "),
        "Mend the cause, then `python -m deploy replay` sends it again.",
    )


def the_thumbnail(facts: Facts) -> Link:
    """Is there a thumbnail of this very upload, or a reject record?"""
    made, reject = facts.thumbnail, facts.reject
    newer = made and reject and made["LastModified"] > reject["LastModified"]
    if facts.is_of_this_upload(reject) and not newer:
        finding = f"No thumbnail: the reject record {facts.reject_key} says why."
        return rejected(finding, reject.quoted(f"{reject['ContentLength']} bytes"))
    if not made:
        finding = f"There is none at {facts.target_key}."
        if made.code == "NoSuchBucket":
            finding = f"There is no bucket {facts.target_bucket}."
        return _none(facts, made, finding)
    stamp = made.get("Metadata", {})
    ours = facts.object.get("ETag", "").strip('"')
    kind = made.get("ContentType", "")
    quoted = made.quoted(f"{kind}, {made['ContentLength']:,} bytes")
    source = (facts.settings.source_bucket, facts.key, ours)
    # One without a stamp was not made by the function: another link's business.
    stamped = not is_made_from(stamp, *source[:2], None)
    if ours and stamped and not is_made_from(stamp, *source):
        finding = (
            "It was made from another upload of this name: the picture has changed."
        )
        cure = "If this stays so, upload again (07_watch)."
        return red(finding, quoted, cure)
    if not facts.is_of_this_upload(made) and facts.uploaded:
        finding = "It is older than the upload: made from the same bytes, sent before."
        return amber(finding, quoted)
    if kind not in ("image/jpeg", "image/png"):
        finding = f"Its Content-Type is {kind!r}, so browsers do not show it."
        cure = "Deploy the handler again (05_function), then upload again."
        return red(finding, quoted, cure)
    return green(f"It is at {facts.target_key}.", quoted)


def _none(facts: Facts, made: Answer, finding: str) -> Link:
    pending = facts.uploaded is not None and facts.age_s < PENDING_S
    if pending and not facts.runs and made.code != "NoSuchBucket":
        cure = "Wait a few seconds, and trace again."
        return amber(f"{finding} Not yet, at least.", "", cure)
    cure = "Mend the link before this one, then upload again."
    if made.code == "NoSuchBucket":
        cure = "Build the buckets (02_buckets), then upload again."
    elif facts.runs and facts.runs[-1].outcome == "made":
        cure = "It was made, and deleted since: upload again (07_watch)."
    return red(finding, made.quoted(), cure)


def the_reader(facts: Facts) -> Link:
    """May anyone see the thumbnail?"""
    s3, bucket = facts.cloud.s3, facts.target_bucket
    if not facts.thumbnail:
        return NOT_REACHED
    if not facts.settings.public:
        finding = "The target is private by its settings: a presigned link shows it."
        return green(finding, "Settings.public False")
    block = ask(s3.get_public_access_block, Bucket=bucket)
    is_on = block.get("PublicAccessBlockConfiguration", {})
    if is_on.get("RestrictPublicBuckets"):
        both = ("RestrictPublicBuckets", "BlockPublicPolicy")
        return red(
            "Nobody sees it: Block Public Access is on for the target bucket, and "
            "outweighs its policy.",
            block.quoted(", ".join(f"{name} true" for name in both if is_on.get(name))),
            "Turn the two policy blocks off again (02_buckets); nothing has to be "
            "uploaded again.",
        )
    policy = ask(s3.get_bucket_policy, Bucket=bucket)
    place = facts.settings.arns.bucket(bucket, facts.target_key)
    document, anyone = policy.get("Policy", "{}"), {"AWS": "*"}
    if not policies.allowed(document, "s3:GetObject", place, principal=anyone):
        return red(
            f"Nobody sees it: no statement lets anyone read {facts.target_key}.",
            policy.quoted("" if not policy else "no statement for everyone"),
            "Put the public-read policy back (02_buckets); nothing has to be uploaded "
            "again.",
        )
    if facts.thumbnail.get("ServerSideEncryption", "").startswith("aws:kms"):
        return red(
            "Nobody sees it: it is encrypted with a KMS key, and S3 decrypts it for "
            "nobody whom that key does not let in.",
            facts.thumbnail.quoted(f"{facts.thumbnail.get('SSEKMSKeyId', 'aws:kms')}"),
            "Let SSE-S3 be the target's default encryption (PutBucketEncryption), then "
            "upload again.",
        )
    return _seen(facts, bucket)


def _seen(facts: Facts, bucket: str) -> Link:
    """Look as a stranger would, without a signature."""
    anonymous = facts.cloud.client("s3", Config(signature_version=UNSIGNED))
    try:
        found = ask(anonymous.head_object, Bucket=bucket, Key=facts.target_key)
    except Denied as denied:
        return red(
            "A stranger is refused, though the bucket's own settings let everyone in: "
            "Block Public Access of the whole account (or organisation) is on.",
            f"without a signature, {denied.evidence}",
            "Ask who owns the account, or build with public=False and sign links "
            "(02_buckets).",
        )
    if not found:
        return amber("Could not look as a stranger.", found.quoted())
    return green("Anyone may see it.", f"without a signature, {found.call} → 200")
