"""Bytes in, bytes out: a picture is decoded within bounds, shrunk and encoded."""

Size = tuple[int, int]  # width, height
Area = tuple[float, float, float, float]  # left, top, right, bottom
