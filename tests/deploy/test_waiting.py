import pytest
from botocore.exceptions import ClientError

from deploy import waiting
from deploy.errors import NotReadyError


def every_call():
    for table in (waiting.PASSING, waiting.LOOKED_INTO):
        for call, errors in table.items():
            if not call.startswith("s3."):  # S3 lists its errors for all calls at once
                yield from ((call, error) for error in errors)


@pytest.mark.parametrize(
    ("call", "error"), [pytest.param(c, e, id=f"{c}-{e.code}") for c, e in every_call()]
)
def test_error_is_one_of_the_call(cloud, call, error):
    service, _, name = call.partition(".")
    clients = {"lambda": cloud.awslambda, "cloudwatch-logs": cloud.logs}
    client = clients.get(service) or getattr(cloud, service)
    operation = client.meta.service_model.operation_model(name)
    listed = {
        shape.metadata.get("error", {}).get("code", shape.name).rpartition(".")[2]
        for shape in operation.error_shapes
    } | {shape.name for shape in operation.error_shapes}
    assert error.code in listed | {"ConcurrentModification"}


def test_wait_is_bounded(cloud, settings, wire, monkeypatch, no_delays):
    wire.fail("CreateBucket", "OperationAborted", status=409, times=99)
    with pytest.raises(ClientError) as caught:
        cloud.s3.create_bucket(Bucket=settings.source_bucket)
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 9


def test_words_tell_lasting_from_passing(cloud, wire, no_delays):
    said = "The statement id (a) provided already exists."
    wire.fail("AddPermission", "ResourceConflictException", said, 409, times=2)
    with pytest.raises(ClientError):
        cloud.awslambda.add_permission(
            FunctionName="f", StatementId="a", Action="lambda:*", Principal="*"
        )
    assert len(wire.failures["AddPermission"]) == 1


def test_invoking_a_paused_function_is_not_repeated(cloud, wire, no_delays):
    assert waiting.passing("lambda.Invoke") == ()


def test_already_lets_only_its_codes_pass(cloud):
    with waiting.already("NoSuchEntity"):
        cloud.iam.delete_role(RoleName="nobody")
    with pytest.raises(ClientError), waiting.already("DeleteConflict"):
        cloud.iam.delete_role(RoleName="nobody")


def test_until_says_what_is_missing(no_delays):
    with pytest.raises(NotReadyError, match="role r: the role is not visible yet"):
        waiting.until(lambda: False, what="the role", where="role r")


def refused():
    raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObjects")


def test_a_refused_delete_is_told_and_does_not_hide_the_first_error():
    with pytest.raises(KeyError), waiting.afterwards(refused):
        raise KeyError("first")
    cleaned = []
    with waiting.afterwards(lambda: cleaned.append(1)):
        assert not cleaned
    assert cleaned
    with pytest.raises(ClientError), waiting.afterwards(refused):
        pass


def test_looks_come_soon_then_once_a_second_and_end(clock):
    assert [round(passed, 1) for passed in waiting.looks(3)][:6] == [
        *(0, 0.1, 0.3, 0.6, 1.1, 2.1)
    ]
    assert 3 < clock.now() < 4.2


@pytest.mark.parametrize("code", waiting.DENIED)
def test_denied(code):
    assert waiting.is_denied(ClientError({"Error": {"Code": code}}, "HeadObject"))


def test_what_is_not_there_is_none(cloud):
    get_role = cloud.iam.get_role
    assert waiting.if_there(lambda: get_role(RoleName="r"), waiting.NO_ENTITY) is None
    with pytest.raises(ClientError):
        waiting.if_there(lambda: get_role(RoleName="r"), "another")
