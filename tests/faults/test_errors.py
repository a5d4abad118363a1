"""The errors that people meet on this road, and for each its rows of the matrix."""

from __future__ import annotations

from support.matrix import sections

#: Number → the faults of the matrix that it is, under what people search for.
ERRORS = {
    "1": ["cannot import name '_imaging'"],
    "2": ["No module named 'PIL'", "handler not found", "function: no layer"],
    "3": ["layer missing"],
    "4": ["cannot be assumed by Lambda"],
    "5": ["not authorized: iam:CreateRole", "not authorized: iam:PassRole"],
    "6": ["Unable to validate the destination"],
    "7": ["Configuration is ambiguously defined"],
    "8": ["other notifications vanish"],
    "9": ["statement id already exists"],
    "10": ["an upload does nothing: .JPG"],
    "11": ["big files do nothing", "trigger: Put alone"],
    "12": ["fires late, or not the first time", "s3:TestEvent arrives"],
    "13": ["NoSuchKey: a handler that does not decode keys"],
    "13, other names": ["names with spaces, +, %, é and /"],
    "14": ["AccessDenied on GetObject", "role: a wider policy"],
    "15": ["public policy refused", "target: closed"],
    "16": ["BucketAlreadyExists", "a bucket of somebody else"],
    "17": ["Task timed out after 1.00 seconds"],
    "17, defaults": ["function: 3 seconds", "function: 128 MB"],
    "18": ["an update is in progress"],
    "19": ["source and target are one", "a loop, stopped at once"],
    "20": ["cannot write mode RGBA as JPEG", "a photo on its side"],
    "20, no image": ["UnidentifiedImageError"],
    "+ size": ["Unzipped size must be smaller", "code storage is full"],
    "+ teardown": ["BucketNotEmpty", "a teardown that fails in the middle"],
    "+ credentials": ["NoCredentialsError", "expired token"],
}


def test_each_has_its_rows_and_none_is_missing():
    assert {str(number) for number in range(1, 21)} <= set(ERRORS)
    stored = [line for lines in sections().values() for line in lines]
    for number, faults in ERRORS.items():
        for fault in faults:
            assert any(f"| {fault} |" in line for line in stored), (number, fault)
