import importlib.metadata
import os
import shutil
import sys
import sysconfig
import venv
import zipfile
from itertools import product
from pathlib import Path

import pytest
from support.programs import run
from support.rows import rows

from deploy import environment, runtimes
from deploy.errors import LayerError, SettingsError
from deploy.home import CHECKOUT
from deploy.settings import Settings
from deploy.steps.layer import contents
from deploy.steps.layer import wheel as wheels

PILLOW = importlib.metadata.version("Pillow")


def settings(**given):
    return Settings(account="123456789012", region="us-east-1", **given)


def here(**given):
    return settings(**runtimes.here() | given)


@pytest.fixture
def offline(monkeypatch):
    """Point pip at a port where nobody listens."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")


def test_platforms_of_amazon_linux():
    tags = wheels.platforms(runtimes.RUNTIMES["python3.14"], "arm64")
    assert tags[0] == "manylinux_2_34_aarch64"
    assert {"manylinux_2_28_aarch64", "manylinux2014_aarch64"} <= set(tags)
    tags = wheels.platforms(runtimes.RUNTIMES["python3.11"], "x86_64")
    assert tags[0] == "manylinux_2_26_x86_64"
    assert "manylinux_2_28_x86_64" not in tags


def test_pillow_is_the_one_installed():
    assert wheels.requirement(settings()) == f"Pillow=={PILLOW}"
    assert wheels.requirement(here()) == f"Pillow=={PILLOW}"
    # An old glibc takes an older one.
    assert wheels.requirement(settings(runtime="python3.11")) == "Pillow==12.2.0"


def test_targets_differ():
    both = settings(), settings(architecture="x86_64"), here()
    assert len({wheels.target(one) for one in both}) == 3


def test_wheel_for_this_machine():
    wheel = wheels.fetch_wheel(here())
    assert wheel.name.startswith(f"pillow-{PILLOW}-cp")
    assert zipfile.is_zipfile(wheel)


def kept(tmp_path, settings, name):
    """Keep a file where the wheels for such a function are looked for."""
    place = tmp_path / wheels.target(settings)
    place.mkdir()
    (place / name).touch()
    return place / name


def test_cached_wheel_needs_no_network(offline, tmp_path):
    wheel = wheels.fetch_wheel(here())
    cached = Path(shutil.copy(wheel, kept(tmp_path, here(), wheel.name)))
    assert wheels.fetch_wheel(here(), tmp_path) == cached


def test_every_target_has_its_hash():
    known = [line.split()[1] for line in wheels.HASHES.read_text().splitlines()]
    for runtime, machine in product(runtimes.RUNTIMES.values(), ("x86_64", "arm64")):
        given = settings(runtime=runtime.name, architecture=machine)
        version = wheels.requirement(given).partition("==")[2]
        tags = wheels.platforms(runtime, machine)
        for package in (f"pillow-{version}", f"isal-{wheels.ISAL}"):
            begin = f"{package}-{runtime.abi}-{runtime.abi}-"
            assert any(
                name.startswith(begin) and any(tag in name for tag in tags)
                for name in known
            ), begin


def test_every_laptop_has_its_hash():
    known = [line.split()[1] for line in wheels.HASHES.read_text().splitlines()]
    laptops = [
        *((system, m) for system in ("macosx", "musllinux") for m in ("x86_64", "a")),
        ("win", "amd64"),
    ]
    for runtime, (system, machine) in product(runtimes.RUNTIMES.values(), laptops):
        for package in ("pillow-13.0.0", f"isal-{wheels.ISAL}"):
            begin = f"{package}-{runtime.abi}-{runtime.abi}-{system}"
            ends = ("arm64.whl", "aarch64.whl") if machine == "a" else f"{machine}.whl"
            assert any(n.startswith(begin) and n.endswith(ends) for n in known), begin


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An index that has a wheel of this machine's Pillow, to be copied there."""
    folder, wheel = tmp_path / "simple" / "pillow", wheels.fetch_wheel(here()).name
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(f"<a href='{wheel}'>{wheel}</a>")
    monkeypatch.setenv("PIP_INDEX_URL", folder.parent.as_uri())
    return folder


def altered(wheel, place):
    """A wheel of the same name with one file more."""
    place.mkdir(parents=True, exist_ok=True)
    copy = Path(shutil.copy(wheel, place))
    with zipfile.ZipFile(copy, "a") as archive:
        archive.writestr("PIL/evil.py", "print('in the layer')")
    return copy


def test_an_altered_wheel_of_the_index_is_refused(tmp_path, index):
    altered(wheels.fetch_wheel(here()), index)
    with pytest.raises(LayerError, match="is not the one on PyPI"):
        wheels.fetch_wheel(here(), tmp_path / "wheels")
    assert list((tmp_path / "wheels").rglob("*.whl")) == []


def test_an_altered_wheel_in_the_folder_is_refused(offline, tmp_path):
    altered(wheels.fetch_wheel(here()), tmp_path / wheels.target(here()))
    with pytest.raises(LayerError, match="is not the one on PyPI"):
        wheels.fetch_wheel(here(), tmp_path)


def test_here_a_function_does_without_isal_that_cannot_be_fetched(offline, tmp_path):
    assert wheels.fetch_isal(here(), tmp_path) is None


def test_on_aws_it_does_not(offline, tmp_path):
    with pytest.raises(LayerError, match=r"isal==.* could not be fetched"):
        wheels.fetch_isal(settings(), tmp_path)


def test_an_altered_isal_is_refused_here_too(offline, tmp_path):
    python = runtimes.RUNTIMES[runtimes.machine_runtime()].abi
    kept(tmp_path, here(), f"isal-{wheels.ISAL}-{python}-{python}-made_up.whl")
    with pytest.raises(LayerError, match="has no hash that we know"):
        wheels.fetch_isal(here(), tmp_path)


def test_a_wheel_without_a_known_hash_is_refused(offline, tmp_path):
    kept(tmp_path, settings(), f"pillow-{PILLOW}-cp314-cp314-made_up.whl")
    with pytest.raises(LayerError, match="has no hash that we know"):
        wheels.fetch_wheel(settings(), tmp_path)


@pytest.mark.parametrize("name", rows(["PLATFORM", "USER", "TARGET", "REQUIRE_HASHES"]))
def test_pips_other_variables_have_no_effect(tmp_path, index, monkeypatch, name):
    wheel = Path(shutil.copy(wheels.fetch_wheel(here()), index))
    elsewhere = tmp_path / "elsewhere"
    value = {"PLATFORM": "win32", "TARGET": str(elsewhere)}.get(name, "1")
    monkeypatch.setenv(f"PIP_{name}", value)
    file = f"[global]\n{name.lower().replace('_', '-')} = {value}\n"
    (tmp_path / "pip.conf").write_text(file)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    fetched = wheels.fetch_wheel(here(), tmp_path / "wheels")
    assert fetched.name == wheel.name and not elsewhere.exists()


def test_pips_files_say_where_the_index_is_and_no_more(tmp_path, monkeypatch):
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://index.example/a=b\nplatform = win32\n"
        "trusted-host =\n  one.example\n  two.example\n"
        "[download]\nproxy = http://proxy.example\n[list]\ncert = /nope\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_PROXY", "http://mine.example")
    for name in ("PIP_INDEX_URL", "PIP_TRUSTED_HOST"):
        monkeypatch.delenv(name, raising=False)
    found = environment.for_pip(sys.executable)
    wanted = {
        "PIP_INDEX_URL": "https://index.example/a=b",
        "PIP_TRUSTED_HOST": "one.example two.example",
        "PIP_PROXY": "http://mine.example",
        "PIP_CONFIG_FILE": os.devnull,
    }
    assert wanted.items() <= found.items()
    assert "PIP_PLATFORM" not in found and found.get("PIP_CERT") != "/nope"


@pytest.mark.parametrize("name", ["pillow.libs/../../../evil", "/evil", "..\\evil"])
def test_a_file_outside_the_wheel_is_refused(tmp_path, name):
    wheel = Path(shutil.copy(wheels.fetch_wheel(here()), tmp_path))
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(name, "evil")
    with pytest.raises(LayerError, match="outside of it"):
        contents.collect(wheel, here())


def test_wheel_of_another_version_is_no_hit(offline, tmp_path):
    other = "pillow-1.0-cp314-cp314-manylinux_2_28_aarch64.whl"
    kept(tmp_path, settings(), other)
    with pytest.raises(LayerError):
        wheels.fetch_wheel(settings(), tmp_path)


def test_no_network_is_one_sentence_and_leaves_nothing_behind(offline, tmp_path, capfd):
    with pytest.raises(LayerError) as caught:
        wheels.fetch_wheel(settings(), tmp_path)
    failure = caught.value
    assert "no connection to the package index" in failure.what
    assert failure.where == "pip download for python3.14-arm64"
    assert "Go online once" in failure.todo
    assert "\n" not in str(failure)
    assert capfd.readouterr() == ("", "")  # pip prints nothing
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("runtime", ["python3.8", "python9.9"])
def test_there_is_no_layer_for_a_runtime_that_aws_refuses(runtime):
    with pytest.raises(SettingsError, match=r"Choose one of .*python3\.14"):
        wheels.fetch_wheel(settings(runtime=runtime))


def test_function_here_needs_this_machines_python():
    other = "python3.14" if runtimes.machine_runtime() != "python3.14" else "python3.13"
    with pytest.raises(LayerError, match="would run here"):
        wheels.fetch_wheel(here(runtime=other))


def wheel_of(folder):
    """A Pillow that holds nothing, for pip to find."""
    info = f"pillow-{PILLOW}.dist-info"
    says = {
        "METADATA": f"Metadata-Version: 2.1\nName: pillow\nVersion: {PILLOW}\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    path = folder / f"pillow-{PILLOW}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in says.items():
            archive.writestr(f"{info}/{name}", text)
    return path


def without_pip(folder):
    """An environment as uv makes them: with our packages, and no pip."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    mine = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if package.name.split("-")[0] != "pip" and not package.name.startswith("__"):
            (mine / package.name).symlink_to(package)
    (mine / "checkout.pth").write_text(str(CHECKOUT))
    return environment.python(folder)


DOWNLOADS = """
import sys
from pathlib import Path
from deploy.settings import Settings
from deploy.steps.layer import wheel
runtime, architecture, place = sys.argv[1:]
here = Settings("123456789012", "us-east-1", runtime=runtime,
                architecture=architecture, runs_here=True)
wheel._download(wheel.requirement(here), here, Path(place))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="symlinks need rights there")
@pytest.mark.parametrize("started", [True, False])
def test_an_environment_without_pip_takes_the_local_clouds(tmp_path, started):
    index, place, home = (tmp_path / name for name in ("index", "place", "home"))
    index.mkdir(), place.mkdir()
    made = wheel_of(index)
    if started:
        venv.create(home / "venv", with_pip=True)
    python = without_pip(tmp_path / "uv")
    machine = (runtimes.machine_runtime(), runtimes.machine_architecture())
    reach = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": ""}
    command = [python, "-c", DOWNLOADS, *machine, place]
    ran = run(*command, env={**os.environ, **reach, "WORKBOOK_HOME": str(home)})
    assert (place / made.name).exists() == started
    assert ("this Python has no pip" in ran.stderr) != started, ran.stderr
