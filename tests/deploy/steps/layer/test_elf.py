import struct
import sys
from pathlib import Path

import pytest
from PIL import _imaging

from deploy import runtimes
from deploy.errors import LayerError
from deploy.steps.layer import elf


def header(machine):
    """Write the smallest ELF header: 64 bits, little-endian, a shared library."""
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    return head + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, *[0] * 4, 64, *[0] * 5)


def test_library_for_another_processor():
    files = {"PIL/_imaging.so": header(62)}  # EM_X86_64
    elf.check_machine(files, "x86_64")
    with pytest.raises(LayerError, match="built for EM_X86_64"):
        elf.check_machine(files, "arm64")


def test_damaged_library():
    with pytest.raises(LayerError, match="damaged"):
        elf.check_machine({"PIL/_imaging.so": b"\x7fELF"}, "arm64")


@pytest.fixture(scope="module")
def extension():
    """The bytes of `_imaging`, as Pillow built it for Linux."""
    if sys.platform != "linux":
        pytest.skip("no ELF files on this machine")
    return Path(_imaging.__file__).read_bytes()


def test_newer_glibc_is_refused(extension):
    files = {"PIL/_imaging.so": extension}
    elf.check_glibc(files, runtimes.RUNTIMES["python3.11"])
    old = runtimes.Runtime("python3.0", "Amazon Linux 0", (2, 4), None)
    with pytest.raises(LayerError, match=r"asks for glibc 2\.\d+, and Amazon Linux 0"):
        elf.check_glibc(files, old)


def test_missing_library_is_named(extension):
    with pytest.raises(LayerError, match=r"needs .*libjpeg.* neither the layer nor"):
        elf.check_complete({"PIL/_imaging.so": extension})


def test_a_system_library_may_stay_outside(extension):
    inside = {f"pillow.libs/{name}": b"" for name in elf.needed_by("_", extension)}
    elf.check_complete({"PIL/_imaging.so": extension} | inside)
    system = {f"pillow.libs/{name}" for name in runtimes.SYSTEM_LIBRARIES}
    bundled = {name: data for name, data in inside.items() if name not in system}
    assert len(bundled) < len(inside)
    elf.check_complete({"PIL/_imaging.so": extension} | bundled)
