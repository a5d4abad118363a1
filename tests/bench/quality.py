"""How near a thumbnail is to a reference: PSNR over RGB, SSIM over brightness.

SSIM as in Wang et al. 2004 (https://doi.org/10.1109/TIP.2003.819861), with even
windows of 8 × 8 pixels.
"""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageStat

WINDOW = 8
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def reference(path: Path, box: int = 256) -> Image.Image:
    """Decode whole and shrink with LANCZOS in one step."""
    image = Image.open(path)
    scale = box / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return on_grey(image.resize(size, Image.Resampling.LANCZOS))


def on_grey(image: Image.Image) -> Image.Image:
    """Return the picture as RGB; what is transparent shows grey."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    grey = Image.new("RGBA", image.size, (128, 128, 128, 255))
    return Image.alpha_composite(grey, image).convert("RGB")


def compare(thumbnail: bytes, wanted: Image.Image) -> tuple[float, float]:
    """Return PSNR in dB and SSIM, the higher the better."""
    made = _opened(thumbnail, wanted.size)
    return psnr(made, wanted), ssim(made.convert("L"), wanted.convert("L"))


def psnr_of_brightness(thumbnail: bytes, wanted: Image.Image) -> float:
    """Return the PSNR in dB, colours aside: encoders differ in how they keep those."""
    made = _opened(thumbnail, wanted.size)
    return psnr(made.convert("L"), wanted.convert("L"))


def _opened(thumbnail: bytes, size: tuple[int, int]) -> Image.Image:
    made = on_grey(Image.open(io.BytesIO(thumbnail)))
    if made.size == size:
        return made
    return made.resize(size, Image.Resampling.LANCZOS)  # a pixel of rounding


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Return the peak signal-to-noise ratio in dB."""
    squares = ImageStat.Stat(ImageChops.difference(one, other)).sum2
    error = sum(squares) / (one.width * one.height * len(squares))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Return the mean structural similarity of two grey pictures."""
    x, y = (np.asarray(image, dtype=float) for image in (one, other))
    a, b, aa, bb, ab = map(_means, (x, y, x * x, y * y, x * y))
    together = (2 * a * b + _C1) * (2 * (ab - a * b) + _C2)
    spread = aa - a * a + bb - b * b
    return float(np.mean(together / ((a * a + b * b + _C1) * (spread + _C2))))


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of every window."""
    windows = np.lib.stride_tricks.sliding_window_view(values, (WINDOW, WINDOW))
    return windows.mean(axis=(2, 3))
