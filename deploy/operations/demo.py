"""The whole pipeline once, without a browser: `make demo`.

Deploys, uploads the sample pictures one after the other, waits for what the function
logs about each, prints a table and writes a contact sheet to open in a browser.
"""

from __future__ import annotations

import base64
import html
import io
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm.auto import tqdm

from deploy import logs, pipeline
from deploy.cloud import Cloud
from deploy.configure import resolved
from deploy.errors import DeployError
from deploy.home import CHECKOUT, home, in_plain_words, in_utf8
from deploy.settings import Settings

SAMPLES = CHECKOUT / "images" / "samples"
SHEET = home() / "contact-sheet.html"
PREVIEW_PIXELS = 480


@dataclass(frozen=True)
class Result:
    """One uploaded file, what became of it, and how long that took.

    Attributes:
        upload_ms: from the start of the upload to the thumbnail in its bucket.
        thumbnail: the thumbnail's bytes; None when it was not made.
    """

    file: Path
    run: logs.Run
    upload_ms: float
    thumbnail: bytes | None


def run(
    cloud: Cloud | None = None,
    settings: Settings | None = None,
    *,
    samples: Path = SAMPLES,
    sheet: Path = SHEET,
    **overrides: Any,
) -> list[Result]:
    """Deploy, upload every sample, print the table and write the contact sheet.

    Raises:
        DeployError: a step failed, or a picture did not become a thumbnail.
    """
    cloud, settings = resolved(cloud, settings, overrides)
    pipeline.up(cloud, settings)
    files = sorted(path for path in samples.iterdir() if path.is_file())
    bar = tqdm(files, desc="Uploading", unit="file", leave=False, disable=None)
    results = [upload(cloud, settings, file) for file in bar]
    print(table(results))
    with in_plain_words(sheet):
        sheet.parent.mkdir(parents=True, exist_ok=True)
        sheet.write_text(contact_sheet(results, cloud), "utf-8")
    print(f"\nContact sheet: {sheet}")
    if lost := [result for result in results if result.run.outcome == "failed"]:
        raise DeployError(
            f"{len(lost)} of {len(results)} uploads failed: {lost[0].run.reason}",
            where=f"function {settings.function_name}",
            todo="`python -m deploy status` shows what is missing.",
        )
    return results


def upload(cloud: Cloud, settings: Settings, file: Path) -> Result:
    """Upload one file as its own key and wait for the function's word on it."""
    key = in_utf8(file.name)
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    started = datetime.now(UTC)
    cloud.s3.upload_file(
        str(file), settings.source_bucket, key, ExtraArgs={"ContentType": kind}
    )
    (outcome,) = logs.wait_for(cloud, settings, [key], started)
    thumbnail = None
    if outcome.outcome == "made":
        answer = cloud.s3.get_object(Bucket=settings.target_bucket, Key=outcome.target)
        thumbnail = answer["Body"].read()
    elapsed = (outcome.done - started).total_seconds() * 1000
    return Result(file, outcome, elapsed, thumbnail)


def table(results: Sequence[Result]) -> str:
    """Lay the results out as a table of plain text."""
    head = ("file", "source", "", "thumbnail", "", "start", "upload → done", "outcome")
    rows = [head, *map(_row, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    right = {2, 4, 6}  # numbers stand to the right
    lines = [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])


def _row(result: Result) -> tuple[str, ...]:
    run = result.run
    return (
        in_utf8(result.file.name),
        _pixels(run.source_size),
        _bytes(result.file.stat().st_size),
        _pixels(run.thumbnail_size),
        _bytes(run.thumbnail_bytes),
        "cold" if run.cold else "warm",
        f"{result.upload_ms:,.0f} ms",
        f"{run.outcome}: {run.reason}" if run.reason else run.outcome,
    )


def _pixels(size: tuple[int, int] | None) -> str:
    return f"{size[0]} × {size[1]}" if size else "–"


def _bytes(count: int | None) -> str:
    if count is None:
        return "–"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def contact_sheet(results: Sequence[Result], cloud: Cloud) -> str:
    """Make one HTML page that shows sources and thumbnails side by side."""
    cards = "\n".join(map(_card, results))
    made = sum(result.run.outcome == "made" for result in results)
    return _PAGE.format(
        cards=cards,
        lead=html.escape(
            f"{made} thumbnails of {len(results)} uploads, made by the function "
            f"on {cloud}."
        ),
    )


def _card(result: Result) -> str:
    run = result.run
    size = result.file.stat().st_size
    source = f"{_pixels(run.source_size)} · {_bytes(size)}"
    picture = _preview(result.file)
    left = f'<img src="{_data_uri(picture)}" alt="">' if picture else "no image"
    if result.thumbnail:
        right = f'<img src="{_data_uri(result.thumbnail)}" alt="">'
        caption = f"{_pixels(run.thumbnail_size)} · {_bytes(run.thumbnail_bytes)}"
    else:
        right, caption = html.escape(run.reason or ""), run.outcome
    start = "cold" if run.cold else "warm"
    return f"""<article class="{run.outcome}">
<h2>{html.escape(in_utf8(result.file.name))}</h2>
<div class="pair">
<figure><div class="source">{left}</div><figcaption>{source}</figcaption></figure>
<span class="arrow">→</span>
<figure><div class="thumb">{right}</div><figcaption>{caption}</figcaption></figure>
</div>
<p>{start} start · {result.upload_ms:,.0f} ms from upload to {run.outcome}</p>
</article>"""


def _preview(file: Path) -> bytes | None:
    """A small upright copy of the source, for the page only."""
    try:
        with Image.open(file) as image:
            image.draft("RGB", (PREVIEW_PIXELS, PREVIEW_PIXELS))
            small = ImageOps.exif_transpose(image)
            small.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
            out = io.BytesIO()
            clear = small.mode in ("RGBA", "LA", "P")
            small.save(out, "PNG" if clear else "JPEG")
    except UnidentifiedImageError:
        return None
    return out.getvalue()


def _data_uri(data: bytes) -> str:
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Contact sheet</title>
<style>
:root {{ color-scheme: light; }}
body {{ margin: 0; padding: 48px 32px; background: #f4f1ea; color: #2b2a28;
  font: 16px/1.5 system-ui, sans-serif; }}
header, main {{ max-width: 1240px; margin: 0 auto; }}
h1 {{ font-size: 34px; margin: 0 0 4px; letter-spacing: -.02em; }}
header p {{ margin: 0 0 32px; color: #6b675f; }}
main {{ display: grid; gap: 24px;
  grid-template-columns: repeat(auto-fill, minmax(560px, 1fr)); }}
article {{ background: #fff; border-radius: 14px; padding: 20px 24px;
  box-shadow: 0 1px 2px #0001, 0 8px 24px #0000000d; }}
article.rejected, article.failed {{ background: #fff6f2; }}
h2 {{ font: 600 16px/1.4 ui-monospace, monospace; margin: 0 0 14px; }}
.pair {{ display: flex; align-items: center; justify-content: space-between; }}
figure {{ margin: 0; text-align: center; }}
figcaption, article > p {{ color: #6b675f; font-size: 14px; margin: 8px 0 0; }}
.source, .thumb {{ display: grid; place-items: center; height: 190px; width: 220px;
  color: #a3492b; font-size: 14px; }}
.source img {{ max-width: 220px; max-height: 190px; border-radius: 6px; }}
.thumb img {{ max-width: 160px; max-height: 160px; border-radius: 4px;
  background: repeating-conic-gradient(#eee 0 25%, #fff 0 50%) 0 0/16px 16px; }}
.arrow {{ font-size: 28px; color: #d9682f; }}
</style>
<header><h1>Contact sheet</h1><p>{lead}</p></header>
<main>
{cards}
</main>
</html>
"""
