"""A box to drop photos into: they are uploaded, and their thumbnails shown."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import ipywidgets

from deploy import notifications
from deploy.cloud import Cloud
from deploy.logs import Run
from deploy.settings import Settings
from workbook import html, photos
from workbook.errors import messages
from workbook.show import restarted
from workbook.show.pictures import Pairs
from workbook.uploads import put, wait

HINT = (
    "At most 10 MB at once, or 100 MB where `thumbnail-workbook lab` started Jupyter. "
    'In code there is no limit: `upload(cloud, settings, "photo.jpg")`'
)

Files = tuple[dict[str, Any], ...]


class UploadBox(ipywidgets.VBox):
    """The box, what is to be said, and each upload beside its thumbnail.

    Whatever goes wrong is told in a sentence under the box, which keeps working.
    """

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self.cloud, self.settings = cloud, settings
        self.notes, self.pictures = ipywidgets.HTML(), ipywidgets.HTML()
        self._pairs = Pairs(cloud, settings)
        self._again: list[dict[str, Any]] = []
        self.again = ipywidgets.Button(layout={"display": "none", "width": "auto"})
        self.again.on_click(lambda _: self._try(tuple(self._again)))
        super().__init__([self._chooser(), hint(), *self._below()])

    def take(self, files: Files) -> None:
        """Upload files, and show each outcome as the log tells it."""
        self.pictures.value = ""
        started = datetime.now(UTC)
        keys = self._send(files)
        sent = self.notes.value
        self.notes.value += html.note("Waiting …", html.GREY)
        runs: list[Run] = []
        try:
            for run in wait(self.cloud, self.settings, keys, started):
                runs.append(run)
                self._show(runs)
        except messages.CLOUD_ERRORS as error:
            sent += messages.note(error)
        self.notes.value = sent

    def _offer(self, files: Files) -> None:
        """Offer to upload what starts nothing under a name that does, with a click."""
        self._again = []
        for file in files:
            name, content = file["name"], bytes(file["content"])
            with suppress(messages.WorkbookError):
                if photos.advice(name, content, self.settings.suffixes):
                    new, changed = photos.ready(name, content)
                    self._again.append({"name": new, "content": changed})
        names = ", ".join(file["name"] for file in self._again)
        self.again.description = f"Upload as {names}"
        self.again.layout.display = "" if self._again else "none"

    def _below(self) -> list[ipywidgets.Widget]:
        return [self.notes, self.again, self.pictures]

    def _try(self, files: Files) -> None:
        try:
            self.take(files)
        except Exception as error:  # a callback's traceback would reach nobody
            self.notes.value = messages.note(error)

    def _show(self, runs: Iterable[Run]) -> None:
        self.pictures.value = self._pairs.show(runs).data

    def _send(self, files: Files) -> list[str]:
        """Upload files, telling what fails; return the keys that start the function."""
        self._offer(files)
        self.notes.value = html.note("Uploading …", html.GREY)
        notes, keys = send(self.cloud, self.settings, files)
        self.notes.value = "".join(notes)
        return keys

    def _tell(self, error: BaseException) -> None:
        self.notes.value += messages.note(error)

    def _chooser(self) -> ipywidgets.Widget:
        """Make the button that hands over chosen files, and is ready again after."""
        button = ipywidgets.FileUpload(
            accept=".jpg,.png,image/*",
            multiple=True,
            description="Choose photos",
            button_style="primary",
            layout={"width": "200px", "height": "40px"},
        )

        def uploaded(change: dict[str, Any]) -> None:
            if change["new"]:
                self._try(change["new"])
                button.value = ()  # the same photo can be chosen again

        button.observe(uploaded, names="value")
        return button


def upload_box(cloud: Cloud, settings: Settings) -> UploadBox:
    """Show a box for photos; its twin is `upload(cloud, settings, "photo.jpg")`."""
    return UploadBox(cloud, settings)


def hint() -> ipywidgets.HTML:
    """Name the limit of the way through the browser, and the way without it."""
    told = f'<span style="font-size:13px;opacity:.75">{html.marked(HINT)}</span>'
    return ipywidgets.HTML(restarted.PANEL + html.block(told))


def send(cloud: Cloud, settings: Settings, files: Files) -> tuple[list[str], list[str]]:
    """Upload files; return notes as HTML, and the keys that start the function."""
    notes: list[str] = []
    keys: list[str] = []
    for file in files:
        name, content = file["name"], bytes(file["content"])
        if len(content) != file.get("size", len(content)):
            notes.append(html.note(f"{name} arrived incomplete. {HINT}", html.RED))
            continue
        try:
            put(cloud, settings, name, content)
            keys.append(name)
        except messages.CLOUD_ERRORS as error:
            sentence = messages.sentence(error)
            notes.append(html.note(f"{name} was not uploaded. {sentence}"))
    if not keys:
        return notes, keys
    try:
        present = notifications.rules(cloud, settings)
    except messages.CLOUD_ERRORS as error:
        return [*notes, messages.note(error)], []
    reasons = {key: notifications.unmatched(key, present) for key in keys}
    for file in files:
        if reasons.get(name := file["name"]):
            told = photos.advice(name, bytes(file["content"]), settings.suffixes)
            reasons[name] = told or reasons[name]
    notes += [html.note(reason) for reason in reasons.values() if reason]
    return notes, [key for key in keys if not reasons[key]]
