"""Bytes in, bytes out: a picture is decoded within bounds, shrunk and encoded."""
