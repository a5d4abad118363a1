"""The deployer's policy, held against the calls that are really made."""

import dataclasses
import io
import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws
from PIL import Image
from support.matrix import quiet
from support.moto_cloud import ACCOUNT, MOTO, REGION, here
from support.pictures import encoded, photo
from workbook.classroom.wall.intake import page_allowed

from deploy import logs, notifications, pipeline, policies, rights, tracing, waiting
from deploy.__main__ import main
from deploy.arns import Arns
from deploy.cloud import Cloud
from deploy.configure import settings_for
from deploy.errors import PreflightError
from deploy.local import refusals
from deploy.operations import backfill, probe
from deploy.operations.replay import replay
from deploy.settings import Settings
from deploy.steps import queue, role
from deploy.tracing import result_links
from deploy.tracing.facts import Facts
from deploy.zips import zipped
from handler.events import target_key

CONTEXT = {
    "iam:passedtoservice": "lambda.amazonaws.com",
    "iam:policyarn": Arns(REGION, ACCOUNT).managed(role.BASIC_EXECUTION),
    "lambda:functionarn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
    "workbook-thumbnailer",
}
BOUNDARY = Arns(REGION, ACCOUNT).iam("policy/Boundary")
OF_PICTURES = ("Object", "MultipartUpload", "ObjectVersion")


def resource(action, call, params):
    """Derive the ARN that AWS checks an action on, from a call's parameters."""
    service, name = action.split(":")
    here = f"{REGION}:{ACCOUNT}"
    if name in ("GetAccountPublicAccessBlock", "GetAccountSettings", "GetMetricData"):
        return "*"
    if service == "s3":
        bucket = f"arn:aws:s3:::{params['Bucket']}"
        of_picture = name.endswith(OF_PICTURES) and not name.startswith("List")
        return f"{bucket}/{params.get('Key', 'a.jpg')}" if of_picture else bucket
    if service == "iam":
        if name == "SimulatePrincipalPolicy":
            return params["PolicySourceArn"]
        if name == "PassRole":
            return params["Role"]
        role_arn = f"arn:aws:iam::{ACCOUNT}:role/{params.get('RoleName')}"
        return params.get("PolicyArn", role_arn) if "GetPolicy" in name else role_arn
    if service == "cloudwatch":
        alarm = params.get("AlarmName", (params.get("AlarmNames") or ["*"])[0])
        alarm = "*" if name == "DescribeAlarms" else alarm
        return params.get("ResourceARN", f"arn:aws:cloudwatch:{here}:alarm:{alarm}")
    if service == "sqs":
        name = params.get("QueueName") or params["QueueUrl"].rpartition("/")[2]
        return f"arn:aws:sqs:{here}:{name}"
    if service == "logs":
        group = params.get("logGroupName", "")
        end = "" if name == "TagResource" else ":log-stream:"
        return f"arn:aws:logs:{here}:log-group:{group}{end}"
    return of_lambda(name, call, params, f"arn:aws:lambda:{here}")


def of_lambda(name, call, params, start):
    if name == "GetLayerVersion":
        return params["Layers"][0]
    if "LayerVersion" in name:
        version = f":{params['VersionNumber']}" if "VersionNumber" in params else ""
        return f"{start}:layer:{params['LayerName']}{version}"
    if name == "ListEventSourceMappings":
        return "*"
    if "EventSourceMapping" in call:
        return f"{start}:event-source-mapping:{params.get('UUID', 'a-uuid')}"
    return f"{start}:function:{params['FunctionName'].rpartition(':')[2]}"


def checks(call, params):
    """List what AWS checks in a call: (action, resource)."""
    for right in rights.needed(call):
        # Only where the call names one: an update may be of the memory alone.
        part = {"iam:PassRole": "Role", "lambda:GetLayerVersion": "Layers"}
        if part.get(right.action) in (None, *params):
            yield right.action, resource(right.action, call, params)


@pytest.fixture
def policy():
    """The deployer's policy of the recorded pipeline."""
    return rights.deployer_policy(make(permissions_boundary=BOUNDARY))


def make(**overrides):
    return Settings(ACCOUNT, REGION, **overrides)


def actions_of(policy):
    return {action for one in policy["Statement"] for action in one["Action"]}


USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/team/ann"


@pytest.fixture(scope="module")
def recorded(wired, one_managed_policy):
    """Every call of a pipeline's life, with its parameters: (call, params)."""
    plain, wire = wired
    calls = []

    def record(params, model, **_):
        calls.append((f"{model.service_model.service_name}.{model.name}", dict(params)))

    with mock_aws(config=MOTO), pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "QUIET_S", 0)
        patch.setattr(notifications, "RULES_HOLD_S", 0)
        patch.setattr(waiting, "DELAYS", (0, 0, 0))
        plain.session.events.register("before-parameter-build.*.*", record)
        live(dataclasses.replace(plain, identity=USER))
        plain.session.events.unregister("before-parameter-build.*.*", record)
    wire.reset()
    return calls


def live(cloud):
    """Go through all that the commands do, after changes by hand, too."""
    settings = here(cloud)
    modes = ({}, {"reliable": True}, {"queue": True}, {"public": False})
    for mode in (*modes, {"backup": True}):
        pipeline.plan(cloud, settings, **mode)
        pipeline.up(cloud, settings, say=quiet, **mode)
        pipeline.status(cloud, settings, **mode)
        tracing.trace("a.jpg", cloud, settings, **mode)
        if "queue" in mode:
            catch_up(cloud, here(cloud, **mode))
    spoil(cloud, settings)
    pipeline.up(cloud, settings, say=quiet, queue=True)
    pipeline.up(cloud, settings, say=quiet, queue=True, batch_size=5, timeout_s=60)
    bound = {"permissions_boundary": BOUNDARY}
    pipeline.up(cloud, settings, say=quiet, reliable=True, **bound)
    cloud.s3.put_object(Bucket=settings.source_bucket, Key="silent.jpg", Body=b"1")
    result_links.the_invocation(Facts(cloud, settings, "silent.jpg"))
    pipeline.pause(cloud, settings)
    pipeline.up(cloud, settings, say=quiet, reliable=True)
    use(cloud, settings)
    probe.probe(cloud, settings, reliable=True, backup=True, timeout_s=0.1)
    probe.probe(cloud, settings, reliable=True, timeout_s=0.1, copied=True)
    with page_allowed(cloud, settings, "http://192.168.1.20"):
        """A lesson's wall is open, and phones may post."""
    pipeline.down(cloud, settings)
    boto3.client("iam").create_role(
        RoleName="team", AssumeRolePolicyDocument="{}", Path="/x/"
    )
    pipeline.plan(dataclasses.replace(cloud, identity=SESSION), settings)


def catch_up(cloud, settings):
    """Send an upload that the trigger never told of."""
    cloud.s3.put_object(Bucket=settings.source_bucket, Key="old.jpg", Body=b"1")
    boto3.client("s3", REGION).put_object(  # of an earlier picture
        Bucket=settings.target_bucket,
        Key=target_key("old.jpg", settings.thumbnail_prefix),
        Body=b"2",
    )
    assert backfill.backfill(cloud, settings).missing == ("old.jpg",)
    off_record = boto3.client("sqs", REGION)
    url = off_record.get_queue_url(QueueName=settings.queue_name)["QueueUrl"]
    off_record.purge_queue(QueueUrl=url)


def spoil(cloud, settings):
    """Change by hand, off the record, what `up` then mends by calls of its own."""
    wrong = json.dumps(role.trust_policy()).replace("lambda", "ec2")
    name = settings.role_name
    boto3.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=wrong)
    other = zipped({"handler/app.py": b""}, mode=0o644)
    boto3.client("lambda", REGION).update_function_code(
        FunctionName=settings.function_name, ZipFile=other
    )


def use(cloud, settings):
    """Upload, look, leave an upload half done, replay a failed event."""
    bucket = settings.source_bucket
    cloud.s3.put_object(Bucket=bucket, Key="a.jpg", Body=b"1")
    cloud.s3.get_object(Bucket=bucket, Key="a.jpg")
    body = io.BytesIO(bytes(9 * 1024**2))
    cloud.s3.upload_fileobj(body, bucket, "big.jpg")  # in parts
    cloud.s3.create_multipart_upload(Bucket=bucket, Key="b.jpg")
    list(logs.runs(cloud, settings))
    url = cloud.sqs.get_queue_url(QueueName=settings.failure_queue)["QueueUrl"]
    body = json.dumps({"requestPayload": {"Records": []}})
    # The service's own doing on AWS, which no deployer has the right to.
    boto3.client("sqs", REGION).send_message(QueueUrl=url, MessageBody=body)
    tracing.trace("a.jpg", cloud, settings, reliable=True)
    replay(cloud, settings)


@pytest.fixture(scope="module")
def checked(recorded):
    """What AWS checks in all of those calls."""
    return {check for call, params in recorded for check in checks(call, params)}


def refused(policy, checked):
    """List the checks that a policy does not pass."""
    return {
        (action, arn)
        for action, arn in checked
        if not policies.allowed(policy, action, arn, context=CONTEXT)
    }


def test_every_call_has_its_permission(recorded):
    assert {call for call, _ in recorded if not rights.needed(call)} == set()


def test_every_call_is_allowed(checked, policy):
    assert refused(policy, checked) == set()


def test_every_permission_has_its_call(recorded):
    used = {
        (right.action, call) for call, _ in recorded for right in rights.needed(call)
    }
    said = {
        (right.action, call)
        for purpose in rights.RIGHTS
        for right in purpose.rights
        for call in rights.calls(right)
    }
    # moto's GetFunction does not say that a function is paused; and a policy goes
    # whole only where nothing is public and http was asked for.
    unseen = {
        ("lambda:DeleteFunctionConcurrency", "lambda.DeleteFunctionConcurrency"),
        ("s3:DeleteBucketPolicy", "s3.DeleteBucketPolicy"),
        # Only where a bucket goes by its tags, and refuses PutBucketTagging.
        ("s3:TagResource", "s3.TagResource"),
        ("s3:UntagResource", "s3.UntagResource"),
    }
    assert said - used == unseen


@pytest.mark.parametrize("sid", [purpose.sid for purpose in rights.RIGHTS])
def test_no_statement_can_go(checked, policy, sid):
    kept = [one for one in policy["Statement"] if one["Sid"] != sid]
    assert refused({"Statement": kept}, checked)


def test_what_no_call_is_named_after_has_a_source():
    unnamed = [
        right
        for purpose in rights.RIGHTS
        for right in purpose.rights
        if right.action.split(":")[1] not in right.calls.split()
    ]
    assert all(right.source.startswith("https://docs.aws") for right in unnamed)


LONG = {"name": "a" * 30}  # no longer one fits a bucket's name


@pytest.mark.parametrize("named", [{}, LONG])
def test_policy_fits_a_role_or_two_managed_policies(named):
    settings = make(**named)
    whole, parts = rights.deployer_policy(settings), rights.managed(settings)
    assert rights.size(whole) <= 10240
    assert [rights.size(part) <= 6144 for part in parts] == [True, True]
    assert [s for part in parts for s in part["Statement"]] == whole["Statement"]


def test_only_what_takes_no_resource_is_for_all(policy):
    wide = {s["Sid"] for s in policy["Statement"] if s["Resource"] == ["*"]}
    assert wide == {
        "EmptyTheQueueIntoTheFunction",
        "FindTheMapping",
        "LookAtTheAccount",
    }


def test_given_role_needs_no_right_to_make_one(policy):
    settings = make(execution_role=f"arn:aws:iam::{ACCOUNT}:role/LabRole")
    actions = actions_of(rights.deployer_policy(settings))
    assert "iam:CreateRole" not in actions and "iam:PassRole" in actions


def test_part_of_gives_what_was_asked():
    part = rights.part_of(make(), {"iam:PassRole", "s3:CreateBucket"})
    assert actions_of(part) == {"iam:PassRole", "s3:CreateBucket"}
    assert [s["Sid"] for s in part["Statement"]][-1] == "LendTheRoleToLambdaOnly"


def test_policy_is_printed_alone_or_in_parts(account, capsys):
    aws = ("policy", "--cloud", "aws", "--region", REGION)
    assert main([*aws]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["Version"] == "2012-10-17"
    assert "as managed policies they are 2" in said.err
    assert [main([*aws, "--part", part]) for part in "12"] == [0, 0]
    assert main([*aws, "--part", "3"]) == 1
    assert "there is no part 3" in capsys.readouterr().err


def as_user(local, name, policy):
    """Connect as a new user with this policy and no other."""
    iam = local.iam
    iam.create_user(UserName=name)
    made = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))
    iam.attach_user_policy(UserName=name, PolicyArn=made["Policy"]["Arn"])
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(
        key["AccessKeyId"], key["SecretAccessKey"], region_name=local.region
    )
    refusals.attach(session, lookup=local.client)
    arn = f"arn:aws:iam::{local.account}:user/{name}"
    return Cloud(session, local.account, local.region, "local", local.endpoint, arn)


def unconditional(policy):
    """Leave out the conditions: the local cloud knows none of their keys."""
    statements = [dict(one) for one in policy["Statement"]]
    for one in statements:
        one.pop("Condition", None)
    return policy | {"Statement": statements}


def test_a_deployer_with_just_that_policy(local):
    settings = settings_for(local, name="ann-deploys")
    ann = as_user(local, "ann", unconditional(rights.deployer_policy(settings)))
    assert not pipeline.plan(ann, settings).refused
    pipeline.up(ann, settings)
    ann.s3.put_object(Bucket=settings.source_bucket, Key="a.jpg", Body=encoded(photo()))
    started = datetime.now(UTC) - timedelta(minutes=1)
    (run,) = logs.wait_for(ann, settings, ["a.jpg"], started)
    answer = ann.s3.get_object(Bucket=settings.target_bucket, Key=run.target)
    assert Image.open(answer["Body"]).format == "JPEG"
    assert pipeline.status(ann, settings).ready
    assert pipeline.down(ann, settings).left == ()


def test_a_deployer_who_may_less_is_told(local):
    settings = settings_for(local, name="ben-deploys")
    policy = rights.deployer_policy(settings)
    few = {"MakeTheRole", "AskWhatTheCallerMay", "PublishTheLayer"}
    kept = [s for s in policy["Statement"] if s["Sid"] not in few]
    ben = as_user(local, "ben", policy | {"Statement": kept})
    lack = "you lack 2 rights: iam:GetRole, lambda:ListLayerVersions"
    with pytest.raises(PreflightError, match=lack):
        pipeline.up(ben, settings)
    names = [bucket["Name"] for bucket in local.s3.list_buckets()["Buckets"]]
    assert settings.source_bucket not in names
