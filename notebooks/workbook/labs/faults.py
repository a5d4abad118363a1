"""The faults of the failure labs: each is put into real resources, and undone again.

    put("no-layer")
    undo("no-layer")

A fault is a few boto3 calls, the mistake that people make. Undoing one lets its steps'
`create` mend what they know, from whatever state it is in, and takes away what the
fault added.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from botocore.exceptions import ClientError

from deploy import pipeline
from deploy.cloud import Cloud
from deploy.errors import DeployError
from deploy.settings import Settings
from deploy.steps import buckets, failures, function, layer, role, trigger
from workbook import session
from workbook.errors import messages
from workbook.labs import mistakes
from workbook.labs.mistakes import Act


@dataclass(frozen=True)
class Fault:
    """A mistake that people make, and the upload that shows it.

    Attributes:
        title: the mistake in a phrase. It gives the answer of its lab away.
        put: makes it.
        mends: the steps whose `create` mends it, in their order.
        clear: takes away what no step knows of.
        key: what to upload to see it.
        content: that upload's bytes; None where `put` uploads by itself.
        cured_as: the name to upload under once it is mended; `key` if empty.
    """

    title: str
    put: Act
    mends: tuple[ModuleType, ...] = ()
    clear: Act = lambda cloud, settings: None
    key: str = "lighthouse.jpg"
    content: Callable[[], bytes] | None = lambda: mistakes.sample("lighthouse.jpg")
    cured_as: str = ""

    @property
    def cured_key(self) -> str:
        """The name under which the upload works once the fault is undone."""
        return self.cured_as or self.key

    def show(self, cloud: Cloud, settings: Settings) -> str:
        """Upload what shows it, and return its key."""
        if self.content is not None:
            mistakes.upload(cloud, settings, self.key, self.content())
        return self.key

    def upload_cured(self, cloud: Cloud, settings: Settings) -> None:
        """Upload what it kept from being made, a picture under a right name."""
        content = self.content or (lambda: mistakes.sample("lighthouse.jpg"))
        mistakes.upload(cloud, settings, self.cured_key, content())

    def undo(self, cloud: Cloud, settings: Settings) -> None:
        """Mend what the fault broke, and take away what it added."""
        try:
            for step in self.mends:
                step.create(cloud, settings)
        except (DeployError, ClientError):  # a step before it is missing, too
            _build(cloud, settings)
        self.clear(cloud, settings)


def put(
    name: str, cloud: Cloud | None = None, settings: Settings | None = None
) -> None:
    """Put a fault in; twice is as once."""
    _fault(name).put(*_place(cloud, settings))


def undo(
    name: str, cloud: Cloud | None = None, settings: Settings | None = None
) -> None:
    """Undo a fault, whatever state it is in; also one that was never put in."""
    _fault(name).undo(*_place(cloud, settings))


def undo_all(cloud: Cloud | None = None, settings: Settings | None = None) -> None:
    """Undo every fault: build each step as `up` would, and clear what was added."""
    cloud, settings = _place(cloud, settings)
    _build(cloud, settings)
    for fault in FAULTS.values():
        fault.clear(cloud, settings)


def _fault(name: str) -> Fault:
    if name not in FAULTS:
        raise messages.WorkbookError(
            f"there is no fault {name!r}", todo=f"There are {', '.join(FAULTS)}."
        )
    return FAULTS[name]


def _place(cloud: Cloud | None, settings: Settings | None) -> tuple[Cloud, Settings]:
    """Take the notebook's cloud, and the pipeline as it was built, reliable or not."""
    if cloud is None or settings is None:
        cloud, settings = session.place(cloud, settings)
        kept = failures.describe(cloud, settings)
        reliable = bool(kept and kept.config)
        settings = dataclasses.replace(settings, reliable=reliable)
    return cloud, settings


def _build(cloud: Cloud, settings: Settings) -> None:
    for step in pipeline.STEPS:
        step.module.create(cloud, settings)


#: The steps that make the function whole again.
_OF_FUNCTION = (role, layer, function)
#: Every fault of the labs, in the order in which they are met.
FAULTS: dict[str, Fault] = {
    "no-layer": Fault("the function lost its layer", mistakes.no_layer, _OF_FUNCTION),
    "wrong-layer": Fault(
        "the layer is for another processor",
        mistakes.wrong_layer,
        _OF_FUNCTION,
        mistakes.clear_layers,
    ),
    "no-read": Fault("the role may not read the source", mistakes.no_read, (role,)),
    "bucket-not-objects": Fault(
        "the policy names the bucket, not its objects",
        mistakes.bucket_not_objects,
        (role,),
    ),
    "timeout": Fault("the timeout is too short", mistakes.slow, _OF_FUNCTION),
    "memory": Fault(
        "the function has too little memory",
        mistakes.little_memory,
        _OF_FUNCTION,
        mistakes.remove("large.png"),
        key="large.png",
        content=mistakes.large_picture,
    ),
    "raw-key": Fault(
        "the handler does not decode keys",
        mistakes.raw_key,
        _OF_FUNCTION,
        key="red panda+1 é.jpg",
        content=lambda: mistakes.sample("red panda+1 é.jpg"),
    ),
    "capitals": Fault(
        "the suffix is in capitals",
        mistakes.capitals,
        (trigger,),
        mistakes.clear_camera,
        key=mistakes.CAMERA,
        content=None,
        cured_as="lighthouse.jpg",
    ),
    "blocked": Fault("public access is blocked again", mistakes.blocked, (buckets,)),
    "each-third": Fault(
        "the handler fails each third time", mistakes.each_third, _OF_FUNCTION
    ),
    "poison": Fault(
        "the upload is no picture",
        mistakes.poison,
        clear=mistakes.remove(mistakes.POISON),
        key=mistakes.POISON,
        content=None,
    ),
    "into-its-source": Fault(
        "the target is the source", mistakes.into_its_source, _OF_FUNCTION
    ),
    "late-event": Fault(
        "an older event arrives late",
        mistakes.late_event,
        clear=mistakes.remove(mistakes.OVERWRITTEN),
        key=mistakes.OVERWRITTEN,
        content=None,
    ),
    "uninvited": Fault(
        "the bucket may not invoke the function",
        mistakes.uninvited,
        (trigger,),
        mistakes.clear_statements,
    ),
    "stopped": Fault("no invocation may run", mistakes.stopped, clear=mistakes.start),
}
