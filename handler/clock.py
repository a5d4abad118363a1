"""How long one picture may take, and whether that much time is left.

A decoder that is stopped "well before the function's timeout" leaves time to say so:
the upload ends as rejected, once, and not as three timeouts. The other way round, a
picture must not be called slow for time that its neighbours took.

Of several slow bombs in one event, two use up the time. The others end as failed, and
come again: from SQS by themselves, since the answer names only them, so that every
delivery ends two more. A queue's maxReceiveCount has to allow for that.
"""

import time
from dataclasses import dataclass
from typing import Any, Self

from handler.picture.render import DECODE_SECONDS

_SHARE = 3  # a third of the function's timeout to decode, the rest to read and write


class OutOfTime(Exception):
    """Nothing is wrong with the upload: it needs an invocation with more time."""


@dataclass(frozen=True)
class Clock:
    """``seconds`` for each picture, until ``end`` (of ``time.monotonic``) for all."""

    seconds: float = DECODE_SECONDS
    end: float = float("inf")

    @classmethod
    def of(cls, context: Any) -> Self:
        """Read the time that is left, at the beginning of an invocation.

        docs.aws.amazon.com/lambda/latest/dg/python-context.html
        """
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        if remaining is None:  # a notebook, a test
            return cls()
        left = remaining() / 1000
        return cls(left / _SHARE, time.monotonic() + left)

    def check(self) -> None:
        """Raise ``OutOfTime`` if one more picture could run into the timeout."""
        if time.monotonic() + self.seconds * 1.5 > self.end:
            raise OutOfTime("no time was left for this one: tried again by itself")
