"""What a learner's own calls left beside the pipeline: found, and taken away again.

What differs in the pipeline's own parts their steps know; here is what no step made: a
third rule, a permission or a policy more, a limit, a function that asked something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from deploy import notifications, policies
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import role, trigger
from deploy.waiting import DENIED, NO_BUCKET, NO_ENTITY, NO_RESOURCE, if_there

#: The role's own policies, with every option.
_POLICIES = (role.THUMBNAILS, role.RELIABLE, role.QUEUE, role.RECIPE, role.MIRROR)
_KIND = "LambdaFunctionConfigurations"


@dataclass(frozen=True)
class Leftover:
    """A thing that no step made.

    Attributes:
        what: the thing, as a learner would name it.
        call: what takes it away by hand, and which notebook has the call.
        remove: does so.
    """

    what: str
    call: str
    remove: Callable[[], object]


def found(cloud: Cloud, settings: Settings) -> list[Leftover]:
    """List what stands beside the pipeline; who may not look finds nothing."""
    return [
        *rules(cloud, settings),
        *statements(cloud, settings),
        *_policies(cloud, settings),
        *_limit(cloud, settings),
        *_probe(cloud, settings),
    ]


def rules(cloud: Cloud, settings: Settings) -> Iterator[Leftover]:
    """Find the rules that call our function, and that `up` would not make."""
    place = {"Bucket": settings.source_bucket}
    answer = if_there(
        cloud.s3.get_bucket_notification_configuration, *NO_BUCKET, *DENIED, **place
    )
    stands = trigger.describe(cloud, settings) if answer else None
    if answer is None or stands is None:
        return
    answer.pop("ResponseMetadata", None)
    more = [
        each
        for each in answer.get(_KIND, [])
        if each["LambdaFunctionArn"] == settings.function_arn
        and each not in stands.rules
    ]
    if not more:
        return
    kept = answer | {_KIND: [each for each in answer[_KIND] if each not in more]}
    yield Leftover(
        " and ".join(f"a rule for {notifications.rule(each)}" for each in more),
        "put_bucket_notification_configuration (06_trigger)",
        partial(
            cloud.s3.put_bucket_notification_configuration,
            **place,
            NotificationConfiguration=kept,
        ),
    )


def statements(cloud: Cloud, settings: Settings) -> Iterator[Leftover]:
    """Find the statements that let S3 call the function, beside the pipeline's own."""
    which = {"FunctionName": settings.function_name}
    answer = if_there(cloud.awslambda.get_policy, NO_RESOURCE, *DENIED, **which)
    stands = trigger.describe(cloud, settings) if answer else None
    for each in policies.statements(answer["Policy"] if answer else {}):
        if notifications.lets_in(each) and each != (stands and stands.permission):
            yield Leftover(
                f"permission {each['Sid']} of the function",
                "remove_permission (06_trigger)",
                partial(
                    cloud.awslambda.remove_permission, **which, StatementId=each["Sid"]
                ),
            )


def _policies(cloud: Cloud, settings: Settings) -> Iterator[Leftover]:
    """Find what the role may do by a policy of another name."""
    name, nothing = {"RoleName": settings.role_name}, (NO_ENTITY, *DENIED)
    for policy in if_there(lambda: role.inside(cloud, settings), *nothing) or ():
        if policy not in _POLICIES:
            yield Leftover(
                f"policy {policy} of the role",
                "delete_role_policy (03_role)",
                partial(cloud.iam.delete_role_policy, **name, PolicyName=policy),
            )
    for arn in if_there(lambda: role.attached(cloud, settings), *nothing) or ():
        if arn != role.basic_execution(settings):
            yield Leftover(
                f"policy {arn.rpartition('/')[2]} on the role",
                "detach_role_policy (03_role)",
                partial(cloud.iam.detach_role_policy, **name, PolicyArn=arn),
            )


def _limit(cloud: Cloud, settings: Settings) -> Iterator[Leftover]:
    """Find the function stopped, or held to so many runs at once."""
    which = {"FunctionName": settings.function_name}
    answer = if_there(
        cloud.awslambda.get_function_concurrency, NO_RESOURCE, *DENIED, **which
    )
    limit = (answer or {}).get("ReservedConcurrentExecutions")
    if limit is not None:
        yield Leftover(
            f"a limit ({limit} at once)" if limit else "the stop of the function",
            "delete_function_concurrency (08_failures)",
            partial(cloud.awslambda.delete_function_concurrency, **which),
        )


def _probe(cloud: Cloud, settings: Settings) -> Iterator[Leftover]:
    """Find the function by which 04 asks what a layer has; it deletes it at once."""
    which = {"FunctionName": f"{settings.name}-probe"}
    if if_there(cloud.awslambda.get_function, NO_RESOURCE, *DENIED, **which):
        yield Leftover(
            f"function {which['FunctionName']}",
            "delete_function (04_layer)",
            partial(cloud.awslambda.delete_function, **which),
        )
