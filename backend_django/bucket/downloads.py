"""Files in a bucket as answers: by a signed address, or passed on by us."""

from collections.abc import Iterator
from contextvars import copy_context
from functools import partial
from itertools import chain

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from backend_django.files.api.downloads import stream_response
from backend_django.files.refs import FileRef

from .objects import Bucket


class BucketObject:
    """An object in a bucket, passed on as it arrives."""

    def __init__(self, storage: Bucket, name: str) -> None:
        self._storage, self._name = storage, name

    def whole(self) -> Iterator[bytes]:
        return fetch_first(self._storage.stream(self._name))

    def part(self, start: int, length: int) -> Iterator[bytes]:
        return fetch_first(self._storage.stream(self._name, start, length))


def fetch_first(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Fetch the first piece now: what is wrong can still be said with a status code.

    The others are sent when the view has returned, and are within its limits nevertheless.
    """
    first = next(chunks, b"")
    within = copy_context()
    return chain([first], iter(partial(within.run, next, chunks, b""), b""))


def response(storage: Bucket, request: HttpRequest, file: FileRef) -> HttpResponseBase:
    """Respond with a file, or with where it is."""
    # A signed address is for one method: HEAD would be refused at the address for GET.
    if settings.PROCESSING_STREAM_DOWNLOADS or request.method == "HEAD":  # type: ignore[misc]
        return stream_response(request, BucketObject(storage, file["name"]), file)
    answer = HttpResponseRedirect(
        storage.download_url(
            file["name"],
            filename=file["filename"],
            content_type=file.get("content_type", "application/octet-stream"),
        )
    )
    answer.headers["Cache-Control"] = "private, no-store"  # the address expires
    return answer
