"""`check` sees every broken state that it claims to see: one thing broken at a time."""

from __future__ import annotations

import dataclasses
import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from support.moto_cloud import ACCOUNT, REGION, Wire, standing
from workbook import check, checks

from deploy import notifications, pipeline
from deploy.cloud import Cloud
from deploy.errors import DeployError
from deploy.settings import TAG, Settings
from deploy.steps import alarms, buckets, failures, function, layer, role, trigger
from deploy.steps import queue as queue_step
from deploy.tracing import trace

BUILT = {2: buckets, 3: role, 4: layer, 5: function, 6: trigger}
NEEDS = {
    2: (2,),
    3: (3,),
    4: (4,),
    5: (3, 4, 5),
    6: (2, 3, 4, 5, 6),
    7: (2,),
    8: (),
    9: (2, 3, 4, 5, 6),
    10: (2, 3, 4, 5, 6),
    11: (),
}


@dataclass
class World:
    """What a fault is done to: `plain` is past the rules that refuse what AWS does."""

    cloud: Cloud
    settings: Settings
    wire: Wire
    plain: Cloud

    @property
    def source(self) -> str:
        return self.settings.source_bucket

    @property
    def target(self) -> str:
        return self.settings.target_bucket


@pytest.fixture(scope="session")
def plain() -> Cloud:
    session = boto3.Session("test", "test", region_name=REGION)
    return Cloud(session, ACCOUNT, REGION, "aws")


@pytest.fixture
def world(cloud: Cloud, settings: Settings, wire: Wire, plain: Cloud) -> World:
    return World(cloud, settings, wire, plain)


def build(world: World, step: int) -> None:
    standing(step, lambda: create(world, step))
    if step == 7:
        watched(world)
    if step == 9:
        effects(world)
    if step == 10:
        platform(world)


def create(world: World, step: int) -> None:
    for number in NEEDS[step]:
        BUILT[number].create(world.cloud, world.settings)
    if step == 8:
        pipeline.up(world.cloud, world.settings, reliable=True, say=lambda line: None)


def watched(world: World, outcome: str = "made") -> None:
    """Leave what an upload leaves: a source, a thumbnail, a line in the log."""
    key = "photo.jpg"
    thumbnail = world.settings.thumbnail_prefix + key
    world.cloud.s3.put_object(Bucket=world.source, Key=key, Body=b"photo")
    world.cloud.s3.put_object(Bucket=world.target, Key=thumbnail, Body=b"small")
    logged(world, key, outcome)


def effects(world: World) -> None:
    """Leave what the recipes leave: a rendition, labels, and a clone of the source."""
    with_backup = dataclasses.replace(world.settings, backup=True)
    buckets.create(world.cloud, with_backup)
    for bucket in (world.source, with_backup.backup_bucket):
        world.cloud.s3.put_object(Bucket=bucket, Key="photo.jpg", Body=b"photo")
    for key in ("thumbnails/photo.jpg", "renditions/wide/photo.jpg"):
        labels = {"labels": "coast=0.90"}
        place = {"Bucket": world.target, "Key": key}
        world.cloud.s3.put_object(**place, Body=b"small", Metadata=labels)


def platform(world: World) -> None:
    """Leave what the platform leaves: a rare source, and a thumbnail of its bytes."""
    rare(world, world.source, "photo.jpg")
    etag = world.cloud.s3.head_object(Bucket=world.source, Key="photo.jpg")["ETag"]
    world.cloud.s3.put_object(
        Bucket=world.target,
        Key="thumbnails/photo.jpg",
        Body=b"small",
        Metadata={"source-etag": etag.strip('"')},
    )


def logged(world: World, key: str, outcome: str) -> None:
    where = {"logGroupName": world.settings.log_group, "logStreamName": "one"}
    world.cloud.logs.create_log_group(logGroupName=world.settings.log_group)
    world.cloud.logs.create_log_stream(**where)
    done = datetime.now(UTC).isoformat()
    line = {"key": key, "outcome": outcome, "ms": 1.0, "cold": True, "done": done}
    line |= {"bucket": world.source, "request_id": "1"}
    event = {"timestamp": int(time.time() * 1000), "message": json.dumps(line)}
    world.cloud.logs.put_log_events(logEvents=[event], **where)


# --- what can be broken --------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, the lines it must turn red, and a word of the remedy."""

    step: int
    name: str
    break_it: Callable[[World], object]
    red: set[str] = field(hash=False)
    says: str


FAULTS: list[Fault] = []


def fault(step: int, red: str | set[str], says: str) -> Callable:
    def add(break_it: Callable[[World], object]) -> Callable:
        names = {red} if isinstance(red, str) else red
        name = f"{step}-{break_it.__name__}"
        FAULTS.append(Fault(step, name, break_it, names, says))
        return break_it

    return add


def policy_of(world: World, bucket: str, *statements: dict, bare: bool = False) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    if bare:
        (document["Statement"],) = statements
    world.plain.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))


def allow(action: str, resource: str, principal: object = "*", **more: object) -> dict:
    effect = {"Effect": "Allow", "Principal": principal}
    return effect | {"Action": action, "Resource": resource} | more


def block(world: World, bucket: str, **changes: bool) -> None:
    public = bucket == world.target
    wanted = buckets.public_access_block(public_policy=public) | changes
    world.plain.s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=wanted
    )


# 2: buckets

SOURCE_BLOCK = "the source: Block Public Access is on"
SOURCE_OPEN = "the source: no policy opens it"
TARGET_ACLS = "the target: the two ACL blocks stay on"
TARGET_LIFT = "the target: the two policy blocks are lifted"
TARGET_READ = "the target: anyone may read thumbnails/*"
TARGET_ELSE = "the target: nothing else is public"


@fault(2, "the source bucket exists", "create_bucket")
def source_missing(w):
    w.cloud.s3.delete_bucket(Bucket=w.source)


@fault(2, "the source bucket exists", "of yours")
def source_of_another_account(w):
    w.wire.refuse("HeadBucket", "403", "Forbidden", 403)


@fault(2, "the source carries our tag", "put_bucket_tagging")
def source_untagged(w):
    w.cloud.s3.delete_bucket_tagging(Bucket=w.source)


@fault(2, "the source carries our tag", "'other'")
def source_of_another_pipeline(w):
    tags = [{"Key": TAG, "Value": "other"}]
    w.cloud.s3.put_bucket_tagging(Bucket=w.source, Tagging={"TagSet": tags})


@fault(2, SOURCE_BLOCK, "put_public_access_block")
def source_unblocked(w):
    w.cloud.s3.delete_public_access_block(Bucket=w.source)


for setting in buckets.public_access_block(public_policy=False):

    @fault(2, SOURCE_BLOCK, f"{setting} is off")
    def source_lacks(w, setting=setting):
        block(w, w.source, **{setting: False})


@fault(2, SOURCE_OPEN, "s3:GetObject on")
def source_public(w):
    policy_of(w, w.source, allow("s3:GetObject", f"arn:aws:s3:::{w.source}/*"))


@fault(2, SOURCE_OPEN, "delete_bucket_policy")
def source_public_in_other_words(w):
    resource = f"arn:aws:s3:::{w.source}/*"
    statement = allow("s3:*", resource, {"AWS": ["*"]})
    policy_of(w, w.source, statement, bare=True)


@fault(2, "the target bucket exists", "create_bucket")
def target_missing(w):
    w.cloud.s3.delete_bucket(Bucket=w.target)


@fault(2, "the target carries our tag", "02_buckets")
def target_untagged(w):
    w.cloud.s3.delete_bucket_tagging(Bucket=w.target)


@fault(2, TARGET_ACLS, "BlockPublicAcls and IgnorePublicAcls are off")
def target_unblocked(w):
    w.cloud.s3.delete_public_access_block(Bucket=w.target)


@fault(2, TARGET_ACLS, "IgnorePublicAcls is off")
def target_listens_to_acls(w):
    block(w, w.target, IgnorePublicAcls=False)


@fault(2, TARGET_LIFT, "BlockPublicPolicy and RestrictPublicBuckets are on")
def target_closed(w):
    block(w, w.target, BlockPublicPolicy=True, RestrictPublicBuckets=True)


@fault(2, TARGET_LIFT, "RestrictPublicBuckets is on")
def target_half_closed(w):
    block(w, w.target, RestrictPublicBuckets=True)


@fault(2, TARGET_READ, "No statement allows")
def target_without_policy(w):
    w.cloud.s3.delete_bucket_policy(Bucket=w.target)


@fault(2, TARGET_READ, "No statement allows")
def target_public_for_one_account(w):
    only = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    resource = f"arn:aws:s3:::{w.target}/thumbnails/*"
    policy_of(w, w.target, allow("s3:GetObject", resource, only))


@fault(2, TARGET_READ, "No statement allows")
def target_public_for_some_addresses(w):
    when = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    resource = f"arn:aws:s3:::{w.target}/thumbnails/*"
    policy_of(w, w.target, allow("s3:GetObject", resource, Condition=when))


@fault(2, TARGET_READ, "a denial always wins")
def target_denied(w):
    resource = f"arn:aws:s3:::{w.target}/*"
    deny = allow("s3:Get*", resource) | {"Effect": "Deny"}
    policy_of(w, w.target, buckets.public_read(w.settings), deny)


@fault(2, TARGET_ELSE, "Too wide: the policy also opens s3:GetObject on")
def target_public_as_a_whole(w):
    policy_of(w, w.target, allow("s3:GetObject", f"arn:aws:s3:::{w.target}/*"))


@fault(2, TARGET_ELSE, "Too wide: the policy also opens s3:* on")
def target_open_for_everything(w):
    policy_of(w, w.target, allow("s3:*", f"arn:aws:s3:::{w.target}/thumbnails/*"))


@fault(2, TARGET_READ, "No statement allows")
def target_public_for_one_suffix(w):
    resource = f"arn:aws:s3:::{w.target}/thumbnails/*.jpg"
    policy_of(w, w.target, allow("s3:GetObject", resource))


@fault(2, TARGET_READ, 'should be "2012-10-17"')
def target_policy_of_an_old_version(w):
    document = {"Version": "2008-10-17", "Statement": [buckets.public_read(w.settings)]}
    w.plain.s3.put_bucket_policy(Bucket=w.target, Policy=json.dumps(document))


@fault(2, TARGET_ELSE, "s3:GetObject on")
def rejects_public_too(w):
    also = allow("s3:GetObject", f"arn:aws:s3:::{w.target}/rejected/*")
    policy_of(w, w.target, buckets.public_read(w.settings), also)


@fault(2, TARGET_ELSE, "s3:ListBucket on")
def target_listable(w):
    also = allow("s3:ListBucket", f"arn:aws:s3:::{w.target}", {"AWS": "*"})
    policy_of(w, w.target, buckets.public_read(w.settings), also)


@fault(2, TARGET_ELSE, "Too wide: the policy also opens s3:GetObject and s3:PutObject")
def target_writable(w):
    resource = f"arn:aws:s3:::{w.target}/thumbnails/*"
    both = allow("s3:GetObject", resource) | {
        "Action": ["s3:GetObject", "s3:PutObject"]
    }
    policy_of(w, w.target, both)


# 3: role

TRUST = "its trust policy lets Lambda in, and nobody else"
READ, WRITE = "it may read the source", "it may write the target"
ELSE, LOG = "it may do nothing else", "it may write its log"


def trust(world: World, **changes: object) -> None:
    document = role.trust_policy()
    document["Statement"][0] |= changes
    world.cloud.iam.update_assume_role_policy(
        RoleName=world.settings.role_name, PolicyDocument=json.dumps(document)
    )


def inline(world: World, *statements: dict, name: str = role.THUMBNAILS) -> None:
    put_inline(world, {"Version": "2012-10-17", "Statement": list(statements)}, name)


def put_inline(world: World, document: dict, name: str = role.THUMBNAILS) -> None:
    world.cloud.iam.put_role_policy(
        RoleName=world.settings.role_name,
        PolicyName=name,
        PolicyDocument=json.dumps(document),
    )


def two(world: World) -> list[dict]:
    return role.thumbnails_policy(world.settings)["Statement"]


@fault(3, "the role exists", "create_role")
def role_missing(w):
    role.delete(w.cloud, w.settings)


@fault(3, "the role carries our tag", "tag_role")
def role_untagged(w):
    w.cloud.iam.untag_role(RoleName=w.settings.role_name, TagKeys=[TAG])


@fault(3, TRUST, "does not let lambda.amazonaws.com")
def trusts_ec2(w):
    trust(w, Principal={"Service": "ec2.amazonaws.com"})


@fault(3, TRUST, "more than lambda.amazonaws.com")
def trusts_ec2_too(w):
    trust(w, Principal={"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]})


@fault(3, TRUST, "update_assume_role_policy")
def trust_denied(w):
    trust(w, Effect="Deny")


@fault(3, TRUST, "more than lambda.amazonaws.com")
def trusts_for_more(w):
    trust(w, Action=["sts:AssumeRole", "sts:TagSession"])


@fault(3, READ, "No statement allows s3:GetObject")
def may_not_read(w):
    inline(w, two(w)[1])


@fault(3, WRITE, "No statement allows s3:PutObject")
def may_not_write(w):
    inline(w, two(w)[0])


@fault(3, {READ, WRITE}, "put_role_policy")
def no_policy(w):
    w.cloud.iam.delete_role_policy(
        RoleName=w.settings.role_name, PolicyName=role.THUMBNAILS
    )


@fault(3, {READ, ELSE}, "What is there: s3:GetObject on")
def bucket_for_bucket_star(w):
    wrong = {"Resource": f"arn:aws:s3:::{w.source}"}
    inline(w, two(w)[0] | wrong, two(w)[1])


@fault(3, {WRITE, ELSE}, "What is there: s3:PutObject on")
def writes_the_wrong_bucket(w):
    wrong = {"Resource": f"arn:aws:s3:::{w.source}/*"}
    inline(w, two(w)[0], two(w)[1] | wrong)


@fault(3, READ, "Deny s3:GetObject")
def reading_denied(w):
    inline(w, two(w)[0] | {"Effect": "Deny"}, two(w)[1])


@fault(3, READ, "a denial always wins")
def reading_denied_beside(w):
    deny = {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}
    inline(w, deny, name="more")


@fault(3, READ, "Deny s3:* on")
def reading_denied_by_the_bucket(w):
    buckets.create(w.cloud, w.settings)
    deny = allow("s3:*", f"arn:aws:s3:::{w.source}/*") | {"Effect": "Deny"}
    policy_of(w, w.source, deny)


@fault(3, READ, "No statement allows")
def reads_one_suffix(w):
    wrong = {"Resource": f"arn:aws:s3:::{w.source}/*.jpg"}
    inline(w, two(w)[0] | wrong, two(w)[1])


@fault(3, {READ, WRITE}, "Version is 2008-10-17 and should be")
def policy_of_an_old_version(w):
    answer_policy(w, {"Version": "2008-10-17", "Statement": two(w)})


@fault(3, {READ, WRITE}, "Version is left out")
def policy_without_a_version(w):
    answer_policy(w, {"Statement": two(w)})


def answer_policy(world: World, document: dict) -> None:
    """Moto, as IAM's API, takes no such document; others and older roles have it."""
    text = json.dumps(document)
    world.wire.answer("GetRolePolicy", {"PolicyDocument": text})


@fault(3, TRUST, "Version is 2008-10-17")
def trust_of_an_old_version(w):
    found = w.cloud.iam.get_role(RoleName=w.settings.role_name)["Role"]
    trust = role.trust_policy() | {"Version": "2008-10-17"}
    found["AssumeRolePolicyDocument"] = json.dumps(trust)
    w.wire.answer("GetRole", {"Role": found})


@fault(3, WRITE, "No statement allows")
def writing_on_condition(w):
    when = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    inline(w, two(w)[0], two(w)[1] | when)


@fault(3, ELSE, "s3:ListBucket")
def one_statement_more(w):
    more = {"Effect": "Allow", "Action": "s3:ListBucket"}
    inline(w, *two(w), more | {"Resource": f"arn:aws:s3:::{w.source}"})


@fault(3, ELSE, "Too wide: it also has s3:* on *")
def everything_allowed(w):
    inline(w, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})


@fault(3, ELSE, "Too wide: it also has s3:GetObject on *")
def every_bucket_read(w):
    inline(w, two(w)[0] | {"Resource": "*"}, two(w)[1])


@fault(3, ELSE, "all but iam:*")
def all_but_one_service(w):
    inline(w, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})


@fault(3, ELSE, "s3:* on *")
def everything_allowed_under_a_known_name(w):
    anything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    inline(w, anything, name=role.RELIABLE)


@fault(3, ELSE, "delete_role_policy")
def second_policy(w):
    anything = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "*"}
    inline(w, anything, name="more")


@fault(3, ELSE, "policy/full")
def wide_policy_attached(w):
    wide = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    made = w.cloud.iam.create_policy(PolicyName="full", PolicyDocument=document)
    w.cloud.iam.attach_role_policy(
        RoleName=w.settings.role_name, PolicyArn=made["Policy"]["Arn"]
    )


@fault(3, LOG, "attach_role_policy")
def may_not_log(w):
    w.cloud.iam.detach_role_policy(
        RoleName=w.settings.role_name, PolicyArn=role.basic_execution(w.settings)
    )


# 4: layer

LISTED_RUNTIME = "it is listed for the function's runtime"
LISTED_PROCESSOR = "it is listed for the function's processor"
PILLOW = "its Pillow is the one that this runtime loads"


def zipped(name: str, content: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def publish(world: World, content: bytes | None = None, **changes: object) -> None:
    """Replace the layer by one that differs."""
    layer.delete(world.cloud, world.settings)
    if content is None:
        content = layer.build(world.settings).path.read_bytes()
    listed = {
        "CompatibleRuntimes": [world.settings.runtime],
        "CompatibleArchitectures": [world.settings.architecture],
    }
    world.cloud.awslambda.publish_layer_version(
        LayerName=world.settings.layer_name,
        Content={"ZipFile": content},
        **{name: value for name, value in (listed | changes).items() if value},
    )


def another(world: World) -> str:
    return "arm64" if world.settings.architecture == "x86_64" else "x86_64"


@fault(4, "the layer is published", "publish_layer_version")
def no_layer(w):
    layer.delete(w.cloud, w.settings)


@fault(4, LISTED_RUNTIME, "python3.9")
def layer_for_another_runtime(w):
    publish(w, CompatibleRuntimes=["python3.9"])


@fault(4, LISTED_RUNTIME, "names none")
def layer_for_no_runtime(w):
    publish(w, CompatibleRuntimes=[])


@fault(4, LISTED_PROCESSOR, "Publish one with")
def layer_for_another_processor(w):
    publish(w, CompatibleArchitectures=[another(w)])


@fault(4, PILLOW, "04_layer")
def layer_without_pillow(w):
    publish(w, zipped("python/hello.py"))


# 5: function

ENVIRONMENT = "its environment names the target bucket and the settings"
ONE_LAYER = "it has the Pillow layer, and no other"
CODE = "its code is the folder handler/"
KEPT = "its log is kept for a while, not for ever"
ACTIVE = "it is active"


def configure(world: World, **changes: object) -> None:
    world.plain.awslambda.update_function_configuration(
        FunctionName=world.settings.function_name, **changes
    )


def environment(world: World, *without: str, **changes: str) -> None:
    wanted = world.settings.environment | changes
    left = {name: value for name, value in wanted.items() if name not in without}
    configure(world, Environment={"Variables": left})


def answer_state(world: World, **changes: object) -> None:
    """Let the next look at the function see another state."""
    found = world.cloud.awslambda.get_function(
        FunctionName=world.settings.function_name
    )
    found["Configuration"] |= changes
    http = AWSResponse("https://aws.example", 200, {}, None)
    world.wire.answers["GetFunction"] = [(http, found)]


@fault(5, "the function exists", "create_function")
def function_missing(w):
    w.cloud.awslambda.delete_function(FunctionName=w.settings.function_name)


@fault(5, "it carries our tag", "tag_resource")
def function_untagged(w):
    w.cloud.awslambda.untag_resource(Resource=w.settings.function_arn, TagKeys=[TAG])


@fault(5, ACTIVE, "function_active_v2")
def function_pending(w):
    answer_state(w, State="Pending")


@fault(5, ACTIVE, "its last update Failed")
def update_failed(w):
    answer_state(w, LastUpdateStatus="Failed")


@fault(5, ACTIVE, "delete_function_concurrency")
def function_stopped(w):
    w.cloud.awslambda.put_function_concurrency(
        FunctionName=w.settings.function_name, ReservedConcurrentExecutions=0
    )


@fault(5, "its runtime", "'python3.9'")
def wrong_runtime(w):
    configure(w, Runtime="python3.9")


@fault(5, "its processor", "update_function_code")
def wrong_processor(w):
    answer_state(w, Architectures=[another(w)])  # moto keeps the first one for ever


@fault(5, "its memory", "MemorySize is 128 and should be 512")
def little_memory(w):
    configure(w, MemorySize=128)


@fault(5, "its timeout", "Timeout is 3 and should be 30")
def short_timeout(w):
    configure(w, Timeout=3)


@fault(5, "its handler", "'lambda_function.lambda_handler'")
def wrong_handler(w):
    configure(w, Handler="lambda_function.lambda_handler")


@fault(5, "its role", "role/other")
def another_role(w):
    configure(w, Role=f"arn:aws:iam::{ACCOUNT}:role/other")


@fault(5, ENVIRONMENT, "TARGET_BUCKET is None")
def no_target(w):
    environment(w, "TARGET_BUCKET")


@fault(5, ENVIRONMENT, "TARGET_BUCKET is 'elsewhere'")
def another_target(w):
    environment(w, TARGET_BUCKET="elsewhere")


@fault(5, ENVIRONMENT, "BOX is '64'")
def another_box(w):
    environment(w, BOX="64")


@fault(5, ENVIRONMENT, "left out")
def one_variable_more(w):
    environment(w, DEBUG="1")


@fault(5, ONE_LAYER, "Its layers are none")
def layer_not_attached(w):
    configure(w, Layers=[])


@fault(5, ONE_LAYER, "update_function_configuration")
def another_layer_attached(w):
    other = w.cloud.awslambda.publish_layer_version(
        LayerName="other", Content={"ZipFile": zipped("python/hello.py")}
    )
    configure(w, Layers=[other["LayerVersionArn"]])


@fault(5, ONE_LAYER, "not published (04_layer)")
def layer_deleted(w):
    layer.delete(w.cloud, w.settings)


@fault(5, CODE, "update_function_code")
def other_code(w):
    w.cloud.awslambda.update_function_code(
        FunctionName=w.settings.function_name, ZipFile=zipped("handler/app.py", "1")
    )


@fault(5, KEPT, "create_log_group")
def no_log_group(w):
    w.cloud.logs.delete_log_group(logGroupName=w.settings.log_group)


@fault(5, KEPT, "kept for ever")
def log_kept_for_ever(w):
    w.cloud.logs.delete_retention_policy(logGroupName=w.settings.log_group)


@fault(5, KEPT, "kept for 1 days")
def log_kept_for_a_day(w):
    w.cloud.logs.put_retention_policy(
        logGroupName=w.settings.log_group, retentionInDays=1
    )


# 6: trigger

ALLOWED = "a permission lets S3 invoke the function"
NAMES_BUCKET = "it names the source bucket"
NAMES_ACCOUNT = "it names the bucket's account"
OVERLAP = "no two rules overlap"


def permit(world: World, *without: str, sid: str = "", **changes: str) -> None:
    """Replace the permission by one that differs, or add one if it has a name."""
    if not sid:
        world.cloud.awslambda.remove_permission(
            FunctionName=world.settings.function_name, StatementId=trigger.STATEMENT_ID
        )
    wanted = trigger.permission(world.settings) | changes
    wanted |= {"StatementId": sid or wanted["StatementId"]}
    world.cloud.awslambda.add_permission(
        FunctionName=world.settings.function_name,
        **{name: value for name, value in wanted.items() if name not in without},
    )


def notify(world: World, *rules: dict) -> None:
    world.plain.s3.put_bucket_notification_configuration(
        Bucket=world.source,
        NotificationConfiguration={"LambdaFunctionConfigurations": list(rules)},
    )


def suffixed(rule: dict, value: str, name: str = "suffix") -> dict:
    return rule | {"Filter": {"Key": {"FilterRules": [{"Name": name, "Value": value}]}}}


@fault(6, ALLOWED, "add_permission")
def nobody_may_invoke(w):
    w.cloud.awslambda.remove_permission(
        FunctionName=w.settings.function_name, StatementId=trigger.STATEMENT_ID
    )


@fault(6, ALLOWED, "add_permission")
def no_function_to_invoke(w):
    w.cloud.awslambda.delete_function(FunctionName=w.settings.function_name)


@fault(6, ALLOWED, "s3.amazonaws.com")
def another_service_may_invoke(w):
    permit(w, Principal="sns.amazonaws.com")


@fault(6, ALLOWED, "lambda:InvokeFunction")
def s3_may_do_something_else(w):
    permit(w, Action="lambda:GetFunction")


@fault(6, NAMES_BUCKET, "SourceArn is arn:aws:s3:::elsewhere")
def permission_for_another_bucket(w):
    permit(w, SourceArn="arn:aws:s3:::elsewhere")


@fault(6, NAMES_BUCKET, "SourceArn is None")
def permission_for_any_bucket(w):
    permit(w, "SourceArn")


@fault(6, NAMES_ACCOUNT, "SourceAccount is None")
def permission_for_any_account(w):
    permit(w, "SourceAccount")


@fault(6, NAMES_ACCOUNT, "remove_permission")
def permission_for_another_account(w):
    permit(w, SourceAccount="999999999999")


def test_a_second_permission_for_another_bucket_is_no_fault(built):
    permit(built, SourceArn="arn:aws:s3:::elsewhere", sid="mine")
    assert checks.look(6, built.cloud, built.settings).ok


@fault(6, {NAMES_BUCKET, NAMES_ACCOUNT}, "SourceArn is None")
def a_second_permission_for_all(w):
    permit(w, "SourceArn", "SourceAccount", sid="all")


@fault(6, "a rule for .jpg", "*.jpg")
def no_jpg(w):
    notify(w, trigger.rules(w.settings)[1])


@fault(6, "a rule for .png", "put_bucket_notification_configuration")
def no_png(w):
    notify(w, trigger.rules(w.settings)[0])


@fault(6, {"a rule for .jpg", "a rule for .png"}, "No rule sends")
def no_rules(w):
    notify(w)


@fault(6, "a rule for .jpg", "No rule sends *.jpg")
def capital_jpg(w):
    jpg, png = trigger.rules(w.settings)
    notify(w, suffixed(jpg, ".JPG"), png)


@fault(6, {"a rule for .png", OVERLAP}, "No rule sends *.png")
def png_as_prefix(w):
    jpg, png = trigger.rules(w.settings)
    notify(w, jpg, suffixed(png, ".png", "prefix"))


@fault(6, "a rule for .jpg", "06_trigger")
def rule_for_another_function(w):
    jpg, png = trigger.rules(w.settings)
    notify(w, jpg | {"LambdaFunctionArn": f"{w.settings.function_arn}-old"}, png)


@fault(6, "a rule for .jpg: for every kind of upload", "CompleteMultipartUpload")
def put_alone(w):
    jpg, png = trigger.rules(w.settings)
    notify(w, jpg | {"Events": ["s3:ObjectCreated:Put"]}, png)


@fault(6, "a rule for .png: for every kind of upload", "It lacks s3:ObjectCreated:Put")
def parts_alone(w):
    jpg, png = trigger.rules(w.settings)
    notify(w, jpg, png | {"Events": ["s3:ObjectCreated:CompleteMultipartUpload"]})


@fault(6, OVERLAP, "'extra'")
def overlapping_rules(w):
    rules = trigger.rules(w.settings)
    notify(w, *rules, suffixed(rules[0], "o.jpg") | {"Id": "extra"})


# 7: watch


def forget(world: World, bucket: str, key: str) -> None:
    world.cloud.s3.delete_object(Bucket=bucket, Key=key)


@fault(7, "the source holds a photo", "upload(")
def no_photo(w):
    forget(w, w.source, "photo.jpg")


@fault(7, "the source holds a photo", ".jpg or .png")
def photo_without_rule(w):
    forget(w, w.source, "photo.jpg")
    w.cloud.s3.put_object(Bucket=w.source, Key="photo.JPG", Body=b"photo")


@fault(7, "the source holds a photo", "07_watch")
def no_source(w):
    forget(w, w.source, "photo.jpg")
    w.cloud.s3.delete_bucket(Bucket=w.source)


@fault(7, "its thumbnail stands in the target", "check(2)")
def no_thumbnail(w):
    forget(w, w.target, "thumbnails/photo.jpg")


@fault(7, "its thumbnail stands in the target", "None of the 1 photos")
def thumbnail_of_another(w):
    no_thumbnail(w)
    w.cloud.s3.put_object(Bucket=w.target, Key="thumbnails/other.jpg", Body=b"small")


@fault(7, "the log says that it was made", "check(3)")
def no_log(w):
    w.cloud.logs.delete_log_group(logGroupName=w.settings.log_group)


@fault(7, "the log says that it was made", "Upload again")
def log_says_failed(w):
    no_log(w)
    logged(w, "photo.jpg", "failed")


@fault(7, "the log says that it was made", "no word of it")
def log_of_another(w):
    no_log(w)
    logged(w, "other.jpg", "made")


# 8: failures


@fault(8, "the buckets are as they should be", "02_buckets")
def lab_closed_the_target(w):
    closed = buckets.public_access_block(public_policy=False)
    w.cloud.s3.put_public_access_block(
        Bucket=w.target, PublicAccessBlockConfiguration=closed
    )


@fault(8, "the role may do what the function needs, and no more", "03_role")
def lab_took_a_policy(w):
    w.cloud.iam.delete_role_policy(
        RoleName=w.settings.role_name, PolicyName=role.THUMBNAILS
    )


@fault(8, "the role may do what the function needs, and no more", "Too wide")
def lab_left_everything_allowed(w):
    anything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    inline(w, anything, name="more")


@fault(8, "the role may do what the function needs, and no more", "denial always")
def lab_left_a_denial(w):
    deny = {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}
    inline(w, deny, name="more")


@fault(
    8,
    {
        "the buckets are as they should be",
        "the role may do what the function needs, and no more",
    },
    "Deny s3:* on",
)
def lab_left_a_denial_on_the_bucket(w):
    deny = allow("s3:*", f"arn:aws:s3:::{w.source}/*") | {"Effect": "Deny"}
    policy_of(w, w.source, deny)


@fault(8, "the role may do what the function needs, and no more", "Version")
def lab_left_an_old_version(w):
    for _ in range(8):  # each that looks at the policy sees the same
        answer_policy(w, {"Version": "2008-10-17", "Statement": two(w)})


@fault(8, "the function has its code, its layer and its numbers", "Timeout")
def lab_took_the_time(w):
    w.cloud.awslambda.update_function_configuration(
        FunctionName=w.settings.function_name, Timeout=1
    )


@fault(8, "the bucket may call the function, and does", "06_trigger")
def lab_took_the_permission(w):
    w.cloud.awslambda.remove_permission(
        FunctionName=w.settings.function_name, StatementId=trigger.STATEMENT_ID
    )


@fault(8, "failed events have a queue", "08_failures")
def no_destination(w):
    w.cloud.awslambda.delete_function_event_invoke_config(
        FunctionName=w.settings.function_name
    )


@fault(8, "failed events have a queue", "not ours")
def queue_of_another(w):
    url = w.cloud.sqs.get_queue_url(QueueName=w.settings.failure_queue)["QueueUrl"]
    w.cloud.sqs.untag_queue(QueueUrl=url, TagKeys=[TAG])


@fault(8, "nobody has stopped the function", "undo_all()")
def stopped(w):
    w.cloud.awslambda.put_function_concurrency(
        FunctionName=w.settings.function_name, ReservedConcurrentExecutions=0
    )


@fault(8, "no failed event waits", "replay(")
def failed_event(w):
    url = w.cloud.sqs.get_queue_url(QueueName=w.settings.failure_queue)["QueueUrl"]
    w.cloud.sqs.send_message(QueueUrl=url, MessageBody="{}")


# 9: effects

CLONE = "a clone has its source's bytes"


@fault(9, "a rendition stands beside the thumbnails", "09_effects")
def no_rendition(w):
    forget(w, w.target, "renditions/wide/photo.jpg")


@fault(9, "a thumbnail carries labels", '"by": "model"')
def thumbnail_without_labels(w):
    place = {"Bucket": w.target, "Key": "thumbnails/photo.jpg"}
    w.cloud.s3.put_object(**place, Body=b"small")


@fault(9, CLONE, "up(cloud, backup=True)")
def no_backup_bucket(w):
    buckets.empty(w.cloud, w.settings.backup_bucket)
    w.cloud.s3.delete_bucket(Bucket=w.settings.backup_bucket)


@fault(9, CLONE, "Upload once more")
def no_clone(w):
    forget(w, w.settings.backup_bucket, "photo.jpg")


@fault(9, CLONE, "Upload once more")
def clone_of_other_bytes(w):
    place = {"Bucket": w.settings.backup_bucket, "Key": "photo.jpg"}
    w.cloud.s3.put_object(**place, Body=b"other")


@fault(9, "the clones are private", "Block Public Access")
def clones_without_a_block(w):
    w.cloud.s3.delete_public_access_block(Bucket=w.settings.backup_bucket)


@fault(9, "the clones are private", "Block Public Access")
def clones_half_open(w):
    block(w, w.settings.backup_bucket, BlockPublicPolicy=False)


@fault(9, "the function has no recipe any more", "still makes labels")
def recipe_left(w):
    wanted = dataclasses.replace(w.settings, recipe={"labels": {"by": "model"}})
    function.create(w.cloud, wanted)


@fault(9, set(), "Waits for the function (05_function)")
def function_gone(w):
    w.cloud.awslambda.delete_function(FunctionName=w.settings.function_name)


@fault(9, set(), "Waits for the role (03_role)")
def role_gone(w):
    role.delete(w.cloud, w.settings)


@fault(9, "the role may do no more than before", "'recipe'")
def policy_left(w):
    role.create(w.cloud, dataclasses.replace(w.settings, backup=True))


@fault(9, "the role may do no more than before", "Too wide: it has s3:* on *")
def everything_allowed_since(w):
    anything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    inline(w, *two(w), anything)


@fault(9, "the role may do no more than before", "a denial always wins")
def denied_since(w):
    deny = {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}
    inline(w, deny, name="more")


@fault(9, "the role may do no more than before", "Version is 2008-10-17")
def an_old_version_since(w):
    for _ in range(4):
        answer_policy(w, {"Version": "2008-10-17", "Statement": two(w)})


# 10: platform


def rare(world: World, bucket: str, key: str) -> None:
    world.cloud.s3.put_object(
        Bucket=bucket, Key=key, Body=b"photo", StorageClass="STANDARD_IA"
    )


def queued(world: World) -> Settings:
    """Leave a queue with its mapping, and the rules as they are."""
    settings = dataclasses.replace(world.settings, queue=True)
    for step in (role, failures, queue_step):
        step.create(world.cloud, settings)
    return settings


def mapping_of(world: World) -> str:
    (found,) = world.cloud.awslambda.list_event_source_mappings(
        EventSourceArn=world.settings.queue_arn
    )["EventSourceMappings"]
    return found["UUID"]


ONE_WAY = "an upload has one way to the function"
QUEUE_WORKS = "the queue works, or is gone"
NOTHING_MISSING = "no picture lacks its thumbnail"


@fault(10, ONE_WAY, "Run `up(cloud)`")
def no_way(w):
    trigger.delete(w.cloud, w.settings)


@fault(10, ONE_WAY, "some the function")
def two_ways(w):
    jpg, _ = trigger.rules(queued(w))
    _, png = trigger.rules(w.settings)
    w.cloud.s3.put_bucket_notification_configuration(
        Bucket=w.source,
        NotificationConfiguration={
            "QueueConfigurations": [jpg],
            "LambdaFunctionConfigurations": [png],
        },
    )


@fault(10, QUEUE_WORKS, "Nothing takes its")
def queue_without_a_mapping(w):
    queued(w)
    w.cloud.awslambda.delete_event_source_mapping(UUID=mapping_of(w))


@fault(10, QUEUE_WORKS, "Nothing takes its")
def queue_that_is_off(w):
    queued(w)
    w.cloud.awslambda.update_event_source_mapping(UUID=mapping_of(w), Enabled=False)


@fault(10, QUEUE_WORKS, "one failure repeats the whole batch")
def queue_without_partial_failures(w):
    queued(w)
    w.cloud.awslambda.update_event_source_mapping(
        UUID=mapping_of(w), FunctionResponseTypes=[]
    )


@fault(10, QUEUE_WORKS, "not ours")
def queue_of_somebody_else(w):
    w.cloud.sqs.create_queue(QueueName=w.settings.queue_name)


@fault(10, "a source is kept in Infrequent Access", "STANDARD_IA")
def no_rare_source(w):
    w.cloud.s3.put_object(Bucket=w.source, Key="photo.jpg", Body=b"photo")


@fault(10, "every thumbnail is kept in Standard", "cost more there")
def rare_thumbnail(w):
    rare(w, w.target, "thumbnails/other.jpg")


@fault(10, NOTHING_MISSING, "1 of them do")
def thumbnail_lost(w):
    forget(w, w.target, "thumbnails/photo.jpg")


@fault(10, NOTHING_MISSING, "backfill")
def thumbnail_of_other_bytes(w):
    rare(w, w.source, "photo.jpg")
    w.cloud.s3.put_object(Bucket=w.source, Key="new.jpg", Body=b"newer")


# 11: clean-up; the names of its lines are those of deploy's steps, and of resources


LEFT: dict[str, Callable[[World], str | set[str]]] = {}


def leaves(make: Callable[[World], str | set[str]]) -> Callable:
    LEFT[make.__name__] = make
    return make


def make_bucket(world: World, name: str) -> str:
    world.cloud.s3.create_bucket(**buckets.bucket_request(name, ACCOUNT, REGION))
    return "no buckets"


@leaves
def a_source_is_left(w):
    return make_bucket(w, w.source)


@leaves
def a_target_is_left(w):
    return make_bucket(w, w.target)


@leaves
def a_backup_is_left(w):
    return make_bucket(w, w.settings.backup_bucket)


@leaves
def a_role_is_left(w):
    role.create(w.cloud, w.settings)
    return "no role"


@leaves
def a_layer_is_left(w):
    layer.create(w.cloud, w.settings)
    return f"no layer: {w.settings.layer_name}"


@leaves
def a_layer_with_text_is_left(w):
    text = dataclasses.replace(w.settings, text=True)
    layer.create(w.cloud, text)
    return f"no layer: {text.layer_name}"


@leaves
def a_layer_for_another_processor_is_left(w):
    publish(w, CompatibleArchitectures=[another(w)])
    return f"no layer: {w.settings.layer_name}"


@leaves
def a_function_is_left(w):
    for module in (role, layer, function):
        module.create(w.cloud, w.settings)
    layer.delete(w.cloud, w.settings)
    role.delete(w.cloud, w.settings)
    w.cloud.logs.delete_log_group(logGroupName=w.settings.log_group)
    return "no function"


@leaves
def a_log_is_left(w):
    w.cloud.logs.create_log_group(logGroupName=w.settings.log_group)
    return "no function"


@leaves
def a_queue_of_failures_is_left(w):
    w.cloud.sqs.create_queue(
        QueueName=w.settings.failure_queue, tags={TAG: w.settings.name}
    )
    return "no failures"


@leaves
def a_queue_of_somebody_else_is_there(w):
    w.cloud.sqs.create_queue(QueueName=w.settings.failure_queue)
    return "no failures"


@leaves
def a_queue_of_uploads_is_left(w):
    w.cloud.sqs.create_queue(
        QueueName=w.settings.queue_name, tags={TAG: w.settings.name}
    )
    return "no queue"


@leaves
def rules_are_left(w):
    build(w, 6)
    for module in (function, layer, role):
        module.delete(w.cloud, w.settings)
    return {"no buckets", "no trigger"}


@leaves
def alarms_are_left(w):
    alarms.create(w.cloud, dataclasses.replace(w.settings, reliable=True))
    return "no alarms"


# --- the tests -----------------------------------------------------------------------


def red(report: checks.Report) -> set[str]:
    return {finding.name for finding in report.findings if finding.state == "mend"}


def each_line_first() -> list[Any]:
    """Every fault; slow but for the first that turns a line red."""
    seen: set[tuple[int, frozenset[str]]] = set()
    params = []
    for each in FAULTS:
        line = each.step, frozenset(each.red)
        marks = pytest.mark.slow if line in seen else ()
        params.append(pytest.param(each, id=each.name, marks=marks))
        seen.add(line)
    return params


@pytest.mark.parametrize("fault", each_line_first())
def test_fault_is_seen(world, fault):
    build(world, fault.step)
    fault.break_it(world)
    report = checks.look(fault.step, world.cloud, world.settings)
    assert red(report) == fault.red and not report.ok
    assert fault.says in repr(report)


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_is_seen(world, name):
    left = LEFT[name](world)
    report = checks.look(11, world.cloud, world.settings)
    wanted = {left} if isinstance(left, str) else left
    lines = {line for line in red(report) if line.startswith(tuple(wanted))}
    assert red(report) == lines and len(lines) == len(wanted)
    assert "down(cloud" in repr(report)


@pytest.fixture
def built(world: World) -> World:
    pipeline.up(world.cloud, world.settings)
    return world


def test_what_up_builds_is_green(built):
    reports = [checks.look(step, built.cloud, built.settings) for step in BUILT]
    assert all(reports), reports


def test_an_upload_is_green(world):
    build(world, 7)
    assert checks.look(7, world.cloud, world.settings).ok


def test_what_down_leaves_is_green(built):
    pipeline.down(built.cloud, built.settings)
    assert checks.look(11, built.cloud, built.settings).ok


def test_every_line_has_its_fault(built):
    for step in (*BUILT, 7, 8):
        report = checks.look(step, built.cloud, built.settings)
        seen = set().union(*(fault.red for fault in FAULTS if fault.step == step))
        assert {finding.name for finding in report.findings} == seen


def test_everything_that_a_step_can_make_is_a_line(world):
    """Of the list that deploy builds by, so that a new step cannot be forgotten."""
    everything = {"backup": True, "reliable": True, "queue": True, "text": True}
    pipeline.up(world.cloud, world.settings, say=lambda line: None, **everything)
    report = checks.look(11, world.cloud, world.settings)
    steps = [line.name.removeprefix("no ").split(":")[0] for line in report.findings]
    assert [*dict.fromkeys(steps)] == [step.name for step in pipeline.STEPS]
    never_made = f"no layer: {world.settings.layer_name}"  # the one without text
    assert {line.name for line in report.findings} - red(report) == {never_made}
    for name in ("queue_name", "failure_queue", "backup_bucket", "role_name"):
        assert getattr(world.settings, name) in repr(report)
    pipeline.down(world.cloud, world.settings)  # backups are the last to go
    assert red(checks.look(11, world.cloud, world.settings)) == {
        report.findings[0].name
    }
    pipeline.down(world.cloud, world.settings, backup=True)
    assert checks.look(11, world.cloud, world.settings).ok


def lines(world: World) -> dict[int, list[str]]:
    reports = {n: checks.look(n, world.cloud, world.settings) for n in checks.LOOKS}
    return {n: [line.name for line in report.findings] for n, report in reports.items()}


def test_lines_are_the_same_on_an_empty_cloud(world):
    empty = lines(world)
    pipeline.up(world.cloud, world.settings)
    assert lines(world) == empty


def test_an_empty_cloud_is_red(world):
    for step in (*BUILT, 7, 8):
        assert checks.look(step, world.cloud, world.settings).passed == 0


def test_it_changes_nothing(built):
    built.wire.calls.clear()
    for step in checks.LOOKS:
        checks.look(step, built.cloud, built.settings)
    assert built.wire.mutations == []


# --- other right answers -------------------------------------------------------------


def test_a_statement_may_be_written_otherwise(world):
    build(world, 3)
    read, write = two(world)
    inline(world, read | {"Action": ["s3:GetObject"], "Sid": "Read"})
    inline(world, write | {"Resource": [write["Resource"]]}, name="write")
    assert checks.look(3, world.cloud, world.settings).ok


def test_a_denial_of_something_else_is_no_fault(world):
    build(world, 3)
    deny = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
    inline(world, *two(world), deny)
    assert checks.look(3, world.cloud, world.settings).ok


def test_the_reliable_policy_is_no_fault(world):
    build(world, 3)
    document = role.reliable_policy(world.settings)
    inline(world, *document["Statement"], name=role.RELIABLE)
    assert checks.look(3, world.cloud, world.settings).ok


def test_every_event_type_covers_both(world):
    build(world, 6)
    rules = trigger.rules(world.settings)
    notify(world, *(rule | {"Events": ["s3:ObjectCreated:*"]} for rule in rules))
    assert checks.look(6, world.cloud, world.settings).ok


def test_each_kind_of_upload_by_name_is_every_kind(world):
    build(world, 6)
    rules = trigger.rules(world.settings)
    notify(world, *(rule | {"Events": [*notifications.UPLOADS]} for rule in rules))
    assert checks.look(6, world.cloud, world.settings).ok


def test_a_log_that_the_account_keeps_longer_is_enough(world):
    """PutAccountPolicy outweighs what 05 sets, and says so in its name."""
    build(world, 5)

    def account_wide(parsed, **_):
        for group in parsed["logGroups"]:
            group |= {"retentionInDays": 400, "retentionPolicyName": "keep-all"}

    hook = ("after-call.cloudwatch-logs.DescribeLogGroups", account_wide)
    world.cloud.logs.meta.events.register(*hook)
    try:
        found = checks.look(5, world.cloud, world.settings)
    finally:
        world.cloud.logs.meta.events.unregister(*hook)
    assert found.ok


@pytest.mark.parametrize("stored", ["{oops", "[]", '"text"', "null", '{"a": 1}'])
@pytest.mark.parametrize(
    ("step", "client", "call"),
    [(2, "s3", "s3.GetBucketPolicy"), (6, "awslambda", "lambda.GetPolicy")],
)
def test_a_stored_policy_that_is_none_is_a_finding(world, step, client, call, stored):
    build(world, step)
    hook = (f"after-call.{call}", lambda parsed, **_: parsed.update(Policy=stored))
    events = getattr(world.cloud, client).meta.events
    events.register(*hook)
    try:
        assert not checks.look(step, world.cloud, world.settings).ok
        assert not pipeline.status(world.cloud, world.settings).ready
        assert trace("a.jpg", world.cloud, world.settings).links
    finally:
        events.unregister(*hook)


def test_tls_only_is_no_denial(world):
    build(world, 2)
    deny = allow("s3:*", f"arn:aws:s3:::{world.target}/*") | {"Effect": "Deny"}
    deny["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
    policy_of(world, world.target, buckets.public_read(world.settings), deny)
    assert checks.look(2, world.cloud, world.settings).ok


def test_an_older_layer_that_fits_will_do(world):
    build(world, 4)
    world.cloud.awslambda.publish_layer_version(
        LayerName=world.settings.layer_name,
        Content={"ZipFile": zipped("python/hello.py")},
        CompatibleRuntimes=["python3.9"],
    )
    assert checks.look(4, world.cloud, world.settings).ok


def test_reliable_stack_is_green(world):
    pipeline.up(world.cloud, world.settings, reliable=True)
    assert checks.look(8, world.cloud, world.settings).ok
    assert failures.describe(world.cloud, world.settings) is not None
    assert checks.look(3, world.cloud, world.settings).ok


# --- what is shown -------------------------------------------------------------------


def test_steps_that_leave_nothing(world):
    report = check(0, world.cloud, world.settings)
    assert report.ok and "nothing in the cloud" in repr(report)


def test_no_such_step(world):
    with pytest.raises(DeployError, match="no step 12"):
        check(12, world.cloud, world.settings)


def test_html_says_what_the_text_says(world):
    build(world, 2)
    world.cloud.s3.delete_bucket_policy(Bucket=world.target)
    report = checks.look(2, world.cloud, world.settings)
    assert "9 of 10" in report._repr_html_() and "9 of 10" in repr(report)
    assert "put_bucket_policy" in report._repr_html_()
