"""`exercise(step, answer)`: the exercise of a notebook, judged by the value given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from deploy import policies
from deploy.settings import Settings
from handler import make_thumbnail
from workbook import session
from workbook.errors.messages import WorkbookError
from workbook.show import html
from workbook.show.html import Html
from workbook.uploads import SAMPLES

BYTES = 5_000
HOUR_S = 3_600

#: Judges an answer: nothing where it is right, else what is not yet right about it.
Judge = Callable[[Any, Settings], str]


class Verdict(Html):
    """What an answer is worth: right, or not yet, and why."""

    def __init__(self, step: int, wrong: str) -> None:
        self.step, self.right = step, not wrong
        name = session.NOTEBOOKS[step]
        text = f"Exercise of {name}: {f'not yet. {wrong}' if wrong else 'right.'}"
        super().__init__(html.note(text, html.ORANGE if wrong else html.GREEN), text)


def judge(step: int, answer: Any, settings: Settings) -> Verdict:
    """Judge the answer to a notebook's exercise.

    Raises:
        WorkbookError: no exercise of this notebook is judged.
    """
    if step not in JUDGES:
        known = ", ".join(map(str, JUDGES))
        raise WorkbookError(
            f"there is no exercise to judge in step {step!r}",
            todo=f"There is one in each of {known}.",
        )
    return Verdict(step, JUDGES[step](answer, settings))


def _quality(quality: int, settings: Settings) -> str:
    data = (SAMPLES / "lighthouse.jpg").read_bytes()

    def weight(quality: int) -> int:
        return len(make_thumbnail(data, settings.box, quality=quality))

    if weight(quality) > BYTES:
        return f"Quality {quality} takes {weight(quality):,} bytes: lower it."
    if quality < 95 and weight(quality + 1) <= BYTES:
        return f"Quality {quality} fits, and a higher quality fits, too."
    return ""


def _link(link: str, settings: Settings) -> str:
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    if settings.target_bucket not in parts.netloc + parts.path:
        return "The link opens the source bucket; the note is in the target bucket."
    if not unquote(parts.path).endswith("/rejected/example.json"):
        return "The link opens another key than `rejected/example.json`."
    seconds = int(query.get("X-Amz-Expires", ["0"])[0])
    if seconds != HOUR_S:
        return f"The link is good for {seconds} s; an hour has {HOUR_S:,}."
    return ""


def _narrow(statement: dict[str, Any], settings: Settings) -> str:
    target = settings.arns.bucket(settings.target_bucket)
    document = policies.document(statement)

    def may(call: str, key: str) -> bool:
        return bool(policies.allowed(document, call, f"{target}/{key}"))

    if not may("s3:PutObject", "thumbnails/any/photo.jpg"):
        return "Thumbnails may not be written: end the ARN in `/thumbnails/*`."
    if may("s3:PutObject", "rejected/photo.json"):
        return "`rejected/photo.json` may still be written."
    if may("s3:PutObject", "thumbnails.jpg") or may("s3:GetObject", "thumbnails/a.jpg"):
        return "It allows more than writing below `thumbnails/`."
    return ""


def _runtime(runtime: Any, settings: Settings) -> str:
    if runtime.name == "python3.14":
        return "The runtime is python3.14 still."
    if runtime.name != "python3.11":
        return f"The runtime is {runtime.name}, and python3.11 was asked for."
    return ""


def _rejected(answer: dict[str, Any], settings: Settings) -> str:
    outcomes = answer.get("outcomes", {})
    if outcomes == {"rejected": 1}:
        return ""
    if "made" in outcomes:
        return "The thumbnail was made. Which size is pointless to read?"
    return (
        "The function did not reject the event, it failed or passed it over: change "
        "`size` alone."
    )


def _crowd(runs: list[Any], settings: Settings) -> str:
    if len(runs) < 8:
        return f"{len(runs)} photo was uploaded, and 8 were asked for."
    if sum(run.cold for run in runs) < 2:
        return "Only one run was cold: run `fresh()` and all eight uploads again."
    return ""


def _cover(cover: dict[str, Any], settings: Settings) -> str:
    effects = {each.get("effect"): each for each in cover.get("effects", ())}
    if cover.get("fit") != "cover" or cover.get("width") != cover.get("height"):
        return 'It is not square: `"fit": "cover"` fills the box.'
    if "grayscale" not in effects:
        return "It has its colours still: the effect is `grayscale`."
    if effects.get("text", {}).get("place") != "top":
        return 'Your name is not at the top: a `text` has `"place": "top"`.'
    return ""


def _bill(answer: tuple[float, float], settings: Settings) -> str:
    uploads, seconds = answer
    if uploads != 3_000_000:
        return f"{uploads:,} uploads are not 3 million."
    if seconds != 1:
        return f"Each photo needs 1 second, and {seconds:g} s is calculated."
    return ""


#: Step → who judges its exercise.
JUDGES: dict[int, Judge] = {
    1: _quality,
    2: _link,
    3: _narrow,
    4: _runtime,
    5: _rejected,
    7: _crowd,
    9: _cover,
    11: _bill,
}
