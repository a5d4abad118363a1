"""Every request is signed with a key that is known, whoever says to be root.

MiniStack never checks the signatures of keys that it takes for root's (`test`, twelve
digits, the configured one). So this stands before it: a request passes when one
signature of the four kinds holds, or when nobody has to sign it (an object that is
read, a preflight, a form that S3 itself checks).

Runs in MiniStack's environment, beside `wrapper.py`: see there.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from uuid import uuid4

import ministack.app as ministack
from ministack.core.iam_actions import _s3_action
from ministack.core.iam_evaluator import (
    AuthError,
    CredentialResolutionError,
    ResolvedCredential,
    SignedRequest,
    _sigv2_check,
    find_iam_access_key_account,
    is_root_access_key,
    resolve_credential,
)
from ministack.core.responses import _account_from_sts_session, get_account_id
from ministack.core.sigv4 import (
    SIGNATURE_MISMATCH,
    HeaderSignature,
    calculate_signature,
    header_signature_failure,
    header_signing_documents,
    parse_header_signature,
    parse_query_signature,
    presigned_request_is_expired,
    request_time_failure,
)
from ministack.services import s3
from places import around
from request import Request

ROOT_KEY = os.environ["AWS_ACCESS_KEY_ID"]
SKEW_S = 15 * 60
#: A little more than AWS takes of a body that has to be read before it is known who
#: sent it: a function's zip in base64, a message, a form with a picture.
_BODY_BYTES = {"lambda": 100_000_000, "s3": 100_000_000}
_OTHERS_BODY_BYTES = 5_000_000

Answer = tuple[int, dict, bytes]


class Refused(Exception):
    """A request is refused, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def closed() -> Answer:
    """The answer of what is not part of the local cloud."""
    body = b'{"refused": "not part of the local cloud"}'
    return 404, {"Content-Type": "application/json"}, body


def check_before_body(request: Request) -> None:
    """Check all that can be checked before anyone reads the body.

    Raises:
        Refused: unsigned, signed in two ways, with an unknown key, or wrongly.
    """
    signed = kinds(request)
    if not signed:
        if not _needs_no_signature(request):
            raise _refused(request, "MissingAuthenticationToken", "Missing token")
        return
    if len(signed) > 1:
        raise _refused(request, "IncompleteSignature", "Only one way to sign allowed")
    if request.service not in ministack.SERVICE_HANDLERS:
        raise Refused(closed())
    if signed[0].startswith("sigv2"):
        _check_sigv2(request, signed[0])
        return
    _check_scope_and_time(request)
    if not _signs_body(request):
        _check_signature(request, b"")
    elif request.service == "s3":
        _check_seed(request)


def body_limit(request: Request) -> int | None:
    """How much of a body to read: all of an upload whose signature held, else little.

    What nobody has to sign, but for a form, has none.
    """
    if kinds(request):
        if request.service == "s3":
            return None
    elif request.method != "POST":
        return 0
    return _BODY_BYTES.get(request.service, _OTHERS_BODY_BYTES)


def too_large(request: Request) -> Refused:
    """The answer to a body beyond that."""
    text = "Your proposed upload exceeds the maximum allowed size"
    if request.service == "s3":
        return Refused(s3._error("EntityTooLarge", text, 400))
    return _refused(request, "RequestEntityTooLargeException", text)


def check_with_body(request: Request, body: bytes) -> None:
    """Check what the body has to do with: a signature over it, or its promised hash.

    Raises:
        Refused: the body is not the one that was signed.
    """
    if kinds(request) not in (["header"], ["query"]):
        return
    if _signs_body(request):
        _check_signature(request, body)
    promised = request.headers.get("x-amz-content-sha256", "")
    if not re.fullmatch("[0-9a-f]{64}", promised) or _is_presigned(request):
        return
    if hashlib.sha256(body).hexdigest() != promised:
        text = "The provided 'x-amz-content-sha256' header does not match the body."
        raise Refused(s3._error("XAmzContentSHA256Mismatch", text, 400))


def kinds(request: Request) -> list[str]:
    """How a request says to be signed: not at all, or in which ways."""
    if request.method == "OPTIONS":
        return []  # a preflight brings the query of a link that was signed for another
    authorization = request.headers.get("authorization")
    is_sigv2 = (authorization or "").startswith("AWS ")
    names = {name.lower() for name in request.query}
    found = {
        "header": authorization is not None and not is_sigv2,
        "sigv2 header": is_sigv2,
        "query": names & {"x-amz-algorithm", "x-amz-credential", "x-amz-signature"},
        "sigv2 query": names & {"awsaccesskeyid", "signature"},
    }
    return [kind for kind, is_there in found.items() if is_there]


def _refused(request: Request, code: str, text: str) -> Refused:
    """AWS's error, in the format of the service that was asked."""
    failure = AuthError(code, text)
    answer = ministack._credential_failure(
        request.service, "", str(uuid4()), failure, request.headers
    )
    return Refused(answer)


def _unsupported(request: Request) -> Refused:
    text = "The request signature does not conform to AWS standards."
    return _refused(request, "UnsupportedSignature", text)


def _needs_no_signature(request: Request) -> bool:
    """Whether AWS serves it unsigned: an object, a preflight, a form with a policy.

    The bucket's policy decides about the object, and a form signs itself
    (`only_signed_forms`). Nothing else is anyone's.
    """
    bucket, key = request.bucket_and_key
    if request.service != "s3" or not bucket:
        return False
    if request.method == "POST":
        kind = request.headers.get("content-type", "")
        return not key and kind.startswith("multipart/form-data")
    if request.method in ("GET", "HEAD") and key:
        action = _s3_action(request.method, f"/{bucket}/{key}", request.query)
        return action in ("GetObject", "GetObjectVersion")
    return request.method == "OPTIONS"


@around(s3, "_post_object")
def only_signed_forms(
    kept: Callable[..., tuple], bucket: str, body: bytes, headers: dict
) -> tuple:
    """Take a browser's form only with a signed policy: MiniStack takes any."""
    parts = s3._parse_multipart_form(headers.get("content-type", ""), body) or []
    if {"x-amz-signature", "signature"} & {part[0].lower() for part in parts}:
        return kept(bucket, body, headers)
    return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}")


# --- Signature Version 4 -------------------------------------------------------------


def _is_presigned(request: Request) -> bool:
    return kinds(request) == ["query"]


def _signs_body(request: Request) -> bool:
    """Whether the body is part of what is signed; S3 signs its hash, a header."""
    hashed = request.headers.get("x-amz-content-sha256", "")
    if request.service != "s3":
        return True
    return not _is_presigned(request) and hashed.startswith("STREAMING-AWS4")


def _signature(request: Request) -> HeaderSignature:
    if _is_presigned(request):
        algorithm = request.parameter("X-Amz-Algorithm")
        found = parse_query_signature(request.query)
    else:
        algorithm = request.headers["authorization"].split(" ")[0]
        found = parse_header_signature(request.headers)
    if algorithm != "AWS4-HMAC-SHA256":
        raise _unsupported(request)
    if isinstance(found, tuple):
        raise _refused(request, *found)
    return found


def _check_scope_and_time(request: Request) -> None:
    signature = _signature(request)
    if signature.service != request.service:
        text = f"Credential should be scoped to correct service: '{request.service}'."
        raise _refused(request, "SignatureDoesNotMatch", text)
    _check_signed_headers(request, signature)
    if _is_presigned(request) and request.service == "s3":
        _check_link_lasts(request, signature)
    elif skewed := request_time_failure(signature):
        raise _refused(request, *skewed)
    _credential(request, signature.access_key_id)


def _check_signed_headers(request: Request, signature: HeaderSignature) -> None:
    """Host and every x-amz- header are signed, else whoever has a link adds to it.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """
    signed = set(signature.signed_headers.lower().split(";"))
    needed = {name for name in request.headers if name.startswith("x-amz-")} | {"host"}
    if not (unsigned := sorted(needed - signed)):
        return
    if request.service == "s3":
        text = "There were headers present in the request which were not signed"
        raise _refused(request, "AccessDenied", text)
    text = f"'{unsigned[0]}' must be a 'SignedHeader' in the AWS Authorization."
    raise _refused(request, "IncompleteSignature", text)


def _check_link_lasts(request: Request, signature: HeaderSignature) -> None:
    """A presigned link of S3's lasts as long as it says, a week at most."""
    expires = request.parameter("X-Amz-Expires")
    if wrong := s3._presign_time_error(signature.amz_date, expires, request.path):
        raise Refused(wrong)
    if presigned_request_is_expired(signature.amz_date, expires):
        raise _refused(request, "RequestExpired", "Request has expired")


def _check_signature(request: Request, body: bytes) -> None:
    signature = _signature(request)
    is_hashed = "x-amz-content-sha256" in request.headers
    if request.service == "s3" and not is_hashed and not _is_presigned(request):
        text = "Missing required header for this request: x-amz-content-sha256"
        raise Refused(s3._error("InvalidRequest", text, 400))
    failure = header_signature_failure(
        signature,
        _credential(request, signature.access_key_id).secret_access_key,
        request.method,
        request.raw_path,
        request.query,
        request.headers,
        body,
        presigned=_is_presigned(request),
    )
    if failure:
        raise _refused(request, *failure)


def _check_seed(request: Request) -> None:
    """Check what the headers of an upload in signed pieces say, before the pieces.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """
    signature = _signature(request)
    credential = _credential(request, signature.access_key_id)
    asked = (request.method, request.raw_path, request.query, request.headers, b"")
    _, text = header_signing_documents(signature, *asked)
    scope = (signature.date_stamp, signature.region, signature.service)
    seed = calculate_signature(credential.secret_access_key, *scope, text)
    if not hmac.compare_digest(seed, signature.signature):
        raise _refused(request, "SignatureDoesNotMatch", SIGNATURE_MISMATCH)


#: The parameter that brings a session's token, for each way to sign in a query.
_TOKENS = {"query": "X-Amz-Security-Token", "sigv2 query": "x-amz-security-token"}


def _credential(request: Request, access_key: str) -> ResolvedCredential:
    """Find an access key: the folder's own, a user's, or a session's."""
    name = _TOKENS.get(kinds(request)[0])
    given = request.headers.get("x-amz-security-token", "")
    token = request.parameter(name) if name else given
    is_stranger = is_root_access_key(access_key) and access_key != ROOT_KEY
    account = _account_from_sts_session(access_key)
    account = account or find_iam_access_key_account(access_key) or get_account_id()
    found = resolve_credential(access_key, account, token)
    if isinstance(found, CredentialResolutionError):
        raise _refused(request, found.code, found.message)
    if is_stranger:
        text = "The security token included in the request is invalid."
        raise _refused(request, "UnrecognizedClientException", text)
    return found


# --- Signature Version 2 -------------------------------------------------------------


def _check_sigv2(request: Request, kind: str) -> None:
    """Check an old signature: S3 alone takes them."""
    if request.service != "s3":
        raise _unsupported(request)
    if kind == "sigv2 header":
        access_key = request.headers["authorization"][4:].partition(":")[0].strip()
        _check_sigv2_time(request)
    else:
        access_key = request.parameter("AWSAccessKeyId")
    found = _credential(request, access_key)
    bucket = ministack._extract_s3_vhost_bucket(request.headers.get("host", ""))
    signed = SignedRequest(
        access_key,
        request.method,
        request.raw_path,
        request.query,
        request.headers,
        sigv2=True,
        auth_path=f"/{bucket}{request.raw_path}" if bucket else request.raw_path,
    )
    checked = _sigv2_check(signed, found.account_id)
    if isinstance(checked, AuthError):
        raise _refused(request, checked.code, checked.message)


def _check_sigv2_time(request: Request) -> None:
    date = request.headers.get("x-amz-date") or request.headers.get("date", "")
    try:
        age = abs(time.time() - parsedate_to_datetime(date).timestamp())
    except ValueError:
        text = "AWS authentication requires a valid Date or x-amz-date header"
        raise _refused(request, "AccessDenied", text) from None
    if age > SKEW_S:
        raise _refused(request, "RequestTimeTooSkewed", "")
