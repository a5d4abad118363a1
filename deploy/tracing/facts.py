"""What is known about one upload: every answer is asked for once, when it is needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus, unquote, unquote_plus

from deploy import logs, notifications
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps.failures import payload_of
from deploy.tracing.link import Answer, Denied, ask
from handler.events import target_key

#: S3 writes times in whole seconds.
_SECOND = timedelta(seconds=1)
_PEEKS = 5  # at most 50 records of the on-failure queue


@dataclass(frozen=True)
class Facts:
    """The answers about one upload, in one cloud. Nothing here changes anything."""

    cloud: Cloud
    settings: Settings
    key: str

    # The bucket

    @cached_property
    def object(self) -> Answer:
        """The picture, as HeadObject sees it."""
        bucket = self.settings.source_bucket
        return ask(self.cloud.s3.head_object, Bucket=bucket, Key=self.key)

    @property
    def uploaded(self) -> datetime | None:
        """When S3 had the upload whole; None where there is none."""
        try:
            return self.object.get("LastModified")
        except Denied:
            return None

    @property
    def age_s(self) -> float:
        """How many seconds ago that was."""
        moment = self.uploaded
        return (datetime.now(UTC) - moment).total_seconds() if moment else 0.0

    @cached_property
    def notification(self) -> Answer:
        """The bucket's notification configuration."""
        bucket = self.settings.source_bucket
        return ask(self.cloud.s3.get_bucket_notification_configuration, Bucket=bucket)

    @cached_property
    def every_rule(self) -> list[notifications.Rule]:
        """All of the bucket's rules."""
        return notifications.read(self.notification.data or {})

    @cached_property
    def matching(self) -> list[notifications.Rule]:
        """The rules that are for uploads of this name."""
        return [rule for rule in self.every_rule if rule.matches(self.key)]

    @cached_property
    def events(self) -> tuple[str, ...]:
        """The event types that this upload can have been, the likeliest first."""
        if notifications.IS_RESTORED in self.object.get("Restore", ""):
            return (notifications.RESTORED,)
        etag = self.object.get("ETag", "").strip('"')
        if "-" in etag:  # an upload in parts, or a copy in parts
            return notifications.UPLOADS[-1:]
        return notifications.UPLOADS[:-1]

    @cached_property
    def rule(self) -> notifications.Rule | None:
        """The rule that this upload went by."""
        covering = [
            rule for rule in self.matching if any(map(rule.covers, self.events))
        ]
        return next(iter(covering or self.matching), None)

    # The function

    @cached_property
    def function(self) -> Answer:
        """The function that the rule names, or ours."""
        name = self.settings.function_name
        if self.rule and ":function:" in self.rule.target:
            name = self.rule.target
        return ask(self.cloud.awslambda.get_function, FunctionName=name)

    @property
    def configuration(self) -> dict[str, Any]:
        """The function's configuration; {} where there is no function."""
        return self.function.get("Configuration", {})

    @property
    def variables(self) -> dict[str, str]:
        """The function's environment variables, ours where there is no function."""
        try:
            found = self.configuration.get("Environment", {}).get("Variables")
        except Denied:
            found = None
        return self.settings.environment | (found or {})

    @cached_property
    def concurrency(self) -> Answer:
        """How many invocations may run at once, where that is set."""
        name = self.settings.function_name
        return ask(self.cloud.awslambda.get_function_concurrency, FunctionName=name)

    # The target

    @property
    def target_bucket(self) -> str:
        """Where the function puts thumbnails."""
        return self.variables["TARGET_BUCKET"]

    @cached_property
    def target_key(self) -> str:
        """The thumbnail's key."""
        return target_key(self.key, self.variables["THUMBNAIL_PREFIX"])

    @cached_property
    def reject_key(self) -> str:
        """The key of the reject record, were there one."""
        return target_key(self.key, self.variables["REJECT_PREFIX"], ".json")

    @cached_property
    def thumbnail(self) -> Answer:
        """The thumbnail, as HeadObject sees it."""
        return self._result(self.target_key)

    @cached_property
    def reject(self) -> Answer:
        """The reject record, as HeadObject sees it."""
        return self._result(self.reject_key)

    def _result(self, key: str) -> Answer:
        return ask(self.cloud.s3.head_object, Bucket=self.target_bucket, Key=key)

    @cached_property
    def reject_reason(self) -> str:
        """Why it was rejected, from the reject record; "" where there is none."""
        if not self.is_of_this_upload(self.reject):
            return ""
        target = {"Bucket": self.target_bucket, "Key": self.reject_key}
        answer = ask(self.cloud.s3.get_object, **target)
        return _json(answer["Body"].read()).get("reason", "") if answer else ""

    def is_of_this_upload(self, made: Answer) -> bool:
        """Tell whether a thumbnail or a reject record came after the upload."""
        moment = self.uploaded
        return bool(made and moment and made["LastModified"] >= moment)

    @cached_property
    def arrived(self) -> bool:
        """Whether this very upload came to a good end: a thumbnail, or a record."""
        if self.target_bucket == self.settings.source_bucket:
            return False
        last = self.runs[-1] if self.runs else None
        if last is not None and last.outcome == "failed":
            return False
        try:
            ends = (self.thumbnail, self.reject)
        except Denied:
            return False
        return any(map(self.is_of_this_upload, ends))

    # The log, and what was kept

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """The log's events since the upload; [] where nothing may be read."""
        since = (self.uploaded or datetime.now(UTC) - timedelta(days=1)) - _SECOND
        events: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        for _ in range(20):  # pages; a busy log has more, and trace is to be quick
            answer = ask(
                self.cloud.logs.filter_log_events,
                logGroupName=self.settings.log_group,
                startTime=int(since.timestamp() * 1000),
                **more,
            )
            events += answer.get("events", [])
            if not answer.get("nextToken"):
                break
            more = {"nextToken": answer["nextToken"]}
        return events

    @cached_property
    def messages(self) -> list[str]:
        """The log's lines since the upload."""
        return [event["message"].strip() for event in self.log]

    @cached_property
    def reported(self) -> list[logs.Run]:
        """What the function said of any upload since this one, oldest first."""
        try:
            return logs.read(self.messages)
        except Denied:
            return []

    @cached_property
    def _named(self) -> list[logs.Run]:
        bucket, moment = self.settings.source_bucket, self.uploaded
        return [
            run
            for run in self.reported
            if (run.bucket, run.key) == (bucket, self.key)
            and (moment is None or run.done >= moment)
        ]

    @cached_property
    def runs(self) -> list[logs.Run]:
        """What it said of this very upload, oldest first: of the newest event's."""
        newest = max((place(run) for run in self._named), default="")
        return [run for run in self._named if place(run) == newest]

    @property
    def late(self) -> bool:
        """Whether an older event of this key came after the upload."""
        return any(
            run.outcome == "stale" for run in self._named if run not in self.runs
        )

    @cached_property
    def raw(self) -> list[logs.Run]:
        """What it said of a key that is ours, form-encoded: not decoded, or by half."""
        by_half = unquote(quote_plus(self.key, safe="/"))
        return [
            run
            for run in self.reported
            if run.key != self.key
            and (unquote_plus(run.key) == self.key or run.key == by_half)
        ]

    @cached_property
    def kept(self) -> list[dict[str, Any]]:
        """The on-failure queue's records of this very upload, oldest first."""
        mine = [record for record in self.every_kept if self._is_mine(record)]
        return sorted(mine, key=lambda record: record.get("timestamp", ""))

    @cached_property
    def every_kept(self) -> list[dict[str, Any]]:
        """The on-failure queue's records, of whatever upload.

        Peeks: messages stay visible for everybody else. SQS counts the look in
        ApproximateReceiveCount all the same.
        """
        url = self.failure_queue.get("QueueUrl")
        records: dict[str, dict[str, Any]] = {}
        for _ in range(_PEEKS if url else 0):
            answer = ask(
                self.cloud.sqs.receive_message,
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=0,
            )
            found = {m["MessageId"]: m["Body"] for m in answer.get("Messages", [])}
            if found.keys() <= records.keys():
                break
            records |= {name: _json(body) for name, body in found.items()}
        return list(records.values())

    @cached_property
    def failure_queue(self) -> Answer:
        """The URL of the on-failure queue."""
        name = self.settings.failure_queue
        return ask(self.cloud.sqs.get_queue_url, QueueName=name)

    def _is_mine(self, record: dict[str, Any]) -> bool:
        """Tell whether a record is of this upload: its bucket, key and ETag."""
        etag = self.object.get("ETag", "").strip('"')
        for part in (payload_of(record) or {}).get("Records", []):
            s3_object = part.get("s3", {}).get("object", {})
            if unquote_plus(s3_object.get("key", "")) == self.key:
                return s3_object.get("eTag", etag) == etag and self._is_new(part)
        return False

    def _is_new(self, event: dict[str, Any]) -> bool:
        """Tell whether an event is of the upload that stands, or of one before it."""
        moment, stamp = self.uploaded, event.get("eventTime")
        if moment is None or not stamp:
            return True
        return datetime.fromisoformat(stamp).astimezone(UTC) >= moment


def place(run: logs.Run) -> str:
    """Return an event's place in the order of its key's events, to compare as text."""
    return (run.sequencer or "").ljust(32, "0")


def _json(body: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
