import dataclasses

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis.strategies import text

from deploy.aws_names import check_bucket_name, nearest_name
from deploy.cloud import Cloud
from deploy.configure import settings_for
from deploy.errors import SettingsError
from deploy.runtimes import machine_runtime
from deploy.settings import Settings
from handler.config import Config

ACCOUNT = "123456789012"


def make(**fields):
    return Settings(**{"account": ACCOUNT, "region": "eu-west-1"} | fields)


def test_buckets_are_in_the_accounts_namespace_where_the_region_has_it():
    assert make().source_bucket == f"workbook-source-{ACCOUNT}-eu-west-1-an"
    assert make().target_bucket == f"workbook-target-{ACCOUNT}-eu-west-1-an"
    assert make(region="me-south-1").source_bucket.endswith("-me-south-1")


def test_given_buckets_stay():
    assert make(source_bucket="my-photos").source_bucket == "my-photos"


@pytest.mark.parametrize(
    "field", ["name", "region", "runtime", "source_bucket", "suffixes", "recipe"]
)
def test_a_long_value_is_not_quoted_whole(field):
    with pytest.raises(SettingsError, match=f"{field}|xxx … x") as refused:
        make(**{field: "x" * 5000})
    assert len(str(refused.value)) < 1500


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("José", "jose"),
        ("Müller", "muller"),
        ("Groß", "gross"),
        ("a b", "a-b"),
        ("3c", "c-1"),
        ("a", "a-1"),
        ("李", "learner-1"),
        ("anna-", "anna"),
        ("anna\n", "anna"),
        ("Maximiliana Hohenlohe-Langenburg", "maximiliana-hohenlohe-lan"),
    ],
)
def test_a_wrong_name_is_told_the_nearest_right_one(name, nearest):
    with pytest.raises(SettingsError, match=f"no hyphen last: '{nearest}' would do"):
        make(name=name)
    assert make(name=nearest, region="ap-southeast-1").name == nearest


def would_do(name):
    assert make(name=nearest_name(name), region="ap-southeast-1")


@examples(max_examples=20)
@given(text())
def test_whatever_it_is_called_the_nearest_name_will_do(name):
    would_do(name)


@pytest.mark.slow
@given(text())
def test_whatever_else_it_is_called_the_nearest_name_will_do(name):
    would_do(name)


def test_the_name_is_the_environments(monkeypatch):
    monkeypatch.setenv("WORKBOOK_NAME", "alice")
    assert make().role_name == "alice-thumbnailer-role"
    assert make(name="bob").name == "bob"


def test_a_wrong_name_in_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("WORKBOOK_NAME", "José")
    with pytest.raises(SettingsError, match=r"WORKBOOK_NAME.*'jose' would do"):
        make()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ab", "it has 2 characters"),
        ("a" * 64, "it has 64 characters"),
        ("My-Photos", "lower-case"),
        ("my_photos", "lower-case"),
        ("-photos", "both ends"),
        ("my..photos", "two dots"),
        ("192.168.0.1", "an IP address"),
        ("xn--photos", "that beginning"),
        ("photos--x-s3", "that ending"),
    ],
)
def test_bad_bucket_names_are_refused(name, why):
    with pytest.raises(SettingsError, match=why):
        check_bucket_name(name)


@pytest.mark.parametrize("name", ["abc", "a.b.c", "1-2-3", "a" * 63])
def test_good_bucket_names(name):
    assert make(source_bucket=name).source_bucket == name


def test_everything_carries_the_name():
    settings = make(name="photos")
    names = [
        settings.role_name,
        settings.layer_name,
        settings.function_name,
        settings.failure_queue,
    ]
    assert all(name.startswith("photos-") for name in names)


def test_the_environment_is_text_that_the_handler_reads():
    environment = make(box=128, reliable=True).environment
    assert environment["BOX"] == "128" and environment["ORDERED"] == "true"
    assert Config.from_environment(environment).box == 128


def test_emulator_runs_this_machines_python():
    cloud = Cloud(None, ACCOUNT, "us-east-1", "endpoint", "http://localhost:1")
    assert settings_for(cloud).runtime == machine_runtime()
    assert settings_for(cloud).runs_here


def test_aws_runs_a_current_python_on_arm_and_overrides_win():
    settings = settings_for(Cloud(None, ACCOUNT, "us-east-1", "aws"), memory_mb=1024)
    assert (settings.runtime, settings.architecture) == ("python3.14", "arm64")
    assert settings.memory_mb == 1024


@pytest.mark.parametrize(
    ("kind", "endpoint", "only"),
    [
        ("aws", None, True),
        ("endpoint", "https://aws.example", True),
        ("endpoint", "http://localhost:1", False),
        ("local", "http://127.0.0.1:1", False),
    ],
)
def test_buckets_speak_what_their_cloud_speaks(kind, endpoint, only):
    cloud = Cloud(None, ACCOUNT, "us-east-1", kind, endpoint)
    assert settings_for(cloud).tls_only is only


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().name = "other"


@pytest.mark.parametrize("path", ["", "service-role/", "a/b/"])
def test_given_role_is_taken_by_its_arn(path):
    settings = make(execution_role=f"arn:aws:iam::{ACCOUNT}:role/{path}LabRole")
    assert settings.role_name == "LabRole"
    assert settings.role_arn == settings.execution_role


NO_NAMES = ("", "A", "-a", "a-", "1a", "a_b", "é", "workbook\n")
BUCKETS = {"source_bucket": "photos-in", "target_bucket": "photos-out"}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"box": 0}, "BOX is '0'"),
        ({"quality": 100}, "QUALITY is '100'"),
        ({"thumbnail_prefix": "thumbs"}, "THUMBNAIL_PREFIX is 'thumbs'"),
        ({"reject_prefix": "thumbnails/no/"}, "which is public"),
        ({"memory_mb": 64}, "number from 128 to 10240"),
        ({"memory_mb": 512.0}, "Choose a whole number"),
        ({"timeout_s": 5000}, "number from 1 to 900"),
        ({"batch_size": 11}, "Settings.batch_size: 11"),
        ({"max_concurrency": 1}, "Settings.max_concurrency: 1"),
        ({"runtime": "python2.7"}, "Choose one of python3"),
        ({"architecture": "sparc"}, "Choose one of arm64, x86_64"),
        ({"log_retention_days": 13}, "Choose one of 1, 3, 5"),
        ({"suffixes": ".jpg"}, "no list of texts"),
        ({"assets": "logo.png"}, "no list of texts"),
        ({"events": 5}, "no list of texts"),
        ({"suffixes": (".jpg", "jpg")}, "ends in 'jpg', too"),
        ({"suffixes": (".png", ".png")}, "S3 takes no two rules"),
        ({"suffixes": (".jpg", "")}, "ends in '', too"),
        ({"suffixes": ("x" * 1025,)}, "1,024 bytes at most"),
        ({"suffixes": ("\x07",)}, "visible characters"),
        ({"suffixes": ("\ud800",)}, "visible characters"),
        ({"runtime": "ä", "runs_here": True}, "Choose one of python3"),
        ({"runtime": "", "runs_here": True}, "Choose one of python3"),
        ({"alarm_topic": "us"}, "no topic's ARN"),
        ({"alarm_topic": f"arn:aws:sns:us-east-1:{ACCOUNT}:us"}, "not in eu-west-1"),
        ({"region": "ä"}, "'ä' is no region"),
        ({"region": ""}, "'' is no region"),
        ({"public": "no"}, "'no' is no yes or no"),
        ({"name": 5}, "Settings.name: 5 is no text"),
        *(({"name": name}, "is no name for a pipeline") for name in NO_NAMES),
        ({"name": "a" * 40}, "S3 takes 3 to 63"),
        (BUCKETS | {"name": "a" * 50}, "AWS takes 64"),
        ({"source_bucket": "my-photos\n"}, "is no bucket name"),
        (dict.fromkeys(BUCKETS, "my-photos"), "source and target are one bucket"),
        ({"execution_role": "LabRole"}, "no role's ARN"),
        ({"execution_role": f"arn:aws:iam::{ACCOUNT}:user/LabRole"}, "no role's ARN"),
        (
            {"execution_role": "arn:aws:iam::999999999999:role/LabRole"},
            "of account 999999999999",
        ),
        ({"execution_role": f"arn:aws:iam::{ACCOUNT}:role/Lab\n"}, "no role's ARN"),
        (
            {"permissions_boundary": f"arn:aws:iam::{ACCOUNT}:role/LabRole"},
            "no policy's ARN",
        ),
        ({"recipe": "[]"}, "no JSON object"),
        ({"recipe": {"backup": "x"}, "backup": True}, "'backup' is no JSON object"),
        ({"recipe": {"a": "b" * 4096}}, "Lambda takes 4,096"),
    ],
)
def test_what_aws_or_the_handler_would_refuse(fields, why):
    with pytest.raises(SettingsError, match=why) as caught:
        make(**fields)
    assert len(str(caught.value).splitlines()) == 1


def test_lists_are_taken_as_they_are_kept():
    assert make(suffixes=[".jpg"]).suffixes == (".jpg",)
