"""Open the wall, and close it: what listens ends with the lesson."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from datetime import datetime, timedelta

from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook import html, session
from workbook.classroom.wall import intake, links, server
from workbook.classroom.wall.board import Board
from workbook.classroom.wall.limits import Limits
from workbook.errors import messages

_HERE = "127.0.0.1"
#: Between two looks at the cloud, in seconds; AWS counts calls of FilterLogEvents.
_PACE_S = {"aws": 2.0}
_MOST_MINUTES = 8 * 60


class Lesson:
    """An open wall: its links, and how it is closed. A `with` block closes it, too.

    Attributes:
        url: the page for the projector, for this machine alone.
        link: the page for phones; empty where no address was named for them.
        is_open: whether it still listens.
    """

    def __init__(
        self,
        cloud: Cloud,
        settings: Settings,
        *,
        phones: str = "",
        port: int = 0,
        minutes: float = 120,
        direct: bool | None = None,
        limits: Limits | None = None,
    ) -> None:
        intake.require_rule(cloud, settings)
        self._stop = asyncio.Event()
        self._minutes = min(minutes, _MOST_MINUTES)
        ends = datetime.now() + timedelta(minutes=self._minutes)
        straight = cloud.kind == "aws" if direct is None else direct
        self._wall = server.Wall(
            cloud,
            settings,
            Board(cloud, settings),
            limits or Limits(),
            ends=f"{ends:%H:%M}",
            end=self._stop.set,
        )
        if straight:
            self._wall.direct = intake.Direct(cloud, settings)
        self._closing = contextlib.ExitStack()
        self.url, self.link = "", ""
        with contextlib.ExitStack() as opened:  # closed again if opening fails
            self._sockets = [opened.enter_context(links.listen(_HERE))]
            if phones:
                self._sockets.append(opened.enter_context(links.listen(phones, port)))
            self._name_doors(phones)
            if phones and straight:
                origin = self.link.rsplit("/", 2)[0]
                self._closing.enter_context(
                    intake.page_allowed(cloud, settings, origin)
                )
            opened.pop_all()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="wall", daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Tell whether it still listens."""
        return self._thread.is_alive()

    @property
    def ends(self) -> str:
        """The clock time at which it closes by itself."""
        return self._wall.ends

    def end(self) -> None:
        """End the lesson soon; `close` and `wait` return once nothing listens."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)

    def close(self) -> None:
        """End the lesson: when this returns, nothing listens."""
        self.end()
        self._thread.join()

    def wait(self) -> None:
        """Return once the lesson has ended, by its time or by its button."""
        while self._thread.is_alive():
            self._thread.join(0.5)  # a join without an end hears no Ctrl+C on Windows

    def __enter__(self) -> Lesson:
        """Return it, open already."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Say where it is, and how it ends."""
        if not self.is_open:
            return "The wall is closed."
        phones = f"Phones: {self.link}" if self.link else _no_phones()
        return f"The wall: {self.url}\n{phones}\nIt closes at {self.ends}."

    def _repr_html_(self) -> str:
        if not self.is_open:
            return html.block("The wall is closed.")
        here = f'<a href="{self.url}" target="_blank" rel="noopener">Open the wall</a>'
        phones = f"Phones: {self.link}" if self.link else _no_phones()
        return html.block(
            f"<b>{here}</b> on the projector.<br>{html.marked(phones)}<br>"
            f"It closes at {self.ends}, or with {html.marked('`lesson.close()`')}."
        )

    def _name_doors(self, phones: str) -> None:
        """Write the links, and who is let in by them."""
        here, *there = [each.getsockname()[1] for each in self._sockets]
        key, code = links.key(), links.code()
        hosts = (links.host(_HERE, here), links.host("localhost", here))
        self.url = f"http://{hosts[0]}/{key}/"
        self._doors = [(server.projector, server.Door(hosts, key))]
        for port in there:
            host = links.host(phones, port)
            self.link = self._wall.link = f"http://{host}/{code}/"
            self._wall.qr_code = links.qr_code(self.link)
            self._doors.append((server.phones, server.Door((host,), code)))

    def _run(self) -> None:
        with self._closing, contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        """Listen and look until it ends."""
        serving = [make(self._wall, door) for make, door in self._doors]
        for each, listening in zip(serving, self._sockets, strict=True):
            each.add_socket(listening)
        looking = asyncio.create_task(self._look())
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._minutes * 60)
        finally:
            looking.cancel()
            for each in serving:
                each.stop()
                await each.close_all_connections()

    async def _look(self) -> None:
        """Read what is new, again and again; a refusal is told on the wall."""
        while True:
            try:
                await asyncio.to_thread(self._wall.board.look)
                self._wall.trouble = ""
            except messages.CLOUD_ERRORS as error:
                self._wall.trouble = messages.sentence(error)
            await asyncio.sleep(_PACE_S.get(self._wall.cloud.kind, 0.5))


_open: list[Lesson] = []


def wall(
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    phones: str = "",
    port: int = 0,
    minutes: float = 120,
) -> Lesson:
    """Open the wall, for the projector; one that this notebook opened before closes.

    Args:
        cloud, settings: the notebook's own if left out.
        phones: an address of this machine that phones reach, as in "192.168.1.20";
            without it, the wall shows what notebooks upload.
        port: for phones; a free one if left out.
        minutes: after which it closes by itself.

    Raises:
        WorkbookError: no pipeline stands, or nothing can listen at that address.
    """
    while _open:
        _open.pop().close()
    cloud, settings = session.place(cloud, settings)
    _open.append(Lesson(cloud, settings, phones=phones, port=port, minutes=minutes))
    return _open[-1]


def _no_phones() -> str:
    found = links.addresses()
    example = found[0] if found else "192.168.1.20"
    return (
        f"No door for phones: `--phones {example}`, in a notebook "
        f"`phones={example!r}`, opens it on that network."
    )
