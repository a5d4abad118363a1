"""The exercises: the right answer of each, and the likeliest wrong answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from support.moto_cloud import here
from workbook import exercise, session
from workbook.errors.messages import WorkbookError

from deploy import runtimes
from deploy.steps import buckets

#: Step, a wrong answer, and what is said of it.
COVER = {"width": 256, "height": 256}
SQUARE = COVER | {"fit": "cover"}
GREY = {"effect": "grayscale"}
NAME = {"effect": "text", "text": "Ada", "place": "top"}


@pytest.fixture
def at(cloud, monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBOOK_LOCAL_CLOUD", str(tmp_path))
    monkeypatch.setattr(session._current, "cloud", cloud)
    monkeypatch.setattr(session, "current", lambda: (cloud, here(cloud)))
    return tmp_path / "score.json"


def statement(settings, end, action="s3:PutObject"):
    resource = f"arn:aws:s3:::{settings.target_bucket}{end}"
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


def test_listing_acts_on_the_bucket(at, settings):
    source = f"arn:aws:s3:::{settings.source_bucket}"
    right = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": source}
    assert exercise("3b", right).right
    for change, said in (
        ({"Resource": f"{source}/*"}, "leave it out"),
        ({"Resource": "arn:aws:s3:::other"}, f"the bucket's ARN is `{source}`"),
        ({"Action": "s3:*"}, "more than"),
        ({"Resource": "*"}, "more than"),
    ):
        assert said in repr(exercise("3b", right | change))


def test_the_statement_is_for_thumbnails_alone(at, settings):
    assert exercise("3a", statement(settings, "/thumbnails/*")).right
    for end, action, said in (
        ("/*", "s3:PutObject", "may still be written"),
        ("/thumbnails", "s3:PutObject", "end the ARN"),
        ("/thumbnails*", "s3:PutObject", "more than writing"),
        ("/thumbnails/*", "s3:*", "more than writing"),
    ):
        assert said in repr(exercise("3a", statement(settings, end, action)))


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "1a",
            (256, 85),
            [
                ((256, 256), "squashed"),
                ((85, 256), "swapped"),
                ((256, 171), "not 171"),
                ((300, 100), "the width is 256"),
            ],
        ),
        (
            "4a",
            (runtimes.RUNTIMES["python3.11"], False),
            [
                ((runtimes.RUNTIMES["python3.14"], True), "python3.11 was asked"),
                ((runtimes.RUNTIMES["python3.11"], True), "older than 2.27"),
            ],
        ),
        (
            "4b",
            "pillow-13.0.0-cp313-cp313-manylinux_2_28_x86_64.whl",
            [
                ("pillow-13.0.0-cp314-cp314-manylinux_2_28_aarch64.whl", "`cp313`"),
                ("pillow-13.0.0-cp313-cp314-manylinux_2_28_x86_64.whl", "twice"),
                ("pillow-13.0.0-cp313-cp313-manylinux_2_28_aarch64.whl", "is ARM"),
                ("pillow-13.0.0-cp313-cp313-win_amd64.whl", "does not fit"),
                ("pillow", "`cp313`"),
            ],
        ),
        (
            "5b",
            ({"outcomes": {"made": 1}}, "START x\nAda was here\n{}\nEND x"),
            [
                (({"outcomes": {"made": 1}}, "START x\n{}\nEND x"), "no line of yours"),
                (({"errorMessage": "invalid syntax"}, ""), "invalid syntax"),
            ],
        ),
        (
            "5a",
            {"outcomes": {"rejected": 1}},
            [
                ({"outcomes": {"made": 1}}, "pointless to read"),
                ({"errorMessage": "no key"}, "change `size` alone"),
            ],
        ),
        ("7a", runs(8, 2), [(runs(1, 1), "8 were asked"), (runs(8, 1), "fresh()")]),
        (
            "9a",
            SQUARE | {"effects": [GREY, NAME]},
            [
                (COVER, "not square"),
                (SQUARE, "colours"),
                (SQUARE | {"effects": [GREY]}, "at the top"),
            ],
        ),
        (
            "11a",
            (3_000_000, 1),
            [((1_000, 1), "not 3 million"), ((3_000_000, 0.2), "0.2 s")],
        ),
    ],
)
def test_an_exercise_knows_right_from_wrong(name, right, wrong, at):
    for answer, said in wrong:
        verdict = exercise(name, answer)
        assert not verdict.right and said in repr(verdict)
    assert exercise(name, right).right


def test_no_such_exercise(at):
    with pytest.raises(WorkbookError, match="They are 1a, 1b, 2a"):
        exercise("0a", 1)
