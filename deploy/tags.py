"""Whose a resource is: the tag says so, and is set in the call that makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deploy.errors import ForeignResourceError
from deploy.settings import TAG, Settings


def ours(tags: Mapping[str, str], settings: Settings) -> bool:
    """Tell whether a resource with these tags is this pipeline's."""
    return tags.get(TAG) == settings.name


def require_ours(
    tags: Mapping[str, str], settings: Settings, where: str, what: str = "it exists"
) -> None:
    """Refuse a resource that is not ours ("role photos-role").

    Raises:
        ForeignResourceError: it has not our tag; `what` says what is known of it.
    """
    if not ours(tags, settings):
        raise ForeignResourceError(
            f"{what} and has no tag {TAG}={settings.name}, so it is not ours",
            where=where,
            todo=f"Choose another Settings.name, or tag it {TAG}={settings.name} to "
            "hand it over; `down` then deletes it.",
        )


def read(pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Read tags as most services list them: [{"Key": …, "Value": …}]."""
    return {pair["Key"]: pair["Value"] for pair in pairs}


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Write tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
