"""Compile a folder's modules for a layer. Run as a script, in a process of its own.

As `python -m compileall` does with unchecked hashes (PEP 552), and without docstrings,
which nobody reads in a function and which are an eighth of the bytecode. Asserts stay:
with `-OO` they would go too, and Pillow would fail otherwise than it did in the tests.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import sys
from pathlib import Path

# Tracebacks name the file as Lambda sees it, never this machine's folder.
OPT = "/opt/python"
_UNCHECKED_HASH = (0b01).to_bytes(4, "little")
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def main(folder: str) -> None:
    """Write a .pyc for every module below the folder."""
    for path in sorted(Path(folder).rglob("*.py")):
        source = path.read_bytes()
        inside = f"{OPT}/{path.relative_to(folder).as_posix()}"
        code = compile(_without_docstrings(source), inside, "exec", dont_inherit=True)
        cached = Path(importlib.util.cache_from_source(str(path)))
        cached.parent.mkdir(exist_ok=True)
        head = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH
        head += importlib.util.source_hash(source)
        cached.write_bytes(head + marshal.dumps(code))


def _without_docstrings(source: bytes) -> ast.Module:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node) is not None:
            node.body[:1] = (
                [] if len(node.body) > 1 else [ast.Pass(lineno=0, col_offset=0)]
            )
    return ast.fix_missing_locations(tree)


if __name__ == "__main__":
    main(sys.argv[1])
