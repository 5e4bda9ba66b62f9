"""The files that jobs make: `requests/<id>/<attempt>/<key>`.

The attempt is part of the name, so that a worker that lost its lease cannot write over the file of
the one that has it now.
"""

import hashlib
import os
from collections.abc import Mapping
from uuid import UUID

from backend_django.files.refs import FileRef, OutputFile
from backend_django.files.storage import delete_prefix, open_plainly, store

ROOT = "requests"
MAX_FILENAME = 200  # characters: proxies bound the headers of a response


def request_prefix(request_id: UUID) -> str:
    return f"{ROOT}/{request_id}"


def save_output(
    request_id: UUID, attempt: int, files: Mapping[str, OutputFile]
) -> dict[str, FileRef]:
    """Store the files of an attempt and return what ProcessingResult.files says of them."""
    saved: dict[str, FileRef] = {}
    for key, file in files.items():
        with open_plainly(file.path) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            size = os.fstat(stream.fileno()).st_size
        name = store(f"{request_prefix(request_id)}/{attempt}/{key}", file.path)
        saved[key] = {
            "name": name,
            "filename": _shorten(file.filename),
            "size": size,
            "content_type": file.content_type,
            "sha256": digest,
        }
    return saved


def _shorten(filename: str) -> str:
    """Return a filename that a header can carry, with its suffix."""
    stem, suffix = os.path.splitext(filename)
    return filename if len(filename) <= MAX_FILENAME else stem[: MAX_FILENAME - 20] + suffix[-20:]


def delete_request_files(request_id: UUID) -> None:
    delete_prefix(request_prefix(request_id))


def delete_attempt(request_id: UUID, attempt: int) -> None:
    delete_prefix(f"{request_prefix(request_id)}/{attempt}")
