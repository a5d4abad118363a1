"""`python -m deploy …`: the verbs of the package on the command line."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy import pipeline, rights, runtimes, tracing
from deploy.cloud import Cloud, connect
from deploy.configure import settings_for
from deploy.errors import DeployError
from deploy.operations import probe
from deploy.operations.export import export
from deploy.settings import Settings
from deploy.steps import buckets, failures


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of deploy's commands."""
    parser = argparse.ArgumentParser("python -m deploy", description=__doc__)
    add_commands(parser)
    return run(parser, argv)


def run(parser: argparse.ArgumentParser, argv: Sequence[str] | None = None) -> int:
    """Run one command; a `DeployError` is one sentence on stderr and exit code 1."""
    options = parser.parse_args(argv)
    try:
        return options.run(options)
    except DeployError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nInterrupted. The same command again goes on where this one stopped; "
            "`python -m deploy down` removes what there is.",
            file=sys.stderr,
        )
        return 130


def add_commands(
    parser: argparse.ArgumentParser,
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    """Add deploy's commands to a parser; more can be added to what is returned."""
    verbs = parser.add_subparsers(required=True, metavar="command")
    common = _common_options()
    for name, run, says in _COMMANDS:
        verb = verbs.add_parser(name, parents=[common], help=says, description=says)
        verb.set_defaults(run=run)
        if name in ("plan", "up", "status", "demo", "backfill", "export"):
            verb.add_argument(
                "--reliable",
                action="store_true",
                help="keep failed events, overwrite in order",
            )
            verb.add_argument(
                "--queue",
                action="store_true",
                help="uploads wait in a queue, a capped number runs at once",
            )
            verb.add_argument(
                "--private",
                action="store_true",
                help="no public thumbnails: presigned links show them",
            )
        if name in ("plan", "up", "status", "export", "probe"):
            _add_recipe_options(verb)
        if name == "export":
            verb.add_argument(
                "--folder", default="export", help="where to write (export)"
            )
        if name == "trace":
            verb.add_argument("key", help="as it was uploaded, as in cat.jpg")
        if name == "policy":
            verb.add_argument(
                "--part",
                type=int,
                metavar="N",
                help="only its N-th part: each fits a managed policy",
            )
        if name == "link":
            verb.add_argument("key", help="as in thumbnails/cat.jpg")
        if name == "down":
            verb.add_argument(
                "--yes", action="store_true", help="do not ask before deleting pictures"
            )
    says = "the local cloud itself"
    local = verbs.add_parser("local", help=says, description=says)
    local.add_argument("action", choices=_LOCAL)
    local.set_defaults(run=lambda options: _LOCAL[options.action]())
    return verbs


def _add_recipe_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--recipe",
        metavar="FILE",
        help="JSON: what an upload gets (handler/recipe/parse.py)",
    )
    verb.add_argument(
        "--asset",
        action="append",
        default=[],
        metavar="FILE",
        help="a font or picture that the recipe names; may be repeated",
    )
    verb.add_argument(
        "--backup",
        action="store_true",
        help="clone each upload into a private bucket",
    )


def _common_options() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    where = common.add_mutually_exclusive_group()
    where.add_argument("--cloud", choices=("local", "aws"), help="where to (local)")
    where.add_argument("--endpoint", metavar="URL", help="another emulator")
    common.add_argument("--region", help="as in eu-west-1")
    common.add_argument("--name", help="what all names begin with (workbook)")
    common.add_argument(
        "--role", metavar="ARN", help="a role that stands, where you may make none"
    )
    return common


def _where(options: argparse.Namespace) -> tuple[Cloud, Settings]:
    cloud = connect(options.cloud, endpoint=options.endpoint, region=options.region)
    return cloud, settings_for(cloud, **_overrides(options))


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    overrides: dict[str, Any] = {}
    if options.name:
        overrides["name"] = options.name
    if options.role:
        overrides["execution_role"] = options.role
    for option in ("reliable", "queue", "backup"):
        if getattr(options, option, False):
            overrides[option] = True
    if getattr(options, "private", False):
        overrides["public"] = False
    if getattr(options, "recipe", None):
        overrides["recipe"] = _read(options.recipe)
    if getattr(options, "asset", None):
        overrides["assets"] = tuple(options.asset)
    return overrides


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeployError(
            f"the recipe {path!r} cannot be read ({error})",
            where="--recipe",
            todo="Give the path of a JSON file.",
        ) from error


def _plan(options: argparse.Namespace) -> int:
    plan = pipeline.plan(*_where(options))
    print(plan)
    return 1 if plan.refused else 0


def _up(options: argparse.Namespace) -> int:
    print(pipeline.up(*_where(options)))
    return 0


def _status(options: argparse.Namespace) -> int:
    print(pipeline.status(*_where(options)))
    return 0


def _down(options: argparse.Namespace) -> int:
    cloud, settings = _where(options)
    if cloud.kind == "aws" and not options.yes:
        _ask(cloud, settings)
    report = pipeline.down(cloud, settings)
    print(report)
    return 1 if report.left else 0


def _ask(cloud: Cloud, settings: Settings) -> None:
    """Ask before pictures are deleted; without a terminal that is a no."""
    found = buckets.describe(cloud, settings)
    if found is None or not found.objects:
        return
    held = found.objects
    what = f"{' and '.join(held)} hold{'s' if len(held) == 1 else ''} objects"
    if not sys.stdin.isatty():
        raise DeployError(
            f"{what}, and there is no terminal to ask you in",
            where="down",
            todo="Say --yes to delete them.",
        )
    if input(f"{what}. Delete them for good? [y/N] ").strip().lower() not in (
        "y",
        "yes",
    ):
        raise DeployError("nothing was deleted", where="down")


def _pause(options: argparse.Namespace) -> int:
    pipeline.pause(*_where(options))
    print(
        "Paused: nothing more runs. `resume` or `up` lets it run again.\n"
        "Uploads meanwhile: a reliable pipeline keeps their events for `replay`, one "
        "with a queue lets them wait, another one loses them, and `backfill` makes "
        "their thumbnails."
    )
    return 0


def _resume(options: argparse.Namespace) -> int:
    if not pipeline.resume(*_where(options)):
        print("It was not paused.")
    return 0


def _policy(options: argparse.Namespace) -> int:
    # On stderr, so that `> policy.json` holds the policy alone.
    with contextlib.redirect_stdout(sys.stderr):
        _, settings = _where(options)
    parts = rights.managed(settings)
    if options.part is None:
        policy = rights.deployer_policy(settings)
        print(
            f"{rights.size(policy):,} characters. A role takes them whole, written "
            f"into it; as managed policies they are {len(parts)}: --part 1 to "
            f"{len(parts)}.",
            file=sys.stderr,
        )
    elif 1 <= options.part <= len(parts):
        policy = parts[options.part - 1]
    else:
        raise DeployError(
            f"there is no part {options.part}",
            where="policy",
            todo=f"It has {len(parts)}: --part 1 to {len(parts)}.",
        )
    print(json.dumps(policy, indent=2))
    return 0


def _replay(options: argparse.Namespace) -> int:
    lines = failures.replay(*_where(options))
    print("\n".join([*lines, f"{len(lines)} events sent to the function again."]))
    return 0


def _trace(options: argparse.Namespace) -> int:
    found = tracing.trace(options.key, *_where(options))
    print(found)
    return 1 if found.broken else 0


def _probe(options: argparse.Namespace) -> int:
    found = probe.probe(*_where(options))
    print(found)
    return 1 if found.trace else 0


def _link(options: argparse.Namespace) -> int:
    print(buckets.link(*_where(options), options.key))
    return 0


def _backfill(options: argparse.Namespace) -> int:
    from deploy.operations import (
        backfill,  # compares with the handler's own names for results
    )

    print(backfill.backfill(*_where(options)))
    return 0


def _export(options: argparse.Namespace) -> int:
    """Write the template; for AWS, and with no cloud at all, unless one is named."""
    if options.cloud or options.endpoint:
        cloud, settings = _where(options)
        print(export(cloud, settings, options.folder))
        return 0
    where = {"region": options.region} if options.region else {}
    print(export(folder=options.folder, **_overrides(options), **where))
    return 0


def _demo(options: argparse.Namespace) -> int:
    from deploy.operations import demo  # needs Pillow, which deploying does not

    demo.run(*_where(options))
    return 0


def _local_setup() -> int:
    """Do now what needs the network, so that nothing does later."""
    from deploy.local import server
    from deploy.steps import layer

    server.set_up()
    layer.prepare(
        Settings(
            account=server.ACCOUNT,
            region="us-east-1",
            runtime=runtimes.machine_runtime(),
            architecture=runtimes.machine_architecture(),
            runs_here=True,
        )
    )
    return 0


def _local_start() -> int:
    from deploy.local import server

    print(f"The local cloud is running at {server.start().url}.")
    return 0


def _local_stop() -> int:
    from deploy.local import server

    print("Stopped." if server.stop() else "The local cloud was not running.")
    return 0


def _local_reset() -> int:
    from deploy.local import server

    print(f"The local cloud is empty and running at {server.reset().url}.")
    return 0


def _local_status() -> int:
    from deploy.local import server

    running = server.find()
    if running is None:
        print("The local cloud is not running; connect() starts it.")
    else:
        print(f"The local cloud is running at {running.url}.")
        if count := server.waiting():
            print(f"{count} events wait for their function, or run.")
        if words := server.notice():
            print(words)
    return 0


_COMMANDS = (
    ("plan", _plan, "show what `up` would do, and change nothing"),
    ("up", _up, "build the pipeline, or finish or mend what is there"),
    ("status", _status, "show what exists and where it differs"),
    ("down", _down, "delete the pipeline and every picture in its buckets"),
    ("export", _export, "write it as a CloudFormation template, with its two zips"),
    ("pause", _pause, "let the function run no more, as when it runs in a loop"),
    ("resume", _resume, "let it run again, and say how to make up for the pause"),
    ("replay", _replay, "send failed events to the function again"),
    ("trace", _trace, "follow an upload, and name the first broken link"),
    ("probe", _probe, "upload a small picture, and tell when it came through"),
    ("policy", _policy, "print the smallest policy for whoever runs these commands"),
    ("link", _link, "sign a link to a thumbnail, good for an hour"),
    ("backfill", _backfill, "make the thumbnails that are missing or out of date"),
    ("demo", _demo, "build it, upload the sample pictures, show the thumbnails"),
)
_LOCAL = {
    "setup": _local_setup,
    "start": _local_start,
    "stop": _local_stop,
    "reset": _local_reset,
    "status": _local_status,
}

if __name__ == "__main__":
    sys.exit(main())
