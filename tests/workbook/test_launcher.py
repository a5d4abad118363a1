import os
import shutil
import socket
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from support.moto_cloud import REGION
from support.programs import run
from support.rows import rows
from workbook import launcher
from workbook.__main__ import main

from deploy import __main__ as deploying
from deploy.home import CHECKOUT


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder for what is written, and an environment that the test can change."""
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "own"))
    monkeypatch.delenv("WORKBOOK_NAME", raising=False)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    return tmp_path / "own"


def commands(capsys, program) -> set[str]:
    with pytest.raises(SystemExit):
        program(["--help"])
    lines = capsys.readouterr().out.splitlines()
    return {
        line.split()[0] for line in lines if line[:4] == "    " and line[4:5] != " "
    }


def test_it_has_deploys_commands_and_its_own(capsys):
    of_deploy = commands(capsys, deploying.main)
    assert {"up", "down", "trace", "local"} <= of_deploy
    assert commands(capsys, main) == of_deploy | {"lab", "copies", "class", "wall"}


def test_a_command_of_deploys_does_what_it_does_there(account, capsys):
    assert main(["status", "--cloud", "aws", "--region", REGION, "--name", "anna"]) == 0
    assert "missing   function  anna-thumbnailer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("José", "'jose' would do"),
        ("Müller", "'muller' would do"),
        ("a b", "'a-b' would do"),
        ("a" * 40, "a shorter Settings.name"),
    ],
)
def test_a_wrong_name_is_told_in_a_sentence(capsys, own, name, cure):
    assert main(["lab", "--name", name]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and cure in told
    assert not own.exists()


@pytest.mark.parametrize("option", ["--port={}", "--ServerApp.port={}"])
def test_a_port_that_is_taken_is_told(capsys, own, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["lab", "--no-browser", "--", option.format(port)]) == 1
    told = capsys.readouterr().err
    assert f"port {port} is taken. Leave --port out" in told and not own.exists()


def test_without_jupyterlab_it_says_what_to_install(capsys, monkeypatch, own):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    assert main(["lab", "--no-browser"]) == 1
    assert "JupyterLab is not installed. Run `pip install" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told(capsys, own):
    own.write_text("no folder")
    assert main(["lab", "--no-browser"]) == 1
    assert "a file stands where a folder should" in capsys.readouterr().err


def test_copies_says_where_they_are_and_what_has_a_newer_version(capsys, own):
    assert main(["copies"]) == 0
    assert f"notebooks are in {own / 'work'}." in capsys.readouterr().out
    assert (own / "work" / launcher.FIRST).exists()
    (own / "work" / "03_role.ipynb").write_text("{}")
    main(["copies"])
    assert "Of 03_role.ipynb there is a newer version" in capsys.readouterr().out
    assert main(["copies", "--refresh"]) == 0
    assert (
        "03_role.ipynb is the course's again; yours is kept as 03"
        in capsys.readouterr().out
    )


def test_what_the_learner_set_stays_behind_ours(own, monkeypatch):
    monkeypatch.setitem(os.environ, "JUPYTER_CONFIG_PATH", "/theirs")
    found = launcher.environment()
    folders = found["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert folders == [str(launcher.CONFIGURATION), "/theirs"]
    assert found["PATH"].startswith(_scripts() + os.pathsep)


@pytest.mark.parametrize(("taken", "moved"), [("file", True), ("folder", False)])
def test_jupyter_writes_into_ours_where_the_users_home_takes_nothing(
    own, monkeypatch, tmp_path, taken, moved
):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / taken))
    names = ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
    for name in (*names, "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    told = launcher.environment()
    where = str(own / "jupyter") if moved else None
    assert [told.get(name) for name in names] == [where] * 3


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_jupyter_opens_for_root_as_in_a_ready_container(
    own, monkeypatch, capsys, user, allowed
):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    assert ("--allow-root" in launcher._arguments(browser=True)) == allowed
    assert ("You are root" in capsys.readouterr().out) == allowed


@pytest.mark.parametrize(
    "command", rows(["thumbnail-workbook", "python -m deploy", "python -m workbook"])
)
def test_a_cell_finds_our_commands_wherever_it_runs(command, tmp_path):
    """As `!` does: a plain shell, with the environment that Lab gives to a kernel."""
    if command == "thumbnail-workbook" and not shutil.which(command, path=_scripts()):
        pytest.skip("this environment was made before the command: pip install -e .")
    known = os.environ | launcher.environment()
    done = run("sh", "-c", f"{command} local status", cwd=tmp_path, env=known)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The local cloud is")


def _scripts() -> str:
    return str(Path(sys.executable).parent)


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_the_terminal_finds_our_python_whatever_bashrc_says(tmp_path):
    (tmp_path / ".bashrc").write_text("PATH=/usr/bin:$PATH; theirs=kept\n")
    rc = str(launcher.CONFIGURATION / "terminal.bash")
    asked = ("-i", "-c", "command -v python; echo $theirs")
    known = os.environ | launcher.environment() | {"HOME": str(tmp_path)}
    done = run("bash", "--rcfile", rc, *asked, env=known)
    assert done.stdout.splitlines() == [f"{_scripts()}/python", "kept"]


@pytest.mark.slow
def test_a_notebook_runs_from_any_working_directory(local, tmp_path):
    """As papermill runs it; `local` is the tests' cloud, already running."""
    tour = nbformat.read(CHECKOUT / "notebooks" / launcher.FIRST, 4)
    first = next(cell for cell in tour.cells if cell.cell_type == "code")
    names = nbformat.v4.new_code_cell(
        "import pathlib\n"
        "from workbook import SAMPLES, preview, upload\n"
        'name = "../images/samples/paper-boat.png"\n'
        "assert not pathlib.Path(name).exists() and SAMPLES.is_dir()\n"
        "runs = upload(cloud, stack.settings, name)\n"
        "print(runs[0].outcome, repr(preview(name)))"
    )
    tour.cells = [first, names]
    NotebookClient(tour, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "made" in names.outputs[-1].text and "px" in names.outputs[-1].text
