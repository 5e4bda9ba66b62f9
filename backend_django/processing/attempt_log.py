"""What a job logged, for those who have to find out why it failed."""

import logging
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from backend_django.utils.logs import ContextFilter, PlainFormatter, job_id, redact_output

LINES = 200


class _Tail(logging.Handler):
    """Keeps the last lines of one job."""

    def __init__(self, job: str) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=LINES)
        self._job = job
        self.addFilter(ContextFilter())
        self.setFormatter(PlainFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        if job_id.get() == self._job:
            self.lines.append(redact_output(self.format(record)))


@contextmanager
def log_tail(job: str) -> Iterator[deque[str]]:
    """Collect the last lines that a job logs, without what opens something to their reader."""
    tail, root = _Tail(job), logging.getLogger()
    root.addHandler(tail)
    try:
        yield tail.lines
    finally:
        root.removeHandler(tail)


def traceback_text(error: BaseException) -> str:
    """Return a traceback, without what opens something to its reader."""
    return redact_output("".join(traceback.format_exception(error)))
