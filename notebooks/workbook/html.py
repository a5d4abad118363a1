"""One look for everything the workbook shows: plain HTML, every style inline.

GitHub and nbviewer keep tables and inline styles and drop the rest. Text takes the
page's own colour, so that it is read in JupyterLab's light and dark themes alike; what
has a colour of its own carries its own background.
"""

from __future__ import annotations

import base64
import html
import unicodedata
from collections.abc import Iterable, Sequence

from IPython.display import HTML

GREEN, RED, ORANGE, GREY = "#0f766e", "#b3362b", "#b45309", "#5d6b7a"
#: What pictures that bring their own ground are drawn on, and written with.
PAPER, INK = "#f7f8fa", "#22303f"

_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
_LINE = "1px solid rgba(128,128,128,.35)"
#: A name longer than this wraps, at any sign.
_SHORT = 40
_WRAPPED = (
    "display:inline-block;max-width:28em;white-space:normal;overflow-wrap:anywhere"
)
_CELL = f"padding:8px 10px;vertical-align:middle;border:0;border-bottom:{_LINE}"


class Html(HTML):
    """HTML with a twin in plain text, for terminals and for those who read aloud."""

    def __init__(self, data: str, text: str) -> None:
        super().__init__(data)
        self.text = text

    def __repr__(self) -> str:
        """Return the twin."""
        return self.text


def block(content: str) -> str:
    """Put content into the workbook's font and size."""
    return f'<div style="{_FONT};font-size:15px;line-height:1.45">{content}</div>'


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], align: str = "left"
) -> str:
    """Lay out cells that are HTML already."""
    style = f"{_CELL};text-align:{align}"
    top = "".join(f'<th style="{style};font-weight:600">{name}</th>' for name in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="{style}">{cell}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return block(
        f'<table style="border-collapse:collapse;font-size:15px">'
        f"<tr>{top}</tr>{body}</table>"
    )


def badge(word: str, colour: str = GREEN) -> str:
    """Set a word on a coloured ground."""
    return (
        f'<span style="background:{colour};color:#fff;border-radius:4px;'
        f'padding:2px 8px;font-size:13px;white-space:nowrap">{escape(word)}</span>'
    )


def note(sentence: str, colour: str = ORANGE) -> str:
    """Set a sentence beside a coloured bar."""
    return block(
        f'<div style="border-left:4px solid {colour};padding:4px 12px;margin:6px 0;'
        f'overflow-wrap:anywhere">{marked(sentence)}</div>'
    )


def picture(
    data: bytes,
    kind: str,
    alt: str,
    style: str = "max-width:100%",
    width: int | None = None,
    name: str = "",
) -> str:
    """Embed a picture; `kind` as in "jpeg", "png" or "svg+xml", `name` for CSS."""
    more = f' class="{name}"' if name else ""
    more += f' width="{width}"' if width else ""
    return (
        f'<img alt="{escape(alt)}" style="{style}"{more} src="{data_uri(data, kind)}">'
    )


def data_uri(data: bytes, kind: str) -> str:
    """Write a picture as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def card(picture: str, *lines: str) -> str:
    """Set a picture above its lines, one card beside the other."""
    return (
        '<div style="display:inline-block;margin:8px 16px 8px 0;text-align:center;'
        f'vertical-align:bottom">{"<br>".join((picture, *lines))}</div>'
    )


def marked(text: str) -> str:
    """Escape a sentence, with what stands in `backticks` as code."""
    parts = escape(text).split("`")
    for number in range(1, len(parts) - 1, 2):
        parts[number] = f'<code style="color:inherit">{parts[number]}</code>'
    return "".join(parts)


def escape(text: object) -> str:
    """Make text safe for HTML and SVG; control signs are shown, not obeyed."""
    return html.escape(visible(str(text)))


def name(key: str) -> str:
    """Write a name that somebody chose: whatever it holds, it stays in its cell."""
    shown = visible(key, keep="")
    wide = len(shown) > _SHORT
    style = f' style="{_WRAPPED}"' if wide else ""
    return f"<bdi{style}>{html.escape(shown)}</bdi>"


def visible(text: str, keep: str = "\n\t") -> str:
    """Show each control sign, and each that turns or hides text, as U+ and its number.

    Joiners are left: emoji and some scripts are written with them.
    """
    return "".join(
        f"⟨U+{ord(sign):04X}⟩" if _is_hidden(sign) and sign not in keep else sign
        for sign in text
    )


def _is_hidden(sign: str) -> bool:
    if sign in "\u200c\u200d":
        return False
    nonsign = ord(sign) & 0xFFFE == 0xFFFE  # XML has no U+FFFE and U+FFFF
    return nonsign or unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def pixels(size: tuple[int, int] | None) -> str:
    """Write a size in pixels: "256 × 171 px"."""
    return f"{size[0]} × {size[1]} px" if size else ""


def weight(count: int | None) -> str:
    """Write a number of bytes: "9.4 MB", "12.3 kB", "310 bytes"."""
    if count is None:
        return "–"
    if count >= 1e6:
        return f"{count / 1e6:.1f} MB"
    return f"{count / 1e3:.1f} kB" if count >= 1e3 else f"{count} bytes"
