"""Who starts, stops and leaves behind a local cloud: with processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from support.local_cloud import kill
from support.matrix import quiet
from support.programs import run
from support.rows import rows

from deploy.environment import python
from deploy.local import server

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")

#: A kernel: it starts the cloud, says so, and stays.
KERNEL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, too
from deploy.environment import python
from deploy.local import server
server.start(say=lambda line: print(line, flush=True))
print("started", flush=True)
sys.stdin.read()
"""


@contextmanager
def kernel() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", KERNEL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield process
        process.kill()


def read_until(process: subprocess.Popen[str], word: str) -> None:
    while word not in (line := process.stdout.readline()):
        assert line, "it ended early"


def servers(folder: Path) -> list[int]:
    """The processes that serve a folder, found without any file of it."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ", "status"]):
        known = process.info
        ours = (known["environ"] or {}).get("WORKBOOK_FOLDER") == str(folder)
        serves = any(part.endswith("launch.py") for part in known["cmdline"] or [])
        if ours and serves and known["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def none_serves(folder: Path) -> bool:
    deadline = time.monotonic() + 10
    while servers(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not servers(folder)


def test_it_is_stopped_killed_and_reset_while_the_kernel_that_started_it_lives(
    own_folder,
):
    with kernel() as process:
        read_until(process, "started")
        assert psutil.Process(server.find().pid).ppid() != process.pid
        begun = time.monotonic()
        assert server.stop() and none_serves(own_folder)
        assert time.monotonic() - begun < 8
        for _ in range(2):
            again = server.start(say=quiet)
            assert servers(own_folder) == [again.pid]
            kill()
        server.start(say=quiet)
        last = server.reset(say=quiet)
        assert servers(own_folder) == [last.pid] and process.poll() is None


@pytest.mark.parametrize("number", rows([signal.SIGINT, signal.SIGKILL]))
def test_an_interrupted_start_leaves_no_server(own_folder, number):
    for delay in (0, 0.1, 0.3):
        with kernel() as process:
            read_until(process, "Starting")
            threading.Event().wait(delay)  # at several points of the way
            process.send_signal(number)
            process.wait(60)
        # A start that was through before the signal came has one, to be found.
        running = server.find()
        assert servers(own_folder) == [running.pid] if running else True
        assert running or none_serves(own_folder)
        server.stop()


def test_a_server_that_nobody_knows_of_is_replaced(own_folder):
    first = server.start(say=quiet)
    (own_folder / "server.json").write_text("{ damaged")
    again = server.start(say=quiet)
    assert servers(own_folder) == [again.pid] and again.pid != first.pid


def test_a_second_server_leaves_the_folder_alone(own_folder):
    running = server.start(say=quiet)
    environment = server._environment(own_folder, 1, running.secret_key)
    with server._spawn(own_folder, environment | {"WORKBOOK_TOKEN": "t"}) as (pid, _):
        psutil.Process(pid).wait(10)
    assert servers(own_folder) == [running.pid]
    assert "another local cloud runs in" in (own_folder / "server.log").read_text()


def test_stop_finds_a_server_without_its_file(own_folder):
    server.start(say=quiet)
    (own_folder / "server.json").unlink()
    assert server.stop() and none_serves(own_folder)


#: While a mapping's thread gives a queue a new list, S3 waits to add to it.
WHILE_LOCKED = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from ministack.services import s3
added = []
s3._deliver_event_to_sqs = lambda *event: added.append(event)
import delivery, saving
event = threading.Thread(target=s3._deliver_event_to_sqs, args=("arn", {}, "us-east-1"))
with saving.grown.lock:
    event.start()
    event.join(0.2)
    assert not added
event.join()
assert added
"""


@pytest.mark.slow
def test_no_message_is_added_to_a_list_that_is_being_replaced(own_folder):
    server.set_up(say=lambda line: None)
    own_folder.mkdir()
    known = server._environment(own_folder, 1, "secret")
    done = run(python(server.venv()), "-c", WHILE_LOCKED, server.HERE, env=known)
    assert done.returncode == 0, done.stderr
