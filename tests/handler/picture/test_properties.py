"""Whatever the bytes are: a right thumbnail or ``ImageRejected``, and nothing else."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from support.pictures import (
    SIGNATURE,
    chunk,
    decoded,
    encoded,
    exif_of,
    interlaced,
    noise,
    raw_png,
    swapped_profile,
    with_checksums,
)
from support.unpackers import without_isal

from handler.errors import ImageRejected
from handler.picture import jpeg as scans
from handler.picture import png as chunks
from handler.picture.exif import orientation
from handler.picture.render import thumbnail

FEW = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,  # a build fails for a change, never for luck
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
MANY = settings(FEW, max_examples=3000, derandomize=False)

PNG_MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]
JPEG_MODES = ["L", "RGB", "CMYK"]
COLOURS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # channels of each kind of PNG
DEPTHS = st.sampled_from([1, 2, 4, 8, 16])


@st.composite
def image(draw, modes):
    mode = draw(st.sampled_from(modes))
    size = draw(st.tuples(st.integers(1, 320), st.integers(1, 320)))
    picture = Image.blend(
        Image.new("L", size, 128), noise(size), draw(st.sampled_from([0, 0.1, 1]))
    )
    return picture.convert("L" if mode == "I;16" else mode).convert(mode)


@st.composite
def jpeg(draw):
    options = {
        "quality": draw(st.integers(1, 95)),
        "progressive": draw(st.booleans()),
        "subsampling": draw(st.sampled_from(["4:4:4", "4:2:2", "4:2:0"])),
        "restart_marker_blocks": draw(st.sampled_from([0, 1, 50])),
        "exif": exif_of(draw(st.integers(0, 9))),
    }
    if draw(st.booleans()):
        options["icc_profile"] = swapped_profile()
    return encoded(draw(image(JPEG_MODES)), **options)


@st.composite
def png(draw):
    picture = draw(image(PNG_MODES))
    if picture.mode in ("L", "LA", "RGB", "RGBA") and max(picture.size) < 60:
        return interlaced(picture)
    return encoded(picture, "PNG", exif=exif_of(draw(st.integers(0, 9))))


@st.composite
def rare_png(draw):
    """Draw any combination of a header's fields, with pixels that are random bytes."""
    size = draw(st.tuples(st.integers(0, 40), st.integers(0, 40)))
    depth, colour = draw(DEPTHS), draw(st.sampled_from(sorted(COLOURS)))
    line = 1 + -(-size[0] * depth * COLOURS[colour] // 8)
    rows = draw(st.binary(max_size=200)) + bytes(line * size[1])
    extra = b"".join(
        chunk(name, draw(st.binary(max_size=800)))
        for name in draw(st.lists(st.sampled_from([b"PLTE", b"tRNS", b"eXIf"])))
    )
    adam7 = draw(st.booleans())
    return raw_png(size, depth, colour, rows, interlaced=adam7, extra=extra)


@st.composite
def damaged(draw, whole):
    """Draw bytes changed, taken out or doubled, at several places."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        many = draw(st.sampled_from([1, 2, 16, 500]))
        how = draw(st.sampled_from(["set", "cut", "double"]))
        if how == "set":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
        elif how == "cut":
            del data[at : at + many]
        else:
            data[at:at] = data[at : at + many]
    return with_checksums(bytes(data)) if draw(st.booleans()) else bytes(data)


def is_right(made, box):
    small = decoded(made.data)
    assert small.format == made.content_type.removeprefix("image/").upper()
    assert small.size == made.size
    assert max(made.size) <= box
    assert small.mode in ("1", "L", "LA", "RGB", "RGBA")
    assert not {"exif", "icc_profile", "comment", "transparency"} & set(small.info)


def right_or_rejected(data, box=24):  # small, so that JPEGs come to 1/8
    made = made_or_none(data, box)
    if made:
        is_right(made, box)
    if data.startswith(SIGNATURE):
        with without_isal():
            again = made_or_none(data, box)
        # What is damaged may be refused by either alone, and is never made otherwise.
        assert not (made and again) or made.data == again.data


def made_or_none(data, box):
    try:
        return thumbnail(data, box, max_megapixels=2, seconds=5)
    except ImageRejected as error:
        assert error.reason


@FEW
@given(st.one_of(jpeg(), png()), st.integers(1, 300))
def test_whole_pictures_are_made(data, box):
    made = thumbnail(data, box)
    is_right(made, box)
    scale = min(1, box / max(made.source_size))
    expected = [max(1, round(side * scale)) for side in made.source_size]
    assert sorted(made.size) == sorted(expected)


@FEW
@given(damaged(st.one_of(jpeg(), png())))
def test_damaged_pictures(data):
    right_or_rejected(data)


@FEW
@given(rare_png())
def test_rare_pngs(data):
    right_or_rejected(data)


@FEW
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", SIGNATURE]))
def test_random_bytes(data, start):
    right_or_rejected(start + data)


@FEW
@given(st.binary(max_size=300))
def test_random_exif(data):
    assert 1 <= orientation(b"Exif\0\0II*\0" + data) <= 8


@FEW
@given(damaged(jpeg()))
def test_scans_of_damaged_files(data):
    try:
        segments = scans.walk(data)
    except ImageRejected:
        return
    assert len(scans.without_detail(data, segments)) < len(data) + 500


@FEW
@given(damaged(png()))
def test_chunks_of_damaged_files(data):
    try:
        found = chunks.walk(data)
    except ImageRejected:
        return
    assert chunks.walk(found.data).data == found.data


@pytest.mark.slow
@MANY
@given(st.one_of(damaged(jpeg()), damaged(png()), rare_png(), damaged(rare_png())))
def test_many_pictures(data):
    right_or_rejected(data)


@pytest.mark.slow
@settings(MANY, max_examples=600)
@given(jpeg(), st.integers(1, 600), st.binary(max_size=9))
def test_many_whole_jpegs(data, box, behind):
    assert max(thumbnail(data + behind, box).size) <= box
