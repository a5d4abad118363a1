"""Upload pictures and wait for what the function says of them."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from tqdm.auto import tqdm

from deploy import logs
from deploy.cloud import Cloud
from deploy.settings import Settings

#: What Settings.max_bytes lets the function read, and a request of Jupyter carry.
SAMPLES = Path(__file__).resolve().parents[2] / "images" / "samples"


def upload(
    cloud: Cloud, settings: Settings, files: Iterable[Path | str] | Path | str
) -> list[logs.Run]:
    """Upload files under their own names and wait for the outcome of each.

    A name that no rule matches is uploaded, too, and said: nothing will happen to it.

    Raises:
        FileNotFoundError: there is no such file.
        NotReadyError: the function logged nothing about a key in time.
    """
    paths = [Path(files)] if isinstance(files, str | Path) else [Path(f) for f in files]
    started = datetime.now(UTC)
    for path in tqdm(paths, desc="Uploading", unit="file", leave=False):
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        cloud.s3.upload_file(
            str(path),
            settings.source_bucket,
            path.name,
            ExtraArgs={"ContentType": kind},
        )
    return outcomes(cloud, settings, [path.name for path in paths], started)


def outcomes(
    cloud: Cloud, settings: Settings, keys: list[str], since: datetime
) -> list[logs.Run]:
    """Wait for the outcome of each key, showing progress; say what never starts."""
    expected = [key for key in keys if key.endswith(settings.suffixes)]
    for key in keys:
        if key not in expected:
            print(
                f"{key}: no rule matches, so nothing happens. The rules are "
                f"{' and '.join(settings.suffixes)}, in small letters."
            )
    found = logs.wait_for(cloud, settings, expected, since)
    bar = tqdm(found, total=len(expected), desc="Thumbnails", leave=False)
    done = {run.key: run for run in bar}
    return [done[key] for key in expected]
