"""What a job may raise. Imports nothing, so that a child process without Django can use it."""


class ProcessingError(Exception):
    """The job cannot be done, and the reason is for the user to read.

    Args:
        code: snake_case, stable; programs branch on it.
        message: one or two sentences that say what is wrong and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Cancelled(Exception):  # noqa: N818 (not an error: somebody wanted it)
    """This attempt is over: the request was cancelled or deleted, or another attempt has it."""


class StorageError(Exception):
    """The storage did not do what was asked; `code` and `message` are for the user."""

    code = "storage_unavailable"
    message = "The storage does not respond. Try again later."

    def __init__(self) -> None:
        super().__init__(self.message)


class StorageUnavailable(StorageError):  # noqa: N818
    """It does not respond, or refuses."""


class StorageFull(StorageError):  # noqa: N818
    """There is no room in the storage, or where jobs work."""

    code = "disk_full"
    message = "The server does not have enough disk space for this. Try again later."


class FileGone(StorageError):  # noqa: N818
    """A file that a request was made with is not there any more."""

    code = "input_missing"
    message = "The uploaded file is no longer there. Upload it again."
