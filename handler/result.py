"""How one upload ended, summed up from how its outputs did."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from handler.events import NotAnUpload, Upload

if TYPE_CHECKING:
    from handler.outputs import Output

Outcome = Literal["made", "rejected", "stale", "failed", "ignored"]


@dataclass
class Result:
    """How one upload ended. Sizes are (width, height); ``ms`` counts from its turn."""

    upload: Upload | None = None
    item_id: str | None = None
    outcome: Outcome = "failed"
    reason: str | None = None
    target: str | None = None
    source_size: tuple[int, int] | None = None
    source_bytes: int | None = None
    thumbnail_size: tuple[int, int] | None = None
    thumbnail_bytes: int | None = None
    error: Exception | None = None
    outputs: list[dict[str, Any]] | None = None
    rejected: str = ""
    started: float = field(default_factory=time.perf_counter)
    ms: float = 0.0
    done: str = ""

    @classmethod
    def of(cls, part: NotAnUpload) -> Self:
        """Return the result of a part of an event that has no upload in it."""
        result = cls(item_id=part.item_id)
        result.end("failed" if part.malformed else "ignored", part.reason)
        return result

    def sum_up(self, outputs: "list[Output]") -> None:
        """Take the outcome from those of the outputs: the gravest is that of all.

        Nothing of a failed upload is lost: when it is tried again, what stands stays.
        """
        first = outputs[0]
        self.target = first.target
        if first.picture:
            self.source_size, self.thumbnail_size = (
                first.picture.source_size,
                first.picture.size,
            )
            self.thumbnail_bytes = first.bytes
        self.error = next((one.error for one in outputs if one.error), None)
        self.outputs = [one.line() for one in outputs] if len(outputs) > 1 else None
        reasons = {
            outcome: _reasons(outputs, outcome)
            for outcome in ("failed", "rejected", "stale")
        }
        self.rejected = reasons["rejected"]
        outcome = next((name for name, said in reasons.items() if said), "made")
        self.end(outcome, reasons.get(outcome))

    def end(self, outcome: Outcome, reason: str | None = None) -> None:
        """Make an outcome final, at this time."""
        self.outcome, self.reason = outcome, reason
        if outcome == "rejected":
            self.rejected = reason or ""
        self.ms = round((time.perf_counter() - self.started) * 1000, 1)
        self.done = datetime.now(UTC).isoformat(timespec="milliseconds")

    @property
    def place(self) -> str:
        """Name bucket and key, or whatever else is known."""
        if self.upload:
            return f"s3://{self.upload.bucket}/{self.upload.key}"
        return f"item {self.item_id}" if self.item_id else "record"

    def line(self, request_id: str | None, cold: bool) -> dict[str, Any]:
        """Return the log line: the same keys whatever happened, and a recipe's."""
        upload = self.upload
        return {
            "bucket": upload and upload.bucket,
            "key": upload and upload.key,
            "version": upload and upload.version_id,
            "sequencer": upload and upload.sequencer,
            "outcome": self.outcome,
            "reason": self.reason,
            "target": self.target,
            "source_size": self.source_size,
            "source_bytes": self.source_bytes,
            "thumbnail_size": self.thumbnail_size,
            "thumbnail_bytes": self.thumbnail_bytes,
            "ms": self.ms,
            "cold": cold,
            "request_id": request_id,
            "done": self.done,
        } | ({"outputs": self.outputs} if self.outputs else {})


def _reasons(outputs: "list[Output]", outcome: str) -> str:
    """Join what was said of all outputs that ended like this, each thing once."""
    said: dict[str, list[str]] = {}
    for one in outputs:
        if one.outcome == outcome:
            said.setdefault(one.reason or outcome, []).append(one.name)
    # What is true of the thumbnail needs no name before it: so it was before recipes.
    return "; ".join(
        reason if "thumbnail" in names else f"{', '.join(names)}: {reason}"
        for reason, names in said.items()
    )
