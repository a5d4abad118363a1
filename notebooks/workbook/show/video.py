"""A video's owner chooses its thumbnail: three frames, one picked, all sizes made."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from functools import cache

import ipywidgets
from PIL import Image, ImageOps

from handler.errors import ImageRejected
from workbook import html
from workbook.errors import messages
from workbook.html import Html
from workbook.show import pictures, restarted
from workbook.uploads import SAMPLES

#: What a platform asks of one thumbnail: player, search result, sidebar, phone list.
SIZES = ((1280, 720), (640, 360), (320, 180), (168, 94))

_VIDEO = SAMPLES / "city-panorama.jpg"
#: Where the camera stands at three moments of its pan, and how far it has zoomed in.
_MOMENTS = ((0.0, 1.0), (0.5, 0.8), (1.0, 0.6))


@cache
def _frames() -> tuple[bytes, ...]:
    with Image.open(_VIDEO) as still:
        still.draft("RGB", (still.width // 2, still.height // 2))
        scene = still.convert("RGB")
    return tuple(_frame(scene, *moment) for moment in _MOMENTS)


def frames() -> list[bytes]:
    """Draw three stills of one "video": a camera that pans over a city and zooms."""
    return list(_frames())


def make_sizes(frame_bytes: bytes, sizes: Sequence[tuple[int, int]] = SIZES) -> Html:
    """Make every size the platform asks for, cropped to fit; show them in proportion.

    Raises:
        ImageRejected: it is no picture.
    """
    made = {html.pixels(size): resized(frame_bytes, size) for size in sizes}
    return pictures.to_scale(made)


def resized(frame_bytes: bytes, size: tuple[int, int]) -> bytes:
    """Crop and scale a frame to exactly this size, as JPEG."""
    try:
        with Image.open(io.BytesIO(frame_bytes)) as image:
            fitted = ImageOps.fit(image.convert("RGB"), size)
    except pictures.BAD as error:
        raise ImageRejected("not a picture that Pillow can read") from error
    return _jpeg(fitted)


class PickFrame(ipywidgets.VBox):
    """Frames as pictures to click on, and the sizes of the one that was picked.

    Attributes:
        picked: the number of the frame that was picked, from 0; None before that.
    """

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.frames = list(frames)
        self.picked: int | None = None
        # By content, so that the widget's stored text is the same every time.
        self._name = zlib.crc32(b"".join(self.frames))
        self.shown = ipywidgets.HTML()
        self.buttons = [self._button(number) for number in range(len(self.frames))]
        rows = [ipywidgets.HBox(self.buttons), self.shown]
        super().__init__([ipywidgets.HTML(self._css() + restarted.PANEL), *rows])

    def pick(self, number: int) -> None:
        """Pick a frame, as a click on it does."""
        self.picked = number
        for other, button in enumerate(self.buttons):
            button.layout.border = _BORDER if other == number else _NO_BORDER
        try:
            made = make_sizes(self.frames[number]).data
            self.shown.value = html.block(f"<b>Frame {number + 1}</b>") + made
        except Exception as error:  # a callback's traceback would reach nobody
            self.shown.value = messages.note(error)

    def _button(self, number: int) -> ipywidgets.Button:
        button = ipywidgets.Button(
            description=str(number + 1),
            tooltip=f"Pick frame {number + 1}",
            layout={"width": "246px", "height": "144px", "border": _NO_BORDER},
        )
        button.add_class(f"workbook-frame-{self._name}-{number}")
        button.on_click(lambda _: self.pick(number))
        return button

    def _css(self) -> str:
        """Paint each button with its frame: ipywidgets has no picture to click on."""
        rules = "".join(
            f".workbook-frame-{self._name}-{number} "
            f"{{background:url('{_uri(frame)}') center/cover border-box!important;"
            "color:#fff!important;font-size:20px!important;"
            "text-shadow:0 0 6px #000,0 0 2px #000}"
            for number, frame in enumerate(self.frames)
        )
        return f"<style>{rules}</style>"


_BORDER = f"3px solid {html.ORANGE}"
_NO_BORDER = "3px solid transparent"


def pick_frame(frames: Sequence[bytes]) -> PickFrame:
    """Show frames to click on; its code twin is `make_sizes(frames[1])`."""
    return PickFrame(frames)


def _frame(scene: Image.Image, along: float, zoom: float) -> bytes:
    height = round(scene.height * zoom)
    width = min(scene.width, round(height * 16 / 9))
    height = round(width * 9 / 16)
    left = round((scene.width - width) * along)
    top = (scene.height - height) // 2
    area = (left, top, left + width, top + height)
    return _jpeg(scene.resize((1280, 720), Image.Resampling.LANCZOS, area))


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _uri(frame: bytes) -> str:
    return html.data_uri(pictures.shrink(frame)[0] or b"", "jpeg")
