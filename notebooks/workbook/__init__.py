"""What the notebooks import: begin, pictures, uploads, checks, the lab, the score."""

from typing import TYPE_CHECKING

from workbook import labs as labs
from workbook import scale as scale
from workbook.classroom.wall.lesson import wall as wall
from workbook.errors.explain import explain as explain
from workbook.labs import faults as faults
from workbook.scores import check as check
from workbook.scores import exercise as exercise
from workbook.scores import score as score
from workbook.scores import tally as tally
from workbook.session import begin as begin
from workbook.session import reset as reset
from workbook.session import unless_exists as unless_exists
from workbook.show import plots as plots
from workbook.show.charts import RECORDED as RECORDED
from workbook.show.charts import durations as durations
from workbook.show.charts import log_table as log_table
from workbook.show.charts import memory as memory
from workbook.show.charts import outcomes as outcomes
from workbook.show.pictures import gallery as gallery
from workbook.show.pictures import preview as preview
from workbook.show.pictures import side_by_side as side_by_side
from workbook.show.pictures import to_scale as to_scale
from workbook.show.timeline import timeline as timeline
from workbook.show.trace_picture import show_trace as show_trace
from workbook.show.video import frames as frames
from workbook.show.video import make_sizes as make_sizes
from workbook.show.video import pick_frame as pick_frame
from workbook.uploads import SAMPLES as SAMPLES
from workbook.uploads import until_forgotten as until_forgotten
from workbook.uploads import until_heard as until_heard
from workbook.uploads import upload as upload
from workbook.widgets.effects_lab import effects_lab as effects_lab
from workbook.widgets.effects_lab import try_recipe as try_recipe
from workbook.widgets.live_gallery import live_gallery as live_gallery
from workbook.widgets.thumbnail_lab import thumbnail_lab as thumbnail_lab
from workbook.widgets.thumbnail_lab import try_thumbnail as try_thumbnail
from workbook.widgets.upload_box import upload_box as upload_box

if TYPE_CHECKING:  # found once it is asked for: it is also a program of its own
    from workbook import label_training as label_training
