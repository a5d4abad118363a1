"""One pipeline, warm, in a process of its own: commands from stdin, a line each.

`load PATH`; `run QUALITY` answers wall ms, CPU ms and the thumbnail's bytes; `save
PATH`; `version`; `reset` sets the peak memory back and answers VmRSS in kB; `peak`
answers VmHWM in kB. Runs alone in the environment of what it measures.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path

from pipelines import find  # beside this file, which is run as a script


class Worker:
    """The picture that was loaded, and its last thumbnail."""

    def __init__(self, name: str) -> None:
        self.pipeline, self.describe = find(name)
        self.source = self.result = b""

    def load(self, path: str) -> str:
        self.source = Path(path).read_bytes()
        return "ok"

    def save(self, path: str) -> str:
        Path(path).write_bytes(self.result)
        return "ok"

    def run(self, quality: str) -> str:
        start, cpu = time.perf_counter(), time.process_time()
        self.result = self.pipeline(self.source, int(quality))
        cpu = (time.process_time() - cpu) * 1000
        wall = (time.perf_counter() - start) * 1000
        return f"{wall:.3f} {cpu:.3f} {len(self.result)}"

    def version(self, _: str) -> str:
        return self.describe()

    def reset(self, _: str) -> str:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # see proc(5)
        return _status("VmRSS:")

    def peak(self, _: str) -> str:
        return _status("VmHWM:")


def _status(field: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(field))


def main() -> None:
    """Answer until stdin ends."""
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        command, _, argument = line.rstrip("\n").partition(" ")
        try:
            answer = getattr(worker, command)(argument)
        except Exception as error:  # told, and the process goes on
            answer = f"error {error}"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
