"""Requests as anyone can send them: by hand, signed in any way with any secret."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "us-east-1"

#: Each way to sign a request, and the class of botocore's that does it.
WAYS: dict[str, Callable] = {
    "header": auth.SigV4Auth,
    "query": auth.SigV4QueryAuth,
    "sigv2 header": auth.HmacV1Auth,
    "sigv2 query": lambda credentials, *scope: auth.HmacV1QueryAuth(credentials),
}
_S3: dict[str, Callable] = {"header": auth.S3SigV4Auth, "query": auth.S3SigV4QueryAuth}


@dataclass
class Call:
    """One API call, not signed yet."""

    service: str
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def signed(self, way: str, key: str, secret: str, host: str) -> AWSRequest:
        """Sign it in one of WAYS; in a query go a form's fields, too, and no body."""
        if way == "query" and self.body:
            form = self.body.decode() if b"Action=" in self.body else ""
            path = f"{self.path}?{form}" if form else self.path
            call = Call(self.service, self.method, path, b"", self.headers)
            return call.signed(way, key, secret, host)
        make = (_S3 if self.service == "s3" else {}).get(way, WAYS[way])
        return self.signed_by(make, key, secret, host)

    def signed_by(self, make: Callable, key: str, secret: str, host: str) -> AWSRequest:
        """Sign it by a class like botocore's."""
        headers = dict(self.headers) | {"Host": host}
        request = AWSRequest(self.method, f"http://{host}{self.path}", headers)
        request.data = self.body
        make(Credentials(key, secret), self.service, REGION).add_auth(request)
        return request


def json_call(service: str, target: str) -> Call:
    """A call of a service that takes JSON and names the operation in a header."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    return Call(service, "POST", "/", b"{}", headers)


def query_call(service: str, action: str, version: str) -> Call:
    """A call of a service that takes a form."""
    body = f"Action={action}&Version={version}".encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return Call(service, "POST", "/", body, form)


#: A call of every service that the local cloud has; each reads, and takes no names.
CALLS = [
    Call("s3", "GET", "/"),
    Call("lambda", "GET", "/2015-03-31/functions/"),
    query_call("iam", "ListUsers", "2010-05-08"),
    query_call("sts", "GetCallerIdentity", "2011-06-15"),
    json_call("sqs", "AmazonSQS.ListQueues"),
    query_call("sns", "ListTopics", "2010-03-31"),
    json_call("logs", "Logs_20140328.DescribeLogGroups"),
    query_call("monitoring", "DescribeAlarms", "2010-08-01"),
    query_call("cloudformation", "DescribeStacks", "2010-05-15"),
    json_call("events", "AWSEvents.ListRules"),
    json_call("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources"),
]


def send(
    port: int,
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> tuple[int, bytes, dict[str, str]]:
    """Send one request to this machine; return status, body and headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, target, body or None, headers or {})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, answer.read(), found
    finally:
        connection.close()


def send_signed(port: int, request: AWSRequest) -> tuple[int, bytes, dict[str, str]]:
    """Send a request that `Call.signed` made."""
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = dict(prepared.headers.items())
    headers.pop("Content-Length", None)
    return send(port, prepared.method, target, headers, prepared.body or b"")
