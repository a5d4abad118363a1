"""Bounded waiting for a cloud whose parts learn of a change one after another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from deploy.errors import NotReadyError

#: Seconds between tries: a minute and a quarter in all.
DELAYS: tuple[float, ...] = (1, 2, 3, 5, 8, 10, 15, 15, 15)


def retry(
    call: Callable[[], Any],
    *,
    message: str,
    tries: int | None = None,
    before: Callable[[], None] | None = None,
) -> Any:
    """Repeat a call while AWS answers with this message; any other error is raised.

    Args:
        call: the boto3 call.
        message: the part of the error message that may pass with time.
        tries: how often at most; as often as `DELAYS` allows if left out.
        before: runs once before the second try, to tell a lasting cause from a delay.
    """
    delays = DELAYS if tries is None else DELAYS[: tries - 1]
    for tried, delay in enumerate((*delays, None)):
        try:
            return call()
        except ClientError as error:
            if message not in error.response["Error"].get("Message", ""):
                raise
            if tried == 0 and before is not None:
                before()
            if delay is None:
                raise
            time.sleep(delay)
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
            time.sleep(delay)
    raise NotReadyError(
        f"{what} is not visible yet", where=where, todo="Run the same step again."
    )


def code(error: ClientError) -> str:
    """Name an error as AWS does ("NoSuchEntity"), or by status for a HEAD ("404")."""
    return str(error.response["Error"].get("Code", ""))
