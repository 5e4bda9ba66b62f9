"""Log records that say which request and which job they belong to."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

from .request_id import request_id

job_id: ContextVar[str] = ContextVar("job_id", default="")
task_id: ContextVar[str] = ContextVar("task_id", default="")


class ContextFilter(logging.Filter):
    """Put the ids of the moment on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        record.job_id = job_id.get()
        record.task_id = task_id.get()
        record.context = "".join(
            f" [{name} {value}]"
            for name, value in (("request", request_id.get()), ("job", job_id.get()))
            if value
        )
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, ids, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", ""),
            "job_id": getattr(record, "job_id", ""),
            "task_id": getattr(record, "task_id", ""),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps({key: value for key, value in entry.items() if value})
