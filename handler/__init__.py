"""What runs in Lambda: an uploaded image in, its thumbnail out.

Start with ``app`` (the paragraph), then ``events`` (what came in), ``storage`` (all S3
traffic) and ``images`` (bytes in, bytes out). Behind ``images`` are ``decoder``, which
is held to a size and a time, the walks over a file before anything is decoded
(``scans``, ``progressive``, ``chunks``, ``orientation``), and what is done with pixels
(``pixels``, ``deep``). ``memory`` has the arithmetic of the function's memory.
"""

from handler.app import lambda_handler as lambda_handler
from handler.errors import ImageRejected as ImageRejected
from handler.images import make_thumbnail as make_thumbnail

__all__ = ["ImageRejected", "lambda_handler", "make_thumbnail"]
