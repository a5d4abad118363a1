"""Start, find, stop and reset the local cloud: one a checkout, shared by all kernels.

It lives in `home()`, `.local-cloud/` beside the code: `venv/` (MiniStack and boto3,
nothing else) and `cloud/` (its state and its log).
`WORKBOOK_LOCAL_CLOUD` names another folder for the last, so that tests and classes
can have clouds of their own.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import boto3
import botocore.session
import psutil
from botocore.configprovider import (
    BOTOCORE_DEFAUT_SESSION_VARIABLES,
    ConstantProvider,
)

from deploy import environment, runtimes
from deploy.errors import LocalCloudError
from deploy.home import home, in_plain_words, make_private, moved, named, turn
from deploy.local import lock

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"

ACCOUNT = "000000000000"
ACCESS_KEY = "LOCALCLOUD"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10
#: Longer than a start, and than a set-up by a slow network, takes: others wait so long.
TURN_S, SET_UP_S = 120, 600
LOG_BYTES = 5_000_000
SERVICES = "s3,lambda,iam,sts,sqs,sns,logs,monitoring,cloudformation,events,tagging"

#: What of the learner's environment reaches the local cloud: what processes need,
#: and nothing of AWS, boto3, Python or proxies.
#: WORKBOOK_PACE, which only tests set, shortens its waits (`delivery.PACE`).
INHERITED = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "LC_ALL", "WORKBOOK_PACE")

#: What is said when none runs, and one is started.
STARTING = "Starting the local cloud …"

#: What `reset` forgets.
_STATE = (
    *("state.json", "blobs", "ledger.db", "ledger.db-wal", "objects"),
    *("writes", "notice", "state", "tmp"),
)

_DETACHED = 0
if sys.platform == "win32":
    _DETACHED = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW

Say = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """A running local cloud: its address, process and credentials.

    `secret_key` and `token` are made anew for every folder; only `local env` shows
    the key, to its owner.
    """

    port: int
    pid: int
    folder: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    account: str = ACCOUNT
    access_key: str = ACCESS_KEY
    runtime: str = field(default_factory=runtimes.machine_runtime)

    @property
    def url(self) -> str:
        """The endpoint that clients use."""
        return f"http://127.0.0.1:{self.port}"

    def session(self, region: str) -> boto3.Session:
        """Make a session that nothing of the learner's AWS configuration reaches."""
        core = botocore.session.Session()
        settings = core.get_component("config_store")
        for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
            settings.set_config_provider(name, ConstantProvider(default))
        for name in ("s3", "proxies_config"):  # which have variables of their own
            settings.set_config_provider(name, ConstantProvider(None))
        for name in ("config_file", "credentials_file"):
            settings.set_config_provider(name, ConstantProvider(os.devnull))
        return boto3.Session(
            self.access_key,
            self.secret_key,
            region_name=region,
            botocore_session=core,
        )


def folder() -> Path:
    """The folder of this checkout's local cloud."""
    return named("WORKBOOK_LOCAL_CLOUD") or home() / "cloud"


def find(where: Path | None = None) -> Running | None:
    """Find the running local cloud; None when it does not answer."""
    where = where or folder()
    try:
        running = Running(**json.loads((where / "server.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    # A stale file, or another program on the port: its process is not the one.
    return running if _health(running).get("pid") == running.pid else None


def waiting(where: Path | None = None) -> int:
    """How many events wait for their function, or run; 0 where no cloud runs."""
    running = find(where)
    return _health(running).get("waiting", 0) if running else 0


def notice(where: Path | None = None) -> str:
    """What the running cloud has to say: a full disk, a state that was set aside."""
    running = find(where)
    return _health(running).get("notice", "") if running else ""


def check_room(where: Path | None = None) -> None:
    """Refuse to wait for a function that waits itself, for room on the disk.

    Raises:
        LocalCloudError: it does.
    """
    running = find(where)
    if words := running and _health(running).get("full"):
        raise LocalCloudError(words.rstrip("."))


def start(where: Path | None = None, *, say: Say = print) -> Running:
    """Start the local cloud, set it up first if need be; find it when it runs.

    Raises:
        LocalCloudError: it could not be set up, or did not start.
    """
    where = where or folder()
    if running := find(where):
        return running
    set_up(say=say)
    with _turn(where):  # two kernels may start at once
        return find(where) or _start(where, say)


def stop(where: Path | None = None) -> bool:
    """Stop the local cloud in good order; True if there was one.

    Raises:
        LocalCloudError: it does not end, or is another user's.
    """
    where = where or folder()
    if not where.exists():
        return False
    with _turn(where):
        return _stop(where)


def reset(where: Path | None = None, *, say: Say = print) -> Running:
    """Forget everything in the local cloud and start it empty.

    Raises:
        LocalCloudError: as `start` and `stop`.
    """
    where = where or folder()
    set_up(say=say)
    with _turn(where):
        _stop(where)
        for name in _STATE:
            _remove(where / name)
        return _start(where, say)


@contextlib.contextmanager
def _turn(where: Path) -> Iterator[None]:
    """One process at a time starts or stops the cloud of a folder, its owner's own."""
    with in_plain_words(where):
        make_private(where)
        with turn(where / "start.lock", TURN_S):
            yield


def _start(where: Path, say: Say) -> Running:
    _end(where)
    say(STARTING)
    running = _launch(where, say)
    if notice := _health(running).get("notice"):
        say(notice)
    return running


def _stop(where: Path) -> bool:
    running = find(where)
    if running is None:
        return _end(where)
    _request(running, "POST", "/_workbook/stop")
    return _end(where, patience_s=STOP_TIMEOUT_S)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def set_up(*, say: Say = print) -> None:
    """Make the local cloud's virtual environment, once; no network after that.

    Raises:
        LocalCloudError: no venv module, no network, or no room.
    """
    if environment.is_ready(venv(), [REQUIREMENTS]):
        return
    if words := moved():
        say(words)
    with in_plain_words(home()):
        make_private(home())
        with turn(home() / "set-up.lock", SET_UP_S):
            if not environment.is_ready(venv(), [REQUIREMENTS]):
                say("Setting up the local cloud (once, about 20 seconds) …")
                _install()


def _install() -> None:
    packages = ["--requirement", str(REQUIREMENTS)]
    needs = ["boto3", "hypercorn", "ministack"]
    try:
        environment.make(venv(), packages, [REQUIREMENTS], needs)
    except environment.SetUpError as error:
        raise LocalCloudError(
            error.what, where="the local cloud", todo=error.todo
        ) from error


def venv() -> Path:
    """Return the environment that the local cloud runs in, not the learner's."""
    return home() / "venv"


def _launch(where: Path, say: Say) -> Running:
    """Start the server process and wait until it answers."""
    for attempt in range(3):
        port = _choose_port(where, again=attempt < 2)
        if running := _try_port(where, port, say):
            return running
    log = where / "server.log"
    lines = log.read_text("utf-8", "replace").strip().splitlines() or ["no message"]
    raise LocalCloudError(
        f"it did not start: {lines[-1]}",
        where=f"the local cloud on port {port}",
        todo=f"Read {log}; `python -m deploy local reset` starts afresh.",
    )


def _try_port(where: Path, port: int, say: Say) -> Running | None:
    """Start a server there and take it on; None when it ended or never answered."""
    token = secrets.token_urlsafe(32)
    secret_key = _secret(where, say)
    variables = _environment(where, port, secret_key) | {"WORKBOOK_TOKEN": token}
    with _spawn(where, variables) as (pid, adopt):
        running = Running(port, pid, str(where), secret_key, token)
        try:
            if _answers(running):
                _write_private(where / "server.json", json.dumps(asdict(running)))
                adopt()  # without it, it ends itself
                return running
            if _is_alive(pid):  # on another port it would not answer, either
                raise LocalCloudError(
                    f"it did not answer for {START_TIMEOUT_S} seconds",
                    where=f"the local cloud on port {port}",
                    todo="Does a firewall keep programs from 127.0.0.1, or is that "
                    f"network down? Else read {where / 'server.log'}.",
                )
        except BaseException:  # a full disk, or Ctrl-C: nobody would find it
            _kill(pid)
            raise
        return None


def _answers(running: Running) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and _is_alive(running.pid):
        if _health(running).get("pid") == running.pid:
            return True
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def _spawn(
    where: Path, variables: dict[str, str]
) -> Iterator[tuple[int, Callable[[], object]]]:
    """Run `launch.py`, the parent of the server; its process id, and what adopts it."""
    _remove(where / "tmp")  # workers of a killed server
    for name in ("tmp", "state", "objects", "writes"):
        make_private(where / name)
    with _log(where) as output:
        process = subprocess.Popen(
            [str(environment.python(venv())), str(HERE / "launch.py")],
            cwd=where,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            creationflags=_DETACHED,
        )
    assert process.stdin and process.stdout
    with process.stdin as answer, process.stdout as pid:
        try:
            # On Windows a venv's Python is but the parent, too.
            yield int(pid.read() or 0), lambda: (answer.write(b"!"), answer.flush())
        finally:
            if os.name == "nt":
                process.returncode = 0  # let go: it outlives us, Popen need not warn
            else:
                process.wait()


def _log(where: Path) -> IO[bytes]:
    log = where / "server.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    return os.fdopen(_open_private(log, os.O_APPEND), "ab")


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _kill(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        if pid:
            psutil.Process(pid).kill()


def _environment(where: Path, port: int, secret_key: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "SERVICES": SERVICES,
        "AUTH": "true",  # policies count
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(where / "objects"),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(where / "state"),
        "WORKBOOK_FOLDER": str(where),
        "HOME": str(where),
        "TMPDIR": str(where / "tmp"),
        "TEMP": str(where / "tmp"),
        "TMP": str(where / "tmp"),
        "PYTHONUTF8": "1",
        "LOG_LEVEL": "WARNING",
        "DOCKER_HOST": "unix:///nonexistent",  # there is none, do not look for one
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _choose_port(where: Path, *, again: bool) -> int:
    """The port asked for, or the last one if it is free, or any free one."""
    if asked := os.environ.get("WORKBOOK_PORT"):
        return _asked_port(asked)
    last = where / "port"
    if again and last.exists():
        text = last.read_text("utf-8", "replace").strip()
        if text.isdecimal() and _is_free(int(text)):
            return int(text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _write_private(last, str(port))  # kernels keep their clients over a restart
    return port


def _asked_port(asked: str) -> int:
    todo = "Unset WORKBOOK_PORT and a free port is chosen."
    if not (asked.isdecimal() and 1 <= int(asked) <= 65535):
        raise LocalCloudError(f"{asked!r} is no port", where="WORKBOOK_PORT", todo=todo)
    if not _is_free(int(asked)):
        what = f"port {asked} is taken, or not for this user"
        raise LocalCloudError(what, where="WORKBOOK_PORT", todo=todo)
    return int(asked)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def _secret(where: Path, say: Say) -> str:
    """The folder's secret key: the same after a restart, unknown to others."""
    path = where / "secret"
    if path.exists():
        found = path.read_bytes()
        if re.fullmatch(rb"[\w-]{20,}", found):
            return found.decode()
        path.replace(path.with_suffix(".damaged"))
        say("The local cloud's secret was damaged and is made anew: restart kernels.")
    _write_private(path, secret := secrets.token_urlsafe(32))
    return secret


def _write_private(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".new")
    with os.fdopen(_open_private(beside, os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)


def _open_private(path: Path, flag: int) -> int:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o600)
    if os.name != "nt":
        os.fchmod(opened, 0o600)  # as one that stood already may be open to others
    return opened


def _health(running: Running) -> dict:
    return _request(running, "GET", "/_workbook/health")


def _request(running: Running, method: str, path: str) -> dict:
    """Ask the wrapper itself; an empty answer where nobody of ours listens."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=2)
    try:
        connection.request(method, path, headers={"X-Workbook-Token": running.token})
        answer = json.loads(connection.getresponse().read())
        return answer if isinstance(answer, dict) else {}
    except (OSError, http.client.HTTPException, ValueError, TypeError, OverflowError):
        return {}
    finally:
        connection.close()


def _end(where: Path, *, patience_s: float = 0) -> bool:
    """See that no server holds the folder, by force if need be; True if one did."""
    held = where / "server.lock"
    ran = lock.holder(held) is not None
    if ran and not _is_freed(held, patience_s):
        pid = lock.holder(held)
        _kill(pid or 0)
        if not _is_freed(held, 5):
            raise LocalCloudError(
                f"process {pid or '(unknown)'} does not end",
                where=f"the local cloud in {where}",
                todo="End it yourself, then try again.",
            )
    (where / "server.json").unlink(missing_ok=True)
    return ran


def _is_freed(held: Path, patience_s: float) -> bool:
    """Wait until nobody holds the lock: then the server is gone, reaped or not."""
    deadline = time.monotonic() + patience_s
    while lock.holder(held) is not None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
