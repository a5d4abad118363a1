"""The failure labs: a fault is put in, an upload shows it, and you find the cause.

key = lab(4)      # something is broken now
follow(key)       # where does the path end?
verdict()         # is it mended? once you have done so, by a call of your own
mend()            # or without you: the cause, its cure, and the same upload again

One lab is open at a time.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from IPython.display import display

from deploy import logs, replay, trace
from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.steps import failures
from deploy.tracing import NAMES, Trace
from deploy.tracing.facts import place as place_of
from deploy.waiting import looks, until
from handler.events import target_key
from workbook import html as style
from workbook import session
from workbook.errors import messages
from workbook.html import Html
from workbook.labs import faults, mends, mistakes
from workbook.show import trace_picture
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

    @property
    def mistake(self) -> faults.Fault:
        """The fault itself, with the uploads that show it."""
        return faults.FAULTS[self.fault]


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
        "Our S3 got slower, and to save money we shortened the timeout.",
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
        "Small photos work. The scan, a grey PNG of 16 bits, does not.",
        "How many MB are its 12 megapixels of 16 bits? What else needs memory?",
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
        "There was an alarm in the night, and somebody stopped the function.",
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
    """Which lab is open, and what became of it.

    Attributes:
        mended: whether the learner's own mend of it was right.
        started: when its fault went in.
        cured: an upload's key → the one under which it went up once it was mended.
        by_hand: the labs that the learner mended in this session.
    """

    number: int | None = None
    mended: bool = False
    started: datetime = dataclasses.field(default_factory=lambda: datetime.now(UTC))
    cured: dict[str, str] = dataclasses.field(default_factory=dict)
    by_hand: set[int] = dataclasses.field(default_factory=set)


_state = _State()


def lab(
    number: int, cloud: Cloud | None = None, settings: Settings | None = None
) -> str:
    """Show a lab's card, put its fault in, upload what shows it; return its key.

    Another lab that is still open is mended first. The card is shown before the wait,
    which is the time to predict.
    """
    chosen = _lab(number)
    cloud, settings = place(cloud, settings)
    display(_card(number, chosen))
    _take_out(number, cloud, settings)
    held = _held(cloud, settings)
    for key in {chosen.mistake.key, chosen.mistake.cured_key}:
        _clear(cloud, settings, key)
    _state.started = datetime.now(UTC)
    chosen.mistake.put(cloud, settings)
    _state.number, _state.mended = number, False
    _state.cured.clear()
    key = chosen.mistake.show(cloud, settings)
    _settle(cloud, settings, key, _state.started, held, chosen.events)
    return key


def follow(
    key: str, cloud: Cloud | None = None, settings: Settings | None = None
) -> Html:
    """Draw the path of an upload, and tell the first broken link and its cure."""
    cloud, settings = place(cloud, settings)
    return shown(trace(_state.cured.get(key, key), cloud, settings))


def verdict(cloud: Cloud | None = None, settings: Settings | None = None) -> Html:
    """Say whether the open lab was mended right, and what is still wrong.

    Looks at the resources, then at an upload: the path is drawn when it made no
    thumbnail.
    """
    cloud, settings = place(cloud, settings)
    number = _state.number
    if number is None:
        return _note("No lab is open: `labs.lab(number)` opens one.", style.GREY)
    chosen = _lab(number)
    judged = mends.MENDS[chosen.fault]
    if wrong := judged.wrong(cloud, settings):
        return _note(f"Lab {number}: not yet. {wrong}", style.ORANGE)
    look = _again if judged.asks_again else _came
    outcome = look(chosen, cloud, settings)
    if ": made" not in outcome:
        text = f"Lab {number}: not yet. {outcome}. {judged.unproved}".strip()
        return _note(text, style.ORANGE)
    _state.mended = True
    _state.by_hand.add(number)
    return _note(f"Lab {number}: right. {outcome}.", style.GREEN)


def by_hand() -> frozenset[int]:
    """List the labs that were mended by hand since this kernel was started."""
    return frozenset(_state.by_hand)


def mend(
    number: int | None = None,
    cloud: Cloud | None = None,
    settings: Settings | None = None,
) -> Html:
    """Undo the fault of the open lab, or that of a lab, and upload again, or replay."""
    cloud, settings = place(cloud, settings)
    number = _state.number if number is None else number
    if number is None:
        undo_all(cloud, settings)
        text = "No lab is open. Every part of the pipeline is as `up` builds it."
        return _note(text, style.GREEN)
    chosen = _lab(number)
    chosen.mistake.undo(cloud, settings)
    if _state.number == number:
        _state.number = None
    outcome = (_replayed if chosen.kept else _again)(chosen, cloud, settings)
    text = (
        f"Lab {number}: {chosen.mistake.title} ({chosen.mended_in}). Undone; {outcome}."
    )
    if _state.number:
        text += f" Lab {_state.number} is still open: `mend()` undoes its fault."
    return _note(text, style.GREEN if ": made" in outcome else style.ORANGE)


def undo_all(cloud: Cloud | None = None, settings: Settings | None = None) -> None:
    """Undo the faults of all labs, whatever state they are in."""
    faults.undo_all(cloud, settings)
    _state.number = None


def _take_out(number: int, cloud: Cloud, settings: Settings) -> None:
    """Undo the open lab, and say so where it was another, and not mended."""
    other = _state.number
    if other is None:
        return
    _lab(other).mistake.undo(cloud, settings)
    _state.number = None
    if other != number and not _state.mended:
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


def _again(chosen: Lab, cloud: Cloud, settings: Settings) -> str:
    """Upload once more what a lab is about, and say what became of it."""
    key, held = chosen.mistake.cured_key, _held(cloud, settings)
    _clear(cloud, settings, key)
    started = datetime.now(UTC)
    chosen.mistake.upload_cured(cloud, settings)
    _settle(cloud, settings, key, started, held, events=1)
    return _told(chosen, key, started, cloud, settings)


def _came(chosen: Lab, cloud: Cloud, settings: Settings) -> str:
    """Say what became of the learner's own upload, or of what was kept."""
    key = chosen.mistake.key
    if key == mistakes.CAMERA:
        key = mends.camera_photo(cloud, settings)
    for _ in looks(_patience(cloud) / 4):
        if trace(key, cloud, settings).ending == "made":
            break
    return _told(chosen, key, _state.started, cloud, settings)


def _told(
    chosen: Lab, key: str, since: datetime, cloud: Cloud, settings: Settings
) -> str:
    """Say what became of an upload; draw its path when no thumbnail was made."""
    _state.cured[chosen.mistake.key] = key
    found = trace(key, cloud, settings)
    if found.ending == "made":
        runs = logs.runs(cloud, settings, since)
        of_it = [run for run in runs if run.key == key and run.outcome == "made"]
        return in_words(of_it[-1]) if of_it else f"{key}: made"
    display(shown(found))
    why = found.broken
    cause = f" ({why.name}: {why.finding.rstrip('.')})" if why else ""
    return f"{key}: {found.ending}{cause}"


def _replayed(chosen: Lab, cloud: Cloud, settings: Settings) -> str:
    """Send the function what the queue kept, and say what became of it."""
    key = chosen.mistake.key
    started = datetime.now(UTC)
    sent = [line for line in replay(cloud, settings) if f"/{key}:" in line]
    if not sent:
        return _again(chosen, cloud, settings)

    def told() -> list[logs.Run]:
        runs = logs.runs(cloud, settings, started)
        return [run for run in runs if run.key == key and run.outcome != "failed"]

    # Other labs' events may come along: the newest is of what stands in the bucket.
    until(lambda: len(told()) >= len(sent), what="every outcome", where="the log")
    return f"replayed; {in_words(max(told(), key=place_of))}"


def _note(text: str, colour: str) -> Html:
    return Html(style.note(text, colour), text)


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
    """Wait until the events have ended: in the log, or in the on-failure queue.

    Where the way in is broken no event comes, and there is nothing to wait for.
    """
    if not events or _no_way_in(trace(key, cloud, settings)):
        return
    for _ in looks(_patience(cloud)):
        every = logs.runs(cloud, settings, started)
        runs = [run for run in every if _decoded(run.key) == _decoded(key)]
        ended = sum(run.outcome in ("made", "rejected", "stale") for run in runs)
        if ended + _held(cloud, settings) - held >= events:
            return


def _decoded(key: str) -> str:
    """Decode a key until a second time changes nothing: a handler may do half of it."""
    return unquote_plus(unquote_plus(key))


def _no_way_in(found: Trace) -> bool:
    """Tell whether the path ends before the function."""
    before = NAMES[: NAMES.index("function")]
    return found.broken is not None and found.broken.name in before


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
