"""What tests of the whole product need to know of this module."""

from typing import Any

from backend_django.processing.models import ProcessingRequest
from tests.fastapi.calls import call_as_page
from tests.fastapi.process import fastapi_beside

ADDRESSES = {  # by who may call them, in the words of tests/security/addresses.py
    "own": r"/fast/(summaries|lookups)/",
    "object": r"/fast/summaries/\{id\}/",
}
CALLS = {"/fast/": call_as_page}  # what is not Django's, by the beginning of its addresses
PROCESSES = {"/fast/": fastapi_beside}  # who answers there, beside a stack


def _summary(owner: Any) -> ProcessingRequest:
    return ProcessingRequest.objects.create(kind="summaries", owner=owner, name="a")


THINGS = {"/fast/summaries/": _summary}  # by a part of the addresses that name one
