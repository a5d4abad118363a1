"""The exercises of 05_function."""

from __future__ import annotations

from typing import Any

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.exercises.verdict import Judge

#: How the lines begin that Lambda and the handler write themselves.
_LAMBDAS = ("START", "END", "REPORT", "INIT_START", '{"')


def _rejected(answer: dict[str, Any], cloud: Cloud, settings: Settings) -> str:
    outcomes = answer.get("outcomes", {})
    if outcomes == {"rejected": 1}:
        return ""
    if "made" in outcomes:
        return "The thumbnail was made. Which size is pointless to read?"
    return (
        "The function did not reject the event, it failed or passed it over: change "
        "`size` alone."
    )


def _line(answer: tuple[Any, str], cloud: Cloud, settings: Settings) -> str:
    result, log = answer
    if isinstance(result, dict) and "errorMessage" in result:
        return f"Your line stopped the function: {result['errorMessage']}."
    lines = [text for text in log.splitlines() if not text.startswith(_LAMBDAS)]
    if not any(text.strip() for text in lines):
        return (
            'The log holds no line of yours: `mine` is a line such as `print("…")`, of '
            "which the text begins otherwise than the lines of Lambda and the handler."
        )
    return ""


JUDGES: dict[str, Judge] = {"5a": _rejected, "5b": _line}
