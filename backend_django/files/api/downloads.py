"""Files as responses: from a folder, or from a storage elsewhere by its own address."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from backend_django.utils.errors import FileGone, StorageUnavailable

from ..refs import FileRef
from ..storage import local_path, remote
from .ranges import LocalFile, Source, file_response


@contextmanager
def readable() -> Iterator[None]:
    """Turn what reading a file raises into errors of the domain.

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


def stored_file_response(request: HttpRequest, file: FileRef) -> HttpResponseBase:
    """Respond with a file, or with where it is."""
    with readable():
        if storage := remote():
            return storage.response(request, file)
        return stream_response(request, LocalFile(local_path(file)), file)


def stream_response(request: HttpRequest, source: Source, file: FileRef) -> HttpResponseBase:
    """Respond with the bytes of a file."""
    return file_response(
        request,
        source,
        size=file["size"],
        etag=file.get("sha256", file["name"]),
        filename=file["filename"],
        content_type=file.get("content_type", "application/octet-stream"),
    )
