"""Cold starts and the layer: imports in fresh processes, sizes of the zips."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from peers import FOLDER

from deploy import DeployError, Settings, runtimes
from deploy.steps import function, layer
from deploy.steps.layer import contents

BOTO3 = "import boto3"
CLIENT = "boto3.client('s3', region_name='us-east-1')"
HANDLER = "handler.app, after boto3 and a client"
#: Part → what is timed in a fresh process, after what went before and is not timed.
PARTS = {
    "import boto3": ("", BOTO3),
    "boto3.client('s3')": (BOTO3, CLIENT),
    "PIL with its JPEG and PNG plugins": (
        "",
        "from PIL import Image, JpegImagePlugin, PngImagePlugin",
    ),
    HANDLER: (f"{BOTO3}; {CLIENT}", "import handler.app"),
    "all of it": ("", f"{BOTO3}; {CLIENT}; import handler.app"),
}

#: Where Lambda runs the laptop's Python, layer and function come with .pyc files.
DEPLOYED, NOTHING = "with .pyc", "without"
LAYOUTS = (DEPLOYED, NOTHING)

Cold = dict[str, dict[str, list[float]]]  # part → layout → milliseconds of CPU

_TIMED = """
import sys, time
sys.path[:0] = {path!r}
{before}
start = time.process_time()
{timed}
print((time.process_time() - start) * 1000)
"""


def here() -> Settings:
    """Return the settings of a function on this machine."""
    return Settings("000000000000", "us-east-1", **runtimes.here())


def cold_parts(times: int) -> Cold:
    """Time the parts in each layout; as in Lambda, nothing may be written."""
    with unpacked() as paths:
        runs: dict[tuple[str, str], list[float]] = {}
        for _ in range(times + 1):
            for part, (before, timed) in PARTS.items():
                for layout, path in paths.items():
                    code = _TIMED.format(path=path, before=before, timed=timed)
                    runs.setdefault((part, layout), []).append(_fresh(code))
    return {
        part: {layout: runs[part, layout][1:] for layout in LAYOUTS} for part in PARTS
    }


def _fresh(code: str) -> float:
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],  # nothing may be written
        check=True,
        capture_output=True,
        text=True,
        cwd=FOLDER,
    )
    return float(done.stdout)


@contextmanager
def unpacked() -> Iterator[dict[str, list[str]]]:
    """Lay out function and layer as Lambda does: layout → what is on its path."""
    with tempfile.TemporaryDirectory(prefix="workbook-bench-") as scratch:
        yield {layout: _laid_out(Path(scratch), layout) for layout in LAYOUTS}


def _laid_out(scratch: Path, layout: str) -> list[str]:
    place = scratch / str(LAYOUTS.index(layout))
    zips = {
        "task": io.BytesIO(function.package(here())),
        "opt": layer.build(here(), FOLDER / "wheels").path,
    }
    for folder, zipped in zips.items():
        with zipfile.ZipFile(zipped) as archive:
            for name in archive.namelist():
                if layout != NOTHING or not name.endswith(".pyc"):
                    archive.extract(name, place / folder)
    return [str(place / "task"), str(place / "opt" / "python")]


@dataclass(frozen=True)
class LayerSize:
    """A layer's megabytes, the whole wheel's beside them; or why there is none."""

    name: str
    zipped: float = 0.0
    unzipped: float = 0.0
    wheel: float = 0.0
    bytecode: bool = False
    failure: str = ""


def layer_sizes() -> list[LayerSize]:
    """Build this machine's layer and those for the default runtime on AWS."""
    targets = {f"{runtimes.machine_runtime()}, this machine": here()}
    for architecture in ("x86_64", "arm64"):
        targets[f"{runtimes.DEFAULT_RUNTIME}, {architecture}"] = Settings(
            account="000000000000", region="us-east-1", architecture=architecture
        )
    return [_layer_size(name, settings) for name, settings in targets.items()]


def _layer_size(name: str, settings: Settings) -> LayerSize:
    try:
        built = layer.build(settings, FOLDER / "wheels")
    except DeployError as error:
        return LayerSize(name, failure=str(error).splitlines()[0])
    with zipfile.ZipFile(built.path) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    wheel = max(path.stat().st_size for path in built.path.parent.glob("*.whl"))
    return LayerSize(
        name,
        built.path.stat().st_size / 1e6,
        unzipped / 1e6,
        wheel / 1e6,
        contents.can_compile(settings),
    )
