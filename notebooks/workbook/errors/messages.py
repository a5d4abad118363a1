"""Errors in one sentence: what failed, and what to do next."""

from __future__ import annotations

import linecache
import re
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import URLError

from boto3.exceptions import Boto3Error
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
)
from IPython.display import display

from deploy import DeployError
from deploy.home import CHECKOUT
from handler.errors import ConfigError, ImageRejected, UploadsFailed
from workbook import html
from workbook.errors import explain
from workbook.html import Html

#: What a call to the cloud can end with.
CLOUD_ERRORS = (DeployError, ClientError, BotoCoreError, Boto3Error)

#: What is told in a sentence; every other error keeps its traceback.
TOLD = (*CLOUD_ERRORS, ImageRejected, ConfigError, UploadsFailed, URLError)

#: What a value of another form than the cell's own ends in, before it is judged.
_OF_A_VALUE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_EXERCISE = re.compile(r"""\bexercise\(["'](?P<name>\d+[a-z])""")
_UNJUDGED = (
    "Exercise {}: not yet. The cell failed before it judged your answer; the last line "
    "above says why. Where you change a value, keep its form: its brackets, commas and "
    "quotes."
)

#: Bold alone: on Jupyter's red ground no red is read in the dark theme.
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


class WorkbookError(DeployError):
    """The notebook asked for what cannot be done: no such file, step or filter."""


def sentence(error: BaseException) -> str:
    """Say what failed without a traceback and without paths of this machine."""
    if isinstance(error, Boto3Error):
        # S3UploadFailedError names the whole path, and wraps what S3 said.
        cause = error.__cause__ or error.__context__
        return sentence(cause) if cause else f"{type(error).__name__}: {error}"
    if isinstance(error, ClientError):
        return _refused(error)
    if _is_silence(error):
        return (
            "The cloud does not answer. Run the notebook's first cell again: it starts "
            "the local cloud when it is not running."
        )
    if isinstance(error, TOLD):
        return str(error) or type(error).__name__
    return f"{type(error).__name__}: {error}"


def _is_silence(error: BaseException) -> bool:
    """Tell whether nobody answered, boto3 or `urlopen`."""
    if isinstance(error, URLError):
        return isinstance(error.reason, OSError)
    return isinstance(error, HTTPClientError | ConnectionError)


def note(error: BaseException) -> str:
    """Set an error's sentence beside a red bar, for what has no cell to fail in."""
    return html.note(sentence(error), html.RED)


def install(shell: Any) -> None:
    """Let the notebook show these errors as a sentence, and what they mean below it."""
    shell.set_custom_exc((*TOLD, *_OF_A_VALUE), _show)
    shell.events.callbacks["post_run_cell"] = [
        each
        for each in shell.events.callbacks["post_run_cell"]
        if each.__name__ != after_cell.__name__  # `begin` is run again and again
    ]
    shell.events.register("post_run_cell", after_cell)


def after_cell(result: Any) -> None:
    """Explain failed runs and log lines that a cell ends in, and errors of the cell."""
    error = result.error_in_exec
    # What is not told in a sentence keeps its traceback; below it stands what is known.
    if isinstance(error, TOLD):
        return
    exercise = _EXERCISE.search(result.info.raw_cell)
    if exercise and isinstance(error, _OF_A_VALUE):
        words = _UNJUDGED.format(exercise["name"])
        display(Html(html.note(words), words))
    elif error and explain.find(explain.read(error)):
        explain.under(error)
    elif result.success:
        explain.in_result(result.result)


def file_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        WorkbookError: there is no such file, or it cannot be read.
    """
    return check_file(path).read_bytes()


def check_file(name: Path | str) -> Path:
    """Find a file, and refuse what cannot be read, before anything is done with it.

    Raises:
        WorkbookError: there is no such file, or it cannot be read.
    """
    try:
        path = found(Path(name))
        with path.open("rb") as file:
            file.read(1)
    except (OSError, TypeError, ValueError) as error:  # None, a list; a NUL in it
        last = Path(name).name if isinstance(name, str | Path) else name
        why = getattr(error, "strerror", None) or error
        raise WorkbookError(
            f"the file {str(last)[:100]!r} cannot be read ({why})",
            where="this notebook",
            todo="Names are relative to your notebook, as in "
            '"../images/samples/….jpg".',
        ) from error
    return path


def found(path: Path) -> Path:
    """Find a relative name beside the notebooks, too: a kernel may run elsewhere."""
    beside = CHECKOUT / "notebooks" / path
    return beside if not path.exists() and beside.exists() else path


def _refused(error: ClientError) -> str:
    answer = error.response["Error"]
    code, message = answer.get("Code", "?"), answer.get("Message", "").strip()
    return f"{error.operation_name} was refused ({code}): {message or 'no reason'}"


def _show(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> list[str]:
    if not isinstance(error, TOLD):
        _end_in_exercise(traceback)
        shell.showtraceback((kind, error, traceback), tb_offset)
        return []
    text = sentence(error)
    lines = [f"{_BOLD}{kind.__name__}{_PLAIN}: {text}"]
    shell._showtraceback(kind, text, lines)
    explain.under(error)
    return lines


def _end_in_exercise(traceback: TracebackType) -> None:
    """Leave out what lies below an exercise's cell: libraries, and pages of them."""
    at: TracebackType | None = traceback
    while at:
        cell = "".join(linecache.getlines(at.tb_frame.f_code.co_filename))
        if _EXERCISE.search(cell):
            at.tb_next = None
        at = at.tb_next
