import io
import zipfile

import pytest

from deploy.zips import zipped


def test_a_name_of_a_c_locale_is_the_name_of_any_other():
    """There a file's name has each byte beyond ASCII by itself."""
    names = ("é.py", "\udcc3\udca9.py")
    one, other = (zipped({name: b""}, mode=0o644) for name in names)
    assert one == other


@pytest.mark.parametrize("deflate", [False, True])
def test_the_same_bytes_in_any_order(deflate):
    files = {"b/two.py": b"2" * 100, "a.py": b"1"}
    again = dict(reversed(files.items()))
    made = zipped(files, mode=0o644, deflate=deflate)
    assert made == zipped(again, mode=0o644, deflate=deflate)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.namelist() == ["a.py", "b/two.py"]
        assert {name: archive.read(name) for name in files} == files
        entries = archive.infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}
    assert {entry.create_system for entry in entries} == {3}
