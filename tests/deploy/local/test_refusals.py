"""Whatever botocore lets through, a rule answers it: with None or with a refusal."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from botocore.model import Shape
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


KEYED = ("PutObject", "CopyObject", "CreateMultipartUpload")
#: What stands in a field, where any value of its type would mean little.
VALUES = {
    "Bucket": st.one_of(st.just("made"), st.from_regex(r"\A[a-zA-Z0-9._-]{1,70}\Z")),
    "Policy": policy,
    "FunctionName": st.sampled_from(["thumbnailer", "none", FUNCTION]),
    "EventSourceArn": queue,
    "Status": st.sampled_from(["Enabled", "enabled"]),
}
KINDS = {"integer": st.integers(), "long": st.integers(), "boolean": st.booleans()}
KINDS["string"] = text
TAKEN = ("structure", "list", *KINDS)


def any_of(shape: Shape, name: str = "") -> st.SearchStrategy:
    """Whatever botocore lets through in a shape of a service's model."""
    if name in VALUES:
        return VALUES[name]
    if shape.type_name == "list":
        return st.lists(any_of(shape.member), max_size=2)
    if shape.type_name != "structure":
        return KINDS[shape.type_name]
    parts = {k: v for k, v in shape.members.items() if v.type_name in TAKEN}
    fields = {each: any_of(part, each) for each, part in parts.items()}
    asked = {k: fields.pop(k) for k in shape.required_members if k in fields}
    return st.fixed_dictionaries(asked, optional=fields)


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


@pytest.mark.parametrize("call", refusals.RULES)
def test_rules_survive_what_botocore_lets_through(world, call):
    service, _, operation = call.partition(".")
    model = world.lookup(service).meta.service_model.operation_model(operation)

    @settings(max_examples=100, deadline=None, database=None)
    @given(any_of(model.input_shape))
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


TOO_LONG = "Your key is too long"
NOT_VALID = "The specified bucket is not valid."
HERE = {"CompatibleRuntimes": ["python3.13"], "CompatibleArchitectures": ["arm64"]}
UNLIKE_DNS = ("Photos", "a..b", "192.168.0.1", "sthree-x", "photos-s3alias", "photos-")
NO_VERSIONS = ("2026-11-26", "", 2012)
#: Call and AWS's code, none where it passes → what is asked → parameters, AWS's words.
ASKED: dict[tuple[str, str], dict[str, tuple[dict, str]]] = {
    (CREATE, INVALID): {
        "role that is not there": ({"Role": f"{ROLE}-gone"}, UNASSUMABLE),
        "role of another service": ({"Role": f"{ROLE[:-6]}renter"}, UNASSUMABLE),
        "retired runtime": ({"Runtime": "python3.8"}, RETIRED),
        "runtime that is not here": ({"Runtime": "python3.14"}, NOT_HERE),
        "our own limit": ({"Runtime": "python3.14"}, "limit of the local cloud"),
    },
    (CREATE, "ValidationException"): {
        "no role": ({"Role": ""}, ""),
        "role by its name": ({"Role": "worker"}, ""),
        "role of no account": ({"Role": "arn:aws:iam::1:role/x"}, ""),
        "901 seconds": ({"Timeout": 901}, "Value '901' at 'timeout' failed"),
        "64 MB": ({"MemorySize": 64}, "Value '64' at 'memorySize' failed"),
        "10,241 MB": ({"MemorySize": 10_241}, "less than or equal to 10240"),
    },
    (CREATE, ""): {
        "role with a path": ({"Role": f"{ROLE[:-6]}a/b/deep"}, ""),
        "runtime that is here": ({"Role": ROLE, "Runtime": "python3.13"}, ""),
    },
    (UPDATE, INVALID): {"update to no role": ({"Role": f"{ROLE}-gone"}, UNASSUMABLE)},
    (UPDATE, ""): {"update of the memory": ({"MemorySize": 512}, "")},
    (LAYER, "ValidationException"): {
        "layer for a mistyped runtime": ({"CompatibleRuntimes": ["phyton3.13"]}, ""),
        "layer for a mistyped processor": ({"CompatibleArchitectures": ["arm"]}, ""),
    },
    (LAYER, ""): {"layer for what there is": (HERE, "")},
    (NOTIFY, "InvalidArgument"): {
        "notification to a name": (notification(rule(LambdaFunctionArn="f")), ""),
        "notification to half an ARN": (to(""), ""),
        "filter of the middle": (notification(filtered(Name="middle", Value="a")), ""),
        "notification to no function": (to("nobody"), UNVALIDATED),
        "function in another region": (notification(ELSEWHERE), UNVALIDATED),
        "overlap": (notification(JPG, filtered(Name="suffix", Value="g")), AMBIGUOUS),
        "overlap without filters": (
            *(notification(rule(), rule()), "Configurations overlap."),
        ),
        **{
            f"permission {name}": (to(name), UNVALIDATED)
            for name, change in PERMITTED.items()
            if change
        },
    },
    (NOTIFY, "MalformedXML"): {
        "filter without a value": (notification(filtered(Name="suffix")), ""),
        "filter without a name": (notification(filtered(Value=".jpg")), ""),
    },
    (NOTIFY, ""): {
        "notification that is permitted": (notification(JPG, PNG), ""),
        "notification that is not to be validated": (
            *(to("nobody") | {"SkipDestinationValidation": True}, ""),
        ),
        "no notification": (notification(), ""),
        "no notification of no bucket": (notification(Bucket="gone"), ""),
    },
    ("s3.CreateBucket", "InvalidBucketName"): {
        f"bucket called {name}": ({"Bucket": name}, NOT_VALID) for name in UNLIKE_DNS
    },
    **{
        (f"s3.{call}", code): {
            f"{call}, {2 * signs} bytes": ({"Key": "é" * signs}, says)
        }
        for call in KEYED
        for signs, code, says in ((512, "", ""), (513, "KeyTooLongError", TOO_LONG))
    },
    (POLICY, "AccessDenied"): {"public policy": (policy_of(), CLOSED_BY)},
    (POLICY, ""): {
        "public policy, blocks lifted": (policy_of(bucket="lifted"), ""),
        "public policy, no blocks": (policy_of(bucket="bare"), ""),
        "policy that is not public": (policy_of(CLOSED), ""),
    },
    (POLICY, "MalformedPolicy"): {
        "policy: half": (policy_of("{"), ""),
        "policy: a list": (policy_of("[]"), ""),
        "policy: conditions in a list": (policy_of(document(Condition=[])), ""),
        **{
            f"policy of version {version!r}": (
                *(policy_of(OPEN | {"Version": version}), "valid version string"),
            )
            for version in NO_VERSIONS
        },
    },
    (LIFECYCLE, ""): {
        "lifecycle": (lifecycle(), ""),
        "deletes after it moves": (lifecycle(Expiration={"Days": 31}), ""),
    },
    (LIFECYCLE, "InvalidArgument"): {
        "two rules of one ID": (
            *(
                {"LifecycleConfiguration": {"Rules": [SAME, SAME]}},
                "Rule ID must be unique",
            ),
        ),
        "deletes as it moves": (lifecycle(Expiration={"Days": 30}), ""),
        "deletes at once": (lifecycle(Expiration={"Days": 0}), "positive integer"),
    },
    (LIFECYCLE, "MalformedXML"): {
        "lower-case status": (lifecycle(Status="enabled"), ""),
        "no filter": (lifecycle(Filter=None), ""),
        "transition without a class": (lifecycle(Transitions=[{"Days": 30}]), ""),
    },
    (LIFECYCLE, "InvalidRequest"): {"no action": (lifecycle(Transitions=None), "")},
}


@pytest.mark.parametrize(
    ("call", "code", "params", "words"),
    [
        pytest.param(*how, *asked, id=name)
        for how, every in ASKED.items()
        for name, asked in every.items()
    ],
)
def test_refused_as_on_aws(world, call, code, params, words):
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
