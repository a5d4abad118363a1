"""The exercises: the right answer of each, and the likeliest wrong answers."""

from __future__ import annotations

import dataclasses
import re
from types import SimpleNamespace

import pytest
from PIL import Image
from support.by_hand import notify
from support.course import FOLDER, cells, of_step, sources
from support.log_lines import line, put
from support.moto_cloud import ACCOUNT, REGION
from workbook import SAMPLES, exercise, exercises, preview
from workbook.errors.messages import WorkbookError

from deploy import cost, logs, runtimes
from deploy.steps import buckets, trigger
from handler import make_thumbnail

COVER = {"width": 256, "height": 256}
SQUARE = COVER | {"fit": "cover"}
GREY = {"effect": "grayscale"}
JPEG = {"Name": "suffix", "Value": ".jpg"}
NAME = {"effect": "text", "text": "Ada", "place": "top"}


def statement(resource, action="s3:PutObject"):
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def link(cloud, bucket, key, seconds):
    return cloud.s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds
    )


def runs(count, cold):
    return [SimpleNamespace(cold=number < cold) for number in range(count)]


def test_the_quality_is_the_best_that_fits(at):
    right = [quality for quality in range(30, 50) if exercise("1b", quality).right]
    assert len(right) == 1
    assert "a higher quality fits" in repr(exercise("1b", right[0] - 1))
    assert "lower it" in repr(exercise("1b", right[0] + 1))


def test_the_link_is_for_the_note_and_an_hour(at, cloud, settings):
    source, target = settings.source_bucket, settings.target_bucket
    note = "rejected/example.json"
    assert exercise("2b", link(cloud, target, note, 3600)).right
    for wrong, said in (
        (link(cloud, source, "holiday.txt", 60), "the target bucket"),
        (link(cloud, "target", note, 3600), "opens another bucket"),
        (link(cloud, target, "thumbnails/example.jpg", 3600), "another key"),
        (link(cloud, target, note, 60), "60 s; an hour has 3,600"),
    ):
        assert said in repr(exercise("2b", wrong))


def test_a_picture_is_published_below_the_prefix(at, cloud, settings):
    key = "thumbnails/panda.jpg"
    for wrong, said in (
        ("gallery/panda.jpg", "the policy opens nothing else"),
        ("Thumbnails/panda.jpg", "letter by letter"),
        ("/thumbnails/panda.jpg", "letter by letter"),
        (key, "run the cell that puts the policy"),
    ):
        assert said in repr(exercise("2a", wrong))
    buckets.create(cloud, settings)
    assert "no object" in repr(exercise("2a", key))
    cloud.s3.put_object(Bucket=settings.target_bucket, Key=key, Body=b"panda")
    assert exercise("2a", key).right


SOURCE, TARGET = (
    f"arn:aws:s3:::workbook-{part}-{ACCOUNT}-{REGION}-an"
    for part in ("source", "target")
)
OLD, NEW = runtimes.RUNTIMES["python3.11"], runtimes.RUNTIMES["python3.14"]
MADE, REJECTED = {"outcomes": {"made": 1}}, {"outcomes": {"rejected": 1}}
PREFIX = {"Name": "prefix", "Value": "holiday/"}
#: An exercise → its right answer.
RIGHT = {
    "1a": (256, 85),
    "3a": statement(f"{TARGET}/thumbnails/*"),
    "3b": statement(SOURCE, "s3:ListBucket"),
    "4a": (OLD, False),
    "4b": "pillow-13.0.0-cp313-cp313-manylinux_2_28_x86_64.whl",
    "5a": REJECTED,
    "5b": (MADE, 'START x\n{\'Records\': 1}\n{"outcome": "made"}\nEND x'),
    "6b": [JPEG, PREFIX],
    "7a": runs(8, 2),
    "8a": {10, 11},
    "9a": SQUARE | {"effects": [GREY, NAME]},
    "9b": {"backup", "rekognition"},
    "10a": 10.0,
    "11a": (3_000_000, 1),
}
#: An exercise, a wrong answer, and what is said of it; some are the cell's own.
WRONG = [
    ("1a", (256, 256), "squashed"),
    ("1a", (85, 256), "swapped"),
    ("1a", (256, 171), "not 171"),
    ("1a", (300, 100), "the width is 256"),
    ("3a", statement(f"{TARGET}/*"), "may still be written"),
    ("3a", statement(f"{TARGET}/thumbnails"), "end the ARN"),
    ("3a", statement(f"{TARGET}/thumbnails*"), "more than writing"),
    ("3a", statement(f"{TARGET}/thumbnails/*", "s3:*"), "more than writing"),
    ("3b", statement(f"{SOURCE}/*", "s3:ListBucket"), "leave it out"),
    ("3b", statement("arn:aws:s3:::other", "s3:ListBucket"), f"ARN is `{SOURCE}`"),
    ("3b", statement(SOURCE, "s3:*"), "more than"),
    ("3b", statement("*", "s3:ListBucket"), "more than"),
    ("4a", (NEW, True), "python3.11 was asked"),
    ("4a", (OLD, True), "older than 2.27"),
    ("4b", "pillow-13.0.0-cp314-cp314-manylinux_2_28_aarch64.whl", "`cp313`"),
    ("4b", "pillow-13.0.0-cp313-cp314-manylinux_2_28_x86_64.whl", "twice"),
    ("4b", "pillow-13.0.0-cp313-cp313-manylinux_2_28_aarch64.whl", "is ARM"),
    ("4b", "pillow-13.0.0-cp313-cp313-macosx_11_0_arm64.whl", "`arm64` is ARM"),
    ("4b", "pillow-13.0.0-cp313-cp313-win_amd64.whl", "does not fit"),
    ("4b", "pillow", "ends in `.whl`"),
    ("5a", MADE, "pointless to read"),
    ("5a", {"errorMessage": "no key"}, "change `size` alone"),
    ("5b", (MADE, 'START x\n{"outcome": 1}\nEND x'), "a text with a line"),
    ("5b", ({"errorMessage": "invalid syntax"}, ""), "invalid syntax"),
    ("6b", [JPEG], "no prefix"),  # nothing done
    ("6b", [JPEG, PREFIX | {"Value": "/holiday/"}], "without `/`"),
    ("6b", [JPEG, PREFIX | {"Value": "holiday"}], "end the prefix"),
    ("6b", [PREFIX], "keep the suffix"),
    ("7a", runs(1, 1), "8 are asked"),
    ("7a", runs(8, 1), "fresh()"),
    ("8a", set(), "Name two labs"),  # nothing done
    ("8a", {3, 10}, "no rule matches"),
    ("8a", {10, 12}, "lab 12"),
    ("8a", {11}, "one more"),
    ("8a", "10, 11", "keep that form"),
    ("8a", {"10", "11"}, "keep that form"),
    ("9a", COVER, "not square"),
    ("9a", SQUARE, "colours"),
    ("9a", SQUARE | {"effects": [GREY]}, "at the top"),
    ("9b", set(), "Two of the five"),  # nothing done
    ("9b", {"backup", "renditions"}, "may write"),
    ("9b", {"backup"}, "'rekognition' is missing"),
    ("9b", {"blur"}, "is computed"),
    ("9b", "backup", "keep that form"),
    ("10a", None, "by a number"),  # nothing done
    ("10a", 160, "multiplies"),
    ("10a", 40, "quarter of a second"),
    ("10a", 7, "is not 40 arrivals"),
    ("11a", (1_000, 1), "not 3 million"),
    ("11a", (3_000_000, 0.2), "0.2 s"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_an_exercise_knows_right_from_wrong(name, at):
    for _, answer, said in [row for row in WRONG if row[0] == name]:
        verdict = exercise(name, answer)
        assert not verdict.right and said in repr(verdict)
    assert exercise(name, RIGHT[name]).right


def test_a_list_of_one_resource_is_that_resource(at):
    assert exercise("3a", statement([f"{TARGET}/thumbnails/*"])).right


@pytest.mark.parametrize(
    ("suffixes", "said"),
    [
        ((".jpg", ".png"), "only its two rules"),  # nothing done
        (("jpg", ".png"), "begins with its dot"),
        ((".jpg", ".png", ".gif"), "`.jpeg` was asked for"),
        ((".jpg", ".png", ".jpeg"), "right"),
    ],
)
def test_a_third_suffix_stands_beside_the_two(suffixes, said, at, built):
    cloud, settings = built
    rules = trigger.rules(dataclasses.replace(settings, suffixes=suffixes))
    notify(cloud, settings, LambdaFunctionConfigurations=rules)
    assert said in repr(exercise("6a"))


def run_lines(number, ms):
    """What a log has of a run, with Lambda's own lines."""
    request = f"{number:08}-0000-0000-0000-000000000000"
    times = f"Duration: {ms} ms\tBilled Duration: {ms} ms"
    return [
        f"START RequestId: {request} Version: $LATEST",
        line(f"{number}.jpg", request=request, seconds=number),
        f"END RequestId: {request}",
        f"REPORT RequestId: {request}\t{times}\t"
        "Memory Size: 512 MB\tMax Memory Used: 90 MB",
    ]


def test_the_slowest_run_is_found_in_the_log(at, built):
    cloud, settings = built
    for number, ms in enumerate((40, 900, 300)):
        put(cloud, settings, *run_lines(number, ms))
    quick, slow, middle = sorted(logs.runs(cloud, settings), key=lambda run: run.key)
    assert exercise("7b", slow).right
    for answer, said in (
        (None, "Give a run"),  # nothing done
        (quick, "the quickest"),
        (middle, "took longer"),
    ):
        assert said in repr(exercise("7b", answer))


def test_what_was_lost_is_found_and_made_again(at, built):
    cloud, settings = built
    photo, thumbnail = "archive/00.jpg", "thumbnails/archive/00.jpg"
    assert "Nothing was missing" in repr(exercise("10b", ()))
    assert "delete only the thumbnail" in repr(exercise("10b", (photo,)))
    cloud.s3.put_object(Bucket=settings.source_bucket, Key=photo, Body=b"a photo")
    assert "wait until the queue" in repr(exercise("10b", (photo,)))
    cloud.s3.put_object(Bucket=settings.target_bucket, Key=thumbnail, Body=b"small")
    assert exercise("10b", (photo,)).right


def test_every_version_and_every_marker_goes(at, built):
    cloud, settings = built
    place = {"Bucket": settings.source_bucket}
    key = "paper-boat.png"
    cloud.s3.put_bucket_versioning(
        **place, VersioningConfiguration={"Status": "Enabled"}
    )
    cloud.s3.put_object(**place, Key=key, Body=b"a boat")
    assert "versions 1, markers 0" in repr(exercise("11b", key))  # nothing done
    cloud.s3.delete_object(**place, Key=key)
    assert "versions 1, markers 1" in repr(exercise("11b", key))
    found = cloud.s3.list_object_versions(**place)
    (version,), (marker,) = found["Versions"], found["DeleteMarkers"]
    cloud.s3.delete_object(**place, Key=key, VersionId=version["VersionId"])
    assert "Delete markers left: 1" in repr(exercise("11b", key))
    cloud.s3.delete_object(**place, Key=key, VersionId=marker["VersionId"])
    assert exercise("11b", key).right


def test_a_bucket_that_is_gone_holds_nothing_to_delete(at):
    assert "gone already" in repr(exercise("11b", "paper-boat.png"))


def verdicts(path):
    """The exercises that a notebook's stored outputs judge, and the verdicts."""
    pattern = r"Exercise (\d+[a-c]) of \w+: (right|not yet)"
    outputs = [
        output["data"].get("text/plain", "")
        for cell in cells(path)
        for output in cell.get("outputs", ())
        if "data" in output
    ]
    return dict(re.findall(pattern, "\n".join(outputs)))


def test_every_exercise_is_open_in_its_notebook_and_solved_in_the_answers():
    asked = {}
    for step in range(1, 12):
        asked |= verdicts(of_step(step))
    assert asked == dict.fromkeys(exercises.JUDGES, "not yet")
    solved = verdicts(FOLDER / "answers.ipynb")
    assert solved == dict.fromkeys(exercises.JUDGES, "right")


@pytest.mark.parametrize(
    "answer", [None, 3, "", "x-y", (), (1,), (1, 2, 3), [None], {}, {"a": 1}, object()]
)
def test_an_answer_of_any_form_has_a_verdict(answer, at, cloud, settings):
    buckets.create(cloud, settings)
    for name in exercises.JUDGES:
        verdict = exercise(name, answer)
        assert not verdict.right, name


@pytest.mark.parametrize(
    ("name", "own", "wrong"),
    [
        ("1a", "wide = (256, 256)", "wide = 256"),
        ("1a", "wide = (256, 256)", "wide = None"),
        ("1a", "wide = (256, 256)", "wide = '256 × 85'"),
        ("1a", "wide = (256, 256)", "wide = (256, 85, 3)"),
        ("1a", "wide = (256, 256)", "wide = (256, 256 / 3)"),
        ("1a", "wide = (256, 256)", "wide = (256, -85)"),
        ("1b", "quality = 30", "quality = '60'"),
        ("4a", 'runtimes.RUNTIMES["python3.14"]', '"python3.11"'),
        ("4a", 'RUNTIMES["python3.14"]', 'RUNTIMES["3.11"]'),
        ("11a", "seconds = 0.2", "seconds = '1'"),
        ("11a", "uploads = 1_000", "uploads = None"),
    ],
)
def test_a_value_that_stops_its_cell_is_told_in_a_sentence(
    name, own, wrong, at, shown, settings
):
    code = sources(of_step(int(name[:-1])), "code")
    (cell,) = [each for each in code if f'exercise("{name}"' in each]
    names = {
        "Image": Image,
        "settings": settings,
        "data": (SAMPLES / "lighthouse.jpg").read_bytes(),
    }
    names |= {"preview": preview, "make_thumbnail": make_thumbnail}
    text = shown(cell.replace(own, wrong), **names, runtimes=runtimes, cost=cost)
    assert f"Exercise {name}: not yet." in text and "Means" not in text
    assert "site-packages" not in text  # the cell's own lines alone


def test_a_name_that_is_missing_in_an_exercise_is_explained_as_before(shown):
    text = shown('exercise("1a", nobody_made_this)', exercise=exercise)
    assert "Run All Above" in text and "not yet" not in text


def test_no_such_exercise(at):
    with pytest.raises(WorkbookError, match="They are 1a, 1b, 2a"):
        exercise("0a", 1)
