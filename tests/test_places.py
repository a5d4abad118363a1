"""Where the course can run: what is written for GitHub, held to its structure.

Neither was run there: no network. The keys are those of GitHub's workflow syntax and of
containers.dev's specification. In November 2026 both files passed SchemaStore's schema
for workflows (`check-jsonschema`) and devContainer.base.schema.json, the devcontainer
CLI 0.89.0 read the container, and the image's tag stood in its list (version 3.2.6).
"""

import json
import re

import pytest
import yaml

from deploy.home import CHECKOUT as ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text("utf-8"))
CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
JOB_KEYS = {"runs-on", "timeout-minutes", "strategy", "steps"}


def words(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_workflow_has_what_github_asks_for():
    # YAML 1.1 reads the key `on` as true; GitHub does not.
    assert set(WORKFLOW) == {"name", True, "permissions", "jobs"}
    assert set(WORKFLOW[True]) == {"push", "pull_request"}
    assert WORKFLOW["permissions"] == {"contents": "read"}
    (job,) = WORKFLOW["jobs"].values()
    assert set(job) == JOB_KEYS and job["timeout-minutes"] <= 360


def test_the_workflow_runs_the_readmes_command():
    (job,) = WORKFLOW["jobs"].values()
    (command,) = [step["run"] for step in job["steps"] if "run" in step]
    assert command == "make test" and re.search(
        rf"^{command} ", words("README.md"), re.M
    )
    assert "\ntest:" in words("Makefile")


def test_the_workflow_takes_pinned_actions_and_supported_pythons():
    (job,) = WORKFLOW["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@v\d+", use) for use in used)
    # Up to checkout@v4 and setup-python@v5 they ask for Node 20, which is gone there.
    assert all(int(use.rpartition("@v")[2]) >= 7 for use in used)
    pythons = job["strategy"]["matrix"]["python"]
    assert all(isinstance(each, str) for each in pythons)  # 3.10 would be 3.1
    assert "3.11" in pythons and "make PYTHON=" not in str(job)


def test_the_container_has_what_the_specification_knows():
    known = {"name", "image", "features", "hostRequirements", "onCreateCommand"}
    known |= {"forwardPorts", "portsAttributes", "customizations", "postStartCommand"}
    assert set(CONTAINER) <= known
    assert set(CONTAINER["hostRequirements"]) <= {"cpus", "memory", "storage"}
    assert re.fullmatch(r"[\w./-]+:3-3\.1\d-\w+", CONTAINER["image"])
    for feature in CONTAINER.get("features", ()):
        assert re.fullmatch(r"ghcr\.io/[\w./-]+:\d+\.\d+\.\d+", feature)


def test_the_container_makes_what_the_course_needs():
    assert "make setup && " in CONTAINER["onCreateCommand"]
    assert "\nsetup:" in words("Makefile")
    settings = CONTAINER["customizations"]["vscode"]["settings"]
    assert settings["python.defaultInterpreterPath"].endswith("/.venv/bin/python")


@pytest.mark.parametrize(
    "name", [".github/workflows/test.yml", ".devcontainer/devcontainer.json"]
)
def test_each_says_that_it_was_not_run_there(name):
    assert "was not run on" in words(name)
