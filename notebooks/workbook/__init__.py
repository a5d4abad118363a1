"""What the notebooks import: begin, pictures, uploads, checks, the lab, the score."""

from workbook import faults, labs
from workbook.bars import progress
from workbook.box import upload_box
from workbook.charts import RECORDED, durations, log_table, memory, outcomes
from workbook.checks import check
from workbook.effects import effects_lab, try_recipe
from workbook.exists import unless_exists
from workbook.explain import explain
from workbook.lab import thumbnail_lab, try_thumbnail
from workbook.live import live_gallery
from workbook.path import show_trace
from workbook.pictures import gallery, preview, side_by_side
from workbook.scores import score
from workbook.session import begin
from workbook.times import timeline
from workbook.uploads import SAMPLES, upload
from workbook.video import frames, make_sizes, pick_frame

__all__ = [
    "RECORDED",
    "SAMPLES",
    "begin",
    "check",
    "durations",
    "effects_lab",
    "explain",
    "faults",
    "frames",
    "gallery",
    "labs",
    "live_gallery",
    "log_table",
    "make_sizes",
    "memory",
    "outcomes",
    "pick_frame",
    "preview",
    "progress",
    "score",
    "show_trace",
    "side_by_side",
    "thumbnail_lab",
    "timeline",
    "try_recipe",
    "try_thumbnail",
    "unless_exists",
    "upload",
    "upload_box",
]
