"""What runs in Lambda: an uploaded image in, its thumbnail out.

Start with ``app`` (the paragraph), then ``events`` (what came in), ``storage`` (all S3
traffic) and ``images`` (bytes in, bytes out). Behind ``images`` are ``decoder``, which
is held to a size and a time, the walks over a file before anything is decoded
(``scans``, ``progressive``, ``chunks``, ``orientation``), ``whole``, which sees that no
part of a JPEG is missing, and what is done with pixels (``pixels``, ``deep``).
``memory`` has the arithmetic of the function's memory.

What an upload gets besides its thumbnail is a ``recipe``: more ``renditions``, with
``effects`` and a ``watermark``, a ``backup``, ``labels``. ``outputs`` makes them side
by side, and ``trial`` tells what is wrong with a recipe before it is deployed.
"""

from handler.app import lambda_handler as lambda_handler
from handler.errors import ImageRejected as ImageRejected
from handler.picture.render import make_thumbnail as make_thumbnail

__all__ = ["ImageRejected", "lambda_handler", "make_thumbnail"]
