"""CloudWatch alarms (`reliable=True`): what nobody would see, because nobody waits.

S3 invokes the function and is gone, so an error has no reader. Five alarms read it;
they are free up to ten an account, and tell somebody where `Settings.alarm_topic` is
the ARN of an SNS topic.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

from __future__ import annotations

from typing import Any

from deploy import tags
from deploy.cloud import Cloud
from deploy.report import Claim, Drift, Found, left_alone
from deploy.settings import Settings

#: Name → metric, the value over which it is an alarm, and what that means.
RULES: dict[str, tuple[str, int, str]] = {
    "errors": ("Errors", 0, "A run failed; Lambda tries the event twice more."),
    "throttles": (
        "Throttles",
        0,
        "A run had to wait: all that are allowed at once were busy.",
    ),
    "late": (
        "AsyncEventAge",
        15 * 60 * 1000,  # two retries are done in about five minutes
        "An event waited for more than 15 minutes before it ran.",
    ),
    "undelivered": (
        "DestinationDeliveryFailures",
        0,
        "A failed event could not be put into the on-failure queue, and is lost.",
    ),
    "kept": (
        "ApproximateNumberOfMessagesVisible",
        0,
        "Failed events wait in the on-failure queue: mend the cause, then replay.",
    ),
}


def alarms(settings: Settings) -> list[dict[str, Any]]:
    """Write every alarm as PutMetricAlarm takes it, without tags."""
    return [_alarm(settings, name) for name in RULES]


def create(cloud: Cloud, settings: Settings) -> str | None:
    """Make the alarms, or mend those that differ; return their names in a line.

    With `reliable=False` it takes away what `reliable=True` made, and returns None.

    Raises:
        ForeignResourceError: an alarm of such a name is not ours.
    """
    if not settings.reliable:
        delete(cloud, settings)
        return None
    found = _find(cloud, settings)
    _refuse_foreign(cloud, settings, found)
    for alarm in alarms(settings):
        if _meaning(found.get(alarm["AlarmName"], {}), alarm) != alarm:
            # Tags count only in the call that makes an alarm.
            owner = tags.listed(settings.tags)
            cloud.cloudwatch.put_metric_alarm(**alarm, Tags=owner)
    return ", ".join(settings.alarm_name(what) for what in RULES)


def describe(cloud: Cloud, settings: Settings) -> Found | None:
    """Describe the alarms and where they differ from the settings; None for none.

    Raises:
        ForeignResourceError: an alarm of such a name is not ours.
    """
    found = _find(cloud, settings)
    if not found:
        return None
    _refuse_foreign(cloud, settings, found)
    drift: Drift = {}
    for name, alarm in zip(RULES, alarms(settings), strict=True):
        is_now = found.get(alarm["AlarmName"])
        meaning = _meaning(is_now, alarm) if is_now else None
        wanted = alarm if settings.reliable else None
        if meaning != wanted:
            drift[name] = (meaning, wanted)
    states = {name: alarm["StateValue"] for name, alarm in found.items()}
    return Found(says=_in_words(settings, states), drift=drift)


def claims(cloud: Cloud, settings: Settings) -> list[Claim]:
    """List the alarms that stand, and say whose each is."""
    return [
        Claim(
            f"alarm {name}",
            "" if tags.ours(_tags(cloud, alarm), settings) else "it is not ours",
        )
        for name, alarm in _find(cloud, settings).items()
    ]


def delete(cloud: Cloud, settings: Settings) -> list[str]:
    """Delete our alarms; say which were left alone."""
    stands = claims(cloud, settings)
    names = [one.what.removeprefix("alarm ") for one in stands if not one.kept]
    if names:
        cloud.cloudwatch.delete_alarms(AlarmNames=names)
    return left_alone(stands)


def _alarm(settings: Settings, name: str) -> dict[str, Any]:
    metric, threshold, means = RULES[name]
    of_queue = metric.startswith("Approximate")
    watched = {
        "Name": "QueueName" if of_queue else "FunctionName",
        "Value": settings.failure_queue if of_queue else settings.function_name,
    }
    return {
        "AlarmName": settings.alarm_name(name),
        "AlarmDescription": means,
        "Namespace": "AWS/SQS" if of_queue else "AWS/Lambda",
        "MetricName": metric,
        "Dimensions": [watched],
        "Statistic": "Maximum" if of_queue or name == "late" else "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": float(threshold),
        "ComparisonOperator": "GreaterThanThreshold",
        # No run, no data, no alarm.
        "TreatMissingData": "notBreaching",
        "AlarmActions": [settings.alarm_topic] if settings.alarm_topic else [],
    }


def _find(cloud: Cloud, settings: Settings) -> dict[str, dict[str, Any]]:
    names = [settings.alarm_name(what) for what in RULES]
    answer = cloud.cloudwatch.describe_alarms(AlarmNames=names)
    return {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"]}


def _meaning(found: dict[str, Any], alarm: dict[str, Any]) -> dict[str, Any]:
    """Return of an alarm what we write."""
    return {field: found.get(field) for field in alarm}


def _tags(cloud: Cloud, alarm: dict[str, Any]) -> dict[str, str]:
    arn = alarm["AlarmArn"]
    return tags.read(cloud.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])


def _refuse_foreign(
    cloud: Cloud, settings: Settings, found: dict[str, dict[str, Any]]
) -> None:
    for name, alarm in found.items():
        tags.require_ours(_tags(cloud, alarm), settings, f"alarm {name}")


def _in_words(settings: Settings, states: dict[str, str]) -> str:
    """Say what a reader of `status` wants to know: is any of them ringing?"""
    ringing = [w for w in RULES if states.get(settings.alarm_name(w)) == "ALARM"]
    if ringing:
        return f"ALARM: {', '.join(ringing)}"
    waiting = all(state == "INSUFFICIENT_DATA" for state in states.values())
    return "no data yet" if waiting else "all quiet"
