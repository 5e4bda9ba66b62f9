"""Files of results as answers: from a folder, or from a storage elsewhere by its own address."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from backend_django.utils.errors import FileGone, StorageUnavailable

from ..files import local_path, remote
from .ranges import LocalFile, Source, file_response


@contextmanager
def readable() -> Iterator[None]:
    """Turn what reading a file of a result raises into an answer.

    Raises:
        FileGone: it was removed a moment ago.
        StorageUnavailable: its storage does not answer.
    """
    try:
        yield
    except FileNotFoundError:
        raise FileGone from None
    except OSError as error:
        raise StorageUnavailable("The file cannot be read just now. Try again.") from error


def result_file_response(request: HttpRequest, file: dict[str, Any]) -> HttpResponseBase:
    """Answer with a file of a result, an entry of ProcessingResult.files, or with where it is."""
    with readable():
        if storage := remote():
            return storage.response(request, file)
        return passed_on(request, LocalFile(local_path(file)), file)


def passed_on(request: HttpRequest, source: Source, file: dict[str, Any]) -> HttpResponseBase:
    """Answer with the bytes of a file of a result."""
    return file_response(
        request,
        source,
        size=file["size"],
        etag=file["sha256"],
        filename=file["filename"],
        content_type=file["content_type"],
    )
