"""Two doors: the projector's page on this machine alone, and the phones' page.

Each answers to its own address and code, and to no page of another origin. Nothing is
read from a disk by a name that somebody sent: a path has a code and a number in it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import string
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tornado import httputil, iostream
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler, stream_request_body

from deploy.cloud import Cloud
from deploy.settings import Settings
from handler.picture import kinds
from workbook import uploads
from workbook.classroom.wall import intake
from workbook.classroom.wall.board import Board
from workbook.classroom.wall.limits import Limits, Rate, Room
from workbook.errors import messages
from workbook.show import pictures

_PAGE = Path(__file__).with_name("page")
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_NO_CODE = "This link lacks the lesson's code: scan the QR code on the wall again."
_OTHER_PAGE = "Requests of other pages are refused."
_BUSY = "Many photos come in just now: this one is tried again."
_FULL = "Not taken: the wall has all the photos that it takes in a lesson."
_NO_CLOUD = "Not taken: the teacher's cloud did not answer. Try again in a minute."


@dataclass
class Wall:
    """What both doors share.

    Attributes:
        ends: the clock time at which the lesson ends.
        end: ends it now.
        direct: set where phones send photos to S3 themselves.
        link: where phones go; empty without a door for them.
        trouble: what the cloud refused last, in a sentence.
        taken_bytes: of all photos so far.
    """

    cloud: Cloud
    settings: Settings
    board: Board
    limits: Limits
    ends: str
    end: Callable[[], None]
    direct: intake.Direct | None = None
    link: str = ""
    qr_code: bytes = b""
    trouble: str = ""
    taken_bytes: int = 0
    room: Room = field(init=False)
    rate: Rate = field(init=False)
    rate_of_all: Rate = field(init=False)

    def __post_init__(self) -> None:
        """Make the counters."""
        limits = self.limits
        self.room = Room(limits.at_once, limits.at_once_each)
        self.rate = Rate(limits.burst, limits.every_s)
        self.rate_of_all = Rate(limits.all_burst, limits.all_every_s)

    def wait(self, sender: str) -> int:
        """Say how many seconds a sender has to wait, 0 for none."""
        return self.rate.wait(sender) or self.rate_of_all.wait()


@dataclass(frozen=True)
class Door:
    """Who may come in: by which host, from which page, with which code."""

    hosts: tuple[str, ...]
    code: str

    def refusal(self, request: httputil.HTTPServerRequest) -> str:
        """Say why a request is refused; "" where it is not."""
        host = request.headers.get("Host", "").lower()
        if host not in self.hosts:
            return "This is not the host that was asked for."
        site = request.headers.get("Sec-Fetch-Site", "none")
        # A link on another page may be followed; that page itself may ask nothing.
        followed = request.headers.get("Sec-Fetch-Mode") == "navigate"
        opened = followed and request.method == "GET"
        if site not in ("none", "same-origin") and not opened:
            return _OTHER_PAGE
        if request.headers.get("Origin", f"http://{host}") != f"http://{host}":
            return _OTHER_PAGE
        given = request.path.split("/")[1]
        same = hmac.compare_digest(given.encode(), self.code.encode())
        return "" if same else _NO_CODE


class _Handler(RequestHandler):
    """What every answer has: the door's check before it, strict headers on it."""

    @property
    def wall(self) -> Wall:
        return self.settings["wall"]

    def prepare(self) -> None:
        if why := self.settings["door"].refusal(self.request):
            self.refuse(403, why)

    def set_default_headers(self) -> None:
        beside = f" {self.wall.direct.origin}" if self.wall.direct else ""
        self.clear_header("Server")
        for name, value in {
            "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
            "style-src 'self'; img-src 'self' blob: data:; "
            f"connect-src 'self'{beside}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }.items():
            self.set_header(name, value)

    def refuse(self, status: int, sentence: str, wait_s: int = 0) -> None:
        """Answer with one sentence, and when to try again."""
        self.set_status(status)
        if wait_s:
            self.set_header("Retry-After", str(wait_s))
        self.send(sentence.encode(), "text/plain; charset=utf-8")

    def tell(self, found: dict[str, Any]) -> None:
        """Answer with JSON."""
        self.send(json.dumps(found).encode(), "application/json")

    def send(self, body: bytes, content_type: str) -> None:
        """Answer with bytes of a type."""
        self.set_header("Content-Type", content_type)
        self.finish(body)

    def write_error(self, status_code: int, **more: Any) -> None:
        """Say no more than this: what went wrong inside is nobody's out there."""
        words = {404: "There is no such page.", 405: "That cannot be done here."}
        self.refuse(status_code, words.get(status_code, "That went wrong."))


class _Nowhere(_Handler):
    """Every path that is none of ours."""

    def prepare(self) -> None:
        super().prepare()
        if not self._finished:
            self.send_error(404)


class _File(_Handler):
    """One of our own files; into a page go a few words of ours."""

    def initialize(self, name: str) -> None:
        self._name = name

    def get(self) -> None:
        text = (_PAGE / self._name).read_text("utf-8")
        kind = self._name.rpartition(".")[2]
        if kind == "html":
            most = self.wall.settings.max_bytes
            host, slash, code = self.wall.link.rstrip("/").rpartition("/")
            text = string.Template(text).substitute(
                ends=self.wall.ends,
                host=host.removeprefix("http://") + slash,
                code=code,
                phones="open" if self.wall.link else "closed",
                way="form" if self.wall.direct else "bridge",
                most=most,
                too_large=intake.too_large(most),
            )
        self.send(text.encode(), f"{_TYPES[kind]}; charset=utf-8")


class _State(_Handler):
    """What the projector's page asks once a second."""

    def get(self) -> None:
        self.tell(self.wall.board.state() | {"trouble": self.wall.trouble})


class _QrCode(_Handler):
    def get(self) -> None:
        self.send(self.wall.qr_code, "image/svg+xml")


class _Picture(_Handler):
    """A photo's small copy, or its thumbnail."""

    async def get(self, number: str, which: str) -> None:
        board = self.wall.board
        read = board.thumbnail if which == "thumbnail" else board.photo
        data = await asyncio.to_thread(read, int(number))
        if data is None:
            self.send_error(404)
        else:
            self.send(data, f"image/{pictures.kind(data)}")


class _Hide(_Handler):
    async def post(self, number: str) -> None:
        try:
            await asyncio.to_thread(self.wall.board.hide, int(number))
        except messages.CLOUD_ERRORS as error:
            self.wall.trouble = messages.sentence(error)
        self.tell({})


class _End(_Handler):
    def post(self) -> None:
        self.tell({})
        self.wall.end()


@stream_request_body
class _Taken(_Handler):
    """What a phone sends: refused as early as can be, and never kept in part."""

    _most = 0
    _inside = ""

    def prepare(self) -> None:
        self._body = bytearray()
        super().prepare()
        if self._finished or self.request.method != "POST":
            return
        length = self.request.headers.get("Content-Length", "")
        sender = self.request.remote_ip or ""
        if not length.isdecimal():
            self.refuse(411, "Not taken: the phone did not say how large it is.")
        elif int(length) > self.most():
            self.refuse(413, intake.too_large(self.wall.settings.max_bytes))
        elif wait_s := self.wall.wait(sender):
            self.refuse(429, _BUSY, wait_s)
        elif not self.wall.room.enter(sender):
            self.refuse(503, _BUSY, 2)
        else:
            self._inside = sender

    def most(self) -> int:
        """Say how many bytes a body may have."""
        return self.wall.settings.max_bytes

    def data_received(self, chunk: bytes) -> None:
        if self._inside:
            self._body += chunk

    async def post(self) -> None:
        try:
            self.set_status(201)
            self.tell(await self.take(bytes(self._body)))
        except intake.NotTaken as error:
            self.refuse(415, str(error))
        except messages.CLOUD_ERRORS as error:
            self.wall.trouble = messages.sentence(error)
            self.refuse(502, _NO_CLOUD)

    async def take(self, body: bytes) -> dict[str, Any]:
        """Take a photo, and tell its number on the wall."""
        key = intake.new_key(body)
        self.count(len(body))
        number = self.wall.board.number(key)
        place = (self.wall.cloud, self.wall.settings, key, body)
        await asyncio.to_thread(uploads.put, *place)
        return {"number": number}

    def count(self, size: int) -> None:
        """Count a photo's bytes to those of the lesson.

        Raises:
            NotTaken: there are enough.
        """
        if self.wall.taken_bytes + size > self.wall.limits.total_bytes:
            raise intake.NotTaken(_FULL)
        self.wall.taken_bytes += size

    def on_finish(self) -> None:
        self._leave()

    def on_connection_close(self) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._inside:
            self.wall.room.leave(self._inside)
        self._inside, self._body = "", bytearray()


class _Form(_Taken):
    """A form for S3, for a photo of which size and first bytes are shown."""

    def most(self) -> int:
        return kinds.LOOKED_AT

    async def take(self, body: bytes) -> dict[str, Any]:
        most, size = self.wall.settings.max_bytes, self.get_query_argument("size", "")
        key = intake.new_key(body)
        if self.wall.direct is None or not re.fullmatch(r"[1-9]\d{0,11}", size):
            raise intake.NotTaken("Not taken: the phone did not say how large it is.")
        if int(size) > most:
            raise intake.NotTaken(intake.too_large(most))
        self.count(int(size))
        form = await asyncio.to_thread(self.wall.direct.form, key, int(size))
        return {"number": self.wall.board.number(key), **asdict(form)}


class _Server(HTTPServer):
    """A server with so many connections and no more."""

    most = 0

    def handle_stream(self, stream: iostream.IOStream, address: tuple) -> None:
        if len(self._connections) >= self.most:
            stream.close()
        else:
            super().handle_stream(stream, address)


def projector(wall: Wall, door: Door) -> HTTPServer:
    """Serve the wall itself: what is shown, and what the teacher's keys do."""
    number = r"/[^/]+/(\d{1,6})"
    routes: list[Any] = [
        *_files("wall"),
        (r"/[^/]+/state", _State),
        (r"/[^/]+/qr\.svg", _QrCode),
        (rf"{number}/(photo|thumbnail)", _Picture),
        (rf"{number}/hide", _Hide),
        (r"/[^/]+/end", _End),
    ]
    return _served(wall, door, routes, most_bytes=1024)


def phones(wall: Wall, door: Door) -> HTTPServer:
    """Serve the page that phones send photos from."""
    taken: list[Any] = [(r"/[^/]+/photos", _Taken)]
    if wall.direct:
        taken = [(r"/[^/]+/form", _Form)]
    most = wall.settings.max_bytes
    return _served(wall, door, [*_files("phone"), *taken], most_bytes=most)


def _files(name: str) -> list[Any]:
    """Route to the three files of a page."""
    page = (r"/[^/]+/", _File, {"name": f"{name}.html"})
    beside = ((rf"/[^/]+/{name}\.{kind}", kind) for kind in ("css", "js"))
    return [page, *((at, _File, {"name": f"{name}.{kind}"}) for at, kind in beside)]


def _served(wall: Wall, door: Door, routes: list[Any], most_bytes: int) -> HTTPServer:
    application = Application(
        routes,
        default_handler_class=_Nowhere,
        log_function=lambda handler: None,  # a code would stand in every line
        wall=wall,
        door=door,
    )
    server = _Server(
        application,
        max_header_size=16_384,
        max_body_size=most_bytes,
        idle_connection_timeout=wall.limits.header_s,
        body_timeout=wall.limits.body_s,
    )
    server.most = wall.limits.connections
    return server
