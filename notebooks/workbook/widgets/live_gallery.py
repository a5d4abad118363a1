"""An upload box with a gallery that grows as the function's log does."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import ipywidgets

from deploy import logs
from deploy.cloud import Cloud
from deploy.logs import Run
from deploy.settings import Settings
from workbook import uploads
from workbook.errors import messages
from workbook.show import html, timeline
from workbook.show.pictures import side_by_side
from workbook.widgets.upload_box import Files, chooser, hint, send

_PAUSE_S = 0.1
#: REPORT, with the billed time, comes a moment after the handler's own line.
_REPORT_S = 2.0


#: Pictures kept on the page; the timeline keeps all.
_MOST = 12


class LiveGallery(ipywidgets.VBox):
    """The box, what is to be said, the pictures, and the timeline of this session.

    Attributes:
        runs: what the function said of each upload so far, oldest first.
    """

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self.cloud, self.settings = cloud, settings
        self.runs: list[Run] = []
        self.pending: dict[str, datetime] = {}
        self.said, self.pictures, self.times = (ipywidgets.HTML() for _ in range(3))
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        children = [chooser(self.take, self.said), hint()]
        super().__init__([*children, self.said, self.times, self.pictures])

    def take(self, files: Files) -> None:
        """Upload files, and let a thread of their own follow them."""
        started = datetime.now(UTC)
        self.said.value = html.note("Uploading …", html.GREY)
        notes, keys = send(self.cloud, self.settings, files)
        self.said.value = "".join(notes)
        if keys:
            with self._lock:
                self.pending |= dict.fromkeys(keys, datetime.now(UTC))
                self._paint_times()
            follower = threading.Thread(
                target=self._follow, args=(keys, started), daemon=True
            )
            self._threads.append(follower)
            follower.start()

    def join(self, timeout_s: float = uploads.PATIENCE_S) -> None:
        """Wait until everything that was uploaded is shown."""
        for thread in self._threads:
            thread.join(timeout_s)

    def _follow(self, keys: list[str], started: datetime) -> None:
        """Show each outcome as it is logged; ends by itself."""
        try:
            for run in uploads.wait(self.cloud, self.settings, keys, started):
                self._show([run])
            self._add_reports(keys, started)
        except Exception as error:  # a thread's traceback would reach nobody
            self.said.value += html.note(messages.sentence(error), html.RED)
        with self._lock:
            for key in keys:
                self.pending.pop(key, None)
            self._paint_times()

    def _add_reports(self, keys: list[str], started: datetime) -> None:
        deadline = time.monotonic() + _REPORT_S
        while time.monotonic() < deadline:
            runs = logs.runs(self.cloud, self.settings, started)
            mine = [run for run in runs if run.key in keys]
            if all(run.duration_ms is not None for run in mine):
                self._show(mine)
                return
            time.sleep(_PAUSE_S)

    def _paint_times(self) -> None:
        waiting = [timeline.pending(key, event) for key, event in self.pending.items()]
        rows = [*timeline.rows(self.settings, self.runs), *waiting]
        self.times.value = timeline.page(rows)

    def _show(self, runs: list[Run]) -> None:
        with self._lock:
            known = {(run.request_id, run.key): run for run in [*self.runs, *runs]}
            self.runs = sorted(known.values(), key=lambda run: run.done)
            for run in runs:
                self.pending.pop(run.key, None)
            self._paint_times()
            newest = list(reversed(self.runs))
            self.pictures.value = side_by_side(
                self.cloud, self.settings, newest[:_MOST]
            ).data


def live_gallery(cloud: Cloud, settings: Settings) -> LiveGallery:
    """Show an upload box and, as they come, thumbnails and each upload's timeline.

    Its code twin is `timeline(cloud, settings, upload(cloud, settings, files))`.
    """
    return LiveGallery(cloud, settings)
