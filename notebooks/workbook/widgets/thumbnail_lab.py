"""Size, resampling and quality under sliders, the thumbnail and its bytes at once."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import ipywidgets
from PIL import Image, ImageOps

from handler.errors import ImageRejected
from workbook.errors import messages
from workbook.errors.messages import WorkbookError
from workbook.show import pictures, restarted
from workbook.show.pictures import Picture

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def try_thumbnail(
    data: bytes | Path | str,
    box: int = 256,
    quality: int = 85,
    resample: str = "lanczos",
) -> Picture:
    """Make a thumbnail with Pillow alone and show it; the bytes are in `.content`.

    Raises:
        ImageRejected: no picture, or one of more than 50 megapixels.
        WorkbookError: no such filter, or a box or quality that makes no sense.
    """
    _check(box, quality, resample)
    return _made(_opened(pictures.read(data)), box, quality, resample)


def thumbnail_lab(path_or_bytes: bytes | Path | str) -> ipywidgets.Widget:
    """Show sliders and the thumbnail they make; its code twin is `try_thumbnail`."""
    shown = ipywidgets.HTML()
    try:
        image = _opened(pictures.read(path_or_bytes))
    except messages.TOLD as error:
        shown.value = messages.note(error)
        return ipywidgets.VBox([shown])
    wide = {"style": {"description_width": "90px"}, "layout": {"width": "380px"}}
    box = ipywidgets.IntSlider(256, 16, 512, 16, description="box, px", **wide)
    quality = ipywidgets.IntSlider(85, 5, 95, 5, description="quality", **wide)
    quality.disabled = image.format == "PNG"  # lossless: there is nothing to choose
    resample = ipywidgets.Dropdown(
        options=list(FILTERS), value="lanczos", description="resampling", **wide
    )

    def show(_: Any = None) -> None:
        try:
            made = _made(image, box.value, quality.value, resample.value)
            shown.value = made.data
        except Exception as error:  # a callback's traceback would reach nobody
            shown.value = messages.note(error)

    for control in (box, quality, resample):
        control.observe(show, names="value")
    show()
    sliders, panel = ipywidgets.VBox([box, quality, resample]), restarted.PANEL
    return ipywidgets.HBox(
        [sliders, shown, ipywidgets.HTML(panel)],
        layout=ipywidgets.Layout(flex_flow="row wrap"),
    )


def _opened(data: bytes) -> Image.Image:
    """Decode once, upright; the sliders then work on the pixels."""
    try:
        image = pictures.opened(data)
        width, height = image.size
        if width * height > pictures.MOST_PIXELS:
            most = pictures.MOST_PIXELS // 1_000_000
            raise ImageRejected(f"{width} × {height} is more than {most} megapixels")
        upright = ImageOps.exif_transpose(image)
    except pictures.BAD as error:
        raise ImageRejected("not a picture that Pillow can read") from error
    if upright.mode not in ("RGB", "RGBA", "L"):
        upright = upright.convert("RGBA" if "A" in upright.mode else "RGB")
    upright.format = "PNG" if image.format == "PNG" else "JPEG"
    return upright


def _made(image: Image.Image, box: int, quality: int, resample: str) -> Picture:
    scale = min(1.0, box / max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = image.resize((width, height), FILTERS[resample])
    out = io.BytesIO()
    if image.format == "PNG":
        small.save(out, "PNG")
        how = f"box {box}, {resample}, PNG"
    else:
        small.convert("RGB").save(out, "JPEG", quality=quality)
        how = f"box {box}, {resample}, quality {quality}"
    return pictures.preview(out.getvalue(), how)


def _check(box: int, quality: int, resample: str) -> None:
    if resample not in FILTERS:
        raise WorkbookError(
            f"there is no filter {resample!r}",
            where="try_thumbnail",
            todo=f"Use one of {', '.join(FILTERS)}.",
        )
    if not 1 <= box <= 4096 or not 1 <= quality <= 95:
        raise WorkbookError(
            f"box is {box} and quality {quality}",
            where="try_thumbnail",
            todo="Use a box from 1 to 4096 and a quality from 1 to 95.",
        )
