"""A box to drop photos into: they are uploaded, and their thumbnails shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ipywidgets

from deploy import notifications
from deploy.cloud import Cloud
from deploy.logs import Run
from deploy.settings import Settings
from workbook.errors import messages
from workbook.show import html
from workbook.show.pictures import side_by_side
from workbook.uploads import put, wait

HINT = (
    "Jupyter carries about 10 MB at once, and more when `make lab` started it. "
    'The same in code, without a limit: `upload(cloud, settings, "photo.jpg")`'
)

Files = tuple[dict[str, Any], ...]


def upload_box(cloud: Cloud, settings: Settings) -> ipywidgets.VBox:
    """Show a box for photos; its code twin is `upload(cloud, settings, "photo.jpg")`.

    Whatever goes wrong is told in a sentence under the box, which keeps working.
    """
    said, shown = ipywidgets.HTML(), ipywidgets.HTML()

    def take(files: Files) -> None:
        shown.value = ""
        started = datetime.now(UTC)
        said.value = html.note("Uploading …", html.GREY)
        notes, keys = send(cloud, settings, files)
        said.value = "".join([*notes, html.note("Waiting …", html.GREY)])
        runs: list[Run] = []
        try:
            for run in wait(cloud, settings, keys, started):
                runs.append(run)
                shown.value = side_by_side(cloud, settings, runs).data
        except messages.CLOUD_ERRORS as error:
            notes.append(html.note(messages.sentence(error), html.RED))
        said.value = "".join(notes)

    return ipywidgets.VBox([chooser(take, said), hint(), said, shown])


def chooser(take: Callable[[Files], None], said: ipywidgets.HTML) -> ipywidgets.Widget:
    """Make the button that hands over chosen files, and is ready again afterwards."""
    button = ipywidgets.FileUpload(
        accept=".jpg,.png,image/*",
        multiple=True,
        description="Choose photos",
        button_style="primary",
        layout={"width": "200px", "height": "40px"},
    )

    def uploaded(change: dict[str, Any]) -> None:
        if not change["new"]:
            return
        try:
            take(change["new"])
        except Exception as error:  # a callback's traceback would reach nobody
            said.value = html.note(messages.sentence(error), html.RED)
        button.value = ()  # the same photo can be chosen again

    button.observe(uploaded, names="value")
    return button


def hint() -> ipywidgets.HTML:
    """Name the limit of the way through the browser, and the way without it."""
    return ipywidgets.HTML(
        html.block(
            f'<span style="font-size:13px;opacity:.75">{html.marked(HINT)}</span>'
        )
    )


def send(cloud: Cloud, settings: Settings, files: Files) -> tuple[list[str], list[str]]:
    """Upload each file; return notes as HTML, and the keys that start the function."""
    notes: list[str] = []
    keys: list[str] = []
    for file in files:
        name, content = file["name"], bytes(file["content"])
        if len(content) != file.get("size", len(content)):
            notes.append(html.note(f"{name} arrived incomplete. {HINT}", html.RED))
            continue
        try:
            put(cloud, settings, name, content)
            why = notifications.unmatched(name, notifications.rules(cloud, settings))
        except messages.CLOUD_ERRORS as error:
            why = f"{name} was not uploaded. {messages.sentence(error)}"
        if why:
            notes.append(html.note(why))
        else:
            keys.append(name)
    return notes, keys
