"""`python -m deploy …`: the verbs of the package on the command line."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deploy import pipeline, rights, runtimes, tracing
from deploy.cloud import Cloud, connect
from deploy.configure import resolved
from deploy.errors import DeployError
from deploy.explained import STATUS, explained
from deploy.home import in_utf8, score_at_reset
from deploy.operations import backfill, batch, probe, replay
from deploy.operations.export import export
from deploy.report import Claim
from deploy.settings import Settings

#: What a shell calls the end of a program whose output nobody reads.
SIGPIPE = 128 + 13


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of deploy's commands."""
    parser = argparse.ArgumentParser("python -m deploy", description=__doc__)
    add_commands(parser)
    return run(parser, argv)


def run(parser: argparse.ArgumentParser, argv: Sequence[str] | None = None) -> int:
    """Run one command; whatever fails is one sentence on stderr and exit code 1."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # as after `>&-`: progress bars need one
            setattr(sys, name, io.StringIO())
        elif isinstance(stream, io.TextIOWrapper):  # ASCII or cp1252 knows no "→"
            stream.reconfigure(errors="replace")
    options = parser.parse_args(argv)
    try:
        with explained(_where(options), STATUS):
            status = options.run(options) or 0
        _flush()
        return status
    except BrokenPipeError:  # as of `| head`: no more of it is wanted
        return SIGPIPE
    except DeployError as error:
        print(error, file=sys.stderr)
        if (words := _local_notice(options)) not in str(error):
            print(words, file=sys.stderr)
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"{place}{error.strerror or error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        builds = options.run in (_up, _demo)
        way_back = "; `python -m deploy down` removes what there is" * builds
        goes_on = "The same command again goes on where this one stopped"
        print(f"\nInterrupted. {goes_on}{way_back}.", file=sys.stderr)
        return 130
    finally:
        with contextlib.suppress(OSError):
            _flush()


def _flush() -> None:
    """Write out what was printed; what cannot be is dropped, or Python tries again."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise


def _where(options: argparse.Namespace) -> str:
    """Name who was asked; the local cloud's errors are not AWS's."""
    asked = vars(options).get("cloud") or os.environ.get("WORKBOOK_CLOUD")
    return "AWS" if asked == "aws" else "the cloud"


def _local_notice(options: argparse.Namespace) -> str:
    """What the local cloud has to say, as it may be the cause: a full disk."""
    said = vars(options)
    if said.get("cloud") == "aws" or said.get("endpoint"):
        return ""
    from deploy.local import server

    return server.notice()


def add_commands(
    parser: argparse.ArgumentParser,
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    """Add deploy's commands to a parser; more can be added to what is returned."""
    verbs = parser.add_subparsers(required=True, metavar="command")
    common = _common_options()
    for name, run, says in _COMMANDS:
        verb = add_verb(verbs, name, run, says, parents=[common])
        for flag, more in _OWN_OPTIONS.get(name, {}).items():
            verb.add_argument(flag, **more)
    local = add_verb(verbs, "local", _local, "the local cloud itself")
    actions = ("setup", "start", "stop", "reset", "status", "env")
    local.add_argument("action", choices=actions)
    says = "with reset: begin your score anew, too"
    local.add_argument("--score", action="store_true", help=says)
    return verbs


def add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    says: str,
    **more: Any,
) -> argparse.ArgumentParser:
    """Add a command, with what it says of itself."""
    verb = verbs.add_parser(name, help=says, description=says, **more)
    verb.set_defaults(run=run)
    return verb


_YES = {"action": "store_true", "help": "do not ask before deleting pictures"}
#: What a single command takes besides.
_OWN_OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "export": {"--folder": {"default": "export", "help": "where to write"}},
    "trace": {"key": {"type": in_utf8, "help": "as it was uploaded, as in cat.jpg"}},
    "policy": {
        "--part": {
            "type": int,
            "metavar": "N",
            "help": "only its N-th part: each fits a managed policy",
        }
    },
    "batch": {"--job-role": {"metavar": "ARN", "help": "the role that the job takes"}},
    "link": {"key": {"type": in_utf8, "help": "as in thumbnails/cat.jpg"}},
    "backfill": {
        "--prune": {
            "action": "store_true",
            "help": "delete thumbnails whose picture is gone",
        },
        "--yes": _YES,
    },
    "down": {"--yes": _YES},
}
#: Switches, each with its way back, as in --no-queue, and what it is for.
_SWITCHES = {
    "reliable": "keep failed events, overwrite in order",
    "queue": "uploads wait in a queue, a capped number runs at once",
    "mirror": "what is deleted in the source is deleted in the target, too",
    "private": "no public thumbnails: presigned links show them",
    "backup": "clone each upload into a private bucket; with `down`: delete it, too",
}
#: Sizes and names: option → field of Settings, how it is read, and help.
_VALUES: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "box": ("box", int, "pixels of the square that a thumbnail fits in"),
    "quality": ("quality", int, "of a thumbnail's JPEG, 1 to 95"),
    "max-megapixels": ("max_megapixels", int, "larger pictures are rejected"),
    "max-bytes": ("max_bytes", int, "larger uploads are rejected"),
    "memory": ("memory_mb", int, "the function's MB, 128 to 10240"),
    "timeout": ("timeout_s", int, "the function's seconds, 1 to 900"),
    "batch-size": ("batch_size", int, "with --queue: messages an invocation takes"),
    "max-concurrency": ("max_concurrency", int, "with --queue: invocations at once"),
    "thumbnail-prefix": ("thumbnail_prefix", in_utf8, "folder of the thumbnails"),
    "reject-prefix": ("reject_prefix", in_utf8, "folder of the reject records"),
    "runtime": ("runtime", in_utf8, "as in python3.14"),
    "architecture": ("architecture", in_utf8, "arm64 or x86_64"),
    "log-days": ("log_retention_days", int, "how long the log is kept"),
    "alarm-topic": ("alarm_topic", in_utf8, "ARN of the SNS topic that alarms tell"),
    "permissions-boundary": (
        "permissions_boundary",
        in_utf8,
        "ARN of the policy that bounds the role, where every role must have one",
    ),
    "role": (
        "execution_role",
        in_utf8,
        "ARN of a role that stands, if you may make none",
    ),
}


def _common_options() -> argparse.ArgumentParser:
    """Write the one list of options that every verb takes."""
    common = argparse.ArgumentParser(add_help=False)
    add_place(common)
    common.add_argument("--name", help="what all names begin with (workbook)")
    built = common.add_argument_group(
        "how it is built",
        "Left out, each is as the pipeline that stands has it.",
        argument_default=argparse.SUPPRESS,  # only what is said is in the namespace
    )
    switch = argparse.BooleanOptionalAction
    for name, says in _SWITCHES.items():
        built.add_argument(f"--{name}", action=switch, help=says)
    for name, (field, kind, says) in _VALUES.items():
        built.add_argument(f"--{name}", dest=field, type=kind, help=says)
    says = "of uploads that count, as in .jpg; may be repeated"
    built.add_argument("--suffix", dest="suffixes", action="append", help=says)
    says = "JSON: what an upload gets (handler/recipe/parse.py)"
    built.add_argument("--recipe", metavar="FILE", help=says)
    files: dict[str, Any] = {"action": "append", "metavar": "FILE"}
    says = "a font or picture that the recipe names; may be repeated"
    built.add_argument("--asset", dest="assets", help=says, **files)
    for flag, field in (("--no-recipe", "recipe"), ("--no-role", "execution_role")):
        built.add_argument(flag, dest=field, action="store_const", const="")
    return common


def add_browser(parser: argparse.ArgumentParser) -> None:
    """Add the option that keeps a browser closed."""
    switch, says = argparse.BooleanOptionalAction, "open it in a browser"
    parser.add_argument("--browser", action=switch, default=True, help=says)


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add the options that say in which cloud and region."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cloud", choices=("local", "aws"), help="where to (local)")
    where.add_argument("--endpoint", metavar="URL", help="another emulator")
    parser.add_argument("--region", help="as in eu-west-1")


def chosen_cloud(options: argparse.Namespace) -> Cloud:
    """Connect to the cloud that the options of `add_place` name."""
    return connect(options.cloud, endpoint=options.endpoint, region=options.region)


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Collect the fields of `Settings` that were said."""
    given = vars(options)
    fields = [field.name for field in dataclasses.fields(Settings)]
    overrides = {name: given[name] for name in fields if given.get(name) is not None}
    if "private" in given:
        overrides["public"] = not given["private"]
    if overrides.get("recipe"):
        overrides["recipe"] = _read(overrides["recipe"])
    elif "recipe" in overrides:  # and what it named
        overrides.setdefault("assets", ())
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
    plan = pipeline.plan(chosen_cloud(options), **_overrides(options))
    print(plan)
    return 1 if plan.refused else 0


def _up(options: argparse.Namespace) -> None:
    cloud = chosen_cloud(options)
    print(pipeline.up(cloud, **_overrides(options)))
    if cloud.kind == "local":
        print(
            "Other programs (the AWS CLI, SDKs, mounts) reach it once their shell has "
            'run: eval "$(python -m deploy local env)"'
        )


def _status(options: argparse.Namespace) -> None:
    print(pipeline.status(chosen_cloud(options), **_overrides(options)))


def _down(options: argparse.Namespace) -> int:
    cloud, overrides = chosen_cloud(options), _overrides(options)
    backup = overrides.pop("backup", False)
    ask = _ask if cloud.kind == "aws" and not options.yes else None
    report = pipeline.down(cloud, backup=backup, ask=ask, **overrides)
    print(report)
    return 1 if report.left else 0


def _ask(stands: tuple[Claim, ...]) -> None:
    """Ask before pictures are deleted; without a terminal that is a no."""
    held = [claim.what for claim in stands if claim.holds]
    if not held:
        return
    _confirm(f"{' and '.join(held)} hold{'s' * (len(held) == 1)} objects", "down")


def _confirm(what: str, verb: str) -> None:
    if not sys.stdin.isatty():
        raise DeployError(
            f"{what}, and there is no terminal to ask you in",
            where=verb,
            todo="Say --yes to delete them.",
        )
    answer = input(f"{what}. Delete them for good? [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise DeployError("nothing was deleted", where=verb)


def _pause(options: argparse.Namespace) -> None:
    pipeline.pause(chosen_cloud(options), **_overrides(options))
    print(
        "Paused: nothing more runs. `resume` or `up` lets it run again.\n"
        "Uploads meanwhile: a reliable pipeline keeps their events for `replay`, one "
        "with a queue lets them wait, another one loses them, and `backfill` makes "
        "their thumbnails."
    )


def _resume(options: argparse.Namespace) -> None:
    if not pipeline.resume(chosen_cloud(options), **_overrides(options)):
        print("It was not paused.")


def _policy(options: argparse.Namespace) -> None:
    # On stderr, so that `> policy.json` holds the policy alone.
    with contextlib.redirect_stdout(sys.stderr):
        _, settings = resolved(chosen_cloud(options), None, _overrides(options))
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


def _replay(options: argparse.Namespace) -> None:
    lines = replay.replay(chosen_cloud(options), **_overrides(options))
    print("\n".join([*lines, f"{len(lines)} events sent to the function again."]))


def _trace(options: argparse.Namespace) -> int:
    found = tracing.trace(options.key, chosen_cloud(options), **_overrides(options))
    print(found)
    return 1 if found.broken else 0


def _probe(options: argparse.Namespace) -> int:
    found = probe.probe(chosen_cloud(options), **_overrides(options))
    print(found)
    return 1 if found.trace else 0


def _link(options: argparse.Namespace) -> None:
    cloud = chosen_cloud(options)
    print(replay.link(options.key, cloud, **_overrides(options)))
    if cloud.session.get_credentials().token:
        note = "Your keys are temporary: the link ends with them, if not in an hour."
        print(note, file=sys.stderr)


def _backfill(options: argparse.Namespace) -> int:
    cloud = chosen_cloud(options)
    asks = cloud.kind == "aws" and not options.yes

    def prune(orphans: tuple[str, ...]) -> bool:
        if asks:
            _confirm(backfill.of_no_picture(orphans), "backfill")
        return True

    chosen = prune if options.prune else None
    print(backfill.backfill(cloud, prune=chosen, **_overrides(options)))
    return 0


def _batch(options: argparse.Namespace) -> int:
    """Make the job; without a role for it, print the two policies that it needs."""
    cloud, overrides = chosen_cloud(options), _overrides(options)
    if role := options.job_role:
        job = batch.batch(cloud, job_role=role, **overrides)
        where = "in the console, S3 ▸ Batch Operations"
        print(f"Job {job} waits to be confirmed: {where}.")
        return 0
    _, settings = resolved(cloud, None, overrides)
    documents = {"trust": batch.trust_policy(settings)}
    documents["permissions"] = batch.role_policy(settings)
    print(json.dumps(documents, indent=2))
    print("Make a role with these policies, then name it: --job-role ARN.")
    return 1


def _export(options: argparse.Namespace) -> None:
    """Write the template; for AWS, and with no cloud at all, unless one is named."""
    overrides: dict[str, Any] = {"folder": options.folder, **_overrides(options)}
    if options.cloud or options.endpoint:
        overrides["cloud"] = chosen_cloud(options)
    elif options.region:
        overrides["region"] = options.region
    print(export(**overrides))


def _demo(options: argparse.Namespace) -> None:
    from deploy.operations import demo  # needs Pillow, which deploying does not

    demo.run(chosen_cloud(options), **_overrides(options))


def _local(options: argparse.Namespace) -> None:
    from deploy.local import server  # not needed by those who deploy to AWS

    match options.action:
        case "setup":
            _local_setup()
        case "start":
            print(f"The local cloud is running at {server.start().url}.")
        case "stop":
            print("Stopped." if server.stop() else "The local cloud was not running.")
        case "reset":
            print(f"The local cloud is empty and running at {server.reset().url}.")
            if line := score_at_reset(options.score, "local reset --score"):
                print(line)
        case "status":
            _local_status()
        case "env":
            _local_env()


def _local_setup() -> None:
    """Do now what needs the network, so that nothing does later."""
    from deploy.local import server
    from deploy.steps import layer

    server.set_up()
    layer.build(Settings(server.ACCOUNT, "us-east-1", **runtimes.here()))


def _local_status() -> None:
    from deploy.local import server

    running = server.find()
    if running is None:
        print("The local cloud is not running; connect() starts it.")
        return
    print(f"The local cloud is running at {running.url}.")
    if count := server.waiting():
        print(f"{count} events wait for their function, or run.")
    if words := server.notice():
        print(words)


def _local_env() -> None:
    """Print what another program needs to reach the local cloud, for a shell."""
    from deploy.local import server

    with contextlib.redirect_stdout(sys.stderr):
        running = server.start()
    variables = {
        "AWS_ENDPOINT_URL": running.url,
        "AWS_ACCESS_KEY_ID": running.access_key,
        "AWS_SECRET_ACCESS_KEY": running.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    print("unset AWS_PROFILE AWS_SESSION_TOKEN")  # which would go before them
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")


_COMMANDS = (
    ("plan", _plan, "show what `up` would do, and change nothing"),
    ("up", _up, "build the pipeline, or finish or mend what is there"),
    ("status", _status, "show what exists and where it differs"),
    ("down", _down, "delete the pipeline and every picture in its buckets"),
    ("export", _export, "write it as a CloudFormation template, with its two zips"),
    (
        "pause",
        _pause,
        "stop the function from running, as in a loop; resume starts it again",
    ),
    ("resume", _resume, "let it run again, and say how to make up for the pause"),
    ("replay", _replay, "send failed events to the function again"),
    ("trace", _trace, "follow an upload, and name the first broken link"),
    ("probe", _probe, "upload a small picture, and tell when it came through"),
    ("policy", _policy, "print the smallest policy for whoever runs these commands"),
    ("link", _link, "sign a link, good for an hour, or as long as temporary keys are"),
    ("backfill", _backfill, "make the thumbnails that are missing or out of date"),
    ("batch", _batch, "the same for many millions, as a job of S3 Batch Operations"),
    ("demo", _demo, "build it, upload the sample pictures, show the thumbnails"),
)

if __name__ == "__main__":
    sys.exit(main())
