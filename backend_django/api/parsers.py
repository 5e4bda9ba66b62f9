"""JSON bodies, read strictly: what would be guessed, cut or choked on elsewhere is refused here."""

import json
import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext as _
from rest_framework import parsers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from backend_django.utils.errors import TooLarge
from backend_django.utils.messages import Message
from backend_django.utils.nesting import is_too_deep

from .strict import check_members


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def check_form_was_read(request: Request) -> None:
    """Raise ParseError for a form that has bytes, of which none could be read as a part of it."""
    boundary = parse_header_parameters(request.content_type)[1].get("boundary")
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if boundary and not request.data and length > len(f"\r\n--{boundary}--\r\n"):
        raise ParseError(_("The body has no part that can be read."))


class JSONParser(parsers.BaseParser):
    """JSON of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes, in UTF-8, whose members the view knows.

    Refuses with 413 what is larger; with 400 what is not JSON (NaN, trailing text), nested too
    deeply, not Unicode (lone surrogates), and members that the view's serializer does not have or
    that are of another JSON type: `{"name": 1}` is no name. The view's serializer is its
    `request_serializer_class`, or else what a generic view has.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(
                Message(
                    "The body is larger than the %(limit)s bytes that are allowed.", limit=limit
                )
            )
        try:
            data = json.loads(
                raw.decode(),
                parse_float=_finite,
                parse_constant=_no_constant,
                object_pairs_hook=_unique,
            )
            if b"\\u" in raw:
                json.dumps(data, ensure_ascii=False).encode()
        except UnicodeError as error:
            raise ParseError(_("The body is not UTF-8 text.")) from error
        except RecursionError as error:
            raise ParseError(_("The body is nested too deeply.")) from error
        except ValueError as error:
            raise ParseError(_("The body is not JSON: %(reason)s.") % {"reason": error}) from error
        if is_too_deep(data):
            raise ParseError(_("The body is nested too deeply."))
        view = (parser_context or {}).get("view")
        reads = getattr(view, "request_serializer_class", None)
        if reads is None and hasattr(view, "get_serializer_class"):
            reads = view.get_serializer_class()  # type: ignore[union-attr]
        if isinstance(data, dict) and reads is not None:
            check_members(reads(), data)
        return data
