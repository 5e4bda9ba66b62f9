"""Puts the addresses of this application into the API's one document."""

from typing import Any

from fastapi.openapi.utils import get_openapi

ROOT = "/api/v1"
SECURITY: list[dict[str, list[str]]] = [{"tokenAuth": []}, {"cookieAuth": []}]


def merge(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add paths and components; what any operation may answer is added to them by later hooks."""
    from .app import api  # sets Django up, which is reading this

    own = get_openapi(title="", version="", routes=api.routes, separate_input_output_schemas=False)
    for path, operations in own["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["security"] = SECURITY
        result["paths"][path.removeprefix(ROOT)] = operations
    schemas = own.get("components", {}).get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    taken = schemas.keys() & result["components"]["schemas"].keys()
    if taken:
        raise ValueError(f"two components are called {', '.join(sorted(taken))}")
    result["components"]["schemas"] |= schemas
    return result
