"""Collect the messages of the server for translation, and compile the translations.

`make messages` writes `backend_django/<app>/locale/<language>/LC_MESSAGES/django.po` for each
application that has a `locale` folder, and the .mo beside it, which is what Django reads: both are
committed, so that nothing needs to be compiled where the product runs. Babel reads and writes the
catalogues; what is a message is decided here, from the syntax tree.
"""

import argparse
import ast
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from scripts.environment import ROOT

BACKEND = ROOT / "backend_django"
# Which arguments of a call are messages; two are singular and plural.
GETTEXT = {"_": 1, "gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "lazy": 1,
           "ngettext": 2, "ngettext_lazy": 2}  # fmt: skip
COMPOSED = {"Message": 1, "counted": 2}  # utils/messages.py
# Errors whose message is translated when it is read: after the code, or first.
ERRORS_AFTER_CODE = {"ProcessingError"}
ERRORS = {"AddressRefused", "Conflict", "Denied", "FileGone", "Invalid", "LimitReached", "NotFound",
          "ResponseTooLarge", "ServiceError", "ServiceUnavailable", "StorageFull",
          "StorageUnavailable", "TooLarge"}  # fmt: skip
CLASS_MESSAGES = {"message", "title"}
PLACE = re.compile(r"%\((\w+)\)s")
NO_SOURCES = {"locale", "migrations", "tests", "management"}
TAG = re.compile(r"{%-?\s*(.*?)\s*-?%}", re.DOTALL)
QUOTED = re.compile(r"""translate\s+(?:"([^"]*)"|'([^']*)')""")


class Translation(Catalog):
    """A catalogue that says nothing of when, by whom and with what: each would be a difference."""

    def __init__(self, language: str) -> None:
        super().__init__(language, header_comment="# Written by `make messages`.", fuzzy=False)

    @property
    def _headers(self) -> list[tuple[str, str]]:
        kept = {"Language", "Plural-Forms", "MIME-Version", "Content-Type",
                "Content-Transfer-Encoding"}  # fmt: skip
        return [header for header in self._get_mime_headers() if header[0] in kept]

    mime_headers = property(lambda self: self._headers, Catalog._set_mime_headers)


class Found(NamedTuple):
    """A message in a source."""

    id: str | tuple[str, str]
    place: str


def applications() -> list[Path]:
    """Return the folders that have translations: the applications', and that of the templates."""
    return sorted(path.parent for path in [BACKEND / "locale", *BACKEND.glob("*/locale")])


def messages_of(folder: Path) -> Iterator[Found]:
    """Give the messages of an application, in the order of its sources.

    Raises:
        SyntaxError: one cannot be collected, as it is composed before it is marked.
    """
    if folder == BACKEND:
        for path in sorted((BACKEND / "templates").rglob("*.*")):
            yield from _in_template(path)
        return
    for path in sorted(folder.rglob("*.py")):
        if not NO_SOURCES & set(path.relative_to(folder).parts):
            yield from in_source(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    for path in sorted((folder / "templates").rglob("*.*")):
        yield from _in_template(path)
    yield from _names_of_models(folder)


def _names_of_models(folder: Path) -> Iterator[Found]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend_django.config.settings.test")
    import django
    from django.apps import apps

    if not apps.ready:
        os.environ.setdefault("TEST_APPS", "")
        django.setup()
    from backend_django.utils.model_names import model_names

    for config in apps.get_app_configs():
        if Path(config.path) == folder:
            yield from (
                Found(name, f"{folder.relative_to(ROOT)}/models.py") for name in model_names(config)
            )


def in_source(text: str, place: str) -> Iterator[Found]:
    """Give the messages of a Python source."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            yield from _of_class(node, place)
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name == "Input":  # of a processor
            label = [each.value for each in node.keywords if each.arg == "label"]
            yield from (Found(text, place) for each in label for text in _texts(each, place, False))
            continue
        if name in ERRORS_AFTER_CODE:
            wanted, first, strict = 1, 1, False
        elif name in ERRORS:
            wanted, first, strict = 1, 0, False
        else:
            wanted, first, strict = (GETTEXT | COMPOSED).get(name, 0), 0, True
        arguments = node.args[first : first + wanted]
        if not arguments or len(arguments) < wanted:
            continue
        for texts in zip(*(_texts(each, place, strict) for each in arguments), strict=False):
            yield Found(texts[0] if wanted == 1 else texts[:2], place)


def _texts(node: ast.expr, place: str, strict: bool) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, place, strict), *_texts(node.orelse, place, strict)]
    if strict and isinstance(node, ast.JoinedStr):
        raise SyntaxError(f"{place}:{node.lineno}: name its values, %(name)s, and give them apart")
    return []


def _of_class(node: ast.ClassDef, place: str) -> Iterator[Found]:
    """Give the default messages of errors, and the titles of kinds of requests."""
    for line in node.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) in CLASS_MESSAGES:
            yield from (Found(text, place) for text in _texts(line.value, place, strict=False))


def _in_template(path: Path) -> Iterator[Found]:
    text, place = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
    for quoted in QUOTED.finditer(text):
        yield Found(quoted[1] or quoted[2], place)
    blocks = r"{%\s*blocktranslate\b[^%]*%}(.*?){%\s*endblocktranslate\s*%}"
    for block in re.finditer(blocks, text, re.DOTALL):
        parts = re.split(r"{%\s*plural\s*%}", block[1])
        texts = [re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", part) for part in parts]
        yield Found(texts[0] if len(texts) == 1 else (texts[0], texts[1]), place)


def catalogue(folder: Path, language: str) -> Path:
    """Return where the translation of an application is."""
    return folder / "locale" / language / "LC_MESSAGES" / "django.po"


def languages() -> list[str]:
    """Return the languages that there are catalogues of."""
    return sorted({path.name for each in applications() for path in (each / "locale").iterdir()})


def read(path: Path, language: str) -> Catalog:
    """Return a catalogue; an empty one when there is none yet."""
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def collect_catalogue(folder: Path, language: str) -> Catalog:
    """Return a catalogue with what is in the sources now, and nothing else."""
    old = read(catalogue(folder, language), language)
    new = Translation(language)
    places: dict[str | tuple[str, str], list[str]] = {}
    for message_id, place in messages_of(folder):
        known = next(
            (each for each in places if _singular(each) == _singular(message_id)), message_id
        )
        places.setdefault(known, [])
        if place not in places[known]:
            places[known].append(place)
    for message_id, found in places.items():
        before = old.get(_singular(message_id))
        text = before.string if before else None
        if isinstance(message_id, tuple) != isinstance(text, (tuple, list)):
            text = None
        new.add(message_id, text or "", locations=[(place, 0) for place in found])
    return new


def _singular(message_id: str | tuple[str, ...] | list[str]) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


def compile_catalogue(catalog: Catalog) -> tuple[bytes, bytes]:
    """Return the contents of the .po and of the .mo of a catalogue."""
    source, compiled = io.BytesIO(), io.BytesIO()
    write_po(source, catalog, width=96, omit_header=False, include_lineno=False)
    write_mo(compiled, catalog)
    return source.getvalue(), compiled.getvalue()


def problems(catalog: Catalog, place: str) -> Iterator[str]:
    """Say what a translation lacks, in sentences for whoever has changed a message."""
    for message in catalog:
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string or [])
        if not texts or not all(texts):
            yield f"{place}: “{ids[0]}” is not translated"
        elif message.fuzzy:
            yield f"{place}: “{ids[0]}” is marked as fuzzy: look at it, and remove the mark"
        else:
            wanted = {name for each in ids for name in PLACE.findall(each)}
            if any(set(PLACE.findall(text)) != wanted for text in texts):
                yield f"{place}: “{texts[0]}” has other values than “{ids[0]}”"


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    missing: list[str] = []
    for folder in applications():
        for language in languages():
            path = catalogue(folder, language)
            catalog = collect_catalogue(folder, language)
            source, compiled = compile_catalogue(catalog)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source)
            path.with_suffix(".mo").write_bytes(compiled)
            missing += problems(catalog, str(path.relative_to(ROOT)))
    print("\n".join(missing) or "Every message is translated.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
