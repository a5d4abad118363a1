"""Bounded waiting for a cloud whose parts learn of a change one after another.

Two ways. `again` hangs on every client and repeats a call while AWS answers with an
error that `PASSING` names for it: that somebody else is at it, that a service is busy,
that a new bucket is not known everywhere. `retry` stands at the calls where a step
first looks whether waiting can help at all; those are listed in `LOOKED_INTO`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel

from deploy.errors import NotReadyError

#: Seconds between tries: a minute and a quarter in all.
DELAYS: tuple[float, ...] = (1, 2, 3, 5, 8, 10, 15, 15, 15)
#: Seconds between looks: soon at first, since a cloud on this machine is quick, then
#: one a second: FilterLogEvents may be called a few times a second by a whole account.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
PACE: tuple[float, ...] = (0.1, 0.2, 0.3, 0.5, 1.0)


class Clock:
    """The time that waits go by; tests put another in its place."""

    def now(self) -> float:
        """Tell the seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let this time pass."""
        time.sleep(seconds)


clock = Clock()

#: What services answer to one who may not; HEAD has no body, and so only a number.
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")
#: What they answer where there is none, HEAD by a number again.
NO_BUCKET = ("NoSuchBucket", "404")
NO_OBJECT = ("NoSuchKey", "404")
NO_QUEUE = (
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "NonExistentQueue",
)
#: Lambda's word for a function, a policy, a layer or a mapping; the log's for a group.
NO_RESOURCE = "ResourceNotFoundException"
#: IAM's, for a role or a policy.
NO_ENTITY = "NoSuchEntity"

T = TypeVar("T")

_patient: ContextVar[bool] = ContextVar("patient", default=True)


@dataclass(frozen=True)
class Passing:
    """An error of AWS's that passes with time.

    Attributes:
        code: as AWS names it.
        words: part of the message, where the code alone may mean a lasting cause.
        tries: how often at most; fewer where the cause may last after all.
    """

    code: str
    words: str = ""
    tries: int = len(DELAYS) + 1

    def matches(self, error_code: str, message: str) -> bool:
        """Compare; SQS puts "AWS.SimpleQueueService." before some of its codes."""
        return error_code.rpartition(".")[2] == self.code and self.words in message


# A bucket's configuration is eventually consistent: a new bucket may not be seen.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
_NEW_BUCKET = Passing("NoSuchBucket", tries=4)
_BUCKET_BUSY = Passing("OperationAborted")
_BUCKET = (_BUCKET_BUSY, _NEW_BUCKET)
# So is IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html
_NEW_ROLE = Passing("NoSuchEntity", tries=4)
# Its pages list it for some calls on a role; deployers have met it at the others, too:
# https://github.com/hashicorp/terraform-provider-aws/issues?q=ConcurrentModification+iam
_ROLE_BUSY = Passing("ConcurrentModification")
# The same code says "already exists", which no waiting changes.
# https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
_UPDATE_GOES_ON = Passing("ResourceConflictException", "cannot be performed at this")
_NEW_FUNCTION = Passing("ResourceNotFoundException", tries=4)
# In use while it is being made or changed; in conflict while Lambda is at it otherwise.
# https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
_MAPPING_BUSY = (
    Passing("ResourceInUseException"),
    Passing("ResourceConflictException"),
)
_LOG_GROUP_BUSY = Passing("OperationAbortedException")
_ROLE_NOT_READY = Passing("InvalidParameterValueException", "cannot be assumed by")

#: Call → the errors of that call that pass. Each is on the call's own page:
#: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
#: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html,
#: https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html,
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
PASSING: dict[str, tuple[Passing, ...]] = {
    "s3.CreateBucket": (_BUCKET_BUSY,),
    "s3.DeleteBucket": (_BUCKET_BUSY,),
    "s3.PutBucketTagging": _BUCKET,
    "s3.PutPublicAccessBlock": _BUCKET,
    "s3.PutBucketPolicy": _BUCKET,
    "s3.DeleteBucketPolicy": (_BUCKET_BUSY,),
    "s3.PutBucketNotificationConfiguration": _BUCKET,
    # Asked only when the bucket was seen a moment before.
    "s3.GetBucketTagging": (_NEW_BUCKET,),
    "s3.GetPublicAccessBlock": (_NEW_BUCKET,),
    "s3.GetBucketPolicy": (_NEW_BUCKET,),
    "s3.ListObjectVersions": (_NEW_BUCKET,),
    "iam.CreateRole": (_ROLE_BUSY,),
    "iam.UpdateAssumeRolePolicy": (_ROLE_BUSY,),
    "iam.PutRolePolicy": (_ROLE_BUSY, _NEW_ROLE),
    "iam.AttachRolePolicy": (_ROLE_BUSY, _NEW_ROLE),
    "iam.ListAttachedRolePolicies": (_NEW_ROLE,),
    "iam.DetachRolePolicy": (_ROLE_BUSY,),
    "iam.DeleteRolePolicy": (_ROLE_BUSY,),
    # IAM may still see the policies that were just taken off.
    "iam.DeleteRole": (_ROLE_BUSY, Passing("DeleteConflict", tries=4)),
    "lambda.UpdateFunctionCode": (_UPDATE_GOES_ON,),
    "lambda.UpdateFunctionConfiguration": (_UPDATE_GOES_ON,),
    "lambda.DeleteFunction": (_UPDATE_GOES_ON,),
    "lambda.AddPermission": (_UPDATE_GOES_ON, _NEW_FUNCTION),
    "lambda.PutFunctionEventInvokeConfig": (_UPDATE_GOES_ON, _NEW_FUNCTION),
    "lambda.DeleteFunctionEventInvokeConfig": (_UPDATE_GOES_ON,),
    "lambda.PutFunctionConcurrency": (_UPDATE_GOES_ON,),
    "lambda.DeleteFunctionConcurrency": (_UPDATE_GOES_ON,),
    "lambda.UpdateEventSourceMapping": _MAPPING_BUSY,
    "lambda.DeleteEventSourceMapping": _MAPPING_BUSY,
    "cloudwatch-logs.CreateLogGroup": (_LOG_GROUP_BUSY,),
    "cloudwatch-logs.PutRetentionPolicy": (
        _LOG_GROUP_BUSY,
        Passing("ResourceNotFoundException", tries=4),
    ),
    "cloudwatch-logs.DeleteLogGroup": (_LOG_GROUP_BUSY,),
}

#: Call → errors that pass or last: the step looks which it is, then calls `retry`.
LOOKED_INTO: dict[str, tuple[Passing, ...]] = {
    "lambda.CreateFunction": (_ROLE_NOT_READY,),
    "lambda.UpdateFunctionConfiguration": (_ROLE_NOT_READY,),
    "lambda.PutFunctionEventInvokeConfig": (
        Passing("InvalidParameterValueException", "permissions to call SendMessage"),
    ),
    "s3.PutBucketPolicy": (Passing("AccessDenied", "BlockPublicPolicy", tries=4),),
    "s3.PutBucketNotificationConfiguration": (
        Passing("InvalidArgument", "Unable to validate the following destination"),
    ),
    "lambda.CreateEventSourceMapping": (
        Passing("InvalidParameterValueException", "permissions to call ReceiveMessage"),
    ),
    # What a run that was still going wrote after the bucket was emptied.
    "s3.DeleteBucket": (Passing("BucketNotEmpty", tries=6),),
    "sqs.CreateQueue": (Passing("QueueDeletedRecently", "60 seconds after deleting"),),
}

_TRIES_WHEN_BUSY = 7  # botocore's own five, then ours
#: Service → what any call may answer when there is too much to do.
BUSY: dict[str, tuple[Passing, ...]] = {
    service: tuple(Passing(name, tries=_TRIES_WHEN_BUSY) for name in names)
    for service, names in {
        "s3": ("SlowDown", "ServiceUnavailable", "InternalError"),
        "iam": ("Throttling", "ServiceFailure"),
        "lambda": ("TooManyRequestsException", "ServiceException"),
        "sqs": ("RequestThrottled",),
        "cloudwatch": ("ThrottlingException", "ServiceUnavailable"),
        "cloudwatch-logs": ("ThrottlingException", "ServiceUnavailableException"),
    }.items()
}


def passing(call: str) -> tuple[Passing, ...]:
    """List what passes at a call ("lambda.AddPermission"), its service's among it."""
    if call == "lambda.Invoke":  # a function without concurrency answers so for good
        return ()
    return PASSING.get(call, ()) + BUSY.get(call.partition(".")[0], ())


def again(
    *,
    operation: OperationModel,
    response: tuple[Any, dict[str, Any]] | None,
    attempts: int,
    **_: Any,
) -> float | None:
    """Say after how many seconds botocore should repeat a call; None: not at all.

    A handler of botocore's "needs-retry" event, asked after botocore's own.
    """
    if response is None:  # no answer at all: botocore's own tries are enough
        return None
    if not _patient.get():
        return None
    error = response[1].get("Error", {})
    call = f"{operation.service_model.service_id.hyphenize()}.{operation.name}"
    for one in passing(call):
        if one.matches(error.get("Code", ""), error.get("Message", "")):
            delay = DELAYS[min(attempts, len(DELAYS)) - 1]
            return delay if attempts < one.tries else None
    return None


@contextmanager
def at_once() -> Iterator[None]:
    """Take every answer as it is, for one who only looks: nothing is asked again."""
    token = _patient.set(False)
    try:
        yield
    finally:
        _patient.reset(token)


@contextmanager
def already(*codes: str) -> Iterator[None]:
    """Let these errors pass: what is asked for is so already.

    An answer can get lost; botocore then asks again, and hears that the role exists
    or that the queue is gone.
    """
    try:
        yield
    except ClientError as error:
        if code(error) not in codes:
            raise


def retry(
    call: Callable[[], Any],
    *,
    message: str,
    tries: int | None = None,
    before: Callable[[ClientError], None] | None = None,
    after: Callable[[ClientError], Exception] | None = None,
) -> Any:
    """Repeat a call while AWS answers with this message; any other error is raised.

    Args:
        call: the boto3 call.
        message: the part of the error (its code, its words) that may pass with time.
        tries: how often at most; as often as `DELAYS` allows if left out.
        before: is given the first refusal, to tell a lasting cause from a delay.
        after: is given the last refusal, and returns the error to raise for it.
    """
    delays = DELAYS if tries is None else DELAYS[: tries - 1]
    for tried, delay in enumerate((*delays, None)):
        try:
            return call()
        except ClientError as error:
            if message not in str(error):
                raise
            if tried == 0 and before is not None:
                before(error)
            if delay is None:
                if after is None:
                    raise
                raise after(error) from error
            clock.sleep(delay)
    raise AssertionError("unreachable")


def until(seen: Callable[[], bool], *, what: str, where: str) -> None:
    """Wait until something can be seen, or say that it cannot.

    Raises:
        NotReadyError: it was not seen within the bounded wait.
    """
    for delay in (*DELAYS, None):
        if seen():
            return
        if delay is not None:
            clock.sleep(delay)
    raise NotReadyError(
        f"{what} is not visible yet", where=where, todo="Run the same step again."
    )


def looks(timeout_s: float) -> Iterator[float]:
    """Yield the seconds that passed, at `PACE`, until the time is up and once after."""
    start = clock.now()
    for pace in chain(PACE, repeat(PACE[-1])):
        passed = clock.now() - start
        yield passed
        if passed > timeout_s:
            return
        clock.sleep(pace)


@contextmanager
def afterwards(clean: Callable[[], object]) -> Iterator[None]:
    """Clean up at the end; where that fails too, the first error is the one told."""
    try:
        yield
    except BaseException:
        with suppress(BotoCoreError, ClientError):
            clean()
        raise
    clean()


def if_there(call: Callable[..., T], *codes: str, **request: Any) -> T | None:
    """Return a call's answer; None where one of these errors says that none is."""
    try:
        return call(**request)
    except ClientError as error:
        if code(error) in codes:
            return None
        raise


def is_denied(error: ClientError) -> bool:
    """Tell whether a permission was missing."""
    return code(error) in DENIED


def code(error: ClientError) -> str:
    """Name an error as AWS does ("NoSuchEntity"), or by status for a HEAD ("404")."""
    return str(error.response["Error"].get("Code", ""))
