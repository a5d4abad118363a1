"""A local cloud that is emptied, stopped or killed while notebooks are open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import nbformat
import pytest
import workbook
from botocore.exceptions import BotoCoreError
from nbclient import NotebookClient
from support.local_cloud import kill
from workbook import explain, session
from workbook.errors.messages import WorkbookError

from deploy import settings_for
from deploy.local import server
from deploy.steps import buckets

BEGIN = "from workbook import begin\ncloud = begin(step=3)"
NAMES = """
from deploy import settings_for
settings = settings_for(cloud)
place = {"Bucket": settings.source_bucket, "Key": "photo.txt"}
cloud.s3.put_object(**place, Body=b"a photo")
[bucket["Name"] for bucket in cloud.s3.list_buckets()["Buckets"]]
"""
GOES_ON = "cloud.s3.put_object(**place, Body=b'again')['ETag'] > ''"
WITHIN_S = 3


class Open:
    """A notebook that is open: its kernel lives, and its names are kept."""

    def __init__(self, client: NotebookClient) -> None:
        self.client = client

    def run(self, source: str) -> str:
        """Run a cell; return what it shows at its end."""
        cell = nbformat.v4.new_code_cell(source)
        self.client.nb.cells.append(cell)
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        shown = [each for each in cell.outputs if "data" in each]
        return shown[-1]["data"]["text/plain"] if shown else ""


@contextmanager
def opened() -> Iterator[Open]:
    client = NotebookClient(nbformat.v4.new_notebook())
    with client.setup_kernel():
        yield Open(client)


@pytest.mark.slow
def test_a_reset_takes_seconds_and_the_open_notebooks_go_on(own_folder, capsys):
    with opened() as one, opened() as other:
        for notebook in (one, other):
            notebook.run(BEGIN)
            assert "-source-" in notebook.run(NAMES)
        begun = time.monotonic()
        other.run("from workbook import reset\nreset()")
        assert time.monotonic() - begun < WITHIN_S
        assert one.run("cloud.s3.list_buckets()['Buckets']") == "[]"
        one.run("again = begin(step=3)")
        for notebook in (one, other):  # with the clients and names of before
            assert notebook.run(GOES_ON) == "True"


def test_only_the_local_cloud_is_reset(cloud, settings, monkeypatch):
    monkeypatch.setattr(session._current, "cloud", cloud)
    with pytest.raises(WorkbookError, match="only the local cloud can be reset"):
        workbook.reset()


@pytest.mark.slow
@pytest.mark.parametrize("end", [server.stop, kill])
def test_begin_starts_a_cloud_that_stopped_or_crashed(
    end, own_folder, monkeypatch, capsys
):
    """Until then an error names the cell; what was built stands again."""
    monkeypatch.setattr(session, "_current", session._Current())
    cloud = workbook.begin(3)
    end(own_folder)
    with pytest.raises(BotoCoreError) as failed:
        cloud.s3.list_buckets()
    assert "this notebook's first cell again" in repr(explain(failed.value))
    capsys.readouterr()
    again = workbook.begin(3)
    assert "The local cloud was not running" in capsys.readouterr().out
    found = buckets.describe(again, settings_for(again))
    assert found is not None and found.drift == {}
