"""The wall in one Chromium, and a phone in another."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support.bench import until
from support.browser_page import View, chromium
from support.pictures import chart
from workbook import SAMPLES
from workbook.classroom.wall.lesson import Lesson

from deploy import pipeline, settings_for
from deploy.steps import buckets

pytestmark = pytest.mark.slow

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(2000)
_TOLD = "return [...document.querySelectorAll('#files .what')].map(e => e.textContent)"
_MADE = "return document.querySelectorAll('#photos [data-outcome=made]').length"
_REFUSED = "return document.querySelectorAll('#files .refused').length"
# Every picture of the page is there, and has its words.
_PICTURES = """
const seen = [...document.querySelectorAll('#photos img')].filter(e => !e.hidden);
return seen.every(e => e.complete && e.naturalWidth && e.alt) && seen.length;
"""
# The least contrast of a page's texts with their grounds, as WCAG reckons it.
_CONTRAST = """
const parts = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const ground = (each) => {
  const found = parts(getComputedStyle(each).backgroundColor);
  return found.length === 3 ? found : ground(each.parentElement);
};
const texts = [...document.querySelectorAll('body *')].filter(e => e.checkVisibility()
  && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
return Math.min(...texts.map(e => {
  const pair = [light(parts(getComputedStyle(e).color)), light(ground(e))];
  return (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
}));
"""


class Screen(View):
    """One browser of its own, of a size."""

    def __init__(self, width: int, height: int, *, mobile: bool = False) -> None:
        super().__init__(chromium(), "wall")
        self.resize(width, height, mobile=mobile)

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        metrics = {"width": width, "height": height, "mobile": mobile}
        metrics["deviceScaleFactor"] = 1
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def errors(self) -> list[str]:
        """What the browser itself complained of, refusals of the policy included."""
        entries = self.browser.get_log("browser")
        return [
            each["message"] for each in entries if "status of 4" not in each["message"]
        ]

    def choose(self, *paths: Path) -> None:
        names = "\n".join(map(str, paths))
        self.browser.find_element(By.ID, "choose").send_keys(names)


@pytest.fixture(scope="module")
def screens():
    screens = Screen(1920, 1080), Screen(390, 844, mobile=True)
    yield screens
    for screen in screens:
        screen.browser.quit()


@pytest.fixture
def built(local):
    """A pipeline with nothing in it."""
    settings = settings_for(local)
    pipeline.up(local, settings, say=lambda line: None)
    for bucket in (settings.source_bucket, settings.target_bucket):
        buckets.empty(local, bucket)
    return local, settings


def keys(cloud, bucket):
    return [item["Key"] for item in buckets.objects(cloud, bucket)]


def ten_photos(folder: Path) -> list[Path]:
    """The samples, and charts, under names that would do harm if they were trusted."""
    names = ["<img src=x onerror=alert(1)>.jpg", "..%2f..%2fetc.png", "żółw é.jpg"]
    good = [path for path in sorted(SAMPLES.iterdir()) if "not-an" not in path.name]
    paths = good[:8]
    for name in names[: 10 - len(paths)]:
        chart().convert("RGB").save(folder / name, "PNG" if ".png" in name else "JPEG")
        paths.append(folder / name)
    return paths


def test_a_lesson_with_ten_photos_and_four_that_are_none(built, screens, tmp_path):
    wall, phone = screens
    cloud, settings = built
    with Lesson(cloud, settings, phones="127.0.0.1") as lesson:
        wall.browser.get(lesson.url)
        phone.browser.get(lesson.link)
        wall.screenshot("empty")
        phone.screenshot("phone-light")
        phone.choose(*ten_photos(tmp_path))
        wall.until(_MADE, wanted=10)
        wall.until(_PICTURES, wanted=20)
        told = phone.until(_TOLD)
        assert sorted(told) == sorted(
            f"On its way to the wall, as number {number}." for number in range(1, 11)
        )
        for width, height in ((1920, 1080), (1280, 720)):
            wall.resize(width, height)
            for theme in ("light", "dark"):
                wall.browser.execute_script(
                    f"document.documentElement.dataset.theme = '{theme}'"
                )
                time.sleep(0.3)
                wall.screenshot(f"{height}-{theme}")
                assert wall.browser.execute_script(_CONTRAST) >= 4.5
        assert phone.browser.execute_script(_CONTRAST) >= 4.5

        (tmp_path / "letter.jpg").write_text("no picture")
        (tmp_path / "IMG_1.HEIC").write_bytes(HEIC)
        with (tmp_path / "large.jpg").open("wb") as large:
            large.write(b"\xff\xd8\xff")
            large.truncate(40_000_000)
        phone.choose(*(tmp_path / n for n in ("letter.jpg", "IMG_1.HEIC", "large.jpg")))
        phone.until(_REFUSED, wanted=3)
        large, heic, letter = phone.browser.execute_script(_TOLD)[:3]
        assert letter.startswith("Not taken: this is not a JPEG or PNG, but text")
        assert "but a HEIC photo, as iPhones take: export it as JPEG" in heic
        assert large == "Not taken: it is larger than 25 MB. Send a smaller photo."
        phone.screenshot("phone-told")

        found = keys(cloud, settings.source_bucket)
        assert len(found) == 10 and all(key.startswith("wall/20") for key in found)
        page = wall.browser.execute_script("return document.body.innerHTML")
        assert "onerror" not in page and "etc.png" not in page
        assert wall.errors() == phone.errors() == []

        wrong = lesson.link[:-2] + ("a/" if lesson.link[-2] != "a" else "b/")
        phone.browser.get(wrong)
        assert "lacks the lesson's code" in phone.browser.page_source
        status = phone.browser.execute_async_script(
            "const done = arguments[0];"
            "fetch('photos', {method: 'POST', body: new Uint8Array([255, 216, 255])})"
            ".then(answer => done(answer.status))"
        )
        assert status == 403 and len(keys(cloud, settings.source_bucket)) == 10
    wall.until("return !document.getElementById('trouble').hidden")
    wall.screenshot("closed")


def test_the_teacher_goes_by_keys_and_hides_a_photo(built, screens, tmp_path):
    wall, phone = screens
    cloud, settings = built
    both = settings.source_bucket, settings.target_bucket
    with Lesson(cloud, settings, phones="127.0.0.1") as lesson:
        wall.browser.get(lesson.url)
        phone.browser.get(lesson.link)
        phone.choose(SAMPLES / "lighthouse.jpg", SAMPLES / "paper-boat.png")
        wall.until(_MADE, wanted=2)
        said = "return document.getElementById('said').textContent"
        wall.until(f"{said}.startsWith('Photo 2: made in ')")
        wall.browser.execute_script("document.querySelector('li').focus()")
        wall.browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
        active = wall.browser.switch_to.active_element
        assert "#1" in active.text
        active.send_keys(Keys.DELETE)
        wall.until(_MADE, wanted=1)
        until(lambda: all(len(keys(cloud, bucket)) <= 1 for bucket in both))
        wall.browser.find_element(By.ID, "qr").click()
        wall.screenshot("qr")
        wall.browser.find_element(By.ID, "qr").click()
        damaged = tmp_path / "damaged.jpg"
        damaged.write_bytes(b"\xff\xd8\xff\xe0" + bytes(2000))
        phone.choose(damaged)
        reason = "return document.querySelector('[data-outcome=rejected] .reason')"
        assert wall.until(f"{reason}?.textContent")
        wall.screenshot("rejected")
        wall.browser.find_element(By.ID, "end").click()
        wall.browser.find_element(By.CSS_SELECTOR, "dialog [value=yes]").click()
        lesson.wait()
        assert not lesson.is_open


def test_a_phone_sends_straight_to_s3_by_a_form(built, screens, tmp_path):
    """The way on AWS: the bucket's CORS rule lets this one page in."""
    wall, phone = screens
    cloud, settings = built
    with Lesson(cloud, settings, phones="127.0.0.1", direct=True) as lesson:
        wall.browser.get(lesson.url)
        phone.browser.get(lesson.link)
        (tmp_path / "letter.jpg").write_text("no picture")
        phone.choose(SAMPLES / "lighthouse.jpg", tmp_path / "letter.jpg")
        wall.until(_MADE, wanted=1)
        letter, photo = phone.until(_TOLD)
        assert photo == "On its way to the wall, as number 1."
        assert "but text" in letter
        (key,) = keys(cloud, settings.source_bucket)
        head = cloud.s3.head_object(Bucket=settings.source_bucket, Key=key)
        assert key.endswith(".jpg") and head["ContentType"] == "image/jpeg"
        assert phone.errors() == []
    with pytest.raises(cloud.s3.exceptions.ClientError, match="NoSuchCORS"):
        cloud.s3.get_bucket_cors(Bucket=settings.source_bucket)


def test_the_qr_code_says_the_link(built, screens):
    """Chromium draws it; its modules are those that the link makes."""
    import segno

    wall, _ = screens
    cloud, settings = built
    with Lesson(cloud, settings, phones="127.0.0.1") as lesson:
        wall.browser.get(lesson.url)
        wall.until("return document.querySelector('#qr img').naturalWidth > 0")
        shot = wall.browser.find_element(By.CSS_SELECTOR, "#qr img").screenshot_as_png
    modules = segno.make(lesson.link, error="m", micro=False).matrix
    image = Image.open(io.BytesIO(shot)).convert("L")
    size = len(modules) + 8  # four of quiet zone on each side
    at = [(n + 4.5) * image.width / size for n in range(len(modules))]
    seen = [[image.getpixel((x, y)) < 128 for x in at] for y in at]
    assert seen == [[bool(module) for module in row] for row in modules]
