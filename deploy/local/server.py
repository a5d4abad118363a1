"""Start, find, stop and reset the local cloud: one a checkout, shared by all kernels.

It lives in `.local-cloud/` beside the code: `venv/` (MiniStack and boto3, nothing
else), `wheels/` (what layers are built from) and `cloud/` (its state and its log).
`WORKBOOK_LOCAL_CLOUD` names another folder for the last, so that tests and classes
can have clouds of their own.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import boto3
import botocore.session
import psutil
from filelock import FileLock

from deploy import runtimes
from deploy.errors import LocalCloudError

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".local-cloud"
VENV = HOME / "venv"
REQUIREMENTS = HERE / "requirements.txt"

ACCOUNT = "000000000000"
ACCESS_KEY = "LOCALCLOUD"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10
LOG_BYTES = 5_000_000
SERVICES = "s3,lambda,iam,sts,sqs,sns,logs,monitoring,cloudformation,events,tagging"

#: What of the learner's environment reaches the local cloud: what processes need,
#: and nothing of AWS, boto3, Python or proxies.
INHERITED = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "LC_ALL")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """A running local cloud: its address, process and credentials.

    `secret_key` and `token` are made anew for every folder and never leave it.
    """

    port: int
    pid: int
    folder: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    created: float = 0.0
    account: str = ACCOUNT
    access_key: str = ACCESS_KEY
    runtime: str = field(default_factory=runtimes.machine_runtime)

    @property
    def url(self) -> str:
        """The endpoint that clients use."""
        return f"http://127.0.0.1:{self.port}"

    def session(self, region: str) -> boto3.Session:
        """Make a session that nothing of the learner's AWS configuration reaches."""
        config = Path(self.folder) / "aws-config"
        core = botocore.session.Session(profile="default")
        core.set_config_variable("config_file", str(config))
        core.set_config_variable("credentials_file", str(config))
        return boto3.Session(
            self.access_key,
            self.secret_key,
            region_name=region,
            botocore_session=core,
        )


def folder() -> Path:
    """The folder of this checkout's local cloud."""
    return Path(os.environ.get("WORKBOOK_LOCAL_CLOUD") or HOME / "cloud").resolve()


def find(where: Path | None = None) -> Running | None:
    """Find the running local cloud; None when it does not answer."""
    where = where or folder()
    try:
        running = Running(**json.loads((where / "server.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    # A stale file, or another program on the port: its process is not the one.
    return running if _health(running).get("pid") == running.pid else None


def start(where: Path | None = None, *, say: Say = print) -> Running:
    """Start the local cloud, set it up first if need be; find it when it runs.

    Raises:
        LocalCloudError: it could not be set up, or did not start.
    """
    where = where or folder()
    if running := find(where):
        return running
    set_up(say=say)
    where.mkdir(parents=True, exist_ok=True)
    with FileLock(where / "start.lock"):  # two kernels may start at once
        if running := find(where):
            return running
        _end(where)
        say("Starting the local cloud …")
        running = _launch(where)
    if notice := _health(running).get("notice"):
        say(notice)
    return running


def stop(where: Path | None = None) -> bool:
    """Stop the local cloud in good order; True if there was one."""
    where = where or folder()
    running = find(where)
    if running is None:
        return _end(where)
    _request(running, "POST", "/_workbook/stop")
    return _end(where, patience_s=STOP_TIMEOUT_S)


def reset(where: Path | None = None, *, say: Say = print) -> Running:
    """Forget everything in the local cloud and start it empty."""
    where = where or folder()
    stop(where)
    for name in ("state.json", "state.damaged"):
        (where / name).unlink(missing_ok=True)
    for name in ("objects", "blobs", "state", "tmp"):
        shutil.rmtree(where / name, ignore_errors=True)
    return start(where, say=say)


def set_up(*, say: Say = print) -> None:
    """Make the local cloud's virtual environment, once; no network after that.

    Raises:
        LocalCloudError: no venv module, no network, or no room.
    """
    if _is_set_up():
        return
    HOME.mkdir(parents=True, exist_ok=True)
    with FileLock(HOME / "set-up.lock"):
        if _is_set_up():
            return
        say("Setting up the local cloud (once, about 20 seconds) …")
        shutil.rmtree(VENV, ignore_errors=True)
        _make_venv()
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([_python(), *pip, "--requirement", str(REQUIREMENTS)])
        (VENV / "ready").write_text(_fingerprint(), "utf-8")


def _make_venv() -> None:
    try:
        _run([sys.executable, "-m", "venv", str(VENV)])
    except LocalCloudError as error:
        raise LocalCloudError(
            "this Python cannot make a virtual environment",
            where=sys.executable,
            todo="On Debian and Ubuntu: sudo apt install python3-venv. Then try again.",
        ) from error


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise LocalCloudError(
            f"set-up failed: {lines[-1]}",
            where="the local cloud",
            todo="The first set-up needs the network (later starts do not): "
            "check it, then try again.",
        )


def _python() -> str:
    place = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    return str(VENV / place)


def _fingerprint() -> str:
    wanted = REQUIREMENTS.read_text("utf-8") + sys.version + sys.base_prefix
    return hashlib.sha256(wanted.encode()).hexdigest()


def _is_set_up() -> bool:
    try:
        return (VENV / "ready").read_text("utf-8") == _fingerprint()
    except OSError:
        return False


def _launch(where: Path) -> Running:
    """Start the server process and wait until it answers."""
    for attempt in range(3):
        port = _choose_port(where, again=attempt == 0)
        process, running = _spawn(where, port)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and process.poll() is None:
            if _health(running).get("pid") == running.pid:
                _write_private(where / "server.json", json.dumps(asdict(running)))
                process.returncode = 0  # let go: it outlives us, Popen need not warn
                return running
            time.sleep(0.05)
        process.kill()
        process.wait()
        if os.environ.get("WORKBOOK_PORT"):
            break  # asked for by number: another would be no answer
    log = where / "server.log"
    lines = log.read_text("utf-8", "replace").strip().splitlines() or ["no message"]
    raise LocalCloudError(
        f"it did not start: {lines[-1]}",
        where=f"the local cloud on port {port}",
        todo=f"Read {log}; `python -m deploy local reset` starts afresh.",
    )


def _spawn(where: Path, port: int) -> tuple[subprocess.Popen, Running]:
    shutil.rmtree(where / "tmp", ignore_errors=True)  # workers of a killed server
    for name in ("tmp", "state", "objects"):
        (where / name).mkdir(parents=True, exist_ok=True)
    (where / "aws-config").write_text("[default]\n", "utf-8")
    log = where / "server.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    secret_key, token = _secret(where), secrets.token_urlsafe(32)
    environment = _environment(where, port, secret_key) | {"WORKBOOK_TOKEN": token}
    detached: dict = {"start_new_session": True}
    if os.name == "nt":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        detached = {"creationflags": flags}
    with log.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            [_python(), str(HERE / "wrapper.py")],
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            **detached,
        )
    created = psutil.Process(process.pid).create_time()
    return process, Running(
        port, process.pid, str(where), secret_key, token, created=created
    )


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
        "AWS_CONFIG_FILE": str(where / "aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(where / "aws-config"),
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
        if not asked.isdigit() or not _is_free(int(asked)):
            raise LocalCloudError(
                f"port {asked} is taken or no port",
                where="WORKBOOK_PORT",
                todo="Unset WORKBOOK_PORT and a free port is chosen.",
            )
        return int(asked)
    last = where / "port"
    if again and last.exists():
        text = last.read_text("utf-8").strip()
        if text.isdigit() and _is_free(int(text)):
            return int(text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    last.write_text(str(port), "utf-8")  # kernels keep their clients over a restart
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def _secret(where: Path) -> str:
    """The folder's secret key: the same after a restart, unknown to others."""
    path = where / "secret"
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(32))
    return path.read_text("utf-8")


def _write_private(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"):
        pass
    beside.write_text(text, "utf-8")
    beside.replace(path)


def _health(running: Running) -> dict:
    return _request(running, "GET", "/_workbook/health")


def _request(running: Running, method: str, path: str) -> dict:
    """Ask the wrapper itself; an empty answer where nobody of ours listens."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=2)
    try:
        connection.request(method, path, headers={"X-Workbook-Token": running.token})
        answer = json.loads(connection.getresponse().read())
        return answer if isinstance(answer, dict) else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()


def _end(where: Path, *, patience_s: float = 0) -> bool:
    """See that the recorded process is gone, by force if need be."""
    try:
        recorded = json.loads((where / "server.json").read_text("utf-8"))
        process = psutil.Process(recorded["pid"])
        # The number may have been given to another program since.
        ours = abs(process.create_time() - recorded["created"]) < 1
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        ours = False
    if ours:
        try:
            process.wait(patience_s)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(5)
    (where / "server.json").unlink(missing_ok=True)
    return ours
