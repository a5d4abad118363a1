"""`trace(key)`: why did nothing happen? Follows one upload to its thumbnail.

Each link of the path is looked at by the calls that work on AWS and on the local cloud
alike, and nothing is changed. The order is that of the path, so that the first broken
link is the cause: what is configured wrongly stands before what went wrong by it. The
function's parts (layer, role) come before its log for the same reason. A link that is
broken now does not break an upload that came through before: for that one it is a
warning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from deploy import waiting
from deploy.cloud import Cloud
from deploy.configure import resolved
from deploy.settings import Settings
from deploy.tracing import event_links, function_links, result_links
from deploy.tracing.facts import Facts
from deploy.tracing.link import Denied
from deploy.tracing.link import Link as Link

#: The path: how each link is looked at, in order.
LOOKS: dict[str, Callable[[Facts], Link]] = {
    "object": event_links.the_object,
    "rule": event_links.the_rule,
    "event": event_links.the_event,
    "target": event_links.the_target,
    "permission": event_links.the_permission,
    "function": function_links.the_function,
    "layer": function_links.the_layer,
    "role": function_links.the_role,
    "invocation": result_links.the_invocation,
    "log": result_links.the_log,
    "failures": result_links.the_failures,
    "thumbnail": result_links.the_thumbnail,
    "public": result_links.the_reader,
}
NAMES = tuple(LOOKS)
#: What stands in the configuration; the links after these tell what came of it.
_CONFIGURED = NAMES[: NAMES.index("invocation")]
#: Before the log: what an upload that came through was not stopped by.
_PASSED = NAMES[: NAMES.index("log")]
_MARKS = {"green": "✓", "amber": "!", "red": "✗", "grey": "·", "rejected": "–"}


@dataclass(frozen=True, repr=False)
class Trace:
    """One upload's path, link by link.

    Attributes:
        key: the upload's key.
        ending: "made", "rejected" (a picture that can never be made), "pending", or
            "broken".
    """

    key: str
    where: str
    links: tuple[Link, ...]
    ending: str

    @property
    def broken(self) -> Link | None:
        """The first broken link, which is the cause; None where none is."""
        return next((link for link in self.links if link.state == "red"), None)

    @property
    def warnings(self) -> tuple[Link, ...]:
        """The links that hold with a warning, or could not be looked at."""
        return tuple(link for link in self.links if link.state == "amber")

    def __getitem__(self, name: str) -> Link:
        """Return a link by its name."""
        return next(link for link in self.links if link.name == name)

    def __repr__(self) -> str:
        """Show a line for every link, then the cause, its evidence and its cure."""
        width = max(len(name) for name in NAMES)
        lines = [f"{self.key!r} on {self.where}: {self.ending}"]
        lines += [
            f"  {_MARKS[link.state]} {link.name:<{width}}  {link.finding}"
            for link in self.links
        ]
        told = [self.broken] if self.broken else self.warnings
        for link in filter(None, told):
            lines += ["", f"{link.name}: {link.finding}"]
            lines += [f"  Evidence: {link.evidence}"] if link.evidence else []
            lines += [f"  Cure: {link.cure}"] if link.cure else []
        return "\n".join(lines)


def trace(
    key: str,
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    **overrides: Any,
) -> Trace:
    """Follow an upload to its thumbnail, and name the first broken link.

    Reads only; works whatever of the pipeline exists. Looking into the on-failure queue
    leaves its messages visible, and adds to their ApproximateReceiveCount.

    The key is as it was uploaded, not form-encoded.
    """
    cloud, settings = resolved(cloud, settings, overrides)
    facts = Facts(cloud, settings, key)
    with waiting.at_once():
        links = _judged([_looked(name, facts) for name in NAMES], facts)
        return Trace(key, _place(cloud), tuple(links), _ending(links, facts))


def _looked(name: str, facts: Facts) -> Link:
    """Look at a link, and say so where whoever traces may not."""
    try:
        return replace(LOOKS[name](facts), name=name)
    except Denied as denied:
        return Link(
            name,
            "amber",
            f"Could not look: you lack {denied.permission}.",
            denied.evidence,
            f"Ask for {denied.permission}, or let someone trace who has it.",
        )


def _place(cloud: Cloud) -> str:
    """Say where, without the local cloud's address: that changes from day to day."""
    names = {"local": "the local cloud", "aws": "AWS", "endpoint": cloud.endpoint}
    return f"{names[cloud.kind]} (account {cloud.account}, region {cloud.region})"


def _judged(links: list[Link], facts: Facts) -> list[Link]:
    """Tell causes from consequences, and this upload from the next."""
    judged, broken = [], False
    for link in links:
        configured = link.name in _CONFIGURED
        if link.state == "red" and facts.arrived and link.name in _PASSED:
            before = "This upload came through; the next would stop here. "
            link = link.as_state("amber", before)
        elif broken and not configured and link.state in ("red", "amber"):
            link = link.as_state("grey")
        broken = broken or link.state == "red"
        judged.append(link)
    return judged


def _ending(links: list[Link], facts: Facts) -> str:
    if any(link.state == "red" for link in links):
        return "broken"
    if facts.arrived:
        return "made" if facts.is_of_this_upload(facts.thumbnail) else "rejected"
    return "pending"
