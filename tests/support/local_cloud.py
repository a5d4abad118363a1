"""A local cloud of the tests' own, in a folder that goes with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cloud import Cloud, connect
from deploy.local import server

#: Retries after 0.2 and 0.4 seconds, where a learner's local cloud takes 1 and 2.
PACE = "0.2"


@pytest.fixture(scope="session")
def local_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of one local cloud that many tests share."""
    folder = tmp_path_factory.mktemp("local-cloud")
    yield folder
    server.stop(folder)


@pytest.fixture(scope="session")
def _local(local_folder: Path) -> Cloud:
    """The shared local cloud's clients: to make them takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBOOK_LOCAL_CLOUD", str(local_folder))
        patch.setenv("WORKBOOK_PACE", PACE)
        return connect("local", say=lambda line: None)


@pytest.fixture
def local(local_folder: Path, _local: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The shared local cloud, whatever the machine's AWS configuration is."""
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(local_folder))
    monkeypatch.setenv("WORKBOOK_PACE", PACE)
    server.start(say=lambda line: None)  # a test may have stopped it
    return _local


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a local cloud of one test's own, to kill and to damage."""
    folder = tmp_path / "cloud"
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(folder))
    monkeypatch.setenv("WORKBOOK_PACE", PACE)
    monkeypatch.delenv("WORKBOOK_PORT", raising=False)
    yield folder
    server.stop(folder)
