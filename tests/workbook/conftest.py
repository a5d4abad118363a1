"""What several tests of the workbook share: a shell, and `begin` on moto's account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import workbook
from IPython.core.getipython import get_ipython
from IPython.testing.globalipapp import start_ipython
from support.moto_cloud import here
from workbook import session
from workbook.errors import messages

CLIENTS = ("s3", "iam", "awslambda", "logs", "sqs")


@pytest.fixture(scope="session")
def shell() -> Any:
    """An IPython without a notebook around it."""
    shell = start_ipython() or get_ipython()
    messages.install(shell)
    return shell


@pytest.fixture
def shown(shell, capsys):
    """Run a cell; return what stands below it."""

    def shown(cell: str, **names: object) -> str:
        shell.user_ns.update(names)
        capsys.readouterr()
        shell.run_cell(cell)
        captured = capsys.readouterr()
        return captured.out + captured.err

    return shown


@pytest.fixture
def at(cloud, monkeypatch, tmp_path) -> Path:
    """The score of a learner with an account, before any notebook was begun."""
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(tmp_path))
    monkeypatch.setattr(session, "_current", session._Current())
    monkeypatch.setattr(session, "current", lambda: (cloud, here(cloud)))
    return tmp_path / "score.json"


@pytest.fixture
def begin(cloud, monkeypatch):
    """`begin` on the account in memory, as if it were an emulator with this layer."""
    where = cloud.__class__(cloud.session, cloud.account, cloud.region, "local")
    vars(where).update({name: getattr(cloud, name) for name in CLIENTS})
    monkeypatch.setattr(session, "connect", lambda say: where)
    monkeypatch.setattr(session, "_current", session._Current())
    return workbook.begin


@pytest.fixture
def told(begin, capsys):
    """Begin a notebook; return what that prints."""

    def told(step: int) -> str:
        capsys.readouterr()
        begin(step)
        return capsys.readouterr().out

    return told


@pytest.fixture
def told_on_aws(cloud, told, monkeypatch):
    """The same, as if the account were one of AWS's."""
    monkeypatch.setattr(session, "connect", lambda say: cloud)
    return told
