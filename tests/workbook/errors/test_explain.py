"""No row of `errors.table` without the real error: provoked, or AWS's own words.

Three ways, the first where it can be had: the call itself, refused by moto, by our
strict rules, by the handler or by Python; AWS's answer in its exact words; a line of a
log as AWS wrote it.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import os
import re
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from PIL import Image
from support import programs
from support import world as support
from support.log_lines import line
from workbook import SAMPLES, checks, explain, launcher, session, try_recipe
from workbook.errors import messages, table
from workbook.errors.explain import Explanation, Reply, in_result

from deploy import logs, waiting
from deploy.errors import DeployError
from deploy.steps import buckets, function, layer, role, trigger
from handler import lambda_handler, make_thumbnail

PHOTO = SAMPLES / "lighthouse.jpg"


@dataclass
class World(support.World):
    """What an error is provoked in: an account in memory, and a folder."""

    folder: Path


def refused(code: str, message: str = "No.", call: str = "PutThing") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, call)


def python(code: str, *options: str) -> str:
    """Run Python as Lambda would, and return what it says at the end."""
    known = {k: v for k, v in os.environ.items() if k != "AWS_DEFAULT_REGION"}
    done = programs.python(*options, "-c", code, env=known)
    return done.stderr.strip().splitlines()[-1]


# --- calls that are refused: by moto, by our rules, by the handler, by Python --------


def load_another_pillow(w):
    with zipfile.ZipFile(layer.build(w.settings).path) as ours:
        for entry in ours.infolist():
            if not entry.is_dir():
                target = w.folder / entry.filename.replace("cpython-3", "cpython-2")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(ours.read(entry))
    code = f"import sys; sys.path.insert(0, {str(w.folder / 'python')!r}); "
    return python(f"{code}from PIL import Image", "-S", "-W", "ignore")


def create_role(w, trusted="lambda"):
    trust = json.dumps(role.trust_policy()).replace("lambda.", f"{trusted}.")
    return w.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]


def create_function(w, runtime="", trusted="lambda"):
    return w.awslambda.create_function(
        FunctionName="f",
        Role=create_role(w, trusted)["Arn"],
        Runtime=runtime or w.settings.runtime,
        Handler="a.b",
        Code={"ZipFile": b""},
    )


def put_a_public_policy(w):
    with_buckets(w)
    policy = json.dumps(buckets.merged(None, buckets.public_read(w.settings)))
    closed = buckets.public_access_block(public_policy=False)
    w.s3.put_public_access_block(Bucket=w.target, PublicAccessBlockConfiguration=closed)
    w.s3.put_bucket_policy(Bucket=w.target, Policy=policy)


def with_buckets(w):
    buckets.create(w.cloud, w.settings)
    return w


def upload_into_no_bucket(w):
    (w.folder / "a.jpg").write_bytes(b"photo")
    w.s3.upload_file(str(w.folder / "a.jpg"), "no", "a")


def create_bucket(w, name="my-own-bucket"):
    place = {"LocationConstraint": w.cloud.region}
    w.s3.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return w


def write_twice(w):
    place = {"Bucket": "my-own-bucket", "Key": "a", "Body": b"a"}
    create_bucket(w).s3.put_object(**place)
    w.s3.put_object(**place, IfNoneMatch="*")


def delete_a_full_bucket(w):
    create_bucket(w).s3.put_object(Bucket="my-own-bucket", Key="a", Body=b"a")
    w.s3.delete_bucket(Bucket="my-own-bucket")


def delete_a_role_with_a_policy(w):
    role.create(w.cloud, w.settings)
    w.iam.delete_role(**w.role)


def put_rules(w, same=False):
    with_buckets(w)
    one, other = trigger.rules(w.settings)
    if same:
        other["Filter"] = one["Filter"]
    w.s3.put_bucket_notification_configuration(
        Bucket=w.source,
        NotificationConfiguration={"LambdaFunctionConfigurations": [one, other]},
    )


def built(w):
    for step in (role, layer, function):
        step.create(w.cloud, w.settings)


def put_mapping(w, seconds, **options):
    w = dataclasses.replace(w, settings=dataclasses.replace(w.settings, **options))
    built(w)
    w.sqs.create_queue(
        QueueName=w.settings.queue_name, Attributes={"VisibilityTimeout": seconds}
    )
    w.awslambda.create_event_source_mapping(
        EventSourceArn=w.settings.queue_arn, **w.function
    )


def put_two_rules_of_one_name(w):
    move = {"Days": 7, "StorageClass": "STANDARD_IA"}
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}}
    rule |= {"Transitions": [move]}
    with_buckets(w).s3.put_bucket_lifecycle_configuration(
        Bucket=w.source, LifecycleConfiguration={"Rules": [rule, rule]}
    )


def handle(w, **env):
    placed = {"bucket": {"name": "photos"}}
    placed |= {"object": {"key": "a.jpg", "size": 9, "sequencer": "01"}}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": placed}
    lambda_handler({"Records": [record]}, client=w.s3, env=env)


def compare(w):
    assert w.settings.name == "another", "the name is another"


def try_effect(**effect):
    try_recipe(PHOTO, {"thumbnail": {"effects": [{"effect": "text"} | effect]}})


class NoKeys:
    """A machine that has no credentials anywhere."""

    def load_credentials(self) -> None:
        """Find none."""


def ask_without_keys(w):
    session = boto3.Session(region_name="eu-west-1")
    session._session.register_component("credential_provider", NoKeys())
    session.client("sts").get_caller_identity()


def ask_nobody(w):
    once = Config(retries={"total_max_attempts": 1}, proxies={})
    boto3.client(
        "lambda",
        endpoint_url="http://127.0.0.1:9",
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=once,
    ).list_functions()


def get_object(w):
    return w.s3.get_object(Bucket=w.source, Key="a.jpg")


def take_the_only_one(w):
    (only,) = []
    return only


#: A row of the table → what ends in its error, or returns what was said.
PROVOKED: dict[str, list[Callable[[World], Any]]] = {
    "pillow-for-another-machine": [load_another_pillow],
    "pillow-is-missing": [lambda w: python("from PIL import Image", "-I", "-S")],
    "role-not-assumable": [lambda w: create_function(w, trusted="ec2")],
    "public-policy-blocked": [put_a_public_policy],
    "no-such-key": [
        lambda w: get_object(with_buckets(w)),
        lambda w: with_buckets(w).s3.head_object(Bucket=w.source, Key="none.jpg"),
    ],
    "no-such-bucket": [
        get_object,
        upload_into_no_bucket,
        lambda w: handle(w, TARGET_BUCKET="thumbnails"),
        lambda w: w.s3.head_bucket(Bucket="nobody-made-this"),
    ],
    "bucket-is-yours": [lambda w: create_bucket(create_bucket(w))],
    "location-constraint": [lambda w: w.s3.create_bucket(Bucket="no-region-named")],
    "bucket-name-illegal": [lambda w: create_bucket(w, "a..b")],
    "bucket-not-empty": [delete_a_full_bucket],
    "superseded": [write_twice],
    "destination-not-validated": [put_rules],
    "rules-overlap": [lambda w: put_rules(w, same=True)],
    "role-may-not-take-from-the-queue": [lambda w: put_mapping(w, "180")],
    "queue-hides-too-short": [lambda w: put_mapping(w, "5", queue=True)],
    "two-rules-one-id": [put_two_rules_of_one_name],
    "entity-exists": [lambda w: create_role(w) and create_role(w)],
    "runtime-retired": [lambda w: create_function(w, "python3.8")],
    "no-such-function": [
        lambda w: w.awslambda.get_function(**w.function),
        lambda w: w.iam.get_role(**w.role),
    ],
    "none-was-put": [
        lambda w: with_buckets(w).s3.get_bucket_lifecycle_configuration(Bucket=w.source)
    ],
    "recipe": [
        lambda w: try_recipe(PHOTO, {"renditons": {}}),
        lambda w: try_effect(text="W" * 60),
        lambda w: try_effect(text="é"),
    ],
    "not-run-yet": [lambda w: eval("settings_of_nobody")],
    "not-as-expected": [compare],
    "settings-missing": [handle],
    "same-bucket": [lambda w: handle(w, TARGET_BUCKET="photos")],
    "alpha-into-jpeg": [lambda w: Image.new("RGBA", (4, 4)).save(io.BytesIO(), "JPEG")],
    "rejected": [
        lambda w: make_thumbnail(b"not a picture"),
        lambda w: Image.open(io.BytesIO(b"not a picture")),
    ],
    "no-credentials": [ask_without_keys],
    "no-region": [lambda w: python("import boto3; boto3.client('sqs')")],
    "no-answer": [ask_nobody, lambda w: URLError(OSError("refused"))],
    "wrong-arguments": [lambda w: w.s3.get_object(Buckit="a", Key="b")],
    "no-such-queue": [lambda w: w.sqs.get_queue_url(QueueName="none")],
    "still-in-use": [delete_a_role_with_a_policy],
    "bytes-are-asked-for": [lambda w: make_thumbnail("photo.jpg")],
    "the-answer-has-no-such-field": [
        lambda w: with_buckets(w).s3.list_objects_v2(Bucket=w.source)["Contents"]
    ],
    "the-list-is-empty": [lambda w: [][0], take_the_only_one],
    "the-text-is-no-json": [lambda w: json.loads('{"Version": ')],
    "not-for-everybody": [lambda w: HTTPError("https://a", 403, "", Message(), None)],
    "nothing-at-that-link": [
        lambda w: HTTPError("https://a", 404, "", Message(), None)
    ],
    "no-such-file": [lambda w: (w.folder / "photo.jpg").read_bytes()],
    "no-such-import": [lambda w: importlib.import_module("workbok")],
}


# --- what AWS, a log or Python said, in its own words --------------------------------

_QUOTED = Path(__file__).with_name("quoted.toml")
QUOTED: dict[str, dict[str, list[str]]] = tomllib.loads(_QUOTED.read_text("utf-8"))
#: A row of the table → "call code: message".
ANSWERS = QUOTED["answers"]
#: A row of the table → lines as a log has them, or Python.
LINES = QUOTED["lines"] | {
    "rejected-in-the-log": [line("a.jpg", "rejected", reason="not a JPEG or PNG")]
}


def cases(table: dict[str, list[Any]]) -> Any:
    """Each error of a table, with the row that it must find."""
    return pytest.mark.parametrize(
        ("name", "given"),
        [
            pytest.param(name, each, id=f"{name}-{number}")
            for name, every in table.items()
            for number, each in enumerate(every)
        ],
    )


def row_of(error: BaseException | str) -> str:
    found = explain(error)
    assert found.row is not None, repr(found)
    return found.row.name


@cases(PROVOKED)
def test_an_error_provoked_finds_its_row(
    name, given, cloud, settings, tmp_path, no_delays
):
    try:
        what = given(World(cloud, settings, tmp_path))
    except Exception as error:
        what = error
    assert row_of(what) == name


@cases(ANSWERS)
def test_an_answer_quoted_finds_its_row(name, given):
    head, _, message = given.partition(": ")
    call, code = head.split()
    error = refused(code, message, call)
    assert row_of(error) == row_of(str(error)) == name


@cases(LINES)
def test_a_line_of_a_log_finds_its_row(name, given):
    assert row_of(given) == name


def test_runtime_not_here(bench):
    with pytest.raises(ClientError) as failed:
        bench.function(Runtime="python3.99")
    assert row_of(failed.value) == "runtime-not-here"


def test_no_row_without_the_real_error():
    every = {*PROVOKED, *ANSWERS, *LINES}
    # Above, on the local cloud: moto runs nothing, and any runtime.
    assert {row.name for row in table.ROWS} == every | {"runtime-not-here"}


# --- what every row owes -------------------------------------------------------------


def test_every_cure_names_what_there_is():
    for row in table.ROWS:
        places = re.findall(r"\b\d\d_\w+", row.cure)
        steps = {int(number) for number in re.findall(r"check\((\d+)\)", row.cure)}
        assert set(places) <= set(session.NOTEBOOKS.values()), row.name
        assert steps <= set(checks.LOOKS), row.name


def test_every_row_says_all_three():
    """In words of its own: shown as the explanation of what finds this very row."""
    for row in table.ROWS:
        text = repr(Explanation(Reply(*row.codes.split()[:1] or [""], ""), row))
        labels = re.findall(r"^[\w?]+(?=:)", text, re.M)
        assert labels == ["Means", "Mend", "Again?"], row.name
        assert all(words in text for words in (row.means, row.cure, row.again))
        assert row.codes or row.says, row.name


def codes_that_deploy_waits_for():
    every = [*waiting.PASSING.values(), *waiting.LOOKED_INTO.values()]
    every += waiting.BUSY.values()
    return sorted({one.code for group in every for one in group})


def test_what_deploy_waits_for_is_known():
    known = {code for row in table.ROWS for code in row.codes.split()}
    said_by_message = {"InvalidParameterValueException", "InvalidArgument"}
    assert set(codes_that_deploy_waits_for()) <= known | said_by_message


# --- what can be asked ---------------------------------------------------------------


def test_what_is_not_known_is_said_honestly():
    finding = repr(explain(refused("Nope", "We cannot.")))
    assert "not one of the errors" in finding
    assert "Nope: We cannot. PutThing was called." in finding


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("SlowDown", "throttled"),
        ("503", "aws-is-busy"),
        ("ImageRejected: truncated", "rejected"),
        (
            "AccessDenied: An error occurred (AccessDenied) when calling the GetObject "
            "operation: Access Denied",
            "function-may-not",
        ),
        (line("a.jpg", "failed", reason="SlowDown: slower"), "throttled"),
        ('{"errorMessage": "No module named \'PIL\'"}', "pillow-is-missing"),
        (logs.Run, "throttled"),
    ],
)
def test_a_line_of_a_log_is_understood(what, name):
    if what is logs.Run:
        what = run("failed", "SlowDown: Please reduce your request rate.")
    assert explain(what).row.name == name


def run(outcome, reason=None):
    (found,) = logs.read([line("a.jpg", outcome, reason=reason)])
    return found


def test_a_row_of_calls_is_not_for_others():
    assert explain(refused("AccessDenied", call="GetUser")).row.name == ("you-may-not")


def test_an_error_of_ours_is_not_explained_twice():
    shown = explain(DeployError("it broke", todo="Mend it."))
    assert repr(shown) == "it broke. Mend it."


def test_html_says_what_the_text_says():
    shown = explain("NoSuchKey")
    assert "unquote_plus" in shown.data and "unquote_plus" in repr(shown)
    assert "<script" not in explain("<script>alert(1)</script>").data


# --- under a cell --------------------------------------------------------------------


def test_an_error_with_a_remedy_is_left_alone(shown):
    text = shown("raise it", it=DeployError("it broke", todo="Mend."))
    assert "it broke. Mend." in text and "Again?" not in text


def test_an_error_before_begin_is_explained_once(shell, shown):
    """The launcher's kernels know how from their start; begin() takes it over."""
    callbacks = shell.events.callbacks["post_run_cell"]
    shell.events.callbacks["post_run_cell"] = []
    startup = launcher.CONFIGURATION / "startup.py"
    shell.safe_execfile(str(startup), shell.user_ns, raise_exceptions=True)
    assert shown("nobody_made_this").count("Again?") == 1
    messages.install(shell)
    assert shown("nobody_made_this").count("Again?") == 1
    shell.events.callbacks["post_run_cell"] = callbacks


@pytest.mark.parametrize(
    ("cell", "says", "explained"),
    [
        ("raise it", "PutThing was refused (NoSuchBucket)", "02_buckets"),
        ("nobody_made_this", "NameError", "Run ▸ Run All Above Selected Cell"),
        ("{}['Contents']", "KeyError", "AWS leaves a list out"),
        ("assert 1 == 2, 'one is not'", "one is not", "Look at what you changed"),
    ],
)
def test_any_error_with_a_row_is_explained_below_and_no_other(
    shown, cell, says, explained
):
    text = shown(cell, it=refused("NoSuchBucket"))
    assert text.index(says) < text.index(explained)
    assert "Again?" not in shown("1 / 0")


@pytest.mark.parametrize(
    "recipe",
    [
        "{",
        {"renditons": {}},
        {"labels": {"by": "me"}},
        {"renditions": {"a": {"widht": 3}}},
        {"renditions": {"a": {"width": 3}}},
    ],
)
def test_a_mistake_in_a_recipe_is_explained_as_one(recipe, shown):
    names = {"try_recipe": try_recipe, "photo": PHOTO, "recipe": recipe}
    text = shown("try_recipe(photo, recipe)", **names)
    assert "the recipe's " in text and "09_effects" in text
    assert "environment" not in text


def test_a_failed_run_is_explained_below(shown):
    failed = [run("made"), run("failed", "SlowDown: x"), run("failed", "SlowDown: y")]
    text = shown("failed", failed=failed)
    assert text.count("Again?") == 1 and "passes by itself" in text


def test_a_report_of_a_failure_is_explained_below(shown):
    lines = ["START", "REPORT RequestId: 1 Duration: 1.0 ms Status: timeout"]
    assert "05_function" in shown("lines", lines=lines)


@pytest.mark.parametrize("result", [None, 3, "all is well", [run("made")], ["START"]])
def test_what_did_not_fail_is_left_alone(result, capsys):
    in_result(result)
    assert capsys.readouterr().out == ""


def test_begin_again_explains_once(shell, shown):
    messages.install(shell)
    messages.install(shell)
    lines = ["Task timed out after 3.00 seconds"]
    assert shown("lines", lines=lines).count("Again?") == 1
