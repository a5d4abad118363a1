"""The recipe on its way to the cloud: what is refused, what it adds, what stays."""

import io
import json
import zipfile

import pytest
from PIL import Image
from support.moto_cloud import here
from support.pictures import encoded

from deploy import configure, pipeline, recipes
from deploy.errors import SettingsError
from deploy.operations import export
from deploy.steps import buckets, function, layer, role

WIDE = {"renditions": {"wide": {"width": 320, "height": 180}}}
TITLE = {"thumbnail": {"watermark": {"text": "Workbook"}}}


def actions(policy):
    return {s["Sid"]: (s["Action"], s["Resource"]) for s in policy["Statement"]}


def test_nothing_without_a_recipe(cloud, settings):
    assert role.recipe_policy(settings) is None
    assert "RECIPE" not in settings.environment
    assert recipes.public_folders(settings) == ["thumbnails/"]


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"thumbnail": {"effects": [{"effect": "sharpen"}]}}, "effect 'sharpen'"),
        ({"thumbnail": {"watermark": {"picture": "a.png"}}}, "no such file is in"),
        ({"renditions": {"a": {"width": 16, "height": 16, "folder": "a/"}}}, None),
        ({"renditions": {"a": {"width": 1920, "height": 1080}}}, "give it 576 MB"),
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ({"backup": {"bucket": "photos-in"}}, "is the source bucket"),
    ],
)
def test_wrong_recipe(cloud, recipe, said):
    if said is None:
        assert here(cloud, recipe=recipe).environment["RECIPE"]
        return
    with pytest.raises(SettingsError, match=said):
        here(cloud, recipe=recipe, source_bucket="photos-in")


def test_nothing_is_deployed(cloud, settings, wire):
    with pytest.raises(SettingsError):
        pipeline.up(cloud, settings, recipe={"thumbnail": {"effects": [{}]}})
    assert wire.calls == []


def test_text_takes_its_layer(cloud, settings):
    assert here(cloud, recipe=TITLE).text
    assert not here(cloud, recipe=WIDE).text
    _, changed = configure.resolved(cloud, settings, {"recipe": TITLE})
    assert changed.layer_name == "workbook-pillow-text"


def test_backup_bucket_is_in_the_environment_and_follows_a_new_name(cloud):
    settings = here(cloud, backup=True, recipe=WIDE)
    recipe = json.loads(settings.environment["RECIPE"])
    assert recipe == WIDE | {"backup": {"bucket": settings.backup_bucket}}
    settings = here(cloud, backup=True, recipe={"backup": {"folder": "all/"}})
    _, renamed = configure.resolved(cloud, settings, {"name": "other"})
    kept = json.loads(renamed.environment["RECIPE"])["backup"]
    assert kept == {"folder": "all/", "bucket": renamed.backup_bucket}
    assert renamed.backup_bucket.startswith("other-backup-")


@pytest.mark.parametrize(
    ("options", "sids"),
    [
        ({"backup": True}, ["KeepBackups"]),
        ({"backup": True, "reliable": True}, ["KeepBackups", "KeepBackupsInOrder"]),
        ({"recipe": {"labels": {"by": "rekognition"}}}, ["AskForLabels"]),
        ({"recipe": {"named": {"a": {"labels": {"by": "rekognition"}}}}}, None),
        ({"recipe": {"labels": {"by": "model"}}}, []),
        ({"recipe": WIDE}, []),
        ({"recipe": TITLE}, []),
    ],
)
def test_permissions_grow_by_what_is_needed(cloud, options, sids):
    settings = here(cloud, **options)
    policy = role.recipe_policy(settings)
    sids = ["AskForLabels"] if sids is None else sids
    found = actions(policy) if policy else {}
    assert list(found) == sids
    kept = ("s3:PutObject", f"arn:aws:s3:::{settings.backup_bucket}/*")
    assert found.get("KeepBackups", kept) == kept


def test_renditions_are_public(cloud):
    settings = here(cloud, recipe=WIDE)
    target = f"arn:aws:s3:::{settings.target_bucket}"
    found = buckets.public_read(settings)["Resource"]
    assert found == [f"{target}/thumbnails/*", f"{target}/renditions/wide/*"]


def test_watermark_is_zipped(cloud, tmp_path):
    mark = tmp_path / "logo.png"
    mark.write_bytes(encoded(Image.new("RGBA", (9, 9), "red"), "PNG"))
    recipe = {"thumbnail": {"watermark": {"picture": "logo.png"}}}
    settings = here(cloud, recipe=recipe, assets=(str(mark),))
    with zipfile.ZipFile(io.BytesIO(function.package(settings))) as archive:
        assert archive.read("handler/assets/logo.png") == mark.read_bytes()
        assert "handler/recipe/model.json" in archive.namelist()


def test_missing_file(cloud):
    with pytest.raises(SettingsError, match=r"'logo\.png' cannot be read"):
        here(cloud, recipe=WIDE, assets=("nowhere/logo.png",))


def test_difference_is_planned(cloud, settings):
    for step in (buckets, role, layer, function):
        step.create(cloud, settings)
    wanted = here(cloud, backup=True, recipe=WIDE)
    plan = pipeline.plan(cloud, wanted)
    notes = {item.step: item.note for item in plan.items}
    assert notes["role"] == "policy recipe"
    assert notes["buckets"] == "target policy, backup bucket"
    assert "KeepBackups" in repr(plan)
    role.create(cloud, wanted)
    role.create(cloud, settings)
    assert role.describe(cloud, settings).drift == {}


def test_template_has_what_up_makes(cloud):
    settings = here(cloud, backup=True, recipe=WIDE)
    resources = export.template(settings, "a", "b", "a layer")["Resources"]
    versions = resources["BackupBucket"]["Properties"]["VersioningConfiguration"]
    assert versions == {"Status": "Enabled"}
    policies = resources["Role"]["Properties"]["Policies"]
    assert role.RECIPE in [policy["PolicyName"] for policy in policies]
