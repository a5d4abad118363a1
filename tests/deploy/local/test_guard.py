"""Hosts, web pages and web sockets: what comes in, and what stays out."""

import json
import socket
from urllib.parse import urlsplit

import pytest
from support.raw_requests import Call, send, send_signed
from urllib3 import encode_multipart_formdata

ORIGIN = "http://app.example"
#: What a browser adds to a link that was clicked, to a picture, and to fetch().
CLICKED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
CLICKED |= {"Sec-Fetch-Dest": "document"}
SHOWN = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
SHOWN |= {"Sec-Fetch-Dest": "image"}
FETCHED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": ORIGIN}


@pytest.fixture
def public(bench):
    """A bucket with an object that a policy opens."""
    bucket = bench.open_bucket()
    text = {"Body": b"hello", "ContentType": "text/plain"}
    bench.cloud.s3.put_object(Bucket=bucket, Key="a.txt", **text)
    return bucket


@pytest.fixture
def private(bench):
    bucket = bench.bucket()
    bench.put(bucket, "a.txt", b"secret")
    return bucket


def allow(local, bucket, origin, *methods):
    """Give a bucket a CORS rule."""
    rule = {"AllowedOrigins": [origin], "AllowedMethods": list(methods)}
    rule |= {"AllowedHeaders": ["*"]}
    local.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


def link(local, operation, bucket, key="a.txt"):
    """A presigned link, from its path on."""
    url = local.s3.generate_presigned_url(
        operation, Params={"Bucket": bucket, "Key": key}
    )
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def form(local, bucket):
    """A presigned form: path, headers and body."""
    post = local.s3.generate_presigned_post(bucket, "posted.txt")
    body, kind = encode_multipart_formdata(post["fields"] | {"file": "posted"})
    return urlsplit(post["url"]).path, {"Content-Type": kind}, body


def keys(local, bucket):
    return [row["Key"] for row in local.s3.list_objects_v2(Bucket=bucket)["Contents"]]


# --- what a page may do --------------------------------------------------------------


@pytest.mark.parametrize("page", [CLICKED, SHOWN])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_shows_what_a_policy_opens(running, public, private, page, method):
    assert send(running.port, method, f"/{public}/a.txt", page)[0] == 200
    assert send(running.port, method, f"/{private}/a.txt", page)[0] == 403


@pytest.mark.parametrize("page", [CLICKED, SHOWN])
def test_a_page_follows_a_presigned_link(local, running, private, page):
    target = link(local, "get_object", private)
    assert send(running.port, "GET", target, page)[:2] == (200, b"secret")
    forged = target[:-4] + "0000"
    assert send(running.port, "GET", forged, page)[0] == 403


#: What no page may do, whatever a policy opens.
NOTHING_ELSE = [
    ("GET", "/"),
    ("GET", "/_workbook/health"),
    ("POST", "/_workbook/stop"),
    ("GET", "/2015-03-31/functions/"),
    ("GET", "/?Action=ListUsers&Version=2010-05-08"),
    ("PUT", "/new-bucket"),
    ("PUT", "/BUCKET/b.txt"),
    ("POST", "/BUCKET"),
    ("DELETE", "/BUCKET/a.txt"),
    ("GET", "/BUCKET"),
]


@pytest.mark.parametrize("page", [CLICKED, SHOWN, FETCHED])
def test_a_page_does_nothing_else(local, running, public, page):
    for method, target in NOTHING_ELSE:
        status = send(running.port, method, target.replace("BUCKET", public), page)[0]
        assert status == 403, (method, target)
        assert keys(local, public) == ["a.txt"], (method, target)


@pytest.mark.parametrize("page", [CLICKED, SHOWN, FETCHED])
def test_a_page_does_not_use_a_signature_elsewhere(running, page):
    """A link to another service that somebody signed, or a header of the learner's."""
    host = f"127.0.0.1:{running.port}"
    call = Call("sts", "GET", "/?Action=GetCallerIdentity&Version=2011-06-15")
    for way in ("query", "header"):
        signed = call.signed(way, running.access_key, running.secret_key, host)
        assert send_signed(running.port, signed)[0] == 200
        for name, value in page.items():
            signed.headers[name] = value
        assert send_signed(running.port, signed)[0] == 403


# --- what a bucket's CORS rules allow ------------------------------------------------


def test_reading_from_a_page_takes_a_cors_rule(local, running, public):
    target = f"/{public}/a.txt"
    assert send(running.port, "GET", target, FETCHED)[0] == 403
    allow(local, public, ORIGIN, "GET")
    status, body, headers = send(running.port, "GET", target, FETCHED)
    assert (status, body) == (200, b"hello")
    assert headers["access-control-allow-origin"] == ORIGIN
    other = FETCHED | {"Origin": "http://other.example"}
    assert send(running.port, "GET", target, other)[0] == 403


def test_a_presigned_put_takes_a_cors_rule(local, running, private):
    target = link(local, "put_object", private, "put.txt")
    assert send(running.port, "PUT", target, FETCHED, b"put")[0] == 403
    allow(local, private, ORIGIN, "GET")
    assert send(running.port, "PUT", target, FETCHED, b"put")[0] == 403
    assert keys(local, private) == ["a.txt"]
    allow(local, private, ORIGIN, "PUT")
    status, _, headers = send(running.port, "PUT", target, FETCHED, b"put")
    assert (status, headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert keys(local, private) == ["a.txt", "put.txt"]


def test_a_presigned_form_takes_a_cors_rule(local, running, private):
    path, kind, body = form(local, private)
    assert send(running.port, "POST", path, FETCHED | kind, body)[0] == 403
    assert keys(local, private) == ["a.txt"]
    allow(local, private, ORIGIN, "POST")
    assert send(running.port, "POST", path, FETCHED | kind, body)[0] == 204
    assert keys(local, private) == ["a.txt", "posted.txt"]


def test_a_form_takes_a_signature(local, running, private):
    path, kind, body = form(local, private)
    allow(local, private, "*", "POST")
    forged = body.replace(b'"x-amz-signature"\r\n\r\n', b'"x-amz-signature"\r\n\r\n0')
    unsigned = body.replace(b'name="x-amz-', b'name="x-ignore-').replace(
        b'name="policy"', b'name="x-ignore-policy"'
    )
    assert forged != body != unsigned
    for wrong in (forged, unsigned):
        assert send(running.port, "POST", path, FETCHED | kind, wrong)[0] == 403
    assert keys(local, private) == ["a.txt"]


def test_a_rule_for_a_page_is_no_right(local, running, private):
    """CORS lets the page ask: whether it gets anything is the signature's affair."""
    allow(local, private, "*", "GET", "PUT", "POST", "DELETE", "HEAD")
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        assert send(running.port, method, f"/{private}/a.txt", FETCHED)[0] == 403
    assert keys(local, private) == ["a.txt"]


def test_a_preflight_is_answered_by_the_rules(local, running, private):
    target = link(local, "put_object", private)
    asked = FETCHED | {"Access-Control-Request-Method": "PUT"}
    assert send(running.port, "OPTIONS", target, asked)[0] == 403
    allow(local, private, ORIGIN, "PUT")
    status, _, headers = send(running.port, "OPTIONS", target, asked)
    assert (status, headers["access-control-allow-origin"]) == (200, ORIGIN)
    asked["Access-Control-Request-Method"] = "DELETE"
    assert send(running.port, "OPTIONS", target, asked)[0] == 403
    asked["Access-Control-Request-Method"] = "PUT"
    assert send(running.port, "OPTIONS", "/2015-03-31/functions/", asked)[0] == 403


# --- hosts ---------------------------------------------------------------------------


def test_a_bucket_may_stand_in_the_host(local, running, public, private):
    for host in (f"{public}.localhost", f"{public}.LOCALHOST"):
        asked = {"Host": f"{host}:{running.port}"}
        assert send(running.port, "GET", "/a.txt", asked)[:2] == (200, b"hello")
        assert send(running.port, "GET", "/", asked)[0] == 403
    host = f"{private}.localhost:{running.port}"
    assert send(running.port, "GET", "/a.txt", {"Host": host})[0] == 403
    call = Call("s3", "GET", "/a.txt")
    for way in ("header", "query"):
        for secret, status in ((running.secret_key, 200), ("wrong", 403)):
            signed = call.signed(way, running.access_key, secret, host)
            assert send_signed(running.port, signed)[0] == status, way


OTHER_HOSTS = [
    "evil.example:PORT",
    "127.0.0.1.evil.example:PORT",
    "localhost.evil.example:PORT",
    "a.b.localhost:PORT",
    "x.iot.us-east-1.localhost:PORT",
    "169.254.169.254:PORT",
    "localhost:1",
    "localhost",
    "bucket.localhost:1",
    "",
]


def test_other_hosts_are_refused(running, public):
    """A page's own name that is made to lead here (rebinding)."""
    for host in OTHER_HOSTS:
        asked = {"Host": host.replace("PORT", str(running.port))}
        assert send(running.port, "GET", f"/{public}/a.txt", asked)[0] == 403, host


# --- web sockets ---------------------------------------------------------------------


def handshake(port, host, protocol="", path="/mqtt", **headers):
    """Ask for a web socket by hand; return the first line of the answer."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []),
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection.recv(100).split(b"\r\n")[0]


@pytest.mark.parametrize("origin", [{}, {"Origin": ORIGIN}])
@pytest.mark.parametrize(
    ("host", "protocol", "path"),
    [
        ("x.iot.us-east-1.localhost:PORT", "mqtt", "/mqtt"),
        ("127.0.0.1:PORT", "", "/"),
        ("127.0.0.1:PORT", "", "/_aws/execute-api/abcd1234/prod"),
        ("abcd1234.execute-api.localhost:PORT", "", "/prod"),
    ],
)
def test_web_sockets_are_closed(running, origin, host, protocol, path):
    host = host.replace("PORT", str(running.port))
    answer = handshake(running.port, host, protocol, path, **origin)
    assert answer.split(b" ")[1] == b"403"


# --- in a real browser ---------------------------------------------------------------


@pytest.mark.slow
def test_a_page_uploads_only_with_a_cors_rule(local, running, private, browser, site):
    site.answer = (200, "<p>upload</p>")
    post = local.s3.generate_presigned_post(private, "posted.txt")
    target = link(local, "put_object", private, "put.txt")
    script = f"""
      const done = arguments[0];
      const form = new FormData();
      for (const [name, value] of Object.entries({json.dumps(post["fields"])}))
        form.append(name, value);
      form.append("file", "posted");
      Promise.allSettled([
        fetch({json.dumps(post["url"])}, {{method: "POST", body: form}}),
        fetch({json.dumps(running.url + target)}, {{method: "PUT", body: "put"}}),
      ]).then(all => done(all.map(one => one.status)));
    """
    browser.set_script_timeout(20)
    browser.get(site.url)
    assert browser.execute_async_script(script) == ["rejected", "rejected"]
    assert keys(local, private) == ["a.txt"]
    allow(local, private, site.url, "POST", "PUT")
    assert browser.execute_async_script(script) == ["fulfilled", "fulfilled"]
    assert keys(local, private) == ["a.txt", "posted.txt", "put.txt"]
