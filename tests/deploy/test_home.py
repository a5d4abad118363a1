import errno
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from deploy import home
from deploy.errors import LocalCloudError
from deploy.local import server


@pytest.fixture
def checkout(monkeypatch):
    """A checkout that others may look into, as pytest's own folders are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "pyproject.toml").write_text("", "utf-8")
    monkeypatch.setattr(home, "CHECKOUT", folder)
    monkeypatch.setattr(home, "_BESIDE", folder / ".local-cloud")
    for name in ("WORKBOOK_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_it_is_beside_the_checkout(checkout):
    assert home.home() == checkout / ".local-cloud" and home.moved() == ""


def test_a_variable_names_it(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "else" / ".." / "where"))
    assert home.home() == tmp_path / "where" and home.moved() == ""


def test_a_lock_that_is_never_given_back_is_said(tmp_path):
    """As of a command that Ctrl+Z stopped: the next would wait for ever."""
    with (
        home.turn(tmp_path / "lock", 0),
        pytest.raises(LocalCloudError, match=r"lock: another program .*Ctrl\+Z"),
        home.turn(tmp_path / "lock", 0),
    ):
        pass
    with home.turn(tmp_path / "lock", 0):
        pass


@pytest.mark.parametrize(
    ("place", "todo"),
    [
        (home.home() / "cloud", "WORKBOOK_HOME names another folder"),
        (home.CHECKOUT / "work", "WORKBOOK_HOME names another folder"),
        (Path("/elsewhere/x.zip"), "Name another place"),
        (Path("export"), "Name another place"),
    ],
)
def test_what_cannot_be_written_goes_elsewhere_as_it_was_named(place, todo):
    with (
        pytest.raises(LocalCloudError, match=f"{place}: this user may not .*{todo}"),
        home.in_plain_words(place),
    ):
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize("variable", ["WORKBOOK_HOME", "WORKBOOK_LOCAL_CLOUD"])
def test_what_is_no_path_is_said_when_it_is_written_to(monkeypatch, tmp_path, variable):
    """`home` is asked at import: there nothing could say it."""
    monkeypatch.chdir(tmp_path)
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    monkeypatch.setenv(variable, "~no-such-user/x")
    assert home.named(variable) == tmp_path / "~no-such-user" / "x"
    monkeypatch.setenv(variable, str(circle))
    assert home.named(variable) == circle
    with pytest.raises(LocalCloudError, match="circle: a file stands where"):
        server.reset(say=str)
    monkeypatch.setenv(variable, "~/x")
    assert home.named(variable) == Path.home() / "x"


@pytest.mark.skipif(sys.platform != "linux", reason="each platform has its own")
def test_a_user_without_a_home(checkout, monkeypatch, request):
    checkout.chmod(0o555)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    request.getfixturevalue("as_nobody")
    assert home.home() == checkout / ".local-cloud"
    with pytest.raises(LocalCloudError, match=r"may not write there.*WORKBOOK_HOME"):
        server.set_up(say=str)


@pytest.mark.skipif(sys.platform != "linux", reason="each platform has its own")
def test_a_checkout_that_cannot_be_written_sends_it_to_the_user(
    checkout, monkeypatch, request
):
    checkout.chmod(0o555)
    monkeypatch.setenv("HOME", "/home/of/nobody")
    request.getfixturevalue("as_nobody")
    place = "/home/of/nobody/.local/share/thumbnail-workbook"
    assert str(home.home()) == place
    assert str(checkout) in home.moved() and place in home.moved()
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert str(home.home()) == "/data/thumbnail-workbook"
    monkeypatch.setenv("WORKBOOK_HOME", "/named")
    assert str(home.home()) == "/named" and home.moved() == ""
