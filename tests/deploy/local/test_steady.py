"""Reads go on while threads write."""

import asyncio
import threading

import pytest

from deploy.local import steady

DESCRIBE = ("POST", "/", {"x-amz-target": "Logs_20140328.DescribeLogGroups"}, b"{}")


@pytest.fixture
def streams():
    """A dictionary that a thread keeps growing and emptying."""
    found, over = dict.fromkeys(range(2000)), threading.Event()

    def write():
        while not over.is_set():
            found["new"] = 1
            del found["new"]

    thread = threading.Thread(target=write)
    thread.start()
    yield found
    over.set()
    thread.join()


def test_a_read_is_repeated_until_it_is_whole(streams):
    tries = []

    async def describe(*request):
        tries.append(request)
        return sum(1 for _ in streams.items())

    async def ask(times):
        return [await steady.steady(describe)(*DESCRIBE, {}) for _ in range(times)]

    assert set(asyncio.run(ask(100))) <= {2000, 2001}
    assert len(tries) >= 100


def fails_first(error):
    calls = []

    async def handler(*request):
        calls.append(request)
        if len(calls) == 1:
            raise error
        return len(calls)

    return handler


RESIZED = RuntimeError("dictionary changed size during iteration")


@pytest.mark.parametrize(
    "read",
    [
        DESCRIBE,
        ("GET", "/2015-03-31/functions/", {}, b""),
        ("POST", "/service/Granite/operation/GetMetricData", {}, b""),
        ("POST", "/", {}, b"Version=2010-05-08&Action=ListUsers"),
    ],
)
def test_reads_of_every_protocol_are_repeated(read):
    assert asyncio.run(steady.steady(fails_first(RESIZED))(*read, {})) == 2


@pytest.mark.parametrize(
    "write",
    [
        ("POST", "/", {"x-amz-target": "Logs_20140328.CreateLogGroup"}, b"{}"),
        ("PUT", "/bucket/key", {}, b"Action=GetObject"),
        ("POST", "/2015-03-31/functions/f/invocations", {}, b"{}"),
    ],
)
def test_writes_are_not_done_twice(write):
    with pytest.raises(RuntimeError):
        asyncio.run(steady.steady(fails_first(RESIZED))(*write, {}))


def test_another_error_is_no_reason_to_repeat():
    with pytest.raises(RuntimeError, match="else"):
        asyncio.run(steady.steady(fails_first(RuntimeError("else")))(*DESCRIBE, {}))
