"""`pytest` as typed: from any folder, and a folder's slow tests left out."""

import subprocess
import sys

import pytest

from deploy.home import CHECKOUT as ROOT


def collected(*arguments: str, folder: str = ".") -> tuple[list[str], str]:
    """Return the tests that pytest collects, and the end of what it says.

    With -P, as `pytest` alone: the folder that it starts in is not imported from.
    """
    command = [sys.executable, "-P", "-m", "pytest", "--co", "-q"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *arguments],
        cwd=ROOT / folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found, _, end = done.stdout.partition("\n\n")
    return found.splitlines(), end


def test_a_folder_without_its_slow_tests_from_another_folder():
    found, end = collected("../handler/picture", folder="tests/deploy")
    assert "tests/handler/picture/test_memory.py::test_rows_are_counted" in found
    assert "tests/handler/picture/test_memory.py::test_largest_recipe_fits" not in found
    assert "Slow tests were left out: name a file" in end


@pytest.mark.slow  # each starts pytest
@pytest.mark.parametrize(
    "arguments",
    [
        ["tests/handler/recipe/test_labels.py::test_held_out_uploads"],
        ["tests/handler/recipe", "-m", "slow"],
        ["tests/handler/recipe/test_parse.py", "tests/handler/recipe/test_labels.py"],
    ],
)
def test_what_is_named_runs_slow_or_not(arguments):
    found, end = collected(*arguments)
    assert "tests/handler/recipe/test_labels.py::test_held_out_uploads" in found
    assert "left out" not in end


@pytest.mark.slow  # starts pytest
def test_several_processes_leave_out_the_same():
    command = [sys.executable, "-m", "pytest", "-n", "2", "-v", "tests/handler/recipe"]
    command += ["-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_labels_of_an_upload" in done.stdout and "left out" in done.stdout
    assert "test_held_out_uploads" not in done.stdout
