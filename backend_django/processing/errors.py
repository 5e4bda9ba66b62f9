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
