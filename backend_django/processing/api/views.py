"""The endpoints every feature has. `processing_urls(processor)` binds them to one."""

import hashlib
import re
from typing import Any, cast
from uuid import UUID

from django.core.files import File
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.parsers import JSONParser, check_form_was_read
from backend_django.api.queries import takes_no_body
from backend_django.files.api.downloads import SendsFile, describe_download, respond_with_file
from backend_django.files.storage import free_bytes
from backend_django.policies import Action, ActsForOwner, check, owner_for
from backend_django.uploads.quota import quota_check, refuse_larger
from backend_django.users.models import User
from backend_django.utils.errors import Conflict, StorageFull
from backend_django.utils.messages import Message

from .. import services
from ..models import ProcessingRequest, ProcessingResult
from ..processor import Processor
from ..queries import requests_of, requests_visible_to
from ..samples import sample_submit
from .inputs import InputsMixin
from .lists import RequestListQuery, list_response
from .serializers import (
    ProcessingAttemptSerializer,
    ProcessingRequestSerializer,
    create_serializer,
    request_state,
)
from .state import state_json

IDEMPOTENCY_KEY = "Idempotency-Key"
NO_SUCH_REQUEST = Message("There is no such request.")
MULTIPART_OVERHEAD = 1024 * 1024  # bytes that the other fields and the boundaries may take


KEY_PARAMETER = OpenApiParameter(
    IDEMPOTENCY_KEY,
    {"type": "string", "maxLength": 200, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="With a key used before, answers 200 with what was made then.",
)


def read_idempotency_key(request: Request) -> str | None:
    """Return the idempotency key of a call, if it has one."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is not None and not re.fullmatch(r"[!-~]{1,200}", key):
        raise ValidationError(
            {IDEMPOTENCY_KEY: _("Must be 1 to 200 printable ASCII characters, no spaces.")}
        )
    return key


def find_request(
    view: ActsForOwner, rows: QuerySet[ProcessingRequest], id: UUID
) -> ProcessingRequest:
    """Return the row with this id, for what a view wants to do with it.

    Raises:
        NotFound: it is not among the rows.
        RoleTooLow: the caller may see it, and no more.
    """
    found = rows.filter(id=id).first()
    if found is None:
        raise NotFound(NO_SUCH_REQUEST)
    check(view.request.user, view.action_wanted, found)
    return found


class ProcessingView(ActsForOwner, GenericAPIView[ProcessingRequest]):
    """Base: the caller's own requests of one kind. Somebody else's does not exist (404)."""

    processor: type[Processor] = Processor
    permission_classes = [IsAuthenticated]
    serializer_class = ProcessingRequestSerializer
    queryset = ProcessingRequest.objects.none()  # for the type of <id> in the document

    @property
    def schema_tag(self) -> str:
        return self.processor.name

    def get_queryset(self) -> QuerySet[ProcessingRequest]:
        if not self.request.user.is_authenticated:  # the document is made without a caller
            return self.queryset
        return self.of_kind(requests_of(self.owner))

    def of_kind(self, rows: QuerySet[ProcessingRequest]) -> QuerySet[ProcessingRequest]:
        return rows.filter(kind=self.processor.name)

    def get_request(self, id: UUID) -> ProcessingRequest:
        return find_request(self, self.of_kind(requests_visible_to(self.request.user)), id)

    def answer(self, found: ProcessingRequest, code: int = status.HTTP_200_OK) -> Response:
        return Response(request_state(found), status=code)


class CreateView(ProcessingView):
    schema_action = "create"
    parser_classes = [MultiPartParser, JSONParser]

    def get_serializer_class(self) -> Any:
        return create_serializer(self.processor)

    def body_limit(self, length: int) -> int:
        """Refuse by its head what would be refused when all of it has come (api/heads.py)."""
        limit = self.processor.body_limit()
        size = max(0, length - MULTIPART_OVERHEAD)
        refuse_larger(size, limit)
        quota_check(owner=self.owner, size=size)
        return limit + MULTIPART_OVERHEAD

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        # Before the body is read, which the CSRF check of a session does too: what is not announced
        # is no larger by then than `body_limit`, and may be more than there is room for.
        refuse_larger(length - MULTIPART_OVERHEAD, self.processor.body_limit())
        if length > free_bytes():
            raise StorageFull
        size = max(0, length - MULTIPART_OVERHEAD)
        by_session = request._request.user
        if by_session.is_authenticated:
            quota_check(owner=owner_for(by_session, request, Action.EDIT), size=size)
        super().initial(request, *args, **kwargs)
        if request.user != by_session:
            quota_check(owner=self.owner, size=size)

    problems = {
        404: "There is no such upload",
        409: "Chunks of the upload are missing",
        413: "The upload is too large",
        503: "The storage is not responding",
        507: "The server's disk is full",
    }

    @extend_schema(
        parameters=[KEY_PARAMETER],
        responses={201: ProcessingRequestSerializer, 200: ProcessingRequestSerializer},
    )
    def post(self, request: Request) -> Response:
        """Take a file, or an `upload` whose chunks are all there, and start the work.

        Answers at once; watch `status/<id>/`.
        """
        owner = self.owner
        key = read_idempotency_key(request)
        check_form_was_read(request)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if key is not None:
            earlier = services.request_by_key(owner=owner, processor=self.processor, key=key)
            if earlier:
                return Response(request_state(earlier))
        values = dict(serializer.validated_data)
        inputs = cast(InputsMixin, serializer).take_sources(values)
        for source in (source for several in inputs.values() for source in several):
            if isinstance(source, File):
                refuse_larger(source.size or 0, self.processor.upload_limit())
        created, is_new = services.request_create(
            owner=owner,
            created_by=cast(User, request.user),  # IsAuthenticated has seen to it
            processor=self.processor,
            inputs=inputs,
            name=values.pop("name", ""),
            run_at=values.pop("run_at", None),
            deadline_at=values.pop("deadline_at", None),
            parameters=self.processor.plain_parameters(values),
            idempotency_key=key,
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(request_state(created), status=code)


class SampleView(ProcessingView):
    schema_action = "sample"
    problems = {
        413: "The sample is more than may be uploaded in a day",
        503: "The storage is not responding",
        507: "The server's disk is full",
    }

    @takes_no_body(responses={201: ProcessingRequestSerializer, 200: ProcessingRequestSerializer})
    def post(self, request: Request) -> Response:
        """Submit a sample that comes with this kind; 200 with the one that is still there."""
        created, is_new = sample_submit(owner=self.owner, processor=self.processor)
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return self.answer(created, code)


def state_response(request: Request, state: bytes | None) -> HttpResponse:
    """Answer with the state of a request, or that it is the one which the client has."""
    if state is None:
        raise NotFound(NO_SUCH_REQUEST)
    etag = f'"{hashlib.sha256(state).hexdigest()[:32]}"'
    response = (
        HttpResponse(status=status.HTTP_304_NOT_MODIFIED)
        if request.headers.get("If-None-Match") == etag
        else HttpResponse(state, content_type="application/json")
    )
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


class StatusView(ProcessingView):
    schema_action = "status"

    @extend_schema(
        responses={200: ProcessingRequestSerializer, 304: OpenApiResponse(description="Unchanged")}
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """Return the progress of the request.

        Ask every two seconds; with If-None-Match an unchanged state is a 304.
        """
        return state_response(
            request, state_json(id=id, user_id=request.user.pk, kind=self.processor.name)
        )


class ResultsView(ProcessingView):
    schema_action = "results"

    def get_serializer_class(self) -> Any:
        return self.processor.result_serializer

    problems = {409: "The request is not completed"}

    def get(self, request: Request, id: UUID) -> Response:
        """Return the result of a completed request."""
        result = get_result(self.get_request(id))
        return Response(self.get_serializer(self.processor().present(result)).data)


class ListView(ProcessingView):
    schema_action = "list"
    is_list = True
    query_serializer = RequestListQuery

    @extend_schema(responses=ProcessingRequestSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The caller's requests, newest first unless `ordering` says otherwise."""
        return list_response(self, request, self.get_queryset(), tell_kind=False)


class HistoryView(ProcessingView):
    schema_action = "history"
    pagination_class = None

    @extend_schema(responses=ProcessingAttemptSerializer(many=True))
    def get(self, request: Request, id: UUID) -> Response:
        """Every try there was, first to last, and how each ended."""
        attempts = self.get_request(id).attempts.all()
        return Response(ProcessingAttemptSerializer(attempts, many=True).data)


class DeleteView(ProcessingView):
    schema_action = "delete"

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:
        """Remove the request, its result and its files; a running one is stopped."""
        services.request_delete(request=self.get_request(id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class CancelView(ProcessingView):
    schema_action = "cancel"

    problems = {409: "It is over already"}

    @takes_no_body()
    def post(self, request: Request, id: UUID) -> Response:
        """Cancel the request: a pending one at once, a running one within seconds."""
        found = self.get_request(id)
        services.request_cancel(request=found)
        return self.answer(found)


class RetryView(ProcessingView):
    schema_action = "retry"

    problems = {409: "It neither failed nor was cancelled"}

    @takes_no_body()
    def post(self, request: Request, id: UUID) -> Response:
        """Start a failed or cancelled request again, with the same input."""
        found = self.get_request(id)
        services.request_retry(request=found)
        return self.answer(found)


class DownloadView(SendsFile, ProcessingView):
    key: str = ""
    problems = {
        409: "The request is not completed",
        416: "The file has no such range",
        503: "The storage is not responding",
    }

    @property
    def schema_action(self) -> str:
        return f"download_{self.key}"

    @describe_download
    def get(self, request: Request, id: UUID) -> HttpResponseBase:
        """Download the file, or the part of it that a Range header names."""
        file = get_result(self.get_request(id)).files.get(self.key)
        if file is None:
            raise NotFound("This request has no such file.")
        return respond_with_file(request._request, file)


def get_result(found: ProcessingRequest) -> ProcessingResult:
    """Return the result of a completed request; Conflict says what state another one is in."""
    if found.status != ProcessingRequest.Status.COMPLETED:
        raise Conflict(
            Message("There is no result: the request is %(status)s.", status=Message(found.status)),
            code=found.status,
        )
    return found.result
