"""What people hit on this road: told in one sentence, and mended by the next run."""

from datetime import UTC, datetime

import pytest
from support.by_hand import notify, only_put, version, without_policy
from support.matrix import Row, forget, left, quiet, sections, shown

from deploy import logs, pipeline
from deploy.cloud import connect
from deploy.errors import DeployError
from deploy.steps import buckets, layer, role
from deploy.steps.layer import contents

GONE = "arn:aws:lambda:eu-west-1:123456789012:function:gone"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:audit"
NO_ROLE = "The role defined for the function cannot be assumed by Lambda."
PUBLIC = (
    "User: you is not authorized to perform: s3:PutBucketPolicy because public "
    "policies are blocked by the BlockPublicPolicy block public access setting."
)


def refused(run, *arguments, **more):
    """Run into the error and give its sentence."""
    with pytest.raises(DeployError) as caught:
        run(*arguments, **more)
    return str(caught.value)


def up(cloud, settings, **more):
    return pipeline.up(cloud, settings, say=quiet, **more)


def differing(cloud, settings):
    """The lines of `status` that are not ready."""
    lines = repr(pipeline.status(cloud, settings)).splitlines()
    return "; ".join(line for line in lines if line.startswith(("  miss", "  diff")))


def rule(**more):
    return {"Id": "theirs", "Events": ["s3:ObjectCreated:*"]} | more


def answered(operation, code, said, status=400, times=1):
    """Let `up` run into AWS's answer to one of its calls."""

    def fault(cloud, settings, wire):
        wire.fail(operation, code, said, status, times)
        return refused(up, cloud, settings)

    return fault


def may_not(operation, code, action):
    said = f"User: you is not authorized to perform: iam:{action}"
    return answered(operation, code, said, 403)


def wheel_of_another_processor(cloud, settings, wire):
    library = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9) + b"\x03\0\x3e\0" + bytes(44)
    return refused(contents.check_machine, {"PIL/_imaging.so": library}, "arm64")


def handler_that_is_not_there(cloud, settings, wire):
    return refused(up, cloud, settings, handler="handler.app.main")


def layer_deleted(cloud, settings, wire):
    up(cloud, settings)
    layer.delete(cloud, settings)
    return differing(cloud, settings)


def dead_target(cloud, settings, wire):
    buckets.create(cloud, settings)
    theirs = rule(LambdaFunctionArn=GONE, Events=["s3:ObjectRemoved:*"])
    notify(cloud, settings, LambdaFunctionConfigurations=[theirs])
    sees = refused(up, cloud, settings)
    notify(cloud, settings)
    return sees


def overlapping_rules(cloud, settings, wire):
    buckets.create(cloud, settings)
    notify(cloud, settings, QueueConfigurations=[rule(QueueArn=QUEUE)])
    sees = refused(up, cloud, settings)
    notify(cloud, settings)
    return sees


def other_notifications(cloud, settings, wire):
    cloud.sqs.create_queue(QueueName="audit")
    buckets.create(cloud, settings)
    theirs = rule(QueueArn=QUEUE, Events=["s3:ObjectRemoved:*"])
    notify(cloud, settings, QueueConfigurations=[theirs])
    up(cloud, settings)
    bucket = settings.source_bucket
    rules = cloud.s3.get_bucket_notification_configuration(Bucket=bucket)
    stood = len(rules["QueueConfigurations"])
    pipeline.down(cloud, settings)
    return f"`up` keeps the other {stood} rule beside ours"


def permission_twice(cloud, settings, wire):
    up(cloud, settings)
    wire.calls.clear()
    up(cloud, settings)
    assert wire.mutations == []
    return "nothing: the second run changes nothing"


def suffix_of_another_case(cloud, settings, wire):
    up(cloud, settings)
    waiting = logs.wait_for(cloud, settings, ["A.JPG"], datetime.now(UTC), 0)
    return refused(list, waiting)


def parts_do_nothing(cloud, settings, wire):
    up(cloud, settings)
    only_put(cloud, settings)
    return differing(cloud, settings)


def statement_missing(cloud, settings, wire):
    up(cloud, settings)
    without_policy(role.THUMBNAILS)(cloud, settings)
    return differing(cloud, settings)


def update_goes_on_for_ever(cloud, settings, wire):
    up(cloud, settings)
    said = "The operation cannot be performed at this time. An update is in progress"
    code = "ResourceConflictException"
    wire.fail("UpdateFunctionConfiguration", code, said, 409, times=99)
    return refused(up, cloud, settings, memory_mb=1024)


def one_bucket_for_both(cloud, settings, wire):
    return refused(up, cloud, settings, target_bucket=settings.source_bucket)


def bucket_not_empty(cloud, settings, wire):
    up(cloud, settings)
    name = settings.source_bucket
    version(cloud, name)
    cloud.s3.put_object(Bucket=name, Key="a.jpg", Body=b"1")
    cloud.s3.delete_object(Bucket=name, Key="a.jpg")
    return repr(pipeline.down(cloud, settings))


def teardown_fails_in_the_middle(cloud, settings, wire):
    up(cloud, settings)
    said = "not authorized to perform: lambda:DeleteFunction"
    wire.fail("DeleteFunction", "AccessDeniedException", said, 403)
    return repr(pipeline.down(cloud, settings)).splitlines()[0]


def no_credentials(cloud, settings, wire):
    return refused(connect, "aws", region="eu-west-1", say=quiet)


#: What people search for → the fault.
FAULTS = {
    "cannot import name '_imaging'": wheel_of_another_processor,
    "handler not found": handler_that_is_not_there,
    "layer missing": layer_deleted,
    "code storage is full": answered(
        "PublishLayerVersion",
        "CodeStorageExceededException",
        "Code storage limit exceeded.",
    ),
    "cannot be assumed by Lambda": answered(
        "CreateFunction", "InvalidParameterValueException", NO_ROLE, times=9
    ),
    "not authorized: iam:CreateRole": may_not(
        "CreateRole", "AccessDenied", "CreateRole"
    ),
    "not authorized: iam:PassRole": may_not(
        "CreateFunction", "AccessDeniedException", "PassRole"
    ),
    "Unable to validate the destination": dead_target,
    "Configuration is ambiguously defined": overlapping_rules,
    "other notifications vanish": other_notifications,
    "statement id already exists": permission_twice,
    "an upload does nothing: .JPG": suffix_of_another_case,
    "big files do nothing": parts_do_nothing,
    "AccessDenied on GetObject": statement_missing,
    "public policy refused": answered(
        "PutBucketPolicy", "AccessDenied", PUBLIC, 403, 9
    ),
    "BucketAlreadyExists": answered(
        "CreateBucket",
        "BucketAlreadyExists",
        "The requested bucket name is not available.",
        409,
    ),
    "a bucket of somebody else": answered("HeadBucket", "403", "Forbidden", 403),
    "an update is in progress": update_goes_on_for_ever,
    "source and target are one": one_bucket_for_both,
    "BucketNotEmpty": bucket_not_empty,
    "a teardown that fails in the middle": teardown_fails_in_the_middle,
    "expired token": answered("HeadBucket", "400", "Bad Request", times=2),
    "NoCredentialsError": no_credentials,
}


def each_fault(cloud, settings, wire):
    """Put one fault after the other into an empty account: (symptom, what is seen)."""
    for symptom, fault in FAULTS.items():
        forget()
        wire.reset()
        with pytest.MonkeyPatch.context() as patch:
            if fault is no_credentials:
                for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                    patch.delenv(name, raising=False)
            sees = fault(cloud, settings, wire)
        wire.reset()
        yield symptom, sees


@pytest.mark.slow
def test_the_next_run_mends_every_fault(cloud, settings, wire, no_delays, matrix):
    rows = []
    for symptom, sees in each_fault(cloud, settings, wire):
        remains = left(cloud, settings)
        up(cloud, settings)
        assert pipeline.status(cloud, settings).ready, symptom
        assert pipeline.down(cloud, settings).left == (), symptom
        rows.append(Row(symptom, sees, remains, "`up`: ready; `down`: nothing left"))
    matrix("what people hit", rows)


def test_every_fault_is_told(cloud, settings, wire, no_delays):
    """In the words that the matrix has for it."""
    stored = sections()["what people hit"]
    for (symptom, sees), row in zip(
        each_fault(cloud, settings, wire), stored, strict=True
    ):
        assert row.startswith(f"| {symptom} | {shown(sees)} |")
