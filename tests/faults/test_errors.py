"""The errors that people meet on this road, and for each its rows of the matrix."""

import pytest
from support.matrix import sections

#: Number → what people search for, and the faults of the matrix that it is.
ERRORS = {
    1: ("cannot import name '_imaging'", ["cannot import name '_imaging'"]),
    2: (
        "no module 'PIL'; handler not found",
        ["No module named 'PIL'", "handler not found", "function: no layer"],
    ),
    3: ("layer ARN missing or denied", ["layer missing"]),
    4: ("role cannot be assumed", ["cannot be assumed by Lambda"]),
    5: (
        "not authorized: CreateRole, PassRole",
        ["not authorized: iam:CreateRole", "not authorized: iam:PassRole"],
    ),
    6: ("unable to validate", ["Unable to validate the destination"]),
    7: ("ambiguously defined", ["Configuration is ambiguously defined"]),
    8: ("other notifications vanish", ["other notifications vanish"]),
    9: ("statement id already exists", ["statement id already exists"]),
    10: ("an upload does nothing", ["an upload does nothing: .JPG"]),
    11: ("big files do nothing", ["big files do nothing", "trigger: Put alone"]),
    12: (
        "fires late, or not the first time",
        ["fires late, or not the first time", "s3:TestEvent arrives"],
    ),
    13: (
        "NoSuchKey for names with spaces, +, é",
        [
            "NoSuchKey: a handler that does not decode keys",
            "names with spaces, +, %, é and /",
        ],
    ),
    14: (
        "AccessDenied on GetObject, PutObject",
        ["AccessDenied on GetObject", "role: a wider policy"],
    ),
    15: ("public policy refused", ["public policy refused", "target: closed"]),
    16: (
        "bucket name is taken",
        ["BucketAlreadyExists", "a bucket of somebody else"],
    ),
    17: (
        "Task timed out; defaults of 3 s and 128 MB",
        [
            "Task timed out after 1.00 seconds",
            "function: 3 seconds",
            "function: 128 MB",
        ],
    ),
    18: ("an update is in progress", ["an update is in progress"]),
    19: (
        "a loop, and a bill",
        ["source and target are one", "a loop, stopped at once"],
    ),
    20: (
        "RGBA as JPEG; on its side; no image",
        [
            "cannot write mode RGBA as JPEG",
            "a photo on its side",
            "UnidentifiedImageError",
        ],
    ),
    "+ size": (
        "unzipped size, code storage",
        ["Unzipped size must be smaller", "code storage is full"],
    ),
    "+ teardown": (
        "BucketNotEmpty, versions and markers",
        ["BucketNotEmpty", "a teardown that fails in the middle"],
    ),
    "+ credentials": (
        "no credentials, expired token",
        ["NoCredentialsError", "expired token"],
    ),
}


def test_none_is_missing():
    assert [key for key in ERRORS if isinstance(key, int)] == list(range(1, 21))


@pytest.mark.parametrize("number", ERRORS)
def test_each_has_its_rows(number):
    stored = [line for lines in sections().values() for line in lines]
    _, faults = ERRORS[number]
    assert [f for f in faults if not any(f"| {f} |" in line for line in stored)] == []
