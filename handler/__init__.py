"""What runs in Lambda: an uploaded image in, its thumbnail out.

Start with ``app`` (the paragraph), then ``events`` (what came in), ``storage`` (all S3
traffic) and ``images`` (bytes in, bytes out).
"""

from handler.app import lambda_handler as lambda_handler
from handler.errors import ImageRejected as ImageRejected
from handler.images import make_thumbnail as make_thumbnail

__all__ = ["ImageRejected", "lambda_handler", "make_thumbnail"]
