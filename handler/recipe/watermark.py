"""A watermark: a text or a picture, placed, scaled to the picture, let shine through.

A mark's picture comes with the function's zip, not from a bucket: who may upload then
cannot exchange it, no permission is added for it, and it is checked before anything is
deployed. Another mark is another deployment.
"""

from PIL import Image

from handler.recipe import fields
from handler.recipe import text as lettering

PLACES = ["top-left", "top", "top-right", "left", "centre", "right"]
PLACES += ["bottom-left", "bottom", "bottom-right"]

#: What a recipe says of a watermark: ``width`` and ``margin`` are shares of the
#: picture's width.
FIELDS = fields.Fields(
    text=(fields.line, None),
    picture=(fields.file_name, None),
    font=(fields.file_name, None),
    colour=(fields.colour, (255, 255, 255)),
    place=(fields.one_of(*PLACES), "bottom-right"),
    width=(fields.number(0.02, 1), 0.3),
    margin=(fields.number(0, 0.2), 0.02),
    opacity=(fields.number(0.05, 1), 0.6),
)

Size = tuple[int, int]


def put(
    picture: Image.Image,
    *,
    text: str | None = None,
    mark: Image.Image | None = None,
    font: bytes | None = None,
    colour: lettering.Colour = (255, 255, 255),
    place: str = "bottom-right",
    width: float = 0.3,
    margin: float = 0.02,
    opacity: float = 0.6,
) -> Image.Image:
    """Return the picture (RGB or RGBA) with a text or a mark (RGBA) laid upon it.

    Raises ``lettering.DoesNotFit`` where the picture is too small.
    """
    across = max(1, round(picture.width * width))
    if text is not None:
        size = lettering.size_for_width(text, across, font)
        mark = lettering.draw(text, size, colour, font)
    elif mark is not None:
        mark = mark.convert("RGBA")
        high = max(1, round(across * mark.height / mark.width))
        mark = mark.resize((across, high), Image.Resampling.LANCZOS)
    else:
        return picture
    return lay(picture, mark, place, round(picture.width * margin), opacity)


def lay(
    picture: Image.Image,
    mark: Image.Image,
    place: str,
    margin: int = 0,
    opacity: float = 1.0,
) -> Image.Image:
    """Lay an RGBA picture upon another, at one of nine places; return RGB or RGBA."""
    check_fits(picture.size, mark.size)
    if opacity < 1:
        mark.putalpha(
            mark.getchannel("A").point([round(v * opacity) for v in range(256)])
        )
    alpha = picture.mode in ("LA", "RGBA")
    below = picture.convert("RGBA")
    below.alpha_composite(mark, corner(picture.size, mark.size, place, margin))
    return below if alpha else below.convert("RGB")


def check_fits(picture: Size, mark: Size) -> None:
    """Raise ``lettering.DoesNotFit`` for a mark that is larger than the picture."""
    if mark[0] > picture[0] or mark[1] > picture[1]:
        raise lettering.DoesNotFit(
            f"it does not fit: it takes {mark[0]} × {mark[1]} pixels, and the picture "
            f"has {picture[0]} × {picture[1]}"
        )


def corner(picture: Size, mark: Size, place: str, margin: int) -> Size:
    """Return where a mark's upper left corner goes; never outside of the picture."""
    return (
        _along(place, "left", "right", picture[0] - mark[0], margin),
        _along(place, "top", "bottom", picture[1] - mark[1], margin),
    )


def _along(place: str, start: str, end: str, free: int, margin: int) -> int:
    margin = min(margin, free)
    if start in place:
        return margin
    return free - margin if end in place else free // 2
