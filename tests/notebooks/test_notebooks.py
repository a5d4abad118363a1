"""The course's frame and rhythm, measured; its end state held against `up()`.

That the notebooks run and show what is stored is nbval's work (see pyproject.toml).
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from deploy import connect, pipeline, settings_for
from deploy.cloud import Cloud
from deploy.environment import python
from deploy.errors import ConnectError
from deploy.local import server
from deploy.settings import Settings

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: The lessons; the tour is a demonstration, the answers are a list.
LESSONS = [path for path in NOTEBOOKS if path.stem not in ("00_tour", "answers")]

every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def cells(path: Path, kind: str | None = None) -> list[Any]:
    found = nbformat.read(path, 4).cells
    return [cell for cell in found if kind in (None, cell.cell_type)]


def words(text: str) -> int:
    """Count words as read: links by their text, no markup, no pictures."""
    text = re.sub(r"!\[[^]]*\]\([^)]*\)|<[^>]+>", " ", text)
    return len(re.sub(r"\]\([^)]*\)", "]", text).split())


def texts(outputs: list[Any]) -> str:
    return json.dumps(outputs)


@every
def test_it_was_run_from_top_to_bottom(path):
    numbers = [cell.execution_count for cell in cells(path, "code")]
    assert numbers == list(range(1, len(numbers) + 1))


@every
def test_errors_are_announced(path):
    for cell in cells(path, "code"):
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in cell.metadata.get("tags", []))


@every
def test_nothing_tells_of_the_machine_that_made_it(path):
    stored = path.read_text("utf-8")
    for place in (str(ROOT), str(Path.home()), "/home/", "/Users/", "site-packages"):
        assert place not in stored


@every
def test_it_is_small(path):
    assert path.stat().st_size < 2_000_000


@every
def test_no_output_of_a_widget_is_all_there_is(path):
    """Widgets are dead on GitHub, so state is not stored and pictures have a twin."""
    assert "widgets" not in nbformat.read(path, 4).metadata


@every
def test_links_inside_the_repository_resolve(path):
    for cell in cells(path, "markdown"):
        for link in re.findall(r"\]\(([^)#\s]+)", cell.source):
            if not link.startswith(("http:", "https:")):
                assert (path.parent / link).exists(), link


@every
def test_code_cells_are_short(path):
    sources = [cell.source.splitlines() for cell in cells(path, "code")]
    lengths = [sum(bool(line.strip()) for line in lines) for lines in sources]
    typical = sorted(lengths)[len(lengths) // 2]
    assert max(lengths) <= 20 and typical <= (12 if path.stem == "answers" else 8)


@lesson
def test_a_lesson_has_ten_to_twenty_code_cells(path):
    assert 10 <= len(cells(path, "code")) <= 20


@lesson
def test_a_lesson_has_600_to_1200_words(path):
    count = sum(words(cell.source) for cell in cells(path, "markdown"))
    assert 600 <= count <= 1200


@every
def test_prose_comes_in_small_portions(path):
    assert max(words(cell.source) for cell in cells(path, "markdown")) <= 120


@lesson
def test_a_lesson_opens_as_all_do(path):
    first, code = cells(path)[0], cells(path, "code")[0]
    assert first.source.startswith("# ") and words(first.source) < 120
    assert ".svg)" in first.source and "minutes" in first.source
    assert code.source.startswith("from workbook import begin")
    assert f"begin(step={int(path.stem[:2])})" in code.source


@lesson
def test_a_lesson_breaks_one_thing_on_purpose(path):
    tags = [cell.metadata.get("tags", []) for cell in cells(path, "code")]
    assert sum("raises-exception" in tag for tag in tags) == 1


@lesson
def test_a_lesson_ends_with_key_points_and_the_way_on(path):
    end = "\n".join(cell.source for cell in cells(path, "markdown")[-3:])
    assert "Key points" in end and re.search(r"Previous: \[|Next: \[", end)


@lesson
def test_a_lesson_has_an_exercise_with_a_hint(path):
    prose = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert "<details>" in prose and "xercise" in prose


@lesson
def test_a_lesson_is_checked(path):
    code = "\n".join(cell.source for cell in cells(path, "code"))
    assert f"check({int(path.stem[:2])})" in code or path.stem == "01_thumbnail"


def test_few_outputs_are_ignored():
    code = [cell.source for path in NOTEBOOKS for cell in cells(path, "code")]
    ignored = sum("NBVAL_IGNORE_OUTPUT" in source for source in code)
    print(f"\n{ignored} of {len(code)} outputs are ignored")
    assert ignored <= len(code) * 0.05


# --- what the course builds, held against what up() builds ---------------------------


def state(cloud: Cloud, settings: Settings) -> dict[str, Any]:
    """Everything that stands, in AWS's own words, without times and identifiers."""
    s3, iam, client = cloud.s3, cloud.iam, cloud.awslambda
    source, target = settings.source_bucket, settings.target_bucket
    role, name = settings.role_name, settings.function_name
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
    function = client.get_function(FunctionName=name)
    found = {
        "buckets": [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
        "bucket tags": [
            s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
            for bucket in (source, target)
        ],
        "public access": [
            s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
            for bucket in (source, target)
        ],
        "policy": json.loads(s3.get_bucket_policy(Bucket=target)["Policy"]),
        "trust": iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"],
        "role tags": iam.list_role_tags(RoleName=role)["Tags"],
        "attached": [policy["PolicyArn"] for policy in attached],
        "inline": {
            policy: iam.get_role_policy(RoleName=role, PolicyName=policy)[
                "PolicyDocument"
            ]
            for policy in inline
        },
        "layers": [
            [(version["Description"], version["CompatibleRuntimes"])]
            for version in client.list_layer_versions(LayerName=settings.layer_name)[
                "LayerVersions"
            ][:1]
        ],
        "function": {
            field: value
            for field, value in function["Configuration"].items()
            if field not in ("LastModified", "RevisionId", "Description")
        },
        "function tags": function.get("Tags"),
        "permission": json.loads(client.get_policy(FunctionName=name)["Policy"]),
        "notifications": s3.get_bucket_notification_configuration(Bucket=source)[
            "LambdaFunctionConfigurations"
        ],
        "log groups": [
            (group["logGroupName"], group.get("retentionInDays"))
            for group in cloud.logs.describe_log_groups()["logGroups"]
        ],
    }
    return json.loads(json.dumps(found, default=str))


def run(*paths: Path, folder: Path, lax: bool = False, **environment: str) -> int:
    """Run notebooks in order, in kernels whose local cloud is in the folder.

    Returns how many cells passed.

    Lax: errors count, and outputs are not compared (they name account and region).
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    if lax:
        command += ["-o", "addopts=--nbval-lax --nbval-current-env"]
    done = subprocess.run(
        [*command, *map(str, paths)],
        cwd=ROOT,
        env=os.environ | {"WORKBOOK_LOCAL_CLOUD": str(folder)} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return int(re.search(r"(\d+) passed", done.stdout)[1])


def without_layer_number(value: Any) -> Any:
    """The layer's version counts publications, which may differ."""
    return re.sub(r"(:layer:[\w-]+):\d+", r"\1", json.dumps(value, sort_keys=True))


@pytest.mark.slow
def test_the_course_builds_what_up_builds(own_folder, tmp_path, monkeypatch):
    by_hand = [path for path in LESSONS if "02" <= path.stem[:2] <= "06"]
    run(*by_hand, folder=own_folder)
    cloud = connect("local", say=lambda line: None)
    settings = settings_for(cloud)
    course = state(cloud, settings)
    assert pipeline.status(cloud, settings).ready
    server.reset(say=lambda line: None)
    pipeline.up(cloud, settings)
    module = state(cloud, settings)
    for part in module:
        assert without_layer_number(course[part]) == without_layer_number(
            module[part]
        ), part


@pytest.mark.slow
@every
def test_each_notebook_alone_on_a_fresh_cloud(path, own_folder):
    assert run(path, folder=own_folder) == len(cells(path, "code"))


@pytest.mark.slow
def test_the_course_twice_without_a_reset(own_folder):
    first = run(*NOTEBOOKS, folder=own_folder)
    assert run(*NOTEBOOKS, folder=own_folder) == first


@pytest.fixture
def elsewhere(tmp_path):
    """A second, plain MiniStack: another account, another region, none of our rules.

    It proves that nothing in the course knows the first one. It proves nothing of AWS.
    """
    server.set_up(say=lambda line: None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    credentials = {"AWS_ACCESS_KEY_ID": "ROOT", "AWS_SECRET_ACCESS_KEY": "secret"}
    environment = {
        "PATH": os.environ["PATH"],
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": "222222222222",
        "MINISTACK_REGION": "eu-central-1",
        "AUTH": "true",
        **credentials,
        "TMPDIR": str(tmp_path),
        "HOME": str(tmp_path),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [python(server.venv()), "-m", "ministack"],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_DEFAULT_REGION": "eu-central-1",
            **credentials,
        }
        process.terminate()
        process.wait(20)


@pytest.mark.slow
def test_the_course_on_another_endpoint(elsewhere, tmp_path):
    deadline = time.monotonic() + 20
    while True:
        try:
            connect(endpoint=elsewhere["AWS_ENDPOINT_URL"], say=lambda line: None)
            break
        except ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    run(*NOTEBOOKS, folder=tmp_path, lax=True, **elsewhere)
