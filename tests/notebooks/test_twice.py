"""Every cell can be run twice in a row, as 02 promises.

Whole notebooks, twice without a reset, are in `test_notebooks.py`.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
#: The two whose cells wait for what became of an upload.
NAMES = ("07_watch", "08_failures")


def failed(cell: nbformat.NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_cell_can_be_run_twice(name, own_folder):
    """What the first run left is what the second meets; only what is meant fails."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
    place = {"metadata": {"path": str(NOTEBOOKS)}}
    client = NotebookClient(notebook, allow_errors=True, resources=place)
    with client.setup_kernel():
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            meant = "raises-exception" in cell.metadata.get("tags", [])
            for _ in range(2):
                client.execute_cell(cell, number)
                told = [output.get("evalue", "") for output in cell.outputs]
                assert failed(cell) == meant, (cell.source, told)
