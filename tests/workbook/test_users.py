"""One read-only checkout that root owns, two Unix users: each has all of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.bench import fetch
from support.browser_page import new_checkout
from support.programs import free_port, run, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0,
        reason="only root may run programs as other users",
    ),
]

UIDS = (65534, 12345)
#: What a learner does in the first lesson, by hand: all cells of the copy of the tour.
TOUR = """
import json, os, nbformat
from nbclient import NotebookClient
tour = nbformat.read("00_tour.ipynb", 4)
NotebookClient(tour, resources={"metadata": {"path": os.getcwd()}}).execute()
nbformat.write(tour, "00_tour.ipynb")
"""
STATE = """
import json
from deploy.home import home
from deploy.local import server
from workbook import copies
running = server.find()
print(json.dumps([str(home()), str(copies.folder()), running.folder, running.port]))
"""


@dataclass(frozen=True)
class User:
    """A Unix user with a home, and a checkout that is not theirs."""

    uid: int
    home: Path
    checkout: Path
    python: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": f"{self.checkout}:{self.checkout}/notebooks",
            "PIP_INDEX_URL": os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple"),
        }

    def start(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, *arguments],
            cwd=cwd or self.checkout,
            env=self.environment,
            user=self.uid,
            group=self.uid,
            extra_groups=[],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        process = self.start(*arguments, cwd=cwd)
        said, _ = process.communicate(timeout=500)
        assert process.returncode == 0, said
        return said


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are its user's alone."""
    with tempfile.TemporaryDirectory(prefix="workbook-users-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def python(place: Path) -> Path:
    """A Python that every user may run, with the packages that the tests run with."""
    for base in (Path(sys.base_prefix) / "bin", Path("/usr/bin")):
        path = base / f"python3.{sys.version_info.minor}"
        try:
            subprocess.run(
                [path, "-c", "import venv, ensurepip"], check=True, user=65534
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        command = [path, "-m", "venv", "--without-pip", place / "venv"]
        subprocess.run(command, check=True)
        (packages,) = (place / "venv" / "lib").glob("python*/site-packages")
        (packages / "ours.pth").write_text("\n".join(filter(os.path.isdir, sys.path)))
        (place / "venv" / "share").symlink_to(Path(sys.prefix) / "share")
        (place / "venv" / "etc").symlink_to(Path(sys.prefix) / "etc")
        return place / "venv" / "bin" / "python"
    pytest.skip("no Python here that other users may run; Debian: apt install python3")


@pytest.fixture(scope="module")
def users(place: Path, python: Path) -> Iterator[list[User]]:
    """Two users at once: each makes copies and runs the tour."""
    checkout = new_checkout(place / "checkout")
    both = []
    for uid in UIDS:
        home = place / f"home-{uid}"
        home.mkdir(mode=0o700)
        os.chown(home, uid, uid)
        both.append(User(uid, home, checkout, python))

    def learn(user: User) -> None:
        said = user.run("-m", "workbook", "copies")
        assert f"What is made lies in {user.home}" in said
        user.run("-c", TOUR, cwd=folders(user)[1])

    with ThreadPoolExecutor() as pool:
        list(pool.map(learn, both))
    yield both
    for user in both:
        user.run("-m", "workbook", "local", "stop")


def folders(user: User) -> list[Path]:
    where = user.home / ".local" / "share" / "thumbnail-workbook"
    return [where, where / "work", where / "cloud"]


def test_each_has_a_cloud_a_state_and_copies_of_their_own(users):
    found = [json.loads(user.run("-c", STATE)) for user in users]
    for user, (*places, _) in zip(users, found, strict=True):
        assert [Path(each) for each in places] == folders(user)
    assert found[0][-1] != found[1][-1]  # the ports


def test_each_ran_the_tour_in_a_copy(users):
    for user in users:
        tour = (folders(user)[1] / "00_tour.ipynb").read_text("utf-8")
        assert "on the local cloud" in tour and '"output_type": "error"' not in tour


def test_nothing_was_written_to_the_checkout(users):
    checkout = users[0].checkout
    asked = ["git", "status", "--porcelain", "--ignored"]
    done = run(*asked, cwd=checkout)
    assert done.returncode == 0 and done.stdout == ""
    assert {path.stat().st_uid for path in checkout.rglob("*")} == {0}


def test_what_is_anothers_cannot_be_read(users):
    for user, other in (users, users[::-1]):
        path = folders(other)[2] / "secret"
        process = user.start("-c", f"open({str(path)!r})")
        assert "PermissionError" in process.communicate()[0]


def test_both_have_a_lab_with_its_diagrams(users):
    for user in users:
        port = free_port()
        options = [f"--port={port}", "--IdentityProvider.token="]
        process = user.start("-m", "workbook", "lab", "--no-browser", "--", *options)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/api", user.checkout / "README.md")
            diagram = f"{url}/files/images/diagrams/pipeline.svg"
            assert fetch(diagram, Referer=f"{url}/lab")[1].startswith(b"<svg")
            _, answer = fetch(f"{url}/api/contents/work/00_tour.ipynb")
            assert json.loads(answer)["writable"]
        finally:
            process.terminate()
            process.communicate(timeout=20)
