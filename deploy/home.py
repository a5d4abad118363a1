"""Where everything is written while somebody learns: one folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: The checkout: the folder that holds `deploy`, `handler`, `notebooks` and `images`.
CHECKOUT = Path(__file__).resolve().parents[1]


def home() -> Path:
    """Return the folder for all that is written: cloud, wheels, copies, scores.

    `WORKBOOK_HOME` names it; else it is `.local-cloud` in the checkout, or, where the
    checkout is read-only, a folder of the user's own.
    """
    if named := os.environ.get("WORKBOOK_HOME"):
        return Path(named).expanduser().resolve()
    if os.access(CHECKOUT, os.W_OK):
        return CHECKOUT / ".local-cloud"
    return _of_the_user() / "thumbnail-workbook"


def _of_the_user() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
