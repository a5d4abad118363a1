import multiprocessing
import os
import signal
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from deploy.local import server

# The modules of the local cloud's own process stand beside each other.
sys.path.insert(0, str(Path(server.__file__).parent))
import pairs
from ledger import Ledger


@pytest.fixture
def ledger(tmp_path):
    """Open the ledger of a folder, any number of times; close it in the end."""
    with ExitStack() as opened:
        yield lambda *how: opened.enter_context(
            closing(Ledger(tmp_path / "l.db", *how))
        )


def test_a_folder_in_the_files_place_is_refused(tmp_path):
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(ValueError, match=r"ledger\.db cannot be opened"):
        Ledger(tmp_path / "ledger.db")


def test_a_file_that_cannot_be_opened_is_not_damaged(tmp_path):
    """As of another user, or of a path longer than SQLite takes."""
    deep = tmp_path.joinpath(*["x" * 200] * 3)
    deep.mkdir(parents=True)
    with pytest.raises(OSError, match=r"ledger\.db cannot be opened"):
        Ledger(deep / "ledger.db")


def test_lines_come_back_in_order_and_changed(ledger):
    first = ledger()
    first.write([("s", "b", 1), ("s", "a", [2]), ("other", "b", 3)])
    first.write([("s", "b", "é")], gone=[("other", "b")])
    first.close()
    again = ledger()
    assert list(again.read("s")) == [("b", "é"), ("a", [2])]
    assert list(again.read("other")) == []


def test_what_json_does_not_know_is_encoded(ledger):
    def encode(value):
        return {"hex": value.hex()}

    def decode(value):
        return bytes.fromhex(value["hex"])

    coded = ledger(encode, decode)
    coded.write([("s", "a", b"\x00\xff")])
    assert list(coded.read("s")) == [("a", b"\x00\xff")]


def write_and_die(path):
    ledger = Ledger(path)
    for number in range(100):
        ledger.write([("s", str(number), number)])
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_kill_takes_nothing_that_was_written(tmp_path, ledger):
    process = multiprocessing.get_context("spawn").Process(
        target=write_and_die, args=(tmp_path / "l.db",)
    )
    process.start()
    process.join(30)
    values = [value for _, value in ledger().read("s")]
    assert process.exitcode == -signal.SIGKILL and values == list(range(100))


@pytest.mark.parametrize("damage", [b"", b"no database at all, but text" * 40])
def test_a_damaged_file_is_refused(tmp_path, ledger, damage):
    whole = ledger()
    whole.write([("s", str(number), "x" * 100) for number in range(1000)])
    whole.close()
    whole = (tmp_path / "l.db").read_bytes()
    middle = len(whole) // 2
    (tmp_path / "l.db").write_bytes(
        damage or whole[:middle] + bytes(4096) + whole[middle + 4096 :]
    )
    with pytest.raises(ValueError, match=r"l\.db"):
        Ledger(tmp_path / "l.db")


def test_a_full_disk_is_an_error_and_changes_nothing(ledger):
    resource = pytest.importorskip("resource")
    lines = ledger()
    lines.write([("s", "a", 1)])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"l\.db cannot be written"):
            lines.write([("s", "a", 2), ("s", "b", "x" * 500_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(lines.read("s")) == [("a", 1)]


# --- pairs ---------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path):
    """A body and its metadata, to be replaced: their new versions stand beside them."""
    body, side = tmp_path / "x", tmp_path / "x.meta.json"
    (tmp_path / "writes").mkdir()
    for path, text in ((body, "old"), (side, '{"is": "old"}')):
        path.write_text(text)
        path.with_name(path.name + ".tmp").write_text(text.replace("old", "new"))
    return body, side, tmp_path / "writes"


def test_a_pair_takes_its_place(pair):
    body, side, under_way = pair
    pairs.put(*pair)
    assert (body.read_text(), side.read_text()) == ("new", '{"is": "new"}')
    assert list(under_way.iterdir()) == []


@pytest.mark.parametrize("at", range(5))
def test_a_pair_cut_short_is_one_after_healing(pair, at):
    """Wherever the process is killed, body and metadata are both old or both new."""
    body, side, under_way = pair
    if cut_short(at, *pair):
        pairs.heal(under_way)
    state = (body.read_text(), side.read_text())
    assert state in (("old", '{"is": "old"}'), ("new", '{"is": "new"}'))
    assert list(under_way.iterdir()) == []


def cut_short(at, body, side, under_way):
    """Put a pair in a process of its own that dies before its step number `at`."""
    code = (
        "import os, sys, pairs\n"
        "from pathlib import Path\n"
        "left = int(sys.argv[1])\n"
        "def watch(event, args):\n"
        "    global left\n"
        "    path = str(args[0]) if args else ''\n"
        "    if event in ('open', 'os.rename', 'os.remove') and sys.argv[2] in path:\n"
        "        left -= 1\n"
        "        if left < 0:\n"
        "            os._exit(9)\n"
        "sys.addaudithook(watch)\n"
        "pairs.put(*map(Path, sys.argv[3:]))\n"
    )
    folder = Path(pairs.__file__).parent
    command = [sys.executable, "-c", code, str(at), str(body.parent)]
    done = server.subprocess.run([*command, body, side, under_way], cwd=folder)
    return done.returncode == 9
