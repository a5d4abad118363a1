"""What the notebooks import: begin, pictures, uploads, checks, the lab, the score."""

import importlib
from types import ModuleType

from workbook import labs, scale
from workbook.classroom.wall.lesson import wall
from workbook.errors.explain import explain
from workbook.labs import faults
from workbook.scores import check, exercise, score, tally
from workbook.session import begin, reset, unless_exists
from workbook.show import plots
from workbook.show.charts import RECORDED, durations, log_table, memory, outcomes
from workbook.show.pictures import gallery, preview, side_by_side, to_scale
from workbook.show.timeline import timeline
from workbook.show.trace_picture import show_trace
from workbook.show.video import frames, make_sizes, pick_frame
from workbook.uploads import SAMPLES, until_forgotten, until_heard, upload
from workbook.widgets.effects_lab import effects_lab, try_recipe
from workbook.widgets.live_gallery import live_gallery
from workbook.widgets.thumbnail_lab import thumbnail_lab, try_thumbnail
from workbook.widgets.upload_box import upload_box

__all__ = [
    "RECORDED",
    "SAMPLES",
    "begin",
    "check",
    "durations",
    "effects_lab",
    "exercise",
    "explain",
    "faults",
    "frames",
    "gallery",
    "label_training",
    "labs",
    "live_gallery",
    "log_table",
    "make_sizes",
    "memory",
    "outcomes",
    "pick_frame",
    "plots",
    "preview",
    "reset",
    "scale",
    "score",
    "show_trace",
    "side_by_side",
    "tally",
    "thumbnail_lab",
    "timeline",
    "to_scale",
    "try_recipe",
    "try_thumbnail",
    "unless_exists",
    "until_forgotten",
    "until_heard",
    "upload",
    "upload_box",
    "wall",
]


def __getattr__(name: str) -> ModuleType:
    """Import the training once it is asked for: it is also a program of its own."""
    if name == "label_training":
        return importlib.import_module("workbook.label_training")
    raise AttributeError(f"module 'workbook' has no attribute {name!r}")
