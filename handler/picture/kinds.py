"""What bytes are by their first: the two formats, and what else people upload.

Names and content types are only claims. ``OTHERS`` is the one table that log, reject
record, trace and upload box have their words from, all through the handler's reason.
"""

import codecs
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
_FRAME = "upload a picture from it"
_AGAIN = "the copy has failed: upload it again"
_INSTEAD = "upload the picture instead"

#: The first that matches counts.
OTHERS = [
    Other(
        rb"....ftyp(avi[fs]|(m[is]f1|miaf|MA1[AB]).{4,64}avi[fs])",
        "an AVIF picture",
        _EXPORT,
    ),
    Other(
        rb"....ftyp(he[iv][cfmsx]|m[is]f[12]|miaf|1pic|MiH[ABE])",
        "a HEIC photo, as iPhones take",
        "export it as JPEG, or set the camera to 'Most Compatible'",
    ),
    Other(rb"....ftypcrx", "a raw photo (CR3)", _EXPORT),
    Other(rb"....(ftyp|moov|mdat|wide|free|skip|pnot)", "a video (MP4)", _FRAME),
    Other(
        rb"\x1aE\xdf\xa3|RIFF....AVI |OggS|FLV\x01|\0\0\x01[\xb3\xba]"
        rb"|0&\xb2u\x8ef\xcf\x11|G.{187}G",
        "a video",
        _FRAME,
    ),
    Other(rb"RIFF....WEBP", "a WebP picture", _EXPORT),
    Other(rb"RIFF....WAVE|ID3[\2-\4]|fLaC", "sound", _INSTEAD),
    Other(rb"GIF8[79]a", "a GIF", _EXPORT),
    Other(rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "a TIFF, or a raw photo", _EXPORT),
    Other(
        rb"FUJIFILMCCD-RAW|IIU\0|IIR[OS]|MMOR|\0MRM|FOVb|II\x1a\0",
        "a raw photo",
        _EXPORT,
    ),
    Other(rb"BM.{12}[\x0c-\x7c]\0\0\0", "a BMP", _EXPORT),
    Other(rb"\0\0[\1\2]\0[^\0]\0|icns\0", "an icon (ICO)", _EXPORT),
    Other(rb"8BPS", "a Photoshop file", _EXPORT),
    Other(rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", _EXPORT),
    Other(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ", "a JPEG 2000 picture", _EXPORT),
    Other(rb"II\xbc\x01", "a JPEG XR picture", _EXPORT),
    Other(rb"\x8a[MJ]NG", "an animation (MNG)", _EXPORT),
    Other(rb".{128}DICM", "a medical picture (DICOM)", _EXPORT),
    Other(rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript drawing", _EXPORT),
    Other(
        rb"P[1-7Ff]\s+[\dWH#]|qoif|DDS \x7c|\n[\0-\5]\x01[\1\2\4\x08]"
        rb"|\x01\xda[\0\1][\1\2]|v/1\x01|#\?RADIANCE|SIMPLE  =|AT&TFORM|FLIF|BPG\xfb"
        rb"|FORM....(ILBM|PBM )|gimp xcf|\x8bJNG"
        rb"|\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF",
        "a picture in a rare format",
        _EXPORT,
    ),
    Other(rb"\0+\Z", "nothing but zeros", _AGAIN),
    Other(rb"([^\t-~])\1{15,}\Z", "nothing but one byte, repeated", _AGAIN),
    Other(
        rb"\0\x05\x16\x07",
        "macOS's notes on a file (._…)",
        "upload the file of the same name without '._'",
    ),
    Other(
        rb"\x89PNG(?!\r\n\x1a\n)",
        "a PNG whose line ends were changed",
        f"it was sent as text (FTP, git): {_BINARY}",
    ),
    Other(
        rb"\x89PNG|\xff\xd8\xff|\xef\xbf\xbd(PNG|\xef\xbf\xbd)"  # behind a BOM
        rb"|\xc2\x89PNG|\xc3\xbf\xc3\x98|\?PNG\r?\n",
        "a picture that was sent as text",
        f"its bytes are lost on the way, through something not binary: {_BINARY}",
    ),
    Other(rb"\x1f[\x8b\x9d]", "gzip", "upload it uncompressed"),
    Other(rb"\x28\xb5\x2f\xfd", "Zstandard", "upload it uncompressed"),
    Other(
        rb"BZh[1-9]1AY|\xfd7zXZ\0|\x04\x22\x4d\x18|\x78[\x01\x5e\x9c\xda]",
        "a compressed file",
        "upload it uncompressed",
    ),
    Other(rb"\xd0\xcf\x11\xe0", "an Office document", _INSTEAD),
    Other(rb"PK(\x03\x04|\x05\x06|\x07\x08)", "a zip", _UNPACK),
    Other(rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07", "an archive", _UNPACK),
    Other(rb".{257}ustar", "a tar archive", _UNPACK),
    Other(rb"\s*%PDF-", "a PDF", "export its pages as pictures"),
    Other(
        rb"version https://(git-lfs|hawser)\.github\.com/spec/",
        "a Git LFS pointer in the picture's place",
        "fetch the picture with 'git lfs pull' first",
    ),
    Other(
        rb"[./]*(git)?/annex/objects/",
        "a git-annex pointer in the picture's place",
        "fetch the picture with 'git annex get' first",
    ),
    Other(
        rb"[0-9a-fA-F]{1,16}(;chunk-signature=|\r\nx-amz-"
        rb"|(;[^\r\n]{1,80})?\r?\n([\x89\xff]|RIFF|GIF8|....ftyp))",
        "a body in chunks (aws-chunked) that was not put together",
        "update the client, or take its checksum setting 'when required'",
    ),
    Other(
        rb"([ -~\t]*\r?\n){0,9}--[^\r\n]+\r?\n(?i:content-[a-z-]+:|[\w-]+: )",
        "a form (multipart) around the file",
        "upload the file itself, by PUT or with a presigned POST",
    ),
    Other(
        rb"HTTP/[\d.]+ \d|(?i:mime-version|content-[a-z-]+): ",
        "a message with its headers (HTTP, mail)",
        "upload the file in it alone",
    ),
    Other(
        rb"(?i:\s*[\"']?(url\([\"']?)?data(:|%3a)(image/|image%2f|[^,]{0,80};base64,))",
        "a data: URI",
        _BASE64,
    ),
    Other(
        rb"\s*(b?[\"']|base64,|[\w-]{1,30}=|-----BEGIN [A-Z ]+-----\s+)?"
        rb"(/9j/|_9j_|%2[Ff]9j%2[Ff]|iVBORw0KGgo)",
        "base64 text of a picture",
        _BASE64,
    ),
    Other(
        rb"(?i:\s*[\"']?(0+: ?)?(0x|\\x)?(ff[ ,]*(0x)?d8[ ,]*(0x)?ff"
        rb"|89[ ,]*(0x)?50[ ,]*(0x)?4e))",
        "a picture's bytes in hexadecimal",
        _BINARY,
    ),
    Other(
        rb"\s*(bytearray\()?(b[\"'])?(\\x89PNG|\\xff\\xd8)"
        rb"|(?i:([\w-]{1,30}=)?(%ff%d8|%89PNG))"
        rb"|\s*(\[\s*|\{\s*\"0\":\s*)?(137,\s*(\"1\":\s*)?80|255,\s*(\"1\":\s*)?216),"
        rb"|\s*\{\s*\"type\":\s*\"Buffer\"",
        "a picture's bytes written out as text",
        _BINARY,
    ),
    Other(
        rb"\[object |(undefined|null|None|NaN|true|false|b'')\s*\Z|System\.Byte"
        rb"|<[^>]{1,200} at 0x[0-9a-fA-F]+>|<Buffer ",
        "what a script wrote in place of the file",
        "pass the file itself to the upload",
    ),
    Other(rb"[0-9A-Za-z+/_-]{76,}[=\r\n]*", "base64 text", _BASE64),
    Other(
        rb"\s*[{\[].*\"(isBase64Encoded|base64|image)\"|\s*[{\[].*(/9j/|iVBORw0KGgo)",
        "JSON with a picture in it",
        "upload the picture's bytes alone",
    ),
    Other(
        rb"(?>\s+|<\?.*?\?>|<!--.*?-->)*+<(!DOCTYPE svg|([\w.-]+:)?svg)\b",
        "an SVG drawing",
        "export it as PNG",
    ),
    Other(
        rb"(?i:(?>\s+|<\?.*?\?>|<!--.*?-->)*+<(!doctype html|html|head|body|title|meta"
        rb"|script|style|link|h1|div|p|br|pre|center|table|img|a(?=\s)|font|form|iframe"
        rb"|main|noscript|section|span)\b)",
        "a web page (HTML)",
        "the picture's address gave a page instead: look at it in a browser",
    ),
    Other(
        rb"\s*<(\?xml|[A-Za-z][\w:.-]*[\s/>])",
        "XML",
        "if it is an answer of S3's, it says what went wrong",
    ),
    Other(rb"\s*([{\[]\s*[\"{\[\]}\d-]|\"[^\"]*\"\s*\Z)", "JSON", _INSTEAD),
    Other(
        rb".+?(\x89PNG\r\n\x1a\n|\xff\xd8\xff[\xdb\xe0\xe1])",
        "a picture behind other bytes",
        "upload it without what stands before it",
    ),
    Other(
        rb".{0,30}?(JFIF\0|Exif\0\0|\0\0\0\r\n?IHDR)",
        "a picture whose first bytes were changed",
        f"it was sent as text: {_BINARY}",
    ),
    Other(rb"\xff\xfe|\xfe\xff|\0?([\t\n\r -~]\0){7}", "text (UTF-16)", _INSTEAD),
]


def kind(data: bytes) -> str | None:
    """Tell the format by content: JPEG, PNG, or None."""
    if data.startswith(JPEG):
        return "JPEG"
    return "PNG" if data.startswith(PNG) else None


def refusal(data: bytes) -> str:
    """Return in a sentence why bytes are not taken: what they are, and what to do."""
    if not data:
        return "empty"
    start = data[:LOOKED_AT].removeprefix(codecs.BOM_UTF8)
    other = _found(_narrow(start)) or _found(start)
    if other:
        return f"not a JPEG or PNG, but {other.what}: {other.todo}"
    if _is_text(start, cut=len(data) > LOOKED_AT):
        return f"not a JPEG or PNG, but text: {_INSTEAD}"
    return "not a JPEG or PNG"


def _found(start: bytes) -> Other | None:
    matches = (each for each in OTHERS if re.match(each.begins, start, re.DOTALL))
    return next(matches, None)


def _narrow(start: bytes) -> bytes:
    """Return text of two bytes a sign (UTF-16) as of one, such as PowerShell writes."""
    wide = re.match(rb"\xff\xfe(?=(.\0){8})|\xfe\xff\0(?=(.\0){7})", start, re.DOTALL)
    wide = wide or re.match(rb"\0?(?=([\t\n\r -~]\0){7})", start)
    return start[wide.end() :: 2] if wide else start


def _is_text(start: bytes, *, cut: bool) -> bool:
    """Tell text of any script from bytes, of which the last character may be cut."""
    text = start.decode(errors="ignore")
    lost = len(start) - len(text.encode())
    plain = all(sign.isprintable() or sign.isspace() for sign in text)
    return plain and lost <= (3 if cut else 0)
