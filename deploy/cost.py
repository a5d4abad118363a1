"""What the pipeline costs, with the date of the prices.

Source: the public price lists of S3, Lambda, CloudWatch and SQS for us-east-1, as
published copies of them had it on 2026-11-23; other regions cost up to twice
as much.
https://aws.amazon.com/s3/pricing/  https://aws.amazon.com/lambda/pricing/
https://aws.amazon.com/cloudwatch/pricing/  https://aws.amazon.com/sqs/pricing/
"""

from __future__ import annotations

from collections.abc import Mapping

PRICES_READ = "2026-11-23"

S3_PUT_USD = 0.005 / 1_000
S3_GET_USD = 0.0004 / 1_000
LAMBDA_REQUEST_USD = 0.20 / 1_000_000
#: A GB and month; the first 50 TB of Standard.
STORAGE_USD = {"STANDARD": 0.023, "STANDARD_IA": 0.0125}
IA_GET_USD = 0.001 / 1_000
IA_RETRIEVAL_GB_USD = 0.01
#: What IA bills at least.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
IA_LEAST_BYTES = 128 * 1024
#: Each of send, receive and delete, and up to ten messages of 64 KB in all a request.
SQS_REQUEST_USD = 0.40 / 1_000_000
#: Five pollers of a mapping, each asking for 20 seconds, also while nothing waits.
SQS_POLLS_A_MINUTE = 15
BATCH_JOB_USD, BATCH_OBJECT_USD = 0.25, 1.00 / 1_000_000
#: A month; an account's first ten cost nothing.
ALARM_USD, FREE_ALARMS = 0.10, 10
LAMBDA_GB_SECOND_USD = {"arm64": 0.0000133334, "x86_64": 0.0000166667}


def per_upload(
    *, seconds: float = 0.2, memory_mb: int = 512, architecture: str = "arm64"
) -> float:
    """Estimate the US dollars that one upload costs: 2 PUTs, 1 GET, 1 invocation.

    Args:
        seconds: the billed duration of the invocation.
        memory_mb: the function's memory.
        architecture: "arm64" or "x86_64".
    """
    compute = seconds * memory_mb / 1024 * LAMBDA_GB_SECOND_USD[architecture]
    return 2 * S3_PUT_USD + S3_GET_USD + LAMBDA_REQUEST_USD + compute


def in_words(uploads: int = 1_000, alarms: int = 0, *, queue: bool = False) -> str:
    """Say what the stack costs at rest and in use."""
    watched = (
        f" {alarms} alarms cost ${alarms * ALARM_USD:.2f} a month, and nothing while "
        f"the account has {FREE_ALARMS} at most."
    )
    polls = 30 * 24 * 60 * SQS_POLLS_A_MINUTE
    polled = (
        f" Asking the queue for messages costs ${polls * SQS_REQUEST_USD:.2f} a month, "
        "and nothing within the account's first million requests."
    )
    return (
        "The pipeline costs nothing at rest but the storage of its pictures "
        f"($0.023 a GB a month); {uploads:,} uploads cost about "
        f"${uploads * per_upload():.2f} (us-east-1, prices of {PRICES_READ})."
        f"{watched if alarms else ''}{polled if queue else ''}"
    )


def keeping(storage_class: str, size: int, reads: float = 0.0) -> float:
    """Estimate the US dollars a month that one stored source costs.

    Args:
        storage_class: "STANDARD" or "STANDARD_IA".
        size: of the picture, in bytes; IA bills a small one as 128 KB.
        reads: how often it is read, a month.
    """
    if storage_class == "STANDARD":
        return size / 2**30 * STORAGE_USD[storage_class] + reads * S3_GET_USD
    billed = max(size, IA_LEAST_BYTES) / 2**30 * STORAGE_USD[storage_class]
    return billed + reads * (IA_GET_USD + size / 2**30 * IA_RETRIEVAL_GB_USD)


def break_even_reads(size: int) -> float:
    """Say up to how many reads a month IA is the cheaper class; 0 where it never is."""
    saved = keeping("STANDARD", size) - keeping("STANDARD_IA", size)
    a_read = keeping("STANDARD_IA", size, 1) - keeping("STANDARD_IA", size)
    return max(0.0, saved / (a_read - S3_GET_USD))


def a_day(stored: Mapping[str, int], *, alarms: int = 0, queue: bool = False) -> float:
    """Estimate the US dollars that a pipeline costs a day while nobody uploads.

    Args:
        stored: bytes by storage class; what is neither is counted as "STANDARD".
        alarms: how many stand; an account's first ten cost nothing, which is not
            counted, nor are the first million requests of a queue.
        queue: whether Lambda asks a queue for messages.
    """
    month = alarms * ALARM_USD
    for storage_class, size in stored.items():
        price = STORAGE_USD.get(storage_class, STORAGE_USD["STANDARD"])
        month += size / 2**30 * price
    polls = 24 * 60 * SQS_POLLS_A_MINUTE * SQS_REQUEST_USD if queue else 0.0
    return month / 30 + polls
