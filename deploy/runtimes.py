"""Which Python runtimes Lambda has, until when, and what their system can load.

Dates are AWS's deprecation dates as published on the page below: no more security
updates, and no place for a new function. The day from which the API refuses to create
one comes later and has been moved several times: it was past for python3.7 and older,
and 2027-02-01 for python3.8 to 3.10, when this table was checked (2026-11-23, against
boto3 1.44.5, which also lists python3.15: its date was not on the copy we read).

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Runtime:
    """A Lambda runtime: its Python, its system's glibc, its deprecation date."""

    name: str
    system: str
    glibc: tuple[int, int]
    deprecated: date | None

    @property
    def python(self) -> str:
        """The Python version, as in "3.14"."""
        return self.name.removeprefix("python")

    @property
    def abi(self) -> str:
        """The CPython ABI tag of its wheels, as in "cp314"."""
        return "cp" + self.python.replace(".", "")


_AL2 = ("Amazon Linux 2", (2, 26))
_AL2023 = ("Amazon Linux 2023", (2, 34))

RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime("python3.11", *_AL2, date(2027, 6, 30)),
        Runtime("python3.12", *_AL2023, date(2028, 10, 31)),
        Runtime("python3.13", *_AL2023, date(2029, 6, 30)),
        Runtime("python3.14", *_AL2023, date(2029, 6, 30)),
        Runtime("python3.15", *_AL2023, None),
    )
}

#: What an extension module may leave to the system of every runtime above: glibc's
#: parts (the packages of public.ecr.aws/lambda/python:3.12 are listed in
#: https://github.com/amazonlinux/amazon-linux-2023/issues/585) and zlib, which Python's
#: own zlib module links and which every manylinux system has
#: (https://github.com/pypa/auditwheel/pull/334). Read on 2026-11-23.
SYSTEM_LIBRARIES = frozenset(
    {
        "libc.so.6",
        "libm.so.6",
        "libpthread.so.0",
        "libdl.so.2",
        "librt.so.1",
        "libz.so.1",
        "ld-linux-x86-64.so.2",
        "ld-linux-aarch64.so.1",
    }
)

#: Runtimes that no new function should use; the value is the deprecation date.
RETIRED = {
    "python2.7": date(2021, 7, 15),
    "python3.6": date(2022, 7, 18),
    "python3.7": date(2023, 12, 4),
    "python3.8": date(2024, 10, 14),
    "python3.9": date(2025, 12, 15),
    "python3.10": date(2026, 10, 31),
}

#: What a new function on AWS gets: current, and on the cheaper processor.
DEFAULT_RUNTIME = "python3.14"
DEFAULT_ARCHITECTURE = "arm64"


def machine_runtime() -> str:
    """Name the runtime of this machine's own Python, as in "python3.13"."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def machine_architecture() -> str:
    """Name this machine's processor as Lambda does: "x86_64" or "arm64"."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def here() -> dict[str, Any]:
    """Return the fields of `Settings` for functions that run on this machine."""
    return {
        "runtime": machine_runtime(),
        "architecture": machine_architecture(),
        "runs_here": True,
    }
