"""Put the IDs of the HTTP call, the request and the task on every log record."""

import json
import logging
import os
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from typing import Any

from .text import cut_middle
from .trace_id import trace_id

request_id: ContextVar[str] = ContextVar("request_id", default="")  # of the row
task_id: ContextVar[str] = ContextVar("task_id", default="")


# A path segment that is long and random, but no UUID: the secret of a link to a reset, a
# confirmation or something shared. By its shape, so that those of features to come are covered, and
# wherever in a line it stands: in a referer or an exception's text, too.
SECRET_SEGMENT = re.compile(
    r"(?<=/)(?![0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)(?=[a-z_-]*[0-9A-Z:~%])"
    r"[A-Za-z0-9_:~%=-]{20,}(?![A-Za-z0-9_:~%=.-])"
)
SECRET_PARAMETER = re.compile(
    r"(?i)(?<=[?&])(code|state|key|token|[\w-]*(signature|credential|security-token))=[^&\s\"']+"
)
PASSWORD_IN_URL = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")


def redact(text: str) -> str:
    """Return a line of a log without what opens something to whoever reads it.

    A megabyte takes more than a second, so the middle of a line that nobody could read is left out.
    """
    text = PASSWORD_IN_URL.sub("[secret]", cut_middle(text))
    return SECRET_PARAMETER.sub(r"\1=[secret]", SECRET_SEGMENT.sub("[secret]", text))


# A name that says what it is of, with its value: in code, JSON, JSON in a text, or a header.
NAMED_SECRET = re.compile(
    r"""(?ix)(?<![\w-])
    ([\w-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|authorization)\w*
    \\?["']? \s*[:=]\s* \\?["']? (?:(?:bearer|basic|token)\s+)?)
    [^\s"'\\,;&(){}\[\]]+"""
)
CREDENTIAL = re.compile(
    r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"  # as in a header
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a JSON Web Token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
SECRET_VARIABLE = re.compile(r"(?i)password|secret|token|_key$|_key_id$")
SHORTEST_SECRET = 8  # characters; what is shorter may be a word of any line


@cache
def _own_secrets() -> re.Pattern[str] | None:
    """Match what the environment of this process says in variables that are named as secrets are,
    and the passwords of its addresses.
    """
    found = {value for name, value in os.environ.items() if SECRET_VARIABLE.search(name)}
    for value in os.environ.values():
        if password := PASSWORD_IN_URL.search(value):
            found.add(password[0].partition(":")[2])
    long = sorted((text for text in found if len(text) >= SHORTEST_SECRET), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, long))) if long else None


def redact_output(text: str) -> str:
    """Return what a job has printed without secrets: those of a known shape, those that are said to
    be some, and those of this installation.
    """
    text = cut_middle(text)
    if own := _own_secrets():
        text = own.sub("[secret]", text)
    return CREDENTIAL.sub("[secret]", NAMED_SECRET.sub(r"\1[secret]", redact(text)))


def _redact_all(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _redact_all(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_all(each) for each in value]
    return redact(value) if isinstance(value, str) else value


class PlainFormatter(logging.Formatter):
    """Level, logger, message and ids, for a person."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)-7s %(name)s %(message)s%(context)s", defaults={"context": ""}
        )

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class ContextFilter(logging.Filter):
    """Put the IDs of the current call, request and task on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.trace_id = trace_id.get()
        record.request_id = request_id.get()
        record.task_id = task_id.get()
        record.context = "".join(
            f" [{name} {value}]"
            for name, value in (("trace", trace_id.get()), ("request", request_id.get()))
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
            "trace_id": getattr(record, "trace_id", ""),
            "request_id": getattr(record, "request_id", ""),
            "task_id": getattr(record, "task_id", ""),
            "audit": getattr(record, "audit", None),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        # Value by value: in a line of JSON a quotation mark is two characters, of which one would
        # be taken for the end of a secret.
        return json.dumps({key: _redact_all(value) for key, value in entry.items() if value})
