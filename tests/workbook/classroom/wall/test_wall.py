"""The wall at the socket: who is let in, what is taken, how much, and how it ends."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from support import log_lines
from support.by_hand import notify
from support.moto_cloud import REGION, here
from support.pictures import chart, encoded
from workbook import html
from workbook.classroom.wall import intake, links
from workbook.classroom.wall.lesson import Lesson, wall
from workbook.classroom.wall.limits import Limits, Rate, Room
from workbook.errors.messages import WorkbookError

from deploy import pipeline, settings_for
from deploy.home import CHECKOUT
from deploy.steps import buckets, trigger
from deploy.waiting import if_there

PHOTO = encoded(chart().convert("RGB"))
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99)


@pytest.fixture
def built(cloud):
    """Buckets, and a rule; no function runs in moto."""
    settings = here(cloud, max_bytes=50_000)
    buckets.create(cloud, settings)
    notify(cloud, settings, LambdaFunctionConfigurations=trigger.rules(settings))
    return cloud, settings


@pytest.fixture
def opened(built):
    """An open wall that takes photos itself."""
    with opening(built) as lesson:
        yield lesson


def opening(built, **limits):
    """Open a wall that takes photos itself, within limits."""
    kept = Limits(**limits)
    return Lesson(*built, phones="127.0.0.1", direct=False, limits=kept)


def ask(link, method="GET", path="", body=None, **headers):
    """Send one request as it is written; return status, text and headers."""
    parts = urlsplit(link)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, parts.path + path, body, named)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace"), answer.headers
    finally:
        connection.close()


def send(lesson, body=PHOTO, **headers):
    return ask(lesson.link, "POST", "photos", body, **headers)[:2]


def keys(built):
    cloud, settings = built
    return [item["Key"] for item in buckets.objects(cloud, settings.source_bucket)]


# What is taken


def test_a_photo_gets_a_number_and_a_name_of_ours(opened, built):
    assert send(opened) == (201, '{"number": 1}')
    assert send(opened, encoded(chart(), "PNG")) == (201, '{"number": 2}')
    first, second = keys(built)
    assert re.fullmatch(r"wall/\d{8}T\d{6}\.\d{6}-[0-9a-f]{16}\.jpg", first)
    assert second.endswith(".png")


REFUSED = [
    (b"a letter", 415, "Not taken: this is not a JPEG or PNG, but text: "),
    (HEIC, 415, "a HEIC photo, as iPhones take: export it as JPEG"),
    (b"", 415, "Not taken: this is empty."),
    (b"<svg onload='x'>", 415, "but an SVG drawing"),
    (b"\xff\xd8\xff" + bytes(50_000), 413, "Not taken: it is larger than "),
]


def test_each_refused_file_gets_one_sentence(opened, built):
    for body, status, sentence in REFUSED:
        answered, said = send(opened, body)
        assert answered == status and sentence in said
        assert said.count("\n") == 0 and said.endswith(".")
    assert keys(built) == []


def test_a_body_without_a_length_is_refused(opened, built):
    chunked = iter([PHOTO])
    assert send(opened, chunked, Transfer_Encoding="chunked")[0] == 411
    assert keys(built) == []


# Who is let in


def test_without_the_code_nothing_is_told(opened, built):
    host = opened.link.rsplit("/", 2)[0]
    for code in ("", "x", "abcdefghjk", opened.link.split("/")[-2].upper()):
        for method, path in (("GET", ""), ("POST", "photos"), ("GET", "phone.js")):
            status, said, _ = ask(f"{host}/{code}/", method, path, PHOTO)
            assert status == 403 and "lacks the lesson's code" in said
    assert keys(built) == []


def test_another_host_is_refused(opened):
    for host in ("evil.example", "localhost", "127.0.0.1", ""):
        for link in (opened.link, opened.url):
            status, said, _ = ask(link, Host=host)
            assert status == 403 and said == "This is not the host that was asked for."


def test_no_other_page_may_post(opened, built):
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate"},
    ):
        assert send(opened, **headers) == (403, "Requests of other pages are refused.")
        assert ask(opened.url, "POST", "1/hide", **headers)[0] == 403
        assert ask(opened.url, "POST", "end", **headers)[0] == 403
    assert opened.is_open and keys(built) == []


def test_its_own_page_may_and_a_link_may_be_followed(opened):
    own = opened.link.rsplit("/", 2)[0]
    assert send(opened, Origin=own, Sec_Fetch_Site="same-origin")[0] == 201
    followed = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert ask(opened.link, **followed)[0] == 200


TRICKS = [
    *("../../etc/passwd", "..%2f..%2fserver.py", "%2e%2e/server.py", "phone.html"),
    *("wall.js", "wall.html", "phone.js/../wall.js", "1/photo", "state", "/phone.js"),
    *("phone.js%00", "%", "..;/", "photos/../state"),
]


def test_a_path_leads_to_our_own_files_alone(opened):
    answered = {path: ask(opened.link, path=path)[0] for path in TRICKS}
    assert answered == dict.fromkeys(TRICKS, 404)


def test_phones_have_no_keys_of_the_projector(opened):
    send(opened)
    host = opened.url.rsplit("/", 2)[0]
    code = opened.link.split("/")[-2]
    assert ask(f"{host}/{code}/", "POST", "1/hide")[0] == 403
    assert ask(opened.link, "POST", "1/hide")[0] == 404
    assert ask(opened.link, "PUT", "photos", PHOTO)[0] == 405


def test_every_answer_has_the_strict_headers(opened):
    for link, path in (
        (opened.link, ""),
        (opened.link, "phone.js"),
        (opened.link, "nowhere"),
        (opened.url, ""),
        (opened.url, "state"),
        (opened.url[:-3] + "/", ""),
    ):
        headers = ask(link, path=path)[2]
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert (
            headers["Server"] is None and headers["Access-Control-Allow-Origin"] is None
        )


def test_pages_bring_nothing_from_elsewhere(opened):
    for link in (opened.link, opened.url):
        page = ask(link)[1]
        assert (
            "<script>" not in page
            and "<style" not in page
            and " on" + "click" not in page
        )
        sources = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert sources and all(re.fullmatch(r"[a-z.]+|data:,", s) for s in sources)


# How much


def test_a_phone_that_sends_too_fast_waits(built):
    with opening(built, burst=2, every_s=60) as lesson:
        assert [send(lesson)[0] for _ in range(3)] == [201, 201, 429]
        wait = ask(lesson.link, "POST", "photos", PHOTO)[2]["Retry-After"]
        assert 1 <= int(wait) <= 60 and len(keys(built)) == 2


def test_a_lesson_has_an_end_of_bytes(built):
    with opening(built, total_bytes=len(PHOTO) + 10) as lesson:
        assert [send(lesson)[0] for _ in range(2)] == [201, 415]


def test_a_rate_gives_a_burst_then_one_at_a_time():
    now = 0.0
    rate = Rate(2, 3.0, lambda: now)
    assert [rate.wait("a"), rate.wait("a"), rate.wait("a")] == [0, 0, 3]
    assert rate.wait("b") == 0
    now = 3.0
    assert [rate.wait("a"), rate.wait("a")] == [0, 3]
    now = 60.0
    assert [rate.wait("a"), rate.wait("a"), rate.wait("a")] == [0, 0, 3]


def test_a_room_has_an_end_for_each_and_for_all():
    room = Room(3, 2)
    assert [room.enter(who) for who in "aaabb"] == [True, True, False, True, False]
    room.leave("a")
    assert room.enter("b") and not room.enter("c")


def slow(lesson, start):
    """Send a start of a request and no more; return what comes until it is closed."""
    parts = urlsplit(lesson.link)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as phone:
        phone.sendall(start.format(host=parts.netloc, path=parts.path).encode())
        return phone.recv(1000)


@pytest.mark.parametrize(
    "start",
    [
        "",
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Slow: 1",
        "POST {path}photos HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n1",
    ],
)
def test_who_is_slow_is_hung_up_on(built, start):
    with opening(built, header_s=0.1, body_s=0.1, at_once=1) as lesson:
        assert slow(lesson, start) == b""
        assert send(lesson)[0] == 201  # and its place is free again


def test_more_connections_than_there_are_places_are_closed(built):
    with opening(built, connections=1) as lesson:
        parts = urlsplit(lesson.link)
        with socket.create_connection((parts.hostname, parts.port)) as first:
            request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n"
            first.sendall(request.encode())
            assert first.recv(15) == b"HTTP/1.1 200 OK"
            with socket.create_connection((parts.hostname, parts.port)) as second:
                assert second.recv(1) == b""


# What is shown


def test_what_the_function_logged_is_shown(built):
    cloud, settings = built
    with opening(built) as lesson:
        send(lesson)
        (key,) = keys(built)
        log(cloud, settings, key)
        lesson._wall.board.look()
        state = json.loads(ask(lesson.url, path="state")[1])
        (photo,) = state["photos"]
        assert (photo["number"], photo["outcome"], photo["ms"]) == (1, "made", 143)
        assert photo["thumbnail"] == "256 × 128 px · 3.2 kB" and state["median"] == 143
        assert photo["reason"] == "⟨U+202E⟩<b>"
        status, _, headers = ask(lesson.url, path="1/photo")
        assert status == 200 and headers["Content-Type"] == "image/jpeg"
        assert ask(lesson.url, path="1/thumbnail")[0] == 200


def test_what_is_no_picture_is_told_without_a_size(opened, built):
    send(opened)
    log(*built, keys(built)[0], outcome="rejected", source_size=None)
    opened._wall.board.look()
    (photo,) = json.loads(ask(opened.url, path="state")[1])["photos"]
    assert (photo["photo"], photo["outcome"]) == (html.weight(len(PHOTO)), "rejected")


def test_a_hidden_photo_is_deleted_with_its_thumbnail(opened, built):
    cloud, settings = built
    send(opened)
    send(opened)
    log(cloud, settings, keys(built)[0])
    opened._wall.board.look()
    assert ask(opened.url, "POST", "1/hide")[0] == 200
    state = json.loads(ask(opened.url, path="state")[1])
    assert [photo["number"] for photo in state["photos"]] == [2]
    assert len(keys(built)) == 1 and ask(opened.url, path="1/photo")[0] == 404
    assert not [*buckets.objects(cloud, settings.target_bucket)]


def test_a_photo_hidden_before_its_thumbnail_is_made_leaves_none(opened, built):
    cloud, settings = built
    send(opened)
    (key,) = keys(built)
    opened._wall.board.look()
    ask(opened.url, "POST", "1/hide")
    log(cloud, settings, key)
    opened._wall.board.look()
    assert not [*buckets.objects(cloud, settings.target_bucket)]


def log(cloud, settings, key, **more):
    """Leave what the function would: a thumbnail, and a line in its log."""
    target = f"thumbnails/{key}"
    cloud.s3.put_object(Bucket=settings.target_bucket, Key=target, Body=PHOTO)
    told = {
        "bucket": settings.source_bucket,
        "reason": "\u202e<b>",
        "target": target,
        "source_size": [400, 200],
        "source_bytes": len(PHOTO),
        "thumbnail_size": [256, 128],
        "thumbnail_bytes": 3200,
        "ms": 143.2,
    }
    log_lines.put(cloud, settings, log_lines.line(key, **told | more))


# How it opens and ends


def is_listening(link):
    parts = urlsplit(link)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


@pytest.mark.parametrize("ending", ["close", "button", "time"])
def test_nothing_is_left_listening(built, ending):
    minutes = 0.001 if ending == "time" else 5
    lesson = Lesson(*built, phones="127.0.0.1", direct=False, minutes=minutes)
    if ending == "close":
        lesson.close()
    if ending == "button":
        assert ask(lesson.url, "POST", "end")[0] == 200
    lesson.wait()
    assert not is_listening(lesson.url) and not is_listening(lesson.link)
    assert repr(lesson) == "The wall is closed."


def test_without_an_address_no_phone_comes_in(built):
    with wall(*built) as lesson:
        assert lesson.link == "" and "No door for phones" in repr(lesson)
        assert "`--phones " in repr(lesson) and "`phones='" in repr(lesson)
        assert lesson.url.startswith("http://127.0.0.1:")
        assert 'data-phones="closed"' in ask(lesson.url)[1]


def test_a_notebook_has_one_wall(built):
    first = wall(*built)
    with wall(*built):
        assert not first.is_open


def test_the_address_is_one_of_this_machine(built):
    told = r"^the wall: .*[Nn]ame (one|another)"
    for address in ("0.0.0.0", "::", "host", "224.0.0.1", "192.0.2.1"):
        with pytest.raises(WorkbookError, match=told) as refused:
            Lesson(*built, phones=address)
        said = str(refused.value)
        assert "port" not in said and "attempting" not in said
    assert "at 192.0.2.1 (" in said


def test_a_taken_port_is_told(built):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(WorkbookError, match="Leave the port out"):
            Lesson(*built, phones="127.0.0.1", port=other.getsockname()[1])


def test_without_a_pipeline_it_does_not_open(cloud):
    with pytest.raises(WorkbookError, match="`thumbnail-workbook up` builds"):
        Lesson(cloud, here(cloud))


# Straight to S3


def test_a_form_is_for_one_key_one_type_and_one_size(built):
    with Lesson(*built, phones="127.0.0.1") as lesson:
        told, start = f"form?size={len(PHOTO)}", PHOTO[:1024].ljust(1024)
        status, said, _ = ask(lesson.link, "POST", told, start)
        assert ask(lesson.link, "POST", "photos", PHOTO)[0] == 404
        assert ask(lesson.link, "POST", told, b"a letter")[0] == 415
        assert ask(lesson.link, "POST", told, start + b" ")[0] == 413
        for size in ("", "?size=0", "?size=-1", "?size=50001", "?size=1e3"):
            assert ask(lesson.link, "POST", f"form{size}", start)[0] == 415
        policy = ask(lesson.link)[2]["Content-Security-Policy"]
    form = json.loads(said)
    fields = form["fields"]
    assert status == 201 and fields["Content-Type"] == "image/jpeg"
    assert re.fullmatch(r"wall/[\dT.]+-[0-9a-f]{16}\.jpg", fields["key"])
    host = f"https://{built[1].source_bucket}.s3.{REGION}.amazonaws.com"
    assert form["url"] == f"{host}/" and f"connect-src 'self' {host};" in policy
    assert_conditions(fields, built[1])


def assert_conditions(fields, settings):
    """Nothing in the signed policy is open, and it is over in two minutes."""
    policy = json.loads(base64.b64decode(fields["policy"]))
    assert ["content-length-range", len(PHOTO), len(PHOTO)] in policy["conditions"]
    assert {"key": fields["key"]} in policy["conditions"]
    assert {"Content-Type": "image/jpeg"} in policy["conditions"]
    assert {"bucket": settings.source_bucket} in policy["conditions"]
    assert "starts-with" not in json.dumps(policy)
    left = datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)
    assert 0 < left.total_seconds() <= intake.FORM_S


@pytest.mark.parametrize("before", [[], ["https://other.example"]])
def test_the_cors_rule_is_for_that_page_and_goes_with_it(built, before):
    cloud, settings = built
    rules = [
        {"ID": "theirs", "AllowedOrigins": [origin], "AllowedMethods": ["GET"]}
        for origin in before
    ]
    if rules:
        cloud.s3.put_bucket_cors(
            Bucket=settings.source_bucket, CORSConfiguration={"CORSRules": rules}
        )
    with Lesson(*built, phones="127.0.0.1") as lesson:
        *others, ours = cors(cloud, settings)
        assert ours["AllowedOrigins"] == [lesson.link.rsplit("/", 2)[0]]
        assert ours["AllowedMethods"] == ["POST"]
        assert [rule["AllowedOrigins"] for rule in others] == [before] * len(rules)
    assert [rule["AllowedOrigins"] for rule in cors(cloud, settings)] == [
        rule["AllowedOrigins"] for rule in rules
    ]


def cors(cloud, settings):
    asked = cloud.s3.get_bucket_cors, "NoSuchCORSConfiguration"
    found = if_there(*asked, Bucket=settings.source_bucket)
    return found["CORSRules"] if found else []


# The link


def test_a_code_can_be_read_aloud():
    assert (
        re.fullmatch(r"[a-hjkmnp-z2-9]{10}", links.code())
        and links.code() != links.code()
    )


def test_the_qr_code_is_svg_of_the_link_alone():
    drawn = links.qr_code("http://192.168.1.20:8765/abcdefghjk/").decode()
    assert drawn.startswith("<svg xmlns=") and "<script" not in drawn
    assert drawn != links.qr_code("http://192.168.1.20:8765/abcdefghjm/").decode()
    assert links.host("fd00::1", 80) == "[fd00::1]:80"


# The command


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_leaves_nothing_listening(local, ending):
    pipeline.up(local, settings_for(local), say=lambda line: None)
    options = ["--phones", "127.0.0.1", "--no-browser", "--cloud", "local"]
    command = [sys.executable, "-m", "workbook", "wall", *options]
    path = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "notebooks")])
    process = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told = [process.stdout.readline() for _ in range(4)]
        url, link = (line.split()[-1] for line in told[:2])
        assert ask(url)[0] == ask(link)[0] == 200 and "Ctrl+C" in told[3]
        process.send_signal(ending)
        said, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert said == "The wall is closed: nothing listens any more.\n"
    assert process.returncode == 0
    assert not is_listening(url) and not is_listening(link)
