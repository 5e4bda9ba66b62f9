"""How the OpenAPI document is made from the views."""

from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema

from .problems import CONTENT_TYPE

PROBLEM_SCHEMA = {
    "type": "object",
    "description": "An error (RFC 9457). `errors` names the fields that were not accepted.",
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
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


PROBLEM_CONTENT = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


class AutoSchema(SpectacularAutoSchema):
    """Reads from a view `schema_tag` and `schema_action`, the halves of its operation ids.

    The tag is the first part of the address when a view has none. `problems` says which errors of
    its own the view answers with: `{409: "It is over"}`.
    """

    def get_operation_id(self) -> str:
        action = getattr(self.view, "schema_action", None)
        if action is None:
            return super().get_operation_id()
        if isinstance(action, dict):
            action = action[self.method.lower()]
        return f"{self.get_tags()[0].replace('-', '_')}_{action}"

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            for code, description in getattr(self.view, "problems", {}).items():
                answer = {"description": description, "content": PROBLEM_CONTENT}
                operation["responses"][str(code)] = answer
        return operation

    def get_tags(self) -> list[str]:
        tag = getattr(self.view, "schema_tag", None)
        return [tag or self.path.removeprefix("/api/v1/").split("/")[0]]


def add_problem_responses(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Document the errors that any operation may answer with."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            codes = {
                "405": "Method not allowed",
                "406": "Not acceptable",
                "429": "Too many requests",
            }
            if operation.get("parameters") or "requestBody" in operation:
                codes["400"] = "The input was not accepted"
            if "requestBody" in operation:
                codes["415"] = "The content type was not accepted"
            if {} not in operation.get("security", [{}]):
                codes |= {"401": "Not signed in", "403": "Not allowed"}
            elif method not in {"get", "head"}:
                codes |= {"401": "The credentials given are not valid", "403": "CSRF check failed"}
            if "{" in path:
                codes["404"] = "There is nothing at this address"
            for code, description in codes.items():
                operation["responses"].setdefault(
                    code, {"description": description, "content": PROBLEM_CONTENT}
                )
            operation["responses"] = dict(sorted(operation["responses"].items()))
    return result
