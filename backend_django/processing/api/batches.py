"""Many requests of one kind in one call."""

from functools import cache
from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.api.parsers import JSONParser
from backend_django.api.strict import check_members
from backend_django.users.models import User

from ..batches import LIMIT, NewRequest, batch_create
from ..processor import Processor
from .inputs import InputsMixin
from .serializers import create_serializer
from .views import KEY_PARAMETER, ProcessingView, read_idempotency_key


class MadeSerializer(serializers.Serializer[Any]):
    """A request of a batch."""

    index = serializers.IntegerField(min_value=0, help_text="Its place in the call.")
    id = serializers.UUIDField()
    is_new = serializers.BooleanField(
        help_text="False when it was there already: by its key, or as one of a unique kind."
    )


class BatchMadeSerializer(serializers.Serializer[Any]):
    """A batch, and its requests in the order of the call."""

    batch = serializers.UUIDField(help_text="Lists and actions take it as a condition.")
    requests = MadeSerializer(many=True)


@cache
def batch_serializer(processor: type[Processor]) -> type[serializers.Serializer]:
    """Return the serializer of a batch: the fields of a create, in a list."""
    single = create_serializer(processor)
    title = processor.title.replace(" ", "")

    def check(self: serializers.Serializer[Any], data: Any) -> Any:
        if isinstance(data, dict):
            check_members(self, data)
        return single.to_internal_value(self, data)

    fields: dict[str, Any] = {"__doc__": "What a create takes.", "to_internal_value": check}
    if "upload" in single().fields and "upload" not in processor.inputs:
        upload = serializers.UUIDField(
            required=processor.inputs["file"].required,
            help_text="An upload whose chunks are all there.",
        )
        fields |= {"file": None, "upload": upload}  # JSON has no files
    item = type(f"{title}BatchItemSerializer", (single,), fields)
    requests = serializers.ListField(child=item(), min_length=1, max_length=LIMIT)
    doc = f"Create up to {LIMIT:,} {processor.title.lower()} requests."
    return type(
        f"{title}BatchSerializer",
        (serializers.Serializer,),
        {"__doc__": doc, "requests": requests},
    )


class BatchView(ProcessingView):
    schema_action = "batch"
    parser_classes = [JSONParser]
    pagination_class = None

    def get_serializer_class(self) -> Any:
        return batch_serializer(self.processor)  # type: ignore[arg-type]  # a class is hashable

    problems = {
        404: "A result was deleted meanwhile",
        409: "Others go on creating the same requests",
        503: "The storage is not responding",
    }

    @extend_schema(
        parameters=[KEY_PARAMETER], responses={201: BatchMadeSerializer, 200: BatchMadeSerializer}
    )
    def post(self, request: Request) -> Response:
        """Create up to a thousand requests: all of them, or none and what is wrong with which.

        Files are named, not sent: `upload:<id>`, `request:<id>`. The list with `batch` says how far
        they are.
        """
        key = read_idempotency_key(request)
        serializer: Any = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        item = cast(InputsMixin, serializer.fields["requests"].child)
        batch, made = batch_create(
            owner=self.owner,
            created_by=cast(User, request.user),  # IsAuthenticated has seen to it
            processor=self.processor,
            requests=[self._read(item, values) for values in serializer.validated_data["requests"]],
            idempotency_key=key,
        )
        is_new = any(one.is_new for one in made)
        return Response(
            BatchMadeSerializer({"batch": batch, "requests": made}).data,
            status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK,
        )

    def _read(self, item: InputsMixin, validated: dict[str, Any]) -> NewRequest:
        values = dict(validated)
        return NewRequest(
            inputs=item.take_sources(values),
            name=values.pop("name", ""),
            run_at=values.pop("run_at", None),
            deadline_at=values.pop("deadline_at", None),
            parameters=self.processor.plain_parameters(values),
        )
