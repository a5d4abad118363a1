"""Rows of a table of cases: the first in `make test`, the others in `make slow`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def rows(cases: Iterable[Any], *, quick: int = 1) -> list[Any]:
    """Mark as slow all but the first rows of a parametrized test."""
    return [
        case if number < quick else _slow(case) for number, case in enumerate(cases)
    ]


def _slow(case: Any) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)
