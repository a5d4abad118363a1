"""Which of two uploads of a key is the newer, and how the older never wins a race."""

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import quote

from botocore.exceptions import ClientError

from handler.client import error_code
from handler.errors import Stale
from handler.events import Upload

ATTEMPTS = 5  # a lost race means that another writer won one, so this is plenty

# Somebody else's write came between our look and our own.
_RACE = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")

Stamp = dict[str, str]
Verdict = Literal["newer", "older", "repeat", "same", "unknown"]


def stamp(upload: Upload, etag: str | None) -> Stamp:
    """Return what a result was made from, as the metadata to keep on it.

    Metadata travels in headers, which take ASCII only.
    """
    made_from = {
        "source-etag": etag,
        "source-sequencer": upload.sequencer,
        "source-version": upload.version_id,
    }
    return {name: quote(text, "/+") for name, text in made_from.items() if text}


def compare(ours: Stamp, theirs: Stamp) -> Verdict:
    """Say what our upload is to the one that the standing result was made from.

    "repeat" is the same event again, "same" the same bytes without an event to order
    them by (a backfill), "unknown" needs a look at the source itself.
    """
    our_place, their_place = (s.get("source-sequencer", "") for s in (ours, theirs))
    if our_place and their_place:
        # The shorter is padded with zeros on its right, then they compare as text:
        # AmazonS3/latest/userguide/notification-content-structure.html
        width = max(len(our_place), len(their_place))
        our_place, their_place = (
            our_place.ljust(width, "0"),
            their_place.ljust(width, "0"),
        )
        if our_place != their_place:
            return "newer" if our_place > their_place else "older"
    if ours.get("source-etag") != theirs.get("source-etag"):
        return "unknown"
    return "repeat" if our_place and their_place else "same"


def put_in_order(
    ours: Stamp,
    put: Callable[..., Any],
    look: Callable[[], dict[str, Any]],
    is_current: Callable[[], bool],
) -> None:
    """Write a result unless the one that stands was made from a newer upload.

    ``put`` is a PutObject without metadata and condition, ``look`` a HeadObject of
    where it goes, and ``is_current`` asks the source, for when the stamps cannot tell.
    Each write is on condition that nothing has changed since the look before it; when
    it has, the next round looks again. Raises ``Stale``, or the last round's error.
    """
    condition = {"IfNoneMatch": "*"}
    for _ in range(ATTEMPTS):
        try:
            put(Metadata=ours, **condition)
            return
        except ClientError as error:
            if error_code(error) not in _RACE:
                raise
            lost = error
        try:
            standing = look()
        except ClientError as error:
            # Deleted since, which reads 403 without s3:ListBucket. Where it is the
            # policy instead, every round ends here, and the 403 is raised below.
            if error_code(error) not in ("403", "404"):
                raise
            lost = error if error_code(error) == "403" else lost
            condition = {"IfNoneMatch": "*"}
            continue
        theirs = standing["Metadata"]
        verdict = compare(ours, theirs)
        if verdict == "repeat" and ours.items() <= theirs.items():
            return  # else it has something to add: labels that failed the first time
        if verdict == "older" or (verdict == "unknown" and not is_current()):
            raise Stale("superseded: the target was made from a newer upload")
        if verdict == "same":
            ours = theirs | ours  # keep its place in the order
        condition = {"IfMatch": standing["ETag"]}
    raise lost
