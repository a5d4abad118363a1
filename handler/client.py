"""The S3 client of this environment, made when it is first needed."""

import functools
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


@functools.cache
def s3_client() -> Any:
    """Return the one client of this environment; boto3's clients are thread-safe.

    Three attempts of at most 2 + 5 seconds each end before the function's 30 do.
    """
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return boto3.client("s3", config=config)


def error_code(error: ClientError) -> str:
    """Return S3's name for an error; a HEAD has no body, and so only its number."""
    return error.response.get("Error", {}).get("Code", "")
