"""The boxes and the live gallery, driven as a browser would, on the local cloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import ipywidgets
import pytest
import workbook
from botocore.exceptions import ClientError
from support.local_cloud import shared_pipeline
from support.moto_cloud import hooked
from support.pictures import png_bomb
from support.shown import jpeg
from workbook import checks, uploads
from workbook.labs import mistakes
from workbook.show import restarted, timeline
from workbook.widgets.live_gallery import LiveGallery
from workbook.widgets.upload_box import UploadBox

from deploy import settings_for
from deploy.cloud import Cloud
from deploy.errors import DeployError
from deploy.logs import Run
from deploy.settings import Settings

SAMPLES = workbook.SAMPLES


@pytest.fixture(scope="module")
def standing(local_folder: Path) -> Iterator[tuple[Cloud, Settings]]:
    with shared_pipeline(local_folder, name="boxes") as place:
        yield place


@pytest.fixture
def cloud(standing: tuple[Cloud, Settings]) -> Cloud:
    return standing[0]


@pytest.fixture
def settings(standing: tuple[Cloud, Settings]) -> Settings:
    return standing[1]


@pytest.fixture
def broken(cloud: Cloud) -> Settings:
    """Settings of a pipeline that was never built."""
    return settings_for(cloud, name="nowhere")


@pytest.fixture
def box(cloud: Cloud, settings: Settings) -> UploadBox:
    return workbook.upload_box(cloud, settings)


@pytest.fixture
def live(cloud: Cloud, settings: Settings) -> LiveGallery:
    return workbook.live_gallery(cloud, settings)


def choose(widget: ipywidgets.Box, *files: tuple[str, bytes], size: int = 0) -> None:
    """Choose files, as a hand in the browser does."""
    button = next(w for w in widget.children if isinstance(w, ipywidgets.FileUpload))
    chosen = [
        {
            "name": name,
            "type": "",
            "size": size or len(content),
            "content": memoryview(content),
            "last_modified": 1_790_000_000_000,
        }
        for name, content in files
    ]
    button.set_state({"value": chosen})  # what a message from the browser does
    assert button.value == ()  # ready for the same file again


@contextmanager
def stopped(cloud: Cloud, settings: Settings) -> Iterator[None]:
    """Keep the function from running, as "stop now" does."""
    mistakes.stopped(cloud, settings)
    try:
        yield
    finally:
        mistakes.start(cloud, settings)


def page(widget: ipywidgets.Box) -> str:
    html = [w.value for w in widget.children if isinstance(w, ipywidgets.HTML)]
    return "\n".join(html)


# --- the code twin -------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(standing: tuple[Cloud, Settings]) -> list[Run]:
    """One picture, uploaded twice under one name."""
    chart = SAMPLES / "this-side-up.jpg"
    return [run for _ in range(2) for run in workbook.upload(*standing, chart)]


def test_upload(runs):
    made = [(run.outcome, run.thumbnail_size) for run in runs]
    assert made == [("made", (256, 192))] * 2


def test_upload_tells_a_rejection(cloud, settings):
    (run,) = workbook.upload(cloud, settings, [SAMPLES / "not-an-image.jpg"])
    shown = workbook.side_by_side(cloud, settings, [run])
    assert repr(shown) == (
        "not-an-image.jpg: rejected "
        "(not a JPEG or PNG, but text: upload the picture instead)"
    )


def test_upload_names_the_nearest_rule(cloud, settings, tmp_path, capsys):
    (tmp_path / "LOUD.JPG").write_bytes(jpeg())
    assert workbook.upload(cloud, settings, tmp_path / "LOUD.JPG") == []
    out = capsys.readouterr().out
    assert "LOUD.JPG is stored" in out and "uploads it as LOUD.jpg" in out
    (run,) = workbook.upload(cloud, settings, tmp_path / "LOUD.JPG", rename=True)
    assert run.key == "LOUD.jpg" and run.outcome == "made"


def test_upload_of_a_missing_file_uploads_nothing(cloud, settings, tmp_path):
    (tmp_path / "first.jpg").write_bytes(jpeg())
    with pytest.raises(DeployError, match=r"'second\.jpg' cannot be read"):
        workbook.upload(
            cloud, settings, [tmp_path / n for n in ("first.jpg", "second.jpg")]
        )
    page = cloud.s3.list_objects_v2(Bucket=settings.source_bucket, Prefix="first")
    assert page["KeyCount"] == 0


def test_timeline(cloud, settings, runs):
    shown = workbook.timeline(cloud, settings, runs[1:])  # warm
    assert repr(shown).startswith("this-side-up.jpg: made, 256 × 192 px, 7.3 kB; ")
    assert "124.7 kB<br>→ 7.3 kB" in shown.data and "$1" in shown.data
    for run in runs:
        waited, worked = timeline.spans(run)
        assert waited is not None and worked == run.ms
        assert timeline.money(settings, run) > 2 * 0.005 / 1000  # of the billed time
    assert repr(workbook.timeline(cloud, settings, [])) == "no uploads"


def test_check_of_an_upload(cloud, settings, runs):
    for step in (2, 3, 4, 5, 6, 7):
        report = checks.look(step, cloud, settings)
        assert report.ok, report


# --- the upload box ------------------------------------------------------------------


def test_box_shows_thumbnails_of_tricky_names(box):
    choose(box, ("a b+1 é.jpg", jpeg()), ("<b>.jpg", jpeg(colour="blue")))
    assert page(box).count("data:image/jpeg") == 4
    assert "a b+1 é.jpg" in page(box) and "<b>.jpg" not in page(box)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("text.jpg", b"only words", "not a JPEG or PNG"),
        ("huge.png", png_bomb(20_000, 15_000), "is more than 250 megapixels"),
        ("IMG_1.HEIC", b"\0\0\0\x18ftypheic" + bytes(500), "export it as JPEG"),
    ],
)
def test_box_tells_what_it_is_instead_of_a_picture(box, name, content, said):
    choose(box, (name, content))
    assert said in page(box) and ("rejected" in page(box)) == ("HEIC" not in name)


def test_box_names_the_nearest_rule(box):
    choose(box, ("photo.jpeg", jpeg()), ("fine.jpg", jpeg()))
    assert "photo.jpeg is stored" in page(box)
    assert page(box).count("data:image/jpeg") == 2
    assert box.again.description == "Upload as photo.jpg"
    box.again.click()
    assert page(box).count("data:image/jpeg") == 2 and "photo.jpg" in page(box)
    assert box.again.layout.display == "none"


def test_box_names_the_limit_and_its_twin(cloud, settings):
    said = page(workbook.upload_box(cloud, settings))
    assert "10 MB" in said and "upload(cloud, settings, &quot;photo.jpg&quot;)" in said


def test_box_tells_of_half_a_file(box):
    choose(box, ("half.jpg", jpeg()), size=1_000_000)
    assert "arrived incomplete" in page(box)


def test_box_takes_15_megabytes(box):
    padded = jpeg() + bytes(15_000_000)  # decoders stop at the end of the picture
    choose(box, ("large.jpg", padded))
    assert "15.0 MB" in page(box) and page(box).count("data:image/jpeg") == 2


def test_box_tells_what_the_cloud_refused_and_goes_on(cloud, settings, broken):
    box = workbook.upload_box(cloud, broken)
    choose(box, ("red.jpg", jpeg()))
    assert "red.jpg was not uploaded. PutObject was refused (NoSuchBucket)" in page(box)
    cloud.s3.create_bucket(Bucket=broken.source_bucket)
    choose(box, ("red.jpg", jpeg()))
    assert "the bucket has no rule" in page(box) and "refused" not in page(box)
    cloud.s3.delete_object(Bucket=broken.source_bucket, Key="red.jpg")
    cloud.s3.delete_bucket(Bucket=broken.source_bucket)


@pytest.mark.parametrize("widget", [workbook.upload_box, workbook.live_gallery])
def test_a_box_without_a_cloud(widget, cloud, settings):
    here = cloud.session, cloud.account, cloud.region, "local"
    box = widget(Cloud(*here, "http://127.0.0.1:9"), settings)
    choose(box, ("red.jpg", jpeg()))
    if isinstance(box, LiveGallery):
        box.join()
    assert "The cloud does not answer" in page(box) and "Traceback" not in page(box)


def test_box_tells_of_a_function_that_says_nothing(box, cloud, settings, monkeypatch):
    monkeypatch.setattr(uploads, "PATIENCE_S", 0.2)
    with stopped(cloud, settings):
        choose(box, ("waiting.jpg", jpeg()))
    assert "nothing is logged about waiting.jpg" in page(box)


# --- how much is asked ---


@contextmanager
def counted(cloud: Cloud) -> Iterator[Counter[tuple[str, str]]]:
    """Count S3's calls, by operation and key, where they leave for the network."""
    calls: Counter[tuple[str, str]] = Counter()

    def count(model: Any, params: dict[str, Any], **_: Any) -> None:
        key = unquote(params["url_path"]).rpartition("/")[2]
        calls[model.name, key] += 1

    with hooked(cloud.s3, "before-call.s3.*", count):
        yield calls


TEN = [(f"{n}.jpg", jpeg((280 + n, 280 + n))) for n in range(10)]


@pytest.mark.parametrize("widget", [workbook.upload_box, workbook.live_gallery])
def test_each_picture_is_read_once(widget, cloud, settings):
    box = widget(cloud, settings)
    with counted(cloud) as calls:
        choose(box, *TEN)
        if isinstance(box, LiveGallery):
            box.join()
    reads = {key: n for (name, key), n in calls.items() if name == "GetObject"}
    assert reads == {name: 2 for name, _ in TEN}  # the source, and its thumbnail
    rules = "GetBucketNotificationConfiguration"
    assert sum(n for (name, _), n in calls.items() if name == rules) == 1
    assert page(box).count("data:image/jpeg") == 20


def test_the_live_gallery_reads_no_earlier_batch_again(live, cloud):
    choose(live, *TEN[:2])
    live.join()
    with counted(cloud) as calls:
        choose(live, TEN[2])
        live.join()
    assert {key for name, key in calls if name == "GetObject"} == {"2.jpg"}
    assert live.pictures.value.count("data:image/jpeg") == 6


def test_box_tells_that_it_may_not_see_the_rules(box, cloud):
    def refuse(**_: Any) -> None:
        error = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}
        raise ClientError(error, "GetBucketNotificationConfiguration")

    event = "before-call.s3.GetBucketNotificationConfiguration"
    with hooked(cloud.s3, event, refuse):
        choose(box, ("red.jpg", jpeg()))
    assert "was refused (AccessDenied)" in page(box)
    assert "not uploaded" not in page(box)  # it was


# --- the live gallery ----------------------------------------------------------------


def test_live_gallery(live):
    choose(live, ("one.jpg", jpeg()), ("two.jpg", jpeg(colour="blue")))
    live.join()
    assert {run.key for run in live.runs} == {"one.jpg", "two.jpg"}
    assert live.pending == {} and live.pictures.value.count("data:image/jpeg") == 4
    assert " ms" in live.times.value and "$" in live.times.value
    assert all(run.duration_ms is not None for run in live.runs)  # what is billed
    assert not any(thread.is_alive() for thread in live._threads)
    below = list(live.children)  # on a projector the pictures are what is looked for
    assert below.index(live.pictures) < below.index(live.times)


def test_live_gallery_grows(live):
    for name in ("first.jpg", "second.jpg", "first.jpg"):
        choose(live, (name, jpeg()))
        live.join()
    assert [run.key for run in live.runs] == ["first.jpg", "second.jpg", "first.jpg"]


def test_live_gallery_shows_what_waits(live, cloud, settings):
    with stopped(cloud, settings):
        choose(live, ("slow.jpg", jpeg()))
        assert "slow.jpg" in live.times.value and "waiting" in live.times.value
    # The stopped function's event is lost: the same picture again brings another.
    cloud.s3.put_object(Bucket=settings.source_bucket, Key="slow.jpg", Body=jpeg())
    live.join()
    assert [run.outcome for run in live.runs] == ["made"]
    assert "waiting" not in live.times.value


PHOTO = SAMPLES / "lighthouse.jpg"


@pytest.mark.parametrize(
    "make",
    [
        workbook.upload_box,
        workbook.live_gallery,
        lambda cloud, settings: workbook.thumbnail_lab(PHOTO),
        lambda cloud, settings: workbook.effects_lab(PHOTO),
        lambda cloud, settings: workbook.pick_frame(workbook.frames()),
    ],
    ids=["upload", "gallery", "thumbnail", "effects", "frames"],
)
def test_every_widget_has_a_panel_for_a_restarted_kernel(make, cloud, settings):
    """Unseen while the kernel lives; test_learner sees it in a page."""
    texts = [w.value for w in make(cloud, settings).children if hasattr(w, "value")]
    assert sum(restarted.TEXT in str(text) for text in texts) == 1
