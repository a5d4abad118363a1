from datetime import date

import boto3

from deploy import runtimes


def test_table_has_once_what_boto3_lists():
    session = boto3.Session("test", "test", region_name="us-east-1")
    model = session.client("lambda").meta.service_model
    listed = {name for name in model.shape_for("Runtime").enum if "python" in name}
    current, retired = runtimes.RUNTIMES.keys(), runtimes.RETIRED.keys()
    assert listed == current | retired and not current & retired
    assert runtimes.DEFAULT_RUNTIME in current
    assert max(runtimes.RETIRED.values()) <= date(2026, 11, 23)  # when it was checked


def test_tags_of_a_runtime():
    runtime = runtimes.RUNTIMES["python3.14"]
    assert (runtime.python, runtime.abi, runtime.glibc) == ("3.14", "cp314", (2, 34))


def test_this_machine_can_be_a_function():
    assert runtimes.machine_runtime() in runtimes.RUNTIMES
    assert runtimes.machine_architecture() in ("x86_64", "arm64")
