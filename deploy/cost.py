"""What the pipeline costs, with the date of the prices.

Source: the public price lists of S3, Lambda and CloudWatch Logs for us-east-1, read on
2026-11-23; other regions differ by up to a third.
https://aws.amazon.com/s3/pricing/  https://aws.amazon.com/lambda/pricing/
https://aws.amazon.com/cloudwatch/pricing/
"""

from __future__ import annotations

PRICES_READ = "2026-11-23"

S3_PUT_USD = 0.005 / 1_000
S3_GET_USD = 0.0004 / 1_000
LAMBDA_REQUEST_USD = 0.20 / 1_000_000
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


def in_words(uploads: int = 1_000, alarms: int = 0) -> str:
    """Say what the stack costs at rest and in use."""
    watched = (
        f" {alarms} alarms cost ${alarms * ALARM_USD:.2f} a month, and nothing while "
        f"the account has {FREE_ALARMS} at most."
    )
    return (
        "The stack costs nothing at rest but the storage of its pictures "
        f"($0.023 a GB and month); {uploads:,} uploads cost about "
        f"${uploads * per_upload():.2f} (us-east-1, prices of {PRICES_READ})."
        f"{watched if alarms else ''}"
    )
