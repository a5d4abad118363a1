"""pyproject.toml, environment.yml and Binder's copy name the same packages."""

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ASKED_FOR = ["boto3", "Pillow", "jupyterlab", "ipywidgets", "pytest", "moto", "nbval"]


def project() -> list[str]:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    return tomllib.loads(text)["project"]["dependencies"]


def conda(path: str) -> list[str]:
    packages = yaml.safe_load((ROOT / path).read_text("utf-8"))["dependencies"]
    return packages[-1]["pip"]


def test_the_seven_are_pinned_alike():
    assert conda("environment.yml") == [*project()[:7], "-e ."]
    assert [pin.split("==")[0] for pin in project()[:7]] == ASKED_FOR


def test_binder_has_the_same():
    assert conda(".binder/environment.yml") == [*conda("environment.yml")[:-1], "-e .."]


def test_every_dependency_is_pinned():
    pins = project() + (ROOT / "deploy/local/requirements.txt").read_text().split("\n")
    pins = [pin for pin in pins if pin and not pin.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)


def test_only_what_was_asked_for_stands_at_the_top():
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    top = {name.split("/")[0] for name in tracked.stdout.split("\0") if name}
    wanted = {"notebooks", "handler", "deploy", "tests", "images"}
    wanted |= {"environment.yml", "README.md", "pyproject.toml", "Makefile", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} == wanted


@pytest.mark.slow
def test_the_list_installs_in_a_fresh_environment(tmp_path):
    venv.create(tmp_path, with_pip=True)
    bin_folder = tmp_path / ("Scripts" if sys.platform == "win32" else "bin")
    wanted = [part for line in conda("environment.yml") for part in line.split()]
    pip = [bin_folder / "python", "-m", "pip"]
    subprocess.run([*pip, "install", "--quiet", *wanted], cwd=ROOT, check=True)
    subprocess.run([*pip, "check"], check=True)
    code = "import deploy, handler, jupyterlab, ipywidgets, nbval, moto"
    done = subprocess.run([bin_folder / "python", "-c", code], cwd=tmp_path)
    assert done.returncode == 0
