"""Two files that take their places as one: an object's body and its metadata.

No file system moves two files at once. So a third is written first, which names them,
and is removed last: what a kill cuts in two is finished at the next start. Runs inside
the local cloud's own environment: nothing here may import the rest of `deploy`.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path


def put(body: Path, side: Path, under_way: Path) -> None:
    """Put `body.tmp` and `side.tmp` into the places of `body` and `side`."""
    new_body, new_side = _new(body), _new(side)
    intent = under_way / uuid.uuid4().hex
    known = {"body": str(body), "side": str(side), "text": new_side.read_text("utf-8")}
    known["inode"] = str(new_body.stat().st_ino)
    intent.write_text(json.dumps(known), "utf-8")
    new_body.replace(body)
    new_side.replace(side)
    intent.unlink()


def heal(under_way: Path) -> None:
    """Finish what was under way: where the new body stands, its metadata follow."""
    for intent in under_way.iterdir():
        try:
            known = json.loads(intent.read_text("utf-8"))
            moved = str(Path(known["body"]).stat().st_ino) == known["inode"]
        except (OSError, ValueError):
            moved = False  # it was cut before it touched the body, which may be none
        if moved:
            side = Path(known["side"])
            _new(side).write_text(known["text"], "utf-8")
            _new(side).replace(side)
        intent.unlink()


def _new(path: Path) -> Path:
    return path.with_name(path.name + ".tmp")
