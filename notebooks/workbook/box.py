"""A box to drop photos into: they are uploaded, and their thumbnails shown."""

from __future__ import annotations

import mimetypes
from datetime import UTC, datetime
from typing import Any

import ipywidgets
from botocore.exceptions import BotoCoreError, ClientError
from IPython.display import display

from deploy import DeployError
from deploy.cloud import Cloud
from deploy.settings import Settings
from workbook.pictures import side_by_side
from workbook.uploads import outcomes


def upload_box(cloud: Cloud, settings: Settings) -> ipywidgets.VBox:
    """Show a box for photos; its code twin is `upload(cloud, settings, "photo.jpg")`.

    Jupyter carries about 10 MB at once through the browser (`make lab` allows more);
    the code twin has no such limit.
    """
    button = ipywidgets.FileUpload(
        accept=".jpg,.png,image/*",
        multiple=True,
        description="Choose photos",
        button_style="primary",
        layout={"width": "200px", "height": "40px"},
    )
    shown = ipywidgets.Output()

    def uploaded(change: dict[str, Any]) -> None:
        files = change["new"]
        if not files:
            return
        shown.clear_output()
        with shown:
            try:
                _upload(cloud, settings, files)
            except (DeployError, ClientError, BotoCoreError) as error:
                print(f"The upload failed. {error}")
        button.value = ()  # the same photo can be chosen again

    button.observe(uploaded, names="value")
    return ipywidgets.VBox([button, shown])


def _upload(cloud: Cloud, settings: Settings, files: tuple[dict, ...]) -> None:
    started = datetime.now(UTC)
    for file in files:
        kind = mimetypes.guess_type(file["name"])[0] or "application/octet-stream"
        cloud.s3.put_object(
            Bucket=settings.source_bucket,
            Key=file["name"],
            Body=bytes(file["content"]),
            ContentType=kind,
        )
    names = [file["name"] for file in files]
    display(side_by_side(cloud, settings, outcomes(cloud, settings, names, started)))
