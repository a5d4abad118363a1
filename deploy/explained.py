"""An error of boto3's as one sentence: what was refused, at which step, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from deploy import signin, waiting
from deploy.errors import DeployError

#: What to do where it may be that nothing stands.
STATUS = "`python -m deploy status` shows what there is."
_EXPIRED = f"Have your credentials expired? Sign in again: {signin.LOGIN}. "
#: What to do where the same run again would end the same way.
_TODO = {
    "400": _EXPIRED + "Then run the same command again.",  # HEAD has no more words
    "ExpiredToken": _EXPIRED + "Then run the same command again.",
    "CodeStorageExceededException": "The region's store of code is full: delete "
    "functions and layer versions that nobody needs, then run the same command again.",
}


@contextmanager
def explained(where: str, todo: str) -> Iterator[None]:
    """Turn an error of boto3's into a `DeployError`; the cause stays with it."""
    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error, ResponseParserError) as error:
        # An upload's error wraps what S3 said.
        said = (error.__context__ or error) if isinstance(error, Boto3Error) else error
        raise _told(said, where, todo) from error


def _told(error: BaseException, where: str, todo: str) -> DeployError:
    if not isinstance(error, ClientError):
        return DeployError(str(error).rstrip("."), where=where, todo=todo)
    name = waiting.code(error)
    if waiting.is_denied(error):
        todo = "Ask the account's owner for that permission. " + todo
    todo = _TODO.get(name, todo)
    message = error.response["Error"].get("Message", "").rstrip(".")
    tries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) + 1
    if tries > 1:
        message += f" (after {tries} tries)"
    what = f"{error.operation_name} was refused ({name}): {message}"
    return DeployError(what, where=where, todo=todo)
