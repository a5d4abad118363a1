"""The handler's own errors, one for each way an upload can end badly."""


class ConfigError(Exception):
    """A setting is missing or wrong; says which, and what to do."""


class ImageRejected(Exception):
    """The picture can never become a thumbnail, however often it is tried.

    ``etag`` says which bytes, where that was learned before they were refused.
    """

    def __init__(self, reason: str, etag: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.etag = reason, etag


class Stale(Exception):
    """The upload was deleted, or a newer one has taken its place."""


class Gone(Stale):
    """There is nothing of that name to read: deleted, or it never was."""


class UploadsFailed(Exception):
    """Some uploads failed and should be tried again; names each with its cause.

    ``failures`` holds a (place, cause) pair for each of them. The text is one line,
    since Lambda logs it: no key can forge a line of its own.
    """

    def __init__(self, failures: list[tuple[str, str]], total: int) -> None:
        self.failures = failures
        named = "; ".join(f"{place}: {cause}" for place, cause in failures)
        super().__init__(_one_line(f"{len(failures)} of {total} failed: {named}"))


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
