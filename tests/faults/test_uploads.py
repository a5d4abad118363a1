"""What people hit when an upload comes: provoked on the local cloud, where it runs."""

import json
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from support.by_hand import notify
from support.matrix import Row, left, quiet
from support.pictures import decoded, encoded, exif_of, photo
from workbook.labs import mistakes

from deploy import logs, pipeline, probe, trace
from deploy.configure import settings_for
from deploy.errors import DeployError
from deploy.steps import layer

EVENTS = Path(__file__).parents[1] / "support" / "events"
NAMES = ("a b.jpg", "a+b.jpg", "50%.jpg", "é.jpg", "2026/日本/a&b=c.png")


def upload(cloud, settings, key, body):
    """Upload, and wait for what the function says of it."""
    since = datetime.now(UTC)
    cloud.s3.put_object(Bucket=settings.source_bucket, Key=key, Body=body)
    (run,) = logs.wait_for(cloud, settings, [key], since)
    return run


def thumbnail(cloud, settings, key, body):
    """Upload, and describe the thumbnail that comes of it."""
    run = upload(cloud, settings, key, body)
    answer = cloud.s3.get_object(Bucket=settings.target_bucket, Key=run.target)
    made = decoded(answer["Body"].read())
    return f"nothing: a {made.format} in {made.mode}, {made.width} × {made.height}"


def traced(cloud, settings, key):
    """Follow an upload until its ending is known, and name the broken link."""
    for _ in range(120):
        found = trace(key, cloud, settings)
        if found.ending not in ("pending", "made") and found.broken:
            return f"`trace`: {found.broken.name}: {found.broken.finding}"
        time.sleep(0.5)
    raise AssertionError(found)


def after(mistake, key="mistake.jpg"):
    """Make a mistake, upload, and ask `trace`."""

    def fault(cloud, settings, folder):
        mistake(cloud, settings)
        cloud.s3.put_object(
            Bucket=settings.source_bucket, Key=key, Body=encoded(photo())
        )
        return traced(cloud, settings, key)

    return fault


def names_of_all_kinds(cloud, settings, folder):
    body = encoded(photo())
    made = [upload(cloud, settings, key, body).target for key in NAMES]
    return "nothing: " + ", ".join(f"`{key}`" for key in made)


def transparency(cloud, settings, folder):
    body = encoded(Image.new("RGBA", (400, 200), (255, 0, 0, 90)), "PNG")
    return thumbnail(cloud, settings, "glass.jpg", body)


def on_its_side(cloud, settings, folder):
    body = encoded(photo((640, 320)), exif=exif_of(6))
    return thumbnail(cloud, settings, "side.jpg", body)


def no_picture(cloud, settings, folder):
    run = upload(cloud, settings, "text.jpg", b"This is no picture.")
    return f"{run.outcome}: {run.reason}; tried once, recorded at `{run.target}`"


def paused(cloud, settings, folder):
    pipeline.pause(cloud, settings)
    lines = repr(pipeline.status(cloud, settings)).splitlines()
    return next(line for line in lines if "(paused" in line)


def told_of_itself(cloud, settings, folder):
    event = (EVENTS / "s3_test_event.json").read_bytes()
    answer = cloud.awslambda.invoke(FunctionName=settings.function_name, Payload=event)
    assert "FunctionError" not in answer
    return f"nothing: the function answers {json.load(answer['Payload'])}"


def not_live_yet(cloud, settings, folder):
    notify(cloud, settings)
    found = repr(probe(cloud, settings, timeout_s=1)).splitlines()[1:]
    pipeline.up(cloud, settings, say=quiet)
    assert probe(cloud, settings).live
    return f"`probe`: {' '.join(found)} After `up`: Live"


def too_large(cloud, settings, folder):
    with zipfile.ZipFile(folder / "layer.zip", "w", zipfile.ZIP_DEFLATED, True, 1) as z:
        z.writestr("python/zeros", bytes(280_000_000))
    with pytest.raises(DeployError) as caught:
        layer.check_size(folder / "layer.zip")
    return str(caught.value)


#: What people search for → the fault.
FAULTS = {
    "No module named 'PIL'": after(mistakes.no_layer),
    "NoSuchKey: a handler that does not decode keys": after(
        mistakes.raw_key, "red panda+1 é.jpg"
    ),
    "names with spaces, +, %, é and /": names_of_all_kinds,
    "Task timed out after 1.00 seconds": after(mistakes.slow),
    "cannot write mode RGBA as JPEG": transparency,
    "a photo on its side": on_its_side,
    "UnidentifiedImageError": no_picture,
    "a loop, stopped at once": paused,
    "s3:TestEvent arrives": told_of_itself,
    "fires late, or not the first time": not_live_yet,
    "Unzipped size must be smaller": too_large,
}


@pytest.mark.slow
def test_every_fault_that_runs(local, matrix, tmp_path):
    settings = settings_for(local, name="hit")
    rows = []
    for symptom, fault in FAULTS.items():
        pipeline.up(local, settings, say=quiet)
        sees = fault(local, settings, tmp_path)
        remains = left(local, settings)
        pipeline.up(local, settings, say=quiet)
        assert pipeline.status(local, settings).ready, symptom
        assert upload(local, settings, "z.jpg", encoded(photo())).outcome == "made"
        rows.append(Row(symptom, sees, remains, "`up`: a photo becomes a thumbnail"))
    assert pipeline.down(local, settings).left == ()
    matrix("what people hit, on the local cloud", rows)
