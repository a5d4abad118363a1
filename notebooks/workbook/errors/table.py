"""The errors that people meet on this road, as rows of `table.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from deploy.waiting import DENIED

#: What trying again does: the three answers there are.
PASSES = "Try again: it passes by itself."
MENDED = "Trying again helps once that is mended, not before."
NEVER = "Trying again cannot help: the same will happen."

_AGAIN = {"passes": PASSES, "never": NEVER}


@dataclass(frozen=True)
class Row:
    """An error, by what AWS, Python or the log says; `table.toml` tells its fields."""

    name: str
    means: str
    cure: str
    again: str = MENDED
    codes: str = ""
    says: str = ""
    calls: str = ""

    def fits(self, code: str, message: str, operation: str) -> bool:
        """Tell whether an error is this one."""
        codes = self.codes.split()
        known = not codes or code in codes
        if not code and codes:  # a line of a log has its code somewhere in it
            known = any(re.search(rf"\b{re.escape(c)}\b", message) for c in codes)
        called = not self.calls or not operation or operation in self.calls.split()
        told = f"{code}: {message}" if code else message
        return known and called and bool(re.search(self.says, told, re.I))


def _row(name: str, fields: dict[str, str]) -> Row:
    if "codes" in fields:
        fields["codes"] = fields["codes"].replace("DENIED", " ".join(DENIED))
    if "again" in fields:
        fields["again"] = _AGAIN.get(fields["again"], fields["again"])
    return Row(name, **fields)


_FILE = Path(__file__).with_name("table.toml")
_TABLE = tomllib.loads(_FILE.read_text("utf-8"))
ROWS: tuple[Row, ...] = tuple(_row(name, fields) for name, fields in _TABLE.items())
