"""An AWS account in memory (moto), and the wire to it: what was called, what fails."""

from __future__ import annotations

import copyreg
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from threading import Condition
from typing import Any
from weakref import WeakValueDictionary
from xml.sax.saxutils import escape

import boto3
import botocore.endpoint
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, ConnectionClosedError
from moto import mock_aws
from moto.core import responses
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.botocore_stubber import MockRawResponse
from moto.iam import access_control
from moto.iam import models as iam_models
from moto.sqs import models as sqs_models

from deploy import pipeline, runtimes, waiting
from deploy.cloud import Cloud
from deploy.configure import settings_for
from deploy.local import refusals
from deploy.policies import allowed, conditions
from deploy.settings import Settings
from deploy.steps import role
from handler.events import target_key

ACCOUNT = "123456789012"
REGION = "eu-west-1"

_READS = ("Get", "List", "Head", "Describe", "Simulate")
ALL = [{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]

MOTO = {
    "lambda": {"use_docker": False},
    "iam": {"load_aws_managed_policies": True},
}


class Cut(KeyboardInterrupt):
    """The learner's finger on Ctrl-C, or a laptop that lost its network."""


class Wire:
    """Watches every call of a session, and can break the line.

    Attributes:
        calls: the operations called, in order.
        answers: operation → responses to give in place of the cloud's, oldest first.
        failures: operation → error answers that come over the network in place of
            the cloud's, oldest first; botocore and our waits see them, and may repeat.
        lost: operations that are done while their next answer gets lost.
        may: principal's ARN → the policies it has, for IAM's simulator; all if unsaid.
        cut_before, cut_after: break at the mutating call of that number, before it
            left or after it was done.
    """

    def __init__(self, session: boto3.Session) -> None:
        self.reset()
        session.events.register("before-call.*.*", self._before)
        session.events.register("after-call.*.*", self._after)
        session.events.register("before-send.*.*", self._answer)  # before moto
        session.events.register_last("before-send", self._lose)  # after moto

    def reset(self) -> None:
        """Forget what was called, and mend the line."""
        self.calls: list[str] = []
        self.answers: dict[str, list[tuple[AWSResponse, dict[str, Any]]]] = {}
        self.failures: dict[str, list[tuple[str, str, int]]] = {}
        self.lost: set[str] = set()
        self.may: dict[str, list[dict[str, Any]]] = {}
        self.cut_before: int | None = None
        self.cut_after: int | None = None

    @property
    def mutations(self) -> list[str]:
        """The calls that change something."""
        return [name for name in self.calls if not name.startswith(_READS)]

    def refuse(
        self,
        operation: str,
        code: str,
        message: str,
        status: int = 400,
        times: int = 1,
    ) -> None:
        """Let the next calls of this operation fail with AWS's error."""
        error = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}
        for _ in range(times):
            self.answer(operation, error, status)

    def fail(
        self,
        operation: str,
        code: str,
        message: str = "Please try again.",
        status: int = 400,
        times: int = 1,
    ) -> None:
        """Let the network answer so often with this error, then go on."""
        waiting = self.failures.setdefault(operation, [])
        waiting += [(code, message, status)] * times

    def _answer(
        self, event_name: str, request: AWSPreparedRequest, **_: Any
    ) -> AWSResponse | None:
        _, service, operation = event_name.split(".")
        waiting = self.failures.get(operation)
        if not waiting:
            return None
        code, message, status = waiting.pop(0)
        headers, body = error_answer(service, code, message)
        request.url = "https://unreachable.invalid/"  # so that moto does nothing
        raw = MockRawResponse(body.encode())
        return AWSResponse(request.url, status, headers, raw)

    def _lose(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        if operation in self.lost:
            self.lost.remove(operation)
            raise ConnectionClosedError(endpoint_url=request.url)

    def answer(self, operation: str, answer: dict[str, Any], status: int = 200) -> None:
        """Let the next call of this operation have an answer that moto cannot give."""
        http = AWSResponse("https://aws.example", status, {}, None)
        self.answers.setdefault(operation, []).append((http, answer))

    def _simulate(self, body: dict[str, str]) -> tuple[AWSResponse, dict[str, Any]]:
        """Say what `may` allows, as IAM's simulator would; moto has none."""

        def sent(start: str) -> list[str]:
            return [v for k, v in body.items() if k.startswith(start + ".member.")]

        keys = [v for k, v in body.items() if k.endswith(".ContextKeyName")]
        values = [v for k, v in body.items() if ".ContextKeyValues." in k]
        context = dict(zip((key.lower() for key in keys), values, strict=True))
        documents = self.may.get(body["PolicySourceArn"], ALL)
        said = {True: "allowed", False: "implicitDeny"}

        def decision(action: str, arn: str) -> str:
            return said[bool(allowed(documents, action, arn, context=context))]

        results = [
            {
                "EvalActionName": action,
                "EvalDecision": decision(action, sent("ResourceArns")[0]),
                "ResourceSpecificResults": [
                    {
                        "EvalResourceName": arn,
                        "EvalResourceDecision": decision(action, arn),
                    }
                    for arn in sent("ResourceArns")
                ],
            }
            for action in sent("ActionNames")
        ]
        answer = {"EvaluationResults": results, "IsTruncated": False}
        return AWSResponse("https://aws.example", 200, {}, None), answer

    def _before(
        self, model: Any, params: dict[str, Any], **_: Any
    ) -> tuple[AWSResponse, dict] | None:
        self.calls.append(model.name)
        self._cut(model.name, self.cut_before)
        if waiting := self.answers.get(model.name):
            return waiting.pop(0)
        if model.name == "SimulatePrincipalPolicy":
            return self._simulate(params["body"])
        return None

    def _after(self, model: Any, **_: Any) -> None:
        self._cut(model.name, self.cut_after)

    def _cut(self, name: str, at: int | None) -> None:
        if at is not None and name in self.mutations[-1:] and at == len(self.mutations):
            raise Cut


def error_answer(service: str, code: str, message: str) -> tuple[dict[str, str], str]:
    """Write an error as the service would: headers and body, in its protocol."""
    if service == "s3":
        code, message = escape(code), escape(message)
        return {}, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if service in ("iam", "sts"):
        error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        return {}, (
            f"<ErrorResponse><Error>{error}</Error>"
            "<RequestId>1</RequestId></ErrorResponse>"
        )
    headers = {"x-amzn-errortype": code}
    if service == "sqs":
        headers["x-amzn-query-error"] = f"AWS.SimpleQueueService.{code};Sender"
    return headers, json.dumps({"__type": code, "message": message, "Message": message})


@contextmanager
def hooked(client: Any, event: str, handler: Callable[..., Any]) -> Iterator[None]:
    """Let botocore call a handler at an event of a client's, for as long as this."""
    client.meta.events.register(event, handler)
    try:
        yield
    finally:
        client.meta.events.unregister(event, handler)


@contextmanager
def sent(client: Any, operation: str) -> Iterator[list[dict[str, Any]]]:
    """Collect the parameters of a client's calls of an operation, * for any."""
    found: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        found.append(params)

    with hooked(client, f"provide-client-params.*.{operation}", note):
        yield found


@contextmanager
def made_at_the_third(
    cloud: Cloud, settings: Settings, call: str = "PutObject"
) -> Iterator[list[str]]:
    """Make the thumbnail of the third upload, as if a rule held from then on."""
    keys: list[str] = []
    off_record = boto3.client("s3", settings.region)

    def make(params: dict[str, Any], **_: Any) -> None:
        if params["Bucket"] == settings.source_bucket:
            keys.append(params["Key"])
        if len(keys) == 3:
            key = target_key(keys[-1], settings.thumbnail_prefix)
            off_record.put_object(Bucket=settings.target_bucket, Key=key)

    with hooked(cloud.s3, f"provide-client-params.s3.{call}", make):
        yield keys


@pytest.fixture(scope="session")
def one_managed_policy() -> Iterator[None]:
    """Of AWS's 1,400 policies the one we attach: moto reads them all every time.

    And moto is told that the tests speak https.
    """
    every = json.loads(iam_models.aws_managed_policies_data)
    name = role.BASIC_EXECUTION.rpartition("/")[2]
    with pytest.MonkeyPatch.context() as patch:
        one = json.dumps({name: every[name]})
        patch.setattr(iam_models, "aws_managed_policies_data", one)
        _speak_https(patch)
        yield


class Clock(waiting.Clock):
    """A clock whose time passes only while somebody sleeps.

    Attributes:
        slept: every sleep, in seconds.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        """Tell how long all sleeps were."""
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of our own waits and of botocore's tries."""
    given = Clock()
    monkeypatch.setattr(waiting, "clock", given)
    monkeypatch.setattr(botocore.endpoint, "time", given)
    return given


@pytest.fixture
def account(
    one_managed_policy: None, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """An empty AWS account, and nothing of the machine's own configuration."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "WORKBOOK_CLOUD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        # moto sets them, and takes its own away before monkeypatch puts back what a
        # test changed: without this, moto's would be left to the tests after it.
        monkeypatch.setenv(name, "testing")
    with mock_aws(config=MOTO):
        yield


def _speak_https(patch: pytest.MonkeyPatch) -> None:
    """Tell moto's bucket policies so: it denies wherever a condition is not met."""
    judge = access_control.IAMPolicyStatement.is_action_permitted

    def judged(self: Any, *given: Any, **more: Any) -> access_control.PermissionResult:
        if ("aws:securetransport", "false") in conditions(self._statement):
            return access_control.PermissionResult.NEUTRAL
        return judge(self, *given, **more)

    statement = access_control.IAMPolicyStatement
    patch.setattr(statement, "is_action_permitted", judged)


@pytest.fixture(scope="session", autouse=True)
def one_loader() -> Iterator[None]:
    """What boto3 knows of services, read once: every session reads it anew."""
    loader = botocore.session.create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lambda path=None: loader)
        yield


@pytest.fixture(scope="session", autouse=True)
def worked_out_once() -> Iterator[None]:
    """What moto works out anew for every request, though it is always the same."""
    underscored = cache(sqs_models.camelcase_to_underscores)
    names = cache(responses.method_names_from_class)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqs_models, "camelcase_to_underscores", underscored)
        patch.setattr(responses, "method_names_from_class", names)
        patch.setattr(BaseBackend, "urls", property(_once_a_class(BaseBackend.urls)))
        # For `standing`: else the copy of an account knows the functions of another.
        patch.setattr(WeakValueDictionary, "__deepcopy__", _with_its_values)
        yield


def _once_a_class(given: property) -> Callable[[Any], Any]:
    known: dict[type, Any] = {}

    def find(backend: Any) -> Any:
        kind = type(backend)
        if kind not in known:
            known[kind] = given.__get__(backend)
        return known[kind]

    return find


@pytest.fixture(scope="session")
def wired() -> tuple[Cloud, Wire]:
    """One set of clients for all tests: to make one takes longer than most tests."""
    session = boto3.Session("test", "test", region_name=REGION)
    wire = Wire(session)
    _attach_rules(session)
    return Cloud(session, ACCOUNT, REGION, "aws"), wire


@pytest.fixture
def wire(wired: tuple[Cloud, Wire]) -> Iterator[Wire]:
    """The wire between the test and its account."""
    yield wired[1]
    wired[1].reset()


@pytest.fixture
def cloud(wired: tuple[Cloud, Wire], wire: Wire, account: None) -> Cloud:
    """The account as `connect("aws")` would give it, with our stricter rules."""
    return wired[0]


@pytest.fixture
def settings(cloud: Cloud) -> Settings:
    """Settings whose layer is made for this machine, so its wheel is at hand."""
    return here(cloud)


@pytest.fixture
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded waits that are given up sooner."""
    monkeypatch.setattr(waiting, "DELAYS", (0, 0, 0))


def standing(name: object, build: Callable[[], object]) -> None:
    """Let an empty account be as `build` leaves it, which is run once in a process.

    From then on a copy of all that stood in the account is put in its place.
    """
    if name not in _kept:
        build()
        services = [*BackendDict._instances]
        _kept[name] = services, deepcopy([_accounts(each) for each in services])
        return
    services, states = _kept[name]
    for service, accounts in zip(services, deepcopy(states), strict=True):
        for account, regions in accounts.items():
            for region, backend in regions.items():
                service[account][region] = backend


@pytest.fixture
def built(cloud: Cloud, settings: Settings) -> tuple[Cloud, Settings]:
    """The account in memory, and the plain pipeline that stands in it."""
    standing("built", lambda: pipeline.up(cloud, settings, say=lambda line: None))
    return cloud, settings


def ground(cloud: Cloud, settings: Settings, *steps: Any) -> None:
    """Let an account be as these steps leave it: what another step stands on."""
    names = tuple(step.__name__ for step in steps)
    standing((names, settings), lambda: [s.create(cloud, settings) for s in steps])


copyreg.pickle(Condition, lambda condition: (Condition, ()))  # nobody waits for it


def _with_its_values(known: WeakValueDictionary, memo: dict) -> WeakValueDictionary:
    return WeakValueDictionary(deepcopy(dict(known), memo))


_kept: dict[object, tuple[list[BackendDict], list[dict[str, dict[str, Any]]]]] = {}


def _accounts(service: BackendDict) -> dict[str, dict[str, Any]]:
    return {account: dict(regions) for account, regions in service.items()}


def here(cloud: Cloud, **overrides: Any) -> Settings:
    """Derive settings for this machine's Python."""
    return settings_for(cloud, **runtimes.here() | overrides)


def _attach_rules(session: boto3.Session) -> None:
    plain = boto3.Session("test", "test", region_name=REGION)
    lookup = cache(Cloud(plain, ACCOUNT, REGION, "aws").client)
    refusals.attach(session, lookup)
    close_new_buckets(session, lookup)


_BLOCKS = (
    *("BlockPublicAcls", "IgnorePublicAcls"),
    *("BlockPublicPolicy", "RestrictPublicBuckets"),
)


def close_new_buckets(session: boto3.Session, lookup: Callable[[str], Any]) -> None:
    """Give a new bucket what AWS gives it and moto does not: Block Public Access."""

    def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["new bucket"] = params["Bucket"]

    def close(context: dict[str, Any], http_response: Any, **_: Any) -> None:
        if http_response.status_code >= 300:
            return
        s3, name = lookup("s3"), context["new bucket"]
        try:
            s3.get_public_access_block(Bucket=name)
        except ClientError:
            block = dict.fromkeys(_BLOCKS, True)
            s3.put_public_access_block(
                Bucket=name, PublicAccessBlockConfiguration=block
            )

    session.events.register_first("before-parameter-build.s3.CreateBucket", remember)
    session.events.register("after-call.s3.CreateBucket", close)
