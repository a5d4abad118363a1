"""Compile a folder's modules for Lambda. Run as a script, in a process of its own.

As `python -m compileall` does with hashes (PEP 552), and without docstrings, which
nobody reads in a function and which are an eighth of the bytecode. Asserts stay: with
`-OO` they would go too, and Pillow would fail otherwise than it did in the tests.

A layer's are loaded without a look at the source. The function's are checked: whoever
changes a line in its zip sees the change, and pays with the compiler's time.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import sys
from pathlib import Path

#: Where Lambda has a layer's modules, and the function's. Tracebacks name the file as
#: Lambda sees it, never this machine's folder.
OPT, TASK = "/opt/python", "/var/task"
_FLAGS = {OPT: 0b01, TASK: 0b11}  # a hash in place of a date; that it is checked
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def main(folder: str, place: str) -> None:
    """Write a .pyc for every module below the folder, to be loaded from a place."""
    for path in sorted(Path(folder).rglob("*.py")):
        source = path.read_bytes()
        inside = f"{place}/{path.relative_to(folder).as_posix()}"
        code = compile(_without_docstrings(source), inside, "exec", dont_inherit=True)
        cached = Path(importlib.util.cache_from_source(str(path)))
        cached.parent.mkdir(exist_ok=True)
        head = importlib.util.MAGIC_NUMBER + _FLAGS[place].to_bytes(4, "little")
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
    main(*sys.argv[1:])
