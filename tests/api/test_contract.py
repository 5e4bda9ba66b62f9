"""The OpenAPI document is what the page's types are made from: it must be that of the code."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from backend_django.utils.features import PACKAGE
from tests.stack import ROOT

FRONTEND = ROOT / "frontend_vue"
COMMITTED = FRONTEND / "openapi.json"


def of_present_features(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out what belongs to a feature whose folder is gone: removing one is `rm -r`."""
    paths = {
        path: operations
        for path, operations in document["paths"].items()
        if path.split("/")[1] in {"auth", "requests", "usage", "version", "version-info"}
        or (PACKAGE / path.split("/")[1]).is_dir()
    }
    used, queue = {"Problem"}, [json.dumps(paths)]
    schemas = document["components"]["schemas"]
    while queue:
        text = queue.pop()
        for name in schemas:
            if name not in used and f'"#/components/schemas/{name}"' in text:
                used.add(name)
                queue.append(json.dumps(schemas[name]))
    return {"paths": paths, "schemas": {name: schemas[name] for name in used}}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document without the tests' own job."""
    target = tmp_path_factory.mktemp("schema") / "openapi.json"
    call_command(
        "spectacular", file=str(target), format="openapi-json", validate=True, fail_on_warn=True
    )
    document = json.loads(target.read_text())
    document["paths"] = {
        path: operations
        for path, operations in document["paths"].items()
        if not path.startswith("/wordcount/")
    }
    return document


def test_committed_document_is_that_of_the_code(generated: dict[str, Any]) -> None:
    committed = of_present_features(json.loads(COMMITTED.read_text()))
    assert committed == of_present_features(generated), "run `make schema` and commit the result"


def test_every_operation_documents_its_errors_as_problems(generated: dict[str, Any]) -> None:
    for path, operations in generated["paths"].items():
        for method, operation in operations.items():
            for code, answer in operation["responses"].items():
                if code.startswith(("4", "5")):
                    assert list(answer["content"]) == ["application/problem+json"], (path, method)


@pytest.mark.slow
def test_types_of_the_page_are_made_from_the_document(tmp_path: Path) -> None:
    made = tmp_path / "schema.d.ts"
    subprocess.run(
        [
            *(sys.executable, "-m", "scripts.node"),
            *("npx", "--no-install", "openapi-typescript", str(COMMITTED), "-o", str(made)),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert made.read_text() == (FRONTEND / "src/api/schema.d.ts").read_text(), "run `make schema`"
