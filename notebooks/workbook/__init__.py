"""What the notebooks import: begin, upload, pictures side by side, an upload box."""

from workbook.box import upload_box
from workbook.pictures import side_by_side
from workbook.session import begin
from workbook.uploads import upload

__all__ = ["begin", "side_by_side", "upload", "upload_box"]
