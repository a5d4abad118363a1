"""What a box or a slider says once its kernel was restarted, and no code of it runs.

The page marks the widgets of a kernel that went (ipywidgets' own class for it), so the
panel waits in the page, unseen, until then.
"""

from __future__ import annotations

from workbook import html

TEXT = (
    "The kernel was restarted, so nothing happens here any more. Click on the code "
    "above, choose Run ▸ Run All Above Selected Cell, and run this cell again."
)

PANEL = (
    "<style>.workbook-restarted{display:none}"
    ".jupyter-widgets-disconnected .workbook-restarted{display:block}</style>"
    f'<div class="workbook-restarted">{html.note(TEXT, html.ORANGE)}</div>'
)
