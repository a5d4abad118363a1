"""Keys and labels are anybody's text: they stay in their cell, and break no table."""

import re
import xml.etree.ElementTree as ET

import pytest
import workbook
from support.log_lines import NOW
from support.shown import content, put, run_of
from workbook import html
from workbook.show import timeline, trace_picture

from deploy.steps import buckets
from deploy.tracing import NAMES, Link, Trace

LONG = "k" * 1016 + ".jpg"
TURNED = "a\u202egpj.exe"
CONTROLS = "a\x00\x01\x1b[31m\r\n\x7f\x85\u2028\ufffe.jpg"
HOSTILE = (LONG, TURNED, CONTROLS, '<script>"&', "a\u2066b\u200bc", "\ud800.jpg")


@pytest.mark.parametrize("key", HOSTILE)
def test_a_name_stays_in_its_cell(key):
    cell = html.name(key)
    assert re.fullmatch(r"<bdi[^>]*>[^<>\"]*</bdi>", cell)
    assert all(sign.isprintable() for sign in cell)


def test_a_long_name_wraps_and_hidden_signs_are_shown():
    assert "overflow-wrap:anywhere" in html.name(LONG)
    assert "max-width" in html.name(LONG)
    assert html.name("red panda+1 é.jpg") == "<bdi>red panda+1 é.jpg</bdi>"
    assert html.name(TURNED) == "<bdi>a⟨U+202E⟩gpj.exe</bdi>"
    assert html.visible("a\nb\x1b") == "a\nb⟨U+001B⟩"
    assert html.visible("👩\u200d👧 می\u200cخواهم") == "👩\u200d👧 می\u200cخواهم"


@pytest.mark.parametrize("key", HOSTILE)
def test_every_table_and_twin_takes_every_name(key, cloud, settings):
    buckets.create(cloud, settings)
    runs = [run_of(key, reason=key), run_of(key, request_id="2", outcome="rejected")]
    tables = [
        workbook.log_table(runs),
        workbook.timeline(cloud, settings, runs),
        html.Html(timeline.page([timeline.pending(key, NOW)]), "pending"),
    ]
    for table in tables:
        names = re.findall(r"<bdi.*?</bdi>", table.data, re.S)
        assert html.name(key) in names and "<script>" not in table.data
        assert all(sign.isprintable() or sign == "\n" for sign in repr(table))


def test_side_by_side_takes_every_name(cloud, settings):
    buckets.create(cloud, settings)
    keys = [key for key in HOSTILE if key.isprintable()] + [TURNED]
    runs = [run_of(k, bucket=settings.source_bucket, request_id=k) for k in keys]
    shown = workbook.side_by_side(cloud, settings, runs)
    assert all(html.name(key) in shown.data for key in keys)
    assert "\u202e" not in shown.data + repr(shown)


@pytest.mark.parametrize("key", HOSTILE)
def test_a_trace_is_a_picture_whatever_the_key(key):
    links = [Link(name, "green", key) for name in NAMES]
    shown = trace_picture.drawn(Trace(key, "here", tuple(links), "made"))
    drawn = ET.fromstring(content(shown.data))
    written = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert max(map(len, written)) <= 90
    assert all(sign.isprintable() for text in written for sign in text)


# --- labels --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    ["garbage", "a=b", "coast=nan", "coast=7", "=", ",,", "a=0.5,b", "%ff=1e999"],
)
def test_metadata_of_anybody_breaks_no_table(labels, cloud, settings):
    buckets.create(cloud, settings)
    put(cloud, settings.source_bucket, "a.jpg", labels)
    put(cloud, settings.target_bucket, "thumbnails/a.jpg", labels)
    run = run_of("a.jpg", bucket=settings.source_bucket, target="thumbnails/a.jpg")
    shown = workbook.side_by_side(cloud, settings, [run])
    assert shown.data.count("base64,") == 2 and ", label" not in repr(shown)
    assert workbook.gallery(cloud, settings).data.count("base64,") == 1


def test_labels_come_from_the_target_alone(cloud, settings):
    buckets.create(cloud, settings)
    put(cloud, settings.source_bucket, "a.jpg", "coast=0.90")
    put(cloud, settings.target_bucket, "thumbnails/a.jpg", "city=0.80")
    run = run_of("a.jpg", bucket=settings.source_bucket, target="thumbnails/a.jpg")
    shown = workbook.side_by_side(cloud, settings, [run])
    assert repr(shown).endswith(", label city") and "coast" not in shown.data


def test_labels_are_few_and_short(cloud, settings):
    buckets.create(cloud, settings)
    many = ",".join(f"{'x' * 300}{n}=0.5" for n in range(6))
    put(cloud, settings.target_bucket, "thumbnails/a.jpg", many)
    assert len(repr(workbook.gallery(cloud, settings))) < 100
