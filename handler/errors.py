"""The handler's own errors, one for each way an upload can end badly."""


class ConfigError(Exception):
    """A setting is missing or wrong; says which, and what to do."""


class ImageRejected(Exception):
    """The picture can never become a thumbnail, however often it is tried."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Stale(Exception):
    """The upload was deleted, or a newer one has taken its place."""


class UploadsFailed(Exception):
    """Some uploads failed and should be tried again; names each with its cause.

    ``failures`` holds a (place, cause) pair for each of them.
    """

    def __init__(self, failures: list[tuple[str, str]], total: int) -> None:
        self.failures = failures
        named = "; ".join(f"{place}: {cause}" for place, cause in failures)
        super().__init__(f"{len(failures)} of {total} failed: {named}")
