"""One root for everything that can go wrong while deploying: `DeployError`."""

from __future__ import annotations


class DeployError(Exception):
    """What failed, where it failed, and what to do next, in one sentence each.

    Attributes:
        what: what failed, without a full stop.
        where: the resource, file or call concerned ("bucket photos-source").
        todo: what the reader does next.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what, self.where, self.todo = what, where, todo
        place = f"{where}: " if where else ""
        super().__init__(f"{place}{what}." + (f" {todo}" if todo else ""))


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
