"""Every error that passes with time, at every call: waited for, or one sentence."""

import pytest
from support.matrix import VARIANTS, Row, forget, left, quiet, recorded, variants
from support.moto_cloud import here
from support.rows import rows

from deploy import pipeline, waiting
from deploy.errors import DeployError

#: AWS's words; the codes that have none here are followed by "Please try again".
WORDS = {
    "cannot be assumed by": "The role defined for the function cannot be assumed by "
    "Lambda.",
    "permissions to call SendMessage": "The function's execution role does not have "
    "permissions to call SendMessage on the queue",
    "permissions to call ReceiveMessage": "The function execution role does not have "
    "permissions to call ReceiveMessage on SQS",
    "BlockPublicPolicy": "not authorized to perform: s3:PutBucketPolicy because public "
    "policies are blocked by the BlockPublicPolicy block public access setting.",
    "Unable to validate the following destination": "Unable to validate the following "
    "destination configurations",
    "BucketNotEmpty": "The bucket you tried to delete is not empty",
    "DeleteConflict": "Cannot delete entity, must detach all policies first.",
    "InternalError": "We encountered an internal error. Please try again.",
    "NoSuchBucket": "The specified bucket does not exist",
    "OperationAborted": "A conflicting conditional operation is currently in progress "
    "against this resource. Please try again.",
    "OperationAbortedException": "A conflicting operation is currently in progress "
    "against this resource. Please try again.",
    "QueueDeletedRecently": "You must wait 60 seconds after deleting a queue before "
    "you can create another with the same name.",
    "ResourceConflictException": "The operation cannot be performed at this time. An "
    "update is in progress for resource: the function",
    "SlowDown": "Please reduce your request rate.",
    "Throttling": "Rate exceeded",
    "ThrottlingException": "Rate exceeded",
    "TooManyRequestsException": "Rate Exceeded.",
}
STATUS = {"SlowDown": 503, "ServiceUnavailable": 503, "InternalError": 500}
STATUS |= {"ServiceFailure": 500, "ServiceException": 500, "OperationAborted": 409}
STATUS |= {"ResourceConflictException": 409, "TooManyRequestsException": 429}


def errors(services, operation):
    """List what passes with time at a call, the less common first."""
    call = f"{services[operation]}.{operation}"
    return [*waiting.LOOKED_INTO.get(call, ()), *waiting.passing(call)]


def inject(wire, operation, error, times):
    words = WORDS.get(error.words) or WORDS.get(error.code, "Please try again.")
    wire.fail(operation, error.code, words, STATUS.get(error.code, 400), times)


@pytest.fixture(scope="session")
def services(wired):
    """Operation → its service, for every client that a step uses."""
    cloud, _ = wired
    clients = (cloud.s3, cloud.iam, cloud.awslambda, cloud.logs, cloud.sqs)
    return {
        operation: client.meta.service_model.service_id.hyphenize()
        for client in (cloud.cloudwatch, *clients)
        for operation in client.meta.service_model.operation_names
        if not operation.startswith(("Tag", "Untag"))
    }


@pytest.mark.parametrize(("times", "most"), rows([(1, 2), (1, 99), (2, 99)]))
def test_each_error_passes(cloud, wire, no_delays, services, times, most):
    """In a run, every call answers with one error first; as many runs as errors."""
    settings = here(cloud, reliable=True)
    ups = recorded(wire, pipeline.up, cloud, settings)
    downs = recorded(wire, pipeline.down, cloud, settings)
    calls = dict.fromkeys(ups + downs)
    runs = max(len(errors(services, call)) for call in calls)
    for turn in range(min(runs, most)):
        wire.reset()
        forget()
        for call in calls:
            if turn < len(errors(services, call)):
                inject(wire, call, errors(services, call)[turn], times)
        pipeline.up(cloud, settings, say=quiet)
        assert pipeline.status(cloud, settings).ready
        assert pipeline.down(cloud, settings).left == ()
        assert not any(wire.failures.values())


@pytest.mark.slow
@variants
def test_up_with_an_error_for_ever(cloud, wire, no_delays, matrix, services, variant):
    """The run ends with one sentence at that call; the next goes on from there."""
    settings = here(cloud, **VARIANTS[variant])
    calls = dict.fromkeys(recorded(wire, pipeline.up, cloud, settings))
    forget()
    rows = []
    for call in calls:
        for error in errors(services, call):
            wire.reset()
            inject(wire, call, error, 99)
            with pytest.raises(DeployError) as caught:
                pipeline.up(cloud, settings, say=quiet)
            wire.reset()
            remains = left(cloud, settings)
            fault = f"`{call}`: {error.code}"
            rows.append(Row(fault, str(caught.value), remains, "`up`: goes on there"))
    pipeline.up(cloud, settings, say=quiet)
    assert pipeline.status(cloud, settings).ready
    matrix(f"up ({variant}), an error for ever", rows)


@pytest.mark.slow
def test_down_with_an_error_for_ever(cloud, wire, no_delays, matrix, services):
    """The other steps are deleted all the same; the next run deletes the rest."""
    settings = here(cloud, reliable=True)
    pipeline.up(cloud, settings, say=quiet)
    calls = dict.fromkeys(recorded(wire, pipeline.down, cloud, settings))
    rows = []
    for call in calls:
        for error in errors(services, call):
            pipeline.up(cloud, settings, say=quiet)
            wire.reset()
            inject(wire, call, error, 999)
            said = "; ".join(pipeline.down(cloud, settings).notes)
            wire.reset()
            remains = left(cloud, settings)
            assert said
            assert pipeline.down(cloud, settings).left == ()
            fault = f"`{call}`: {error.code}"
            rows.append(Row(fault, said, remains, "`down`: nothing left"))
    matrix("down (reliable), an error for ever", rows)


@variants
def test_lost_answers(cloud, wire, no_delays, variant):
    """Each call is done, its answer gets lost, and botocore asks again."""
    settings = here(cloud, **VARIANTS[variant])
    ups = recorded(wire, pipeline.up, cloud, settings)
    downs = recorded(wire, pipeline.down, cloud, settings)
    wire.reset()
    forget()
    # moto makes a second mapping where AWS answers ResourceConflictException.
    wire.lost = {*ups, *downs} - {"CreateEventSourceMapping"}
    pipeline.up(cloud, settings, say=quiet)
    assert pipeline.status(cloud, settings).ready
    wire.lost |= set(downs)
    assert pipeline.down(cloud, settings).left == ()
    assert not wire.lost
