"""The contract of deploy/local/FIDELITY.md: for a row of its table, a test here.

Or in another file, where more of the same is tested.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError
from support.bench import Bench, fetch, refused, until, zipped
from support.local_cloud import kill
from urllib3 import encode_multipart_formdata

from deploy import connect, logs, pipeline, policies, runtimes, settings_for
from deploy.__main__ import main
from deploy.cloud import Cloud
from deploy.errors import LocalCloudError
from deploy.home import CHECKOUT
from deploy.local import server
from deploy.steps import buckets

TABLE = Path(server.__file__).with_name("FIDELITY.md")
TESTS = Path(__file__).parents[2]


@pytest.fixture
def own(own_folder: Path) -> Bench:
    """A bench on a local cloud of the test's own, to be killed."""
    return Bench(connect("local", say=lambda line: None))


def test_every_row_has_a_test_and_every_test_a_row():
    rows = re.findall(r"^\|[^|]+\| \w+ \| `(\w+)` \|", TABLE.read_text("utf-8"), re.M)
    here, *others = map(names_in, [Path(__file__), *TESTS.rglob("test_*.py")])
    here.remove("every_row_has_a_test_and_every_test_a_row")
    assert here <= {*rows} <= here.union(*others)


def names_in(file: Path) -> set[str]:
    """The names of a module's tests."""
    return {*re.findall(r"^def test_(\w+)", file.read_text("utf-8"), re.M)}


# --- buckets and policies ------------------------------------------------------------


def test_block_public_access_is_on(bench):
    answer = bench.cloud.s3.get_public_access_block(Bucket=bench.bucket())
    assert set(answer["PublicAccessBlockConfiguration"].values()) == {True}


def test_public_policy_is_refused(bench):
    bucket = bench.bucket()
    arn = f"arn:aws:s3:::{bucket}/*"
    anyone = policies.statement("s3:GetObject", arn, principal="*")
    document = json.dumps(policies.document(anyone))
    call = bench.cloud.s3.put_bucket_policy
    assert refused(lambda: call(Bucket=bucket, Policy=document)) == "AccessDenied"


def test_refusals_name_the_resource(bench):
    bucket = bench.bucket()
    bench.put(bucket, "a")
    function = bench.function(READ, bench.role())
    said = bench.invoke(function, {"Bucket": bucket, "Key": "a"})["errorMessage"]
    assert (
        f'is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::'
        f'{bucket}/a" because no identity-based policy allows the s3:GetObject action'
    ) in said


def test_buckets_take_http(bench):
    settings = settings_for(bench.cloud, name=bench.name, backup=True)
    assert bench.cloud.endpoint.startswith("http:")
    parts = buckets.names(settings)
    written = [buckets.policy(settings, part) for part in parts]
    assert written == [None, policies.document(buckets.public_read(settings)), None]


def test_acls_are_off(bench):
    bucket = bench.bucket()
    bench.put(bucket, "a")
    call = bench.cloud.s3.put_object_acl
    error = refused(lambda: call(Bucket=bucket, Key="a", ACL="bucket-owner-read"))
    assert error == "AccessControlListNotSupported"


READ = """
import boto3
def handler(event, context):
    boto3.client("s3").get_object(**event)
"""


def test_permissions_have_aws_names(bench):
    cloud = bench.cloud
    here = f"{cloud.region}:{cloud.account}"
    allowed = {
        "logs:DescribeLogGroups": f"arn:aws:logs:{here}:log-group:*",
        "lambda:ListLayerVersions": f"arn:aws:lambda:{here}:layer:mine",
    }
    statements = [policies.statement(*item) for item in allowed.items()]
    session = boto3.Session(*bench.user(*statements))
    user = Cloud(session, cloud.account, cloud.region, "local", cloud.endpoint)
    user.logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/a")
    user.awslambda.list_layer_versions(LayerName="mine")
    with pytest.raises(ClientError, match="AccessDenied"):
        user.awslambda.list_layer_versions(LayerName="theirs")


def test_presigned_link_works(bench):
    bucket = bench.bucket()
    bench.put(bucket, "a b+é", b"hello")
    url = bench.cloud.s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "a b+é"}, ExpiresIn=60
    )
    assert fetch(url) == (200, b"hello")
    assert fetch(url.replace("X-Amz-Signature=", "X-Amz-Signature=0"))[0] == 403


@pytest.mark.slow
def test_a_form_may_have_100_mb(bench):
    bucket = bench.bucket()
    post = bench.cloud.s3.generate_presigned_post(bucket, "a")
    fields = post["fields"] | {"file": b""}
    empty, kind = encode_multipart_formdata(fields, "x")

    def sent(size: int) -> tuple[int, bytes]:
        file = {"file": bytes(size - len(empty))}
        body, _ = encode_multipart_formdata(fields | file, "x")
        return fetch(post["url"], body, **{"Content-Type": kind})

    assert sent(100_000_000)[0] == 204
    status, answer = sent(100_000_001)
    assert status == 400 and b"EntityTooLarge" in answer
    listed = bench.cloud.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [item["Size"] < 100_000_000 for item in listed] == [True]


def test_bucket_not_empty(bench):
    bucket = bench.bucket()
    bench.put(bucket, "a")
    call = bench.cloud.s3.delete_bucket
    assert refused(lambda: call(Bucket=bucket)) == "BucketNotEmpty"


def test_conditional_writes(bench):
    put, bucket = bench.cloud.s3.put_object, bench.bucket()
    etag = put(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")["ETag"]
    code = refused(lambda: put(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*"))
    assert code == "PreconditionFailed"
    put(Bucket=bucket, Key="a", Body=b"3", IfMatch=etag)
    code = refused(lambda: put(Bucket=bucket, Key="a", Body=b"4", IfMatch=etag))
    assert code == "PreconditionFailed"


def copied(bench, **conditions):
    bucket = bench.bucket()
    bench.put(bucket, "a")
    bench.put(bucket, "b", b"another")
    source = {"CopySource": {"Bucket": bucket, "Key": "a"}}
    where = {"Bucket": bucket, "Key": "b", "ChecksumAlgorithm": "SHA256"}
    return bench.cloud.s3.copy_object(**where, **source, **conditions)


def test_copy_checks_its_source(bench):
    code = refused(lambda: copied(bench, CopySourceIfMatch='"another"'))
    assert code == "PreconditionFailed"


def test_copy_overwrites_in_spite_of_its_condition(bench):
    assert copied(bench, IfNoneMatch="*")["CopyObjectResult"]["ETag"]


def test_copy_tells_no_checksum(bench):
    assert "ChecksumSHA256" not in copied(bench)["CopyObjectResult"]


# --- events --------------------------------------------------------------------------


def test_events_have_sequencers(bench):
    bucket, function = bench.watched()
    for body in (b"one", b"three"):
        etag = bench.put(bucket, "a", body)["ETag"]
    things = [record["s3"]["object"] for record in bench.records(function, 2)]
    first, last = sorted(things, key=lambda thing: thing["sequencer"])
    assert first["sequencer"] < last["sequencer"]
    assert last["eTag"] == etag.strip('"') and last["size"] == 5


@pytest.mark.slow
def test_multipart_is_its_own_event(bench, tmp_path):
    bucket, function = bench.watched()
    (tmp_path / "large").write_bytes(bytes(9 * 1024 * 1024))
    bench.cloud.s3.upload_file(str(tmp_path / "large"), bucket, "large")
    (record,) = bench.records(function)
    assert record["eventName"] == "ObjectCreated:CompleteMultipartUpload"


def test_copy_is_its_own_event(bench):
    bucket, function = bench.watched()
    bench.put(bucket, "a")
    bench.cloud.s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    names = {record["eventName"] for record in bench.records(function, 2)}
    assert names == {"ObjectCreated:Put", "ObjectCreated:Copy"}


def test_a_change_of_rules_holds_at_once(bench):
    bucket, function = bench.watched()
    bench.notify(bucket, function, ".png")
    for key in ("a.jpg", "a.png"):
        bench.put(bucket, key)
    (record,) = bench.records(function)
    assert record["s3"]["object"]["key"] == "a.png"


# --- functions -----------------------------------------------------------------------

FAIL = "def handler(event, context):\n    raise RuntimeError('on purpose')\n"
SEND = policies.statement("sqs:SendMessage", "*")


def kept(bench: Bench, function: str) -> Callable[[], list[dict]]:
    """Give a function an on-failure queue; return what reads its records."""
    url, arn = bench.queue()
    destination = {"Destination": arn}
    bench.cloud.awslambda.put_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnFailure": destination}
    )

    def received() -> list[dict]:
        answer = bench.cloud.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    return received


def test_alarms_are_not_looked_at(bench):
    function = bench.function("def handler(event, context):\n    raise OSError\n")
    dimensions = [{"Name": "FunctionName", "Value": function}]
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors"}
    client = bench.cloud.cloudwatch
    client.put_metric_alarm(
        AlarmName=function,
        **metric,
        Dimensions=dimensions,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        Tags=[{"Key": "a", "Value": "b"}],
    )
    before = client.describe_alarms(AlarmNames=[function])["MetricAlarms"]
    bench.invoke(function)
    (counted,) = client.list_metrics(**metric, Dimensions=dimensions)["Metrics"]
    (alarm,) = client.describe_alarms(AlarmNames=[function])["MetricAlarms"]
    tags = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert counted["MetricName"] == "Errors" and tags == [{"Key": "a", "Value": "b"}]
    assert alarm["StateValue"] == before[0]["StateValue"]


@pytest.mark.slow
def test_a_retry_runs_what_was_mended(bench):
    function = bench.function(FAIL)
    client = bench.cloud.awslambda
    bench.send(function, {})
    until(lambda: any(line.startswith("START") for line in bench.lines(function)))
    mended = "def handler(event, context):\n    print('mended')\n"
    client.update_function_code(FunctionName=function, ZipFile=zipped(mended))
    until(lambda: "mended" in bench.lines(function))
    assert sum(line == "mended" for line in bench.lines(function)) == 1


#: Takes as long as it is told.
SLEEP = (
    "import time\n"
    "def handler(event, context):\n"
    "    time.sleep(event['seconds'])\n"
    "    print('ran', event['seconds'])\n"
)


def cap(bench: Bench, function: str, count: int) -> None:
    bench.cloud.awslambda.put_function_concurrency(
        FunctionName=function, ReservedConcurrentExecutions=count
    )


@pytest.mark.slow
def test_throttled_events_wait(bench, capsys):
    function = bench.function(SLEEP, Timeout=10)
    cap(bench, function, 1)
    bench.send(
        function, {"seconds": 5}
    )  # longer than the retries of a failed event take
    time.sleep(1)
    bench.send(function, {"seconds": 0})
    assert main(["local", "status"]) == 0
    assert re.search(r"\d+ events wait", capsys.readouterr().out)
    until(lambda: "ran 0" in bench.lines(function), 20)
    lines = bench.lines(function)
    assert lines.index("ran 5") < lines.index("ran 0")


def test_only_boto3_is_there(bench):
    code = (
        "def handler(event, context):\n"
        "    import boto3\n"
        "    import importlib.util\n"
        "    names = ('PIL', 'numpy', 'IPython', 'deploy', 'pytest')\n"
        "    return [n for n in names if importlib.util.find_spec(n)]\n"
    )
    assert bench.invoke(bench.function(code)) == []


@pytest.mark.slow
def test_a_description_keeps_the_warm(bench):
    code = (
        "seen = []\n"
        "def handler(event, context):\n"
        "    seen.append(1)\n"
        "    return len(seen)\n"
    )
    function = bench.function(code)
    change = bench.cloud.awslambda.update_function_configuration
    assert bench.invoke(function) == 1
    change(FunctionName=function, Description="other words")
    assert bench.invoke(function) == 2
    change(FunctionName=function, MemorySize=256)
    assert bench.invoke(function) == 1


def test_log_has_report(bench):
    function = bench.function("def handler(event, context):\n    print('hello')\n")
    bench.invoke(function)
    kinds = [line.split(" ")[0] for line in bench.lines(function)]
    assert kinds == ["START", "hello", "END", "REPORT"]
    assert "Init Duration" not in bench.lines(function)[-1]


@pytest.mark.slow
def test_permission_counts_at_delivery(bench):
    bucket, closed = bench.watched()
    bench.cloud.awslambda.remove_permission(FunctionName=closed, StatementId="s3")
    bench.put(bucket, "a")
    other, opened = bench.watched()
    bench.put(other, "b")
    assert bench.records(opened)[0]["s3"]["object"]["key"] == "b"
    assert bench.lines(closed) == []


IMPORTS = "import pictures\ndef handler(event, context):\n    return pictures.NAME\n"


def test_a_layer_needs_its_folder(bench):
    def invoked(path: str) -> Any:
        layer = bench.layer(zipped("NAME = 'here'\n", path))["LayerVersionArn"]
        return bench.invoke(bench.function(IMPORTS, Layers=[layer]))

    assert invoked("python/pictures.py") == "here"
    answer = invoked("pictures.py")
    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert answer["errorMessage"] == (
        "Unable to import module 'index': No module named 'pictures'"
    )


@pytest.mark.parametrize(
    ("name", "handler", "missing"),
    [
        ("app.py", "handler.app.main", "handler"),
        ("package/app.py", "app.main", "app"),
        ("handler/app.py", "handler.main.main", "handler.main"),
    ],
)
def test_a_zip_needs_its_folder(bench, name, handler, missing):
    code = zipped("def main(event, context):\n    return 1\n", name)
    function = bench.function(Code={"ZipFile": code}, Handler=handler)
    answer = bench.invoke(function)
    assert answer["errorType"] == "Runtime.ImportModuleError"
    module = handler.rpartition(".")[0]
    assert answer["errorMessage"] == (
        f"Unable to import module '{module}': No module named '{missing}'"
    )


def test_layer_lists_only_filter(bench):
    layer = bench.layer(zipped(""), CompatibleRuntimes=["nodejs22.x"])
    assert bench.function(Layers=[layer["LayerVersionArn"]])


@pytest.mark.slow
def test_memory_is_not_limited(bench):
    code = "def handler(event, context):\n    return len(bytearray(200_000_000))\n"
    assert bench.invoke(bench.function(code, MemorySize=128)) == 200_000_000


def test_timeout_stops_it(bench):
    code = "import time\ndef handler(event, context):\n    time.sleep(9)\n"
    answer = bench.invoke(bench.function(code, Timeout=1))
    assert "Task timed out after 1.00 seconds" in answer["errorMessage"]


@pytest.mark.slow
def test_import_errors_in_answer_only(bench):
    function = bench.function("import no_such_module\n")
    answer = bench.invoke(function)
    assert "No module named 'no_such_module'" in answer["errorMessage"]
    assert not any("no_such_module" in line for line in bench.lines(function))


@pytest.mark.slow
def test_a_change_lets_runs_end(bench):
    """Those that run, and those whose Python is just starting."""
    code = (
        "import time\ndef handler(event, context):\n    time.sleep(0.5)\n    return 1\n"
    )
    function, client = bench.function(code), bench.cloud.awslambda
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(bench.invoke, [function] * 8)
        for seconds in range(20, 26):
            client.update_function_configuration(FunctionName=function, Timeout=seconds)
            client.get_waiter("function_updated_v2").wait(
                FunctionName=function, WaiterConfig={"Delay": 0.1}
            )
        assert [*answers] == [1] * 8


def test_namespace_is_not_checked(bench):
    name = f"b-{uuid4().hex}"  # AWS would want account, region and "-an" at its end
    bench.cloud.s3.create_bucket(Bucket=name, BucketNamespace="account-regional")
    assert bench.cloud.s3.head_bucket(Bucket=name)


# --- CloudFormation ------------------------------------------------------------------


def test_a_stack_leaves_no_worker(bench):
    name, client = f"f-{uuid4().hex}", bench.cloud.client("cloudformation")
    properties = {"FunctionName": name, "Runtime": runtimes.machine_runtime()}
    properties |= {"Role": bench.role(), "Handler": "index.handler"}
    says = "import os\ndef handler(event, context):\n    return os.getpid()\n"
    properties |= {"Code": {"ZipFile": says}}
    function = {"Type": "AWS::Lambda::Function", "Properties": properties}
    body = json.dumps({"Resources": {"Function": function}})
    client.create_stack(StackName=name, TemplateBody=body)
    client.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    worker = bench.invoke(name)
    assert psutil.pid_exists(worker)
    client.delete_stack(StackName=name)
    until(lambda: not psutil.pid_exists(worker))


# --- restarts and files --------------------------------------------------------------


@pytest.mark.slow
def test_events_wait_for_room(small_disk):
    """A cold function unpacks its layer: the upload is not lost."""
    cloud = connect("local", say=lambda line: None)
    settings = settings_for(cloud, name="room")
    pipeline.up(cloud, settings, say=lambda line: None)
    filler = server.folder() / "filler"
    room = shutil.disk_usage(server.folder()).free
    filler.write_bytes(bytes(room - 1_000_000))
    body = (CHECKOUT / "images" / "samples" / "this-side-up.jpg").read_bytes()
    since = datetime.now(UTC)
    cloud.s3.put_object(Bucket=settings.source_bucket, Key="a.jpg", Body=body)
    with pytest.raises(LocalCloudError, match="Functions wait"):
        [*logs.wait_for(cloud, settings, ["a.jpg"], since)]
    deadline = time.monotonic() + 8
    while server.waiting() and time.monotonic() < deadline:
        time.sleep(0.1)  # three tries and their pauses take less
    assert server.waiting() == 1 and "Functions wait" in server.notice()
    filler.unlink()
    small_disk()
    where = {"Bucket": settings.target_bucket, "Key": "thumbnails/a.jpg"}
    cloud.s3.get_waiter("object_exists").wait(**where, WaiterConfig={"Delay": 1})
    assert cloud.s3.head_object(**where)["ContentLength"]


@pytest.mark.slow
def test_unfinished_parts_are_lost(own, own_folder):
    bucket = own.bucket()
    own.cloud.s3.create_multipart_upload(Bucket=bucket, Key="a")
    server.stop(own_folder)
    server.start(own_folder, say=lambda line: None)
    answer = own.cloud.s3.list_multipart_uploads(Bucket=bucket)
    assert answer.get("Uploads", []) == []


def test_retries_in_flight_survive(own, own_folder):
    function = own.function(FAIL, own.role(SEND))
    received = kept(own, function)
    own.send(function, {"number": 7})
    until(lambda: any(line.startswith("START") for line in own.lines(function)))
    kill(own_folder)
    server.start(own_folder, say=lambda line: None)
    until(received)
    (record,) = received()
    assert record["requestPayload"] == {"number": 7}


def test_keys_are_bytes(bench):
    bucket = bench.bucket()
    keys = ["A.jpg", "a.jpg", "\u00e9.jpg", "e\u0301.jpg"]
    for number, key in enumerate(keys):
        bench.put(bucket, key, str(number).encode())
    bodies = [
        bench.cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys
    ]
    assert bodies == [b"0", b"1", b"2", b"3"]


def test_key_below_a_key(bench):
    bucket = bench.bucket()
    bench.put(bucket, "a", b"1")
    bench.put(bucket, "a/b", b"2")
    assert bench.cloud.s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    assert bench.cloud.s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"2"


# --- a queue before the function -----------------------------------------------------

TAKE = policies.statement(
    ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "*"
)
#: Says what it got; fails what is called "bad"; and takes its time.
TAKES = (
    "import json, time\n"
    "def handler(event, context):\n"
    "    time.sleep(PAUSE)\n"
    "    print('took', time.time() - PAUSE, time.time(), flush=True)\n"
    "    for record in event['Records']:\n"
    "        print('saw', record['body'], flush=True)\n"
    "    bad = [r['messageId'] for r in event['Records'] if r['body'] == 'bad']\n"
    "    return {'batchItemFailures': [{'itemIdentifier': name} for name in bad]}\n"
)


def mapped(bench: Bench, pause: float = 0, queue: dict | None = None, **options: Any):
    """A queue and a function behind it; return the queue's URL and the function."""
    url, arn = bench.queue(**{"VisibilityTimeout": "10"} | (queue or {}))
    code = TAKES.replace("PAUSE", str(pause))
    function = bench.function(code, bench.role(TAKE), Timeout=2)
    bench.cloud.awslambda.create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=function,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        **options,
    )
    return url, function


def tell(bench: Bench, url: str, *bodies: str) -> None:
    for body in bodies:
        bench.cloud.sqs.send_message(QueueUrl=url, MessageBody=body)


def at_once(bench: Bench, function: str, count: int) -> int:
    """Wait for so many batches, and return how many ran at the same time at most."""

    def took() -> list[list[str]]:
        lines = (line.split() for line in bench.lines(function))
        return [words[1:] for words in lines if words[:1] == ["took"]]

    until(lambda: len(took()) >= count, 30)
    spans = [(float(start), float(end)) for start, end in took()]
    return max(sum(s <= start < e for s, e in spans) for start, _ in spans)


def test_a_queue_lets_s3_in(bench):
    bucket = bench.bucket()
    url, arn = bench.queue()
    rules = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]

    def notify():
        bench.cloud.s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": rules}
        )

    assert refused(notify) == "InvalidArgument"
    s3 = {"Service": "s3.amazonaws.com"}
    condition = {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}}
    statement = SEND | {"Principal": s3, "Resource": arn, "Condition": condition}
    policy = json.dumps(policies.document(statement))
    bench.cloud.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    notify()


def test_a_mapping_needs_the_role(bench):
    (_, arn), function = bench.queue(), bench.function()
    with pytest.raises(ClientError, match="permissions to call ReceiveMessage on SQS"):
        bench.cloud.awslambda.create_event_source_mapping(
            EventSourceArn=arn, FunctionName=function
        )


def test_a_mapping_needs_the_timeout(bench):
    with pytest.raises(ClientError, match="Queue visibility timeout: 1 seconds is les"):
        mapped(bench, queue={"VisibilityTimeout": "1"})


@pytest.mark.slow
def test_a_mapping_keeps_its_cap(bench):
    scaling = {"MaximumConcurrency": 2}
    url, function = mapped(bench, pause=0.3, BatchSize=1, ScalingConfig=scaling)
    tell(bench, url, *"abcdefgh")
    assert at_once(bench, function, 8) == 2


@pytest.mark.slow
def test_a_mapping_without_a_cap_stays_at_five(bench):
    url, function = mapped(bench, pause=1, BatchSize=1)
    tell(bench, url, *"abcdefghij")
    assert 2 < at_once(bench, function, 10) <= 5


@pytest.mark.slow
def test_failed_too_often_is_kept(bench):
    dead, arn = bench.queue()
    redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": 2}
    attributes = {"VisibilityTimeout": "2", "RedrivePolicy": json.dumps(redrive)}
    url, function = mapped(bench, queue=attributes)
    tell(bench, url, "bad")

    def received() -> list[dict]:
        return bench.cloud.sqs.receive_message(QueueUrl=dead).get("Messages", [])

    until(received)
    assert bench.lines(function).count("saw bad") == 2


# --- storage classes -----------------------------------------------------------------


def lifecycle(bench: Bench, bucket: str, **action: Any) -> None:
    rule = {"ID": "one", "Status": "Enabled", "Filter": {"Prefix": ""}, **action}
    bench.cloud.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )


def test_storage_classes_are_kept(bench):
    bucket = bench.bucket()
    place = {"Bucket": bucket, "Key": "a"}
    bench.cloud.s3.put_object(**place, Body=b"x", StorageClass="STANDARD_IA")
    (item,) = bench.cloud.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert item["StorageClass"] == "STANDARD_IA"
    assert bench.cloud.s3.head_object(**place)["StorageClass"] == "STANDARD_IA"


def test_lifecycle_rules_do_not_run(bench):
    bucket = bench.bucket()
    bench.put(bucket, "a")
    move = {"Days": 7, "StorageClass": "STANDARD_IA"}
    lifecycle(bench, bucket, Transitions=[move])  # taken since July 2026
    lifecycle(bench, bucket, Expiration={"Date": "2020-01-01T00:00:00Z"})
    assert bench.cloud.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_batch_operations_are_not_there(bench):
    url = f"{bench.cloud.endpoint}/v20180820/jobs"  # ListJobs
    status, _ = fetch(url, **{"x-amz-account-id": bench.cloud.account})
    assert status in (400, 403, 404)
