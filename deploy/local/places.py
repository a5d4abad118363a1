"""Our functions in the places of MiniStack's, each told beside what it replaces.

Whoever comes later stands before whoever came first, and reaches it. Runs in
MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


def around(owner: Any, name: str) -> Callable[[Callable], Callable]:
    """Put a function in a place; what stood there is its first argument."""

    def put(function: Callable) -> Callable:
        kept = getattr(owner, name)

        @wraps(function)
        def placed(*args: Any, **options: Any) -> Any:
            return function(kept, *args, **options)

        setattr(owner, name, placed)
        return placed

    return put


def instead_of(owner: Any, name: str) -> Callable[[Callable], Callable]:
    """Put a function in a place, and nothing reaches what stood there."""

    def put(function: Callable) -> Callable:
        setattr(owner, name, function)
        return function

    return put
