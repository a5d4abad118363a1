"""When each upload arrived, when the function started, when the thumbnail stood."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from deploy import cost
from deploy.cloud import Cloud
from deploy.logs import Run
from deploy.settings import Settings
from workbook import html, uploads
from workbook.html import Html
from workbook.show.pictures import in_words

_BAR_PIXELS = 150
#: Three columns of two or three lines: they fit a projector, with Lab's sidebar open.
HEAD = ("upload", "start and done", "in → out, cost of a million")
_LEGEND = (
    "Grey: from the event to the start of the handler. Colour: the handler at work."
)


def timeline(cloud: Cloud, settings: Settings, runs: Iterable[Run]) -> Html:
    """Show each upload's event, start and end, cold or warm, its bytes and money."""
    runs = list(runs)
    text = "\n".join(
        f"{in_words(run)}; {'cold' if run.cold else 'warm'}, {_total_ms(run):.0f} ms"
        for run in runs
    )
    return Html(page(rows(settings, runs)), text or "no uploads")


def page(cells: list[tuple[str, ...]]) -> str:
    """Lay out rows, with what the bars mean below."""
    legend = (
        f'<span style="font-size:13px;opacity:.75;white-space:normal">{_LEGEND}</span>'
    )
    table = html.table(HEAD, cells)
    return f'<div class="workbook-timeline">{table}{html.block(legend)}</div>'


def rows(settings: Settings, runs: list[Run]) -> list[tuple[str, ...]]:
    """Lay out the uploads' rows, their bars to one scale."""
    longest = max((_total_ms(run) for run in runs), default=1.0)
    return [row(settings, run, longest) for run in runs]


def row(settings: Settings, run: Run, longest: float) -> tuple[str, ...]:
    """Lay out one upload's cells."""
    waited, worked = spans(run)
    total = (waited or 0) + worked
    event = run.done - timedelta(milliseconds=total)
    colour = html.ORANGE if run.cold else html.GREEN
    start = html.badge("cold" if run.cold else "warm", colour)
    said = f"{start} +{waited or 0:.0f} ms<br>done +{total:.0f} ms"
    return (
        _name(run.key, event),
        f"{bar(waited or 0, worked, longest, colour)}{said}",
        f"{html.weight(run.source_bytes)}<br>→ {_out(run)}"
        f"<br>${1e6 * money(settings, run):.2f}",
    )


def pending(key: str, event: datetime) -> tuple[str, ...]:
    """Lay out the cells of an upload that nothing is known of yet."""
    waiting = html.badge("waiting", html.GREY)
    return _name(key, event), waiting, ""


def spans(run: Run) -> tuple[float | None, float]:
    """Return the ms from event to start, if known, and from start to done."""
    event = uploads.arrived(run)
    if event is None:
        return None, run.ms
    total = (run.done - event).total_seconds() * 1000
    return max(0.0, total - run.ms), run.ms


def money(settings: Settings, run: Run) -> float:
    """Estimate one upload's US dollars on AWS from its REPORT line."""
    # Lambda bills whole milliseconds, those of a cold start, too.
    billed_ms = math.ceil(run.billed_ms or run.duration_ms or run.ms)
    return cost.per_upload(
        seconds=billed_ms / 1000,
        memory_mb=settings.memory_mb,
        architecture=settings.architecture,
    )


def bar(waited: float, worked: float, longest: float, colour: str) -> str:
    """Draw how long an upload waited (grey) and was worked on."""
    scale = _BAR_PIXELS / max(longest, 1.0)
    parts = (("rgba(128,128,128,.45)", waited), (colour, worked))
    return (
        '<div style="white-space:nowrap;line-height:0;margin-bottom:6px">'
        + "".join(
            f'<span style="display:inline-block;height:14px;background:{ground};'
            f'width:{max(1, round(ms * scale))}px"></span>'
            for ground, ms in parts
        )
        + "</div>"
    )


def _out(run: Run) -> str:
    if run.outcome == "made":
        return html.weight(run.thumbnail_bytes)
    return html.badge(run.outcome, html.RED)


def _total_ms(run: Run) -> float:
    waited, worked = spans(run)
    return (waited or 0) + worked


def _name(key: str, event: datetime) -> str:
    """Write an upload's key, and when its event came."""
    style = "overflow-wrap:anywhere"
    clock = event.time().isoformat("milliseconds")
    return f'<span style="{style}">{html.name(key)}</span><br>{clock}'
