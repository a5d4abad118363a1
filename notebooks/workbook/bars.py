"""A progress bar for long work that leaves nothing behind in the stored notebook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tqdm.auto import tqdm

Thing = TypeVar("Thing")


def progress(
    iterable: Iterable[Thing],
    description: str = "",
    *,
    total: int | None = None,
    unit: str = "file",
) -> Iterable[Thing]:
    """Go through an iterable and show how far it is; the bar goes when it is done."""
    return tqdm(iterable, desc=description, total=total, unit=unit, leave=False)
