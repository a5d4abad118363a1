"""Errors in one sentence: what failed, and what to do next."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
)

from deploy import DeployError
from handler.errors import ConfigError, ImageRejected, UploadsFailed

#: What is told in a sentence; every other error keeps its traceback.
TOLD = (
    DeployError,
    ClientError,
    BotoCoreError,
    ImageRejected,
    ConfigError,
    UploadsFailed,
)

#: What a call to the cloud can end with.
CLOUD_ERRORS = (DeployError, ClientError, BotoCoreError)


def sentence(error: BaseException) -> str:
    """Say what failed without a traceback and without paths of this machine."""
    if isinstance(error, ClientError):
        answer = error.response["Error"]
        code, message = answer.get("Code", "?"), answer.get("Message", "").strip()
        return f"{error.operation_name} was refused ({code}): {message or 'no reason'}"
    if isinstance(error, HTTPClientError | ConnectionError):
        return (
            "The cloud does not answer. Run the notebook's first cell again: it starts "
            "the local cloud when it is not running."
        )
    return str(error) or type(error).__name__


def install(shell: Any) -> None:
    """Let the notebook show these errors as a sentence."""
    shell.set_custom_exc(TOLD, _show)


def _show(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> list[str]:
    lines = [f"{kind.__name__}: {sentence(error)}"]
    shell._showtraceback(kind, error, lines)
    return lines


class FileError(DeployError):
    """A file that was named cannot be read."""


def file_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        FileError: there is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def check_file(path: Path) -> None:
    """Refuse what is no file that can be read, before anything is done with it.

    Raises:
        FileError: there is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> FileError:
    return FileError(
        f"the file {path.name!r} cannot be read ({error.strerror or error})",
        where="this notebook",
        todo='Names are relative to notebooks/, as in "../images/samples/….jpg".',
    )
