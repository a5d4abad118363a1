"""Pictures in the notebook, embedded, small, with their size and bytes.

An address of this machine would be dead on Binder, on GitHub and in a notebook that is
opened a year later, so the bytes themselves are put into the page.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin

from deploy.cloud import Cloud
from deploy.logs import Run
from deploy.settings import Settings
from deploy.waiting import NO_BUCKET, NO_OBJECT, if_there
from handler.errors import ImageRejected
from handler.recipe.labels import MOST, Scores, from_metadata
from workbook import html
from workbook.errors import messages
from workbook.html import Html

PREVIEW_PIXELS = 256
#: Two of them fit a projector at 150 %, with Lab's sidebar open.
_BESIDE = "margin:auto;max-width:min(200px,17vw);max-height:200px"
#: What the page decodes to show it; a JPEG is decoded small whatever its size.
MOST_PIXELS = 50_000_000

_PNG = b"\x89PNG"
_LABEL_SIGNS = 40  # of a label: the metadata can be anybody's

Source = bytes | Image.Image | Path | str

# What Pillow raises on bytes that are no picture, or a damaged one.
BAD = (
    *(OSError, SyntaxError, ValueError, TypeError, struct.error, EOFError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


class Picture(Html):
    """A picture shown; its whole bytes and its size in pixels for whoever asks."""

    def __init__(
        self, data: str, text: str, content: bytes, size: tuple[int, int] | None
    ) -> None:
        super().__init__(data, text)
        self.content = content
        self.size = size


def preview(picture: Source, caption: str = "") -> Picture:
    """Show bytes, a PIL image or a file at 256 pixels or less, with size and bytes."""
    content = read(picture)
    small, size = shrink(content)
    weight = html.weight(len(content))
    if isinstance(picture, Image.Image):  # it has no bytes until it is encoded
        weight += f" as {'PNG' if content.startswith(_PNG) else 'JPEG'}"
    facts = " · ".join(filter(None, (html.pixels(size), weight)))
    shown = img(small, caption) if small else _missing(size)
    text = f"{caption}: {facts}" if caption else facts
    under = f"<b>{html.escape(caption)}</b><br>" if caption else ""
    return Picture(
        html.block(f"{shown}<br>{under}{facts}"),
        text if small else f"{text} (no picture)",
        content,
        size,
    )


def to_scale(pictures: Mapping[str, Source], across: int = 360) -> Html:
    """Show named pictures in proportion, the largest `across` pixels wide or high.

    Raises:
        ImageRejected: one of them is no picture.
    """
    contents = {name: read(picture) for name, picture in pictures.items()}
    copies = {name: shrink(content, across) for name, content in contents.items()}
    for name, (_, size) in copies.items():
        if size is None:
            raise ImageRejected(f"{name}: not a picture that Pillow can read")
    longest = max(max(size or (1,)) for _, size in copies.values())
    cards, words = [], []
    for name, (small, size) in copies.items():
        facts = html.weight(len(contents[name]))
        if html.pixels(size) != name:
            facts = f"{html.pixels(size)} · {facts}"
        drawn = round(across * max(size or (1,)) / longest)
        shown = img(small, name, max(1, drawn)) if small else _missing(size)
        cards.append(html.card(shown, f"<b>{html.escape(name)}</b>", facts))
        words.append(f"{html.visible(name)}: {facts}")
    return Html(html.block("".join(cards)), "\n".join(words))


def side_by_side(cloud: Cloud, settings: Settings, runs: Iterable[Run]) -> Html:
    """Show each upload's source (small), its thumbnail, and what happened."""
    return Pairs(cloud, settings).show(runs)


class Pairs:
    """Sources beside their thumbnails, shown again and again, each read once."""

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self._cloud, self._settings = cloud, settings
        self._rows: dict[tuple[str, str, datetime], tuple[tuple[str, ...], str]] = {}

    def show(self, runs: Iterable[Run]) -> Html:
        """Lay these runs out; what no longer belongs to them is forgotten."""
        before = self._rows
        keys = {(run.request_id, run.key, run.done): run for run in runs}
        self._rows = {
            key: before.get(key) or _row(self._cloud, self._settings, run)
            for key, run in keys.items()
        }
        head = ("source bucket", "", "target bucket")
        table = html.table(head, [cells for cells, _ in self._rows.values()], "center")
        text = "\n".join(words for _, words in self._rows.values())
        return Html(table, text or "no uploads")


def gallery(
    cloud: Cloud,
    settings: Settings,
    keys: Iterable[str] | None = None,
    most: int = 24,
    folder: str | None = None,
) -> Html:
    """Show the thumbnails that stand in the target bucket, or those of some sources.

    Another folder shows what else a recipe made, such as "renditions/".
    """
    prefix = settings.thumbnail_prefix if folder is None else folder
    if keys is None:
        page = cloud.s3.list_objects_v2(
            Bucket=settings.target_bucket, Prefix=prefix, MaxKeys=most
        )
        names = [item["Key"] for item in page.get("Contents", [])]
    else:
        names = [prefix + key for key in keys][:most]
    cards = [(name, *_thumbnail(cloud, settings, name)) for name in names]
    shown = "".join(
        html.card(
            img(shrink(data)[0] or data, name),
            html.name(name.removeprefix(prefix)),
            html.weight(len(data)) + _badges(labels),
        )
        for name, data, labels in cards
        if data
    )
    text = "\n".join(
        f"{html.visible(name, '')}: {html.weight(len(data))}{_likeliest(labels)}"
        for name, data, labels in cards
        if data
    )
    return Html(html.block(shown or "no thumbnails yet"), text or "no thumbnails yet")


def read(picture: Source) -> bytes:
    """Return a picture's bytes, a PIL image's as PNG or JPEG.

    Raises:
        WorkbookError: there is no such file.
    """
    if isinstance(picture, Image.Image):
        return _encode(picture)
    if isinstance(picture, str | Path):
        return messages.file_bytes(Path(picture))
    return bytes(picture)


def shrink(
    content: bytes | None, most: int = PREVIEW_PIXELS
) -> tuple[bytes | None, tuple[int, int] | None]:
    """Make a small upright copy for the page; None for what cannot be shown."""
    if not content:
        return None, None
    size = None
    try:
        with opened(content) as image:
            size = image.size
            if max(size) <= most and image.format in ("JPEG", "PNG"):
                image.load()
                if not image.getexif():
                    return content, size  # small enough: the very bytes are shown
            image.draft("RGB", (most, most))
            if image.size[0] * image.size[1] > MOST_PIXELS:
                return None, size
            small = ImageOps.exif_transpose(image)
            if small.mode in ("P", "1"):  # colours by number have no average
                small = small.convert("RGBA" if small.has_transparency_data else "RGB")
            small.thumbnail((most, most))
            return _encode(small), size
    except BAD:
        return None, size


def opened(content: bytes) -> Image.Image:
    """Read a picture's header, without Pillow's warning of large ones."""
    if content.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile(io.BytesIO(content))
    if content.startswith(_PNG):
        return PngImagePlugin.PngImageFile(io.BytesIO(content))
    return Image.open(io.BytesIO(content))


def _encode(image: Image.Image) -> bytes:
    out = io.BytesIO()
    if image.mode in ("RGB", "L"):
        image.save(out, "JPEG", quality=85)
    elif image.mode in ("RGBA", "LA", "P", "1"):
        image.save(out, "PNG")
    else:
        image.convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue()


def img(data: bytes, alt: str = "", most: int = PREVIEW_PIXELS) -> str:
    """Embed a JPEG or PNG, shown at so many pixels at most."""
    style = f"margin:auto;max-width:{most}px;max-height:{most}px"
    return html.picture(data, kind(data), alt, style)


def kind(data: bytes) -> str:
    """Tell PNG from JPEG by its first bytes."""
    return "png" if data.startswith(_PNG) else "jpeg"


def in_words(run: Run) -> str:
    """Tell in one line what became of an upload, without what changes each time."""
    key = html.visible(run.key, "")
    if run.outcome == "made":
        made = f"{html.pixels(run.thumbnail_size)}, {html.weight(run.thumbnail_bytes)}"
        return f"{key}: made, {made}"
    reason = f" ({html.visible(run.reason)})" if run.reason else ""
    return f"{key}: {run.outcome}{reason}"


def _row(
    cloud: Cloud, settings: Settings, run: Run
) -> tuple[tuple[str, str, str], str]:
    """Read an upload and its thumbnail; lay out their cells, and tell the same."""
    source = stored(cloud, run.bucket, run.key)[0]
    small, size = shrink(source)
    left = _missing(size)
    if small:
        left = html.picture(small, kind(small), run.key, _BESIDE)
    left += _caption(html.name(run.key), run.source_size or size, source)
    right, labels = "", Scores()
    if run.outcome == "made" and run.target:
        thumbnail, labels = _thumbnail(cloud, settings, run.target)
        shown = shrink(thumbnail)[0]
        right = "<i>no longer there</i>"
        if shown:
            right = html.picture(shown, kind(shown), "thumbnail", _BESIDE)
        right += _caption("thumbnail", run.thumbnail_size, thumbnail)
        right += _badges(labels) + "<br>"
    cells = left, '<span style="font-size:28px">→</span>', right + _outcome(run)
    return cells, in_words(run) + _likeliest(labels)


def _outcome(run: Run) -> str:
    colour = {"made": html.GREEN, "stale": html.GREY}.get(run.outcome, html.RED)
    start = "cold" if run.cold else "warm"
    reason = f"<br>{html.name(run.reason)}" if run.reason else ""
    return f"{html.badge(run.outcome, colour)} {start}, {run.ms:.0f} ms{reason}"


def _badges(labels: Scores) -> str:
    """Show the two likeliest labels with their scores, if they are likely at all."""
    likeliest = [pair for pair in labels.items() if pair[1] >= 0.05][:2]
    badges = " ".join(html.badge(f"{name} {score:.2f}") for name, score in likeliest)
    return f"<br>{badges}" if badges else ""


def _likeliest(labels: Scores) -> str:
    return f", label {next(iter(labels))}" if labels else ""


def _thumbnail(
    cloud: Cloud, settings: Settings, key: str
) -> tuple[bytes | None, Scores]:
    """Read what the function made, and the labels that it wrote into its metadata."""
    data, metadata = stored(cloud, settings.target_bucket, key)
    return data, _labels(metadata.get("labels", ""))


def _labels(text: str) -> Scores:
    """Read labels; none where it is another program's text, and never a long one."""
    try:
        labels = from_metadata(text) if text else {}
    except ValueError:
        return {}
    if not all(0 <= score <= 1 for score in labels.values()):
        return {}
    short = {html.visible(name, "")[:_LABEL_SIGNS]: s for name, s in labels.items()}
    return dict(list(short.items())[:MOST])


def stored(cloud: Cloud, bucket: str, key: str) -> tuple[bytes | None, dict[str, str]]:
    """Read an object and its metadata; None where it is gone."""
    gone = (*NO_BUCKET, *NO_OBJECT)
    found = if_there(cloud.s3.get_object, *gone, Bucket=bucket, Key=key)
    return (found["Body"].read(), found["Metadata"]) if found else (None, {})


def _missing(size: tuple[int, int] | None) -> str:
    return "<i>too large to show</i>" if size else "<i>no picture</i>"


def _caption(name: str, size: tuple[int, int] | None, data: bytes | None) -> str:
    facts = filter(None, (html.pixels(size), html.weight(len(data)) if data else ""))
    kept = [f'<span style="white-space:nowrap">{fact}</span>' for fact in facts]
    return f"<br><b>{name}</b><br>{', '.join(kept)}"
