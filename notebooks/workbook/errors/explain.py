"""`explain()`: what an error means here, which notebook mends it, is it worth a retry?

Works under every cell that fails (see `words.install`), and by hand:

    explain("SlowDown")
    explain(run.reason)
    explain("REPORT RequestId: … Status: timeout")
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import ClientError
from IPython.display import display

from deploy.errors import DeployError
from deploy.logs import Run, used_all_memory
from handler.errors import UploadsFailed
from workbook import html
from workbook.errors import table
from workbook.html import Html

_CLIENT = re.compile(
    r"An error occurred \((?P<code>[\w.]+)\) when calling the (?P<call>\w+) operation"
    r"[^:]*: (?P<message>.*)",
    re.S,
)
_PYTHON = re.compile(r"^(?P<code>[A-Za-z_.]*(Error|Rejected)): (?P<message>.*)", re.S)
_CODE = re.compile(r"^[A-Za-z.]+$|^\d{3}$")
#: A line that tells of a failure, among the many that a function's log has.
_FAILED = re.compile(
    r"Task timed out|Status: (timeout|error)|signal: killed|Runtime\.\w+|\[ERROR\]|"
    r'"outcome": "(failed|rejected)"'
)


@dataclass(frozen=True)
class Reply:
    """What AWS, Python or a log line said, in three parts; any may be empty."""

    code: str
    message: str
    operation: str = ""


class Explanation(Html):
    """A row of the table, shown; `row` is None for an error that is not in it."""

    def __init__(self, reply: Reply, row: table.Row | None) -> None:
        self.reply, self.row = reply, row
        parts = _parts(reply, row)
        text = "\n".join(f"{name + ':':<10} {words}" for name, words in parts)
        super().__init__(_panel(parts, row), text)


def explain(what: BaseException | str | Run) -> Html:
    """Say what an error, a line of a log or a code means here, and what to do.

    A `DeployError` says itself what to do, and is only shown.
    """
    if isinstance(what, DeployError):
        return Html(html.note(str(what), html.RED), str(what))
    reply = read(what)
    return Explanation(reply, find(reply))


def read(what: BaseException | str | Run) -> Reply:
    """Take code, message and operation from an error, a log line or a run."""
    if isinstance(what, Run):
        return read(what.reason or what.outcome)
    if isinstance(what, str):
        return _read_text(what.strip())
    if isinstance(what, ClientError):
        answer = what.response["Error"]
        message = answer.get("Message", "")
        return Reply(str(answer.get("Code", "")), message, what.operation_name)
    if isinstance(what, UploadsFailed):
        causes = "; ".join(cause for _, cause in what.failures)
        return read(what.__cause__ or causes)
    if isinstance(what, Boto3Error) and (what.__cause__ or what.__context__):
        return read(what.__cause__ or what.__context__)
    return Reply(type(what).__name__, str(what))


def find(reply: Reply) -> table.Row | None:
    """Find the first row of the table that fits."""
    rows = table.ROWS
    fits = (row for row in rows if row.fits(reply.code, reply.message, reply.operation))
    return next(fits, None)


def under(error: BaseException) -> None:
    """Show the explanation below an error; a `DeployError` has said what to do."""
    if not isinstance(error, DeployError):
        display(explain(error))


def in_result(value: Any) -> None:
    """Show an explanation below a cell whose result has failed runs or log lines."""
    every = value if isinstance(value, list | tuple) else [value]
    shown: set[str] = set()
    for one in _failures(every):
        found = explain(one)
        if repr(found) not in shown:
            shown.add(repr(found))
            display(found)


def _failures(values: Iterable[Any]) -> Iterable[Run | str]:
    for one in values:
        if isinstance(one, Run) and one.outcome == "failed":
            yield one
        if isinstance(one, str) and (_FAILED.search(one) or used_all_memory(one)):
            yield one


def _read_text(text: str) -> Reply:
    if text.startswith("{"):
        reason = _reason(text)
        if reason:
            return read(reason)
    if found := _CLIENT.search(text):
        return Reply(found["code"], found["message"], found["call"])
    if found := _PYTHON.match(text):
        return Reply(found["code"].rpartition(".")[2], found["message"])
    if used_all_memory(text):
        return Reply("", f"Runtime.OutOfMemory: {text}")
    return Reply(text, "") if _CODE.match(text) else Reply("", text)


def _reason(line: str) -> str:
    """Read why the handler's log line, or Lambda's answer, says that it failed."""
    try:
        record = json.loads(line)
    except ValueError:
        return ""
    if record.get("errorMessage"):
        return f"{record.get('errorType', 'Error')}: {record['errorMessage']}"
    return record.get("reason") or "" if record.get("outcome") == "failed" else ""


def _parts(reply: Reply, row: table.Row | None) -> list[tuple[str, str]]:
    if row:
        return [("Means", row.means), ("Mend", row.cure), ("Again?", row.again)]
    words = ": ".join(filter(None, (reply.code, reply.message))) or "nothing"
    call = f" {reply.operation} was called." if reply.operation else ""
    return [
        ("Means", "This is not one of the errors that the workbook knows."),
        ("It said", f"{words.rstrip('.')}.{call}"),
        ("Mend", "`python -m deploy status` and check(step) show what differs."),
        ("Again?", "Nobody here can say; once does no harm, every cell can be rerun."),
    ]


def _panel(parts: list[tuple[str, str]], row: table.Row | None) -> str:
    colour = html.GREY
    if row:
        colour = {table.NEVER: html.RED, table.PASSES: html.GREEN}.get(
            row.again, html.ORANGE
        )
    lines = "".join(
        '<div style="display:flex;margin:3px 0"><div style="min-width:76px">'
        f"{html.badge(name.rstrip('?'), colour) if name == 'Again?' else _label(name)}"
        f"</div><div>{html.marked(words)}</div></div>"
        for name, words in parts
    )
    return html.block(
        f'<div style="border-left:4px solid {colour};padding:2px 14px;margin:4px 0;'
        f'max-width:820px">{lines}</div>'
    )


def _label(name: str) -> str:
    return f'<b style="opacity:.75">{html.escape(name)}</b>'
