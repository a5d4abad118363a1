"""A PNG unpacked with ISA-L, as where the layer has it, and without."""

import contextlib
import sys

from handler.picture import inflate


@contextlib.contextmanager
def without_isal():
    """Import as where ``isal`` is not installed."""
    known = sys.modules.get("isal")
    sys.modules["isal"] = None
    inflate._isal.cache_clear()
    try:
        yield
    finally:
        sys.modules.pop("isal")
        if known:
            sys.modules["isal"] = known
        inflate._isal.cache_clear()
