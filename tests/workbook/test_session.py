"""`begin`: what it builds, puts right and tells; `unless_exists`; errors in a cell."""

from __future__ import annotations

import dataclasses
import json
from email.message import Message
from urllib.error import HTTPError, URLError
from urllib.request import proxy_bypass

import pytest
import workbook
from botocore.exceptions import ClientError, EndpointConnectionError
from support.by_hand import configured, limited, notify, without_policy
from support.rows import rows
from workbook import leftovers, session
from workbook.errors import messages
from workbook.labs import faults, mistakes

from deploy import pipeline, settings_for
from deploy.errors import DeployError
from deploy.local import server
from deploy.steps import buckets, failures, function, layer, role, trigger
from handler.errors import ImageRejected

STEPS = {2: buckets, 3: role, 4: layer, 5: function, 6: trigger}


def refusal(code: str, message: str = "", operation: str = "Create") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


# --- begin ---------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, 1, 2, 11])
def test_begin_builds_nothing_early(told, wire, step):
    said = told(step)
    assert wire.mutations == [] and f"Step {step}, " in said


@pytest.mark.parametrize("step", [3, 4, 5, 6, 7, 10])
def test_begin_builds_what_comes_before(begin, settings, step):
    cloud = begin(step)
    built = {n for n, m in STEPS.items() if m.describe(cloud, settings) is not None}
    assert built == {n for n in STEPS if n < step}


def test_begin_twice_changes_nothing(told, wire):
    told(7)
    wire.calls.clear()
    said = told(7)
    assert wire.mutations == []
    assert said.startswith("Step 7, 07_watch, on the local cloud (")
    assert "Built" not in said


def test_begin_says_what_it_built(told):
    assert "Built what was missing, from 02_buckets, 03_role." in told(4)


def test_begin_of_no_such_step(begin):
    with pytest.raises(DeployError, match="no step 12"):
        begin(12)


def test_cells_reach_the_local_cloud_past_a_proxy(cloud, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.example:8080")
    monkeypatch.setenv("no_proxy", "example.org")
    monkeypatch.setenv("NO_PROXY", "example.org")
    here = dataclasses.replace(cloud, kind="local", endpoint="http://127.0.0.1:1")
    session._past_the_proxy(here)
    assert proxy_bypass("127.0.0.1:1") and proxy_bypass("example.org")


def test_begin_takes_away_what_another_notebook_left(begin, told, settings):
    cloud = begin(7)
    pipeline.up(cloud, dataclasses.replace(settings, reliable=True))
    without_policy("thumbnails")(cloud, settings)
    mistakes.stopped(cloud, settings)
    said = told(9)
    assert "03_role" in said and f"what was left: {settings.failure_queue}" in said
    assert pipeline.status(cloud, settings).ready
    assert "ReservedConcurrentExecutions" not in (
        cloud.awslambda.get_function_concurrency(FunctionName=settings.function_name)
    )
    assert "Put" not in told(9)


def half_of_the_buckets(cloud, settings):
    cloud.s3.delete_bucket_policy(Bucket=settings.target_bucket)
    cloud.s3.delete_bucket(Bucket=settings.source_bucket)


def half_of_the_rules(cloud, settings):
    notify(cloud, settings, LambdaFunctionConfigurations=trigger.rules(settings)[:1])


def recipe(cloud, settings):
    """What 09 deploys: another layer, for text, and a third bucket."""
    text = {"effect": "text", "text": "Ada"}
    told = {"recipe": {"thumbnail": {"effects": [text]}}, "backup": True}
    pipeline.up(cloud, settings_for(cloud, **told), say=lambda line: None)


def queue(cloud, settings):
    """What 10 deploys, without its rules: left in the middle of a cell."""
    queued = settings_for(cloud, queue=True)
    pipeline.up(cloud, queued, say=lambda line: None)
    trigger.delete(cloud, queued)


def another(cloud, settings):
    """A pipeline of another name stands beside, and stays as it is."""
    pipeline.up(cloud, settings_for(cloud, name="second"), say=lambda line: None)
    without_policy("thumbnails")(cloud, settings)


def of_lab(fault):
    return lambda cloud, settings: faults.put(fault, cloud, settings)


#: A state that a notebook or a lab was left in → what `begin` says of it.
LEFT = {
    "half of the buckets": (half_of_the_buckets, "02_buckets"),
    "half of the rules": (half_of_the_rules, "missing, from 06_trigger"),
    "more memory": (configured(MemorySize=1024), "differed: 05_function (MemorySize)."),
    "recipe": (recipe, "05_function"),
    "queue": (queue, "06_trigger"),
    "another": (another, "03_role"),
    "uninvited": (of_lab("uninvited"), "missing, from 06_trigger"),
    "no-layer": (of_lab("no-layer"), "missing, from 05_function"),
    "blocked": (of_lab("blocked"), "02_buckets (target public access block)"),
    "bucket-not-objects": (of_lab("bucket-not-objects"), "policy thumbnails"),
    "wrong-layer": (of_lab("wrong-layer"), "05_function (Layers)"),
    "timeout": (of_lab("timeout"), "Timeout"),
    "memory": (of_lab("memory"), "MemorySize"),
    "raw-key": (of_lab("raw-key"), "CodeSha256"),
}


@pytest.mark.parametrize("name", rows(LEFT, quick=4))
def test_begin_says_how_it_was_left_and_puts_it_right(
    name, built, begin, told, settings
):
    cloud = begin(7)
    leave, said = LEFT[name]
    leave(cloud, settings)
    assert not pipeline.status(cloud, settings).ready
    assert said in told(7)
    assert pipeline.status(cloud, settings).ready
    assert "Put" not in told(7)
    if name == "another":
        second = settings_for(cloud, name="second")
        assert pipeline.status(cloud, second).ready


def add_beside(cloud, settings):
    """What learners leave beside the pipeline: a rule, policies, a limit, a probe."""
    suffix = {"Name": "suffix", "Value": ".jpeg"}
    new = trigger.rules(settings)[0] | {"Id": "mine"}
    new["Filter"] = {"Key": {"FilterRules": [suffix]}}
    rules = {"LambdaFunctionConfigurations": [*trigger.rules(settings), new]}
    notify(cloud, settings, **rules)
    permission = trigger.permission(settings) | {"StatementId": "mine"}
    permission["SourceArn"] = "arn:aws:s3:::elsewhere"
    cloud.awslambda.add_permission(FunctionName=settings.function_name, **permission)
    every = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [every]}
    name = {"RoleName": settings.role_name}
    cloud.iam.put_role_policy(
        **name, PolicyName="mine", PolicyDocument=json.dumps(document)
    )
    wide = {"PolicyName": "wide", "PolicyDocument": json.dumps(document)}
    arn = cloud.iam.create_policy(**wide)["Policy"]["Arn"]
    cloud.iam.attach_role_policy(**name, PolicyArn=arn)
    limited(1)(cloud, settings)
    cloud.awslambda.create_function(
        FunctionName=f"{settings.name}-probe",
        Code={"ZipFile": function.package(settings)},
        **function.configuration(settings, layer.create(cloud, settings)),
    )


#: What each is called, and the call that takes it away.
BESIDE = (
    ("a rule for .jpeg", "put_bucket_notification_configuration (06_trigger)"),
    ("permission mine of the function", "remove_permission (06_trigger)"),
    ("policy mine of the role", "delete_role_policy (03_role)"),
    ("policy wide on the role", "detach_role_policy (03_role)"),
    ("a limit (1 at once)", "delete_function_concurrency (08_failures)"),
    ("function workbook-probe", "delete_function (04_layer)"),
)


def test_begin_takes_away_what_no_step_made(built, begin, told, settings):
    cloud = begin(7)
    add_beside(cloud, settings)
    what_was_left = ", ".join(what for what, _ in BESIDE)
    assert f"Put away what was left: {what_was_left}." in told(9)
    assert leftovers.found(cloud, settings) == []
    assert pipeline.status(cloud, settings).ready


def test_11_begins_without_what_10_left(built, begin, told, settings):
    cloud = begin(7)
    queue(cloud, settings)
    assert settings.queue_name in told(11)
    assert pipeline.status(cloud, settings).ready


@pytest.mark.parametrize(("step", "option"), [(8, "reliable"), (10, "queue")])
def test_begin_leaves_a_notebook_its_own_options(step, option, begin, told, settings):
    cloud = begin(step)
    pipeline.up(cloud, dataclasses.replace(settings, **{option: True}))
    assert "Put" not in told(step)
    assert failures.describe(cloud, settings).arn


def test_on_aws_begin_names_the_call_for_what_no_step_made(
    built, cloud, settings, wire, told_on_aws
):
    add_beside(cloud, settings)
    wire.calls.clear()
    said = told_on_aws(9)
    for what, call in BESIDE:
        assert f"Left from before: {what}. Take it away: {call}." in said
    assert wire.mutations == []


def test_begin_on_aws_names_what_is_left_and_leaves_it(
    cloud, settings, wire, told_on_aws
):
    pipeline.up(cloud, dataclasses.replace(settings, reliable=True))
    wire.calls.clear()
    said = told_on_aws(7)
    assert wire.mutations == []
    assert f"Left from before: {settings.failure_queue}" in said
    assert "`up(cloud, settings_for(cloud))` mends it." in said


def test_begin_on_aws_builds_nothing(wire, told_on_aws):
    said = told_on_aws(4)
    assert wire.mutations == []
    assert "Missing: what 02_buckets builds. Run that notebook first." in said
    assert "Missing: what 03_role builds" in said


def test_begin_says_that_the_cloud_had_stopped(built, begin, told, monkeypatch):
    where = begin(7)

    def started(say):
        say(server.STARTING)
        return where

    monkeypatch.setattr(session, "connect", started)
    said = "The local cloud was not running: it is started, with all that stood in it."
    assert said in told(7)
    pipeline.down(where)
    # Started for the first time, or emptied: nothing stood in it.
    assert "was not running" not in told(2)


# --- unless_exists -------------------------------------------------------------------

IS_THERE = [
    ("BucketAlreadyOwnedByYou", ""),
    ("EntityAlreadyExists", "Role with name x already exists."),
    ("EntityAlreadyExistsException", ""),
    ("ResourceConflictException", "Function already exist: x"),
    ("ResourceConflictException", "The statement id (x) provided already exists."),
    ("ResourceAlreadyExistsException", "The specified log group already exists"),
    ("QueueAlreadyExists", ""),
    ("QueueNameExists", ""),
]
IS_NOT = [
    refusal("BucketAlreadyExists", "it belongs to somebody else"),
    refusal("ResourceConflictException", "An update is in progress for resource: x"),
    refusal("AccessDenied", "already exists"),
    refusal("InvalidParameterValueException", "cannot be assumed by Lambda."),
    ZeroDivisionError(),
]


@pytest.mark.parametrize("error", IS_THERE)
def test_what_is_there_is_said(error, capsys):
    with workbook.unless_exists():
        raise refusal(*error)
    assert capsys.readouterr().out == "already there\n"


@pytest.mark.parametrize("error", IS_NOT)
def test_everything_else_is_raised(error):
    with pytest.raises(type(error)), workbook.unless_exists():
        raise error


# --- errors --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "says", "is_short"),
    [
        ("raise it", "it broke. Mend.", True),
        ("raise refused", "PutThing was refused (Nope): No.", True),
        ("workbook.preview('nowhere/photo.jpg')", "'photo.jpg' cannot be read", True),
        (
            "from urllib.error import URLError; raise URLError(OSError('refused'))",
            "The cloud does not answer",
            True,
        ),
        ("1 / 0", "ZeroDivisionError", False),
    ],
)
def test_our_errors_and_awss_are_a_sentence(shown, cell, says, is_short):
    it = DeployError("it broke", todo="Mend.")
    refused = refusal("Nope", "No.", "PutThing")
    said = shown(cell, it=it, refused=refused, workbook=workbook)
    assert says in said and is_short == ("Traceback" not in said)
    assert cell != "raise it" or "/" not in said


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (refusal("NoSuchBucket", "It does not exist"), "It does not exist"),
        (refusal("AccessDenied"), "Create was refused (AccessDenied): no reason"),
        (EndpointConnectionError(endpoint_url="http://here"), "does not answer"),
        (URLError(ConnectionRefusedError(111, "refused")), "does not answer"),
        (URLError("unknown url type: s3"), "unknown url type"),
        (HTTPError("http://a", 403, "Forbidden", Message(), None), "403: Forbidden"),
        (ImageRejected("not a JPEG or PNG"), "not a JPEG or PNG"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_sentence(error, says):
    assert says in messages.sentence(error)


def test_sentence_of_a_failed_upload_has_no_path(cloud, tmp_path):
    file = tmp_path / "photo.jpg"
    file.write_bytes(b"photo")
    with pytest.raises(messages.TOLD) as failed:
        cloud.s3.upload_file(str(file), "no-such-bucket", "photo.jpg")
    said = messages.sentence(failed.value)
    assert "NoSuchBucket" in said and str(tmp_path) not in said
