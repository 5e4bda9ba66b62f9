"""Files as responses: from a folder, or from a storage elsewhere by its own address."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from backend_django.utils.errors import FileGone, StorageUnavailable

from ..refs import FileRef
from ..storage import local_path, remote
from .ranges import LocalFile, Source, file_response

# Of a view's `get` that responds with `respond_with_file`.
describe_download = extend_schema(
    parameters=[OpenApiParameter("Range", OpenApiTypes.STR, OpenApiParameter.HEADER)],
    responses={
        (200, "*/*"): OpenApiTypes.BINARY,
        (206, "*/*"): OpenApiTypes.BINARY,
        302: OpenApiResponse(description="It is elsewhere, at the address in Location"),
        304: OpenApiResponse(description="Unchanged"),
    },
)


class SendsFile(GenericAPIView[Any]):
    """Base of views whose response is a file, whatever media types the caller names."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)  # a file is no JSON


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


def respond_with_file(request: HttpRequest, file: FileRef) -> HttpResponseBase:
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
