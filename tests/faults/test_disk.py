"""A disk that is full, limited, read-only or somebody else's, and a damaged folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from support.bench import until
from support.local_cloud import kill
from support.matrix import quiet
from support.programs import python
from support.rows import rows

from deploy import environment
from deploy.cloud import Cloud, connect
from deploy.errors import LocalCloudError
from deploy.local import server

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX disks and signals")

BUCKET = "full"


def connected() -> Cloud:
    return connect("local", say=quiet)


def code_of(call: Callable[[], object]) -> int:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def fill(cloud: Cloud) -> dict[str, str]:
    """Put objects until the disk is full; hash those that were acknowledged."""
    cloud.s3.create_bucket(Bucket=BUCKET)
    kept = {}
    for number in range(60):
        key, body = f"{number}", random.Random(number).randbytes(700_000)
        try:
            cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InsufficientStorage"
            return kept
        kept[key] = hashed(body)
    raise AssertionError("the disk never got full")


def hashed(body: bytes) -> str:
    """Hash what is large: a test that fails would print it."""
    return hashlib.sha256(body).hexdigest()


def hashes(cloud: Cloud) -> dict[str, str]:
    return {key: hashed(body) for key, body in bodies(cloud).items()}


def bodies(cloud: Cloud) -> dict[str, bytes]:
    listed = cloud.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {
        item["Key"]: cloud.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
        for item in listed
    }


CALLS_OF_EACH_FORMAT: list[Callable[[Cloud], object]] = [
    lambda cloud: cloud.s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": []}),
    lambda cloud: cloud.iam.create_user(UserName="u"),
    lambda cloud: cloud.sqs.create_queue(QueueName="q"),
    lambda cloud: cloud.awslambda.publish_layer_version(
        LayerName="l", Content={"ZipFile": bytes(99)}
    ),
]


def test_a_full_disk_refuses_and_keeps_what_it_took(small_disk):
    cloud = connected()
    kept = fill(cloud)
    # Of writing, or of functions, which wait: what was said last.
    assert kept and re.search(r"No space left|disk .* is full", server.notice())
    over = {"Bucket": BUCKET, "Key": "0", "Body": bytes(900_000)}
    assert code_of(lambda: cloud.s3.put_object(**over)) == 507
    assert hashes(cloud) == kept  # the key that was to be overwritten, too
    filler = server.folder() / "filler"
    with contextlib.suppress(OSError):
        filler.write_bytes(bytes(30_000_000))
    for call in CALLS_OF_EACH_FORMAT:
        with pytest.raises(ClientError, match=r"InsufficientStorage.*could not keep"):
            call(cloud)
    filler.unlink()
    small_disk()
    cloud.s3.put_object(Bucket=BUCKET, Key="more", Body=b"more")
    kill()
    server.start(say=quiet)
    assert hashes(cloud) == kept | {"more": hashed(b"more")}


@pytest.mark.slow
def test_a_log_that_the_disk_refuses_fails_no_call_and_ends_no_saving(small_disk):
    cloud = connected()
    cloud.s3.create_bucket(Bucket=BUCKET)
    log, filler = server.folder() / "server.log", server.folder() / "filler"
    with log.open("ab") as file:  # to the end of its last page
        file.write(b"\n" * (-log.stat().st_size % 4096))
    with contextlib.suppress(OSError):
        filler.write_bytes(bytes(30_000_000))
    for call in CALLS_OF_EACH_FORMAT:
        with pytest.raises(ClientError, match=r"InsufficientStorage.*could not keep"):
            call(cloud)
    until(lambda: "cannot save" in server.notice(), 5)
    filler.unlink()
    small_disk()
    until(lambda: "cannot save" not in server.notice(), 5)


def test_a_start_on_a_full_disk_is_one_sentence(small_disk):
    connected()
    server.stop()
    with contextlib.suppress(OSError):
        (server.folder() / "filler").write_bytes(bytes(30_000_000))
    with pytest.raises(LocalCloudError, match=r"disk is full|No space left"):
        server.start(say=quiet)
    assert server.find() is None


@pytest.mark.slow
def test_a_set_up_on_a_full_disk_is_one_sentence(small_disk, monkeypatch):
    """Where `venv` itself says of its pip only that it failed."""
    monkeypatch.setenv("WORKBOOK_HOME", str(server.folder().parent / "home"))
    with pytest.raises(LocalCloudError, match="The disk is full: free some room"):
        server.set_up(say=quiet)


@pytest.fixture
def limited(own_folder: Path) -> Iterator[Cloud]:
    """A cloud whose files may have 1 MB at most."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        cloud = connected()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    yield cloud


def test_a_write_that_the_disk_refuses_is_not_acknowledged(limited):
    s3 = limited.s3
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"small")
    large = {"Bucket": BUCKET, "Body": bytes(2_000_000)}
    assert code_of(lambda: s3.put_object(Key="a", **large)) == 507
    assert code_of(lambda: s3.put_object(Key="b", **large)) == 507
    assert bodies(limited) == {"a": b"small"}


@pytest.mark.slow
def test_a_version_that_the_disk_refuses_is_none(limited):
    s3 = limited.s3
    s3.create_bucket(Bucket=BUCKET)
    versioning = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=versioning)
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"small")
    large = {"Bucket": BUCKET, "Key": "a", "Body": bytes(2_000_000)}
    assert code_of(lambda: s3.put_object(**large)) == 507
    (version,) = s3.list_object_versions(Bucket=BUCKET)["Versions"]
    assert version["IsLatest"] and bodies(limited) == {"a": b"small"}


def overwrite(cloud: Cloud, key: str, ended: threading.Event) -> None:
    number = 0
    with contextlib.suppress(ClientError, BotoCoreError):
        while not ended.is_set():
            number += 1
            body = f"{number} ".encode() * (1 + number % 7) * 1000
            metadata = {"number": str(number)}
            cloud.s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=metadata)


@pytest.mark.slow
def test_a_kill_leaves_body_and_metadata_as_one(own_folder):
    cloud = connected()
    cloud.s3.create_bucket(Bucket=BUCKET)
    for _ in range(4):
        ended = threading.Event()
        threads = [
            threading.Thread(target=overwrite, args=(cloud, key, ended))
            for key in "abc"
        ]
        for thread in threads:
            thread.start()
        ended.wait(0.4)
        kill()
        ended.set()
        for thread in threads:
            thread.join()
        server.start(say=quiet)
        for key in "abc":
            found = cloud.s3.get_object(Bucket=BUCKET, Key=key)
            number = int(found["Metadata"]["number"])
            body = f"{number} ".encode() * (1 + number % 7) * 1000
            assert found["Body"].read() == body


# --- folders -------------------------------------------------------------------------


def set_up_in(path: Path, case: str) -> None:
    """Make a folder that a cloud cannot live in."""
    if case == "file":
        path.write_text("")
    elif case == "read-only":
        path.mkdir(mode=0o555)
    else:
        (path / case).mkdir(parents=True)


@pytest.mark.parametrize("case", ["file", "start.lock", "server.log", "server.lock"])
def test_a_folder_that_it_cannot_live_in_is_one_sentence(own_folder, case):
    set_up_in(own_folder, case)
    for call in (server.start, server.reset):
        with pytest.raises(LocalCloudError, match=r"folder|file") as caught:
            call(say=quiet)
        assert str(own_folder) in str(caught.value)
    shutil.rmtree(own_folder) if own_folder.is_dir() else own_folder.unlink()


@pytest.mark.parametrize("name", ["objects", "state", "writes"])
def test_a_file_in_a_folders_place_is_one_sentence(own_folder, name):
    own_folder.mkdir()
    (own_folder / name).write_text("")
    with pytest.raises(LocalCloudError, match="a file stands where a folder") as caught:
        server.start(say=quiet)
    assert str(own_folder / name) in str(caught.value)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that another user may look into; pytest's own are closed."""
    if os.geteuid():
        pytest.skip("takes root, to be two users")
    folder = Path("/tmp") / f"workbook-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir(mode=0o755)
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(folder / "cloud"))
    yield folder
    shutil.rmtree(folder)


def test_a_folder_of_another_user_is_one_sentence(elsewhere, as_nobody):
    for call in (server.start, server.reset):
        with pytest.raises(LocalCloudError, match="may not write"):
            call(say=quiet)


@pytest.fixture
def checkout(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (elsewhere / "pyproject.toml").write_text("")
    monkeypatch.setattr(environment, "ROOT", elsewhere)
    return elsewhere


def test_the_checkout_of_another_user_is_one_sentence(checkout, as_nobody, capsys):
    assert environment.main() == 1
    said = capsys.readouterr().err
    assert f"may not write to {checkout / '.venv'}: work in a clone" in said


def test_the_cloud_of_another_user_is_one_sentence(elsewhere):
    server.start(say=quiet)
    try:
        os.seteuid(65534)
        for call in (server.start, server.stop, server.reset):
            with pytest.raises(LocalCloudError, match="may not"):
                call(*(), **({} if call is server.stop else {"say": quiet}))
    finally:
        os.seteuid(0)
        assert server.stop()


def test_a_dollar_in_the_path_is_a_dollar(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(tmp_path / "$HOME" / "cloud"))
    try:
        assert connected().s3.list_buckets()["Buckets"] == []
    finally:
        server.stop()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "²", "http", "8080 "])
def test_a_bad_port_is_one_sentence(own_folder, monkeypatch, port):
    monkeypatch.setenv("WORKBOOK_PORT", port)
    with pytest.raises(LocalCloudError, match="is no port"):
        server.start(say=quiet)


def test_only_its_owner_may_look_inside(own_folder):
    cloud = connected()
    cloud.s3.create_bucket(Bucket=BUCKET)
    cloud.s3.put_object(Bucket=BUCKET, Key="a/b", Body=b"x")
    server.stop()
    open_to_others = [
        path.relative_to(own_folder)
        for path in [own_folder, *own_folder.rglob("*")]
        if path.stat().st_mode & 0o077
    ]
    assert open_to_others == []
    assert own_folder.stat().st_mode & 0o777 == 0o700
    for name in ("state.json", "secret", "server.log", "ledger.db"):
        assert (own_folder / name).stat().st_mode & 0o777 == 0o600, name


# --- damage --------------------------------------------------------------------------


def one_letter(folder: Path) -> None:
    state = folder / "state.json"
    state.write_text(state.read_text().replace("arn:aws:iam", "arn:aws:ian", 1))


def another_shape(folder: Path) -> None:
    state, _, digest = (folder / "state.json").read_text().partition("\n")
    saved = json.loads(state)
    saved["services"]["iam"] = {"roles": 7}
    (folder / "state.json").write_text(f"{json.dumps(saved)}\n{digest}")


def no_ledger(folder: Path) -> None:
    (folder / "ledger.db").write_bytes(b"no database" * 1000)


def no_state(folder: Path) -> None:
    (folder / "state.json").unlink()


#: Of whatever is no state at all, `test_snapshot.py` shows that it is not loaded.
DAMAGES = [(one_letter, "state"), (no_ledger, "ledger.db"), (no_state, "state.json")]
DAMAGES += [(another_shape, "state")]


@pytest.mark.parametrize(("damage", "names"), rows(DAMAGES, quick=2))
def test_a_damaged_folder_is_set_aside_whole_and_said(own_folder, damage, names):
    cloud = connected()
    cloud.s3.create_bucket(Bucket=BUCKET)
    cloud.s3.put_object(Bucket=BUCKET, Key="a", Body=b"mine")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    cloud.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    server.stop()
    damage(own_folder)
    said: list[str] = []
    server.start(say=said.append)
    assert "starts empty" in said[-1] and names in said[-1]
    assert cloud.s3.list_buckets()["Buckets"] == []
    assert cloud.iam.list_roles()["Roles"] == []
    (aside,) = own_folder.glob("aside-*")
    assert str(aside) in said[-1]
    assert b"mine" in [p.read_bytes() for p in aside.rglob("a") if p.is_file()]


@pytest.mark.parametrize("damage", rows([Path.touch, lambda file: None]))
def test_a_ledger_that_is_gone_is_said_and_the_rest_stays(own_folder, damage):
    connected().s3.create_bucket(Bucket=BUCKET)
    server.stop()
    (own_folder / "ledger.db").unlink()
    damage(own_folder / "ledger.db")
    said: list[str] = []
    server.start(say=said.append)
    assert "messages are gone: no ledger.db" in said[-1]
    assert [b["Name"] for b in connected().s3.list_buckets()["Buckets"]] == [BUCKET]


@pytest.mark.slow
def test_a_ledger_that_cannot_be_opened_is_said_and_stays(tmp_path, monkeypatch):
    """As after one `sudo`, or below a path that is longer than SQLite takes."""
    deep = tmp_path.joinpath(*["x" * 200] * 3)
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(deep))
    with pytest.raises(LocalCloudError, match=r"ledger\.db cannot be .*Nothing was"):
        server.start(say=quiet)
    assert deep.exists() and not [*deep.glob("aside-*")]


@pytest.mark.parametrize("secret", rows([b"", b"\xff\xfe\x00", b"two\nlines of it"]))
def test_a_damaged_secret_is_made_anew_and_said(own_folder, secret):
    connected().s3.create_bucket(Bucket=BUCKET)
    server.stop()
    (own_folder / "secret").write_bytes(secret)
    said: list[str] = []
    server.start(say=said.append)
    assert any("secret was damaged" in line for line in said)
    assert [b["Name"] for b in connected().s3.list_buckets()["Buckets"]] == [BUCKET]


def test_a_damaged_record_of_the_server_does_not_matter(own_folder):
    first = server.start(say=quiet)
    for text in ("[]", '{"port": "x"}', "null", "\x00", "{"):
        (own_folder / "server.json").write_text(text)
        assert server.find() is None
    again = server.start(say=quiet)
    assert again.pid != first.pid and server.find() == again


@pytest.fixture
def another_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip says of MiniStack, for servers that start from here on."""
    package = tmp_path / "pin" / "ministack-9.9.9.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Name: ministack\nVersion: 9.9.9\n")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setattr(server, "INHERITED", (*server.INHERITED, "PYTHONPATH"))


def test_another_pin_sets_all_aside_and_loses_nothing(
    own_folder, another_pin, monkeypatch
):
    """Named, never deleted: with the old pin it is all there again."""
    with monkeypatch.context() as old:
        old.delenv("PYTHONPATH")
        cloud = connected()
    cloud.s3.create_bucket(Bucket=BUCKET)
    cloud.s3.put_object(Bucket=BUCKET, Key="a", Body=b"mine")
    url = cloud.sqs.create_queue(QueueName="q")["QueueUrl"]
    cloud.sqs.send_message(QueueUrl=url, MessageBody="mine, too")
    server.stop()
    said: list[str] = []
    server.start(say=said.append)
    (aside,) = own_folder.glob("aside-*")
    assert "9.9.9" in said[-1] and str(aside) in said[-1]
    assert cloud.s3.list_buckets()["Buckets"] == []
    server.stop()
    for part in aside.iterdir():
        place = own_folder / part.name
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        part.rename(place)
    monkeypatch.delenv("PYTHONPATH")
    server.start(say=quiet)
    assert bodies(cloud) == {"a": b"mine"}
    (message,) = cloud.sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "mine, too"


#: What a terminal may be: ASCII, Windows' redirected one, no locale at all.
TERMINALS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "no locale": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "warnings": {"PYTHONWARNINGS": "error"},
}


@pytest.mark.slow
@pytest.mark.parametrize("terminal", TERMINALS)
def test_every_terminal_takes_the_demo(own_folder, terminal):
    known = os.environ | TERMINALS[terminal]
    for verb in ("demo", "status", "down"):
        done = python("-m", "deploy", verb, env=known, encoding="latin-1")
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr


def test_a_command_says_one_sentence(own_folder):
    own_folder.write_text("a file")
    for action in ("start", "stop", "reset", "status"):
        done = python("-m", "deploy", "local", action)
        assert "Traceback" not in done.stderr, done.stderr
    own_folder.unlink()
