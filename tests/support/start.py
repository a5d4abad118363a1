"""A quicker start: loaded before the plugins (`-p`), it spares what no test uses."""

from __future__ import annotations

import gc
import sys
from typing import Any, cast

# nbval → nbformat → jsonschema compiles the grammar of IRIs as it is imported, for over
# a second in each process; where the package is missing, jsonschema does without.
cast(dict[str, Any], sys.modules)["rfc3987_syntax"] = None


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over modules: it would take a second each time."""
    gc.collect()
    gc.freeze()
