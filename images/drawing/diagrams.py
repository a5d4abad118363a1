"""Draw the workbook's diagrams: the whole pipeline, and one for each of its parts.

    python images/drawing/diagrams.py

writes ``pipeline.svg`` with all lit, and ``pipeline-<part>.svg`` with one part lit
and the others dimmed, into ``images/diagrams``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from xml.sax.saxutils import escape

from workbook.html import GREEN as TEAL
from workbook.html import GREY, INK, PAPER
from workbook.show.svg import AMBER, EDGE, FRAME, WHITE, with_dark

FOLDER = Path(__file__).resolve().parents[1] / "diagrams"
WIDTH, HEIGHT = 960, 400
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

#: What each diagram lights, and the words below it.
PARTS: dict[str, tuple[set[str], str]] = {
    "buckets": (
        {"source", "target"},
        "Two buckets: one takes the photos, one shows the thumbnails",
    ),
    "role": ({"role"}, "The role: what the function is allowed to do"),
    "layer": ({"layer"}, "The layer: Pillow, built for Lambda, beside the code"),
    "function": (
        {"frame", "handler", "role", "layer"},
        "The function: a handler, a layer and a role",
    ),
    "trigger": (
        {"source", "event", "frame"},
        "The trigger: a new .jpg or .png calls the function",
    ),
    "watch": (
        {"photo", "put", "source", "event", "frame", "handler", "write", "target"},
        "Watch it work: put a photo in, wait, find the thumbnail",
    ),
    "thumbnail": (
        {"handler", "write", "target", "show", "thumb"},
        "The thumbnail: 256 px, upright, without metadata",
    ),
    "failures": (
        {"source", "event", "frame", "handler", "layer", "role", "target", "faults"},
        "Break it and mend it: every link has its own way to fail",
    ),
    "effects": (
        {"source", "event", "frame", "handler", "write", "target", "show", "thumb"}
        | {"outputs"},
        "Beyond thumbnails: one upload, and all that its recipe names",
    ),
    "platform": (
        {"source", "event", "frame", "handler", "write", "target", "queue"},
        "The platform: many uploads wait in a queue, a few run at once",
    ),
    "cleanup": (
        {"source", "event", "frame", "handler", "role", "layer", "target", "bin"},
        "Clean up: whatever was made is removed again",
    ),
}
WHOLE = "A photo comes in, a thumbnail goes out"


def text(x: float, y: float, words: str, size: int = 18, fill: str = INK, bold=False):
    """One centred line of text."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}"{weight} '
        f'text-anchor="middle">{escape(words)}</text>'
    )


def box(x, y, width, height, fill=WHITE, edge=INK, radius=12) -> str:
    """A rounded box."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        f'rx="{radius}" fill="{fill}" stroke="{edge}" stroke-width="2"/>'
    )


def picture(x: float, y: float, width: float, height: float) -> str:
    """A picture of a mountain and a sun."""
    left, low, w, h = x + 7, y + height - 7, width - 14, height - 14
    ridge = (
        f"M{left:g} {low:g} l{w * 0.34:g} {-h * 0.62:g} l{w * 0.22:g} {h * 0.34:g} "
        f"l{w * 0.16:g} {-h * 0.20:g} l{w * 0.28:g} {h * 0.48:g} z"
    )
    return (
        box(x, y, width, height, radius=7)
        + f'<circle cx="{x + width * 0.74:g}" cy="{y + height * 0.30:g}" '
        f'r="{height * 0.10:g}" fill="{AMBER}"/>'
        f'<path d="{ridge}" fill="{TEAL}" stroke="{TEAL}" stroke-width="2" '
        f'stroke-linejoin="round"/>'
    )


def bucket(x: float, y: float, colour: str) -> str:
    """A bucket whose rim is centred on a place."""
    return (
        f'<path d="M{x - 44:g} {y:g} l11 78 q2 12 33 12 t33 -12 l11 -78" '
        f'fill="{colour}" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>'
        f'<ellipse cx="{x:g}" cy="{y:g}" rx="44" ry="13" fill="{WHITE}" '
        f'stroke="{colour}" stroke-width="5"/>'
    )


def arrow(x0: float, x1: float, y: float) -> str:
    """An arrow from left to right."""
    return (
        f'<path d="M{x0:g} {y:g} H{x1 - 4:g} m-9 -8 l10 8 l-10 8" fill="none" '
        f'stroke="{INK}" stroke-width="3" stroke-linecap="round" '
        f'stroke-linejoin="round"/>'
    )


def row(y: float, name: str, words: str, colour: str) -> str:
    """One of the function's parts: a mark, a name and what it is."""
    return (
        box(414, y, 178, 60, radius=9)
        + f'<rect x="422" y="{y + 10:g}" width="5" height="40" rx="2.5" '
        f'fill="{colour}"/>'
        + f'<text x="438" y="{y + 26:g}" font-size="18" font-weight="600" '
        f'fill="{INK}">{name}</text>'
        f'<text x="438" y="{y + 48:g}" font-size="16" fill="{GREY}">{words}</text>'
    )


def label(x: float, y: float, name: str, more: str, size: int = 18) -> str:
    """A name, and below it what it is."""
    return text(x, y, name, size, bold=True) + text(x, y + 22, more, 16, GREY)


def shapes() -> dict[str, str]:
    """Every part of the pipeline, by name, in the order of drawing."""
    middle = 190
    rim, below = middle - 40, middle + 80
    return {
        "photo": picture(28, middle - 40, 108, 80)
        + label(82, middle + 66, "photo", "12 megapixels"),
        "put": arrow(146, 180, middle),
        "source": bucket(236, rim, AMBER)
        + label(236, below, "source bucket", "private"),
        "event": arrow(292, 386, middle)
        + label(338, middle - 40, "S3 event", ".jpg .png", 17),
        "frame": box(396, 52, 214, 280, FRAME, INK, 16)
        + text(503, 86, "λ  Lambda function", 18, bold=True),
        "handler": row(104, "handler", "your Python code", TEAL),
        "layer": row(178, "layer", "Pillow", TEAL),
        "role": row(252, "role", "read, write, log", AMBER),
        "write": arrow(618, 662, middle),
        "target": bucket(716, rim, TEAL) + label(716, below, "target bucket", "public"),
        "show": arrow(770, 812, middle),
        "thumb": picture(836, middle - 30, 80, 60)
        + label(876, middle + 66, "thumbnail", "256 pixels"),
    }


def bins() -> str:
    """Small crosses on all that cleaning up removes."""
    return "".join(
        f'<circle cx="{x}" cy="{y}" r="16" fill="{INK}"/>'
        f'<path d="M{x - 6} {y - 6} l12 12 m0 -12 l-12 12" stroke="{WHITE}" '
        f'stroke-width="3.5" stroke-linecap="round"/>'
        for x, y in ((278, 130), (610, 52), (758, 130))
    )


def queue() -> str:
    """Messages that wait below the arrow into the function."""
    slips = "".join(
        f'<rect x="{x}" y="222" width="20" height="28" rx="4" fill="{WHITE}" '
        f'stroke="{AMBER}" stroke-width="3"/>'
        for x in (305, 331, 357)
    )
    return slips + text(341, 292, "queue", bold=True)


def outputs() -> str:
    """More sizes above the thumbnail, a label upon it, and a second, private bucket."""
    label = box(850, 202, 52, 11, AMBER, AMBER, 5)
    more = picture(826, 96, 100, 56) + picture(858, 46, 36, 42)
    backup = f'<g transform="translate(716 46) scale(.6)">{bucket(0, 0, AMBER)}</g>'
    return label + more + backup + text(716, 122, "backup", 17, bold=True)


def faults() -> str:
    """Small flashes on the links that the labs break."""
    links = [(278, 130), (338, 218), (592, 104), (592, 178), (592, 252), (758, 130)]
    return "".join(
        f'<circle cx="{x}" cy="{y}" r="16" fill="{AMBER}"/>'
        f'<path d="M{x + 3} {y - 10} l-9 12 h6 l-3 8 l9 -12 h-6 z" fill="{WHITE}"/>'
        for x, y in links
    )


#: What only some diagrams have, upon the rest.
EXTRAS = {"queue": queue, "outputs": outputs, "bin": bins, "faults": faults}


def diagram(part: str | None = None) -> str:
    """The pipeline as SVG, all lit or one part only."""
    lit, words = PARTS[part] if part else (set(), WHOLE)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="t d" '
        f'font-family="{FONT}">',
        f'<title id="t">{escape(words)}</title>',
        '<desc id="d">Photo, source bucket, S3 event for .jpg and .png, Lambda '
        "function with handler, Pillow layer and role, public target bucket, "
        "thumbnail.</desc>",
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="18" '
        f'fill="{PAPER}" stroke="{EDGE}" stroke-width="2"/>',
    ]
    for name, drawing in shapes().items():
        dim = bool(lit) and name not in lit
        see = ' opacity="0.25"' if dim else ""
        lines.append(f'<g id="{name}"{see}>{drawing}</g>')
    for name, draw in EXTRAS.items():
        if name in lit:
            lines.append(f'<g id="{name}">{draw()}</g>')
    lines.append(text(WIDTH / 2, HEIGHT - 28, words, 19, INK if part else GREY))
    return with_dark("\n".join([*lines, "</svg>", ""]))


def main() -> None:
    """Write all diagrams."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    FOLDER.mkdir(exist_ok=True)
    for part in (None, *PARTS):
        name = f"pipeline-{part}.svg" if part else "pipeline.svg"
        (FOLDER / name).write_text(diagram(part), encoding="utf-8", newline="\n")
        print(name)


if __name__ == "__main__":
    main()
