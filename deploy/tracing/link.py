"""What a link of the path is, and what a look at it was answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from deploy.waiting import DENIED, code

State = Literal["green", "amber", "red", "grey", "rejected"]

#: The cure of whatever S3 sent no event for.
BACKFILL = "`python -m deploy backfill` makes the thumbnails that are missing."
#: HEAD has no body, so S3 answers a number: what it would have said.
_NUMBERS = {"404": "Not Found", "403": "Forbidden", "400": "Bad Request"}
# The permission behind a call whose name is not the permission's.
_PERMISSIONS = {
    "HeadObject": "s3:GetObject (or s3:ListBucket, where there is no such key)",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "GetQueueUrl": "sqs:GetQueueUrl",
}


@dataclass(frozen=True)
class Link:
    """One link of the path from an upload to its thumbnail.

    Attributes:
        name: "object", "rule", … as in `deploy.tracing.NAMES`.
        state: "green" holds, "red" broken, "amber" holds with a warning or could not
            be looked at, "grey" not reached, "rejected" an end without a thumbnail.
        said: what is, in one sentence or two.
        evidence: the API call, and what it answered.
        cure: what to do, and which notebook does it.
    """

    name: str
    state: State
    finding: str
    evidence: str = ""
    cure: str = ""

    def as_state(self, state: State, before: str = "") -> Link:
        """Copy it with another state and words put before what it says."""
        return replace(self, state=state, finding=before + self.finding)


# What a look returns; the path (`LOOKS`) gives it its name.
green = partial(Link, "", "green")
amber = partial(Link, "", "amber")
red = partial(Link, "", "red")
grey = partial(Link, "", "grey")
rejected = partial(Link, "", "rejected")
NOT_REACHED = grey("Not reached.")


class Denied(Exception):
    """The one who traces may not look; `said` names the missing permission."""

    def __init__(self, permission: str, evidence: str) -> None:
        super().__init__(permission)
        self.permission, self.evidence = permission, evidence


@dataclass(frozen=True)
class Answer:
    """What AWS answered a call: data, or the code and message of an error."""

    call: str
    data: dict[str, Any] | None = None
    code: str = ""
    message: str = ""

    def __bool__(self) -> bool:
        """Be true when the call was answered with data."""
        return self.data is not None

    def __getitem__(self, name: str) -> Any:
        """Return a field of the data."""
        return (self.data or {})[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field of the data, or a default."""
        return (self.data or {}).get(name, default)

    def quoted(self, finding: str = "") -> str:
        """Quote the call and its answer, or the part of it that matters."""
        if not self and not finding:
            name = _NUMBERS.get(self.code, "")
            finding = f"{self.code} {name}".strip() + (
                f": {self.message}" if self.message and not name else ""
            )
        return f"{self.call} → {finding or 'answered'}"


def ask(method: Any, **request: Any) -> Answer:
    """Call a client's method; an error of AWS's is an answer, too.

    Raises:
        Denied: the caller may not look.
    """
    client = method.__self__.meta
    name = client.method_to_api_mapping[method.__name__]
    try:
        return Answer(name, method(**request))
    except ClientError as error:
        message = error.response["Error"].get("Message", "").strip()
        answer = Answer(name, None, code(error), message)
        if answer.code in DENIED:
            service = client.service_model.signing_name
            permission = _PERMISSIONS.get(name, f"{service}:{name}")
            raise Denied(permission, answer.quoted()) from error
        return answer
    except BotoCoreError as error:
        return Answer(name, None, type(error).__name__, str(error))
