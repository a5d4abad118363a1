"""Cold starts and the layer: imports in fresh processes, sizes of the zips."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from peers import FOLDER, ROOT

from deploy import DeployError, Settings, contents, layer, runtimes

#: Part → what is timed in a fresh process, after what went before and is not timed.
PARTS = {
    "import boto3": ("", "import boto3"),
    "boto3.client('s3')": (
        "import boto3",
        "boto3.client('s3', region_name='us-east-1')",
    ),
    "PIL with its JPEG and PNG plugins": (
        "",
        "from PIL import Image, JpegImagePlugin, PngImagePlugin",
    ),
    "handler.app, after boto3 and a client": (
        "import boto3; boto3.client('s3', region_name='us-east-1')",
        "import handler.app",
    ),
    "all of it": (
        "",
        "import boto3; boto3.client('s3', region_name='us-east-1'); import handler.app",
    ),
}

_TIMED = """
import sys, time
sys.path[:0] = {path!r}
{before}
start = time.perf_counter()
{timed}
print((time.perf_counter() - start) * 1000)
"""


def here() -> Settings:
    """Return the settings of a function on this machine."""
    return Settings(
        account="000000000000",
        region="us-east-1",
        runtime=runtimes.machine_runtime(),
        architecture=runtimes.machine_architecture(),
        runs_here=True,
    )


def cold_parts(times: int) -> dict[str, dict[bool, float]]:
    """Time the parts: part → with the layer's .pyc files or without → median ms.

    As in Lambda: nothing may be written, the handler comes without .pyc files, boto3
    with them.
    """
    with tempfile.TemporaryDirectory(prefix="workbook-bench-") as scratch:
        paths = {kept: _unpacked(Path(scratch), kept) for kept in (True, False)}
        runs: dict[tuple[str, bool], list[float]] = {}
        for _ in range(times + 1):
            for part, (before, timed) in PARTS.items():
                for kept, path in paths.items():
                    code = _TIMED.format(path=path, before=before, timed=timed)
                    runs.setdefault((part, kept), []).append(_fresh(code))
    return {
        part: {kept: median(runs[part, kept][1:]) for kept in paths} for part in PARTS
    }


def _fresh(code: str) -> float:
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=FOLDER,
    )
    return float(done.stdout)


def _unpacked(scratch: Path, kept: bool) -> list[str]:
    """Lay out the function and its layer as Lambda does, with .pyc files or without."""
    place = scratch / ("with" if kept else "without")
    with zipfile.ZipFile(layer.build(here(), FOLDER / "wheels").path) as archive:
        for name in archive.namelist():
            if kept or not name.endswith(".pyc"):
                archive.extract(name, place / "opt")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "handler", place / "task" / "handler", ignore=ignored)
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
