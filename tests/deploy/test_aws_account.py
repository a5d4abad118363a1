"""`pytest --aws` itself, against a plain MiniStack: another account, another region.

Plain means without our wrapper and our rules. It proves what the suite does with names,
regions, budget and teardown, and says nothing about AWS.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from support.plain import KEYS, ministack

ROOT = Path(__file__).parents[2]
ACCOUNT, REGION = "210987654321", "eu-central-1"


class Plain:
    """A plain MiniStack, and what stands in it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def pytest(self, *options: str) -> subprocess.Popen:
        """Start `pytest --aws` against it, as somebody with these credentials would."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["--aws", "--aws-endpoint", self.url, "--aws-region", REGION]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return subprocess.Popen(
            [*command, *options, "tests/deploy/test_end_to_end.py"],
            cwd=ROOT,
            env=environment | KEYS,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *options: str) -> tuple[int, str]:
        process = self.pytest(*options)
        said, _ = process.communicate(timeout=600)
        return process.returncode, said

    def left(self) -> list[str]:
        """Name everything of ours in the account."""
        session = boto3.Session(*KEYS.values(), region_name=REGION)
        s3, iam, function, logs, sqs = (
            session.client(name, endpoint_url=self.url)
            for name in ("s3", "iam", "lambda", "logs", "sqs")
        )
        names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        names += [role["RoleName"] for role in iam.list_roles()["Roles"]]
        names += [f["FunctionName"] for f in function.list_functions()["Functions"]]
        names += [layer["LayerName"] for layer in function.list_layers()["Layers"]]
        names += [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]]
        return names + sqs.list_queues().get("QueueUrls", [])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    folder = tmp_path_factory.mktemp("plain")
    with ministack(folder, ACCOUNT, REGION) as url:
        yield Plain(url)


@pytest.mark.slow
def test_the_suite_passes_and_leaves_nothing(plain):
    code, said = plain.run("-s")
    assert code == 0, said
    assert f"account {ACCOUNT}, region {REGION}" in said and "tests, about" in said
    assert plain.left() == []


@pytest.mark.slow
def test_interrupted_it_leaves_nothing(plain):
    process = plain.pytest()
    until_there_is_a_function(plain, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert plain.left() == []


@pytest.mark.slow
def test_the_next_run_sweeps_what_a_killed_one_left(plain):
    process = plain.pytest()
    until_there_is_a_function(plain, process)
    process.kill()
    process.communicate()
    assert plain.left() != []
    assert plain.run("-k", "two_statements")[0] == 0
    assert plain.left() == []


def until_there_is_a_function(plain: Plain, process: subprocess.Popen) -> None:
    while not any(name.endswith("-thumbnailer") for name in plain.left()):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.2)


@pytest.mark.slow
def test_over_the_budget_nothing_is_called():
    nowhere = Plain("http://127.0.0.1:9")
    code, said = nowhere.run("--aws-budget", "0.0001")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "over the budget of $0.0001" in said


def test_without_the_option_no_credentials_are_there():
    assert [n for n in os.environ if n.startswith("AWS_") and "KEY" in n] == []
    assert os.environ["AWS_CONFIG_FILE"] == os.devnull
