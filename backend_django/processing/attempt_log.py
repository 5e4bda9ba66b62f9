"""The log of a job, for finding out why it failed."""

import logging
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from backend_django.utils.logs import ContextFilter, PlainFormatter, redact_output, request_id
from backend_django.utils.text import clean_text

LINES = 200


class _Tail(logging.Handler):
    """Keep the last lines that the job of one request logs."""

    def __init__(self, request: str) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=LINES)
        self._request = request
        self.addFilter(ContextFilter())
        self.setFormatter(PlainFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if request_id.get() == self._request:
                self.lines.append(redact_output(self.format(record)))
        except Exception:  # as any handler: a line that cannot be formatted fails no job
            self.handleError(record)


@contextmanager
def log_tail(request: str) -> Iterator[deque[str]]:
    """Collect the last lines that a job logs, without what opens something to their reader."""
    tail, root = _Tail(request), logging.getLogger()
    root.addHandler(tail)
    try:
        yield tail.lines
    finally:
        root.removeHandler(tail)


def error_text(error: BaseException) -> str:
    """Return type and text of an exception, also of one that cannot say its own."""
    return clean_text(traceback.format_exception_only(error)[-1].strip(), 300)


def traceback_text(error: BaseException) -> str:
    """Return a traceback, without what opens something to its reader."""
    return redact_output("".join(traceback.format_exception(error)))
