"""The pipeline end to end: on the local cloud, or with `pytest --aws` in an account.

Tests marked `aws` run in both. There they are slower: the log comes late, a change of
permissions takes a while, and Lambda tries again after one minute and after two.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from PIL import Image
from support import aws_account
from support.bench import fetch, until
from support.by_hand import version
from support.local_cloud import kill
from support.pictures import encoded
from support.rows import rows
from urllib3 import encode_multipart_formdata

from deploy import connect, logs, notifications, probe, queues, settings_for
from deploy import pipeline as stack
from deploy.cloud import Cloud
from deploy.local import server
from deploy.operations.replay import replay
from deploy.settings import Settings
from deploy.steps import function, role
from handler import make_thumbnail

SAMPLES = Path(__file__).parents[2] / "images" / "samples"
RED, BLUE = (200, 30, 30), (30, 30, 200)


def picture(colour: tuple[int, int, int] = RED, side: int = 400) -> bytes:
    return encoded(Image.new("RGB", (side, side * 3 // 4), colour))


def colour_of(data: bytes) -> str:
    red, _, blue = Image.open(io.BytesIO(data)).convert("RGB").getpixel((20, 20))
    return "red" if red > blue else "blue"


class Pipeline:
    """A deployed stack, with what the tests do to it."""

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self.cloud, self.settings = cloud, settings

    def put(self, key: str, body: bytes) -> logs.Run:
        started = datetime.now(UTC)
        self.cloud.s3.put_object(Bucket=self.settings.source_bucket, Key=key, Body=body)
        return self.outcome(key, started)

    def outcome(self, key: str, since: datetime) -> logs.Run:
        (run,) = logs.wait_for(self.cloud, self.settings, [key], since, self.patience_s)
        return run

    @property
    def patience_s(self) -> int:
        return 30 if self.cloud.endpoint else 420

    def settle(self) -> None:
        """Wait until IAM's change counts everywhere; here it counts at once."""
        time.sleep(0 if self.cloud.endpoint else 30)

    def thumbnail(self, key: str) -> bytes:
        key = self.settings.thumbnail_prefix + key
        return self.read(self.settings.target_bucket, key)

    def made_from(self, key: str) -> dict[str, str]:
        """What stands on the thumbnail of the upload that it was made from."""
        place = {"Bucket": self.settings.target_bucket}
        place |= {"Key": self.settings.thumbnail_prefix + key}
        return self.cloud.s3.head_object(**place)["Metadata"]

    def read(self, bucket: str, key: str) -> bytes:
        return self.cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def event(self, key: str, sequencer: str = "01") -> dict:
        head = self.cloud.s3.head_object(Bucket=self.settings.source_bucket, Key=key)
        return self.record(key, head["ETag"].strip('"'), sequencer)

    def record(self, key: str, etag: str, sequencer: str) -> dict:
        bucket, region = self.settings.source_bucket, self.settings.region
        more = {"region": region, "etag": etag, "sequencer": sequencer}
        return notifications.event(bucket, key, **more)

    def invoke(self, event: dict) -> dict:
        answer = self.cloud.awslambda.invoke(
            FunctionName=self.settings.function_name, Payload=json.dumps(event)
        )
        return json.loads(answer["Payload"].read())

    def url(self, bucket: str, key: str) -> str:
        if self.cloud.endpoint:
            return f"{self.cloud.endpoint}/{bucket}/{quote(key)}"
        region = self.settings.region
        return f"https://{bucket}.s3.{region}.amazonaws.com/{quote(key)}"


@pytest.fixture(scope="module")
def clouds(request: pytest.FixtureRequest, aws: Cloud | None) -> Iterator[Cloud]:
    if aws is not None:
        yield aws
        return
    folder = request.getfixturevalue("local_folder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBOOK_LOCAL_CLOUD", str(folder))
        yield connect("local", say=lambda line: None)


@pytest.fixture(scope="module")
def plain(clouds: Cloud) -> Iterator[Pipeline]:
    """The pipeline with the user's two statements alone."""
    yield from built(clouds, "plain")


@pytest.fixture(scope="module")
def reliable(clouds: Cloud) -> Iterator[Pipeline]:
    """The pipeline with the second policy, the queue and ordered writes."""
    yield from built(clouds, "reliable", reliable=True)


def built(cloud: Cloud, name: str, **overrides: object) -> Iterator[Pipeline]:
    """Build a pipeline, and take it down even if building it was interrupted."""
    pipeline = Pipeline(cloud, aws_account.settings(cloud, name, **overrides))
    try:
        stack.up(cloud, pipeline.settings)
        assert probe(cloud, pipeline.settings).live
        yield pipeline
    finally:
        left = stack.down(cloud, pipeline.settings).left
    assert left == ()


# --- with two statements alone -------------------------------------------------------


@pytest.mark.aws
def test_two_statements_make_thumbnails(plain):
    policies = plain.cloud.iam.list_role_policies(RoleName=plain.settings.role_name)
    assert policies["PolicyNames"] == [role.THUMBNAILS]
    assert plain.put("a.jpg", picture()).outcome == "made"
    assert plain.thumbnail("a.jpg") == make_thumbnail(picture())


@pytest.mark.aws(only_aws=True)
def test_thumbnails_are_public_and_nothing_else_is(plain):
    plain.put("public.jpg", picture())
    plain.put("text.jpg", b"no picture")
    source, target = plain.settings.source_bucket, plain.settings.target_bucket
    assert fetch(plain.url(target, "thumbnails/public.jpg"))[0] == 200
    assert fetch(plain.url(source, "public.jpg"))[0] == 403
    assert fetch(plain.url(target, "rejected/text.jpg.json"))[0] == 403
    assert fetch(plain.url(target, "thumbnails/missing.jpg"))[0] == 403


@pytest.mark.aws
def test_a_thumbnail_says_what_it_is(plain):
    plain.put("type.png", (SAMPLES / "paper-boat.png").read_bytes())
    head = plain.cloud.s3.head_object(
        Bucket=plain.settings.target_bucket, Key="thumbnails/type.png"
    )
    assert head["ContentType"] == "image/png" and "max-age" in head["CacheControl"]


@pytest.mark.aws
def test_a_text_file_is_rejected_once_and_recorded(plain):
    run = plain.put("words.jpg", (SAMPLES / "not-an-image.jpg").read_bytes())
    assert run.outcome == "rejected"
    record = json.loads(plain.read(plain.settings.target_bucket, run.target))
    assert record["key"] == "words.jpg" and record["reason"] == run.reason


@pytest.mark.aws(uploads=4)
def test_an_upload_in_parts_starts_the_function(plain):
    started = datetime.now(UTC)
    large = SAMPLES / "meadow-large.jpg"
    plain.cloud.s3.upload_file(str(large), plain.settings.source_bucket, large.name)
    head = plain.cloud.s3.head_object(
        Bucket=plain.settings.source_bucket, Key=large.name
    )
    assert "-" in head["ETag"]  # it did go in parts
    assert plain.outcome(large.name, started).thumbnail_size == (256, 171)


@pytest.mark.aws
def test_an_overwrite_makes_the_thumbnail_again(plain):
    plain.put("twice.jpg", picture(RED))
    plain.put("twice.jpg", picture(BLUE))
    assert colour_of(plain.thumbnail("twice.jpg")) == "blue"


@pytest.mark.aws
@pytest.mark.parametrize(
    "key",
    [
        "red panda+1 é.jpg",
        "a%20b&c=d?.jpg",
        "deep/er/photo.png",
        "🦊 fox.jpg",
        "e\u0301.jpg",
        "dots..and...more.jpg",
        "quote\"'<>.jpg",
    ],
)
def test_tricky_keys(plain, key):
    assert plain.put(key, picture()).outcome == "made"
    assert plain.thumbnail(key)


@pytest.mark.aws
@pytest.mark.parametrize("key", ["LOUD.JPG", "photo.jpeg", "photo.jpg.txt"])
def test_a_key_that_no_rule_matches_does_nothing(plain, key):
    started = datetime.now(UTC)
    bucket = plain.settings.source_bucket
    plain.cloud.s3.put_object(Bucket=bucket, Key=key, Body=picture())
    plain.put("after.jpg", picture())  # had it started one, that would be logged
    assert key not in {
        run.key for run in logs.runs(plain.cloud, plain.settings, started)
    }


def by_copy(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=f"{key}.part", Body=picture())
    s3.copy_object(Bucket=bucket, Key=key, CopySource=f"{bucket}/{key}.part")


def by_rename(s3, bucket, key):
    by_copy(s3, bucket, key)
    s3.delete_object(Bucket=bucket, Key=f"{key}.part")


def by_part_copy(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=f"{key}.part", Body=picture())
    place = {"Bucket": bucket, "Key": key}
    place |= {"UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    part = s3.upload_part_copy(
        **place, PartNumber=1, CopySource=f"{bucket}/{key}.part"
    )["CopyPartResult"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(**place, MultipartUpload=parts)


def by_form(s3, bucket, key):
    """As a browser's form does: a presigned POST."""
    form = s3.generate_presigned_post(bucket, key)
    fields = form["fields"] | {"file": ("a", picture())}
    body, kind = encode_multipart_formdata(fields)
    assert fetch(form["url"], body, **{"Content-Type": kind})[0] == 204


def by_link(s3, bucket, key):
    place = {"Bucket": bucket, "Key": key}
    url = s3.generate_presigned_url("put_object", Params=place)
    assert fetch(url, picture(), "PUT")[0] == 200


@pytest.mark.aws(uploads=2)
@pytest.mark.parametrize("way", [by_copy, by_rename, by_part_copy, by_form, by_link])
def test_every_kind_of_upload_makes_a_thumbnail(plain, way):
    key, started = f"{way.__name__}.jpg", datetime.now(UTC)
    way(plain.cloud.s3, plain.settings.source_bucket, key)
    assert plain.outcome(key, started).outcome == "made"
    assert colour_of(plain.thumbnail(key)) == "red"


def test_an_archived_picture_is_rejected_and_made_when_it_is_restored(plain):
    s3, started = plain.cloud.s3, datetime.now(UTC)
    place = {"Bucket": plain.settings.source_bucket, "Key": "cold.jpg"}
    s3.put_object(**place, Body=picture(), StorageClass="DEEP_ARCHIVE")
    run = plain.outcome("cold.jpg", started)
    assert run.outcome == "rejected" and "archived: restore it first" in run.reason
    started = datetime.now(UTC)
    s3.restore_object(**place, RestoreRequest={"Days": 1})
    assert plain.outcome("cold.jpg", started).outcome == "made"
    assert colour_of(plain.thumbnail("cold.jpg")) == "red"


@pytest.mark.aws
def test_the_same_event_twice_changes_nothing(plain):
    plain.put("again.jpg", picture())
    before = plain.thumbnail("again.jpg")
    for _ in range(2):
        assert plain.invoke(plain.event("again.jpg"))["outcomes"] == {"made": 1}
    assert plain.thumbnail("again.jpg") == before


@pytest.mark.aws(only_aws=True)
def test_deleted_before_it_was_read_is_403_without_list(plain):
    # As on AWS: without s3:ListBucket nobody is told whether the key exists.
    answer = plain.invoke(plain.record("gone.jpg", "0" * 32, "01"))
    assert "AccessDenied" in answer["errorMessage"]


@pytest.mark.aws
def test_the_first_is_cold_the_second_is_not_and_both_have_their_report(plain):
    plain.cloud.awslambda.update_function_configuration(
        FunctionName=plain.settings.function_name,
        MemorySize=plain.settings.memory_mb,  # a description alone would not do here
    )
    plain.cloud.awslambda.get_waiter("function_updated_v2").wait(
        FunctionName=plain.settings.function_name
    )
    runs = [plain.put(f"{n}.jpg", picture()) for n in ("first", "second")]
    assert [run.cold for run in runs] == [True, False]
    assert all(run.duration_ms >= run.ms > 0 for run in runs)


@pytest.mark.aws
def test_a_missing_layer_is_named_and_mended(plain):
    name = plain.settings.function_name
    client = plain.cloud.awslambda
    client.update_function_configuration(FunctionName=name, Layers=[])
    client.get_waiter("function_updated_v2").wait(FunctionName=name)
    answer = plain.invoke(plain.record("x.jpg", "0", "01"))
    assert "No module named 'PIL'" in answer["errorMessage"]
    stack.up(plain.cloud, plain.settings)
    assert plain.put("mended.jpg", picture()).outcome == "made"


@pytest.mark.aws(uploads=0)
def test_up_twice_changes_nothing(plain):
    before = function.describe(plain.cloud, plain.settings)
    stack.up(plain.cloud, plain.settings)
    assert stack.status(plain.cloud, plain.settings).ready
    assert function.describe(plain.cloud, plain.settings) == before


@pytest.mark.parametrize("many", rows([60, 200]))
def test_a_burst_loses_none(plain, many):
    started = datetime.now(UTC)
    keys = [f"burst-of-{many}/{number}.jpg" for number in range(many)]
    body = (SAMPLES / "this-side-up.jpg").read_bytes()
    bucket = plain.settings.source_bucket

    def put(key: str) -> None:
        plain.cloud.s3.put_object(Bucket=bucket, Key=key, Body=body)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, keys))
    runs = list(logs.wait_for(plain.cloud, plain.settings, keys, started, 120))
    assert {run.outcome for run in runs} == {"made"} and len(runs) == many
    assert workers_of(plain) <= max(2, os.cpu_count())  # no laptop is exhausted


def workers_of(pipeline: Pipeline) -> int:
    """Count the processes that run this function; each has its code's folder open."""
    folder = Path(os.environ["WORKBOOK_LOCAL_CLOUD"])
    children = psutil.Process(server.find(folder).pid).children()
    name = f"lambda-{pipeline.settings.function_name}-"
    return sum(name in child.cwd() for child in children)


# --- with the second policy ----------------------------------------------------------


@pytest.mark.aws(uploads=0)
def test_reliable_tells_missing_from_forbidden(reliable):
    answer = reliable.invoke(reliable.record("gone.jpg", "0" * 32, "01"))
    assert answer["outcomes"] == {"stale": 1}


@pytest.mark.aws(uploads=4)
def test_an_older_event_does_not_replace_the_newer(reliable):
    # The record of the first upload comes again, late, after the second's.
    bucket = reliable.settings.source_bucket
    reliable.put("order.jpg", picture(RED))
    old = reliable.event("order.jpg", sequencer="00")
    reliable.put("order.jpg", picture(BLUE))
    assert reliable.invoke(old)["outcomes"] == {"stale": 1}
    assert colour_of(reliable.thumbnail("order.jpg")) == "blue"
    # Even when the source has the old bytes again, so that reading them succeeds.
    reliable.put("red.jpg", picture(RED))
    origin, started = f"{bucket}/red.jpg", datetime.now(UTC)
    reliable.cloud.s3.copy_object(Bucket=bucket, Key="order.jpg", CopySource=origin)
    assert reliable.outcome("order.jpg", started).outcome == "made"  # of the copy
    made = reliable.made_from("order.jpg")
    again = reliable.invoke(reliable.event("order.jpg", "00"))
    assert again["outcomes"] == {"stale": 1}
    assert reliable.made_from("order.jpg") == made


@pytest.mark.aws(uploads=10)
def test_many_overwrites_end_with_the_last(reliable):
    started = datetime.now(UTC)
    for number in range(10):
        colour = BLUE if number == 9 else RED
        reliable.cloud.s3.put_object(
            Bucket=reliable.settings.source_bucket,
            Key="fast.jpg",
            Body=picture(colour, 300 + number),
        )

    def all_seen() -> bool:
        seen = logs.runs(reliable.cloud, reliable.settings, started)
        return sum(run.key == "fast.jpg" for run in seen) >= 10

    until(all_seen, reliable.patience_s)
    assert colour_of(reliable.thumbnail("fast.jpg")) == "blue"


@pytest.mark.aws
def test_a_versioned_source_is_read_by_version(reliable):
    version(reliable.cloud, reliable.settings.source_bucket)
    stack.up(reliable.cloud, reliable.settings)  # the permission that it takes
    reliable.settle()
    run = reliable.put("version.jpg", picture())
    assert run.outcome == "made" and run.version


@pytest.mark.aws
def test_a_missing_permission_is_kept_and_replayed(reliable):
    name = reliable.settings.role_name
    reliable.cloud.iam.delete_role_policy(RoleName=name, PolicyName=role.THUMBNAILS)
    reliable.settle()
    started = datetime.now(UTC)
    run = reliable.put("denied.jpg", picture())
    assert run.outcome == "failed" and "AccessDenied" in run.reason
    seen = logs.runs(reliable.cloud, reliable.settings, started)
    assert sum(r.key == "denied.jpg" for r in seen) == logs.ATTEMPTS
    queue = reliable.cloud.sqs.get_queue_url(QueueName=reliable.settings.failure_queue)

    def held() -> int:
        return queues.held(reliable.cloud, queue["QueueUrl"])

    until(held, reliable.patience_s)
    assert held() == 1
    stack.up(reliable.cloud, reliable.settings)
    reliable.settle()
    started = datetime.now(UTC)
    (line,) = replay(reliable.cloud, reliable.settings)
    assert "denied.jpg" in line
    assert reliable.outcome("denied.jpg", started).outcome == "made"
    assert held() == 0


# --- the cloud goes down -------------------------------------------------------------


@pytest.fixture
def own(own_folder: Path) -> Pipeline:
    """A pipeline on a local cloud of the test's own."""
    cloud = connect("local", say=lambda line: None)
    settings = settings_for(cloud)
    stack.up(cloud, settings)
    return Pipeline(cloud, settings)


@pytest.mark.parametrize("end", rows([kill, server.stop]))
def test_everything_is_there_after_a_restart(own, own_folder, end):
    own.put("before.jpg", picture())
    time.sleep(1)  # logs and queues are saved within the second
    end(own_folder)
    server.start(say=lambda line: None)
    assert stack.status(own.cloud, own.settings).ready
    assert own.thumbnail("before.jpg") == make_thumbnail(picture())
    assert "before.jpg" in {run.key for run in logs.runs(own.cloud, own.settings)}
    assert own.put("after.jpg", picture(BLUE)).outcome == "made"
