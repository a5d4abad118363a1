"""What the function's log says of many uploads: a table, and three pictures of it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable

from deploy import logs
from deploy.logs import Run
from workbook.show import html, plots
from workbook.show.html import Html

OUTCOMES = {
    "made": plots.COLOURS[0],
    "rejected": plots.COLOURS[1],
    "stale": plots.COLOURS[4],
    "failed": plots.COLOURS[3],
}

#: Lines of others' functions, as AWS wrote them; the local cloud measures no memory.
RECORDED = (
    # https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
    "REPORT RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95  Duration: 15.74 ms  "
    "Billed Duration: 147 ms Memory Size: 128 MB Max Memory Used: 56 MB  "
    "Init Duration: 130.49 ms",
    # https://gist.github.com/a-h/5760e3f9599a880794bb69c2d0ab4aa2
    "REPORT RequestId: 16f8d3a2-26fc-11e8-bca6-73dbc61c39e7 Duration: 24792.85 ms "
    "Billed Duration: 24800 ms Memory Size: 128 MB Max Memory Used: 129 MB",
)


def log_table(runs: Iterable[Run]) -> Html:
    """Show a row a run: outcome, cold or warm, the handler's ms and REPORT's, bytes."""
    runs = list(runs)
    rows = [
        (
            html.escape(run.key),
            html.badge(run.outcome, OUTCOMES.get(run.outcome, html.GREY)),
            "cold" if run.cold else "warm",
            f"{run.ms:.0f} ms",
            f"{run.duration_ms:.0f} ms" if run.duration_ms else "–",
            html.weight(run.source_bytes),
            html.weight(run.thumbnail_bytes),
        )
        for run in runs
    ]
    head = ("upload", "outcome", "start", "handler", "REPORT", "in", "out")
    text = "\n".join(f"{run.key}: {run.outcome}" for run in runs)
    return Html(html.table(head, rows, wrap=False), text or "no runs")


def durations(runs: Iterable[Run]) -> Html:
    """Draw how long each run took, cold ones and warm ones.

    On AWS a cold start's loading is no part of it, but REPORT's Init Duration.
    """
    series: dict[str, list[tuple[float, float]]] = {}
    for number, run in enumerate(runs, 1):
        took = run.duration_ms or run.ms
        series.setdefault("cold" if run.cold else "warm", []).append((number, took))
    if not series:
        return Html(html.block("no runs"), "no runs")
    series = dict(sorted(series.items(), reverse=True))  # warm is green, cold orange
    text = "\n".join(
        f"{name}: median {statistics.median(ms for _, ms in points):.0f} ms"
        for name, points in series.items()
    )
    title = "How long each run took, by its REPORT line"
    return plots.dots(series, title, x="run", y="ms", text=text)


def outcomes(runs: Iterable[Run]) -> Html:
    """Draw what became of each run over time, an outcome a lane."""
    runs = sorted(runs, key=lambda run: run.done)
    if not runs:
        return Html(html.block("no runs"), "no runs")
    start = runs[0].done
    seconds = [(run.done - start).total_seconds() for run in runs]
    counted = Counter(run.outcome for run in runs)
    left, right, top, lane = 190, plots.WIDTH - 30, 70, 40
    across = plots.Axis(0, max(*seconds, 1), left, right)
    parts = []
    for number, (name, colour) in enumerate(OUTCOMES.items()):
        y = top + lane * number
        parts.append(f'<path d="M{left} {y}H{right}" stroke="{plots.GRID}"/>')
        words = f"{name} ({counted[name]})"
        parts.append(plots.write(left - 16, y + 5, words, anchor="end"))
        parts += [
            f'<circle cx="{across.at(at):.1f}" cy="{y}" r="7" fill="{colour}" '
            'fill-opacity=".75"/>'
            for at, run in zip(seconds, runs, strict=True)
            if run.outcome == name
        ]
    end = top + lane * len(OUTCOMES)
    for at in across.ticks():
        label = f"{plots.number(at)} s"
        parts.append(
            plots.write(across.at(at), end + 4, label, plots.GREY, anchor="middle")
        )
    text = ", ".join(f"{name} {counted[name]}" for name in OUTCOMES if counted[name])
    title = "What became of each run, over time"
    return plots.picture("".join(parts), title, text, end + 24)


def memory(lines: Iterable[str], title: str = "Memory used, of memory given") -> Html:
    """Draw the memory that REPORT lines say was used, against what was given.

    Only AWS measures it: the local cloud's Max Memory Used is no measurement.
    """
    found = [report for line in lines if (report := logs.report(line))]
    left, room, parts, said = 40, plots.WIDTH - 80, [], []
    most = max([max(one.given_mb, one.used_mb) for one in found], default=1)
    for number, one in enumerate(found):
        y = 62 + 66 * number
        full = one.used_mb >= one.given_mb
        colour = plots.COLOURS[3] if full else plots.COLOURS[0]
        words = f"{one.used_mb} of {one.given_mb} MB, {one.duration_ms:,.0f} ms"
        words += f", and {one.init_ms:.0f} ms of cold start" if one.init_ms else ""
        words += ": killed" if full else ""
        for width, fill in ((one.given_mb, plots.GRID), (one.used_mb, colour)):
            parts.append(
                f'<rect x="{left}" y="{y}" width="{room * width / most:.1f}" '
                f'height="22" rx="4" fill="{fill}"/>'
            )
        parts.append(plots.write(left, y + 42, words))
        said.append(words)
    return plots.picture("".join(parts), title, "\n".join(said), 70 + 66 * len(found))
