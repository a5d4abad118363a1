"""What goes into the layer: the part of Pillow that JPEG, PNG and profiles need.

And of the package isal the part that unpacks PNGs, where there is a wheel of it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from deploy import runtimes
from deploy.errors import LayerError
from deploy.settings import Settings
from deploy.steps.layer import bytecode, elf
from deploy.steps.layer import wheel as wheels
from deploy.steps.layer.elf import check_machine as check_machine
from deploy.zips import zipped

#: Python modules of PIL that stay; whatever else they name is imported on demand.
# fmt: off
MODULES = frozenset({
    "__init__", "_binary", "_deprecate", "_util", "_version", "features",
    "Image", "ImageChops", "ImageCms", "ImageColor", "ImageDraw", "ImageEnhance",
    "ImageFile", "ImageFilter", "ImageFont", "ImageMode", "ImageOps", "ImagePalette",
    "ImageSequence", "ImageStat", "ImageText", "ExifTags", "TiffTags",
    "TiffImagePlugin", "GimpGradientFile", "GimpPaletteFile", "PaletteFile",
    "JpegImagePlugin", "JpegPresets", "MpoImagePlugin", "PngImagePlugin",
})
# fmt: on
#: Extension modules of PIL that stay.
EXTENSIONS = frozenset({"_imaging", "_imagingcms"})
#: Of the package isal, the modules that unpack, and what they import.
ISAL = frozenset({"__init__", "_version", "_isal", "igzip_lib"})
#: What `Settings.text` adds: FreeType and what it needs, 1.5 MB more.
TEXT = frozenset({"_imagingft"})

Files = dict[str, bytes]


def collect(wheel: Path, settings: Settings, isal: Path | None = None) -> Files:
    """Read the wheels, check them, and return the layer's files by their path in it.

    Args:
        wheel: Pillow's.
        settings: what the layer is for.
        isal: the wheel of ISA-L; without it PNGs are unpacked by zlib.

    Raises:
        LayerError: a wheel is damaged, is for another Python, processor or system,
            or needs something that is not in it.
    """
    files = prune(_read(wheel, settings), extensions(settings))
    if isal:
        found = _read(isal, settings).items()
        files |= {name: data for name, data in found if _is_wanted(name)}
    check_machine(files, settings.architecture)
    if settings.runs_here:
        check_imports(files, settings)
    else:
        elf.check_glibc(files, runtimes.RUNTIMES[settings.runtime])
        elf.check_complete(files)
    if can_compile(settings):
        files |= compiled(files)
    return {f"python/{name}": content for name, content in files.items()}


def _read(wheel: Path, settings: Settings) -> Files:
    check_tags(wheel.name, settings)
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            _check_names(names, wheel)
            return {name: archive.read(name) for name in names}
    except zipfile.BadZipFile as error:
        raise LayerError(
            "the wheel is damaged", where=str(wheel), todo="Delete it and run again."
        ) from error


def _check_names(names: list[str], wheel: Path) -> None:
    """Refuse a wheel that would write outside its folder, before it writes."""
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if not parts[0] or ".." in parts or ":" in parts[0]:
            raise LayerError(
                f"the wheel has a file called {name!r}, which is outside of it",
                where=str(wheel),
                todo="Delete it, and look where pip takes packages from.",
            )


def check_tags(name: str, settings: Settings) -> None:
    """Refuse a wheel whose Python or platform tags do not fit the function.

    Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    python, _, platform = name.removesuffix(".whl").split("-")[-3:]
    runtime = runtimes.RUNTIMES[settings.runtime]
    wanted = wheels.platforms(runtime, settings.architecture)
    # Here pip chose the platform itself, and knows macOS and Windows better.
    loads = settings.runs_here or not set(wanted).isdisjoint(platform.split("."))
    if python != runtime.abi or not loads:
        raise LayerError(
            f"the wheel does not fit {settings.runtime} on {settings.architecture}",
            where=name,
            todo=f"Take a wheel for {runtime.abi}, with a tag from {wanted[-1]} to "
            f"{wanted[0]}.",
        )


def extensions(settings: Settings) -> frozenset[str]:
    """List the extension modules that go into the layer."""
    return EXTENSIONS | TEXT if settings.text else EXTENSIONS


def prune(files: Mapping[str, bytes], extensions: frozenset[str] = EXTENSIONS) -> Files:
    """Keep the modules of the lists above, what they link to, and the licence."""
    kept = {name: data for name, data in files.items() if _is_wanted(name, extensions)}
    places = ("pillow.libs/", "PIL/.dylibs/")
    libraries = {name: data for name, data in files.items() if name.startswith(places)}
    linked = elf.needed(kept, libraries)
    # macOS' libraries are no ELF files; there all stay, since size is no matter here.
    kept |= {
        name: data
        for name, data in libraries.items()
        if name in linked or not elf.is_elf(data)
    }
    return dict(sorted(kept.items()))


def _is_wanted(name: str, extensions: frozenset[str] = EXTENSIONS) -> bool:
    """Keep the modules of the lists, and the licences, that of Intel's library too."""
    path = PurePosixPath(name)
    stem = path.name.split(".")[0]
    packages = {"PIL": (MODULES, extensions), "isal": (ISAL, ISAL)}
    if lists := packages.get(str(path.parent)):
        modules, binaries = lists
        wanted = {".py": modules, ".so": binaries, ".pyd": binaries}
        return stem in wanted.get(path.suffix, ())
    licences = ".dist-info" in name or name.startswith("isal/isa-l/")
    return licences and stem in ("LICENSE", "METADATA")


def can_compile(settings: Settings) -> bool:
    """Tell whether this is the runtime's own Python, so that its .pyc files load."""
    # A beta's bytecode is not the final release's, which is what AWS runs.
    same = settings.runs_here or sys.version_info.releaselevel == "final"
    cpython = sys.implementation.name == "cpython"
    return cpython and same and settings.runtime == runtimes.machine_runtime()


def compiled(files: Mapping[str, bytes], place: str = bytecode.OPT) -> Files:
    """Compile the modules to .pyc files, of a layer or of the function.

    Both are read-only, so Lambda could not keep what it compiles: 260 ms a start of
    Pillow, 25 of the handler.
    In a process of its own, because marshal's bytes depend on what ran before.
    """
    modules = {name: data for name, data in files.items() if name.endswith(".py")}
    with _unpacked(modules) as root:
        command = [sys.executable, "-I", "-S", bytecode.__file__, str(root), place]
        subprocess.run(command, check=True, capture_output=True)
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*.pyc"))
        }


@contextmanager
def _unpacked(files: Mapping[str, bytes]) -> Iterator[Path]:
    """Write files into a folder that goes when it was used."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files.items():
            path = Path(scratch, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield Path(scratch)


def check_imports(files: Mapping[str, bytes], settings: Settings) -> None:
    """Import every module where it would run, with nothing but the layer beside it."""
    stems = sorted(extensions(settings) | MODULES - {"__init__"})
    script = (
        "import importlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "for name in sys.argv[2:]: importlib.import_module(name)"
    )
    with _unpacked(files) as root:
        command = [sys.executable, "-I", "-S", "-B", "-c", script, str(root)]
        command += [f"PIL.{stem}" for stem in stems]
        command += ["isal.igzip_lib"] * any(name.startswith("isal/") for name in files)
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise LayerError(
            f"a module does not load: {done.stderr.strip().splitlines()[-1]}",
            where=f"the layer for {settings.runtime}",
            todo="Look at what deploy/steps/layer/contents.py leaves out.",
        )


def write_zip(files: Mapping[str, bytes], path: Path) -> None:
    """Write a zip whose bytes depend on the files alone: sorted, one date, one mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        unfinished = Path(scratch) / path.name
        unfinished.write_bytes(zipped(files, mode=0o100755, deflate=True))
        unfinished.replace(path)
