"""Generation of the OpenAPI schema from the views."""

import re
from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.plumbing import load_enum_name_overrides
from drf_spectacular.utils import OpenApiParameter

from backend_django import policies

from .deprecation import deprecation_of
from .problems import CONTENT_TYPE

PROBLEM_SCHEMA = {
    "type": "object",
    "description": "An error (RFC 9457). `errors` names the fields that were not accepted.",
    "required": ["type", "title", "status", "code", "detail", "trace_id", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "trace_id": {"type": "string", "description": "Names this call in the log."},
        "request_id": {
            "type": "string",
            "deprecated": True,
            "description": "The former name of `trace_id`. The next version leaves it out.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

ACT_FOR = OpenApiParameter(
    policies.HEADER,
    location=OpenApiParameter.HEADER,
    description="Which account this is for, of those the caller may act for; else their own.",
)

PROBLEM_CONTENT = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


class AutoSchema(SpectacularAutoSchema):
    """Reads from a view `schema_tag` and `schema_action`, the halves of its operation ids.

    The tag is the first part of the address when a view has none. `schema_summary` is for those
    whose description does not begin with a sentence that tells them apart. `problems` says which
    errors of its own the view answers with: `{409: "It is over"}`. The serializer of the body may
    have some. `deprecated` is a Deprecation.
    """

    def get_operation_id(self) -> str:
        action = getattr(self.view, "schema_action", None)
        if action is None:
            return super().get_operation_id()
        if isinstance(action, dict):
            action = action[self.method.lower()]
        return f"{self.get_tags()[0].replace('-', '_')}_{action}"

    def get_summary(self) -> str:
        """Return one line for lists of operations: what the view says, or its first sentence."""
        own = getattr(self.view, "schema_summary", None)
        if isinstance(own, dict):
            own = own.get(self.method.lower())
        if own is not None:
            return str(own)
        text = " ".join((self.get_description() or "").split())
        found = re.match(r".+?(?=[.?!:](\s|$)|$)", text)
        return found.group() if found else ""

    def get_override_parameters(self) -> list[Any]:
        query = getattr(self.view, "query_serializer", None)
        more = [query] if query else []
        if self._acts_for_owner:
            more.append(ACT_FOR)
        return [*super().get_override_parameters(), *more]

    @property
    def _acts_for_owner(self) -> bool:
        """Whether a call names an account; what is found by its id belongs to one."""
        named = isinstance(self.view, policies.ActsForOwner) and "{" not in self.path
        return named and policies.is_delegated()

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            reads = self.get_request_serializer() if "requestBody" in operation else None
            own = getattr(self.view, "problems", {}) | getattr(reads, "problems", {})
            if self._acts_for_owner:
                own = {404: "There is no such account to act for"} | own
            for code, description in own.items():
                answer = {"description": description, "content": PROBLEM_CONTENT}
                operation["responses"][str(code)] = answer
        return operation

    def is_deprecated(self) -> bool:
        return deprecation_of(self.view) is not None

    def get_tags(self) -> list[str]:
        tag = getattr(self.view, "schema_tag", None)
        return [tag or self.path.removeprefix("/api/v1/").split("/")[0]]


def tell_choices_apart(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Let each set of choices have one name, whatever other features call theirs.

    drf-spectacular's own hook comes after. It names a set by its field, and warns where fields of
    one name have several sets, or one set has fields of several names. So a set is known by its
    field too and, where fields of that name differ, by the component that it is in.
    """
    known = load_enum_name_overrides()
    uses: dict[str, dict[str, list[tuple[str, dict[str, Any]]]]] = {}
    for component, schema in result["components"].get("schemas", {}).items():
        for name, value in schema.get("properties", {}).items():
            field = value.get("items", value)
            if choices := field.get("x-spec-enum-id"):
                place = component.removesuffix("Request"), field
                uses.setdefault(name, {}).setdefault(choices, []).append(place)
    for name, sets in uses.items():
        for choices in sets.keys() - known.keys():
            for component, field in sets[choices]:
                where = component if len(sets) > 1 else ""
                field["x-spec-enum-id"] = f"{where}.{name}.{choices}"
    return result


def add_problem_responses(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Document the errors that any operation may answer with."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            codes = {
                "405": "Method not allowed",
                "406": "Not acceptable",
                "429": "Too many requests",
                "503": "A server that this needs is not responding; see Retry-After",
            }
            if operation.get("parameters") or "requestBody" in operation:
                codes["400"] = "The input was not accepted"
            if "requestBody" in operation:
                codes["413"] = "The body is too large"
                codes["415"] = "The content type was not accepted"
            schemes = operation.get("security", [{}])
            if {} not in schemes:
                codes |= {"401": "Not signed in", "403": "Not allowed"}
            elif schemes != [{}]:
                codes |= {"401": "The credentials given are not valid"}
                if method not in {"get", "head"}:
                    codes |= {"403": "CSRF check failed"}
            if "{" in path:
                codes["404"] = "There is nothing at this address"
            for code, description in codes.items():
                operation["responses"].setdefault(
                    code, {"description": description, "content": PROBLEM_CONTENT}
                )
            operation["responses"] = dict(sorted(operation["responses"].items()))
    return result


def close_request_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of each request body that it has no members but those named."""
    schemas = result["components"].get("schemas", {})
    for operations in result["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                if schemas.get(name, {}).get("type") == "object":
                    schemas[name]["additionalProperties"] = False
    return result


def link_created(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say what can be done with the id that a create answers with."""
    paths = result["paths"]
    for path, operations in paths.items():
        created = operations.get("post", {}).get("responses", {}).get("201")
        if created is None or not path.endswith("/create/"):
            continue
        prefix = path.removesuffix("create/")
        created["links"] = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "parameters": {"id": "$response.body#/id"},
            }
            for other, others in paths.items()
            for operation in others.values()
            if other.startswith(prefix) and re.fullmatch(r"[\w-]+/\{id\}/", other[len(prefix) :])
        }
    return result
