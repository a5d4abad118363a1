"""The learner's copies, from first to last, under a name of the learner's own."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from workbook import copies

from deploy import connect

# What the tour leaves, what the lessons make by hand, what a recipe adds.
LESSONS = ("00", "02", "03", "04", "05", "06", "07", "09")


@pytest.mark.slow
def test_the_copies_run_under_a_name(own_folder, tmp_path, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("WORKBOOK_HOME", str(tmp_path / "own"))
        work = copies.make()
    monkeypatch.setenv("WORKBOOK_NAME", "anna")
    for path in sorted(work.glob("*.ipynb")):
        if path.stem[:2] in LESSONS:
            copy = nbformat.read(path, 4)
            NotebookClient(copy, resources={"metadata": {"path": str(work)}}).execute()
    cloud = connect("local", say=lambda line: None)
    made = [bucket["Name"] for bucket in cloud.s3.list_buckets()["Buckets"]]
    made += [each["RoleName"] for each in cloud.iam.list_roles()["Roles"]]
    functions = cloud.awslambda.list_functions()["Functions"]
    made += [each["FunctionName"] for each in functions]
    assert len(made) > 3 and all(name.startswith("anna-") for name in made)
