import argparse
import json
import os
import sys

import boto3
import botocore.handlers
import pytest
from botocore.awsrequest import AWSResponse
from PIL import Image
from support.moto_cloud import REGION
from support.programs import python
from support.rows import rows

from deploy import link, pipeline
from deploy.__main__ import _where, main
from deploy.cloud import connect
from deploy.configure import settings_for
from deploy.errors import DeployError
from deploy.explained import STATUS, explained

AWS = ("--cloud", "aws", "--region", REGION)


@pytest.fixture
def buckets(account):
    """Two buckets of ours on "AWS", a picture in one; the rest is not needed."""
    from deploy.steps import buckets

    cloud = connect("aws", region=REGION, say=lambda line: None)
    settings = settings_for(cloud)
    buckets.create(cloud, settings)
    cloud.s3.put_object(Bucket=settings.source_bucket, Key="a.jpg", Body=b"1")
    return cloud, settings


@pytest.mark.parametrize(
    ("command", "shows"),
    [
        (["plan"], "create    role      workbook-thumbnailer-role"),
        (["plan", "--name", "photos", "--reliable"], "photos-failures"),
        (["status"], "missing   function  workbook-thumbnailer"),
        (["down"], "Nothing is left.\n"),
    ],
)
def test_of_an_empty_account(account, capsys, command, shows):
    assert main([*command, *AWS]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"AWS account 123456789012, region {REGION}, as arn:")
    assert shows in said


def test_down_asks_where_pictures_are(buckets, capsys):
    assert main(["down", *AWS]) == 1
    assert "there is no terminal to ask you in. Say --yes" in capsys.readouterr().err
    assert pipeline.status(*buckets).items[0].state == "ready"


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("", 1), ("no", 1)])
def test_down_does_what_it_was_told(buckets, monkeypatch, answer, left):
    cloud, _ = buckets
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert main(["down", *AWS]) == left
    assert bool(cloud.s3.list_buckets()["Buckets"]) is bool(left)


def test_yes_does_not_ask(buckets, capsys):
    assert main(["down", *AWS, "--yes"]) == 0
    assert capsys.readouterr().out.endswith("Nothing is left.\n")


@pytest.mark.slow  # may fetch a wheel
def test_export_needs_no_cloud(tmp_path, capsys):
    where = ["--folder", str(tmp_path / "out"), "--name", "photos", "--reliable"]
    assert main(["export", *where]) == 0
    assert "--stack-name photos" in capsys.readouterr().out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"template.json", "main.tf.json", "layer.zip", "function.zip"}


def test_error_is_one_sentence(account, capsys):
    assert main(["plan", *AWS, "--name", "Not A Name"]) == 1
    error = capsys.readouterr().err
    assert "'Not A Name' is no name for a pipeline" in error
    assert len(error.splitlines()) == 1


def test_an_upload_that_is_refused_is_one_sentence(account, tmp_path):
    """A bucket may go while files go up: boto3 wraps what S3 says of it."""
    (tmp_path / "photo.jpg").touch()
    with (
        pytest.raises(DeployError, match=r"^AWS: PutObject was refused \(NoSuchBucket"),
        explained("AWS", STATUS),
    ):
        connect("aws", say=len).s3.upload_file(tmp_path / "photo.jpg", "gone", "key")


@pytest.mark.parametrize(
    ("cloud", "variable", "where"),
    [("aws", "", "AWS"), (None, "aws", "AWS"), ("local", "aws", "the cloud")],
)
def test_only_awss_errors_are_said_to_be_awss(monkeypatch, cloud, variable, where):
    monkeypatch.setenv("WORKBOOK_CLOUD", variable)
    assert _where(argparse.Namespace(cloud=cloud)) == where
    monkeypatch.delenv("WORKBOOK_CLOUD")
    assert _where(argparse.Namespace()) == "the cloud"


def test_interrupt_says_what_to_do(buckets, capsys, monkeypatch):
    def interrupt(question):
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", interrupt)
    assert main(["down", *AWS]) == 130
    assert "goes on where this one stopped" in capsys.readouterr().err


def test_cloud_or_endpoint_not_both(capsys):
    with pytest.raises(SystemExit):
        main(["plan", "--cloud", "aws", "--endpoint", "http://localhost:1"])
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["plan", "up", "status", "down", "demo", "local"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert "usage" in capsys.readouterr().out


def run(*arguments, **environment):
    clean = {"PATH": "", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
    return python("-m", "deploy", *arguments, env=clean | environment)


@pytest.mark.parametrize("token", ["", "a-session's"])
def test_a_link_is_signed_and_ends_with_temporary_keys(
    buckets, capsys, monkeypatch, token
):
    cloud, settings = buckets
    key = "thumbnails/a b.jpg"
    cloud.s3.put_object(Bucket=settings.target_bucket, Key=key, Body=b"1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    assert main(["link", key, *AWS]) == 0
    text = capsys.readouterr()
    last = text.out.splitlines()[-1]
    assert "/thumbnails/a%20b.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256" in last
    assert ("the link ends with them" in text.err) == bool(token)


def test_a_link_to_nothing_or_for_ever_is_not_signed(buckets):
    with pytest.raises(DeployError, match=r"no 'a.jpg'\. Thumbnails begin with thumb"):
        link("a.jpg", *buckets)
    for seconds in (0, 604_801):
        with pytest.raises(DeployError, match=rf"{seconds} seconds\. .*seven days"):
            link("a.jpg", *buckets, seconds=seconds)


def test_role_and_private_are_settings(account, capsys):
    role = "arn:aws:iam::123456789012:role/LabRole"
    main(["plan", *AWS, "--role", role, "--private"])
    text = capsys.readouterr()
    assert "LabRole" in text.out + text.err
    assert "PublicReadThumbnails" not in text.out


def test_recipe_and_backup_are_planned(account, capsys, tmp_path):
    mark, recipe = tmp_path / "logo.png", tmp_path / "recipe.json"
    Image.new("RGBA", (40, 20), "red").save(mark)
    wide = {"wide": {"width": 640, "height": 360}}
    marked = {"watermark": {"picture": mark.name}}
    recipe.write_text(json.dumps({"thumbnail": marked, "renditions": wide}))
    options = ["--recipe", str(recipe), "--asset", str(mark), "--backup"]
    assert main(["plan", *AWS, *options]) == 0
    out = capsys.readouterr().out
    assert "KeepBackups" in out and "renditions/wide/*" in out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "--recipe: the recipe"),
        (b"\xff", "cannot be read"),
        (b"{", "the recipe is no JSON"),
        (b"[]", "Settings.recipe"),
    ],
)
def test_bad_recipe_is_one_sentence(account, capsys, tmp_path, content, said):
    path = tmp_path / "recipe.json"
    if content is not None:
        path.write_bytes(content)
    assert main(["up", *AWS, "--recipe", str(path)]) == 1
    err = capsys.readouterr().err
    assert said in err and "Traceback" not in err


@pytest.mark.parametrize(
    "command",
    [["backfill"], ["replay"], ["link", "a.jpg"], ["probe"], ["pause"], ["resume"]],
)
@pytest.mark.parametrize("error", rows(["AccessDenied", "ExpiredToken"]))
def test_a_refused_command_ends_in_a_sentence(
    account, capsys, monkeypatch, no_delays, command, error
):
    def refuse(model, **_):
        if model.name != "GetCallerIdentity":
            answer = {"Error": {"Code": error, "Message": "no"}}
            return AWSResponse("https://aws.example", 400, {}, None), answer
        return None

    handlers = [*botocore.handlers.BUILTIN_HANDLERS, ("before-call", refuse)]
    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", handlers)
    code = main([*command, *AWS])
    error = capsys.readouterr().err
    assert "Traceback" not in error and len(error.splitlines()) <= 1
    assert code == bool(error)


@pytest.mark.parametrize("command", [["backfill"], ["replay"], ["pause"], ["probe"]])
def test_nothing_built_is_a_sentence(account, capsys, no_delays, command):
    assert main([*command, *AWS]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and "Traceback" not in error


def test_trace_of_nothing_built(account, capsys):
    assert main(["trace", "a.jpg", *AWS]) == 1
    out = capsys.readouterr().out
    assert "✗ object" in out and "There is no bucket" in out


def test_export_into_a_file(account, capsys, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("")
    assert main(["export", "--folder", str(taken)]) == 1
    assert "taken: a file stands where a folder should. Move" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option",
    rows([["--no-queue"], ["--no-private"], ["--no-recipe"], ["--memory", "256"]]),
)
@pytest.mark.parametrize("command", ["plan", "status", "policy"])
def test_every_command_takes_every_option(account, capsys, command, option):
    assert main([command, *AWS, *option]) == 0


def test_output_that_knows_no_arrow():
    done = run("--help", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    done = run("up", "--help", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "UnicodeEncodeError" not in done.stderr and done.returncode == 0


@pytest.mark.parametrize("command", ["trace", "link"])
def test_a_key_that_is_no_utf8_is_looked_for(account, command):
    """As the shell gives what another program, or a C locale, wrote."""
    assert main([command, "\udcff.jpg", *AWS]) == 1


def test_a_prefix_that_is_no_utf8_is_written(account):
    assert main(["plan", "--thumbnail-prefix", "\udcff/", *AWS]) == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_command_needs_no_output(account, monkeypatch, stream):
    """As after `>&-`."""
    monkeypatch.setattr(sys, stream, None)
    assert main(["up", *AWS]) == 0


#: Where output goes → exit status, and what is said.
OUTPUTS = {"nobody reads": (141, ""), "a full disk": (1, "No space left on device.")}


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize("output", OUTPUTS)
def test_output_that_goes_nowhere(tmp_path, monkeypatch, capsys, output):
    """It is written as the command ends: what Python would say at its exit is said."""
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(tmp_path))
    reads, writes = os.pipe()
    os.close(reads)
    if output == "a full disk":
        os.close(writes)
        writes = os.open("/dev/full", os.O_WRONLY)
    with os.fdopen(writes, "w", encoding="utf-8") as nowhere:
        monkeypatch.setattr(sys, "stdout", nowhere)
        status = main(["local", "status"])
    assert (status, capsys.readouterr().err.strip()) == OUTPUTS[output]


def test_down_keeps_backups_unless_told(account, capsys):
    cloud = connect("aws", region=REGION, say=lambda line: None)
    from deploy.steps import buckets

    settings = settings_for(cloud, backup=True)
    buckets.create(cloud, settings)
    assert main(["down", *AWS]) == 0
    assert "`down --backup` deletes it" in capsys.readouterr().out
    assert main(["down", *AWS, "--backup"]) == 0
    assert capsys.readouterr().out.endswith("Nothing is left.\n")


def test_local_env_is_what_another_program_needs(local, capsys):
    assert main(["local", "env"]) == 0
    lines = capsys.readouterr().out.splitlines()
    said = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])
    session = boto3.Session(
        said["AWS_ACCESS_KEY_ID"],
        said["AWS_SECRET_ACCESS_KEY"],
        region_name=said["AWS_DEFAULT_REGION"],
    )
    client = session.client("sts", endpoint_url=said["AWS_ENDPOINT_URL"])
    assert client.get_caller_identity()["Account"] == local.account


def test_up_says_how_another_program_gets_in(local, capsys):
    settings = ["--name", "others"]
    assert main(["up", "--cloud", "local", *settings]) == 0
    assert "deploy local env" in capsys.readouterr().out
    assert main(["down", "--cloud", "local", *settings]) == 0
