"""What the function's log says of many uploads: a table, and three pictures of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from deploy import logs
from deploy.logs import Report, Run
from workbook import html
from workbook.html import Html
from workbook.show import plots

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
            html.name(run.key),
            html.badge(run.outcome, OUTCOMES.get(run.outcome, html.GREY))
            + f"<br>{'cold' if run.cold else 'warm'}",
            f"{run.ms:.0f} ms<br>"
            + (f"{run.duration_ms:.0f} ms" if run.duration_ms else "–"),
            f"{html.weight(run.source_bytes)}<br>{html.weight(run.thumbnail_bytes)}",
        )
        for run in runs
    ]
    head = ("upload", "outcome, start", "handler, REPORT", "in, out")
    text = "\n".join(f"{html.visible(run.key)}: {run.outcome}" for run in runs)
    return Html(html.table(head, rows), text or "no runs")


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
    return plots.lines(series, title, x="run", y="ms", dots=True, text=text)


@plots.styled()
def outcomes(runs: Iterable[Run]) -> Html:
    """Draw what became of each run over time, an outcome a lane."""
    runs = sorted(runs, key=lambda run: run.done)
    if not runs:
        return Html(html.block("no runs"), "no runs")
    axes = plots.empty("What became of each run, over time", height=270)
    series = {
        name: [
            ((run.done - runs[0].done).total_seconds(), float(lane))
            for run in runs
            if run.outcome == name
        ]
        for lane, name in enumerate(OUTCOMES)
    }
    for name, points in series.items():
        axes.plot(
            *plots.columns(points), "o", color=OUTCOMES[name], alpha=0.75, markersize=14
        )
    plots.lanes(axes, [f"{name} ({len(p)})" for name, p in series.items()])
    axes.set_ylim(len(OUTCOMES) - 0.5, -0.5)
    axes.grid(axis="y")
    axes.xaxis.set_major_formatter(lambda at, _: f"{plots.number(at)} s")
    text = ", ".join(
        f"{name} {len(points)}" for name, points in series.items() if points
    )
    return plots.Plot(axes, text, series)


@plots.styled()
def memory(lines: Iterable[str], title: str = "Memory used, of memory given") -> Html:
    """Draw the memory that REPORT lines say was used, against what was given.

    Only AWS measures it: the local cloud's Max Memory Used is no measurement.
    """
    reports = [report for line in lines if (report := logs.report(line))]
    axes = plots.empty(title, height=80 + 66 * len(reports))
    for lane, report in enumerate(reports):
        colour = plots.COLOURS[3 if _is_full(report) else 0]
        axes.barh(lane, report.given_mb, 0.35, color=plots.GRID)
        axes.barh(lane, report.used_mb, 0.35, color=colour)
        axes.annotate(_memory_in_words(report), (0, lane + 0.38), va="center")
    plots.lanes(axes, [""] * len(reports))
    axes.set_ylim(len(reports) - 0.3, -0.3)
    axes.set_axis_off()
    text = "\n".join(map(_memory_in_words, reports))
    used = {report.request_id: float(report.used_mb) for report in reports}
    return plots.Plot(axes, text, used)


def _is_full(report: Report) -> bool:
    return report.used_mb >= report.given_mb


def _memory_in_words(report: Report) -> str:
    words = f"{report.used_mb} of {report.given_mb} MB, {report.duration_ms:,.0f} ms"
    if report.init_ms:
        words += f", and {report.init_ms:.0f} ms of cold start"
    return words + (": killed" if _is_full(report) else "")
