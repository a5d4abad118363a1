"""Drawn pictures that follow the page: light, and dark where its theme is dark.

No ink is read well on a white page and on a dark one alike, so a drawn picture brings
its own ground. It is an SVG in an <img>, which GitHub keeps. Such an SVG cannot see the
page, but is given its colour scheme: by JupyterLab and the site of `make pages` always,
in VS Code below cells alone.
"""

from __future__ import annotations

import re

from workbook import html

#: The grounds of cards, and of what holds cards; what leads nowhere; lines.
WHITE, FRAME, FAINT, GRID, EDGE = "#ffffff", "#e9edf2", "#aab4bf", "#d5dbe2", "#c9d1da"
AMBER, BLUE = "#d9760a", "#1d4ed8"
#: What stands for each colour on a dark page.
DARK = {
    html.PAPER: "#1c2128",
    html.INK: "#e6edf3",
    html.GREY: "#a3b0bd",
    html.GREEN: "#2fbfae",
    html.ORANGE: "#f0a34a",
    html.RED: "#f58a7d",
    WHITE: "#11161c",
    FRAME: "#2b333d",
    FAINT: "#6f7d8b",
    GRID: "#3d4752",
    EDGE: "#4a5561",
    AMBER: "#f0a34a",
    BLUE: "#82a8ff",
}
_PAGE = (
    '<style>:is([data-jp-theme-light="false"], [data-theme="dark"], .vscode-dark) '
    ".workbook-plot {color-scheme: dark !important}</style>"
)


def picture(svg: str, alt: str, width: int) -> str:
    """Show an SVG in a notebook's page."""
    style = "max-width:100%;color-scheme:light"
    data = with_dark(svg).encode()
    return _PAGE + html.picture(data, "svg+xml", alt, style, width, "workbook-plot")


def with_dark(svg: str) -> str:
    """Let an SVG exchange its colours where the page asks for a dark picture."""
    rules = "".join(
        f'[{part}="{light}"], [style*="{part}: {light}"] '
        f"{{{part}: {dark} !important}}\n"
        for part in ("fill", "stroke")
        for light, dark in DARK.items()
        if re.search(f'{part}(="|: ){light}', svg)
    )
    style = f"<style>@media (prefers-color-scheme: dark) {{\n{rules}}}</style>\n"
    return svg.replace("</svg>", f"{style}</svg>")
