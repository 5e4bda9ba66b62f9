"""Large files come in chunks: each may be sent again, in any order, over hours and reloads."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import UnreadablePostError
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, ParseError, UnsupportedMediaType, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import FileUploadParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.queries import takes_no_body
from backend_django.files.storage import free_bytes, remote
from backend_django.policies import ActsForOwner, check
from backend_django.utils.errors import StorageFull
from backend_django.utils.messages import Message

from .. import services
from ..models import Upload
from ..queries import uploads_visible_to
from ..quota import refuse_larger
from .serializers import ChunkUrlSerializer, UploadStartSerializer, UploadStateSerializer

BINARY = "application/octet-stream"


class UploadBase(ActsForOwner, GenericAPIView[Upload]):
    """Base: the caller's own uploads for one kind of work that nothing holds yet."""

    kind: str = ""
    limit: Callable[[], int] | None = None  # bytes of one file
    permission_classes = [IsAuthenticated]
    serializer_class = UploadStateSerializer
    queryset = Upload.objects.none()  # for the type of <id> in the document

    @property
    def schema_tag(self) -> str:
        return self.kind

    def get_upload(self, id: UUID) -> Upload:
        visible = uploads_visible_to(self.request.user, self.kind)
        found = visible.filter(id=id, held_by=None).first()
        if found is None:
            raise NotFound(services.GONE)
        check(self.request.user, self.action_wanted, found)
        return found

    def state(self, upload: Upload, code: int = status.HTTP_200_OK) -> Response:
        upload.received = services.chunks_received(upload=upload)
        return Response(UploadStateSerializer(upload).data, status=code)


class UploadsView(UploadBase):
    schema_action = "upload_start"
    request_serializer_class = UploadStartSerializer
    problems = {
        413: "The file is too large",
        503: "The storage is not responding",
        507: "The server's disk is full",
    }

    @extend_schema(request=UploadStartSerializer, responses={201: UploadStateSerializer})
    def post(self, request: Request) -> Response:
        """Announce a file that comes in chunks. When all are there, name it to `create/`."""
        given = UploadStartSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        size = given.validated_data["size"]
        if self.limit is not None:
            refuse_larger(size, self.limit())
        if remote() is None and size > free_bytes():
            raise StorageFull
        upload = services.upload_start(
            owner=self.owner,
            kind=self.kind,
            name=given.validated_data["filename"],
            size=size,
        )
        return self.state(upload, status.HTTP_201_CREATED)


class UploadView(UploadBase):
    schema_action = {"get": "upload_state", "delete": "upload_delete"}
    problems = {503: "The storage is not responding"}

    def get(self, request: Request, id: UUID) -> Response:
        """List the chunks that have arrived. Send the others, also after a reload."""
        return self.state(self.get_upload(id))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Throw the upload and its chunks away."""
        services.upload_discard(upload=self.get_upload(id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChunkView(UploadBase):
    schema_action = {"put": "upload_part", "post": "upload_part_url"}
    parser_classes = [FileUploadParser]  # a body of any size may come: `put` reads it itself
    problems = {
        409: "The upload goes the other way: see its `mode`",
        503: "The storage is not responding",
        507: "The server's disk is full",
    }

    def body_limit(self, length: int, id: UUID, number: str) -> int:
        """Refuse by its head what would be refused when all of it has come (api/heads.py)."""
        upload = self.get_upload(id)
        chunk = self._chunk_number(upload, number)
        if length:
            self._check_length(upload, chunk, length)
        return upload.length_of(chunk)

    @extend_schema(request={BINARY: OpenApiTypes.BINARY}, responses={200: UploadStateSerializer})
    def put(self, request: Request, id: UUID, number: str) -> Response:
        """Send one chunk. Sending it again does no harm, nor does sending several at once."""
        upload = self.get_upload(id)
        chunk = self._chunk_number(upload, number)
        if (request.content_type or "").partition(";")[0] != BINARY:
            raise UnsupportedMediaType(request.content_type or "")
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        self._check_length(upload, chunk, length)
        if length > free_bytes():
            raise StorageFull
        try:
            stream: Any = request._request  # as it arrives: `request.data` would be all of it
            services.chunk_receive(upload=upload, number=chunk, stream=stream)
        except UnreadablePostError as error:
            raise ParseError(_("The connection was lost in the middle of the chunk.")) from error
        return self.state(upload)

    @takes_no_body(responses={200: ChunkUrlSerializer})
    def post(self, request: Request, id: UUID, number: str) -> Response:
        """Get the address in the storage where one chunk is to be PUT."""
        upload = self.get_upload(id)
        url = services.chunk_url(upload=upload, number=self._chunk_number(upload, number))
        return Response({"url": url})

    def _check_length(self, upload: Upload, chunk: int, length: int) -> None:
        wanted = upload.length_of(chunk)
        if length != wanted:
            raise ValidationError(
                _("Chunk %(chunk)s has %(wanted)s bytes, and %(length)s were sent.")
                % {"chunk": chunk, "wanted": wanted, "length": length}
            )

    def _chunk_number(self, upload: Upload, number: str) -> int:
        if not 1 <= int(number) <= upload.chunks:
            raise NotFound(
                Message(
                    "There is no such chunk: they are numbered from 1 to %(chunks)s.",
                    chunks=upload.chunks,
                )
            )
        return int(number)
