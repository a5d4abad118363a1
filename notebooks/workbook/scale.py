"""What a platform's numbers mean: concurrency, quotas, time, money, the first limit.

Pure arithmetic. How many run at once is Little's law: arrivals a second times the
seconds that each one takes. `simulate` plays the queue through instead, message by
message, so that both can be held against a run on the local cloud.

The quotas are AWS's defaults as documented in November 2026; most can be raised.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy import cost
from workbook import html
from workbook.html import Html

#: YouTube, 2019, told by its CEO; it has named no newer figure since.
#: https://www.tubefilter.com/2019/05/07/number-hours-video-uploaded-to-youtube-per-minute/
HOURS_A_MINUTE = 500
#: Assumptions of ours: how long a video is, and how many stills its owner chooses from.
MINUTES_A_VIDEO = 10
STILLS_A_VIDEO = 3
#: A whole platform's archive.
ARCHIVE = 1_000_000_000


@dataclass(frozen=True)
class Quota:
    """A default quota of AWS: how much of what, and who says so."""

    name: str
    value: float
    unit: str
    source: str


#: By what a load uses of it (see `Load.uses`).
QUOTAS = {
    "concurrency": Quota(
        "Lambda: concurrent runs of an account and region",
        1_000,
        "runs",
        "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
    ),
    "batches": Quota(
        "Lambda: batches of one SQS mapping at once",
        1_250,
        "batches",
        "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html",
    ),
    "gets": Quota(
        "S3: GET of one prefix",
        5_500,
        "a second",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html",
    ),
    "puts": Quota(
        "S3: PUT of one prefix",
        3_500,
        "a second",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html",
    ),
}


@dataclass(frozen=True)
class Load:
    """So many pictures, and what each one takes.

    Attributes:
        pictures: how many in all.
        per_second: how many arrive; None when all are there and none has to wait.
        seconds: how long the function works on one.
        sizes: how many renditions it writes of each.
        batch: how many messages of the queue one run takes.
        batch_job: whether S3 Batch Operations tells of them, not the queue.
    """

    name: str
    pictures: float
    per_second: float | None = None
    seconds: float = 0.25
    sizes: int = 1
    memory_mb: int = 512
    batch: int = 10
    batch_job: bool = False

    def uses(self, per_second: float) -> dict[str, float]:
        """Say how much of each quota a rate of pictures a second uses."""
        running = little(per_second, self.seconds)
        return {
            "concurrency": running,
            "batches": 0.0 if self.batch_job else running,
            "gets": per_second,
            "puts": per_second * self.sizes,
        }


@dataclass(frozen=True)
class Sizing:
    """What a load means on AWS.

    Attributes:
        per_second: pictures a second: as they arrive, or as many as the quotas let.
        running: concurrent runs of the function, by Little's law.
        hours: until all are done.
        usd: what it costs: requests, compute, queue or job; storage aside.
        shares: quota → how much of it is used, 1.0 being all.
        first_limit: the quota that is reached first as the load grows.
        room: by how much the load can grow until then.
    """

    load: Load
    per_second: float
    running: float
    hours: float
    usd: float
    shares: dict[str, float]
    first_limit: Quota
    room: float


def video_platform(hours_a_minute: float = HOURS_A_MINUTE, **changes: Any) -> Load:
    """Describe a month of stills of all videos uploaded, four sizes of each."""
    videos_a_second = hours_a_minute * 60 / MINUTES_A_VIDEO / 60
    per_second = videos_a_second * STILLS_A_VIDEO
    month = 30 * 24 * 3600 * per_second
    name = f"{hours_a_minute:g} hours of video a minute, for a month"
    return Load(name, month, per_second, **{"sizes": 4, **changes})


def archive(pictures: float = ARCHIVE, **changes: Any) -> Load:
    """Describe a backfill of all there is, one thumbnail each, as a batch job."""
    name = f"a backfill of {pictures:,.0f} pictures"
    return Load(name, pictures, **{"batch_job": True, **changes})


def little(per_second: float, seconds: float) -> float:
    """Say how many are in work at once: Little's law, L = λ W."""
    return per_second * seconds


def size(load: Load) -> Sizing:
    """Work out what a load means: concurrency, time, money and the first limit."""
    a_picture = {name: used for name, used in load.uses(1).items() if used}
    fastest = {name: QUOTAS[name].value / used for name, used in a_picture.items()}
    first = min(fastest, key=fastest.__getitem__)
    rate = fastest[first] if load.per_second is None else load.per_second
    used = load.uses(rate)
    return Sizing(
        load=load,
        per_second=rate,
        running=used["concurrency"],
        hours=load.pictures / rate / 3600,
        usd=money(load),
        shares={name: used[name] / QUOTAS[name].value for name in QUOTAS},
        first_limit=QUOTAS[first],
        room=fastest[first] / rate,
    )


def money(load: Load) -> float:
    """Estimate the US dollars of a load: GET, PUTs, runs, and the queue or the job."""
    gb_seconds = load.seconds * load.memory_mb / 1024
    a_picture = (
        cost.S3_GET_USD
        + load.sizes * cost.S3_PUT_USD
        + gb_seconds * cost.LAMBDA_GB_SECOND_USD["arm64"]
    )
    if load.batch_job:
        a_picture += cost.LAMBDA_REQUEST_USD + cost.BATCH_OBJECT_USD
        return cost.BATCH_JOB_USD + load.pictures * a_picture
    # S3 sends one by one; Lambda receives and deletes a batch at a time.
    requests = 1 + 2 / load.batch
    a_picture += requests * cost.SQS_REQUEST_USD
    a_picture += cost.LAMBDA_REQUEST_USD / load.batch
    return load.pictures * a_picture


def simulate(
    arrivals: Sequence[float],
    seconds: float,
    *,
    at_once: int,
    batch: int = 1,
) -> list[float]:
    """Play a queue through: when is each picture done?

    A run that is free takes what waits, at most a batch, and works on one after the
    other.

    Args:
        arrivals: when each picture arrives, in seconds.
        seconds: how long one picture takes.
        at_once: how many runs there are, the mapping's cap.
        batch: how many pictures one run takes.

    Returns:
        When each is done, in seconds, in the order of arrival.
    """
    free = [0.0] * at_once
    waiting = sorted(arrivals)
    done: list[float] = []
    while len(done) < len(waiting):
        start = max(heapq.heappop(free), waiting[len(done)])
        rest = waiting[len(done) : len(done) + batch]
        taken = [moment for moment in rest if moment <= start]
        end = start + len(taken) * seconds
        done += [end] * len(taken)
        heapq.heappush(free, end)
    return done


def compare(sizings: Sequence[Sizing]) -> Html:
    """Show sizings side by side: a row a question, a column each."""
    head, *rows = table(sizings)
    text = "\n".join(" | ".join(row) for row in [head, *rows])
    return Html(html.table(head, rows), text)


def table(sizings: Sequence[Sizing]) -> list[tuple[str, ...]]:
    """Lay sizings side by side: the first row is the heading, then one a question."""
    rows = [("", *(sizing.load.name for sizing in sizings))]
    questions = {
        "pictures": lambda s: f"{s.load.pictures:,.0f}",
        "seconds each, sizes of each": (
            lambda s: f"{s.load.seconds:g} s, {s.load.sizes}"
        ),
        "pictures a second": lambda s: f"{s.per_second:,.0f}",
        "running at once": lambda s: f"{s.running:,.0f}",
        "time": lambda s: (
            f"{s.hours / 24:,.1f} days" if s.hours >= 48 else f"{s.hours:,.1f} hours"
        ),
        "money, storage aside": lambda s: f"${s.usd:,.0f}",
        "the first limit": lambda s: s.first_limit.name,
        "its share in use": lambda s: f"{1 / s.room:.0%}",
    }
    for question, answer in questions.items():
        rows.append((question, *(answer(sizing) for sizing in sizings)))
    return rows
