"""Sources and thumbnails side by side, as HTML that works without a server.

The pictures are embedded: an address of this machine would be dead on Binder, on
GitHub and in a notebook that is opened a year later.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable

from IPython.display import HTML
from PIL import Image, ImageOps, UnidentifiedImageError

from deploy.cloud import Cloud
from deploy.logs import Run
from deploy.settings import Settings

PREVIEW_PIXELS = 256

_CELL = "padding:12px 18px;text-align:center;vertical-align:middle"


def side_by_side(cloud: Cloud, settings: Settings, runs: Iterable[Run]) -> HTML:
    """Show each upload's source (small), its thumbnail, and what happened."""
    rows = "".join(_row(cloud, settings, run) for run in runs)
    head = "".join(
        f'<th style="{_CELL}">{name}</th>'
        for name in ("source bucket", "", "target bucket", "what the function says")
    )
    return HTML(f"<table><tr>{head}</tr>{rows}</table>")


def _row(cloud: Cloud, settings: Settings, run: Run) -> str:
    source = _read(cloud, run.bucket, run.key)
    left = _picture(_preview(source)) + _caption(run.key, run.source_size, len(source))
    if run.outcome == "made":
        thumbnail = _read(cloud, settings.target_bucket, run.target)
        name = "thumbnail"
        right = _picture(thumbnail)
        right += _caption(name, run.thumbnail_size, len(thumbnail))
    else:
        right = "–"
    start = "cold" if run.cold else "warm"
    said = f"<b>{run.outcome}</b>, {start}, {run.ms:.0f} ms"
    if run.reason:
        said += f"<br>{html.escape(run.reason)}"
    cells = (left, '<span style="font-size:28px">→</span>', right, said)
    return (
        "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"
    )


def _read(cloud: Cloud, bucket: str, key: str) -> bytes:
    return cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def _preview(data: bytes) -> bytes | None:
    """A small upright copy for the page; None for what is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", (PREVIEW_PIXELS, PREVIEW_PIXELS))
            small = ImageOps.exif_transpose(image)
            small.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
            out = io.BytesIO()
            small.save(out, "PNG" if small.mode in ("RGBA", "LA", "P") else "JPEG")
    except (UnidentifiedImageError, OSError):
        return None
    return out.getvalue()


def _picture(data: bytes | None) -> str:
    if data is None:
        return "<i>no picture</i>"
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    encoded = base64.b64encode(data).decode()
    return f'<img style="margin:auto" src="data:image/{kind};base64,{encoded}">'


def _caption(name: str, size: tuple[int, int] | None, count: int) -> str:
    pixels = f"{size[0]} × {size[1]} px, " if size else ""
    weight = f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
    return f"<br><b>{html.escape(name)}</b><br>{pixels}{weight}"
