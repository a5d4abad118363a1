"""Whatever botocore lets through, a rule answers it: with None or with a refusal."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from support.bench import TRUST, zipped
from support.moto_cloud import close_new_buckets

from deploy.local import refusals

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:thumbnailer"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"

#: Names and ARNs, nearly right.
text = st.one_of(
    st.text(max_size=20),
    st.text("arn:aws3lmbdqiofucti/-*$\n0129", max_size=60),
    st.sampled_from([FUNCTION, FUNCTION + ":", FUNCTION[:-12], ROLE, ROLE[:-6], "*"]),
)
queue = st.one_of(text, st.builds("arn:aws:sqs:us-east-1:123456789012:{}".format, text))
json_value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)
    ),
    max_leaves=6,
)
statement = st.fixed_dictionaries(
    {},
    optional={
        "Effect": st.one_of(st.sampled_from(["Allow", "Deny"]), json_value),
        "Principal": st.one_of(st.sampled_from(["*", {"AWS": "*"}]), json_value),
        "Action": json_value,
        "Resource": json_value,
        "Condition": st.one_of(
            json_value,
            st.dictionaries(text, st.dictionaries(text, json_value), max_size=2),
        ),
    },
)
policy = st.one_of(
    text,
    json_value.map(json.dumps),
    st.one_of(statement, st.lists(statement, max_size=2)).map(
        lambda found: json.dumps({"Version": "2012-10-17", "Statement": found})
    ),
)


def some(**fields):
    """A structure of which every member may be left out."""
    return st.fixed_dictionaries({}, optional=fields)


filters = some(Key=some(FilterRules=st.lists(some(Name=text, Value=text), max_size=2)))


def kind(arn):
    known = {arn: text, "Events": st.lists(text, max_size=2)}
    rule = st.fixed_dictionaries(known, optional={"Id": text, "Filter": filters})
    return st.lists(rule, max_size=2)


KEYED = ("PutObject", "CopyObject", "CreateMultipartUpload")
SHAPES = {
    "lambda.CreateFunction": some(Role=text, Runtime=text, Timeout=st.integers()),
    "lambda.PublishLayerVersion": some(CompatibleRuntimes=st.lists(text, max_size=2)),
    "lambda.UpdateFunctionConfiguration": some(Role=text, MemorySize=st.integers()),
    "lambda.CreateEventSourceMapping": st.fixed_dictionaries(
        {"FunctionName": st.sampled_from(["thumbnailer", "none", FUNCTION])},
        optional={"EventSourceArn": queue},
    ),
    **{f"s3.{call}": st.fixed_dictionaries({"Key": st.text()}) for call in KEYED},
    "s3.CreateBucket": st.fixed_dictionaries({"Bucket": text}),
    "s3.PutBucketPolicy": st.fixed_dictionaries(
        {"Bucket": st.just("made"), "Policy": policy}
    ),
    "s3.PutBucketLifecycleConfiguration": some(
        LifecycleConfiguration=some(
            Rules=st.lists(
                some(
                    Status=st.sampled_from(["Enabled", "enabled"]),
                    Prefix=text,
                    Expiration=some(Days=st.integers()),
                    Transitions=st.lists(
                        some(StorageClass=text, Days=st.integers()), max_size=2
                    ),
                ),
                max_size=2,
            )
        )
    ),
    "s3.PutBucketNotificationConfiguration": st.fixed_dictionaries(
        {
            "Bucket": st.just("made"),
            "NotificationConfiguration": some(
                LambdaFunctionConfigurations=kind("LambdaFunctionArn"),
                QueueConfigurations=kind("QueueArn"),
                TopicConfigurations=kind("TopicArn"),
            ),
        }
    ),
}


@pytest.fixture(scope="module")
def moto():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_CONFIG_FILE", "none")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
        with mock_aws(config={"lambda": {"use_docker": False}}):
            yield


def new_session():
    return boto3.Session("test", "test", region_name="us-east-1")


def document(**statement):
    statement = {"Effect": "Allow", **statement}
    return {"Version": "2012-10-17", "Statement": [statement]}


RENTED = document(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")
#: Function → what its permission has in place of the one that lets `made` in.
PERMITTED = {
    "thumbnailer": {},
    "of-another-bucket": {"SourceArn": "arn:aws:s3:::other"},
    "of-another-account": {"SourceAccount": "999999999999"},
    "of-another-service": {"Principal": "sns.amazonaws.com"},
    "to-be-looked-at": {"Action": "lambda:GetFunction"},
}


@pytest.fixture(scope="module")
def world(moto):
    """Roles, functions and buckets: `made` lets nobody in, `open` may be opened."""
    session = new_session()
    clients = {
        name: session.client(name) for name in ("s3", "iam", "lambda", "sqs", "sts")
    }
    make = clients["iam"].create_role
    for path, name, trust in (
        ("/", "worker", TRUST),
        ("/", "renter", RENTED),
        ("/a/b/", "deep", TRUST),
    ):
        document = json.dumps(trust)
        make(Path=path, RoleName=name, AssumeRolePolicyDocument=document)
    for name, change in PERMITTED.items():
        clients["lambda"].create_function(
            FunctionName=name,
            Role=ROLE,
            Runtime="python3.13",
            Handler="a.b",
            Code={"ZipFile": b"x"},
        )
        permission = {"StatementId": "s3", "Action": "lambda:InvokeFunction"}
        permission |= {"SourceArn": "arn:aws:s3:::made", "SourceAccount": ACCOUNT}
        permission |= {"Principal": "s3.amazonaws.com"} | change
        clients["lambda"].add_permission(FunctionName=name, **permission)
    for name, closed in (("made", True), ("lifted", False), ("bare", None)):
        clients["s3"].create_bucket(Bucket=name)
        if closed is not None:
            blocks = {"BlockPublicAcls": True, "BlockPublicPolicy": closed}
            clients["s3"].put_public_access_block(
                Bucket=name, PublicAccessBlockConfiguration=blocks
            )
    return refusals.World(clients.__getitem__, "python3.13")


def test_every_call_with_rules_has_shapes():
    assert set(SHAPES) == set(refusals.RULES)


@pytest.mark.parametrize("call", SHAPES)
def test_rules_survive_what_botocore_lets_through(world, call):
    @settings(max_examples=100, deadline=None, database=None)
    @given(SHAPES[call])
    def answered(params):
        if (refusal := refused(call, params, world)) is not None:
            assert refusal.code and refusal.message and 400 <= refusal.status < 500

    answered()


def refused(call, params, world):
    found = (rule(params, world) for rule in refusals.RULES[call])
    return next((refusal for refusal in found if refusal), None)


INVALID = "InvalidParameterValueException"
NOTIFY = "s3.PutBucketNotificationConfiguration"
CREATE = "lambda.CreateFunction"
UPDATE = "lambda.UpdateFunctionConfiguration"
LAYER = "lambda.PublishLayerVersion"
LIFECYCLE = "s3.PutBucketLifecycleConfiguration"
POLICY = "s3.PutBucketPolicy"
UNASSUMABLE = "The role defined for the function cannot be assumed by Lambda."
UNVALIDATED = "Unable to validate the following destination configurations"
AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two "
    "rules if the prefixes are overlapping for the same event type."
)
RETIRED = (
    "The runtime parameter of python3.8 is no longer supported for creating or "
    "updating AWS Lambda functions. We recommend you use a supported runtime "
    "while creating or updating functions."
)
NOT_HERE = "it takes Runtime=python3.13 and not python3.14."
CLOSED_BY = "by the BlockPublicPolicy block public access setting."


def rule(**parts):
    return {"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectCreated:*"]} | parts


def to(name):
    return notification(rule(LambdaFunctionArn=FUNCTION.replace("thumbnailer", name)))


def notification(*rules, **more):
    rules = {"LambdaFunctionConfigurations": list(rules)}
    return {"Bucket": "made", "NotificationConfiguration": rules} | more


def filtered(**part):
    return rule(Filter={"Key": {"FilterRules": [part]}})


JPG = filtered(Name="suffix", Value=".jpg")
PNG = filtered(Name="suffix", Value=".png")
ELSEWHERE = rule(LambdaFunctionArn=FUNCTION.replace("us-east-1", "eu-west-1"))
MOVE = {"Days": 30, "StorageClass": "STANDARD_IA"}


def lifecycle(**change):
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Transitions": [MOVE]}
    rule = {name: part for name, part in (rule | change).items() if part}
    return {"LifecycleConfiguration": {"Rules": [rule]}}


SAME = {"ID": "same", **lifecycle()["LifecycleConfiguration"]["Rules"][0]}
READ = {"Action": "s3:GetObject"}
OPEN = document(Principal="*", **READ, Resource="arn:aws:s3:::made/*")
CLOSED = document(Principal={"AWS": ACCOUNT}, **READ, Resource="arn:aws:s3:::made/*")


def policy_of(text=OPEN, bucket="made"):
    text = text if isinstance(text, str) else json.dumps(text)
    return {"Bucket": bucket, "Policy": text.replace("made", bucket)}


#: What is asked → call, parameters, AWS's code and words; no code: it passes.
ASKED = {
    "role that is not there": (CREATE, {"Role": f"{ROLE}-gone"}, INVALID, UNASSUMABLE),
    "role of another service": (
        *(CREATE, {"Role": ROLE.replace("worker", "renter")}, INVALID, UNASSUMABLE),
    ),
    "role with a path": (CREATE, {"Role": ROLE.replace("worker", "a/b/deep")}, "", ""),
    "no role": (CREATE, {"Role": ""}, "ValidationException", ""),
    "role by its name": (CREATE, {"Role": "worker"}, "ValidationException", ""),
    "role of no account": (
        *(CREATE, {"Role": "arn:aws:iam::1:role/x"}, "ValidationException", ""),
    ),
    "update to no role": (UPDATE, {"Role": f"{ROLE}-gone"}, INVALID, UNASSUMABLE),
    "update of the memory": (UPDATE, {"MemorySize": 512}, "", ""),
    "retired runtime": (CREATE, {"Runtime": "python3.8"}, INVALID, RETIRED),
    "runtime that is here": (CREATE, {"Role": ROLE, "Runtime": "python3.13"}, "", ""),
    "runtime that is not here": (CREATE, {"Runtime": "python3.14"}, INVALID, NOT_HERE),
    "our own limit": (
        *(CREATE, {"Runtime": "python3.14"}, INVALID, "limit of the local cloud"),
    ),
    "901 seconds": (
        *(CREATE, {"Timeout": 901}, "ValidationException"),
        "Value '901' at 'timeout' failed",
    ),
    "64 MB": (
        *(CREATE, {"MemorySize": 64}, "ValidationException"),
        "Value '64' at 'memorySize' failed",
    ),
    "10,241 MB": (
        *(CREATE, {"MemorySize": 10_241}, "ValidationException"),
        "less than or equal to 10240",
    ),
    "layer for a mistyped runtime": (
        *(LAYER, {"CompatibleRuntimes": ["phyton3.13"]}, "ValidationException", ""),
    ),
    "layer for a mistyped processor": (
        *(LAYER, {"CompatibleArchitectures": ["arm"]}, "ValidationException", ""),
    ),
    "layer for what there is": (
        LAYER,
        {"CompatibleRuntimes": ["python3.13"], "CompatibleArchitectures": ["arm64"]},
        *("", ""),
    ),
    "notification to a name": (
        *(NOTIFY, notification(rule(LambdaFunctionArn="thumbnailer"))),
        *("InvalidArgument", ""),
    ),
    "notification to half an ARN": (NOTIFY, to(""), "InvalidArgument", ""),
    "filter without a value": (
        *(NOTIFY, notification(filtered(Name="suffix")), "MalformedXML", ""),
    ),
    "filter without a name": (
        *(NOTIFY, notification(filtered(Value=".jpg")), "MalformedXML", ""),
    ),
    "filter of the middle": (
        *(NOTIFY, notification(filtered(Name="middle", Value=".jpg"))),
        *("InvalidArgument", ""),
    ),
    "notification to no function": (
        *(NOTIFY, to("nobody"), "InvalidArgument", UNVALIDATED),
    ),
    **{
        f"permission {name}": (NOTIFY, to(name), "InvalidArgument", UNVALIDATED)
        for name, change in PERMITTED.items()
        if change
    },
    "function in another region": (
        *(NOTIFY, notification(ELSEWHERE), "InvalidArgument", UNVALIDATED),
    ),
    "notification that is permitted": (NOTIFY, notification(JPG, PNG), "", ""),
    "notification that is not to be validated": (
        *(NOTIFY, to("nobody") | {"SkipDestinationValidation": True}, "", ""),
    ),
    "no notification": (NOTIFY, notification(), "", ""),
    "no notification of no bucket": (NOTIFY, notification(Bucket="gone"), "", ""),
    "overlap": (
        *(NOTIFY, notification(JPG, filtered(Name="suffix", Value="g"))),
        *("InvalidArgument", AMBIGUOUS),
    ),
    "overlap without filters": (
        *(NOTIFY, notification(rule(), rule())),
        *("InvalidArgument", "Configurations overlap."),
    ),
    **{
        f"bucket called {name}": (
            *("s3.CreateBucket", {"Bucket": name}),
            *("InvalidBucketName", "The specified bucket is not valid."),
        )
        for name in (
            *("Photos", "a..b", "192.168.0.1", "sthree-x", "photos-s3alias"),
            "photos-",
        )
    },
    **{
        f"{call}, a key of {size} bytes": (
            *(f"s3.{call}", {"Key": "é" * (size // 2)}, code),
            "Your key is too long" if code else "",
        )
        for call in KEYED
        for size, code in ((1024, ""), (1026, "KeyTooLongError"))
    },
    "public policy": (POLICY, policy_of(), "AccessDenied", CLOSED_BY),
    "public policy, blocks lifted": (POLICY, policy_of(bucket="lifted"), "", ""),
    "public policy, no blocks": (POLICY, policy_of(bucket="bare"), "", ""),
    "policy that is not public": (POLICY, policy_of(CLOSED), "", ""),
    "policy: half": (POLICY, policy_of("{"), "MalformedPolicy", ""),
    "policy: a list": (POLICY, policy_of("[]"), "MalformedPolicy", ""),
    "policy: conditions in a list": (
        *(POLICY, policy_of(document(Condition=[])), "MalformedPolicy", ""),
    ),
    **{
        f"policy of version {version!r}": (
            *(POLICY, policy_of(OPEN | {"Version": version})),
            *("MalformedPolicy", "valid version string"),
        )
        for version in ("2026-11-26", "", 2012)
    },
    "lifecycle": (LIFECYCLE, lifecycle(), "", ""),
    "two rules of one ID": (
        LIFECYCLE,
        {"LifecycleConfiguration": {"Rules": [SAME, SAME]}},
        *("InvalidArgument", "Rule ID must be unique"),
    ),
    "deletes after it moves": (LIFECYCLE, lifecycle(Expiration={"Days": 31}), "", ""),
    "deletes as it moves": (
        *(LIFECYCLE, lifecycle(Expiration={"Days": 30}), "InvalidArgument", ""),
    ),
    "deletes at once": (
        *(LIFECYCLE, lifecycle(Expiration={"Days": 0}), "InvalidArgument"),
        "positive integer",
    ),
    "lower-case status": (LIFECYCLE, lifecycle(Status="enabled"), "MalformedXML", ""),
    "no filter": (LIFECYCLE, lifecycle(Filter=None), "MalformedXML", ""),
    "no action": (LIFECYCLE, lifecycle(Transitions=None), "InvalidRequest", ""),
    "transition without a class": (
        *(LIFECYCLE, lifecycle(Transitions=[{"Days": 30}]), "MalformedXML", ""),
    ),
}


@pytest.mark.parametrize(("call", "params", "code", "words"), ASKED.values(), ids=ASKED)
def test_refused_as_on_aws(world, call, params, code, words):
    found = refused(call, params, world)
    assert (found.code if found else "") == code
    assert words in (found.message if found else "")


def test_every_dead_target_is_named(world):
    gone = [
        filtered(Name="suffix", Value=f".{end}") | {"LambdaFunctionArn": FUNCTION + end}
        for end in "ab"
    ]
    details = refused(NOTIFY, notification(JPG, *gone), world).details
    names = [details[f"ArgumentName{number}"] for number in (1, 2)]
    assert names == [f"{FUNCTION}a, null", f"{FUNCTION}b, null"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Principal": None}, "Missing required field Principal"),
        ({"Action": None}, "Missing required field Action"),
        ({"Resource": None}, "Missing required field Resource"),
        ({"Resource": "arn:aws:s3:::other/*"}, "Policy has invalid resource"),
        ({"Resource": "thumbnails/*"}, "Policy has invalid resource"),
        ({"Action": "lambda:InvokeFunction"}, "Policy has invalid action"),
        ({"Effect": "allow"}, "Invalid policy syntax"),
    ],
)
def test_a_statement_lacks_nothing_or_is_refused(world, change, words):
    (whole,) = OPEN["Statement"]
    parts = {name: part for name, part in (whole | change).items() if part}
    for statement in (parts, [whole, parts]):
        params = policy_of(OPEN | {"Statement": statement})
        assert words in refusals.policy_is_well_formed(params, world).message


FROM_HERE = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}


@pytest.mark.parametrize(
    ("policy", "public"),
    [
        (OPEN, True),
        (document(Principal={"AWS": ["*"]}, **READ), True),
        (document(NotPrincipal={"AWS": ACCOUNT}, **READ), True),
        (CLOSED, False),
        (document(Principal="*", Effect="Deny", **READ), False),
        (document(Principal="*", Condition=FROM_HERE, **READ), False),
        (document(Principal="*", Condition={"Bool": {"a:b": "true"}}, **READ), True),
        ("not json", False),
    ],
)
def test_public(policy, public):
    assert refusals.is_public(policy) is public


# --- on a session --------------------------------------------------------------------


@pytest.fixture
def ruled(world):
    """A session whose clients obey the rules, on any Python."""
    session = new_session()
    refusals.attach(session, world.lookup)
    close_new_buckets(session, world.lookup)
    return session


def function(**parts):
    code = {"ZipFile": zipped("", "app.py")}
    return {"FunctionName": "f", "Runtime": "python3.14", "Code": code, **parts}


@pytest.mark.parametrize(
    ("service", "call", "params", "code", "operation", "status"),
    [
        (
            *("lambda", "create_function", function(Role=f"{ROLE}-gone")),
            *("InvalidParameterValueException", "CreateFunction", 400),
        ),
        (
            *("s3", "put_bucket_policy", policy_of()),
            *("AccessDenied", "PutBucketPolicy", 403),
        ),
    ],
)
def test_a_refusal_is_as_an_answer_of_aws(
    ruled, service, call, params, code, operation, status
):
    client = ruled.client(service)
    with pytest.raises(client.exceptions.from_code(code)) as caught:
        getattr(client, call)(**params)
    metadata = caught.value.response["ResponseMetadata"]
    assert caught.value.response["Error"]["Code"] == code
    assert (caught.value.operation_name, metadata["HTTPStatusCode"]) == (
        *(operation, status),
    )


def test_a_refusals_details_are_in_its_error(ruled):
    with pytest.raises(ClientError) as caught:
        ruled.client("s3").put_bucket_notification_configuration(**to("nobody"))
    name = caught.value.response["Error"]["ArgumentName1"]
    assert name == f"{FUNCTION.replace('thumbnailer', 'nobody')}, null"


def test_botocores_validation_comes_first(ruled):
    with pytest.raises(ParamValidationError):
        ruled.client("lambda").create_function(FunctionName="f", Role=ROLE)


def test_a_bucket_made_twice_stays_as_it_is(ruled):
    s3 = ruled.client("s3")
    s3.create_bucket(Bucket="new")
    block = s3.get_public_access_block(Bucket="new")["PublicAccessBlockConfiguration"]
    assert len(block) == 4 and all(block.values())  # as on AWS
    off = {"BlockPublicPolicy": False}
    s3.put_public_access_block(Bucket="new", PublicAccessBlockConfiguration=off)
    s3.create_bucket(Bucket="new")
    block = s3.get_public_access_block(Bucket="new")["PublicAccessBlockConfiguration"]
    assert not block["BlockPublicPolicy"]
