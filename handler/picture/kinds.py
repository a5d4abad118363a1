"""What bytes are by their first: the two formats, and what else people upload.

Names and content types are only claims. ``OTHERS`` is the one table that log, reject
record, trace and upload box have their words from, all through the handler's reason.
"""

import re
from typing import NamedTuple

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
LOOKED_AT = 1024  # bytes, from the first


class Other(NamedTuple):
    """Bytes that are no picture of ours: how they begin, what they are, what to do."""

    begins: bytes  # a regular expression
    what: str
    todo: str


_EXPORT = "export it as JPEG or PNG"
_BINARY = "send the file's bytes as they are"
_BASE64 = "decode it before the upload"
_UNPACK = "unpack it, and upload the pictures in it"

#: The first that matches counts.
OTHERS = [
    Other(rb"....ftyp(avi[fs]|m[is]f1.{4,64}avi[fs])", "an AVIF picture", _EXPORT),
    Other(
        rb"....ftyp(heic|heix|heim|heis|hevc|hevx|heif|mif1|msf1)",
        "a HEIC photo, as iPhones take",
        "export it as JPEG, or set the camera to 'Most Compatible'",
    ),
    Other(rb"....ftypcrx", "a raw photo (CR3)", _EXPORT),
    Other(rb"....(ftyp|moov|mdat)", "a video (MP4)", "upload a picture from it"),
    Other(rb"RIFF....WEBP", "a WebP picture", _EXPORT),
    Other(rb"GIF8[79]a", "a GIF", _EXPORT),
    Other(rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "a TIFF, or a raw photo", _EXPORT),
    Other(rb"FUJIFILMCCD-RAW|IIU\0|IIR[OS]", "a raw photo", _EXPORT),
    Other(rb"BM....\0\0\0\0....[\x0c-\x7c]\0\0\0", "a BMP", _EXPORT),
    Other(rb"\0\0[\1\2]\0[^\0]\0", "an icon (ICO)", _EXPORT),
    Other(rb"8BPS", "a Photoshop file", _EXPORT),
    Other(rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", _EXPORT),
    Other(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ", "a JPEG 2000 picture", _EXPORT),
    Other(rb"II\xbc\x01", "a JPEG XR picture", _EXPORT),
    Other(rb"\x8a[MJ]NG", "an animation (MNG)", _EXPORT),
    Other(rb".{128}DICM", "a medical picture (DICOM)", _EXPORT),
    Other(rb"%!PS", "a PostScript drawing", _EXPORT),
    Other(rb"\0+\Z", "nothing but zeros", "the copy has failed: upload it again"),
    Other(
        rb"\0\x05\x16\x07",
        "macOS's notes on a file (._…)",
        "upload the file of the same name without '._'",
    ),
    Other(
        rb"\x89PNG[\r\n]",
        "a PNG whose line ends were changed",
        f"it was sent as text (FTP, git): {_BINARY}",
    ),
    Other(
        rb"\xef\xbb\xbf(\x89PNG|\xff\xd8\xff)|\xef\xbf\xbd(PNG|\xef\xbf\xbd)"
        rb"|\xc2\x89PNG|\xc3\xbf\xc3\x98|\?PNG\r?\n",
        "a picture that was sent as text",
        f"its bytes are lost on the way, through something not binary: {_BINARY}",
    ),
    Other(rb"\x1f\x8b", "gzip", "upload it uncompressed"),
    Other(rb"\x28\xb5\x2f\xfd", "Zstandard", "upload it uncompressed"),
    Other(rb"BZh[1-9]1AY|\xfd7zXZ\0", "a compressed file", "upload it uncompressed"),
    Other(rb"PK\x03\x04|PK\x05\x06", "a zip", _UNPACK),
    Other(rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07", "an archive", _UNPACK),
    Other(rb".{257}ustar", "a tar archive", _UNPACK),
    Other(rb"\s*%PDF-", "a PDF", "export its pages as pictures"),
    Other(
        rb"version https://git-lfs\.github\.com/spec/",
        "a Git LFS pointer in the picture's place",
        "fetch the picture with 'git lfs pull' first",
    ),
    Other(
        rb"[0-9a-fA-F]+;chunk-signature=[0-9a-f]{64}\r\n"
        rb"|[0-9a-fA-F]+\r\n(\x89PNG|\xff\xd8\xff)",
        "a body in chunks (aws-chunked) that was not put together",
        "update the client, or take its checksum setting 'when required'",
    ),
    Other(
        rb"\r?\n?--[^\r\n]+\r?\n[Cc]ontent-",
        "a form (multipart) around the file",
        "upload the file itself, by PUT or with a presigned POST",
    ),
    Other(rb"\s*[\"']?data:[^,]*;base64,", "a data: URI", _BASE64),
    Other(rb"\s*[\"']?(/9j/|iVBORw0KGgo)", "base64 text of a picture", _BASE64),
    Other(
        rb"(?i:\s*[\"']?(0x)?(ff ?d8 ?ff|89 ?50 ?4e ?47))",
        "a picture's bytes in hexadecimal",
        _BINARY,
    ),
    Other(
        rb"\s*b[\"'](\\x89PNG|\\xff\\xd8)|(?i:%ff%d8|%89PNG)"
        rb"|\s*\[\s*(137,\s*80|255,\s*216),|\s*\{\s*\"type\":\s*\"Buffer\"",
        "a picture's bytes written out as text",
        _BINARY,
    ),
    Other(
        rb"\[object |(undefined|null|None)\s*\Z",
        "what a script wrote in place of the file",
        "pass the file itself to the upload",
    ),
    Other(rb"[0-9A-Za-z+/]{76,}[=\r\n]*", "base64 text", _BASE64),
    Other(
        rb"\s*\{.*\"(isBase64Encoded|base64|image)\"",
        "JSON with a picture in it",
        "upload the picture's bytes alone",
    ),
    Other(
        rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?"
        rb"(?>(<!--.*?-->|<!DOCTYPE svg[^>]*>)\s*)*+"
        rb"<svg\b",
        "an SVG drawing",
        "export it as PNG",
    ),
    Other(
        rb"(?i:(\xef\xbb\xbf)?\s*(?><!--.*?-->\s*)*+<(!doctype html|html|head|body)\b)",
        "a web page (HTML)",
        "the picture's address gave a page instead: look at it in a browser",
    ),
    Other(
        rb"(\xef\xbb\xbf)?\s*<\?xml|\s*<Error>",
        "XML",
        "if it is an answer of S3's, it says what went wrong",
    ),
    Other(rb"\s*[{\[]\s*[\"{\[\]}]", "JSON", "upload the picture instead"),
    Other(
        rb".+?(\x89PNG\r\n\x1a\n|\xff\xd8\xff[\xdb\xe0\xe1])",
        "a picture behind other bytes",
        "upload it without what stands before it",
    ),
    Other(rb"\xff\xfe|\xfe\xff", "text (UTF-16)", "upload the picture instead"),
]
_TEXT = "text"
_TEXT_TODO = "upload the picture instead"


def kind(data: bytes) -> str | None:
    """Tell the format by content: JPEG, PNG, or None."""
    if data.startswith(JPEG):
        return "JPEG"
    return "PNG" if data.startswith(PNG) else None


def refusal(data: bytes) -> str:
    """Return in a sentence why bytes are not taken: what they are, and what to do."""
    if not data:
        return "empty"
    start = data[:LOOKED_AT]
    for other in OTHERS:
        if re.match(other.begins, start, re.DOTALL):
            return f"not a JPEG or PNG, but {other.what}: {other.todo}"
    if _is_text(start, cut=len(data) > LOOKED_AT):
        return f"not a JPEG or PNG, but {_TEXT}: {_TEXT_TODO}"
    return "not a JPEG or PNG"


def _is_text(start: bytes, *, cut: bool) -> bool:
    """Tell text of any script from bytes, of which the last character may be cut."""
    text = start.decode(errors="ignore")
    lost = len(start) - len(text.encode())
    plain = all(sign.isprintable() or sign.isspace() for sign in text)
    return plain and lost <= (3 if cut else 0)
