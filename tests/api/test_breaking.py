"""Who uses the API of a release can use the next one, or its version says that they cannot."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.contract.breaking import breaks, may_break, version_of
from tests.stack import ROOT

from .test_contract import COMMITTED, of_present_features

RELEASED = ROOT / "docs" / "api"
Change = Callable[[Any], Any]


def released() -> dict[str, Path]:
    """Every published document by its version."""
    return {path.stem.removeprefix("openapi-"): path for path in RELEASED.glob("openapi-*.json")}


def test_nothing_breaks_since_the_last_release(settings: Any) -> None:
    if not released():
        pytest.skip("nothing was released yet: `make schema` keeps the document of each version")
    now = settings.PROJECT.version
    before = max(released(), key=version_of)
    old, new = (
        of_present_features(json.loads(path.read_text()))
        for path in (released()[before], COMMITTED)
    )
    for document in (old, new):
        document["components"] = {"schemas": document["schemas"]}
    found = breaks(old, new)
    assert not found or may_break(before, now), (
        f"{found}: what others use breaks. Keep it, or raise the version in project.toml. If"
        f" {before} was never released, delete its document in docs/api; then `make schema`."
    )


DOCUMENT: dict[str, Any] = {
    "paths": {
        "/things/{id}/": {
            "get": {
                "operationId": "things_get",
                "security": [{}],
                "parameters": [
                    {"in": "path", "name": "id", "required": True, "schema": {"type": "string"}},
                    {
                        "in": "query",
                        "name": "order",
                        "schema": {"type": "string", "enum": ["a", "b"]},
                    },
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}
                        }
                    },
                    "404": {"description": "None"},
                },
            },
            "post": {
                "operationId": "things_change",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Change"}}
                    }
                },
                "responses": {"204": {"description": "Done"}},
            },
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["id", "state"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "state": {"allOf": [{"$ref": "#/components/schemas/State"}], "readOnly": True},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                    "size": {"type": "integer", "nullable": True},
                },
            },
            "State": {"type": "string", "enum": ["new", "old"]},
            "Change": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "maxLength": 50},
                    "count": {"type": "integer", "minimum": 1, "nullable": True},
                    "state": {"$ref": "#/components/schemas/State"},
                },
            },
        }
    },
}


def _get(d: Any) -> Any:
    return d["paths"]["/things/{id}/"]["get"]


def _post(d: Any) -> Any:
    return d["paths"]["/things/{id}/"]["post"]


def _schema(d: Any, name: str) -> Any:
    return d["components"]["schemas"][name]


def _properties(d: Any, name: str) -> Any:
    return _schema(d, name)["properties"]


def _set_schema(parameter: Any, **schema: str) -> None:
    parameter["schema"] = {"type": "string"} | schema


BREAKS: dict[str, tuple[Change, str]] = {
    "path": (lambda d: d["paths"].clear(), "/things/{id}/: removed"),
    "method": (
        lambda d: d["paths"]["/things/{id}/"].pop("post"),
        "POST /things/{id}/: removed",
    ),
    "operation's name": (lambda d: _get(d).update(operationId="x"), "operationId changed"),
    "sign-in": (lambda d: _get(d).update(security=[{"token": []}]), "needs a sign-in now"),
    "parameter": (lambda d: _get(d)["parameters"].pop(), "order removed"),
    "choice": (lambda d: _get(d)["parameters"][1]["schema"]["enum"].pop(), "takes less: ['b']"),
    "required parameter": (
        lambda d: _get(d)["parameters"][1].update(required=True),
        "order is required now",
    ),
    "answer": (lambda d: _get(d)["responses"].pop("200"), "answer 200 removed"),
    "kind of answer": (
        lambda d: _get(d)["responses"]["200"]["content"].clear(),
        "application/json of answer 200 removed",
    ),
    "member of an answer": (lambda d: _properties(d, "Thing").pop("size"), ".size: removed"),
    "member that may be missing": (
        lambda d: _schema(d, "Thing")["required"].remove("state"),
        ".state: may be missing now",
    ),
    "null in an answer": (
        lambda d: _properties(d, "Thing")["id"].update(nullable=True),
        ".id: may be null now",
    ),
    "type of an answer": (
        lambda d: _properties(d, "Thing")["parts"]["items"].update({"$ref": "#/c/s/State"}),
        ".parts[]: type changed",
    ),
    "kind of body": (
        lambda d: _post(d)["requestBody"]["content"].clear(),
        "application/json is not taken any more",
    ),
    "required body": (
        lambda d: _post(d)["requestBody"].update(required=True),
        "a body is required now",
    ),
    "member of a body": (lambda d: _properties(d, "Change").pop("name"), ".name: removed"),
    "required member": (
        lambda d: _schema(d, "Change").update(required=["name"]),
        ".name: is required now",
    ),
    "shorter": (
        lambda d: _properties(d, "Change")["name"].update(maxLength=49),
        ".name: maxLength is 49 now",
    ),
    "higher": (lambda d: _properties(d, "Change")["count"].update(minimum=2), "minimum is 2 now"),
    "pattern": (
        lambda d: _properties(d, "Change")["name"].update(pattern="^a$"),
        "pattern changed",
    ),
    "pattern that a choice does not match": (
        lambda d: _set_schema(_get(d)["parameters"][1], pattern="^a(,a)*$"),
        "order: pattern changed",
    ),
    "null in a body": (
        lambda d: _properties(d, "Change")["count"].pop("nullable"),
        ".count: may not be null any more",
    ),
    "choice in a body": (lambda d: _schema(d, "State")["enum"].pop(), "takes less: ['old']"),
}


@pytest.mark.parametrize("case", BREAKS)
def test_break_is_found_and_named(case: str) -> None:
    change, said = BREAKS[case]
    new = copy.deepcopy(DOCUMENT)
    change(new)
    found = breaks(DOCUMENT, new)
    assert any(said in sentence for sentence in found), found


FINE: dict[str, Change] = {
    "nothing": lambda d: None,
    "path": lambda d: d["paths"].update({"/more/": copy.deepcopy(d["paths"]["/things/{id}/"])}),
    "parameter": lambda d: _get(d)["parameters"].append(
        {"in": "query", "name": "more", "schema": {"type": "string"}}
    ),
    "no sign-in": lambda d: _post(d).update(security=[{}]),
    "member of an answer": lambda d: _properties(d, "Thing").update(more={"type": "string"}),
    "member of a body": lambda d: _properties(d, "Change").update(more={"type": "string"}),
    "longer": lambda d: _properties(d, "Change")["name"].update(maxLength=51),
    "choice": lambda d: _schema(d, "State")["enum"].append("newer"),
    "pattern that all choices match": lambda d: _set_schema(
        _get(d)["parameters"][1], pattern="^(a|b)(,(a|b))*$"
    ),
    "words": lambda d: _get(d).update(description="Better words"),
    "always there": lambda d: _schema(d, "Thing")["required"].append("size"),
    "never null": lambda d: _properties(d, "Thing")["size"].pop("nullable"),
    "another error": lambda d: _get(d)["responses"].update({"409": {"description": "Not now"}}),
}


@pytest.mark.parametrize("case", FINE)
def test_what_is_added_or_widened_is_no_break(case: str) -> None:
    new = copy.deepcopy(DOCUMENT)
    FINE[case](new)
    assert breaks(DOCUMENT, new) == []


@pytest.mark.parametrize(
    ("old", "new", "says_so"),
    [
        ("0.1.0", "0.1.1", False),
        ("0.1.0", "0.2.0", True),
        ("0.1.0", "1.0.0", True),
        ("1.2.3", "1.3.0", False),
        ("1.2.3", "2.0.0", True),
        ("1.9.0", "1.10.0", False),
        ("2.0.0", "1.0.0", False),
    ],
)
def test_which_version_says_that_something_broke(old: str, new: str, says_so: bool) -> None:
    assert may_break(old, new) is says_so
