import importlib.util
import io
import zipfile

import pytest
from support import moto_cloud
from support.by_hand import limited, trusts_another
from support.moto_cloud import here, hooked, sent
from support.programs import python

from deploy.errors import DeployError, ForeignResourceError
from deploy.steps import buckets, function, layer, role

NOT_YET = "The role defined for the function cannot be assumed by Lambda."
OF_GROUPS = "after-call.cloudwatch-logs.DescribeLogGroups"
OF_FUNCTION = "after-call.lambda.GetFunction"


@pytest.fixture
def ground(cloud, settings):
    """What the function stands on: buckets, role and layer."""
    moto_cloud.ground(cloud, settings, buckets, role, layer)


@pytest.fixture
def root(tmp_path):
    """A folder with a small handler package, and what must not be zipped."""
    package = tmp_path / "handler"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "app.py").write_text("def lambda_handler(event, context): ...\n")
    (package / "notes.txt").write_text("not code")
    (package / "__pycache__" / "app.cpython-311.py").write_text("")
    return tmp_path


def members(zipped):
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        return archive.infolist()


def test_package_holds_python_only(settings, root):
    names = [entry.filename for entry in members(function.package(settings, root))]
    sources = ["handler/__init__.py", "handler/app.py"]
    compiled = [importlib.util.cache_from_source(name) for name in sources]
    assert names == sorted([*sources, *compiled])


def test_package_for_another_python_holds_no_bytecode(cloud, root):
    other = here(cloud, runtime="python3.15", runs_here=False)
    names = [entry.filename for entry in members(function.package(other, root))]
    assert names == ["handler/__init__.py", "handler/app.py"]


def test_package_with_a_broken_module_holds_no_bytecode(settings, root):
    (root / "handler" / "broken.py").write_text("def (:\n")
    names = [entry.filename for entry in members(function.package(settings, root))]
    assert "handler/broken.py" in names
    assert not any(name.endswith(".pyc") for name in names)


def imported(folder, name):
    """Import a module as the function does, and say which Python compiled."""
    script = (
        "import sys, importlib.machinery as m; sys.path.insert(0, sys.argv[1]);"
        "old = m.SourceFileLoader.source_to_code; seen = [];"
        "m.SourceFileLoader.source_to_code = lambda self, data, path, **more: ("
        "seen.append(path.rsplit('/', 1)[1]), old(self, data, path, **more))[1];"
        f"import {name}; print(*seen)"
    )
    done = python("-I", "-S", "-B", "-c", script, folder, check=True)
    return done.stdout.split()


def test_bytecode_counts_until_its_source_changes(settings, tmp_path):
    zipped = io.BytesIO(function.package(settings))
    zipfile.ZipFile(zipped).extractall(tmp_path)
    assert imported(tmp_path, "handler.events") == []
    changed = tmp_path / "handler" / "events.py"
    changed.write_text(changed.read_text("utf-8") + "\nADA = 1\n", "utf-8")
    assert imported(tmp_path, "handler.events") == ["events.py"]


def test_package_is_the_same_bytes(settings, root):
    before = function.package(settings, root)
    (root / "handler" / "app.py").touch()
    assert function.package(settings, root) == before


def test_package_is_readable_by_lambda(settings, root):
    modes = {entry.external_attr >> 16 for entry in members(function.package(settings))}
    assert modes == {0o644}


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        (
            "handler.lambda_function.lambda_handler",
            "no file handler/lambda_function.py",
        ),
        ("handler.app.main", "defines no main"),
        ("lambda_handler", "names no module"),
        ("nowhere.app.lambda_handler", "no file nowhere/app.py"),
    ],
)
def test_missing_handler_is_refused(cloud, root, handler, why):
    with pytest.raises(DeployError, match=why):
        function.package(here(cloud, handler=handler), root)


def test_the_accounts_own_log_retention_is_shown_and_no_drift(cloud, settings, ground):
    """PutAccountPolicy outweighs PutRetentionPolicy, which succeeds all the same."""
    function.create(cloud, settings)

    def account_wide(parsed, **_):
        for group in parsed["logGroups"]:
            group |= {"retentionInDays": 400, "retentionPolicyName": "keep-all"}

    (group,) = cloud.logs.describe_log_groups()["logGroups"]
    assert group["logGroupName"] == settings.log_group
    assert group["retentionInDays"] == 14
    with hooked(cloud.logs, OF_GROUPS, account_wide):
        found = function.describe(cloud, settings)
        function.create(cloud, settings)
    assert found.drift == {}
    assert "400 days" in found.says and "keep-all" in found.says


def test_the_log_is_text_whatever_the_account_is_used_to(cloud, settings, ground):
    function.create(cloud, settings)
    name = {"FunctionName": settings.function_name}
    drift = {"LoggingConfig": ({"LogFormat": "JSON"}, {"LogFormat": "Text"})}
    with answered(cloud, LoggingConfig={"LogFormat": "JSON"}):
        assert function.describe(cloud, settings).drift == drift
    assert function.describe(cloud, settings).drift == {}
    with (
        answered(cloud, LoggingConfig={"LogFormat": "JSON"}),
        sent(cloud.awslambda, "UpdateFunctionConfiguration") as requests,
    ):
        function.create(cloud, settings)
    assert requests == [name | {"LoggingConfig": {"LogFormat": "Text"}}]


def answered(cloud, **fields):
    """Put fields into what GetFunction answers: moto keeps no LoggingConfig."""

    def put(parsed, **_):
        parsed["Configuration"] |= fields

    return hooked(cloud.awslambda, OF_FUNCTION, put)


def test_new_configuration_is_an_update(cloud, settings, ground, wire):
    function.create(cloud, settings)
    wire.calls.clear()
    more = here(cloud, memory_mb=1024, box=128)
    drift = function.describe(cloud, more).drift
    assert drift["MemorySize"] == (512, 1024)
    function.create(cloud, more)
    assert wire.mutations == ["UpdateFunctionConfiguration"]
    assert function.describe(cloud, more).drift == {}


def test_new_code_is_an_update(cloud, settings, ground, wire, root):
    function.create(cloud, settings)
    wire.calls.clear()
    assert "CodeSha256" in function.describe(cloud, settings, root=root).drift
    function.create(cloud, settings, root=root)
    assert wire.mutations == ["UpdateFunctionCode"]


def test_code_packed_by_another_python_is_no_drift(
    cloud, settings, ground, wire, root, site
):
    def lambda_shows_its_copy(parsed, **_):
        parsed["Code"]["Location"] = f"{site.url}/code.zip"

    other = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(function.package(settings, root))) as ours,
        zipfile.ZipFile(other, "w") as archive,
    ):
        for name in ours.namelist():
            if name.endswith(".py"):
                archive.writestr(name, ours.read(name))
        archive.writestr("handler/__pycache__/app.cpython-399.pyc", b"other")
    function.create(cloud, settings, root=root)
    cloud.awslambda.update_function_code(
        FunctionName=settings.function_name, ZipFile=other.getvalue()
    )
    assert "CodeSha256" in function.describe(cloud, settings, root=root).drift
    site.answer = (200, other.getvalue())
    with hooked(cloud.awslambda, OF_FUNCTION, lambda_shows_its_copy):
        assert function.describe(cloud, settings, root=root).drift == {}
        wire.calls.clear()
        function.create(cloud, settings, root=root)
        assert wire.mutations == []
        (root / "handler" / "app.py").write_text("lambda_handler = print\n")
        assert "CodeSha256" in function.describe(cloud, settings, root=root).drift


def test_updates_wait_for_each_other(cloud, settings, ground, wire, root):
    function.create(cloud, settings)
    wire.calls.clear()
    function.create(cloud, here(cloud, memory_mb=1024), root=root)
    after = wire.calls[wire.calls.index("UpdateFunctionCode") + 1 :]
    assert after[:2] == ["GetFunction", "UpdateFunctionConfiguration"]


def test_missing_layer_is_named(cloud, settings, wire):
    with pytest.raises(DeployError, match=r"layer workbook-pillow is not published"):
        function.create(cloud, settings)
    assert wire.mutations == []


def test_wrong_trust_is_not_waited_for(cloud, settings, ground, wire, no_delays):
    trusts_another(cloud, settings)
    wire.refuse("CreateFunction", "InvalidParameterValueException", NOT_YET)
    with pytest.raises(DeployError, match="does not let lambda"):
        function.create(cloud, settings)
    assert wire.calls.count("CreateFunction") == 1


def test_other_refusals_are_not_repeated(cloud, settings, ground, wire):
    wire.refuse("CreateFunction", "InvalidParameterValueException", "Unzipped size")
    with pytest.raises(cloud.awslambda.exceptions.InvalidParameterValueException):
        function.create(cloud, settings)


def test_foreign_function_is_refused(cloud, settings, ground, wire):
    function.create(cloud, settings)
    cloud.awslambda.untag_resource(
        Resource=settings.function_arn, TagKeys=["thumbnail-workbook"]
    )
    wire.calls.clear()
    with pytest.raises(ForeignResourceError, match="not ours"):
        function.create(cloud, settings)
    left, log = function.delete(cloud, settings)
    assert "left alone" in left and wire.mutations == []
    assert log.endswith("was left alone: its function is not ours")


def test_log_group_alone_is_seen(cloud, settings):
    cloud.logs.create_log_group(logGroupName=settings.log_group)
    found = function.describe(cloud, settings)
    assert found.arn is None and "function" in found.drift


def test_other_limits_are_no_pause(cloud, settings, ground, wire):
    function.create(cloud, settings)
    assert not function.resume(cloud, settings)
    limited(5)(cloud, settings)
    wire.calls.clear()
    assert not function.resume(cloud, settings)
    assert wire.mutations == []


def test_nothing_to_pause(cloud, settings):
    with pytest.raises(DeployError, match="no such function"):
        function.pause(cloud, settings)


@pytest.mark.parametrize(
    "definition",
    [
        "lambda_handler: object = print",
        "async def lambda_handler(event, context): ...",
        "class lambda_handler: ...",
        "try:\n    from elsewhere import lambda_handler\nexcept ImportError: ...",
        "import elsewhere as lambda_handler",
        "from elsewhere import main as lambda_handler",
        "lambda_handler, other = print, print",
        "raise SystemExit\ndef lambda_handler(event, context): ...",
    ],
)
def test_every_kind_of_definition_is_seen_and_none_is_run(settings, root, definition):
    (root / "handler" / "app.py").write_text(definition)
    assert function.package(settings, root)


def test_what_stands_inside_is_not_at_the_top():
    inside = "def outer():\n    def lambda_handler(event, context): ..."
    assert function.top_level_names(inside, "app.py") == {"outer"}


@pytest.mark.parametrize("broken", [b"def (:", b"\xff", b"a = '\0'"])
def test_a_broken_file_is_named_before_anything_is_made(settings, tmp_path, broken):
    package = tmp_path / "handler"
    package.mkdir()
    (package / "app.py").write_bytes(b"def lambda_handler(event, context): ...\n")
    (package / "other.py").write_bytes(b"a = 1\n" + broken)
    with pytest.raises(DeployError, match=r"handler/other\.py.*is no Python"):
        function.check_source(settings, tmp_path)


def test_a_syntax_error_has_its_line():
    with pytest.raises(DeployError, match=r"app\.py, line 2: it is no Python"):
        function.top_level_names("a = 1\ndef (:", "app.py")


def test_an_untagged_log_group_stays(cloud, settings, ground):
    cloud.logs.create_log_group(logGroupName=settings.log_group)
    function.create(cloud, settings)
    (note,) = function.delete(cloud, settings)
    assert note == f"log group {settings.log_group} was left alone: it has not our tag"


def test_a_protected_log_group_stays_and_says_why(cloud, settings, ground):
    function.create(cloud, settings)

    def protect(parsed, **_):
        for group in parsed["logGroups"]:
            group["deletionProtectionEnabled"] = True

    with hooked(cloud.logs, OF_GROUPS, protect):
        (note,) = function.delete(cloud, settings)
        (claim,) = function.claims(cloud, settings)
    assert "deletion protection is on" in note
    assert claim.what == f"log group {settings.log_group}"
