"""The pipeline as ordered steps: `plan` shows them, `up` runs them, `down` undoes them.

The steps are data, and each is a module with the same three verbs; so a plan is the
list of what `describe` said, and `up` finishes whatever an earlier run began.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError
from tqdm.auto import tqdm

from deploy import cost, preflight, waiting
from deploy.cloud import Cloud, Say
from deploy.configure import changes, resolved
from deploy.errors import DeployError, ForeignResourceError
from deploy.explained import explained
from deploy.home import beside_cloud, make_private, turn
from deploy.notifications import RULES_HOLD_AFTER
from deploy.report import Claim, Found, Item, Plan, Stack, Status, Teardown
from deploy.settings import STACK_TAG, Settings
from deploy.steps import (
    alarms,
    buckets,
    failures,
    function,
    layer,
    queue,
    role,
    trigger,
)

Ask = Callable[[tuple[Claim, ...]], None]
#: Longer than an `up` takes on AWS, where a new bucket may take minutes to be seen.
_TURN_S = 600


class StepModule(Protocol):
    """What each step's module has; `create` and `delete` can be repeated."""

    def create(self, cloud: Cloud, settings: Settings) -> str | None:
        """Make it, or mend it; return its name or ARN, None where it is not wanted."""

    def describe(self, cloud: Cloud, settings: Settings) -> Found | None:
        """Say what stands of it, and where it differs; None where nothing does."""

    def claims(self, cloud: Cloud, settings: Settings) -> list[Claim]:
        """List what stands of it, and say whose it is."""

    def delete(self, cloud: Cloud, settings: Settings) -> list[str]:
        """Delete what is ours; return notes on what the reader should know."""


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        resource: what it makes, a name a line.
        wanted: whether a pipeline of these settings has it.
        unwanted: what `up` does where it stands and is not wanted.
        stays: what to say where it stands unwanted after `up`, with {} events.
    """

    name: str
    module: StepModule
    what: str
    resource: Callable[[Settings], str]
    wanted: Callable[[Settings], bool] = lambda settings: True
    unwanted: Callable[[Found], str] = lambda found: "remove"
    stays: str = ""


Look = Callable[[Cloud, Settings, Step], Item]

_FAILURES = Step(
    "failures",
    failures,
    "failed events, kept",
    lambda s: s.failure_queue,
    lambda s: s.keeps_failures,
    lambda found: "keep" if found.events else "remove",
    "stays: it holds {} failed events.",
)
_QUEUE = Step(
    "queue",
    queue,
    "uploads wait their turn",
    lambda s: s.queue_name,
    lambda s: s.queue,
    stays="stays for now, with {} uploads that are still worked on. Run the same "
    "command again to remove it.",
)
_TRIGGER = Step(
    "trigger",
    trigger,
    "which uploads start the function",
    lambda s: ", ".join(f"*{suffix}" for suffix in s.suffixes),
)
#: In the order of building; `down` goes the other way.
STEPS = (
    Step(
        "buckets",
        buckets,
        "a private source, and a target whose thumbnails anyone may see",
        lambda s: "\n".join(buckets.names(s).values()),
    ),
    Step("role", role, "what the function may do", lambda s: s.role_name),
    Step("layer", layer, "Pillow, made for the runtime", lambda s: s.layer_name),
    Step("function", function, "the handler and its log", lambda s: s.function_name),
    _FAILURES,
    _QUEUE,
    _TRIGGER,
    Step(
        "alarms",
        alarms,
        "errors, and events that wait, seen by somebody",
        lambda s: "\n".join(s.alarm_name(what) for what in alarms.RULES),
        lambda s: s.reliable,
    ),
)


def plan(
    cloud: Cloud | None = None, settings: Settings | None = None, **overrides: Any
) -> Plan:
    """Show what `up` would do, and change nothing."""
    cloud, settings = resolved(cloud, settings, overrides)
    return _plan(cloud, settings)


def up(
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    say: Say = print,
    **overrides: Any,
) -> Stack:
    """Build the pipeline, or finish or mend what is there; twice changes nothing.

    Args:
        say: is told what the reader should know; on AWS, the plan first.

    Raises:
        PreflightError: something stands in the way; nothing was made.
        DeployError: a step failed; those before it stand, and `up` again goes on.
    """
    tell = settings is None and bool(overrides)
    with _turn(cloud, settings, overrides, say) as (cloud, settings):
        for line in changes(cloud, settings) if tell else ():
            say(line)
        return _up(cloud, settings, say)


def _up(cloud: Cloud, settings: Settings, say: Say) -> Stack:
    planned = _preflight(cloud, settings, say)
    made: dict[str, str | None] = {}
    bar = tqdm(STEPS, unit="step", leave=False, disable=None)
    for step in bar:
        doing = "Building" if step.wanted(settings) else "Looking for"
        bar.set_description(f"{doing} {step.name}")
        with explained(
            f"step {step.name}", "Run `up` again: it goes on where it stopped."
        ):
            made[step.name] = step.module.create(cloud, settings)
    if function.resume(cloud, settings):
        say(f"The function was paused; it runs again. {_caught_up(cloud, settings)}")
    if any(i.step == _TRIGGER.name and i.state != "keep" for i in planned):
        say(
            f"A new rule of a bucket takes {RULES_HOLD_AFTER} to hold: "
            "`python -m deploy probe` tells when uploads come through."
        )
    for step in STEPS:
        if step.stays and not step.wanted(settings):
            found = _look_at(cloud, settings, step).found
            if found and found.arn:
                why = step.stays.format(found.events)
                say(f"Queue {step.resource(settings)} {why}")
    return Stack(settings, str(cloud), _arns(settings, made), urls(cloud, settings))


def status(
    cloud: Cloud | None = None, settings: Settings | None = None, **overrides: Any
) -> Status:
    """Show what exists and where it differs from the settings; change nothing."""
    cloud, settings = resolved(cloud, settings, overrides)
    seen = _seen(cloud, settings, _look_at)
    return Status(settings, str(cloud), tuple(seen.values()))


def pause(
    cloud: Cloud | None = None, settings: Settings | None = None, **overrides: Any
) -> None:
    """Stop the function now, as when it runs in a loop; `resume` or `up` lifts it.

    What becomes of uploads meanwhile is the same as in `function.pause`: kept for
    `replay` with `reliable=True`, waiting with `queue=True`, else left to `backfill`.
    """
    cloud, settings = resolved(cloud, settings, overrides)
    with explained("step function", "Try again."):
        function.pause(cloud, settings)


def resume(
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    say: Say = print,
    **overrides: Any,
) -> bool:
    """Let a paused function run again, and say what to run next; True if it was."""
    cloud, settings = resolved(cloud, settings, overrides)
    with explained("step function", "Try again."):
        lifted = function.resume(cloud, settings)
    if lifted:
        say(f"It runs again. {_caught_up(cloud, settings)}")
    return lifted


def _caught_up(cloud: Cloud, settings: Settings) -> str:
    """Say where the events of a pause are, and what runs them."""
    failed, queued = (
        found.events if (found := _look_at(cloud, settings, step).found) else 0
        for step in (_FAILURES, _QUEUE)
    )
    if failed:
        return (
            f"Queue {settings.failure_queue} keeps {failed} failed "
            f"event{'s' * (failed != 1)}: `python -m deploy replay` sends what it "
            "keeps to the function."
        )
    if queued:
        return f"Queue {settings.queue_name} holds {queued}, which it works on now."
    return (
        "No failed event is kept: `python -m deploy backfill` makes the thumbnails "
        "that are missing."
    )


def down(
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    backup: bool = False,
    ask: Ask | None = None,
    say: Say = print,
    **overrides: Any,
) -> Teardown:
    """Delete the pipeline with every picture in its buckets, then look again.

    Whose everything is was looked at before the first deletion; what is not ours stays
    and is named. A step that fails does not keep the others from being deleted.

    Args:
        backup: whether the bucket of backups goes, too, last of all.
        ask: is given all that stands before anything is deleted; to stop, it raises.
        say: is told what it waits for.

    Raises:
        ForeignResourceError: a CloudFormation stack made it (see `export`).
    """
    with _turn(cloud, settings, overrides, say) as (cloud, settings):
        settings = dataclasses.replace(settings, backup=backup)
        return _down(cloud, settings, ask)


def _down(cloud: Cloud, settings: Settings, ask: Ask | None) -> Teardown:
    _check_no_other_stack(cloud, settings)
    stands, notes = _inventory(cloud, settings)
    every = tuple(claim for claims in stands.values() for claim in claims)
    if ask is not None:
        ask(every)
    notes += [claim.note for claim in every if claim.kept]
    stuck = {step for step in STEPS if step not in stands}
    going = [step for step in reversed(STEPS) if _ours(stands.get(step, []))]
    bar = tqdm(going, unit="step", leave=False, disable=None)
    for step in bar:
        bar.set_description(f"Deleting {step.name}")
        try:
            with explained(f"step {step.name}", "Run `down` again."):
                notes += step.module.delete(cloud, settings)
        except DeployError as error:
            stuck.add(step)
            notes.append(str(error).rstrip("."))
    left = _left(cloud, settings, stuck)
    return Teardown(tuple(left), tuple(dict.fromkeys(notes)))


@contextlib.contextmanager
def _turn(
    cloud: Cloud | None, asked: Settings | None, overrides: dict[str, Any], say: Say
) -> Iterator[tuple[Cloud, Settings]]:
    """Let one `up` or `down` of a pipeline run at a time, as far as this machine knows.

    Two at once would end in half a pipeline that each of them calls whole. What is
    remembered of it is read when the one before has ended.
    """
    cloud, settings = resolved(cloud, asked, overrides)
    name = f"{settings.name}-{cloud.account}-{cloud.region}"

    def wait() -> None:
        say(f"Another `up` or `down` of {settings.name} runs; this one waits for it.")

    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # nowhere to write: it cannot be known
            make_private(folder := beside_cloud())
            held.enter_context(turn(folder / f"{name}.lock", _TURN_S, wait))
        yield resolved(cloud, asked, overrides)


def claims(
    cloud: Cloud | None = None, settings: Settings | None = None, **overrides: Any
) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """List what stands under a name, and say of the rest why it cannot be read."""
    cloud, settings = resolved(cloud, settings, overrides)
    stands, unread = _inventory(cloud, settings)
    return tuple(each for found in stands.values() for each in found), tuple(unread)


def _inventory(
    cloud: Cloud, settings: Settings
) -> tuple[dict[Step, list[Claim]], list[str]]:
    """List what stands, by step, and say of the others why they could not be read."""
    stands: dict[Step, list[Claim]] = {}
    notes = []
    for step in STEPS:
        try:
            with explained(f"step {step.name}", "Run `down` again."):
                stands[step] = step.module.claims(cloud, settings)
        except DeployError as error:
            notes.append(str(error).rstrip("."))
    return stands, notes


def _ours(claims: list[Claim]) -> list[str]:
    return [claim.what for claim in claims if not claim.kept]


def _plan(cloud: Cloud, settings: Settings) -> Plan:
    """Look at every step, and run every check on what was seen."""
    seen = _seen(cloud, settings, _look_if_allowed)
    items = [_planned(step, item, settings) for step, item in seen.items()]
    found = preflight.findings(cloud, settings, items)
    costs = cost.in_words(
        alarms=len(alarms.RULES) if settings.reliable else 0, queue=settings.queue
    )
    return Plan(settings, str(cloud), tuple(items), found, policies(settings), costs)


def _preflight(cloud: Cloud, settings: Settings, say: Say) -> tuple[Item, ...]:
    """Refuse before anything is made; on AWS, show the plan that is run, return it.

    A cloud on this machine forgives: there only what can be read is looked at, and
    only when there is no pipeline yet, which its layer tells in one call.
    """
    function.check_source(settings)
    if cloud.kind == "aws":
        planned = _plan(cloud, settings)
        if not planned.refused:
            say(planned.short)
        preflight.require(planned.findings)
        return planned.items
    first = next(step for step in STEPS if step.module is layer)
    if _look_if_allowed(cloud, settings, first).found is None:
        seen = _seen(cloud, settings, _look_if_allowed)
        preflight.require(preflight.by_reading(cloud, settings, seen.values()))
    return ()


def policies(settings: Settings) -> dict[str, Any]:
    """Collect every policy document that `up` writes, by where it is written."""
    name = settings.role_name
    if settings.execution_role:  # not ours to write, but it must say as much
        name += " (which you gave, and must have it)"
    documents: dict[str, dict[str, Any] | None] = {
        f"trust policy of {name}": role.trust_policy()
    }
    for policy, document in role.inline(settings).items():
        documents[f"policy {policy!r} of {name}"] = document
    for part, bucket in buckets.names(settings).items():
        documents[f"bucket policy of {bucket}"] = buckets.policy(settings, part)
    if settings.queue:
        to_queue = queue.queue_policy(settings)
        documents[f"policy of queue {settings.queue_name}"] = to_queue
    else:
        to_function = dict(trigger.permission(settings))
        documents[f"permission of {settings.function_name}"] = to_function
    return {where: document for where, document in documents.items() if document}


def urls(cloud: Cloud, settings: Settings) -> dict[str, str]:
    """Say where to upload and where thumbnails can be seen."""
    target = settings.arns.bucket_url(settings.target_bucket)
    if cloud.endpoint:  # an emulator: the bucket goes into the path
        target = f"{cloud.endpoint}/{settings.target_bucket}"
    if not settings.public:  # `link` signs one for a key
        target = f"s3://{settings.target_bucket}"
    return {
        "upload": f"s3://{settings.source_bucket}/",
        "thumbnails": f"{target}/{settings.thumbnail_prefix}",
    }


def _check_no_other_stack(cloud: Cloud, settings: Settings) -> None:
    """Leave to CloudFormation what CloudFormation made: its stack would be stuck."""
    with explained("step function", "Run `down` again."):
        other = function.tags(cloud, settings).get(STACK_TAG)
    if other:
        raise ForeignResourceError(
            f"it belongs to the CloudFormation stack {other!r}",
            where=f"function {settings.function_name}",
            todo="Empty both buckets (`aws s3 rm --recursive`), then "
            f"`aws cloudformation delete-stack --stack-name {other}`.",
        )


def _seen(cloud: Cloud, settings: Settings, look: Look) -> dict[Step, Item]:
    """Look at every step, and leave out what is not wanted and we did not make."""
    seen = {step: look(cloud, settings, step) for step in STEPS}
    return {
        step: item
        for step, item in seen.items()
        if step.wanted(settings) or item.state not in ("missing", "foreign")
    }


def _look_at(cloud: Cloud, settings: Settings, step: Step) -> Item:
    resource = step.resource(settings)
    try:
        with explained(f"step {step.name}", "Try again."):
            found = step.module.describe(cloud, settings)
    except ForeignResourceError as error:
        return Item(step.name, resource, "foreign", str(error), error=error)
    if found is None:
        return Item(step.name, resource, "missing")
    state = "differs" if found.drift else "ready"
    notes = [*found.drift, found.says]
    return Item(step.name, resource, state, ", ".join(filter(None, notes)), found)


_ACTIONS = {
    "missing": "create",
    "differs": "update",
    "ready": "keep",
    "foreign": "refused",
    "unknown": "unknown",
}


def _planned(step: Step, item: Item, settings: Settings) -> Item:
    """Turn a state into the action that `up` would take."""
    action = _ACTIONS[item.state]
    if item.found and not step.wanted(settings):
        action = step.unwanted(item.found)
    return dataclasses.replace(item, state=action)


def _left(cloud: Cloud, settings: Settings, stuck: set[Step]) -> list[str]:
    """List again what is ours; what AWS is still deleting gets a bounded wait."""
    for delay in (*waiting.DELAYS, None):
        stands, unread = _inventory(cloud, settings)
        left = {step: ours for step, c in stands.items() if (ours := _ours(c))}
        if delay is None or left.keys() <= stuck:
            return [*unread, *(one for ours in left.values() for one in ours)]
        waiting.clock.sleep(delay)
    raise AssertionError("unreachable")


def _look_if_allowed(cloud: Cloud, settings: Settings, step: Step) -> Item:
    """Look at a step; that we may not is something to tell with all the rest."""
    try:
        return _look_at(cloud, settings, step)
    except DeployError as error:
        cause = error.__cause__
        if not isinstance(cause, ClientError) or not waiting.is_denied(cause):
            raise
        note = f"{cause.operation_name} was refused"
        return Item(step.name, step.resource(settings), "unknown", note, error=error)


def _arns(settings: Settings, made: dict[str, str | None]) -> dict[str, str]:
    arns = {
        "source": settings.arns.bucket(settings.source_bucket),
        "target": settings.arns.bucket(settings.target_bucket),
    }
    return arns | {n: arn for n, arn in made.items() if arn and arn.startswith("arn:")}
