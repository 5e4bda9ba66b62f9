"""The server's translations: complete, of what the sources say now, and of all that they say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from backend_django.pages.views import page_values
from scripts.messages import (
    ERRORS,
    applications,
    catalogue,
    collect_catalogue,
    compile_catalogue,
    languages,
    problems,
)

ROOT = Path(__file__).resolve().parents[1]
# Raised by views and serializers, which is where gettext belongs.
OF_VIEWS = {"ValidationError", "ParseError", "PermissionDenied", "AuthenticationFailed"}
CATALOGUES = [(folder, language) for folder in applications() for language in languages()]


@pytest.mark.parametrize(("folder", "language"), CATALOGUES, ids=lambda value: Path(value).name)
def test_catalogue_is_complete_and_current(folder: Path, language: str) -> None:
    path = catalogue(folder, language)
    assert path.exists(), "run `make messages`"
    catalog = collect_catalogue(folder, language)
    assert [*problems(catalog, path.parts[-5])] == []
    source, compiled = compile_catalogue(catalog)
    assert path.read_bytes() == source, f"{path} is not current: run `make messages`"
    assert path.with_suffix(".mo").read_bytes() == compiled, "run `make messages`"


@pytest.mark.parametrize("folder", applications(), ids=lambda folder: folder.name)
def test_catalogue_is_used(folder: Path) -> None:
    for message in collect_catalogue(folder, "de"):
        if isinstance(message.id, str) and message.id:
            with translation.override("de"):
                assert gettext(message.id) == message.string


def test_page_has_the_languages_of_the_server() -> None:
    source = (ROOT / "frontend_vue/src/i18n/locales.ts").read_text(encoding="utf-8")
    declared = re.search(r"LOCALES = \{(.*?)\}", source)
    assert declared
    assert re.findall(r"(\w+):", declared[1]) == list(dict(settings.LANGUAGES))
    assert page_values()["LANGUAGES"].split(",") == list(dict(settings.LANGUAGES))


def unmarked(text: str) -> Iterator[int]:
    """Give the lines of messages that could not be translated as they are written."""
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        first = node.args[1 if name == "ProcessingError" and len(node.args) > 1 else 0]
        composed = isinstance(first, ast.JoinedStr)
        if composed and name in {"ProcessingError", *ERRORS}:
            yield node.lineno
        if name in OF_VIEWS and (composed or isinstance(first, ast.Constant)):
            yield node.lineno


def test_unmarked_messages_are_found() -> None:
    found = unmarked('ProcessingError("a", f"{b} c")\nConflict(f"{b}")\nValidationError("No.")')
    assert [*found] == [1, 2, 3]
    assert not [*unmarked('ProcessingError("a", "b")\nValidationError(_("No."))\nConflict("No.")')]


def test_every_message_is_marked() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in applications()
        if folder.name != "backend_django"
        for path in folder.rglob("*.py")
        if not {"tests", "migrations", "management"} & set(path.parts)
        for line in unmarked(path.read_text(encoding="utf-8"))
    ]
    assert found == []
