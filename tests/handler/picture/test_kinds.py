"""What is no JPEG or PNG is named by its first bytes, with what to do."""

import base64
import gzip
import io
import json
import tarfile
import time
import zipfile
import zlib
from urllib.parse import quote

import pytest
from support.pictures import chart, encoded

from handler.errors import ImageRejected
from handler.picture import kinds
from handler.picture.render import make_thumbnail

JPEG, PNG = encoded(chart()), encoded(chart(), "PNG")
FORM = b'--x1\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + JPEG
SIGNED = b"1f4;chunk-signature=" + b"0f" * 32 + b"\r\n" + JPEG
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGE = b"\xef\xbb\xbf\n<!-- a -->\n<!DOCTYPE html>\n<html><svg/></html>"
DRAWING = b'<?xml version="1.0"?>\n<!-- a --><svg xmlns="http://www.w3.org/2000/svg"/>'


def as_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a.jpg", JPEG)
    return file.getvalue()


def as_tar():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        info = tarfile.TarInfo("a.jpg")
        info.size = len(JPEG)
        made.addfile(info, io.BytesIO(JPEG))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC photo, as iPhones take"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC photo, as iPhones take"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "raw photo"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isom", "video"),
        (b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
        (encoded(chart(), "WEBP"), "WebP"),
        (encoded(chart(), "GIF"), "GIF"),
        (encoded(chart(), "TIFF"), "TIFF"),
        (encoded(chart(), "BMP"), "BMP"),
        (encoded(chart((16, 16)), "ICO"), "icon"),
        (b"8BPS\0\1", "Photoshop"),
        (b"P6\n# by hand\n2 2\n255\n" + bytes(12), "rare format"),
        (b"P7\nWIDTH 2\nHEIGHT 2\n" + bytes(4), "rare format"),
        (b"Pf\n2 2\n-1.0\n" + bytes(16), "rare format"),
        (b"FORM\0\0\1\0ILBMBMHD", "rare format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(9) + JPEG, "Office"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (encoded(chart(), "JPEG2000"), "JPEG 2000"),
        (bytes(1000), "zeros"),
        (bytes(2000) + JPEG, "zeros"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"II\xbc\x01\x08\0\0\0", "JPEG XR"),
        (b"\0\x05\x16\x07\0\2\0\0Mac OS X        ", "without '._'"),
        (JPEG.hex().encode(), "hexadecimal"),
        (b"89 50 4E 47 0D 0A", "hexadecimal"),
        (repr(PNG).encode(), "written out as text"),
        (quote(JPEG).encode(), "written out as text"),
        (json.dumps([*PNG]).encode(), "written out as text"),
        (b'{"type":"Buffer","data":[137,80]}', "written out as text"),
        (b"[object Blob]", "in place of the file"),
        (b"undefined", "in place of the file"),
        (b"\n" + PNG, "behind other bytes"),
        (b"\xef\xbb\xbf" + JPEG, "sent as text"),
        (bytes(8) + JPEG, "behind other bytes"),
        ("text".encode("utf-16"), "UTF-16"),
        (PNG.replace(b"\r\n", b"\n"), "line ends"),
        (PNG.replace(b"\n", b"\r\n"), "line ends"),
        (PNG.replace(b"\r", b"\n"), "line ends"),
        (PNG.decode("latin-1").encode(), "sent as text"),
        (JPEG.decode("latin-1").encode(), "sent as text"),
        (PNG.decode(errors="replace").encode(), "sent as text"),
        (JPEG.decode(errors="replace").encode(), "sent as text"),
        (gzip.compress(JPEG), "gzip"),
        (as_zip(), "a zip"),
        (as_tar(), "tar"),
        (b"%PDF-1.7\n", "PDF"),
        (POINTER, "git lfs pull"),
        (SIGNED, "aws-chunked"),
        (b"1f4\r\n" + JPEG, "aws-chunked"),
        (FORM, "multipart"),
        (b"data:image/jpeg;base64," + base64.b64encode(JPEG), "data: URI"),
        (base64.b64encode(JPEG), "base64 text of a picture"),
        (base64.encodebytes(PNG), "base64 text of a picture"),
        (base64.b64encode(bytes(99)), "base64 text"),
        (b'{"body": "x", "isBase64Encoded": true}', "JSON with a picture"),
        (b'{"a": 1}', "JSON"),
        (DRAWING, "SVG"),
        (b"<svg/>", "SVG"),
        (PAGE, "HTML"),
        (b"<html>", "HTML"),
        (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code>', "XML"),
        (b"\0\0\0\x08wide\0\0\x10\0mdat", "video"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01webm", "video"),
        (b"\0\0\0\x1cftypmiaf\0\0\0\0avifmif1", "AVIF"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "sound"),
        (b"\0MRM\0\1\0\0" + bytes(range(60)), "raw photo"),
        (encoded(chart(), "PPM"), "rare format"),
        (encoded(chart((16, 16)), "ICNS"), "icon"),
        (b"\xff" * 2000, "one byte, repeated"),
        (b"\xef\xbb\xbf%PDF-1.4\n", "PDF"),
        (zlib.compress(JPEG), "compressed"),
        (PNG.replace(b"\n", b"\r"), "line ends"),
        (PNG.decode("ascii", "ignore").encode(), "first bytes were changed"),
        (JPEG.decode("cp437").encode(), "first bytes were changed"),
        (bytes(byte & 127 for byte in JPEG), "first bytes were changed"),
        (base64.urlsafe_b64encode(JPEG), "base64 text of a picture"),
        (repr(base64.b64encode(JPEG)).encode(), "base64 text of a picture"),
        (b"\xef\xbb\xbf" + base64.b64encode(PNG), "base64 text of a picture"),
        (base64.b64encode(JPEG).decode().encode("utf-16"), "base64 text of a picture"),
        (b"image=" + base64.b64encode(PNG), "base64 text of a picture"),
        (f"DATA:image/jpeg,{quote(JPEG)}".encode(), "data: URI"),
        (b"data%3Aimage%2Fpng%3Bbase64%2CiVBORw0KGgo", "data: URI"),
        (json.dumps({"body": base64.b64encode(PNG).decode()}).encode(), "JSON with a"),
        (b"This is a multi-part message.\r\n" + FORM, "multipart"),
        (b"--x\r\nMIME-Version: 1.0\r\n\r\n" + JPEG, "multipart"),
        (b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + JPEG, "headers"),
        (b"Content-Type: image/png\r\n\r\n" + PNG, "headers"),
        (b"2\r\n" + JPEG[:2] + b"\r\n100\r\n" + JPEG[2:], "aws-chunked"),
        (b"400;a=b\r\n" + PNG, "aws-chunked"),
        (b"\\x" + JPEG.hex().encode(), "hexadecimal"),
        (b"00000000: ffd8 ffe0 0010", "hexadecimal"),
        (JPEG.decode("ascii", "backslashreplace").encode(), "written out as text"),
        (json.dumps(dict(enumerate(PNG))).encode(), "written out"),
        (b"<PIL.Image.Image mode=RGB size=1x1 at 0x7F0A>", "in place of the file"),
        (b"../.git/annex/objects/x/y/SHA256E-s1--a.jpg", "git annex get"),
        (DRAWING.replace(b"<!-- a -->", b"<!DOCTYPE svg [<!ENTITY a 'b'>]>"), "SVG"),
        (DRAWING.replace(b"<!-- a -->", b"<?xml-stylesheet href='a'?>"), "SVG"),
        (b"<?xml version='1.0'?>\n<!DOCTYPE html>\n<html>", "HTML"),
        (b"<h1>404 Not Found</h1>", "HTML"),
        (b"<ListBucketResult>", "XML"),
        (b"\xef\xbb\xbf[1, 2]", "JSON"),
        ("Grüße, 世界".encode() * 300, "text: upload the picture instead"),
        (b"hello", "text: upload the picture instead"),
        (b"\0\0\0\x18ftypMiHE\0\0\0\0MiHEmif2", "HEIC photo, as iPhones take"),
        (b"\0\0\0\x14ftypmif2\0\0\0\0mif2", "HEIC photo, as iPhones take"),
        (b"preamble\r\n\r\n" + FORM, "multipart"),
        (FORM.replace(b": form", b":form"), "multipart"),
        (b"1f4\r\nRIFF\x10\0\0\0WEBPVP8 ", "aws-chunked"),
        (b"1f4\r\n\0\0\0\x18ftypheic", "aws-chunked"),
        (b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "aws-chunked"),
        (b"00000000000001f4\r\n" + JPEG, "aws-chunked"),
        (base64.b64encode(JPEG).decode().encode("utf-16-be"), "base64 text of a"),
        (PAGE.decode("utf-8-sig").encode("utf-16-be"), "HTML"),
        (JPEG.decode("latin-1").encode("utf-16"), "sent as text"),
        (b"<a href='x'>", "HTML"),
        (b"<ns0:svg xmlns:ns0='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_named_by_its_first_bytes(data, what):
    with pytest.raises(ImageRejected) as caught:
        make_thumbnail(data)
    before, _, todo = caught.value.reason.partition(", but ")
    assert before == "not a JPEG or PNG"
    assert what in todo and ": " in todo


@pytest.mark.parametrize("data", [b"\x01\x02\x03\xfe\xfd", b"\xff\xd8\n", b"\x89"])
def test_unknown_bytes(data):
    assert kinds.refusal(data) == "not a JPEG or PNG"


def test_nothing_is_slow_to_name():
    started = time.process_time()
    for part in (b"<!---->", b"<!--", b"<?xml>", b" ", b"{", b"A", b"<!DOCTYPE svg>"):
        kinds.refusal(part * 100_000)
    assert time.process_time() - started < 1
