"""What runs in Lambda: an uploaded image in, its thumbnail out.

An upload goes through the modules in this order, and never back:

``app``      event in, answer out: the paragraph; uploads are handled side by side
``events``   what came in; what a result's key is
``storage``  all S3 traffic: exactly the bytes of the event, never over a newer result
``outputs``  what an upload gets: thumbnail, renditions, labels, ``backup``
``mirror``   results of what was deleted or spoilt are deleted, where that is asked for
``picture``  bytes in, bytes out: guards, decoder, pixels, encoder; no S3
``report``   how each upload ended: a log line, a reject record, the answer

Beside the way stand ``config`` (every setting, checked), ``errors`` (one for each way
to end badly) and ``recipe`` (renditions, effects, watermarks, labels, read from JSON).
S3 calls overlap, pixels take turns: memory is what a function has least of. An upload
that cannot be made is rejected with a record, so nothing is tried for ever; whatever
else goes wrong is raised once all were tried, so nothing is lost.

Importing this package, or ``events``, loads neither Pillow nor boto3.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handler.app import lambda_handler as lambda_handler
    from handler.errors import ImageRejected as ImageRejected
    from handler.picture.render import make_thumbnail as make_thumbnail

_HOMES = {"ImageRejected": "errors", "lambda_handler": "app"}
_HOMES["make_thumbnail"] = "picture.render"

__all__ = ["ImageRejected", "lambda_handler", "make_thumbnail"]


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
