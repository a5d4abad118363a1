"""`begin()`, the first cell of every notebook, and `unless_exists()` for its others."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from botocore.model import OperationModel
from IPython.core.getipython import get_ipython
from IPython.display import clear_output

from deploy import Settings, connect, pipeline, replay, settings_for
from deploy.cloud import Cloud
from deploy.configure import recalled
from deploy.home import score_at_reset
from deploy.local import server
from deploy.report import Found
from deploy.steps import buckets, failures, function, layer, role
from deploy.steps import trigger as trigger_step
from workbook import leftovers
from workbook.errors import messages

NOTEBOOKS = {
    0: "00_tour",
    1: "01_thumbnail",
    2: "02_buckets",
    3: "03_role",
    4: "04_layer",
    5: "05_function",
    6: "06_trigger",
    7: "07_watch",
    8: "08_failures",
    9: "09_effects",
    10: "10_platform",
    11: "11_cleanup",
}

#: What each step builds, in order.
BUILT: dict[int, ModuleType] = {
    2: buckets,
    3: role,
    4: layer,
    5: function,
    6: trigger_step,
}

#: Options that a notebook turns on for itself; in any other they were left behind.
OWN: dict[int, tuple[str, ...]] = {
    8: ("reliable",),
    9: ("backup", "recipe", "text", "assets"),
    10: ("queue", "batch_size", "max_concurrency"),
}

_BY_HAND = {module.__name__.rpartition(".")[2] for module in BUILT.values()}

#: What create calls answer when the thing is there, and is yours.
_THERE = {
    "BucketAlreadyOwnedByYou",
    "EntityAlreadyExists",
    "EntityAlreadyExistsException",
    "ResourceAlreadyExistsException",
    "QueueAlreadyExists",
    "QueueNameExists",
    "AWS.SimpleQueueService.QueueNameExists",
}


@dataclass
class _Current:
    cloud: Cloud | None = None
    step: int | None = None
    calls: set[str] = field(default_factory=set)


_current = _Current()

#: What stands between a cell and a call of AWS's.
_BETWEEN = ("botocore", "boto3", __name__)


def begin(step: int = 0, *, counts: bool = True) -> Cloud:
    """Connect to the cloud, and make what the notebooks before this one would have.

    What was left half-way (a lab, a queue, another notebook's mistake) is said, and put
    right; on AWS nothing is changed, and the call that does is named.

    From here on an error of ours, or of AWS, is one sentence under the cell.

    Args:
        counts: whether what is solved in this kernel counts for the score.

    Raises:
        WorkbookError: there is no such step.
        DeployError: no cloud could be reached, or a step could not be built.
    """
    shell = get_ipython()
    if shell:
        messages.install(shell)
    if step not in NOTEBOOKS:
        raise no_step(step)
    lines: list[str] = []
    cloud = connect(say=lambda line: _say(line, lines))
    counted = step if counts else None
    if _current.step != counted:
        _current.step, _current.calls = counted, set()
    _current.cloud = cloud
    _listen(cloud)
    _past_the_proxy(cloud)
    wanted = _wanted(cloud, step)
    notes = [
        *_woken(cloud, lines),
        *_prepare(cloud, wanted, step, lines),
        *_tidy(cloud, wanted, step, lines),
    ]
    if shell and lines:
        clear_output(wait=True)  # "Starting …", "Building …": over by now
    for line in lines:
        if not line.endswith("…"):
            print(line)
    print(f"Step {step}, {NOTEBOOKS[step]}, on {_address(cloud)}.")
    for line in notes:
        print(line)
    return cloud


def reset(*, score: bool = False) -> None:
    """Empty the local cloud, as if nobody had ever begun; other notebooks go on.

    Their clients stay good: address and credentials are the same. What they had built
    is built again by their first cell. The score stays, but for `score=True`.

    Raises:
        WorkbookError: the notebook works on a real account, or on another emulator.
        LocalCloudError: the local cloud does not stop or start.
    """
    cloud, _ = current()
    if cloud.kind != "local":
        raise messages.WorkbookError(
            "only the local cloud can be reset",
            where=str(cloud),
            todo="`down(cloud)` removes what the workbook built there.",
        )
    server.reset(say=lambda line: None)
    print(
        "The local cloud is empty. In each open notebook, run the first cell again: it "
        "builds what is missing."
    )
    if line := score_at_reset(score, "reset(score=True)"):
        print(line)


def current() -> tuple[Cloud, Settings]:
    """Return the cloud that `begin` connected to, or connect, and its settings."""
    if _current.cloud is None:
        _current.cloud = connect(say=lambda line: None)
    return _current.cloud, settings_for(_current.cloud)


def begun() -> int | None:
    """Return the notebook that was begun in this kernel; None before that."""
    return _current.step


def own_calls() -> frozenset[str]:
    """Name the AWS calls that the notebook's own cells made since it was begun."""
    return frozenset(_current.calls)


def running_cell() -> str:
    """Return the cell that runs, as it was written; nothing outside of a notebook."""
    history = getattr(get_ipython(), "history_manager", None)
    return history.input_hist_raw[-1].strip() if history else ""


def place(cloud: Cloud | None, settings: Settings | None) -> tuple[Cloud, Settings]:
    """Take what was named; what was not, from the notebook."""
    if cloud is None or settings is None:
        current_cloud, current_settings = current()
        cloud, settings = cloud or current_cloud, settings or current_settings
    return cloud, settings


@contextmanager
def unless_exists() -> Iterator[None]:
    """Say "already there" when a create call finds its thing there, and yours.

    The cell goes on behind the `with` block. Every other error is raised, also
    BucketAlreadyExists: that bucket is somebody else's.
    """
    try:
        yield
    except ClientError as error:
        if not is_there(error):
            raise
        print("already there")


def is_there(error: ClientError) -> bool:
    """Tell "already exists and is yours" from every other refusal."""
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message", "").lower()
    if code == "ResourceConflictException":  # also "an update is in progress"
        return "already exist" in message
    return code in _THERE


def no_step(step: object) -> messages.WorkbookError:
    """Say that there is no such step."""
    return messages.WorkbookError(
        f"there is no step {step!r}", todo=f"They go from 0 to {max(NOTEBOOKS)}."
    )


def needed(step: int) -> list[int]:
    """List the steps that must stand before this one."""
    return [n for n in BUILT if n < step] if step < 11 else []


def _listen(cloud: Cloud) -> None:
    """Note the calls of a cloud's clients, made already or still to be made."""
    clients = [each for each in vars(cloud).values() if hasattr(each, "meta")]
    for events in (cloud.session.events, *(each.meta.events for each in clients)):
        events.register("before-parameter-build", _heard, unique_id="workbook-heard")


def _heard(model: OperationModel, **about: Any) -> None:
    """Note a call that a cell made itself, and none that a package made for it."""
    frame = sys._getframe()
    while frame.f_back and _module(frame).startswith(_BETWEEN):
        frame = frame.f_back
    if _module(frame) == "__main__":
        _current.calls.add(model.name)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _past_the_proxy(cloud: Cloud) -> None:
    """Let `urlopen` in a cell reach the local cloud: a proxy could not."""
    host = urlsplit(cloud.endpoint or "").hostname
    if cloud.kind != "local" or host is None:
        return
    for name in ("no_proxy", "NO_PROXY"):
        known = os.environ.get(name, "")
        if host not in known.split(","):
            os.environ[name] = f"{known},{host}".lstrip(",")


def _say(line: str, lines: list[str]) -> None:
    lines.append(line)
    if line.endswith("…"):
        print(line)


def _woken(cloud: Cloud, lines: list[str]) -> Iterator[str]:
    """Say that the local cloud had stopped, or crashed; not of one that is new."""
    if server.STARTING in lines and cloud.s3.list_buckets()["Buckets"]:
        yield (
            "The local cloud was not running: it is started, with all that stood in it."
        )


def _wanted(cloud: Cloud, step: int) -> Settings:
    """Derive the pipeline that a notebook works on: plain, but for its own options."""
    plain = settings_for(cloud)
    if step not in OWN:
        return plain
    stands = recalled(cloud)
    return dataclasses.replace(
        plain, **{name: getattr(stands, name) for name in OWN[step]}
    )


def _prepare(
    cloud: Cloud, settings: Settings, step: int, lines: list[str]
) -> Iterator[str]:
    """Build what is missing and mend what differs; yield what the reader is told.

    On AWS only name it.
    """
    built, mended = [], []
    for number in needed(step):
        missing, differs = _state(BUILT[number].describe(cloud, settings))
        if missing and cloud.kind == "aws":
            yield f"Missing: what {NOTEBOOKS[number]} builds. Run that notebook first."
        elif missing:
            _say(f"Building what {NOTEBOOKS[number]} builds …", lines)
            BUILT[number].create(cloud, settings)
            built.append(NOTEBOOKS[number])
        elif differs and cloud.kind == "aws":
            yield (
                f"What {NOTEBOOKS[number]} built differs ({', '.join(differs)}): "
                f"check({number}) says what to mend."
            )
        elif differs:
            BUILT[number].create(cloud, settings)
            mended.append(f"{NOTEBOOKS[number]} ({', '.join(differs)})")
    if built:
        yield f"Built what was missing, from {', '.join(built)}."
    if mended:
        yield f"Put right what differed: {', '.join(mended)}."


def _tidy(
    cloud: Cloud, settings: Settings, step: int, lines: list[str]
) -> Iterator[str]:
    """Take away what another notebook left behind, once the whole pipeline stands."""
    # Cleaning up needs no pipeline, and where one stands a queue is in the way.
    cleaning = step == max(NOTEBOOKS) and function.describe(cloud, settings)
    if BUILT.keys() - needed(step) and not cleaning:
        return
    differs = [
        item.resource.replace("\n", ", ")
        for item in pipeline.status(cloud, settings).items
        if item.state != "ready" and item.step not in _BY_HAND
    ]
    beside = leftovers.found(cloud, settings)
    if not differs and not beside:
        return
    if cloud.kind == "aws":
        for each in beside:
            yield f"Left from before: {each.what}. Take it away: {each.call}."
        if differs:
            yield (
                f"Left from before: {', '.join(differs)}. "
                "`up(cloud, settings_for(cloud))` mends it."
            )
        return
    _say("Tidying up what was left …", lines)
    for each in beside:
        each.remove()
    pipeline.up(cloud, settings, say=lambda line: None)
    if not settings.keeps_failures and failures.describe(cloud, settings):
        replay(cloud, settings)  # its cause is mended: no upload is lost
        failures.create(cloud, settings)
    left = [*differs, *(each.what for each in beside)]
    yield f"Put away what was left: {', '.join(left)}."


def _state(found: Found | None) -> tuple[bool, list[str]]:
    """Tell whether a step, or a part of it, is missing, and what else differs."""
    if found is None:
        return True, []
    return any(_lacks(*pair) for pair in found.drift.values()), list(found.drift)


def _lacks(is_now: Any, should: Any) -> bool:
    """Tell what was never made from what was made otherwise."""
    fewer = isinstance(is_now, list) and len(is_now) < len(should)
    return bool(should) and (not is_now or fewer)


def _address(cloud: Cloud) -> str:
    """Say where calls go; the local cloud's address changes and is of no use here."""
    if cloud.kind == "local":
        return f"the local cloud (account {cloud.account}, region {cloud.region})"
    return str(cloud)
