"""`pytest --aws`: the end-to-end suite in an account of yours, and nothing else there.

    pytest --aws [--aws-region eu-west-1] [--aws-budget 0.10]

It uses your own credentials chain, and runs the tests marked `aws` alone. Before the
first call it says what they will upload and cost, and refuses over the budget; a meter
on the session stops uploads that were not announced. Everything it makes is named
`wbtest-<run>-…` and taken down at the end, whatever happened, Ctrl-C included; what a
killed run left, the next run sweeps. One run at a time in an account and region.

`--aws-endpoint URL` sends the same suite to an emulator. That proves the suite and the
configuration (names, regions, another account), and not AWS.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from deploy import connect, cost, pipeline, settings_for
from deploy.cloud import Cloud
from deploy.settings import Settings

PREFIX = "wbtest-"
RUN = secrets.token_hex(4)
UPLOADS = 2  # what a test uploads if its mark says nothing else
#: A cold run at 512 MB, so that the estimate is rather too high.
SECONDS = 2.0

_UPLOADS = ("PutObject", "CopyObject", "UploadPart", "CompleteMultipartUpload")
_LEFT_BEHIND = re.compile(rf"({PREFIX}[0-9a-f]{{8}}-[a-z]+)-(?:source|target)-")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("aws", "the end-to-end suite in an account of yours")
    group.addoption("--aws", action="store_true", help="run the tests marked aws")
    group.addoption("--aws-region", metavar="REGION", help="as in eu-west-1")
    group.addoption("--aws-endpoint", metavar="URL", help="an emulator instead of AWS")
    group.addoption(
        "--aws-budget", type=float, default=0.10, metavar="USD", help="refuse over it"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave the account's tests alone, and hold them to the budget."""
    if not config.getoption("--aws"):
        return
    emulated = config.getoption("--aws-endpoint") is not None
    chosen = [item for item in items if _is_chosen(item, emulated)]
    config.hook.pytest_deselected(items=[i for i in items if i not in chosen])
    items[:] = chosen
    uploads = sum(map(uploads_of, items))
    price, budget = estimate(uploads), config.getoption("--aws-budget")
    print(f"\n{len(items)} tests, about {uploads} uploads, about ${price:.4f}.")
    if price > budget:
        raise pytest.UsageError(
            f"that is over the budget of ${budget:.4f}: raise it with --aws-budget, or "
            "choose fewer tests with -k"
        )


def uploads_of(item: pytest.Item) -> int:
    """How many uploads a test announces."""
    return item.get_closest_marker("aws").kwargs.get("uploads", UPLOADS)


def estimate(uploads: int) -> float:
    """The US dollars that so many uploads cost, with an hour of the alarms."""
    each = cost.per_upload(seconds=SECONDS, architecture="x86_64")
    return uploads * each + len(pipeline.alarms.RULES) * cost.ALARM_USD / 730


def _is_chosen(item: pytest.Item, emulated: bool) -> bool:
    """Plain emulators do not do all that the tests expect of AWS."""
    mark = item.get_closest_marker("aws")
    return mark is not None and not (emulated and mark.kwargs.get("only_aws"))


class Meter:
    """Counts uploads on a session, and stops those that were not announced."""

    def __init__(self, cloud: Cloud, limit: int) -> None:
        self.limit, self.count = limit, 0
        cloud.session.events.register("before-call.s3.*", self._before)

    def _before(self, model: Any, **_: Any) -> None:
        if model.name not in _UPLOADS:
            return
        self.count += 1
        if self.count > self.limit:
            pytest.exit(f"stopped at {self.count} uploads: {self.limit} were announced")


@pytest.fixture(scope="session")
def aws(request: pytest.FixtureRequest) -> Iterator[Cloud | None]:
    """The account that `--aws` names, swept before and after; None without it."""
    config = request.config
    if not config.getoption("--aws"):
        yield None
        return
    region, endpoint = (config.getoption(f"--aws-{o}") for o in ("region", "endpoint"))
    cloud = connect(None if endpoint else "aws", endpoint=endpoint, region=region)
    sweep(cloud)
    # Parts, probes and repeats come on top of what the tests count.
    Meter(cloud, 50 + 3 * sum(map(uploads_of, request.session.items)))
    try:
        yield cloud
    finally:
        left = sweep(cloud)
        assert left == [], f"look at these yourself: {left}"


def settings(cloud: Cloud, name: str, **overrides: Any) -> Settings:
    """Derive settings whose every name begins with this run's prefix."""
    return settings_for(cloud, name=f"{PREFIX}{RUN}-{name}", **overrides)


def sweep(cloud: Cloud) -> list[str]:
    """Take down every pipeline of such a name; return what could not be removed.

    `up` makes the buckets first and `down` deletes them last, so they name them all.
    """
    buckets = [bucket["Name"] for bucket in cloud.s3.list_buckets()["Buckets"]]
    found = {match[1] for name in buckets if (match := _LEFT_BEHIND.match(name))}
    left: list[str] = []
    for name in sorted(found):
        one = settings_for(cloud, name=name)
        if one.source_bucket in buckets or one.target_bucket in buckets:  # this region
            left += pipeline.down(cloud, one).left
    return left
