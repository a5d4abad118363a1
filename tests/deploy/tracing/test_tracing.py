"""`trace` names the first broken link, quotes the answers, and changes nothing."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from functools import partial

import pytest
from support import by_hand
from support.by_hand import without_policy
from support.log_lines import line, put
from support.moto_cloud import here

from deploy import logs, notifications, pipeline, policies, trace
from deploy.steps import buckets, failures, role, trigger
from deploy.tracing import NAMES, event_links
from deploy.tracing import function_links as parts
from deploy.zips import zipped

KEY = "a b.jpg"
OTHERS = "arn:aws:s3:::others"


@pytest.fixture
def built(built):
    """The pipeline, and a picture in its source that nothing was made of yet."""
    cloud, settings = built
    cloud.s3.put_object(Bucket=settings.source_bucket, Key=KEY, Body=b"photo")
    return built


@pytest.fixture
def made(built):
    """The same, with the thumbnail and the log line that the function would leave."""
    thumbnail(*built)
    say(*built, "made", target=f"thumbnails/{KEY}")
    return built


def thumbnail(cloud, settings, etag=None, kind="image/jpeg", key=f"thumbnails/{KEY}"):
    head = cloud.s3.head_object(Bucket=settings.source_bucket, Key=KEY)
    cloud.s3.put_object(
        Bucket=settings.target_bucket,
        Key=key,
        Body=b"thumbnail",
        ContentType=kind,
        Metadata={"source-etag": etag or head["ETag"].strip('"')},
        ACL="public-read",  # moto lets a stranger read by ACL, and not by policy
    )


def say(cloud, settings, outcome, key=KEY, request="1", **more):
    more |= {"bucket": settings.source_bucket, "sequencer": "01"}
    more |= {"done": datetime.now(UTC).isoformat()}
    put(cloud, settings, line(key, outcome, request, **more))


# --- the whole --------------------------------------------------------------------


def test_green(made, wire):
    wire.reset()
    found = trace(KEY, *made)
    assert wire.mutations == ["FilterLogEvents"]  # it reads only
    assert [link.state for link in found.links if link.name != "failures"] == [
        "green"
    ] * (len(NAMES) - 1)
    assert (found.ending, found.broken) == ("made", None)


def test_nothing_is_deployed(cloud, settings, wire):
    wire.reset()
    found = trace(KEY, cloud, settings)
    assert found.broken.name == "object"
    assert "02_buckets" in found.broken.cure
    assert wire.calls.count("ListObjectVersions") == 1  # it does not wait


def test_each_link_quotes_an_answer(built):
    quoted = [link for link in trace(KEY, *built).links if link.state != "grey"]
    assert all(" → " in link.evidence for link in quoted if link.name != "thumbnail")


def test_as_text(built):
    trigger.delete(*built)
    finding = repr(trace(KEY, *built))
    assert "✗ rule" in finding
    assert "Evidence: GetBucketNotificationConfiguration → no rules" in finding
    assert "Cure: Make the trigger (06_trigger)" in finding


#: What may be denied, the link that it darkens, and the right that it takes.
LOOKS = [
    ("HeadObject", "object", "s3:GetObject"),
    ("GetBucketNotificationConfiguration", "rule", "s3:GetBucketNotification"),
    ("GetPolicy", "permission", "lambda:GetPolicy"),
    ("GetFunction", "target", "lambda:GetFunction"),
    ("GetRole", "role", "iam:GetRole"),
    ("FilterLogEvents", "log", "logs:FilterLogEvents"),
]


def test_a_look_that_is_denied(made, wire):
    for operation, name, lacks in LOOKS:
        wire.reset()
        wire.refuse(operation, "AccessDenied", "not authorized", 403, times=9)
        found = trace(KEY, *made)[name]
        assert found.state == "amber", operation
        assert f"you lack {lacks}" in found.finding


def test_a_fault_that_came_later_is_a_warning(made):
    by_hand.configured(Layers=[])(*made)
    found = trace(KEY, *made)
    assert (found.ending, found.broken) == ("made", None)
    assert found["layer"].finding.startswith("This upload came through; the next would")


def test_consequences_are_grey(built):
    by_hand.configured(Layers=[])(*built)
    say(*built, "failed", reason="AccessDenied")
    found = trace(KEY, *built)
    assert found.broken.name == "layer"
    assert {found["log"].state, found["thumbnail"].state} == {"grey"}


# --- what is broken ---------------------------------------------------------------


def deleted_with_a_marker(cloud, settings):
    by_hand.version(cloud, settings.source_bucket)
    cloud.s3.delete_object(Bucket=settings.source_bucket, Key=KEY)


def layer_for_another_runtime(cloud, settings):
    layer = cloud.awslambda.publish_layer_version(
        LayerName="other",
        Content={"ZipFile": zipped({"a.py": b""}, mode=0o644)},
        CompatibleRuntimes=["python3.9"],
    )
    by_hand.configured(Layers=[layer["LayerVersionArn"]])(cloud, settings)


def denied_by_the_target(cloud, settings):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:Put*", "Resource": "*"}
    document = json.dumps(policies.document(deny))
    cloud.s3.put_bucket_policy(Bucket=settings.target_bucket, Policy=document)


def encrypted_with_a_key(cloud, settings):
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key-1"}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": by_default}]}
    cloud.s3.put_bucket_encryption(
        Bucket=settings.target_bucket, ServerSideEncryptionConfiguration=rules
    )
    thumbnail(cloud, settings)
    say(cloud, settings, "made", target=f"thumbnails/{KEY}")


def function_deleted(cloud, settings):
    cloud.awslambda.delete_function(FunctionName=settings.function_name)


def thumbnail_deleted(cloud, settings):
    cloud.s3.delete_object(Bucket=settings.target_bucket, Key=f"thumbnails/{KEY}")


def policy_deleted(cloud, settings):
    cloud.s3.delete_bucket_policy(Bucket=settings.target_bucket)


def failed(reason, outcome="failed", times=1):
    def change(cloud, settings):
        for number in range(times):
            say(cloud, settings, outcome, reason=reason, request=str(number))

    return change


def logged(text):
    return lambda cloud, settings: put(cloud, settings, text)


#: The link that trace names → its words, and what happened to the picture.
BROKEN = {
    "object": {"delete marker": deleted_with_a_marker},
    "target": {"ResourceNotFoundException": function_deleted},
    "permission": {
        "-may-invoke' is for another bucket": by_hand.permitted(SourceArn=OTHERS),
        "for another account": by_hand.permitted(SourceAccount="999999999999"),
        "does not let the bucket in.": by_hand.permitted(),
    },
    "function": {
        "defines no nothing": by_hand.configured(Handler="handler.app.nothing"),
        "no file lambda_function.py": by_hand.configured(Handler="lambda_function.m"),
        "TARGET_BUCKET is not set": by_hand.configured(Environment={"Variables": {}}),
    },
    "layer": {
        "No module named 'PIL'": by_hand.configured(Layers=[]),
        "CompatibleRuntimes: python3.9": layer_for_another_runtime,
    },
    "role": {
        "A statement denies s3:PutObject": denied_by_the_target,
        "was deleted": role.delete,
        "NoSuchEntity": role.delete,
        "does not trust Lambda": by_hand.trusts_another,
    },
    "invocation": {"ReservedConcurrentExecutions 0": by_hand.limited(0)},
    "log": {
        "1 time: RuntimeError: no. Lambda tries again": failed("RuntimeError: no"),
        "failed 1 time: AccessDenied": failed("AccessDenied: An error"),
        "Give the role kms:Decrypt on that key": failed(
            "ClientError: AccessDenied … not authorized to perform: kms:Decrypt on key"
        ),
        "Raise MemorySize (05_function)": failed(
            "decoding takes 29 MB of memory, more than", outcome="rejected"
        ),
        "given up": failed("RuntimeError", times=logs.ATTEMPTS),
        "more than 1 s: set Timeout to 30 (05_function)": logged(
            "x Task timed out after 1.00 seconds"
        ),
        "more than 30 s: raise Timeout": logged("x Task timed out after 30.00 seconds"),
        "04_layer": logged("[ERROR] Runtime.ImportModuleError: Unable to import"),
    },
    "public": {
        "encrypted with a KMS key": encrypted_with_a_key,
        "SSE-S3": encrypted_with_a_key,
    },
}
#: The same, after its thumbnail was made.
BROKEN_LATER = {
    "thumbnail": {
        "from another upload": partial(thumbnail, etag="another"),
        "browsers do not show it": partial(thumbnail, kind="binary/octet-stream"),
        "deleted since": thumbnail_deleted,
    },
    "public": {
        "RestrictPublicBuckets true": by_hand.blocked("target_bucket"),
        "NoSuchBucketPolicy": policy_deleted,
    },
}


def each(table):
    rows = [(link, *row) for link, rows in table.items() for row in rows.items()]
    return pytest.mark.parametrize(
        ("link", "words", "change"), rows, ids=[words for _, words, _ in rows]
    )


@each(BROKEN)
def test_broken(built, link, words, change):
    change(*built)
    found = trace(KEY, *built).broken
    assert found.name == link
    assert words in f"{found.finding} {found.evidence} {found.cure}"


@each(BROKEN_LATER)
def test_broken_later(made, link, words, change):
    test_broken(made, link, words, change)


def test_warnings(made):
    cloud, settings = made
    cloud.awslambda.delete_layer_version(LayerName=settings.layer_name, VersionNumber=1)
    by_hand.may_not_log(*made)
    found = trace(KEY, *made)
    assert found["layer"].state == found["role"].state == "amber"


# --- the way in -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "present", "why"),
    [
        ("A b.jpg", "a b.jpg", "Case counts."),
        ("a+b.jpg", "a b.jpg", "form-encoded"),
        ("caf\u0065\u0301.jpg", "caf\u00e9.jpg", "Unicode form"),
    ],
)
def test_the_name_that_was_meant(cloud, settings, asked, present, why):
    buckets.create(cloud, settings)
    cloud.s3.put_object(Bucket=settings.source_bucket, Key=present, Body=b"1")
    finding = trace(asked, cloud, settings).broken.finding
    assert f"Nearest: {present!r}" in finding
    assert why in finding


def test_similar_names():
    present = ["photos/cat.jpg", "dog.jpg", "Cat.JPG"]
    assert event_links.similar("cat.jpg", present)[0] == "Cat.JPG"
    assert event_links.similar("elephant.png", present) == []


def test_a_name_that_no_rule_matches(built):
    cloud, settings = built
    cloud.s3.put_object(Bucket=settings.source_bucket, Key="A.JPG", Body=b"1")
    found = trace("A.JPG", *built).broken
    assert found.name == "rule"
    assert "the nearest is .jpg" in found.finding


@pytest.fixture
def with_rule_for(cloud, settings):
    """Build a pipeline whose rule is for one kind of upload, and put a picture."""

    def build(kind):
        other = dataclasses.replace(settings, events=(f"s3:ObjectCreated:{kind}",))
        pipeline.up(cloud, other, say=lambda line: None)
        cloud.s3.put_object(Bucket=settings.source_bucket, Key=KEY, Body=b"1")
        return cloud, settings

    return build


def test_an_upload_in_parts(with_rule_for):
    cloud, settings = with_rule_for("Put")
    place = {"Bucket": settings.source_bucket, "Key": "large.jpg"}
    upload = cloud.s3.create_multipart_upload(**place)["UploadId"]
    part = cloud.s3.upload_part(**place, UploadId=upload, PartNumber=1, Body=b"1")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    cloud.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
    found = trace("large.jpg", cloud, settings).broken
    assert found.name == "event"
    assert "CompleteMultipartUpload" in found.cure


def test_a_rule_names_every_kind_that_it_leaves_out(with_rule_for, monkeypatch):
    """A form, a copy or a rename looks like a PUT, and is made up for by backfill."""
    monkeypatch.setattr("deploy.tracing.result_links.PENDING_S", -1)
    found = trace(KEY, *with_rule_for("Put"))
    assert "leaves out Post (a browser's form) and Copy" in found["event"].finding
    assert "it came by Post or Copy" in found.broken.finding
    assert "backfill" in found.broken.cure


def test_a_rule_that_leaves_out_what_an_archive_gave_back(with_rule_for):
    cloud, settings = with_rule_for("*")
    place = {"Bucket": settings.source_bucket, "Key": KEY}
    cloud.s3.put_object(**place, Body=b"1", StorageClass="GLACIER")
    assert trace(KEY, cloud, settings)["event"].state == "green"
    cloud.s3.restore_object(**place, RestoreRequest={"Days": 1})
    found = trace(KEY, cloud, settings).broken
    assert found.name == "event"
    assert "restored from an archive" in found.finding
    assert "s3:ObjectRestore:Completed" in found.cure and "backfill" in found.cure
    pipeline.up(cloud, settings, say=lambda line: None)
    assert trace(KEY, cloud, settings)["event"].state == "green"


def test_a_rule_for_forms_alone(with_rule_for):
    found = trace(KEY, *with_rule_for("CompleteMultipartUpload")).broken
    assert found.name == "event" and "backfill" in found.cure
    assert all(kind in found.finding for kind in ("Put", "Post", "Copy"))


def test_a_rule_for_another_pipelines_function(built):
    cloud, settings = built
    other = here(cloud, name="other", source_bucket=settings.source_bucket)
    found = trace(KEY, cloud, other)
    assert found.broken.name == "target"
    assert "another function" in found.broken.finding


def test_by_way_of_the_queue(cloud):
    settings = here(cloud, queue=True)
    pipeline.up(cloud, settings, say=lambda line: None)
    cloud.s3.put_object(Bucket=settings.source_bucket, Key=KEY, Body=b"photo")
    assert trace(KEY, cloud, settings)["permission"].state == "green"
    (mapping,) = cloud.awslambda.list_event_source_mappings()["EventSourceMappings"]
    cloud.awslambda.delete_event_source_mapping(UUID=mapping["UUID"])
    assert "takes them out" in trace(KEY, cloud, settings).broken.finding


# --- the function's parts ---------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "finding"),
    [
        ("_imaging.cpython-313-x86_64-linux-gnu.so", ""),
        ("_imaging.cpython-313-darwin.so", ""),
        ("_imaging.cp313-win_amd64.pyd", ""),
        ("_imaging.cpython-312-x86_64-linux-gnu.so", "another Python"),
        ("_imaging.cpython-313-aarch64-linux-gnu.so", "another processor"),
    ],
)
def test_modules_that_python_would_not_find(module, finding):
    found = parts.modules_misfit([f"python/PIL/{module}"], "python3.13", "x86_64")
    assert finding in found if finding else found == ""


def test_a_missing_statement_is_printed(built):
    cloud, settings = built
    without_policy(role.THUMBNAILS)(cloud, settings)
    found = trace(KEY, *built).broken
    missing = json.loads(found.cure.partition(": ")[2])
    assert found.name == "role"
    assert missing == role.thumbnails_policy(settings)["Statement"][0]


# --- what came of it --------------------------------------------------------------


def test_stopped_when_it_came(built):
    cloud, settings = built
    head = cloud.s3.head_object(Bucket=settings.source_bucket, Key=KEY)
    cloud.sqs.create_queue(QueueName=settings.failure_queue)
    one = record(head) | {"requestContext": {"condition": failures.STOPPED}}
    del one["responsePayload"]
    by_hand.fail(cloud, settings, one)
    found = trace(KEY, cloud, settings)
    assert found.broken.name == "invocation" and "replay" in found.broken.cure
    assert "not tried, the function was stopped" in found["failures"].finding


def test_a_message_that_the_queue_gave_up_is_known(built):
    """It is S3's own event, where Lambda's record has the event inside."""
    cloud, settings = built
    head = cloud.s3.head_object(Bucket=settings.source_bucket, Key=KEY)
    etag = head["ETag"].strip('"')
    cloud.sqs.create_queue(QueueName=settings.failure_queue)
    for key, mark in ((KEY, etag), (KEY, "another"), ("b.jpg", etag)):
        place = {"region": settings.region, "etag": mark}
        event = notifications.event(settings.source_bucket, key, **place)
        by_hand.fail(cloud, settings, event)
    found = trace(KEY, cloud, settings)["failures"]
    assert found.state == "red" and "came back too often" in found.finding
    assert f"{settings.source_bucket}/a+b.jpg: tried too often" in found.evidence


def test_no_word_yet(built):
    found = trace(KEY, *built)
    assert (found.ending, found.broken) == ("pending", None)
    assert found["invocation"].state == "amber"


def test_nothing_was_ever_called(built, monkeypatch):
    monkeypatch.setattr("deploy.tracing.result_links.PENDING_S", -1)
    found = trace(KEY, *built).broken
    assert found.name == "invocation"
    assert "the upload came before the rule" in found.finding
    assert "it came by" not in found.finding and "backfill" in found.cure


def test_a_retry_mended_it(made):
    say(*made, "failed", reason="RuntimeError: a bad day")
    say(*made, "made")
    found = trace(KEY, *made)
    assert (found.ending, found.broken) == ("made", None)
    assert "a bad day" in found["log"].finding


@pytest.mark.parametrize(
    ("key", "looked_for", "how"),
    [
        (KEY, "a+b.jpg", "does not decode them"),
        # `unquote` leaves a + as it is, and no object has that name.
        ("red panda+1 é.jpg", "red+panda+1+é.jpg", "leaves the + in them"),
    ],
)
def test_a_key_that_was_not_decoded(built, key, looked_for, how):
    cloud, settings = built
    cloud.s3.put_object(Bucket=settings.source_bucket, Key=key, Body=b"a panda")
    say(*built, "stale", key=looked_for, reason="deleted before it was read")
    found = trace(key, *built).broken
    assert found.name == "log"
    assert repr(looked_for) in found.finding and how in found.finding


def test_figures_of_the_run(made):
    report = (
        "REPORT RequestId: 1\tDuration: 12.00 ms\tBilled Duration: 12 ms\t"
        "Memory Size: 512 MB\tMax Memory Used: 90 MB"
    )
    put(*made, report)
    assert "REPORT 12.00 ms of 512 MB" in trace(KEY, *made)["log"].evidence


def test_rejected_is_an_ending(built):
    thumbnail(*built, key=f"rejected/{KEY}.json", kind="application/json")
    say(*built, "rejected", reason="not a JPEG or PNG")
    found = trace(KEY, *built)
    assert (found.ending, found.broken) == ("rejected", None)
    assert "not a JPEG or PNG" in found["log"].finding


def test_a_kept_event(cloud):
    settings = here(cloud, reliable=True)
    pipeline.up(cloud, settings, say=lambda line: None)
    head = cloud.s3.put_object(Bucket=settings.source_bucket, Key=KEY, Body=b"photo")
    by_hand.fail(cloud, settings, record(head), times=2)
    found = trace(KEY, cloud, settings).broken
    assert found.name == "failures"
    assert "Unable to import" in found.evidence
    assert failures.describe(cloud, settings).events == 2


def record(head):
    bucket = {"name": "photos"}
    thing = {"key": "a+b.jpg", "eTag": head["ETag"].strip('"')}
    error = {"errorType": "Runtime.Import", "errorMessage": "Unable to import"}
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "requestContext": {"approximateInvokeCount": 3},
        "requestPayload": {"Records": [{"s3": {"bucket": bucket, "object": thing}}]},
        "responsePayload": error,
    }


def test_a_private_pipeline_is_not_broken_and_need_not_say_so(cloud, settings):
    pipeline.up(cloud, settings, public=False, say=lambda line: None)
    cloud.s3.put_object(Bucket=settings.source_bucket, Key=KEY, Body=b"photo")
    thumbnail(cloud, settings)
    say(cloud, settings, "made")
    found = trace(KEY, cloud)
    assert (found.ending, found.broken) == ("made", None)
    assert "presigned link" in found["public"].finding
