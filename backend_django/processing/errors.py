"""Errors that a job may raise. Without Django, so that a child process can use them."""

import re
from typing import Any

from backend_django.utils.messages import Message

CODE = re.compile(r"[a-z][a-z0-9_]{0,49}")


class ProcessingError(Exception):
    """The job cannot be done, and the reason is for the user to read.

    Args:
        code: snake_case, stable; programs branch on it.
        message: one or two sentences that say what is wrong and what to do.
        values: what `%(name)s` in it stands for. A message with values in it can be translated
            (`make messages`); one that was composed before cannot.
    """

    code = message = ""  # of a subclass that does not call __init__

    def __init__(self, code: str, message: str, /, **values: Any) -> None:
        message = Message(message, **values) if values else message
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def is_for_users(self) -> bool:
        """Whether its author has given it a code and a sentence, and not something else."""
        text = self.message.replace("\0", "") if isinstance(self.message, str) else ""
        return bool(text.strip()) and bool(CODE.fullmatch(str(self.code)))


class Cancelled(Exception):  # noqa: N818 (not an error: somebody wanted it)
    """This attempt is over: the request was cancelled or deleted, or another attempt has it."""
