"""Files of results as answers: from a folder, or from a bucket by its own address."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotFound

from backend_django.api.problems import StorageUnavailable

from ..files import bucket, local_path
from .ranges import BucketObject, LocalFile, file_response


@contextmanager
def readable() -> Iterator[None]:
    """Turn what reading a file of a result raises into an answer.

    Raises:
        NotFound: it was removed a moment ago.
        StorageUnavailable: its disk or bucket does not answer.
    """
    try:
        yield
    except FileNotFoundError:
        raise NotFound("The file is no longer there.") from None
    except OSError as error:
        raise StorageUnavailable("The file cannot be read just now. Try again.") from error


def result_file_response(request: HttpRequest, file: dict[str, Any]) -> HttpResponseBase:
    """Answer with a file of a result, an entry of ProcessingResult.files, or with where it is."""
    name, storage = file["name"], bucket()
    names = {"filename": file["filename"], "content_type": file["content_type"]}
    if storage and not settings.PROCESSING_STREAM_DOWNLOADS:
        response = HttpResponseRedirect(storage.download_url(name, **names))
        response.headers["Cache-Control"] = "private, no-store"  # the address expires
        return response
    with readable():
        source = BucketObject(storage, name) if storage else LocalFile(local_path(file))
        return file_response(request, source, size=file["size"], etag=file["sha256"], **names)
