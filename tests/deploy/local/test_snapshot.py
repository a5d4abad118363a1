import pytest

from deploy.local.snapshot import BLOB_BYTES, Snapshot

LARGE = b"x" * (BLOB_BYTES + 1)


def encode(value):
    if isinstance(value, bytes):
        return {"__text__": value.decode()}
    raise TypeError(value)


def decode(value):
    return value["__text__"].encode() if "__text__" in value else value


def make(folder, version="1"):
    return Snapshot(folder, version, encode, decode)


def test_what_is_saved_is_loaded(tmp_path):
    state = {"small": b"abc", "large": LARGE, "list": [1, None, "é"]}
    make(tmp_path).save({"s3": lambda: state, "none": lambda: None})
    assert make(tmp_path).load() == {"s3": state}


def test_nothing_saved_is_empty(tmp_path):
    assert make(tmp_path).load() == {}


def test_large_bytes_are_kept_once(tmp_path):
    make(tmp_path).save({"a": lambda: {"x": LARGE, "y": LARGE}})
    assert len(list((tmp_path / "blobs").iterdir())) == 1


def test_unused_bytes_are_forgotten(tmp_path):
    snapshot = make(tmp_path)
    snapshot.save({"a": lambda: {"x": LARGE}})
    snapshot.save({"a": lambda: {"x": b""}})
    assert list((tmp_path / "blobs").iterdir()) == []


def test_unchanged_state_is_not_written_again(tmp_path):
    snapshot = make(tmp_path)
    snapshot.save({"a": lambda: {"x": 1}})
    written = snapshot.path.stat().st_mtime_ns
    snapshot.save({"a": lambda: {"x": 1}})
    assert snapshot.path.stat().st_mtime_ns == written


def test_a_failed_save_keeps_the_last_one(tmp_path):
    snapshot = make(tmp_path)
    snapshot.save({"a": lambda: {"x": 1}})
    with pytest.raises(TypeError):
        snapshot.save({"a": lambda: {"x": object()}})
    assert make(tmp_path).load() == {"a": {"x": 1}}


def test_state_that_changes_while_it_is_read_is_read_again(tmp_path):
    answers = iter([RuntimeError("dictionary changed size"), {"x": 2}])

    def state():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    snapshot = make(tmp_path)
    snapshot.save({"a": state})
    assert snapshot.load() == {"a": {"x": 2}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"version": "1"}',
        '{"version": "0", "services": {}}',
    ],
)
def test_damaged_or_foreign_state_is_refused(tmp_path, text):
    snapshot = make(tmp_path)
    snapshot.path.write_text(text)
    with pytest.raises(ValueError, match=r"\S"):
        snapshot.load()


def test_state_that_was_changed_is_refused(tmp_path):
    snapshot = make(tmp_path)
    snapshot.save({"a": lambda: {"x": 1}})
    snapshot.path.write_text(snapshot.path.read_text().replace('"x": 1', '"x": 2'))
    with pytest.raises(ValueError, match="not as it was written"):
        make(tmp_path).load()


@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_state_with_a_lost_or_changed_blob_is_refused(tmp_path, damage):
    make(tmp_path).save({"a": lambda: {"x": LARGE}})
    (blob,) = (tmp_path / "blobs").iterdir()
    blob.unlink() if damage == "lost" else blob.write_bytes(b"y")
    with pytest.raises(ValueError, match=blob.name):
        make(tmp_path).load()


def test_what_it_writes_is_its_owners_alone(tmp_path):
    make(tmp_path).save({"a": lambda: {"x": LARGE}})
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2 and not any(file.stat().st_mode & 0o077 for file in files)
