"""Uploads from code: their names, and the waits for rules of S3's on AWS."""

from __future__ import annotations

import os

import pytest
import workbook
from support.moto_cloud import made_at_the_third
from support.shown import jpeg
from workbook.errors import messages

from deploy import notifications
from deploy.steps import buckets


def elsewhere(cloud, kind):
    return cloud.__class__(cloud.session, cloud.account, cloud.region, kind)


def test_on_aws_a_cell_waits_until_a_rule_is_heard(cloud, settings, clock, capsys):
    buckets.create(cloud, settings)
    with made_at_the_third(cloud, settings, "CopyObject") as copies:
        workbook.until_heard(cloud, settings, ".png", copied=True)
    assert len(copies) == 3 and copies[0].endswith(".png")
    assert 30 <= sum(clock.slept) < 45
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket=settings.source_bucket)
    workbook.until_heard(elsewhere(cloud, "local"), settings)
    assert len(copies) == 3 and capsys.readouterr().out == ""


def test_a_rule_that_is_never_heard_is_told(cloud, settings, clock, capsys):
    buckets.create(cloud, settings)
    workbook.until_heard(cloud, settings)
    assert sum(clock.slept) >= notifications.RULES_HOLD_S
    assert "First broken link: rule" in capsys.readouterr().out


def test_on_aws_a_cell_waits_until_a_rule_is_forgotten(cloud, clock):
    workbook.until_forgotten(elsewhere(cloud, "local"))
    assert clock.slept == []
    workbook.until_forgotten(cloud)
    assert sum(clock.slept) >= notifications.RULES_HOLD_S


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX alone")
@pytest.mark.parametrize("rename", [False, True])
def test_a_key_is_utf8_in_a_c_locale_too(cloud, settings, tmp_path, rename):
    buckets.create(cloud, settings)
    file = tmp_path / "é.jpg".encode().decode("ascii", "surrogateescape")
    file.write_bytes(jpeg())
    assert workbook.upload(cloud, settings, file, rename=rename) == []  # no rules
    listed = cloud.s3.list_objects_v2(Bucket=settings.source_bucket)["Contents"]
    assert [item["Key"] for item in listed] == ["é.jpg"]


@pytest.mark.parametrize(
    "files",
    [None, 5, [None], b"x.jpg", [b"x.jpg"], "", "\0", "x" * 5000, "nowhere.jpg", "/"],
)
@pytest.mark.parametrize("rename", [False, True])
def test_what_is_no_file_is_refused_in_a_sentence(cloud, settings, files, rename):
    """Before anything is uploaded: there is no bucket."""
    with pytest.raises(messages.WorkbookError, match=r"the file .* cannot be read"):
        workbook.upload(cloud, settings, files, rename=rename)


@pytest.mark.parametrize(
    ("names", "rename"),
    [(("a/x.jpg", "b/x.jpg"), False), (("a/x.JPG", "a/x.jpeg"), True)],
)
def test_two_files_under_one_name_are_refused(cloud, settings, tmp_path, names, rename):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(jpeg())
    files = [tmp_path / name for name in names]
    why = r"would both be called x\.jpg, and the second would replace the first"
    with pytest.raises(messages.WorkbookError, match=why):
        workbook.upload(cloud, settings, files, rename=rename)
