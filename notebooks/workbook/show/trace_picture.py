"""`show_trace(key)`: the path of an upload as a picture, its broken link in red."""

from __future__ import annotations

import textwrap

from deploy.cloud import Cloud
from deploy.settings import Settings
from deploy.tracing import Link, Trace, trace
from workbook import html, session
from workbook.html import GREY, INK, PAPER, Html, escape, visible
from workbook.show import svg
from workbook.show.svg import AMBER, EDGE, FAINT, FRAME, WHITE

#: The stations of the path, and the links that belong to each.
STATIONS = {
    "source bucket": ("object",),
    "S3 event": ("rule", "event", "target", "permission"),
    "function": ("function", "layer", "role"),
    "invocation": ("invocation", "log", "failures"),
    "target bucket": ("thumbnail", "public"),
}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
WIDTH = 960
_TOP, _CARD, _GAP, _HEIGHT = 78, 160, 28, 252
_COLOURS = {
    "green": html.GREEN,
    "red": html.RED,
    "amber": html.ORANGE,
    "grey": FAINT,
    "rejected": html.ORANGE,
}
_ENDINGS = {
    "made": html.GREEN,
    "rejected": html.ORANGE,
    "pending": html.GREY,
    "broken": html.RED,
}


def show_trace(
    key: str, cloud: Cloud | None = None, settings: Settings | None = None
) -> Html:
    """Follow an upload to its thumbnail, and show its path as a picture."""
    return drawn(trace(key, *session.place(cloud, settings)))


def drawn(found: Trace, text: str = "") -> Html:
    """Draw a trace: the path, then cause, evidence and cure; `text` may be the twin."""
    text = text or repr(found)
    picture = svg.picture(_svg(found), text, WIDTH)
    told = [found.broken] if found.broken else found.warnings
    panels = "".join(_panel(link) for link in told)
    return Html(html.block(picture) + panels, text)


def _panel(link: Link) -> str:
    """Set evidence and cure below the picture, where they can be copied."""
    parts = [("Evidence", link.evidence), ("Cure", link.cure)]
    if link.state == "amber":
        parts = [(f"{link.name.capitalize()}", link.finding), *parts]
    rows = "".join(
        f'<div style="display:flex;gap:12px;margin:4px 0">'
        f'<b style="min-width:76px">{name}</b>'
        f'<span style="overflow-wrap:anywhere">{html.marked(words)}</span></div>'
        for name, words in parts
        if words
    )
    colour = _COLOURS[link.state]
    bar = f"border-left:4px solid {colour};padding:4px 14px;margin:8px 0"
    return html.block(f'<div style="{bar};max-width:{WIDTH - 40}px">{rows}</div>')


def _svg(found: Trace) -> str:
    verdict, key = _verdict(found), visible(found.key, "")
    if len(key) > 52:
        key = f"…{key[-52:]}"  # the end of a long key tells more
    height = _TOP + _HEIGHT + 40 + 27 * len(verdict)
    colour = _ENDINGS[found.ending]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="{FONT}">',
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="18" '
        f'fill="{PAPER}" stroke="{EDGE}" stroke-width="2"/>',
        _write(24, 47, key, size=22, bold=True),
        f'<rect x="{WIDTH - 144}" y="22" width="120" height="36" rx="18" '
        f'fill="{colour}"/>',
        _write(
            WIDTH - 84, 46, found.ending, WHITE, anchor="middle", size=17, bold=True
        ),
        *_stations(found),
    ]
    for number, line in enumerate(verdict):
        y = _TOP + _HEIGHT + 42 + 27 * number
        parts.append(_write(24, y, line, colour, size=19))
    return "".join([*parts, "</svg>"])


def _verdict(found: Trace) -> list[str]:
    """Write what is to be said in lines that fit."""
    log, thumbnail = found["log"].finding, found["thumbnail"].finding
    if found.broken:
        words = f"Broken at {found.broken.name}: {found.broken.finding}"
    elif found.ending == "pending":
        words = "Nothing is broken, and nothing came out yet."
    elif found.ending == "rejected":
        words = f"{log} {thumbnail}"
    else:
        words = f"{log} {thumbnail} {found['public'].finding}"
    return textwrap.wrap(visible(words.replace("`", "")), 88, break_on_hyphens=False)


def _stations(found: Trace) -> list[str]:
    """Draw the five cards, and the arrows between them."""
    parts, reached = [], True
    for number, (name, links) in enumerate(STATIONS.items()):
        x = 24 + number * (_CARD + _GAP)
        its = [found[link] for link in links]
        if number:
            parts.append(_arrow(x - _GAP, x, reached))
        here = found.broken in its
        faded = "" if reached else ' opacity="0.55"'
        parts.append(f"<g{faded}>{_card(x, name, its, here)}</g>")
        reached = reached and not here
    return parts


def _card(x: float, name: str, links: list[Link], broken: bool) -> str:
    edge, width = (html.RED, 4) if broken else (INK, 2)
    parts = [
        f'<rect x="{x}" y="{_TOP}" width="{_CARD}" height="{_HEIGHT}" rx="14" '
        f'fill="{WHITE}" stroke="{edge}" stroke-width="{width}"/>',
        _icon(name, x + _CARD / 2, _TOP + 38),
        _write(x + _CARD / 2, _TOP + 88, name, anchor="middle", size=18, bold=True),
    ]
    parts += [
        _row(x, _TOP + 118 + 36 * number, link) for number, link in enumerate(links)
    ]
    return "".join(parts)


def _row(x: float, y: float, link: Link) -> str:
    """A link: its mark and its name; a broken one on red."""
    colour, red = _COLOURS[link.state], link.state == "red"
    ground = (
        f'<rect x="{x + 8}" y="{y - 17}" width="{_CARD - 16}" height="34" rx="8" '
        f'fill="{html.RED}"/>'
    )
    fill, mark = (WHITE, html.RED) if red else (colour, WHITE)
    words = WHITE if red else (GREY if link.state == "grey" else INK)
    return (
        (ground if red else "")
        + f'<circle cx="{x + 26}" cy="{y}" r="11" fill="{fill}"/>'
        + _mark(link.state, x + 26, y, mark)
        + _write(x + 46, y + 6, link.name, words, size=17, bold=red)
    )


def _mark(state: str, x: float, y: float, colour: str) -> str:
    paths = {
        "green": f"M{x - 5} {y} l4 4.5 l7 -8.5",
        "red": f"M{x - 4.5} {y - 4.5} l9 9 m0 -9 l-9 9",
        "amber": f"M{x} {y - 6} v7 m0 4.2 v.6",
        "grey": f"M{x - 3.5} {y} h7",
        "rejected": f"M{x - 5} {y} h10",
    }
    return (
        f'<path d="{paths[state]}" fill="none" stroke="{colour}" stroke-width="2.6" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _arrow(x0: float, x1: float, reached: bool) -> str:
    y = _TOP + _HEIGHT / 2
    colour, dashes = (INK, "") if reached else (FAINT, ' stroke-dasharray="4 5"')
    return (
        f'<path d="M{x0 + 3} {y} H{x1 - 6}" stroke="{colour}" stroke-width="3"'
        f'{dashes}/><path d="M{x1 - 13} {y - 8} l9 8 l-9 8" fill="none" '
        f'stroke="{colour}" stroke-width="3" stroke-linecap="round" '
        'stroke-linejoin="round"/>'
    )


def _icon(name: str, x: float, y: float) -> str:
    """Draw what the station is, as the course's diagrams do."""
    if "bucket" in name:
        colour = AMBER if name.startswith("source") else html.GREEN
        return (
            f'<path d="M{x - 24} {y - 16} l6 40 q1 7 18 7 t18 -7 l6 -40" '
            f'fill="{colour}"/><ellipse cx="{x}" cy="{y - 16}" rx="23" ry="7" '
            f'fill="{WHITE}" stroke="{colour}" stroke-width="4"/>'
        )
    if name == "function":
        return (
            f'<rect x="{x - 25}" y="{y - 23}" width="50" height="50" rx="12" '
            f'fill="{FRAME}" stroke="{INK}" stroke-width="2"/>'
            + _write(x, y + 13, "λ", INK, anchor="middle", size=34, bold=True)
        )
    if name == "invocation":
        lines = "".join(
            f'<path d="M{x - 15} {y - 10 + 12 * row} h{length}" stroke="{GREY}" '
            'stroke-width="4" stroke-linecap="round"/>'
            for row, length in enumerate((30, 22, 26))
        )
        return (
            f'<rect x="{x - 25}" y="{y - 23}" width="50" height="50" rx="8" '
            f'fill="{WHITE}" stroke="{INK}" stroke-width="2"/>{lines}'
        )
    return (  # an event: a flash
        f'<path d="M{x + 5} {y - 26} l-21 30 h13 l-5 24 l23 -32 h-14 z" '
        f'fill="{AMBER}" stroke="{AMBER}" stroke-width="2" stroke-linejoin="round"/>'
    )


def _write(
    x: float,
    y: float,
    words: str,
    fill: str = INK,
    *,
    anchor: str = "start",
    size: int = 14,
    bold: bool = False,
) -> str:
    """Write a line of text at a place of the picture."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}" '
        f'font-size="{size}"{weight}>{escape(words)}</text>'
    )
