import json
import os
import signal
import socket
import sys
import threading

import pytest
from support.local_cloud import kill
from support.matrix import quiet
from support.programs import python

from deploy.cloud import Cloud
from deploy.errors import LocalCloudError
from deploy.local import server


def s3(running):
    session = running.session("us-east-1")
    return Cloud(session, running.account, "us-east-1", "local", running.url).s3


def test_a_second_start_finds_the_first(local):
    assert server.start(say=quiet) == server.start(say=quiet)


def test_kernels_that_start_at_once_share_one(own_folder):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(server.start(say=quiet)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len({running.pid for running in found}) == 1


def test_stop_ends_the_process_and_says_so(own_folder):
    server.start(say=quiet)
    assert server.stop() and server.find() is None
    assert not server.stop()


@pytest.mark.parametrize("end", [server.stop, kill])
def test_a_new_start_keeps_port_credentials_and_objects(own_folder, end):
    client = s3(server.start(say=quiet))
    ireland = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket="kept", CreateBucketConfiguration=ireland)
    client.put_object(Bucket="kept", Key="a b+é.txt", Body=b"hello")
    end()
    server.start(say=quiet)
    # The client of before goes on working, as a kernel's does.
    assert client.get_object(Bucket="kept", Key="a b+é.txt")["Body"].read() == b"hello"
    where = client.get_bucket_location(Bucket="kept")["LocationConstraint"]
    assert where == "eu-west-1"


def test_reset_forgets_everything(own_folder):
    s3(server.start(say=quiet)).create_bucket(Bucket="gone")
    assert s3(server.reset(say=quiet)).list_buckets()["Buckets"] == []


def test_half_made_bucket_does_not_come_back(own_folder):
    running = server.start(say=quiet)
    server.stop()
    (own_folder / "objects" / running.account / "half").mkdir(parents=True)
    (own_folder / "objects" / running.account / "half" / "x").write_text("x")
    assert s3(server.start(say=quiet)).list_buckets()["Buckets"] == []


def test_stale_file_of_another_process_is_no_server(own_folder):
    running = server.start(say=quiet)
    saved = (own_folder / "server.json").read_text()
    server.stop()
    stale = json.loads(saved) | {"pid": os.getpid(), "created": 1.0}
    (own_folder / "server.json").write_text(json.dumps(stale))
    assert server.find() is None
    assert server.start(say=quiet).pid not in (running.pid, os.getpid())


@pytest.mark.slow
def test_a_server_that_hangs_is_replaced(own_folder):
    running = server.start(say=quiet)
    os.kill(running.pid, signal.SIGSTOP)
    again = server.start(say=quiet)
    assert again.pid != running.pid and again.url == running.url


def test_a_server_that_never_answers_is_said_at_once_and_ended(own_folder, monkeypatch):
    """As where the loopback interface is down: no other port would help."""
    monkeypatch.setattr(server, "START_TIMEOUT_S", 0)
    with pytest.raises(LocalCloudError, match=r"not answer for 0 .*127\.0\.0\.1"):
        server.start(say=quiet)
    assert server._is_freed(own_folder / "server.lock", 5)


def test_another_program_on_the_port_is_avoided(own_folder):
    running = server.start(say=quiet)
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", running.port))
        other.listen()
        assert server.start(say=quiet).port != running.port


def test_an_asked_for_port_that_is_taken_is_named(own_folder, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        monkeypatch.setenv("WORKBOOK_PORT", str(port))
        with pytest.raises(LocalCloudError, match=f"port {port} is taken"):
            server.start(say=quiet)


@pytest.mark.parametrize(
    "name",
    ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT"],
)
def test_the_learners_profile_does_not_matter(own_folder, monkeypatch, name):
    monkeypatch.setenv(name, "no-such-profile")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert s3(server.start(say=quiet)).list_buckets()["Buckets"] == []


def test_the_learners_environment_does_not_reach_it(own_folder, monkeypatch):
    for name in ("AWS_SECRET", "PYTHONPATH", "BOTO_CONFIG", "https_proxy"):
        monkeypatch.setenv(name, "/learners")
    environment = server._environment(own_folder, 1, "key")
    assert "/learners" not in environment.values()


def test_it_listens_on_this_machine_only(local):
    running = server.find()
    listening = [
        connection.laddr.ip
        for connection in server.psutil.Process(running.pid).net_connections()
        if connection.status == "LISTEN"
    ]
    assert listening == ["127.0.0.1"]


def test_secrets_are_for_the_owner_only(local, local_folder):
    for name in ("secret", "server.json"):
        assert (local_folder / name).stat().st_mode & 0o077 == 0


def test_no_venv_module_is_said_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(LocalCloudError, match="python3-venv"):
        server.set_up(say=quiet)


@pytest.mark.slow
def test_no_network_at_set_up_is_said_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(LocalCloudError, match="needs the network"):
        server.set_up(say=quiet)


def test_no_shell_of_ours_keeps_it_alive(own_folder):
    code = "from deploy.local import server; server.start(say=print)"
    python("-c", code, check=True, timeout=60)
    assert server.find() is not None
