"""`check` sees every broken state that it claims to see: one thing broken at a time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import boto3
import pytest
from support import by_hand, log_lines
from support import world as support
from support.moto_cloud import ACCOUNT, REGION, Wire, hooked, standing
from workbook import check, checks

from deploy import notifications, pipeline
from deploy.cloud import Cloud
from deploy.errors import DeployError
from deploy.settings import TAG, Settings
from deploy.steps import alarms, buckets, failures, function, layer, role, trigger
from deploy.steps import queue as queue_step
from deploy.tracing import trace
from deploy.zips import zipped

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
class World(support.World):
    """What a fault is done to: `plain` is past the rules that refuse what AWS does."""

    wire: Wire
    plain: Cloud


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
    world.s3.put_object(Bucket=world.source, Key=key, Body=b"photo")
    world.s3.put_object(Bucket=world.target, Key=thumbnail, Body=b"small")
    logged(world, key, outcome)


def effects(world: World) -> None:
    """Leave what the recipes leave: a rendition, labels, and a clone of the source."""
    with_backup = dataclasses.replace(world.settings, backup=True)
    buckets.create(world.cloud, with_backup)
    for bucket in (world.source, with_backup.backup_bucket):
        world.s3.put_object(Bucket=bucket, Key="photo.jpg", Body=b"photo")
    for key in ("thumbnails/photo.jpg", "renditions/wide/photo.jpg"):
        labels = {"labels": "coast=0.90"}
        place = {"Bucket": world.target, "Key": key}
        world.s3.put_object(**place, Body=b"small", Metadata=labels)


def platform(world: World) -> None:
    """Leave what the platform leaves: a rare source, and a thumbnail of its bytes."""
    rare(world, world.source, "photo.jpg")
    etag = world.s3.head_object(Bucket=world.source, Key="photo.jpg")["ETag"]
    world.s3.put_object(
        Bucket=world.target,
        Key="thumbnails/photo.jpg",
        Body=b"small",
        Metadata={"source-etag": etag.strip('"')},
    )


def logged(world: World, key: str, outcome: str) -> None:
    told = log_lines.line(key, outcome, bucket=world.source)
    log_lines.put(world.cloud, world.settings, told)


# --- what can be broken --------------------------------------------------------------

Break = Callable[[World], object]


def by(change: by_hand.Change) -> Break:
    """A change by hand, past the rules."""
    return lambda w: change(w.plain, w.settings)


def policy_of(world: World, bucket: str, *statements: dict, bare: bool = False) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    if bare:
        (document["Statement"],) = statements
    world.plain.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))


def allow(action: Any, resource: str, principal: object = "*", **more: object) -> dict:
    effect = {"Effect": "Allow", "Principal": principal}
    return effect | {"Action": action, "Resource": resource} | more


def block(world: World, bucket: str, **changes: bool) -> None:
    public = bucket == world.target
    wanted = buckets.public_access_block(public_policy=public) | changes
    world.plain.s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=wanted
    )


def tag_source(w: World) -> None:
    tags = [{"Key": TAG, "Value": "other"}]
    w.s3.put_bucket_tagging(Bucket=w.source, Tagging={"TagSet": tags})


def open_target(
    action: Any, what: str, principal: object = "*", own: bool = False, **more: object
) -> Break:
    """Let a principal do something in the target, alone or beside what is right."""

    def put(w: World) -> None:
        wrong = allow(action, f"arn:aws:s3:::{w.target}{what}", principal, **more)
        right = [buckets.public_read(w.settings)] if own else []
        policy_of(w, w.target, *right, wrong)

    return put


def an_old_policy(w: World) -> None:
    document = {"Version": "2008-10-17", "Statement": [buckets.public_read(w.settings)]}
    w.plain.s3.put_bucket_policy(Bucket=w.target, Policy=json.dumps(document))


def lacks(setting: str) -> Break:
    return lambda w: block(w, w.source, **{setting: False})


#: Step and the lines that turn red → a word of the remedy → what breaks them.
FAULTS: dict[tuple[Any, ...], dict[str, Break]] = {
    (2, "the source bucket exists"): {
        "create_bucket": lambda w: w.s3.delete_bucket(Bucket=w.source),
        "of yours": lambda w: w.wire.refuse("HeadBucket", "403", "Forbidden", 403),
    },
    (2, "the source carries our tag"): {
        "put_bucket_tagging": lambda w: w.s3.delete_bucket_tagging(Bucket=w.source),
        "'other'": tag_source,
    },
    (2, "the source: Block Public Access is on"): {
        "put_public_access_block": (
            lambda w: w.s3.delete_public_access_block(Bucket=w.source)
        ),
        "BlockPublicAcls is off": lacks("BlockPublicAcls"),
        "IgnorePublicAcls is off": lacks("IgnorePublicAcls"),
        "BlockPublicPolicy is off": lacks("BlockPublicPolicy"),
        "RestrictPublicBuckets is off": lacks("RestrictPublicBuckets"),
    },
    (2, "the source: no policy opens it"): {
        "s3:GetObject on": lambda w: policy_of(
            w, w.source, allow("s3:GetObject", f"arn:aws:s3:::{w.source}/*")
        ),
        "delete_bucket_policy": lambda w: policy_of(
            w,
            w.source,
            allow("s3:*", f"arn:aws:s3:::{w.source}/*", {"AWS": ["*"]}),
            bare=True,
        ),
    },
    (2, "the target bucket exists"): {
        "create_bucket": lambda w: w.s3.delete_bucket(Bucket=w.target)
    },
    (2, "the target carries our tag"): {
        "02_buckets": lambda w: w.s3.delete_bucket_tagging(Bucket=w.target)
    },
    (2, "the target: the two ACL blocks stay on"): {
        "BlockPublicAcls and IgnorePublicAcls are off": (
            lambda w: w.s3.delete_public_access_block(Bucket=w.target)
        ),
        "IgnorePublicAcls is off": lambda w: block(w, w.target, IgnorePublicAcls=False),
    },
    (2, "the target: the two policy blocks are lifted"): {
        "BlockPublicPolicy and RestrictPublicBuckets are on": lambda w: block(
            w, w.target, BlockPublicPolicy=True, RestrictPublicBuckets=True
        ),
        "RestrictPublicBuckets is on": (
            lambda w: block(w, w.target, RestrictPublicBuckets=True)
        ),
    },
    (2, "the target: anyone may read thumbnails/*"): {
        "No statement": lambda w: w.s3.delete_bucket_policy(Bucket=w.target),
        "No statement allows": open_target(
            "s3:GetObject", "/thumbnails/*", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        ),
        "No statement allows s3:GetObject": open_target(
            "s3:GetObject",
            "/thumbnails/*",
            Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        ),
        "No statement allows s3:GetObject on": (
            open_target("s3:GetObject", "/thumbnails/*.jpg")
        ),
        "a denial always wins": open_target("s3:Get*", "/*", own=True, Effect="Deny"),
        'should be "2012-10-17"': an_old_policy,
    },
    (2, "the target: nothing else is public"): {
        "Too wide: the policy also opens s3:GetObject on": (
            open_target("s3:GetObject", "/*")
        ),
        "Too wide: the policy also opens s3:* on": open_target("s3:*", "/thumbnails/*"),
        "Too wide: the policy also opens s3:GetObject and s3:PutObject": (
            open_target(["s3:GetObject", "s3:PutObject"], "/thumbnails/*")
        ),
        "s3:GetObject on": open_target("s3:GetObject", "/rejected/*", own=True),
        "s3:ListBucket on": open_target("s3:ListBucket", "", {"AWS": "*"}, own=True),
    },
}


# 3: role

READ, WRITE = "it may read the source", "it may write the target"
ELSE = "it may do nothing else"
ANYTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
DENY_GET = {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}


def trust(**changes: object) -> Break:
    document = role.trust_policy()
    document["Statement"][0] |= changes
    text = json.dumps(document)
    return lambda w: w.iam.update_assume_role_policy(**w.role, PolicyDocument=text)


def inline(world: World, *statements: dict, name: str = role.THUMBNAILS) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    world.iam.put_role_policy(**world.role, PolicyName=name, PolicyDocument=document)


def two(world: World) -> list[dict]:
    return role.thumbnails_policy(world.settings)["Statement"]


def change(read: dict | None = None, write: dict | None = None) -> Break:
    """Put the role's two statements otherwise."""
    return lambda w: inline(w, two(w)[0] | (read or {}), two(w)[1] | (write or {}))


def of_source(key: str, part: str) -> Break:
    """Let a statement, read or write, name something of the source."""
    return lambda w: change(**{part: {"Resource": f"arn:aws:s3:::{w.source}{key}"}})(w)


def denied_by_the_bucket(w: World) -> None:
    buckets.create(w.cloud, w.settings)
    deny = allow("s3:*", f"arn:aws:s3:::{w.source}/*") | {"Effect": "Deny"}
    policy_of(w, w.source, deny)


def answer_policy(times: int = 1, **version: str) -> Break:
    """Moto, as IAM's API, takes no such document; others and older roles have it."""

    def answer(w: World) -> None:
        text = json.dumps(version | {"Statement": two(w)})
        for _ in range(times):  # each that looks at the policy sees the same
            w.wire.answer("GetRolePolicy", {"PolicyDocument": text})

    return answer


def answer_trust(w: World) -> None:
    found = w.iam.get_role(**w.role)["Role"]
    trust = role.trust_policy() | {"Version": "2008-10-17"}
    found["AssumeRolePolicyDocument"] = json.dumps(trust)
    w.wire.answer("GetRole", {"Role": found})


def attach_a_wide_policy(w: World) -> None:
    wide = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    made = w.iam.create_policy(PolicyName="full", PolicyDocument=document)
    w.iam.attach_role_policy(**w.role, PolicyArn=made["Policy"]["Arn"])


delete_policy = by(by_hand.without_policy(role.THUMBNAILS))
forbid = by(by_hand.permitted())


FAULTS |= {
    (3, "the role exists"): {"create_role": lambda w: role.delete(w.cloud, w.settings)},
    (3, "the role carries our tag"): {
        "tag_role": lambda w: w.iam.untag_role(**w.role, TagKeys=[TAG])
    },
    (3, "its trust policy lets Lambda in, and nobody else"): {
        "does not let lambda.amazonaws.com": (
            trust(Principal={"Service": "ec2.amazonaws.com"})
        ),
        "lets in more than lambda.amazonaws.com": trust(
            Principal={"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}
        ),
        "update_assume_role_policy": trust(Effect="Deny"),
        "more than lambda.amazonaws.com": (
            trust(Action=["sts:AssumeRole", "sts:TagSession"])
        ),
        "Version is 2008-10-17": answer_trust,
    },
    (3, READ): {
        "No statement allows s3:GetObject": lambda w: inline(w, two(w)[1]),
        "Deny s3:GetObject": change(read={"Effect": "Deny"}),
        "a denial always wins": lambda w: inline(w, DENY_GET, name="more"),
        "Deny s3:* on": denied_by_the_bucket,
        "No statement allows": of_source("/*.jpg", "read"),
    },
    (3, WRITE): {
        "No statement allows s3:PutObject": lambda w: inline(w, two(w)[0]),
        "No statement allows": (
            change(write={"Condition": {"Bool": {"aws:SecureTransport": "true"}}})
        ),
    },
    (3, READ, WRITE): {
        "put_role_policy": delete_policy,
        "Version is 2008-10-17 and should be": answer_policy(Version="2008-10-17"),
        "Version is left out": answer_policy(),
    },
    (3, READ, ELSE): {"What is there: s3:GetObject on": of_source("", "read")},
    (3, WRITE, ELSE): {"What is there: s3:PutObject on": of_source("/*", "write")},
    (3, ELSE): {
        "s3:ListBucket": lambda w: inline(
            w,
            *two(w),
            {"Effect": "Allow", "Action": "s3:ListBucket"}
            | {"Resource": f"arn:aws:s3:::{w.source}"},
        ),
        "Too wide: it also has s3:* on *": lambda w: inline(w, ANYTHING),
        "Too wide: it also has s3:GetObject on *": change(read={"Resource": "*"}),
        "all but iam:*": lambda w: inline(
            w, {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
        ),
        "s3:* on *": lambda w: inline(w, ANYTHING, name=role.RELIABLE),
        "delete_role_policy": lambda w: inline(
            w, ANYTHING | {"Action": "s3:DeleteObject"}, name="more"
        ),
        "policy/full": attach_a_wide_policy,
    },
    (3, "it may write its log"): {"attach_role_policy": by(by_hand.may_not_log)},
}


# 4: layer


HELLO = zipped({"python/hello.py": b""}, mode=0o644)


def publish(world: World, content: bytes | None = None, **changes: object) -> None:
    """Replace the layer by one that differs."""
    layer.delete(world.cloud, world.settings)
    if content is None:
        content = layer.build(world.settings).path.read_bytes()
    listed = {
        "CompatibleRuntimes": [world.settings.runtime],
        "CompatibleArchitectures": [world.settings.architecture],
    }
    world.awslambda.publish_layer_version(
        LayerName=world.settings.layer_name,
        Content={"ZipFile": content},
        **{name: value for name, value in (listed | changes).items() if value},
    )


def another(world: World) -> str:
    return "arm64" if world.settings.architecture == "x86_64" else "x86_64"


FAULTS |= {
    (4, "the layer is published"): {
        "publish_layer_version": lambda w: layer.delete(w.cloud, w.settings)
    },
    (4, "it is listed for the function's runtime"): {
        "python3.9": lambda w: publish(w, CompatibleRuntimes=["python3.9"]),
        "names none": lambda w: publish(w, CompatibleRuntimes=[]),
    },
    (4, "it is listed for the function's processor"): {
        "Publish one with": lambda w: publish(w, CompatibleArchitectures=[another(w)])
    },
    (4, "its Pillow is the one that this runtime loads"): {
        "04_layer": lambda w: publish(w, HELLO)
    },
}


# 5: function


def configure(**changes: object) -> Break:
    return by(by_hand.configured(**changes))


def environment(*without: str, **changes: str) -> Break:
    def change(w: World) -> None:
        wanted = w.settings.environment | changes
        left = {name: value for name, value in wanted.items() if name not in without}
        configure(Environment={"Variables": left})(w)

    return change


def answer_state(world: World, **changes: object) -> None:
    """Let the next look at the function see another state."""
    found = world.awslambda.get_function(**world.function)
    found["Configuration"] |= changes
    world.wire.answer("GetFunction", found)


def attach_another_layer(w: World) -> None:
    other = w.awslambda.publish_layer_version(
        LayerName="other", Content={"ZipFile": HELLO}
    )
    configure(Layers=[other["LayerVersionArn"]])(w)


FAULTS |= {
    (5, "the function exists"): {
        "create_function": lambda w: w.awslambda.delete_function(**w.function)
    },
    (5, "it carries our tag"): {
        "tag_resource": lambda w: w.awslambda.untag_resource(
            Resource=w.settings.function_arn, TagKeys=[TAG]
        )
    },
    (5, "it is active"): {
        "function_active_v2": lambda w: answer_state(w, State="Pending"),
        "its last update Failed": lambda w: answer_state(w, LastUpdateStatus="Failed"),
        "delete_function_concurrency": by(by_hand.limited(0)),
    },
    (5, "its runtime"): {"'python3.9'": configure(Runtime="python3.9")},
    (5, "its processor"): {  # moto keeps the first one for ever
        "update_function_code": lambda w: answer_state(w, Architectures=[another(w)])
    },
    (5, "its memory"): {
        "MemorySize is 128 and should be 512": configure(MemorySize=128)
    },
    (5, "its timeout"): {"Timeout is 3 and should be 30": configure(Timeout=3)},
    (5, "its handler"): {
        "'lambda_function.lambda_handler'": (
            configure(Handler="lambda_function.lambda_handler")
        )
    },
    (5, "its role"): {
        "role/other": configure(Role=f"arn:aws:iam::{ACCOUNT}:role/other")
    },
    (5, "its environment names the target bucket and the settings"): {
        "TARGET_BUCKET is None": environment("TARGET_BUCKET"),
        "TARGET_BUCKET is 'elsewhere'": environment(TARGET_BUCKET="elsewhere"),
        "BOX is '64'": environment(BOX="64"),
        "left out": environment(DEBUG="1"),
    },
    (5, "it has the Pillow layer, and no other"): {
        "Its layers are none": configure(Layers=[]),
        "update_function_configuration": attach_another_layer,
        "not published (04_layer)": lambda w: layer.delete(w.cloud, w.settings),
    },
    (5, "its code is the folder handler/"): {
        "update_function_code": lambda w: w.awslambda.update_function_code(
            **w.function, ZipFile=zipped({"handler/app.py": b"1"}, mode=0o644)
        )
    },
    (5, "its log is kept for a while, not for ever"): {
        "create_log_group": lambda w: w.logs.delete_log_group(**w.log),
        "kept for ever": lambda w: w.logs.delete_retention_policy(**w.log),
        "kept for 1 days": (
            lambda w: w.logs.put_retention_policy(**w.log, retentionInDays=1)
        ),
    },
}


# 6: trigger

ALLOWED = "a permission lets S3 invoke the function"
NAMES_BUCKET = "it names the source bucket"
NAMES_ACCOUNT = "it names the bucket's account"
JPG, PNG, OVERLAP = "a rule for .jpg", "a rule for .png", "no two rules overlap"


def permit(*without: str, sid: str = "", **changes: str) -> Break:
    """Replace the permission by one that differs, or add one if it has a name."""

    def put(w: World) -> None:
        if not sid:
            forbid(w)
        wanted = trigger.permission(w.settings) | changes
        wanted |= {"StatementId": sid or wanted["StatementId"]}
        kept = {name: value for name, value in wanted.items() if name not in without}
        w.awslambda.add_permission(**w.function, **kept)

    return put


def notify(world: World, *rules: dict) -> None:
    every = {"LambdaFunctionConfigurations": list(rules)}
    by_hand.notify(world.plain, world.settings, **every)


def rules(jpg: dict | None = None, png: dict | None = None) -> Break:
    """Put the two rules otherwise."""

    def put(w: World) -> None:
        first, second = trigger.rules(w.settings)
        notify(w, first | (jpg or {}), second | (png or {}))

    return put


def filtered(value: str, name: str = "suffix") -> dict:
    return {"Filter": {"Key": {"FilterRules": [{"Name": name, "Value": value}]}}}


def overlapping(w: World) -> None:
    every = trigger.rules(w.settings)
    notify(w, *every, every[0] | filtered("o.jpg") | {"Id": "extra"})


FAULTS |= {
    (6, ALLOWED): {
        "add_permission": forbid,
        "Add it with": lambda w: w.awslambda.delete_function(**w.function),
        "s3.amazonaws.com": permit(Principal="sns.amazonaws.com"),
        "lambda:InvokeFunction": permit(Action="lambda:GetFunction"),
    },
    (6, NAMES_BUCKET): {
        "is arn:aws:s3:::elsewhere": permit(SourceArn="arn:aws:s3:::elsewhere"),
        "SourceArn is None": permit("SourceArn"),
    },
    (6, NAMES_ACCOUNT): {
        "SourceAccount is None": permit("SourceAccount"),
        "remove_permission": permit(SourceAccount="999999999999"),
    },
    (6, NAMES_BUCKET, NAMES_ACCOUNT): {
        "SourceArn is None": permit("SourceArn", "SourceAccount", sid="all")
    },
    (6, JPG): {
        "*.jpg": lambda w: notify(w, trigger.rules(w.settings)[1]),
        "No rule sends *.jpg": rules(jpg=filtered(".JPG")),
        "06_trigger": lambda w: rules(
            jpg={"LambdaFunctionArn": f"{w.settings.function_arn}-old"}
        )(w),
    },
    (6, PNG): {
        "put_bucket_notification_configuration": (
            lambda w: notify(w, trigger.rules(w.settings)[0])
        )
    },
    (6, JPG, PNG): {"No rule sends": notify},
    (6, PNG, OVERLAP): {"No rule sends *.png": rules(png=filtered(".png", "prefix"))},
    (6, f"{JPG}: for every kind of upload"): {
        "CompleteMultipartUpload": rules(jpg={"Events": ["s3:ObjectCreated:Put"]})
    },
    (6, f"{PNG}: for every kind of upload"): {
        "It lacks s3:ObjectCreated:Put": (
            rules(png={"Events": ["s3:ObjectCreated:CompleteMultipartUpload"]})
        )
    },
    (6, OVERLAP): {"'extra'": overlapping},
}


def test_a_second_permission_for_another_bucket_is_no_fault(built):
    permit(SourceArn="arn:aws:s3:::elsewhere", sid="mine")(built)
    assert checks.look(6, built.cloud, built.settings).ok


# 7: watch

LOGGED = "the log says that it was made"


def forget(world: World, bucket: str, key: str = "photo.jpg") -> None:
    world.s3.delete_object(Bucket=bucket, Key=key)


def rename_photo(w: World) -> None:
    forget(w, w.source)
    w.s3.put_object(Bucket=w.source, Key="photo.JPG", Body=b"photo")


def delete_source(w: World) -> None:
    forget(w, w.source)
    w.s3.delete_bucket(Bucket=w.source)


def rename_thumbnail(w: World) -> None:
    forget(w, w.target, "thumbnails/photo.jpg")
    w.s3.put_object(Bucket=w.target, Key="thumbnails/other.jpg", Body=b"small")


def log_instead(key: str, outcome: str) -> Break:
    def log(w: World) -> None:
        w.logs.delete_log_group(**w.log)
        logged(w, key, outcome)

    return log


FAULTS |= {
    (7, "the source holds a photo"): {
        "upload(": lambda w: forget(w, w.source),
        ".jpg or .png": rename_photo,
        "07_watch": delete_source,
    },
    (7, "its thumbnail stands in the target"): {
        "check(2)": lambda w: forget(w, w.target, "thumbnails/photo.jpg"),
        "None of the 1 photos": rename_thumbnail,
    },
    (7, LOGGED): {
        "check(3)": lambda w: w.logs.delete_log_group(**w.log),
        "Upload again": log_instead("photo.jpg", "failed"),
        "no word of it": log_instead("other.jpg", "made"),
    },
}


# 8: failures

BUCKETS = "the buckets are as they should be"
RIGHTS = "the role may do what the function needs, and no more"
QUEUE = "failed events have a queue"


def untag_failures(w: World) -> None:
    url = by_hand.queue_url(w.cloud, w.settings.failure_queue)
    w.sqs.untag_queue(QueueUrl=url, TagKeys=[TAG])


FAULTS |= {
    (8, BUCKETS): {
        "02_buckets": lambda w: block(
            w, w.target, BlockPublicPolicy=True, RestrictPublicBuckets=True
        )
    },
    (8, RIGHTS): {
        "03_role": delete_policy,
        "Too wide": lambda w: inline(w, ANYTHING, name="more"),
        "denial always": lambda w: inline(w, DENY_GET, name="more"),
        "Version": answer_policy(8, Version="2008-10-17"),
    },
    (8, BUCKETS, RIGHTS): {"Deny s3:* on": denied_by_the_bucket},
    (8, "the function has its code, its layer and its numbers"): {
        "Timeout": configure(Timeout=1)
    },
    (8, "the bucket may call the function, and does"): {"06_trigger": forbid},
    (8, QUEUE): {
        "08_failures": (
            lambda w: w.awslambda.delete_function_event_invoke_config(**w.function)
        ),
        "not ours": untag_failures,
    },
    (8, "nobody has stopped the function"): {"undo_all()": by(by_hand.limited(0))},
    (8, "no failed event waits"): {"replay(": by(by_hand.fail)},
}


# 9: effects

CLONE, PRIVATE = "a clone has its source's bytes", "the clones are private"


def delete_backup(w: World) -> None:
    buckets.empty(w.cloud, w.backup)
    w.s3.delete_bucket(Bucket=w.backup)


def rewrite(bucket: str, key: str, body: bytes) -> Break:
    return lambda w: w.s3.put_object(Bucket=getattr(w, bucket), Key=key, Body=body)


def keep_recipe(w: World) -> None:
    wanted = dataclasses.replace(w.settings, recipe={"labels": {"by": "model"}})
    function.create(w.cloud, wanted)


FAULTS |= {
    (9, "a rendition stands beside the thumbnails"): {
        "09_effects": lambda w: forget(w, w.target, "renditions/wide/photo.jpg")
    },
    (9, "a thumbnail carries labels"): {
        '"by": "model"': rewrite("target", "thumbnails/photo.jpg", b"small")
    },
    (9, CLONE): {
        "up(cloud, backup=True)": delete_backup,
        "Upload once more": lambda w: forget(w, w.backup),
        "None has. Upload once more": rewrite("backup", "photo.jpg", b"other"),
    },
    (9, PRIVATE): {
        "Block Public": lambda w: w.s3.delete_public_access_block(Bucket=w.backup),
        "Block Public Access": lambda w: block(w, w.backup, BlockPublicPolicy=False),
    },
    (9, "the function has no recipe any more"): {"still makes labels": keep_recipe},
    (9,): {  # nothing is red, and lines wait
        "Waits for the function (05_function)": (
            lambda w: w.awslambda.delete_function(**w.function)
        ),
        "Waits for the role (03_role)": lambda w: role.delete(w.cloud, w.settings),
    },
    (9, "the role may do no more than before"): {
        "'recipe'": (
            lambda w: role.create(w.cloud, dataclasses.replace(w.settings, backup=True))
        ),
        "Too wide: it has s3:* on *": lambda w: inline(w, *two(w), ANYTHING),
        "a denial always wins": lambda w: inline(w, DENY_GET, name="more"),
        "Version is 2008-10-17": answer_policy(4, Version="2008-10-17"),
    },
}


# 10: platform

ONE_WAY = "an upload has one way to the function"


def rare(world: World, bucket: str, key: str) -> None:
    world.s3.put_object(
        Bucket=bucket, Key=key, Body=b"photo", StorageClass="STANDARD_IA"
    )


def queued(world: World) -> Settings:
    """Leave a queue with its mapping, and the rules as they are."""
    settings = dataclasses.replace(world.settings, queue=True)
    for step in (role, failures, queue_step):
        step.create(world.cloud, settings)
    return settings


def two_ways(w: World) -> None:
    jpg, _ = trigger.rules(queued(w))
    _, png = trigger.rules(w.settings)
    both = {"QueueConfigurations": [jpg], "LambdaFunctionConfigurations": [png]}
    by_hand.notify(w.cloud, w.settings, **both)


def mapped(call: str, **changes: object) -> Break:
    """Leave a queue, and do something to its mapping."""

    def do(w: World) -> None:
        found = by_hand.mapping(w.cloud, queued(w))
        getattr(w.awslambda, call)(UUID=found["UUID"], **changes)

    return do


def another_photo(w: World) -> None:
    rare(w, w.source, "photo.jpg")
    w.s3.put_object(Bucket=w.source, Key="new.jpg", Body=b"newer")


FAULTS |= {
    (10, ONE_WAY): {
        "Run `up(cloud)`": lambda w: trigger.delete(w.cloud, w.settings),
        "some the function": two_ways,
    },
    (10, "the queue works, or is gone"): {
        "Nothing takes its": mapped("delete_event_source_mapping"),
        "takes its 0 messages": mapped("update_event_source_mapping", Enabled=False),
        "one failure repeats the whole batch": (
            mapped("update_event_source_mapping", FunctionResponseTypes=[])
        ),
        "not ours": lambda w: w.sqs.create_queue(QueueName=w.settings.queue_name),
    },
    (10, "a source is kept in Infrequent Access"): {
        "STANDARD_IA": rewrite("source", "photo.jpg", b"photo")
    },
    (10, "every thumbnail is kept in Standard"): {
        "cost more there": lambda w: rare(w, w.target, "thumbnails/other.jpg")
    },
    (10, "no picture lacks its thumbnail"): {
        "1 of them do": lambda w: forget(w, w.target, "thumbnails/photo.jpg"),
        "backfill": another_photo,
    },
}


# 11: clean-up; the names of its lines are those of deploy's steps, and of resources


def make_bucket(name: str) -> Break:
    return lambda w: w.s3.create_bucket(
        **buckets.bucket_request(getattr(w, name), ACCOUNT, REGION)
    )


def make_queue(name: str, ours: bool = True) -> Break:
    def make(w: World) -> None:
        tags = {TAG: w.settings.name} if ours else {}
        w.sqs.create_queue(QueueName=getattr(w.settings, name), tags=tags)

    return make


def make(step: ModuleType, **options: bool) -> Break:
    return lambda w: step.create(w.cloud, dataclasses.replace(w.settings, **options))


def leave_a_function(w: World) -> None:
    for module in (role, layer, function):
        module.create(w.cloud, w.settings)
    layer.delete(w.cloud, w.settings)
    role.delete(w.cloud, w.settings)
    w.logs.delete_log_group(**w.log)


def leave_rules(w: World) -> None:
    build(w, 6)
    for module in (function, layer, role):
        module.delete(w.cloud, w.settings)


#: What is left → the lines that tell of it, and what leaves it.
LEFT: dict[str, tuple[set[str], Break]] = {
    "source": ({"no buckets"}, make_bucket("source")),
    "target": ({"no buckets"}, make_bucket("target")),
    "backup": ({"no buckets"}, make_bucket("backup")),
    "role": ({"no role"}, make(role)),
    "layer": ({"no layer: workbook-pillow"}, make(layer)),
    "layer with text": ({"no layer: workbook-pillow-text"}, make(layer, text=True)),
    "layer for another processor": (
        {"no layer: workbook-pillow"},
        lambda w: publish(w, CompatibleArchitectures=[another(w)]),
    ),
    "function": ({"no function"}, leave_a_function),
    "log": ({"no function"}, lambda w: w.logs.create_log_group(**w.log)),
    "queue of failures": ({"no failures"}, make_queue("failure_queue")),
    "queue of somebody else": ({"no failures"}, make_queue("failure_queue", False)),
    "queue of uploads": ({"no queue"}, make_queue("queue_name")),
    "rules": ({"no buckets", "no trigger"}, leave_rules),
    "alarms": ({"no alarms"}, make(alarms, reliable=True)),
}


# --- the tests -----------------------------------------------------------------------


def red(report: checks.Report) -> set[str]:
    return {finding.name for finding in report.findings if finding.state == "mend"}


def each_line_first() -> list[Any]:
    """Every fault; slow but for the first that turns a line red."""
    return [
        pytest.param(
            *(step, set(lines), says, break_it),
            id=f"{step}-{' and '.join(lines)}: {says}",
            marks=pytest.mark.slow if number else (),
        )
        for (step, *lines), faults in FAULTS.items()
        for number, (says, break_it) in enumerate(faults.items())
    ]


@pytest.mark.parametrize(("step", "lines", "says", "break_it"), each_line_first())
def test_fault_is_seen(world, step, lines, says, break_it):
    build(world, step)
    break_it(world)
    report = checks.look(step, world.cloud, world.settings)
    assert red(report) == lines and not report.ok
    assert says in repr(report)


TEXT = "layer with text"  # which takes seconds to build
LEFT_QUICK = [name for name in LEFT if name != TEXT]


@pytest.mark.parametrize(
    "name", [*LEFT_QUICK, pytest.param(TEXT, marks=pytest.mark.slow)]
)
def test_what_is_left_is_seen(world, name):
    wanted, leave = LEFT[name]
    leave(world)
    report = checks.look(11, world.cloud, world.settings)
    lines = {line for line in red(report) if line.startswith(tuple(wanted))}
    assert red(report) == lines and len(lines) == len(wanted)
    assert "down(cloud" in repr(report)


@pytest.fixture
def built(world: World) -> World:
    pipeline.up(world.cloud, world.settings)
    return world


def test_what_up_builds_is_green_and_what_down_leaves(built):
    reports = [checks.look(step, built.cloud, built.settings) for step in BUILT]
    assert all(reports), reports
    pipeline.down(built.cloud, built.settings)
    assert checks.look(11, built.cloud, built.settings).ok


def test_every_line_has_its_fault(built):
    for step in (*BUILT, 7, 8):
        report = checks.look(step, built.cloud, built.settings)
        seen = {line for fault in FAULTS if fault[0] == step for line in fault[1:]}
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


def split(w: World) -> None:
    read, write = two(w)
    inline(w, read | {"Action": ["s3:GetObject"], "Sid": "Read"})
    inline(w, write | {"Resource": [write["Resource"]]}, name="write")


def make_reliable(w: World) -> None:
    inline(w, *role.reliable_policy(w.settings)["Statement"], name=role.RELIABLE)


def deny_without_tls(w: World) -> None:
    when = {"Bool": {"aws:SecureTransport": "false"}}
    open_target("s3:*", "/*", own=True, Effect="Deny", Condition=when)(w)


def publish_for_an_older_python(w: World) -> None:
    w.awslambda.publish_layer_version(
        LayerName=w.settings.layer_name,
        Content={"ZipFile": HELLO},
        CompatibleRuntimes=["python3.9"],
    )


EVERY_KIND, EACH_KIND = ["s3:ObjectCreated:*"], [*notifications.UPLOADS]


@pytest.mark.parametrize(
    ("step", "change"),
    [
        pytest.param(3, split, id="a statement written otherwise"),
        pytest.param(
            3,
            lambda w: inline(w, *two(w), DENY_GET | {"Action": "s3:DeleteObject"}),
            id="a denial of something else",
        ),
        pytest.param(3, make_reliable, id="the reliable policy"),
        pytest.param(
            6, rules({"Events": EVERY_KIND}, {"Events": EVERY_KIND}), id="every kind"
        ),
        pytest.param(
            6, rules({"Events": EACH_KIND}, {"Events": EACH_KIND}), id="each by name"
        ),
        pytest.param(2, deny_without_tls, id="TLS only"),
        pytest.param(4, publish_for_an_older_python, id="an older layer that fits"),
    ],
)
def test_another_right_answer_is_green(world, step, change):
    build(world, step)
    change(world)
    assert checks.look(step, world.cloud, world.settings).ok


def test_a_log_that_the_account_keeps_longer_is_enough(world):
    """PutAccountPolicy outweighs what 05 sets, and says so in its name."""
    build(world, 5)

    def account_wide(parsed, **_):
        for group in parsed["logGroups"]:
            group |= {"retentionInDays": 400, "retentionPolicyName": "keep-all"}

    call = "after-call.cloudwatch-logs.DescribeLogGroups"
    with hooked(world.logs, call, account_wide):
        assert checks.look(5, world.cloud, world.settings).ok


@pytest.mark.parametrize("stored", ["{oops", "[]", '"text"', "null", '{"a": 1}'])
@pytest.mark.parametrize(
    ("step", "client", "call"),
    [(2, "s3", "s3.GetBucketPolicy"), (6, "awslambda", "lambda.GetPolicy")],
)
def test_a_stored_policy_that_is_none_is_a_finding(world, step, client, call, stored):
    build(world, step)
    asked = getattr(world.cloud, client), f"after-call.{call}"
    with hooked(*asked, lambda parsed, **_: parsed.update(Policy=stored)):
        assert not checks.look(step, world.cloud, world.settings).ok
        assert not pipeline.status(world.cloud, world.settings).ready
        assert trace("a.jpg", world.cloud, world.settings).links


def test_reliable_stack_is_green(world):
    pipeline.up(world.cloud, world.settings, reliable=True)
    assert checks.look(8, world.cloud, world.settings).ok
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
    world.s3.delete_bucket_policy(Bucket=world.target)
    report = checks.look(2, world.cloud, world.settings)
    assert "9 of 10" in report._repr_html_() and "9 of 10" in repr(report)
    assert "put_bucket_policy" in report._repr_html_()
