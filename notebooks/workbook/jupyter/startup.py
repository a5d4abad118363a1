"""Run by each kernel of the launcher's Lab before any cell, as PYTHONSTARTUP.

So that an error has its panel before `begin()` has run, too: after a restart.
"""

from __future__ import annotations

import sys
from typing import Any


def _explain_errors() -> None:
    """Explain what a cell ends in; a Python in a terminal has no cells."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    def after_cell(result: Any) -> None:  # `begin` puts its own in place of this one
        if result.error_in_exec:
            from workbook.errors import messages  # not needed to start

            messages.after_cell(result)

    shell = get_ipython()
    if shell:
        shell.events.register("post_run_cell", after_cell)


_explain_errors()
