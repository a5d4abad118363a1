"""Each lab shows its fault, and is mended by a learner's own calls, right or wrong."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter

import pytest
from support import by_hand
from support.local_cloud import shared_pipeline
from support.moto_cloud import standing as as_built
from support.rows import rows
from workbook import checks, exercise, session
from workbook.labs import cards, faults, mends, mistakes

from deploy import function, pipeline, policies, replay, role, trace, trigger, waiting
from deploy.steps import buckets, failures


def act(make):
    """Let a call be written down with its values, and made later, of a pipeline."""
    return lambda *given, **named: (
        lambda cloud, settings: make(cloud, settings, *given, **named)
    )


configure = act(mistakes.configure)


def deploy(cloud, settings):
    mistakes.deploy(cloud, settings, function.package(settings))


#: The cure that most people think of first: it leaves a + as it is.
UNQUOTED = """
from urllib.parse import unquote


def decoded_key(holder, name):
    return unquote(text(holder, name))
"""


def unquoted(cloud, settings):
    zipped = mistakes.with_mistake(settings, "handler/events.py", UNQUOTED)
    mistakes.deploy(cloud, settings, zipped)


@act
def attach(cloud, settings, pick):
    found = cloud.awslambda.list_layer_versions(LayerName=settings.layer_name)
    arns = [each["LayerVersionArn"] for each in found["LayerVersions"]]
    configure(Layers=[arns[pick]])(cloud, settings)


@act
def allow(cloud, settings, write="/*", action="s3:PutObject"):
    policy = role.thumbnails_policy(settings)
    target = f"arn:aws:s3:::{settings.target_bucket}"
    policy["Statement"][1] |= {"Action": action, "Resource": target + write}
    cloud.iam.put_role_policy(
        RoleName=settings.role_name,
        PolicyName="thumbnails",
        PolicyDocument=json.dumps(policy),
    )


@act
def rule(cloud, settings, *suffixes):
    every = trigger.rules(dataclasses.replace(settings, suffixes=suffixes))
    mine = [rule | {"Id": f"mine-{number}"} for number, rule in enumerate(every)]
    by_hand.notify(cloud, settings, LambdaFunctionConfigurations=mine)


@act
def copy(cloud, settings, key):
    source = {"Bucket": settings.source_bucket, "Key": mistakes.CAMERA}
    cloud.s3.copy_object(Bucket=settings.source_bucket, Key=key, CopySource=source)


@act
def invite(cloud, settings, sid=trigger.STATEMENT_ID, without="", **changes):
    """Add the permission, right or with a fault, maybe under another name."""
    given = trigger.permission(settings) | {"StatementId": sid} | changes
    given.pop(without, None)
    cloud.awslambda.add_permission(FunctionName=settings.function_name, **given)


ELSEWHERE = {"SourceArn": "arn:aws:s3:::elsewhere"}


def block(*, bucket="target_bucket", **changes):
    wanted = buckets.public_access_block(public_policy=True) | changes
    return by_hand.blocked(bucket, wanted)


@act
def put(cloud, settings, key, sample):
    mistakes.upload(cloud, settings, key, mistakes.sample(sample))


@act
def delete(cloud, settings, key):
    cloud.s3.delete_object(Bucket=settings.source_bucket, Key=key)


def nothing(cloud, settings):
    pass


@act
def each_of(cloud, settings, *acts):
    for one in acts:
        one(cloud, settings)


#: Lab → its right mend.
MENDS = {
    1: attach(0),
    2: allow(),
    3: copy("lighthouse.jpg"),
    4: configure(Timeout=30),
    5: attach(1),
    6: invite(),
    7: deploy,
    8: configure(MemorySize=512),
    9: block(),
    10: put("poison.jpg", "lighthouse.jpg"),
    11: nothing,
    12: mistakes.start,
}
#: Lab, a wrong mend, what is said of it; the first of each is none.
WRONG = [
    (1, nothing, "Its layers are none"),
    (1, configure(Layers=[], Timeout=60), "Its layers are none"),
    (1, deploy, "Its layers are none"),
    (2, nothing, "No statement allows s3:PutObject"),
    (2, allow("/*", "s3:*"), "Too wide"),
    (2, allow("*"), "Too wide"),
    (3, nothing, "No rule matches LIGHTHOUSE.JPG"),
    (3, rule(".JPG"), "No rule sends *.jpg"),
    (3, each_of(rule(".jpg", ".png"), copy("LIGHTHOUSE.Jpg")), "No rule matches"),
    (4, nothing, "Timeout is 1 s, and the run needs more than 3 s"),
    (4, configure(Timeout=2), "set Timeout to 30 (05_function)"),
    (4, configure(MemorySize=1024), "More memory does not make"),
    (4, configure(Timeout=3), "Timeout is 3 s"),
    (4, configure(Timeout=900), "Timeout is 900 s"),
    (5, nothing, "the newest that fits is"),
    (5, attach(0), "the newest that fits is"),
    (5, configure(Layers=[]), "Its layers are none"),
    (6, nothing, "no statement"),
    (6, invite(without="SourceAccount"), "SourceAccount is None"),
    (6, invite(without="SourceArn"), "SourceArn is None"),
    (6, invite("mine", **ELSEWHERE), "Statement 'mine' names another bucket"),
    (7, nothing, "takes a key as it stands"),
    (7, put("panda.jpg", "red panda+1 é.jpg"), "Another name"),
    (7, configure(Timeout=60), "takes a key as it stands"),
    (8, nothing, "MemorySize is 128 MB"),
    (8, configure(Timeout=60), "A longer Timeout gives no memory"),
    (8, configure(MemorySize=10240), "paid by the megabyte"),
    (9, nothing, "so a public policy is refused or has no effect"),
    (9, block(BlockPublicAcls=False, IgnorePublicAcls=False), "nobody needs ACLs"),
    (9, block(bucket="source_bucket"), "photos stay private"),
    (10, nothing, "still holds the text"),
    (10, delete("poison.jpg"), "is gone"),
    (10, configure(MemorySize=1024), "The pipeline was right"),
    (11, put("overwritten.jpg", "this-side-up.jpg"), "the newer photo"),
    (11, delete("overwritten.jpg"), "is gone from the source"),
    (12, nothing, ", is 0, so it never runs"),
    (12, by_hand.limited(1), "1 at a time"),
    (12, put("lighthouse.jpg", "lighthouse.jpg"), ", is 0, so it never runs"),
]


def test_each_lab_has_its_judge_and_two_wrong_mends():
    assert mends.MENDS.keys() == {lab.fault for lab in cards.LABS}
    assert MENDS.keys() == {number for number, _ in enumerate(cards.LABS, 1)}
    assert min(Counter(number for number, *_ in WRONG).values()) >= 2


@pytest.mark.parametrize(
    "number", rows(sorted(MENDS, key=[4, 6].__contains__)[::-1], quick=2)
)
def test_a_mend_is_judged(number, cloud, settings):
    """On the account in memory, where nothing runs: what the resources tell."""
    settings = dataclasses.replace(settings, reliable=True)
    as_built("reliable", lambda: pipeline.up(cloud, settings, say=lambda line: None))
    fault = cards.LABS[number - 1].fault
    for mend, said in [row[1:] for row in WRONG if row[0] == number]:
        faults.undo(fault, cloud, settings)
        faults.put(fault, cloud, settings)
        mend(cloud, settings)
        assert said in mends.MENDS[fault].wrong(cloud, settings), said
    pipeline.up(cloud, settings, say=lambda line: None)
    faults.undo(fault, cloud, settings)
    faults.put(fault, cloud, settings)
    MENDS[number](cloud, settings)
    assert mends.MENDS[fault].wrong(cloud, settings) == ""


@pytest.fixture
def uninvited(cloud, settings):
    """Lab 6 is open, and the learner's first permission named another bucket."""
    settings = dataclasses.replace(settings, reliable=True)
    pipeline.up(cloud, settings, say=lambda line: None)
    faults.put("uninvited", cloud, settings)
    invite("mine", **ELSEWHERE)(cloud, settings)
    return cloud, settings


def test_a_right_permission_beside_a_wrong_one_is_right(uninvited):
    """Verdict, trace and check(6) say what Lambda does: one that fits is enough."""
    name = uninvited[1].function_name
    told = mends.MENDS["uninvited"].wrong(*uninvited)
    call = f"remove_permission(FunctionName={name!r}, StatementId='mine')"
    assert call in told and "then add the right one" in told
    finding = trace("a.jpg", *uninvited)["permission"].finding
    assert "its statement 'mine' is for another bucket" in finding
    invite("right")(*uninvited)
    assert mends.MENDS["uninvited"].wrong(*uninvited) == ""
    assert checks.look(6, *uninvited).ok
    assert trace("a.jpg", *uninvited)["permission"].state == "green"


def test_a_wrong_permission_is_taken_away_with_the_lab(uninvited):
    faults.undo_all(*uninvited)
    assert statement_ids(*uninvited) == [trigger.STATEMENT_ID]
    assert checks.look(6, *uninvited).ok


def test_the_next_labs_do_not_blame_what_lab_6_left(uninvited):
    faults.undo("uninvited", *uninvited)
    invite("another", **ELSEWHERE)(*uninvited)  # as one left by an exercise of 06
    for lab in ("poison", "late-event"):
        faults.put(lab, *uninvited)
        assert "pipeline was right" not in mends.MENDS[lab].wrong(*uninvited)


def test_lab_6_is_broken_again_after_a_mend_under_another_name(uninvited):
    invite("right")(*uninvited)
    faults.put("uninvited", *uninvited)
    assert statement_ids(*uninvited) == []
    assert "no statement" in mends.MENDS["uninvited"].wrong(*uninvited)


def test_the_events_of_the_night_are_told_from_those_of_other_labs(cloud, settings):
    settings = dataclasses.replace(settings, reliable=True)
    pipeline.up(cloud, settings, say=lambda line: None)
    for condition in ("RetriesExhausted", "RetriesExhausted", failures.STOPPED):
        record = {"requestContext": {"condition": condition}, "requestPayload": {}}
        by_hand.fail(cloud, settings, record)
    told = mends.MENDS["stopped"].wrong(cloud, settings)
    assert f"3 events wait in {settings.failure_queue}, 1 of them from this lab" in told
    assert "`replay(cloud, settings)` sends all" in told


def statement_ids(cloud, settings):
    which = {"FunctionName": settings.function_name}
    found = waiting.if_there(
        cloud.awslambda.get_policy, "ResourceNotFoundException", **which
    )
    return [
        each["Sid"] for each in policies.statements(found["Policy"] if found else {})
    ]


@pytest.fixture(scope="module")
def standing(local_folder):
    with shared_pipeline(local_folder, name="mends", reliable=True) as place:
        yield place


def with_replay(cloud, settings):
    mistakes.start(cloud, settings)
    replay(cloud, settings)


#: What the resources alone do not tell.
RUN = {12: with_replay}


#: Lab → the first broken link, or the ending where none is broken.
FOUND = {
    1: "layer",
    2: "role",
    3: "rule",
    4: "log",
    5: "layer",
    6: "permission",
    7: "log",
    8: "log",
    9: "public",
    10: "rejected",
    11: "made",
    12: "invocation",
}


@pytest.mark.slow
@pytest.mark.parametrize("number", MENDS)
def test_a_mend_by_hand_makes_the_path_whole(number, standing):
    started = time.monotonic()
    key = cards.lab(number, *standing)
    assert time.monotonic() - started < cards._patience(standing[0])
    found = trace(key, *standing)
    first = found.broken.name if found.broken else found.ending
    assert first == FOUND[number], found
    if number != 11:
        assert "not yet" in repr(cards.verdict(*standing))
    RUN.get(number, MENDS[number])(*standing)
    verdict = repr(cards.verdict(*standing))
    assert verdict.startswith(f"Lab {number}: right. ") and ": made" in verdict
    assert repr(cards.follow(key, *standing)).splitlines()[0].endswith(": made")
    assert number in cards.by_hand()
    assert time.monotonic() - started < 30
    print(f"{number}: {time.monotonic() - started:.1f} s; {verdict}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "mend", "said"),
    [
        (3, rule(".jpg", ".png", ".JPG"), "none for one before"),
        (7, unquoted, "leaves the + in them). Your code asks for a name"),
        (8, configure(MemorySize=160), "not yet"),
        (12, mistakes.start, " from this lab: `replay(cloud, settings)` sends"),
    ],
)
def test_a_mend_that_only_an_upload_shows_to_be_wrong(number, mend, said, standing):
    cards.lab(number, *standing)
    mend(*standing)
    assert said in repr(cards.verdict(*standing))
    cards.mend(None, *standing)
    assert pipeline.status(*standing).ready


@pytest.mark.slow
def test_a_rule_for_the_cameras_names_is_right_too(standing):
    cards.lab(3, *standing)
    rule(".jpg", ".png", ".JPG")(*standing)
    put("LIGHTHOUSE.JPG", "lighthouse.jpg")(*standing)
    assert "Lab 3: right. LIGHTHOUSE.JPG: made" in repr(cards.verdict(*standing))
    cards.lab(3, *standing)  # the rule is taken away, or nothing would be broken
    assert "not yet" in repr(cards.verdict(*standing))
    cards.undo_all(*standing)


def test_without_a_lab_there_is_nothing_to_judge(cloud, settings, monkeypatch):
    monkeypatch.setattr(cards, "_state", cards._State())
    assert "No lab is open" in repr(cards.verdict(cloud, settings))


def test_three_labs_mended_by_hand_solve_the_exercise(cloud, settings, monkeypatch):
    monkeypatch.setattr(session, "current", lambda: (cloud, settings))
    state = cards._State()
    monkeypatch.setattr(cards, "_state", state)
    assert "so far: none of the 3 asked for. Mend each" in repr(exercise("8b"))
    state.by_hand.add(3)
    told = repr(exercise("8b"))
    assert "so far: lab 3 (1 of the 3 asked for)." in told and "*" not in told
    state.by_hand |= {1, 2, 6, 11}
    assert (
        "so far: labs 3 and 6 (2 of the 3 asked for). Not counted: labs 1 and 2, as "
        "the text mends them. Not counted: lab 11, as nothing is to be mended there. "
        "Mend each"
    ) in repr(exercise("8b"))
    state.by_hand.add(12)
    assert exercise("8b").right
