"""The failure labs: a fault is put in, an upload shows it, and you find the cause.

key = lab(4)      # something is broken now
follow(key)       # where does the path end?
mend()            # the cause, its cure, and the same upload again

One lab is in at a time.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote_plus

from IPython.display import display

from deploy import logs, trace
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import failures
from deploy.tracing import Trace
from deploy.tracing.facts import place as place_of
from deploy.waiting import looks, until
from handler.events import target_key
from workbook import session
from workbook.errors import messages
from workbook.labs import faults
from workbook.show import html as style
from workbook.show import trace_picture
from workbook.show.html import Html
from workbook.show.pictures import in_words


@dataclass(frozen=True)
class Lab:
    """One lab.

    Attributes:
        fault: its name in `workbook.labs.faults`.
        symptom: what somebody would tell you on the telephone.
        question: what to predict before looking.
        mended_in: the notebook whose cell mends it.
        events: how many events come to an end; 0 where there is none to wait for.
        kept: whether its events are kept untried, so that `mend` replays them.
    """

    fault: str
    symptom: str
    question: str
    mended_in: str
    events: int = 1
    kept: bool = False


LABS: tuple[Lab, ...] = (
    Lab(
        "no-layer",
        "Since this morning no photo has a thumbnail. Nobody touched the code.",
        "Which link of the path is the first that is broken?",
        "05_function",
    ),
    Lab(
        "bucket-not-objects",
        "I tidied the policy up a little. Now nothing comes out.",
        "Can the function read? Can it write?",
        "03_role",
    ),
    Lab(
        "capitals",
        "The new camera's photos do nothing, and the log is silent.",
        "Was the function called?",
        "06_trigger",
        events=0,
    ),
    Lab(
        "timeout",
        "It worked with the old, quick service. Now we save wherever we can.",
        "Does the log have a line of ours?",
        "05_function",
    ),
    Lab(
        "wrong-layer",
        "I built the layer anew, on my other laptop.",
        "Does Lambda refuse such a layer?",
        "04_layer",
    ),
    Lab(
        "uninvited",
        "We removed a permission that nobody seemed to need.",
        "Whose permission was it: the function's, or the bucket's?",
        "06_trigger",
        events=0,
    ),
    Lab(
        "raw-key",
        "Plain names work. My panda, with spaces and an accent, does not.",
        "How does the key stand in the event?",
        "05_function",
    ),
    Lab(
        "memory",
        "Small photos work. The scan, a 16-bit PNG, does not.",
        "How much memory do 12 megapixels of 16 bits take when decoded?",
        "05_function",
    ),
    Lab(
        "blocked",
        "The thumbnail is made, says the log. The web site shows nothing.",
        "Who may read it: you, and who else?",
        "02_buckets",
    ),
    Lab(
        "poison",
        "One upload of a customer never works, however often it is tried.",
        "How often was it tried?",
        "01_thumbnail",
    ),
    Lab(
        "late-event",
        "A photo was replaced, and then its old event came once more.",
        "Which of the two photos does the thumbnail show?",
        "07_watch",
        events=3,
    ),
    Lab(
        "stopped",
        "There was an alarm in the night, somebody pressed the red button.",
        "Are the night's uploads lost?",
        "05_function",
        kept=True,
    ),
)


def labs() -> Html:
    """Show every lab by its symptom."""
    rows = [(str(n), style.escape(lab.symptom)) for n, lab in enumerate(LABS, 1)]
    text = "\n".join(f"{n:>2}  {lab.symptom}" for n, lab in enumerate(LABS, 1))
    return Html(style.table(("lab", "what you are told"), rows), text)


@dataclass
class _State:
    """What is in, and under which key a cured upload went up again."""

    number: int | None = None
    cured: dict[str, str] = dataclasses.field(default_factory=dict)


_state = _State()


def lab(
    number: int, cloud: Cloud | None = None, settings: Settings | None = None
) -> str:
    """Show a lab's card, put its fault in, upload what shows it; return its key.

    Another lab that is still in is mended first. The card is shown before the wait,
    which is the time to predict.
    """
    chosen = _lab(number)
    cloud, settings = place(cloud, settings)
    display(_card(number, chosen))
    _take_out(number, cloud, settings)
    held = _held(cloud, settings)
    _clear(cloud, settings, faults.FAULTS[chosen.fault].key)
    started = datetime.now(UTC)
    faults.put(chosen.fault, cloud, settings)
    _state.number = number
    _state.cured.clear()
    key = faults.try_it(chosen.fault, cloud, settings)
    _settle(cloud, settings, key, started, held, chosen.events)
    return key


def follow(
    key: str, cloud: Cloud | None = None, settings: Settings | None = None
) -> Html:
    """Draw the path of an upload, and tell the first broken link and its cure."""
    cloud, settings = place(cloud, settings)
    return shown(trace(_state.cured.get(key, key), cloud, settings))


def again(
    number: int, cloud: Cloud | None = None, settings: Settings | None = None
) -> str:
    """Upload once more what a lab is about, and say what became of it.

    The path is drawn when no thumbnail was made.
    """
    chosen = _lab(number)
    cloud, settings = place(cloud, settings)
    fault = faults.FAULTS[chosen.fault]
    held = _held(cloud, settings)
    _clear(cloud, settings, fault.cured_key)
    started = datetime.now(UTC)
    faults.upload_cured(chosen.fault, cloud, settings)
    _settle(cloud, settings, fault.cured_key, started, held, events=1)
    _state.cured[fault.key] = fault.cured_key
    found = trace(fault.cured_key, cloud, settings)
    if found.ending == "made":
        if _state.number == number:
            _state.number = None  # mended by hand
        runs = logs.runs(cloud, settings, started)
        return in_words([run for run in runs if run.key == fault.cured_key][-1])
    display(shown(found))
    cause = f" ({found.broken.name}: {found.broken.finding})" if found.broken else ""
    return f"{fault.cured_key}: {found.ending}{cause}"


def mend(
    number: int | None = None,
    cloud: Cloud | None = None,
    settings: Settings | None = None,
) -> Html:
    """Undo the fault that is in, or that of a lab, and upload again, or replay."""
    cloud, settings = place(cloud, settings)
    number = _state.number if number is None else number
    if number is None:
        undo_all(cloud, settings)
        text = "No lab is in. Every part of the pipeline is as `up` builds it."
        return Html(style.note(text, style.GREEN), text)
    chosen = _lab(number)
    faults.undo(chosen.fault, cloud, settings)
    if _state.number == number:
        _state.number = None
    title = faults.FAULTS[chosen.fault].title
    outcome = (_replayed if chosen.kept else again)(number, cloud, settings)
    text = f"Lab {number}: {title} ({chosen.mended_in}). Undone; {outcome}."
    if _state.number:
        text += f" Lab {_state.number} is still in: `mend()` takes it out."
    colour = style.GREEN if ": made" in outcome else style.ORANGE
    return Html(style.note(text, colour), text)


def undo_all(cloud: Cloud | None = None, settings: Settings | None = None) -> None:
    """Undo the faults of all labs, whatever state they are in."""
    faults.undo_all(cloud, settings)
    _state.number = None


def _take_out(number: int, cloud: Cloud, settings: Settings) -> None:
    """Undo another lab that is in, and say so: its fault would be found first."""
    other = _state.number
    if other is None or other == number:
        return
    faults.undo(_lab(other).fault, cloud, settings)
    _state.number = None
    print(f"Lab {other} was not over: its fault is undone. One lab at a time.")


def place(
    cloud: Cloud | None = None, settings: Settings | None = None
) -> tuple[Cloud, Settings]:
    """Take what the notebook works on; the labs' pipeline keeps its failed events."""
    if settings is None:
        cloud, plain = session.place(cloud, None)
        settings = dataclasses.replace(plain, reliable=True)
    return session.place(cloud, settings)


def shown(found: Trace) -> Html:
    """Draw a trace; its twin tells only the cause, which does not change each time."""
    told = [found.broken] if found.broken else list(found.warnings)
    text = [f"{found.key}: {found.ending}"]
    text += [f"{link.name}: {link.finding}\n  {link.cure}" for link in told]
    return trace_picture.drawn(found, "\n".join(text))


def _replayed(number: int, cloud: Cloud, settings: Settings) -> str:
    """Send the function what the queue kept, and say what became of it."""
    key = faults.FAULTS[_lab(number).fault].key
    started = datetime.now(UTC)
    sent = [line for line in failures.replay(cloud, settings) if f"/{key}:" in line]
    if not sent:
        return again(number, cloud, settings)

    def told() -> list[logs.Run]:
        runs = logs.runs(cloud, settings, started)
        return [run for run in runs if run.key == key and run.outcome != "failed"]

    # Other labs' events may come along: the newest is of what stands in the bucket.
    until(lambda: len(told()) >= len(sent), what="every outcome", where="the log")
    return f"replayed; {in_words(max(told(), key=place_of))}"


def _card(number: int, chosen: Lab) -> Html:
    text = f"Lab {number}. “{chosen.symptom}” Predict: {chosen.question}"
    html = (
        f"<b>Lab {number}.</b> “{style.escape(chosen.symptom)}”<br>"
        f"<b>Predict:</b> {style.escape(chosen.question)}"
    )
    beside = f"border-left:4px solid {style.ORANGE};padding:4px 14px;margin:6px 0"
    return Html(style.block(f'<div style="{beside}">{html}</div>'), text)


def _clear(cloud: Cloud, settings: Settings, key: str) -> None:
    """Take away an earlier lab's thumbnail: one second younger, it could be this one's.

    S3 tells times by the second, so a trace could not tell the two apart.
    """
    cloud.s3.delete_object(
        Bucket=settings.target_bucket, Key=target_key(key, settings.thumbnail_prefix)
    )


def _settle(
    cloud: Cloud,
    settings: Settings,
    key: str,
    started: datetime,
    held: int,
    events: int,
) -> None:
    """Wait until the events have ended: in the log, or in the on-failure queue."""
    names = (key, quote_plus(key, safe="/"))  # a handler may log it undecoded
    for _ in looks(_patience(cloud)):
        runs = [run for run in logs.runs(cloud, settings, started) if run.key in names]
        ended = sum(run.outcome in ("made", "rejected", "stale") for run in runs)
        if ended + _held(cloud, settings) - held >= events:
            return


def _held(cloud: Cloud, settings: Settings) -> int:
    found = failures.describe(cloud, settings)
    return found.events if found else 0


def _patience(cloud: Cloud) -> float:
    """Seconds for three tries: they come a minute or two apart on AWS."""
    return 400 if cloud.kind == "aws" else 40


def _lab(number: int) -> Lab:
    if number not in range(1, len(LABS) + 1):
        raise messages.WorkbookError(
            f"there is no lab {number!r}", todo=f"They go from 1 to {len(LABS)}."
        )
    return LABS[number - 1]
