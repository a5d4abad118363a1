"""`unless_exists()`: lets a cell that creates something be run twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

#: What create calls answer when the thing is there, and is yours.
_THERE = {
    "BucketAlreadyOwnedByYou",
    "EntityAlreadyExists",
    "EntityAlreadyExistsException",
    "ResourceAlreadyExistsException",
    "QueueAlreadyExists",
    "QueueNameExists",
    "AWS.SimpleQueueService.QueueNameExists",
}


@contextmanager
def unless_exists() -> Iterator[None]:
    """Say "already there" when a create call finds its thing there, and yours.

    The cell goes on behind the `with` block. Every other error is raised, also
    BucketAlreadyExists: that bucket is somebody else's.
    """
    try:
        yield
    except ClientError as error:
        if not is_there(error):
            raise
        print("already there")


def is_there(error: ClientError) -> bool:
    """Tell "already exists and is yours" from every other refusal."""
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message", "").lower()
    if code == "ResourceConflictException":  # also "an update is in progress"
        return "already exist" in message
    return code in _THERE
