"""Linux libraries, as far as their headers tell: will the runtime's system load them?

Whether an extension module loads is decided by three entries of its ELF file: the
processor it was built for, the libraries it names (NEEDED), and the versions of glibc's
symbols it asks for. All three can be read on any laptop.

Source: https://refspecs.linuxfoundation.org/elf/elf.pdf
https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from deploy.errors import LayerError
from deploy.runtimes import SYSTEM_LIBRARIES, Runtime

_MACHINES = {"x86_64": "EM_X86_64", "arm64": "EM_AARCH64"}
_GLIBC = "GLIBC_"


def check_machine(files: Mapping[str, bytes], architecture: str) -> None:
    """Refuse Linux libraries that were built for another processor."""
    for name, content in _libraries(files):
        machine = _open(name, content)["e_machine"]
        if machine != _MACHINES[architecture]:
            raise LayerError(
                f"it was built for {machine}, and the function runs on {architecture}",
                where=name,
                todo="Delete the cached wheel and run again.",
            )


def check_glibc(files: Mapping[str, bytes], runtime: Runtime) -> None:
    """Refuse libraries that ask for a newer glibc than the runtime's system has."""
    for name, content in _libraries(files):
        asked = glibc(name, content)
        if asked > runtime.glibc:
            raise LayerError(
                f"it asks for glibc {_dotted(asked)}, and {runtime.system} has "
                f"{_dotted(runtime.glibc)}",
                where=name,
                todo="Delete the cached wheel and run again, or use a newer runtime.",
            )


def check_complete(files: Mapping[str, bytes]) -> None:
    """Refuse libraries that name one which is neither beside them nor the system's."""
    inside = {PurePosixPath(name).name for name in files}
    for name, content in _libraries(files):
        if lacking := set(needed_by(name, content)) - inside - SYSTEM_LIBRARIES:
            raise LayerError(
                f"it needs {', '.join(sorted(lacking))}, which neither the layer nor "
                "the runtime's system has",
                where=name,
                todo="Look at what deploy/steps/layer/contents.py leaves out.",
            )


def needed(roots: Mapping[str, bytes], libraries: Mapping[str, bytes]) -> set[str]:
    """Follow NEEDED entries from the roots and name the libraries they reach."""
    by_name = {PurePosixPath(name).name: name for name in libraries}
    reached: set[str] = set()
    waiting = list(_libraries(roots))
    while waiting:
        for soname in needed_by(*waiting.pop()):
            name = by_name.get(soname)
            if name and name not in reached:
                reached.add(name)
                waiting.append((name, libraries[name]))
    return reached


def needed_by(name: str, content: bytes) -> list[str]:
    """List the libraries that one names in its NEEDED entries."""
    segments = _open(name, content).iter_segments()
    dynamic: list[Any] = [each for each in segments if isinstance(each, DynamicSegment)]
    return [tag.needed for each in dynamic for tag in each.iter_tags("DT_NEEDED")]


def glibc(name: str, content: bytes) -> tuple[int, ...]:
    """Find the newest version of glibc's symbols that a library asks for."""
    asked = [
        tuple(int(part) for part in symbols.name.removeprefix(_GLIBC).split("."))
        for section in _open(name, content).iter_sections()
        if isinstance(section, GNUVerNeedSection)
        for _, versions in section.iter_versions()
        for symbols in versions
        # GLIBC_PRIVATE has no number; AWS's systems and manylinux know none.
        if symbols.name.startswith(_GLIBC) and symbols.name[len(_GLIBC)].isdigit()
    ]
    return max(asked, default=(0,))


def is_elf(content: bytes) -> bool:
    """Tell whether the bytes are an ELF file."""
    return content.startswith(b"\x7fELF")


def _libraries(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    return ((name, content) for name, content in files.items() if is_elf(content))


def _open(name: str, content: bytes) -> ELFFile:
    try:
        return ELFFile(io.BytesIO(content))
    except ELFError as error:
        raise LayerError(
            "the library is damaged", where=name, todo="Delete the cached wheel."
        ) from error


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
