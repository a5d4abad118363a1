"""A plain MiniStack, without our wrapper and our rules: another account and region."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.programs import free_port, wait_for

from deploy.environment import python
from deploy.local import server

KEYS = {"AWS_ACCESS_KEY_ID": "PLAINSTACK", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextmanager
def ministack(folder: Path, account: str, region: str) -> Iterator[str]:
    """Run it with KEYS, its files and its log in a folder; yield its address."""
    server.set_up(say=lambda line: None)
    port = free_port()
    known = {k: v for k, v in os.environ.items() if k in server.INHERITED} | KEYS
    known |= {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "AUTH": "true"}
    known |= {"MINISTACK_HOST": "127.0.0.1", "SERVICES": server.SERVICES}
    known |= {"MINISTACK_ACCOUNT_ID": account, "MINISTACK_REGION": region}
    known |= {"HOME": str(folder), "TMPDIR": str(folder), "LOG_LEVEL": "WARNING"}
    known |= {"DOCKER_HOST": "unix:///nonexistent"}
    with (folder / "log").open("w") as log:
        command = [python(server.venv()), "-m", "ministack"]
        process = subprocess.Popen(
            command, cwd=folder, env=known, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/_ministack/health", folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(20)
