"""An upload box with a gallery that grows as the function's log does."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import ipywidgets

from deploy import logs
from deploy.cloud import Cloud
from deploy.logs import Run
from deploy.settings import Settings
from deploy.waiting import looks
from workbook import uploads
from workbook.show import timeline
from workbook.widgets.upload_box import Files, UploadBox

#: REPORT, with the billed time, comes a moment after the handler's own line.
_REPORT_S = 2.0
#: Pictures kept on the page; the timeline keeps all.
_MOST = 12


class LiveGallery(UploadBox):
    """The box, what is to be said, the pictures, and the timeline of this session.

    Attributes:
        runs: what the function said of each upload so far, oldest first.
        pending: key → when it was uploaded, while nothing is known of it.
    """

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self.runs: list[Run] = []
        self.pending: dict[str, datetime] = {}
        self.times = ipywidgets.HTML()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        super().__init__(cloud, settings)

    def take(self, files: Files) -> None:
        """Upload files, and let a thread of their own follow them."""
        started = datetime.now(UTC)
        keys = self._send(files)
        if not keys:
            return
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

    def _below(self) -> list[ipywidgets.Widget]:
        return [self.notes, self.again, self.pictures, self.times]

    def _follow(self, keys: list[str], started: datetime) -> None:
        """Show each outcome as it is logged; ends by itself."""
        try:
            for run in uploads.wait(self.cloud, self.settings, keys, started):
                self._add([run])
            self._add_reports(keys, started)
        except Exception as error:  # a thread's traceback would reach nobody
            self._tell(error)
        with self._lock:
            for key in keys:
                self.pending.pop(key, None)
            self._paint_times()

    def _add_reports(self, keys: list[str], started: datetime) -> None:
        for _ in looks(_REPORT_S):
            runs = logs.runs(self.cloud, self.settings, started)
            mine = [run for run in runs if run.key in keys]
            if all(run.duration_ms is not None for run in mine):
                self._add(mine)
                return

    def _paint_times(self) -> None:
        waiting = [timeline.pending(key, event) for key, event in self.pending.items()]
        rows = [*timeline.rows(self.settings, self.runs), *waiting]
        self.times.value = timeline.page(rows)

    def _add(self, runs: list[Run]) -> None:
        with self._lock:
            known = {(run.request_id, run.key): run for run in [*self.runs, *runs]}
            self.runs = sorted(known.values(), key=lambda run: run.done)
            for run in runs:
                self.pending.pop(run.key, None)
            self._paint_times()
            self._show(self.runs[: -_MOST - 1 : -1])  # the newest first


def live_gallery(cloud: Cloud, settings: Settings) -> LiveGallery:
    """Show an upload box and, as they come, thumbnails and each upload's timeline.

    Its code twin is `timeline(cloud, settings, upload(cloud, settings, files))`.
    """
    return LiveGallery(cloud, settings)
