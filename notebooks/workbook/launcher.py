"""`thumbnail-workbook lab`: JupyterLab on the learner's copies, set up the same way
on every platform.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy import __main__ as deploying
from deploy.home import CHECKOUT, home, moved
from deploy.settings import Settings
from workbook import copies
from workbook.errors.messages import WorkbookError

FIRST = "00_tour.ipynb"

#: A folder of Jupyter's configuration. Binder and hubs, which start Jupyter themselves,
#: need what is in it in `etc/jupyter` (see .binder/postBuild).
CONFIGURATION = Path(__file__).with_name("jupyter")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `lab` and `copies` to a command line."""
    says = "open the workbook in JupyterLab, in copies of your own"
    lab = deploying.add_verb(commands, "lab", _lab, says)
    lab.add_argument("--name", help="yours: what all names in the cloud begin with")
    deploying.add_browser(lab)
    lab.add_argument("jupyter", nargs="*", metavar="-- …", help="options for Jupyter")
    says = "make your copies of the notebooks, and tell where they are"
    made = deploying.add_verb(commands, "copies", _copies, says)
    made.add_argument(
        "anew",
        nargs="*",
        metavar="NOTEBOOK",
        help="a notebook to begin anew, as 03_role; what you changed is kept beside it",
    )
    for command in (lab, made):
        command.add_argument(
            "--refresh",
            action="store_true",
            help="bring new versions, and keep beside them what you changed",
        )


def _lab(options: argparse.Namespace) -> int:
    if options.name is not None:
        os.environ["WORKBOOK_NAME"] = options.name
    Settings(account="0" * 12, region="us-east-1")  # refuses a wrong name
    _check_port(options.jupyter)
    _copies(options)
    os.environ |= environment()  # Jupyter looks for its folders as it is imported
    application = _application()
    with contextlib.suppress(KeyboardInterrupt):  # before Jupyter minds it itself
        application.launch_instance([*_arguments(options.browser), *options.jupyter])
    return 0


def _copies(options: argparse.Namespace) -> int:
    if elsewhere := moved():
        print(elsewhere)
    anew = getattr(options, "anew", ())
    for refreshed in copies.refresh(anew=anew) if options.refresh or anew else ():
        print(refreshed)
    print(f"Your copies of the notebooks are in {copies.make()}.")
    if newer := copies.outdated():
        print(
            f"Of {', '.join(newer)} there is a newer version: `thumbnail-workbook "
            "copies --refresh` brings it, and keeps yours."
        )
    return 0


def environment() -> dict[str, str]:
    """Return the variables that let cells and terminals find our commands and code."""
    ours = [str(Path(sys.executable).parent), sysconfig.get_path("scripts")]
    code = [str(CHECKOUT), str(CHECKOUT / "notebooks")]
    return {
        "PATH": _first(ours, "PATH"),
        "PYTHONPATH": _first(code, "PYTHONPATH"),
        "JUPYTER_CONFIG_PATH": _first([str(CONFIGURATION)], "JUPYTER_CONFIG_PATH"),
        "WORKBOOK_BIN": ours[0],
        "PYTHONSTARTUP": os.environ.get("PYTHONSTARTUP")
        or str(CONFIGURATION / "startup.py"),
        **_jupyters_folders(),
    }


def _jupyters_folders() -> dict[str, str]:
    """Let Jupyter write below `home()` what it cannot write in the user's home."""
    from jupyter_core import paths

    ours = str(home() / "jupyter")
    try:
        users = paths.get_home_dir()
    except RuntimeError:  # a user without a home
        return {"HOME": ours}
    places = {
        "JUPYTER_DATA_DIR": paths.jupyter_data_dir(),
        "JUPYTER_CONFIG_DIR": paths.jupyter_config_dir(),
        "IPYTHONDIR": os.environ.get("IPYTHONDIR") or f"{users}/.ipython",
    }
    return {name: ours for name, place in places.items() if not _may_be_made(place)}


def _may_be_made(folder: str) -> bool:
    place = Path(folder)
    nearest = next(at for at in (place, *place.parents) if os.access(at, os.F_OK))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _first(folders: Sequence[str], variable: str) -> str:
    """Put folders before those that a variable names."""
    known = [each for each in os.environ.get(variable, "").split(os.pathsep) if each]
    return os.pathsep.join(dict.fromkeys([*folders, *known]))


def _arguments(browser: bool) -> list[str]:
    """Tell Jupyter where to start, and with what."""
    work = copies.folder()
    arguments = [
        f"--ServerApp.root_dir={work.parent}",
        f"--LabApp.default_url=/lab/tree/{work.name}/{FIRST}",
    ]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        print("You are root: Jupyter is told to allow that.")
        arguments.append("--allow-root")
    if bash := shutil.which("bash") if os.name != "nt" else None:
        shell = [bash, "--rcfile", str(CONFIGURATION / "terminal.bash")]
        arguments.append(f"--ServerApp.terminado_settings=shell_command={shell}")
    return arguments


def _application() -> Any:
    try:
        from jupyterlab.labapp import LabApp
    except ModuleNotFoundError as error:
        raise WorkbookError(
            "JupyterLab is not installed",
            where=sys.executable,
            todo="Run `pip install -e .` in the workbook's folder with this Python.",
        ) from error
    return LabApp


def _check_port(arguments: Sequence[str]) -> None:
    """Refuse a port that was asked for and is taken; Jupyter finds a free one."""
    asked = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    asked.add_argument("--port", "--ServerApp.port", type=int)
    port = asked.parse_known_args(arguments)[0].port
    if port is None:
        return
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise WorkbookError(
                f"port {port} is taken",
                where="thumbnail-workbook lab",
                todo="Leave --port out, and a free one is chosen.",
            )
