"""`thumbnail-workbook class …`: the commands of who teaches."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import webbrowser

from deploy import __main__ as deploying
from deploy.configure import resolved
from deploy.errors import DeployError
from workbook.classroom import collect, edition, standing
from workbook.classroom.wall.lesson import Lesson

_Commands = argparse._SubParsersAction


def add_commands(commands: _Commands[argparse.ArgumentParser]) -> None:
    """Add `class` with its own commands to a command line."""
    says = "for teachers: what stands, scores, notebooks to hand out"
    group = commands.add_parser("class", help=says, description=says)
    verbs = group.add_subparsers(required=True, metavar="command")
    for name, run, says in (
        ("report", _report, "list what stands under a prefix of names; change nothing"),
        ("sweep", _sweep, "delete all pipelines under a prefix, and look again"),
    ):
        verb = deploying.add_verb(verbs, name, run, says)
        verb.add_argument("prefix", help="what the names begin with, as in ws-")
        deploying.add_place(verb)
        if run is _sweep:
            verb.add_argument("--yes", action="store_true", help="do not ask")
    says = "read a folder of score files into a table and a page with bars"
    verb = deploying.add_verb(verbs, "collect", _collect, says)
    verb.add_argument("folder", help="where the files are; both are written there")
    says = "write the student edition: no outputs, no answers, all it takes to run"
    verb = deploying.add_verb(verbs, "edition", _edition, says)
    verb.add_argument("file", help="the zip to write")
    _add_wall(commands)


def _add_wall(commands: _Commands[argparse.ArgumentParser]) -> None:
    says = "show photos and thumbnails on the projector, uploaded from phones"
    verb = deploying.add_verb(commands, "wall", _wall, says)
    deploying.add_place(verb)
    verb.add_argument("--name", help="what all names begin with (workbook)")
    verb.add_argument(
        "--phones",
        metavar="ADDRESS",
        default="",
        help="let phones upload by this address of this machine, as in 192.168.1.20",
    )
    verb.add_argument("--port", type=int, default=0, help="for phones (a free one)")
    verb.add_argument(
        "--minutes", type=float, default=120, help="after which it closes (120)"
    )
    deploying.add_browser(verb)


def _report(options: argparse.Namespace) -> int:
    print(standing.report(deploying.chosen_cloud(options), options.prefix))
    return 0


def _sweep(options: argparse.Namespace) -> int:
    ask = None if options.yes else _ask
    swept = standing.sweep(deploying.chosen_cloud(options), options.prefix, ask)
    print(swept)
    return 1 if swept.left else 0


def _collect(options: argparse.Namespace) -> int:
    found = collect.collect(options.folder)
    print(found)
    for path in collect.write(found, options.folder):
        print(f"Written: {path}")
    return 0


def _edition(options: argparse.Namespace) -> int:
    size = edition.write(options.file)
    print(f"Written: {options.file}, {size / 1e6:.1f} MB")
    return 0


def _wall(options: argparse.Namespace) -> int:
    """Keep the wall open until its time, its button, Ctrl+C, or the terminal ends."""
    which = {"name": options.name} if options.name else {}
    cloud, settings = resolved(deploying.chosen_cloud(options), None, which)
    opened = Lesson(
        cloud,
        settings,
        phones=options.phones,
        port=options.port,
        minutes=options.minutes,
    )
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if number := getattr(signal, name, None):
            signal.signal(number, lambda *_: opened.end())
    with opened:
        print(opened, "Ctrl+C closes it now.", sep="\n", flush=True)
        if options.browser:
            webbrowser.open(opened.url)
        with contextlib.suppress(KeyboardInterrupt):
            opened.wait()
    print("The wall is closed: nothing listens any more.")
    return 0


def _ask(found: standing.Class) -> None:
    """Show what would go, and ask; without a terminal that is a no."""
    print(found)
    if not sys.stdin.isatty():
        raise DeployError(
            "nothing was deleted, as there is no terminal to ask you in",
            where="class sweep",
            todo="Say --yes to delete all of it.",
        )
    question = f"Delete these {len(found.pipelines)}, pictures and backups too? [y/N] "
    if input(question).strip().lower() not in ("y", "yes"):
        raise DeployError("nothing was deleted", where="class sweep")
