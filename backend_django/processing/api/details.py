"""Details of a request of any kind, for pages that know no kind: inputs and result."""

from typing import Any
from uuid import UUID

from django.urls import NoReverseMatch, reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from backend_django.utils.translation import translate

from ..inputs import input_refs
from ..models import ProcessingRequest, ProcessingResult
from ..processor import Processor
from ..registry import get_processor
from .requests import RequestsView

# The most particular first: a URLField is a CharField.
TYPES: dict[str, type[serializers.Field]] = {
    "bool": serializers.BooleanField,
    "datetime": serializers.DateTimeField,
    "date": serializers.DateField,
    "int": serializers.IntegerField,
    "float": serializers.FloatField,
    "decimal": serializers.DecimalField,
    "url": serializers.URLField,
    "email": serializers.EmailField,
    "choice": serializers.ChoiceField,
}


class InputFileSerializer(serializers.Serializer[Any]):
    """A file that a request works on."""

    filename = serializers.CharField(help_text="What the user called it.")
    size = serializers.IntegerField(help_text="Bytes; 0 while it is not fetched yet.")


class NamedInputSerializer(serializers.Serializer[Any]):
    """An input of a request."""

    label = serializers.CharField()  # type: ignore[assignment]
    files = InputFileSerializer(many=True)


class ResultFieldSerializer(serializers.Serializer[Any]):
    """A field of a result, and how it is meant to be read."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    type = serializers.ChoiceField(choices=[*TYPES, "text"])
    value = serializers.JSONField(allow_null=True, help_text="As `results` of its kind has it.")


class ResultFileSerializer(serializers.Serializer[Any]):
    """A file of a result that may be downloaded."""

    filename = serializers.CharField()
    size = serializers.IntegerField()
    url = serializers.CharField(help_text="Path to GET.")


class DetailsSerializer(serializers.Serializer[Any]):
    """A request's inputs, and its result once it is completed."""

    inputs = NamedInputSerializer(many=True)
    parameters = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        help_text="What was asked for, as `create` of its kind takes it.",
    )
    result = ResultFieldSerializer(many=True)
    files = ResultFileSerializer(many=True)


class DetailsView(RequestsView):
    schema_action = "details"
    pagination_class = None
    serializer_class = DetailsSerializer

    @extend_schema(responses=DetailsSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """The inputs of a request by their names, its parameters, and its result field by field."""
        return Response(details_of(self.get_request(id)))


def details_of(request: ProcessingRequest) -> dict[str, Any]:
    """Return what `DetailsSerializer` says of a request."""
    try:
        processor = get_processor(request.kind)
    except KeyError:  # its feature is gone
        processor = Processor
    details: dict[str, Any] = {
        "inputs": _inputs(request, processor),
        "parameters": request.parameters,
        "result": [],
        "files": [],
    }
    if request.status == ProcessingRequest.Status.COMPLETED:
        result = request.result
        details |= {"result": _fields(result, processor), "files": _files(result, processor)}
    return details


def _inputs(request: ProcessingRequest, processor: type[Processor]) -> list[dict[str, Any]]:
    return [
        {
            "label": translate(processor.inputs[key].label) if key in processor.inputs else key,
            "files": [{"filename": file["filename"], "size": file["size"]} for file in files],
        }
        for key, files in input_refs(request).items()
        if files
    ]


def _fields(result: ProcessingResult, processor: type[Processor]) -> list[dict[str, Any]]:
    serializer = processor.result_serializer(processor().present(result))
    return [
        {
            "name": name,
            "label": str(serializer.fields[name].label or name),
            "type": _type_of(serializer.fields[name]),
            "value": value,
        }
        for name, value in serializer.data.items()
    ]


def _type_of(field: serializers.Field) -> str:
    return next((name for name, kind in TYPES.items() if isinstance(field, kind)), "text")


def _files(result: ProcessingResult, processor: type[Processor]) -> list[dict[str, Any]]:
    files = []
    for key in processor.downloads:
        if key in result.files:
            file = result.files[key]
            try:
                url = reverse(f"{processor.name}-download-{key}", kwargs={"id": result.request_id})
            except NoReverseMatch:  # a kind without an API of its own, such as a step
                continue
            url = f"{url.removesuffix('/')}/"
            files.append({"filename": file["filename"], "size": file["size"], "url": url})
    return files
