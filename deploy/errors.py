"""One root for everything that can go wrong while deploying: `DeployError`."""

from __future__ import annotations

#: Twice as much of a text is said: of a value in it, how it begins, and how it ends.
_SAID = 300


class DeployError(Exception):
    """What failed, where it failed, and what to do next, in one sentence each.

    Attributes:
        what: what failed, without a full stop.
        where: the resource, file or call concerned ("bucket photos-source").
        todo: what the reader does next.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = map(short, (what, where, todo))
        place = f"{self.where}: " if where else ""
        rest = f" {self.todo}" if todo else ""
        super().__init__(f"{place}{self.what}.{rest}")


def short(text: str) -> str:
    """Leave the middle out of what is too long to be read: of a value that is quoted.

    Lists, a line each, stay whole.
    """
    lines = [
        f"{line[:_SAID]} … {line[-_SAID:]}" if len(line) > 2 * _SAID else line
        for line in text.split("\n")
    ]
    return "\n".join(lines)


class SettingsError(DeployError):
    """A name or number in `Settings` that AWS would refuse."""


class ConnectError(DeployError):
    """No cloud could be reached, or reaching it was refused on purpose."""


class LocalCloudError(DeployError):
    """The local cloud could not be set up, started or stopped."""


class LayerError(DeployError):
    """The layer's wheel could not be fetched, or does not fit the function."""


class ForeignResourceError(DeployError):
    """A resource of the wanted name exists and is not ours to change."""


class PreflightError(DeployError):
    """Something stands in the way of `up`, and nothing was made."""


class NotReadyError(DeployError):
    """AWS did not reach the expected state within the bounded wait."""
