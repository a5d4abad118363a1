"""A target that follows its source: what is deleted or spoilt there goes here, too.

Events come late, twice and in any order, so none is believed: after each, the source
is looked at, what is not of it is deleted, and it is looked at once more. Where it has
changed in between, what we deleted may have been the work of a newer event, so the
picture that stands now is made.
"""

from collections.abc import Callable

from handler import outputs
from handler.events import Upload, target_key
from handler.report import Output, Result
from handler.storage import ATTEMPTS, Storage

Process = Callable[[Upload], Result]


def follow(
    storage: Storage, upload: Upload, result: Result | None, process: Process
) -> Result:
    """Bring the results of a key in line with its source; return how that ended.

    ``result`` is how the upload ended, None where the event is of a deletion. Never
    raises.
    """
    with (output := Output("thumbnail")).ending():
        for _ in range(ATTEMPTS):
            settled, again = _settled(storage, upload, result)
            if not again:
                return settled
            # Of whatever stands: no longer the bytes that the event told of.
            now = Upload(upload.bucket, upload.key, item_id=upload.item_id)
            result = process(now)
            if result.outcome == "failed":
                return result
        raise RuntimeError("the source changed at every look: tried again by itself")
    return Result(upload, upload.item_id, [output])


def _settled(
    storage: Storage, upload: Upload, result: Result | None
) -> tuple[Result, bool]:
    """Delete what is not of the source; say whether that has to be made anew."""
    etag = storage.current(upload)
    every = _results(storage, upload)
    if etag is None:
        storage.delete(every)
        result = _gone(upload, result, every[0])
    elif result is None:  # deleted, and uploaded again; or an old version was deleted
        return Result(upload, upload.item_id), True
    elif etag == result.etag and result.outcome in ("made", "rejected"):
        kept = {output.target for output in (*result.outputs, result.record) if output}
        storage.delete(key for key in every if key not in kept)
    else:  # a newer upload has an event of its own
        return result, False
    return result, storage.current(upload) != etag


def _gone(upload: Upload, result: Result | None, key: str) -> Result:
    """Say of an upload that it came too late, and of a deletion that it was done."""
    output = Output("thumbnail", "removed", "deleted in the source", key)
    if result is not None:
        output = Output("thumbnail", "stale", "deleted while it was processed")
        if result.outcome == "stale":
            output = result.outputs[0]
    return Result(upload, upload.item_id, [output])


def _results(storage: Storage, upload: Upload) -> list[str]:
    """Name everything that may have been made of a key: the thumbnail comes first."""
    config = storage.config
    pictures = [target_key(upload.key, folder) for folder in outputs.folders(config)]
    return [*pictures, target_key(upload.key, config.reject_prefix, ".json")]
