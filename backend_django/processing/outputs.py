"""Checks of a job's output before its request counts as completed.

What is wrong with it would otherwise be seen by everybody who asks for the result, for ever.
"""

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from backend_django.files.refs import OutputFile
from backend_django.utils.nesting import MAX_NESTING, is_too_deep

from .errors import ProcessingError
from .models import ProcessingRequest, ProcessingResult
from .processor import Output, Processor
from .typed import to_plain

MAX_CONTENT_TYPE = 200  # characters: proxies bound the headers of a response
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_TOKEN = r"[A-Za-z0-9!#$&^_.+-]+"  # noqa: S105 (of a media type: RFC 9110, 8.3.1)
CONTENT_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}(; *{_TOKEN}=({_TOKEN}|"[ !#-\[\]-~]*"))*')


class JobFaultError(Exception):
    """The code of a feature did what the engine does not allow; the text is for its author."""


def check_output(output: object, workdir: Path) -> Output:
    """Return what `process()` has returned, if it is safe to store.

    Raises:
        JobFaultError: it is not.
        ProcessingError: the result is too large.
    """
    if is_dataclass(output) and not isinstance(output, Output):
        output = Output(output)
    if not isinstance(output, Output) or not isinstance(output.files, Mapping):
        raise JobFaultError(f"process() must return an Output, not {type(output).__name__}")
    output = Output(check_data(output.data), output.files)
    seen: set[tuple[int, int]] = set()
    for key, file in output.files.items():
        check_key(key)
        if not isinstance(file, OutputFile):
            raise JobFaultError(f"the file {key!r} must be an OutputFile")
        if not isinstance(file.filename, str):
            raise JobFaultError(f"the filename of {key!r} must be text")
        if not is_content_type(file.content_type):
            raise JobFaultError(f"{file.content_type!r:.300} is no media type for {key!r}")
        seen.add(_check_path(key, file.path, workdir))
    if len(seen) < len(output.files):
        raise JobFaultError("two keys name the same file")
    return output


def is_content_type(value: object) -> bool:
    """Return whether a value can be the content type of a file."""
    short = isinstance(value, str) and len(value) <= MAX_CONTENT_TYPE
    return short and bool(CONTENT_TYPE.fullmatch(str(value)))


def check_data(data: Any) -> Any:
    """Return the data of a result as plain JSON.

    Raises:
        ProcessingError: there are too many.
    """
    plain = to_plain(data) if is_dataclass(data) else data
    size = len(json.dumps(plain, allow_nan=False))
    if size > settings.PROCESSING_MAX_RESULT_BYTES:
        raise ProcessingError(
            "result_too_large",
            "The result has %(size)s bytes, and %(most)s may be stored. Try a smaller input.",
            size=size,
            most=settings.PROCESSING_MAX_RESULT_BYTES,
        )
    if plain is None:
        raise JobFaultError("the data of a result are None")
    if is_too_deep(plain):
        raise JobFaultError(f"the data are nested in more than {MAX_NESTING} levels")
    return plain


def check_key(key: object) -> None:
    """Refuse a name of a file that no address can have."""
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise JobFaultError(f"{key!r} is no key of a file: use letters, digits, - and _")


def _check_path(key: str, path: object, workdir: Path) -> tuple[int, int]:
    """Refuse everything but a plain file below the work directory; return what identifies it.

    A job may have unpacked what a user sent: a link in it could name any file of this machine.
    """
    if not isinstance(path, Path):
        raise JobFaultError(f"the path of {key!r} must be a Path")
    try:
        info = os.lstat(path)
        inside = path.resolve(strict=True).is_relative_to(workdir.resolve())
    except (OSError, ValueError, RuntimeError) as error:
        raise JobFaultError(f"the file {key!r} cannot be read: {error!r}") from error
    if not inside:
        raise JobFaultError(f"the file {key!r} is outside of Context.workdir: copy it there")
    if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
        raise JobFaultError(f"the file {key!r} is a link or no regular file: copy it")
    return info.st_dev, info.st_ino


def check_presentation(
    processor: Processor, request: ProcessingRequest, data: Any, files: dict[str, Any]
) -> None:
    """Raise whatever `results/<id>/` would raise each time that somebody asks for the result."""
    stored = json.loads(json.dumps(data))  # with the keys and lists that JSON makes of others
    result = ProcessingResult(request=request, attempt=request.attempt, data=stored, files=files)
    try:
        shown = processor.result_serializer(processor.present(result)).data
        json.dumps(shown, default=str, allow_nan=False)
    except Exception as error:
        raise JobFaultError("the result does not fit result_serializer") from error
