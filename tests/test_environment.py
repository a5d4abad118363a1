"""One list of packages; set-up, packaging and `make` touch nothing but their own."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from deploy import environment

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ASKED_FOR = ["boto3", "Pillow", "jupyterlab", "ipywidgets", "pytest", "moto", "nbval"]


def conda(path: str) -> list[str]:
    packages = yaml.safe_load((ROOT / path).read_text("utf-8"))["dependencies"]
    return packages[-1]["pip"]


def tracked() -> list[str]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split("\0")[:-1]


# One list


def test_the_seven_are_asked_for_by_name():
    assert conda("environment.yml") == [*ASKED_FOR, "-e .[test]"]


def test_binder_asks_for_the_project_alone():
    assert conda(".binder/environment.yml") == ["-e .."]


def test_every_dependency_is_pinned_once():
    extras = PROJECT["optional-dependencies"]
    pins = PROJECT["dependencies"] + extras["test"] + extras["dev"]
    pins.remove("thumbnail-workbook[test]")
    names = [re.split(r"\[|==", pin)[0] for pin in pins]
    assert set(ASKED_FOR) <= set(names) and len(names) == len(set(names))
    for apart in ("deploy/local/requirements.txt", "notebooks/pages/requirements.txt"):
        pins += (ROOT / apart).read_text("utf-8").split("\n")
    pins = [pin for pin in pins if pin and not pin.startswith("#")]
    pin = r"[\w.-]+(\[crt])?==[\w.]+(; \w+ != '\w+')?"  # but where there is no wheel
    assert all(re.fullmatch(pin, line) for line in pins)


def test_only_what_was_asked_for_stands_at_the_top():
    top = {name.split("/")[0] for name in tracked()}
    wanted = {"notebooks", "handler", "deploy", "tests", "images"}
    wanted |= {"environment.yml", "README.md", "pyproject.toml", "Makefile", "LICENSE"}
    wanted |= {"conftest.py"}  # below, pytest would not read it for a notebook's path
    assert {name for name in top if not name.startswith(".")} == wanted


# An environment


@pytest.fixture
def wheel(tmp_path) -> Path:
    """A package that needs no network."""
    path = tmp_path / "nothing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        info = "nothing-1.0.dist-info"
        file.writestr("nothing.py", "")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: nothing\nVersion: 1.0\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return path


@pytest.mark.slow
def test_an_environment_is_made_anew_when_it_must_be(wheel, tmp_path, monkeypatch):
    """Whatever pip and Python were told for other work."""
    (tmp_path / "pip.conf").write_text("[install]\nuser = yes\nrequire-hashes = yes\n")
    elsewhere = tmp_path / "elsewhere"
    told = {"USER": "1", "TARGET": elsewhere, "PREFIX": elsewhere, "NO_INDEX": "1"}
    told |= {"REQUIRE_HASHES": "1", "CONFIG_FILE": tmp_path / "pip.conf"}
    for name, value in told.items():
        monkeypatch.setenv(f"PIP_{name}", str(value))
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONHOME", str(elsewhere))
    folder, needed = tmp_path / "an environment", tmp_path / "list"
    needed.write_text("nothing")

    def make() -> None:
        environment.make(folder, [str(wheel)], [needed], ["nothing"])

    assert not environment.is_ready(folder, [needed])
    make()
    assert environment.is_ready(folder, [needed]) and not elsewhere.exists()

    needed.write_text("nothing more")
    assert not environment.is_ready(folder, [needed])
    (folder / "kept").touch()
    make()
    assert environment.is_ready(folder, [needed]) and (folder / "kept").exists()

    for link in folder.glob("bin/python*"):
        link.unlink()
        link.symlink_to("/a/python/that/is/gone")
    assert not environment.is_ready(folder, [needed])
    make()
    assert environment.is_ready(folder, [needed]) and not (folder / "kept").exists()

    with pytest.raises(environment.SetUpError, match=r"elsewhere.*Delete .*, then"):
        environment.make(folder, [str(wheel)], [needed], ["elsewhere"])
    with pytest.raises(environment.SetUpError, match=r"\w\. The first set-up needs"):
        environment.make(folder, ["no-such-package"], [needed], ["nothing"])
    assert not environment.is_ready(folder, [needed])


@pytest.fixture
def does(tmp_path, monkeypatch) -> Callable[[str], None]:
    """Let the Python that makes `.venv` do what a shell is told."""
    if os.name == "nt":
        pytest.skip("a shell, and POSIX signals")
    program = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").touch()

    def written(line: str) -> None:
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o700)

    return written


def test_an_interrupted_set_up_is_one_sentence(does, capsys):
    does("sleep 0.1; kill -INT $PPID")
    assert environment.main() == 130
    assert "begins it anew" in capsys.readouterr().err


def test_two_set_ups_at_once_take_turns(does, tmp_path):
    log = tmp_path / "log"
    does(f"echo in >> {log}; sleep 0.1; echo out >> {log}; exit 1")
    with ThreadPoolExecutor(2) as both:
        assert list(both.map(lambda _: environment.main(), range(2))) == [1, 1]
    assert log.read_text().split() == ["in", "out"] * 2


# make


def make(*arguments, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def checkout(tmp_path) -> Path:
    """The Makefile, with the folders that it knows."""
    place = tmp_path / "a\ncheckout"
    for name in {name.split("/")[0] for name in tracked() if "/" in name}:
        (place / name).mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", place)
    return place


def test_clean_touches_only_what_the_project_made(checkout):
    made = [".venv/a", ".local-cloud/b", ".mypy_cache/c", "build/d"]
    made += ["tests/__pycache__/e", "notebooks/my\nown photos/.ipynb_checkpoints/f"]
    made += ["handler/ x y/__pycache__/.ipynb_checkpoints/g"]
    kept = ["my photos/.ipynb_checkpoints/h", "my/i", "photos/__pycache__/j", "\nk"]
    kept += ["my.egg-info/l", "work/m", "export/n", "notebooks/my/o", "own/p"]
    kept += ["notebooks/my\nown photos/q", ".git/r", "x", "y/z"]
    for name in [*made, *kept]:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    (checkout / "tests/.ipynb_checkpoints").symlink_to(checkout / "own")
    done = make("clean", cwd=checkout)
    assert done.returncode == 0, done.stderr
    left = {
        str(path.relative_to(checkout))
        for path in checkout.rglob("*")
        if path.is_file()
    }
    assert left == {*kept, "Makefile"}


def test_an_older_python_is_told_which_is_needed(checkout, tmp_path, monkeypatch):
    """Where another Python's modules are named for every program, too."""
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "another"))
    old = "import sys\nsys.version_info = (3, 10, 13)\nsys.version = '3.10.13 (main)'\n"
    (tmp_path / "old.py").write_text(old + "exec(sys.argv[2])\n")
    done = make("setup", f"PYTHON={sys.executable} {tmp_path / 'old.py'}", cwd=checkout)
    needed = PROJECT["requires-python"].removeprefix(">=")
    assert done.returncode and not done.stdout
    assert f"needs Python {needed} or newer" in done.stderr
    assert f"{sys.executable} is Python 3.10.13" in done.stderr


# The packages themselves


def pip(place: Path, *arguments: str) -> None:
    command = [environment.python(place), "-m", "pip", *arguments]
    subprocess.run(command, cwd=ROOT, check=True)


#: Without the bytecode of what is never run.
INSTALL = ("install", "--quiet", "--no-compile")


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Path:
    """A fresh environment with the product alone, made from a copy that is gone."""
    place, source = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("source")
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    venv.create(place, with_pip=True)
    pip(place, *INSTALL, str(source))
    shutil.rmtree(source)
    return place


@pytest.mark.slow
def test_the_product_works_without_the_checkout(product, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    program = environment.python(product).with_name("thumbnail-workbook")
    known = environment.isolated() | {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "d"),
    }
    kept = {k: v for k, v in known.items() if not k.startswith(("AWS_", "WORKBOOK_"))}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments], cwd=home, env=kept, capture_output=True, text=True
        )

    try:
        done = run("demo")
        assert done.returncode == 0, done.stderr
        assert f"Contact sheet: {home}/d/thumbnail-workbook" in done.stdout
        assert done.stdout.count(" made\n") == 8 and "red panda+1 é.jpg" in done.stdout
        assert not list(product.rglob(".local-cloud"))
        lab = run("lab", "--no-browser")
        assert lab.returncode == 1 and lab.stderr.count("\n") == 1, lab.stderr
    finally:
        assert run("local", "stop").returncode == 0


@pytest.mark.slow
def test_the_list_installs(product, tmp_path):
    """After the test of the product alone: here come the packages that tests need."""
    wanted = [part for line in conda("environment.yml") for part in line.split()]
    pip(product, *INSTALL, *wanted)
    pip(product, "check")
    code = "import deploy, handler, workbook, jupyterlab, ipywidgets, nbval, moto"
    run = [environment.python(product), "-c", code]
    assert subprocess.run(run, cwd=tmp_path).returncode == 0
