"""Which of two uploads of a key is the newer, told from what they were stamped with."""

from typing import Literal
from urllib.parse import quote

from handler.uploads import Upload

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
